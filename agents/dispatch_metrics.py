"""The metrics of the dispatch role: kind, meaning, and what to do when one looks wrong."""

from prometheus_client import Counter, Gauge, Histogram

GRANTED = Counter(
    "touchline_dispatch_granted_total",
    "Touches granted, by mailbox. One mailbox at rest: look at its pauses and caps.",
    ["mailbox"],
)
EVENTS = Counter(
    "touchline_dispatch_events_total",
    "What came in, by kind. `repeat` growing: an upstream worker crashes between its outputs and its state.",
    ["kind"],
)
WAITING = Gauge(
    "touchline_dispatch_waiting",
    "Touches that wait on this worker, by pool and limit in the way. One growing for long: raise it, or add mailboxes.",
    ["pool", "reason"],
)
OPEN = Gauge(
    "touchline_dispatch_open_grants",
    "Grants without an answer on this worker. Standing high: look at the sender and its mailboxes.",
)
LATENESS = Histogram(
    "touchline_dispatch_lateness_seconds",
    "From the instant a batch's first grant carries to its decision, in campaign time. Rising: this role is behind.",
    buckets=(0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 600, 3600),
)
NEXT = Gauge(
    "touchline_dispatch_next_seconds",
    "Campaign instant (seconds since 1970) at which the next limit or window frees; 0: none will. Past: look at the ticks.",
)
RESTED = Counter(
    "touchline_dispatch_mailboxes_rested_total",
    "Mailboxes paused for their bounces or complaints. Any: clean the list, then `touchline mailbox resume`.",
    ["reason"],
)
REBUILT = Gauge(
    "touchline_dispatch_rebuild_seconds",
    "Length of the last rebuild of the queues after a recovery. Over 30: spread pools over more workers.",
)

ALL = (GRANTED, EVENTS, WAITING, OPEN, LATENESS, NEXT, RESTED, REBUILT)
