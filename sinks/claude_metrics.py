"""Metrics of the calls to Claude: each with its meaning and what to do about it."""

from prometheus_client import Counter, Gauge

CALLS = Counter(
    "touchline_claude_calls_total",
    "Requests to Claude, by what for and by what came of them. Many overloaded or timeout: raise the key's limits.",
    ["purpose", "outcome"],
)
TOKENS = Counter(
    "touchline_claude_tokens_total",
    "Tokens as the API counts them: input, output, cache_read, cache_write. Jumping: somebody floods a mailbox.",
    ["purpose", "kind"],
)
USD = Counter(
    "touchline_claude_usd_total",
    "What the tokens cost by the prices in the settings. Rising fast: set a daily budget.",
    ["purpose"],
)
BREAKER_OPEN = Gauge(
    "touchline_claude_breaker_open",
    "Whether replies wait because Claude does not answer (1). For long: look at its status page; people get them in time.",
)
OVER_BUDGET = Counter(
    "touchline_claude_over_budget_total",
    "Requests that the daily budget did not allow. Any: people read these replies; raise the budget or wait for tomorrow.",
    ["purpose"],
)
ALL = (CALLS, TOKENS, USD, BREAKER_OPEN, OVER_BUDGET)
