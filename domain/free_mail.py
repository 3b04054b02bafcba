"""Domains at which anybody may have an address: two people there are no colleagues (docs/behaviour.md 7.3)."""

from __future__ import annotations

_NAMES = (
    "gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com rocketmail.com aol.com icloud.com "
    "me.com mac.com proton.me protonmail.com pm.me gmx.com gmx.net gmx.de gmx.at gmx.ch web.de freenet.de t-online.de arcor.de "
    "posteo.de mailbox.org mail.com email.com zoho.com zohomail.com fastmail.com fastmail.fm hey.com tutanota.com tuta.com "
    "hushmail.com yandex.ru yandex.com mail.ru bk.ru inbox.ru list.ru rambler.ru qq.com 163.com 126.com sina.com naver.com "
    "daum.net hanmail.net orange.fr wanadoo.fr free.fr sfr.fr laposte.net neuf.fr bbox.fr libero.it virgilio.it tin.it alice.it "
    "tiscali.it telefonica.net terra.es ono.com sapo.pt iol.pt clix.pt uol.com.br bol.com.br terra.com.br ig.com.br ziggo.nl "
    "kpnmail.nl kpnplanet.nl planet.nl xs4all.nl home.nl upcmail.nl telenet.be skynet.be bluewin.ch sunrise.ch telia.com "
    "comhem.se bredband.net online.no frisurf.no jubii.dk mail.dk wp.pl o2.pl onet.pl interia.pl seznam.cz centrum.cz "
    "btinternet.com virginmedia.com sky.com ntlworld.com talktalk.net comcast.net verizon.net att.net sbcglobal.net bellsouth.net "
    "cox.net charter.net earthlink.net shaw.ca rogers.com bigpond.com rediffmail.com"
)
FREE_MAIL = frozenset(_NAMES.split())

_FAMILIES = ("yahoo", "hotmail", "live", "outlook", "gmx", "ymail")
"""Names that are free mail under every country's ending (yahoo.co.uk, hotmail.fr)."""


def is_free_mail(domain: str) -> bool:
    """Whether a normalised domain gives addresses to anybody."""
    return domain in FREE_MAIL or domain.partition(".")[0] in _FAMILIES
