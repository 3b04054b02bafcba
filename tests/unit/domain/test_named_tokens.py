"""Tokens with names: read whole or refused, and never quoted."""

import pytest

from domain.named_tokens import acting, holder_of, parse_named_tokens

TWO = "kim:one-long-word, board:another-long-word"


def test_the_holder_is_found_by_the_whole_token() -> None:
    tokens = parse_named_tokens(TWO)
    assert holder_of("another-long-word", tokens) == "board"
    assert holder_of("another-long-wor", tokens) is None
    assert holder_of("\udcff", tokens) is None


@pytest.mark.parametrize("text", ["kim", "kim:short", ":one-long-word", "a b:one-long-word", f"{TWO},kim:third-long-word",
                                  f"{TWO},max:one-long-word", "kim:one long word"])  # fmt: skip
def test_what_is_no_list_of_tokens_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_named_tokens(text)
    assert "word" not in str(refused.value)


def test_who_acts_is_the_token_and_whom_it_acts_for() -> None:
    assert [acting(None, None), acting("kim", None), acting(None, "crm"), acting("kim", "crm"), acting("crm", "crm")] == [
        "api", "kim", "crm", "kim via crm", "crm",
    ]  # fmt: skip
