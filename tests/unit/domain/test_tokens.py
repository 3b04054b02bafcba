"""Tokens in mail and links: ours are read, nobody else's are (design: Identity; behaviour 5.1)."""

import base64
import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.tokens import (
    InvalidKeys,
    LinkToken,
    TokenKeys,
    address_key,
    lead_key,
    link_token,
    mail_token,
    read_link_token,
    read_mail_token,
)


def secret(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


ONE = TokenKeys.parse(f"k1:{secret('a')}")
OTHER = TokenKeys.parse(f"k1:{secret('b')}")
ROTATED = TokenKeys.parse(f"k2:{secret('c')},k1:{secret('a')},hash:{secret('a')}")
IDENTIFIERS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=60)
LINKS = st.builds(
    LinkToken,
    kind=st.sampled_from(["open", "click", "unsubscribe"]),
    lead_id=IDENTIFIERS,
    campaign_id=IDENTIFIERS,
    step_id=IDENTIFIERS,
    entry_no=st.integers(1, 10_000),
    url=st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=200),
)
CLICK = LinkToken("click", "lead-1", "spring", "intro", 1, "https://sender.example/?a=1&b=ü")


@given(send_id=st.uuids())
def test_a_mail_token_is_short_plain_and_read_in_any_case(send_id: UUID) -> None:
    token = mail_token(ONE, send_id)
    assert re.fullmatch(r"[a-z0-9-]{42,45}", token)
    assert read_mail_token(ONE, token) == read_mail_token(ONE, token.upper()) == send_id


@pytest.mark.parametrize(("key_id", "length"), [("k1", 42), ("key12", 45)])
def test_a_mail_token_has_42_to_45_characters(key_id: str, length: int) -> None:
    keys = TokenKeys.parse(f"{key_id}:{secret('a')}")
    token = mail_token(keys, UUID(int=1))
    assert len(token) == length
    assert len(f"unsubscribe+{token}") <= 64


@given(send_id=st.uuids(), position=st.integers(0, 41), letter=st.sampled_from("abcdefghijklmnopqrstuvwxyz234567-"))
def test_a_mail_token_with_another_letter_is_none(send_id: UUID, position: int, letter: str) -> None:
    token = mail_token(ONE, send_id)
    changed = token[:position] + letter + token[position + 1 :]
    assert read_mail_token(ONE, changed) == (send_id if changed == token else None)


@pytest.mark.parametrize("number", range(8))
def test_one_touch_has_one_token(number: int) -> None:
    """The last characters carry bits that mean nothing: only one spelling of them is read."""
    token = mail_token(ONE, UUID(int=number))
    read = [last for last in "abcdefghijklmnopqrstuvwxyz234567" if read_mail_token(ONE, token[:-1] + last)]
    assert read == [token[-1]]
    link = link_token(ONE, LinkToken("open", "l" * number, "c", "s"))
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert [last for last in letters if read_link_token(ONE, link[:-1] + last)] == [link[-1]]


@given(send_id=st.uuids(), cut=st.integers(0, 41))
def test_a_truncated_or_longer_token_is_none(send_id: UUID, cut: int) -> None:
    token = mail_token(ONE, send_id)
    assert read_mail_token(ONE, token[:cut]) is None
    assert read_mail_token(ONE, token + token[:1]) is None


@given(text=st.text(max_size=60))
def test_no_other_text_is_a_token(text: str) -> None:
    assert read_mail_token(ONE, text) is None
    assert read_link_token(ONE, text) is None


@given(send_id=st.uuids(), link=LINKS)
def test_tokens_of_other_keys_are_none(send_id: UUID, link: LinkToken) -> None:
    assert read_mail_token(OTHER, mail_token(ONE, send_id)) is None
    assert read_link_token(OTHER, link_token(ONE, link)) is None


@given(link=LINKS)
def test_a_link_token_is_read_as_it_was_made(link: LinkToken) -> None:
    token = link_token(ONE, link)
    assert re.fullmatch(r"[A-Za-z0-9._-]+", token)
    assert read_link_token(ONE, token) == link
    assert link_token(ONE, link) == token


@given(link=LINKS, data=st.data())
def test_a_link_token_with_another_letter_is_none(link: LinkToken, data: st.DataObject) -> None:
    token = link_token(ONE, link)
    position = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n"))
    changed = token[:position] + letter + token[position + 1 :]
    assert read_link_token(ONE, changed) == (link if changed == token else None)
    assert read_link_token(ONE, token[:position]) is None
    assert read_link_token(ONE, token + letter) is None


def test_a_link_token_in_another_case_is_none() -> None:
    token = link_token(ONE, CLICK)
    assert read_link_token(ONE, token.swapcase()) is None
    assert read_link_token(ONE, token.upper()) is None


def test_a_link_token_hides_what_it_is_about() -> None:
    sealed = base64.urlsafe_b64decode(link_token(ONE, CLICK).partition(".")[2] + "==")
    assert b"lead-1" not in sealed
    assert b"sender.example" not in sealed


def test_an_old_key_still_reads_while_the_new_one_seals() -> None:
    send_id = UUID(int=7)
    assert read_mail_token(ROTATED, mail_token(ONE, send_id)) == send_id
    assert read_link_token(ROTATED, link_token(ONE, CLICK)) == CLICK
    assert mail_token(ROTATED, send_id).startswith("k2-")
    assert link_token(ROTATED, CLICK).startswith("k2.")
    assert read_mail_token(ONE, mail_token(ROTATED, send_id)) is None


def test_hashed_addresses_are_the_same_after_a_rotation() -> None:
    before = address_key(ONE.hash_secret, "Lead.One@Riad.Example ")
    assert address_key(ROTATED.hash_secret, "lead.one@riad.example") == before
    assert lead_key(ROTATED.hash_secret, "lead-1") == lead_key(ONE.hash_secret, "lead-1")
    assert lead_key(ONE.hash_secret, "lead.one@riad.example") != before
    assert address_key(OTHER.hash_secret, "lead.one@riad.example") != before


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "k1",
        "k1:",
        "k1:short",
        f"k1:{base64.b64encode(b'x' * 31).decode()}",
        f"K1:{secret('a')}",
        f"k:{secret('a')}",
        f"toolong:{secret('a')}",
        f"k1:{secret('a')},k1:{secret('b')}",
        f"k1:{secret('a')},k2:{secret('b')}",
        f"hash:{secret('a')}",
        "k1:" + secret("a")[:-1] + "!",
    ],
)
def test_unusable_keys_are_refused_without_showing_them(text: str) -> None:
    with pytest.raises(InvalidKeys) as caught:
        TokenKeys.parse(text)
    assert secret("a") not in str(caught.value)


def test_keys_do_not_show_themselves() -> None:
    assert secret("a") not in repr(ONE)
    assert "aaaa" not in repr(ONE)
