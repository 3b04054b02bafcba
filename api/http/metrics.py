"""Metrics of the API: each with its meaning, and what to do when it looks wrong."""

from prometheus_client import Counter, Gauge

HITS = Counter(
    "touchline_hits_total",
    "Pixel, click and unsubscribe requests with a true token, by kind. None while mail goes out: check TOUCHLINE_PUBLIC_URL.",
    ["kind"],
)
HITS_FORGED = Counter(
    "touchline_hits_forged_total",
    "Requests with a token that is none of ours. Many: somebody probes, or a key was lost.",
)
HITS_WAITING = Gauge("touchline_hits_waiting", "Hits in memory, not yet on Kafka. Growing: Kafka is away or slow.")
HITS_DROPPED = Counter(
    "touchline_hits_dropped_total",
    "Hits lost because too many waited. Any: Kafka was away for too long, start more APIs.",
)
HITS_REFUSED = Counter(
    "touchline_hits_refused_total", "Hits that no topic takes, each lost alone. Any: the log names the lead and why."
)
UNSUBSCRIBES = Counter(
    "touchline_unsubscribes_total",
    "Suppressions committed through the page or one click. A jump after a launch: look at the audience and the text.",
    ["scope"],
)
UNSUBSCRIBES_AWAY = Counter(
    "touchline_unsubscribes_not_stored_total",
    "Unsubscribes answered with 503 because Postgres did not take them. Any: bring it back, people are told to come again.",
)
UNSUBSCRIBES_TAKEN_BACK = Counter(
    "touchline_unsubscribes_taken_back_total",
    "Choices that people took back on the page. Many: the page, or a mail client's one click, is pressed by mistake.",
)
WEBHOOKS = Counter(
    "touchline_webhooks_total",
    "Webhook calls by provider and answer. Many 401: check the secret and the clock; 400: the log's webhook_refused says why.",
    ["provider", "status"],
)

SMS = Counter(
    "touchline_sms_calls_total",
    "Calls of SMS providers, by what they tell (inbound, status) and answer. Many 404: an address was copied wrongly.",
    ["kind", "status"],
)

ALL = (
    HITS,
    HITS_FORGED,
    HITS_WAITING,
    HITS_DROPPED,
    HITS_REFUSED,
    UNSUBSCRIBES,
    UNSUBSCRIBES_AWAY,
    UNSUBSCRIBES_TAKEN_BACK,
    WEBHOOKS,
    SMS,
)
"""The API's part of the list."""
