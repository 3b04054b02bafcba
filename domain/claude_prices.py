"""What Claude's tokens cost: prices by setting, the cost of a call, and what a call may cost at most."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

CACHE_READ = 0.1
"""Of the price of an input token, what one costs that was read from the prompt cache ..."""
CACHE_WRITE = 1.25
"""... and one that was written there (for five minutes)."""
CHARACTERS_A_TOKEN = 2.5
"""For an upper estimate of our own instructions, which are English: that has about four."""


class Price(NamedTuple):
    """USD per million tokens."""

    input: float
    output: float


class Usage(NamedTuple):
    """Tokens of one call, as the API counts them."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def cost(self, price: Price | None) -> float:
        """USD; 0 where the price is not known."""
        if price is None:
            return 0.0
        read = self.input + self.cache_read * CACHE_READ + self.cache_write * CACHE_WRITE
        return (read * price.input + self.output * price.output) / 1_000_000


def most(instructions: int, data: str, max_tokens: int, price: Price | None) -> float:
    """What a call may cost at most, in USD: with so many characters of our own, and what strangers wrote. No token is shorter
    than a byte, and some scripts come near that.
    """
    given = math.ceil(instructions / CHARACTERS_A_TOKEN) + len(data.encode("utf-8", "replace"))
    return Usage(input=given, output=max_tokens).cost(price)


def parse_prices(text: str) -> dict[str, Price]:
    """`MODEL=INPUT/OUTPUT,...` in USD per million tokens. Raises ValueError that names what cannot be read."""
    prices: dict[str, Price] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        model, _, amounts = part.partition("=")
        given, slash, made = amounts.partition("/")
        try:
            price = Price(float(given), float(made))
        except ValueError:
            price = None
        if (
            not model
            or not slash
            or price is None
            or not all(math.isfinite(amount) and amount >= 0 for amount in price)
        ):
            raise ValueError(f"{part!r} is not MODEL=INPUT/OUTPUT, in USD per million tokens")
        prices[model] = price
    return prices


def price_of(model: str, prices: Mapping[str, Price]) -> Price | None:
    """A model's price: by its name, else by the longest name that it begins with (`claude-haiku-4-5-20251001`)."""
    names = sorted((name for name in prices if model == name or model.startswith(name + "-")), key=len)
    return prices[names[-1]] if names else None
