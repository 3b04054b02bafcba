"""Metrics of the writer: each with its meaning and what to do about it."""

from prometheus_client import Counter, Histogram

DRAFTS = Counter(
    "touchline_drafts_total",
    "Drafts by what became of the writing. Many `held`: read their reasons with `touchline drafts list --state held`.",
    ["outcome"],
)
PUT_OFF = Counter(
    "touchline_drafts_put_off_total",
    "Drafts put off, by reason. overloaded, timeout: raise the limits of the key; rejected: check key and model.",
    ["why"],
)
WRITE_SECONDS = Histogram(
    "touchline_draft_seconds",
    "Wall seconds to write one touch, drafts that were refused included. Minutes: the model is slow, or refused often.",
    buckets=(0.5, 1, 2, 5, 10, 20, 60, 180),
)

ALL = (DRAFTS, PUT_OFF, WRITE_SECONDS)
