"""Who caused a hit: a person, a privacy proxy, a scanner, or we ourselves (docs/behaviour.md 5.2).

The verdict is a repeatable judgement over a raw hit: it can be made again with a better table.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from schemas.tracking import Hit, Verdict

SCANNER_CLICK_S = 2.0
"""A click within so many seconds of the server's acceptance is a filter following every link. (Campaign time, in which
correspondents live too.)"""

_PREFETCH_AGENTS = re.compile(r"GoogleImageProxy|ggpht\.com|YahooMailProxy|via .*proxy|^Mozilla/5\.0$", re.IGNORECASE)
"""Proxies that fetch images whether or not anybody looks. Apple's Mail Privacy Protection says only `Mozilla/5.0`."""

_SCANNER_AGENTS = re.compile(
    r"bot\b|bot/|crawl|spider|scan|proofpoint|mimecast|barracuda|safelinks|urldefense|trendmicro|forcepoint|sophos|fortinet"
    r"|symantec|cloudmark|headless|phantomjs|curl/|wget/|python|aiohttp|httpx|go-http-client|java/|okhttp|libwww|axios"
    r"|node-fetch|monitor|preview|facebookexternalhit|whatsapp|skypeuripreview|bitdefender|virustotal|zscaler",
    re.IGNORECASE,
)

_PREFETCH_NETWORKS: tuple[IPv4Network | IPv6Network, ...] = tuple(
    map(ip_network, ("17.0.0.0/8", "66.102.0.0/20", "66.249.80.0/20", "74.125.208.0/20", "2620:149::/32"))
)
"""Apple, and Google's image proxy."""

_DATA_CENTRES: tuple[IPv4Network | IPv6Network, ...] = tuple(
    map(
        ip_network,
        (
            "3.0.0.0/9", "18.128.0.0/9", "34.192.0.0/10", "44.192.0.0/11", "52.0.0.0/10", "54.64.0.0/10",  # Amazon
            "20.0.0.0/10", "40.64.0.0/10", "52.96.0.0/12", "104.40.0.0/13",  # Microsoft
            "34.64.0.0/10", "35.184.0.0/13",  # Google Cloud
            "67.231.144.0/20", "148.163.128.0/19", "205.220.160.0/19",  # Proofpoint
            "91.220.42.0/24", "195.130.217.0/24", "205.139.110.0/23",  # Mimecast
            "64.235.144.0/20", "209.222.80.0/21",  # Barracuda
        ),
    )
)  # fmt: skip


def judge(hit: Hit, since_accepted_s: float | None, own_networks: frozenset[str] = frozenset()) -> Verdict:
    """The verdict on a hit. `since_accepted_s`: campaign seconds since the server took the message, None where unknown.

    `own_networks` are CIDR blocks that are the sender's own: a colleague looking is nobody's interest.
    """
    if _is_in(hit.network, own_networks):
        return "own"
    if hit.method == "HEAD" or not hit.user_agent or _SCANNER_AGENTS.search(hit.user_agent):
        return "scanner"
    if hit.type == "open" and (_PREFETCH_AGENTS.search(hit.user_agent) or _place(hit.network) == "prefetch"):
        return "prefetch"
    if _place(hit.network) == "data centre":
        return "scanner"
    if hit.type == "click" and since_accepted_s is not None and since_accepted_s < SCANNER_CLICK_S:
        return "scanner"
    return "human"


@lru_cache(maxsize=65_536)
def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _within(text: str, blocks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    network = _network(text) if text else None
    return network is not None and any(
        network.version == block.version and network.subnet_of(block)  # pyright: ignore[reportArgumentType]
        for block in blocks
    )


@lru_cache(maxsize=65_536)
def _place(network: str) -> str:
    """Which known kind of network a CIDR block lies in."""
    if _within(network, _PREFETCH_NETWORKS):
        return "prefetch"
    return "data centre" if _within(network, _DATA_CENTRES) else ""


def _is_in(network: str, blocks: frozenset[str]) -> bool:
    return bool(blocks) and _within(network, tuple(block for text in blocks if (block := _network(text)) is not None))
