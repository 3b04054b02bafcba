"""Every metric of the stream layer in one list: its kind, its meaning, and what to do when it looks wrong."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

BATCHES = Counter(
    "touchline_batches_total",
    "Batches that were flushed. Standing still while lag grows: look at the retries and at the log.",
    ["role"],
)
EVENTS = Counter(
    "touchline_events_total",
    "Events on the broker. Flat while lag grows: look at the retries and at the log.",
    ["role"],
)
BATCH_EVENTS = Histogram(
    "touchline_batch_events",
    "Events a batch. Near 500 for long: the role is behind, add workers.",
    ["role"],
    buckets=(1, 5, 20, 50, 100, 200, 500),
)
BATCH_SECONDS = Histogram(
    "touchline_batch_seconds",
    "From the first event to the acknowledgement of the last record. Seconds: look at Postgres and at the flushes.",
    ["role"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
FLUSH_SECONDS = Histogram(
    "touchline_flush_seconds",
    "Three acknowledged stages. Rising: the brokers are slow or far away.",
    ["role"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
RETRIES = Counter(
    "touchline_retries_total",
    "Times a batch was tried again because infrastructure was away. Growing: the log names what is away.",
    ["role"],
)
ABANDONED = Counter(
    "touchline_batches_abandoned_total",
    "Batches left to the next owner in a rebalance. Many: workers come and go too often.",
    ["role"],
)
DEAD_LETTERS = Counter(
    "touchline_dead_letters_total",
    "Events set aside. `touchline dlq list` shows them, `touchline dlq replay` puts them back.",
    ["role", "topic", "reason"],
)
TICKS_REFUSED = Counter(
    "touchline_ticks_refused_total",
    "Ticks more than 60 s ahead of Postgres. Any: set the clock of the machine that makes them.",
    ["role"],
)
REBALANCES = Counter(
    "touchline_rebalances_total", "Completed rebalances. Many: workers crash or are too slow to heartbeat.", ["role"]
)
RECOVERY_SECONDS = Gauge(
    "touchline_recovery_seconds",
    "Length of the last recovery, from assignment to the first event. Over 30: fewer partitions a worker, so more workers.",
    ["role"],
)
PARTITIONS = Gauge(
    "touchline_partitions", "Partitions this worker owns. Zero for long: more workers than partitions.", ["role"]
)
TABLE_KEYS = Gauge(
    "touchline_table_keys",
    "Keys in a table on this worker: its memory. Near what the machine has: add workers.",
    ["role", "table"],
)

ALL = (
    BATCHES,
    EVENTS,
    BATCH_EVENTS,
    BATCH_SECONDS,
    FLUSH_SECONDS,
    RETRIES,
    ABANDONED,
    DEAD_LETTERS,
    TICKS_REFUSED,
    REBALANCES,
    RECOVERY_SECONDS,
    PARTITIONS,
    TABLE_KEYS,
)
