"""Matching as mail really comes: addresses that servers changed, subjects in seven languages, ids that are garbage (7.2)."""

import time
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.replies.mail import Mail
from domain.replies.matching import bare_subject, base_subject, candidates, is_own_copy, token_in
from domain.tokens import TokenKeys, mail_token, read_mail_token

KEYS = TokenKeys.parse("k1:" + "A" * 43 + "=,ab12c:" + "C" * 43 + "=,hash:" + "A" * 43 + "=")
SECOND = TokenKeys.parse("ab12c:" + "C" * 43 + "=")
SEND = UUID(int=7)
TOKEN = mail_token(KEYS, SEND)


def read(text: str) -> UUID | None:
    return read_mail_token(KEYS, text)


@pytest.mark.parametrize(
    "local",
    [
        f"reply+{TOKEN}",
        f"REPLY+{TOKEN.upper()}",
        f"reply-{TOKEN}",
        f"reply={TOKEN}",
        f"reply%2b{TOKEN}",
        f"reply_{TOKEN}",
        TOKEN,
        f"unsubscribe+{TOKEN}",
        f"prvs=1234abcdef=reply+{TOKEN}",
        f"SRS0=ab12=XY=mail.example=reply+{TOKEN}",
        f"bounces+reply+{TOKEN}=mail.example",
        f"anna.berg+{TOKEN}",
        f"reply+{mail_token(SECOND, SEND)}",
    ],
)
def test_a_token_is_found_however_a_server_wrote_the_address(local: str) -> None:
    (first, *_) = candidates(Mail(recipients=(f"{local}@mail.example",)), read)
    assert (first.matched_by, first.send_id) == ("recipient_token", SEND)


@pytest.mark.parametrize(
    "local", [f"reply+{TOKEN}a", f"reply+{TOKEN[:-1]}", TOKEN.replace("k1-", "k2-"), "reply+", "", "-" * 300]
)
def test_what_is_no_whole_token_matches_nothing(local: str) -> None:
    assert candidates(Mail(recipients=(f"{local}@mail.example",)), read) == ()


def test_many_references_of_others_and_garbage_among_them_hide_no_token() -> None:
    garbage = ("", "@", "<<", "x" * 996, "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "a@b@c")
    references = (*garbage, *(f"{n}@corp.example" for n in range(90)), f"{TOKEN}@sender.example", "late@corp.example")
    found = candidates(Mail(references=references), read)
    assert (found[0].matched_by, found[0].send_id) == ("references", SEND)


@pytest.mark.parametrize(
    ("subject", "bare"),
    [
        ("Re: Rooms", "Rooms"),
        ("RE[2]: Rooms", "Rooms"),
        ("Re(3): Rooms", "Rooms"),
        ("Re^4: Rooms", "Rooms"),
        ("Re : Rooms", "Rooms"),
        ("RE\u00a0: Rooms", "Rooms"),
        ("Re\uff1aRooms", "Rooms"),
        ("Fwd: FW: Rooms", "Rooms"),
        ("Automatic reply: Rooms", "Rooms"),
        ("Out of Office: Rooms", "Rooms"),
        ("Réponse automatique : Rooms", "Rooms"),
        ("TR: RE: Rooms", "Rooms"),
        ("Rép : Rooms", "Rooms"),
        ("AW: WG: Rooms", "Rooms"),
        ("Antwort: Rooms", "Rooms"),
        ("Automatische Antwort: Rooms", "Rooms"),
        ("Abwesenheitsnotiz: Rooms", "Rooms"),
        ("RV: Rooms", "Rooms"),
        ("Respuesta automática: Rooms", "Rooms"),
        ("R: I: Rooms", "Rooms"),
        ("RIF: Rooms", "Rooms"),
        ("Risposta automatica: Rooms", "Rooms"),
        ("RES: ENC: Rooms", "Rooms"),
        ("Resposta automática: Rooms", "Rooms"),
        ("Antw: Rooms", "Rooms"),
        ("Automatisch antwoord: Rooms", "Rooms"),
        ("SV: VS: Rooms", "Rooms"),
        ("[EXTERNAL] Re: Rooms", "Rooms"),
        ("Re: [EXT] Rooms", "Rooms"),
        ("**EXTERN** AW: Rooms", "Rooms"),
        ("Review: Rooms", "Review: Rooms"),
        ("Reise: Rooms", "Reise: Rooms"),
        ("[Ticket 7] Rooms", "[Ticket 7] Rooms"),
        ("Rooms: Re: yours", "Rooms: Re: yours"),
        ("", ""),
    ],
)
def test_what_programs_put_before_a_subject_is_taken_off_and_nothing_else(subject: str, bare: str) -> None:
    assert bare_subject(subject) == bare
    assert base_subject(subject) == bare.lower()


@given(st.text(max_size=200))
def test_any_text_is_taken_as_a_local_part_and_as_a_subject(text: str) -> None:
    assert token_in(text, read) is None
    assert base_subject(f"Re: {text}") == base_subject(text)


@pytest.mark.parametrize(
    "text", ["re" + " " * 9_000, "re:" * 3_000 + "!", "[ext]" * 2_000, "\u200b" * 9_000, "a-" * 5_000, "a2" * 5_000]
)
def test_no_text_takes_long_to_match(text: str) -> None:
    started = time.process_time()
    base_subject(text)
    token_in(text, read)
    candidates(Mail(references=(text[:996],) * 100, recipients=(text[:300] + "@x",) * 50), read)
    assert time.process_time() - started < 0.5


def test_our_mail_that_a_list_gave_on_is_a_copy_of_ours_whoever_it_says_it_is_from() -> None:
    mail = Mail(message_id=f"{TOKEN}@sender.example", from_email="list@corp.example", headers={"list-id": "<l.corp>"})
    assert is_own_copy(mail, read)
    assert candidates(mail, read) == ()
