"""What Claude's tokens cost, by the prices in the settings."""

import pytest

from domain.claude_prices import Price, Usage, most, parse_prices, price_of
from streams.settings import SettingsError, load_settings


def test_a_call_costs_its_tokens_and_what_was_cached_less() -> None:
    usage = Usage(input=1_000_000, output=100_000, cache_read=1_000_000, cache_write=1_000_000)
    assert usage.cost(Price(1, 5)) == pytest.approx(1 + 0.5 + 0.1 + 1.25)
    assert usage.cost(None) == 0


def test_what_a_call_may_cost_is_more_than_it_does() -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 20
    assert most(len(text), "", 1500, Price(1, 5)) > Usage(input=len(text) // 3, output=1500).cost(Price(1, 5))


@pytest.mark.parametrize("text", ["よろしくお願いします。", "🧱🔥🏗️", "ὁ δεῖνα ἀπέθανεν", "བོད་ཡིག", "\ud800"])
def test_mail_in_any_script_costs_no_more_than_was_set_aside(text: str) -> None:
    """A character may be several tokens, a byte is one at most."""
    tokens = len(text.encode("utf-8", "replace"))
    assert most(0, text, 0, Price(1, 5)) >= Usage(input=tokens).cost(Price(1, 5))


@pytest.mark.parametrize("text", ["x", "x=1", "x=1/", "=1/2", "x=a/b", "x=-1/2", "x=nan/1", "x=inf/1", "x=1/2/3"])
def test_prices_that_cannot_be_read_are_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not MODEL=INPUT/OUTPUT"):
        parse_prices(f"good=1/5,{text}")


def test_a_model_of_a_date_has_the_price_of_its_name() -> None:
    prices = parse_prices(" claude-haiku-4-5=1/5, claude-haiku-4=0.8/4 ")
    assert price_of("claude-haiku-4-5-20251001", prices) == Price(1, 5)
    assert price_of("claude-haiku-4-5", prices) == Price(1, 5)
    assert price_of("claude-haiku-45", prices) is None
    assert price_of("another", prices) is None


def test_a_budget_without_the_models_price_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOUCHLINE_CLAUDE_DAILY_BUDGET_USD", "5")
    assert load_settings().claude_daily_budget_usd == 5
    monkeypatch.setenv("TOUCHLINE_CLASSIFIER_MODEL", "claude-next")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "TOUCHLINE_CLAUDE_PRICES: has no price of claude-next" in str(caught.value)
