"""Metrics of the replies role: each with its meaning and what to do about it."""

from prometheus_client import Counter, Histogram

MATCHES = Counter(
    "touchline_replies_matched_total",
    "Inbound mails by how they were matched. Many `none`: others' mail lands here, or token keys were lost.",
    ["matched_by"],
)
DISPOSITIONS = Counter(
    "touchline_replies_judged_total",
    "Verdicts told, by disposition and by who decided. Many `default`: the model is away; see the log.",
    ["disposition", "decided_by"],
)
NO_ANSWERS = Counter(
    "touchline_replies_model_no_answer_total",
    "Mails without a usable answer. overloaded, timeout: raise the limits; rejected: check key and model.",
    ["why"],
)
PUT_OFF = Counter(
    "touchline_replies_put_off_total",
    "Times a reply went on waiting because the model was away. Growing: look at touchline_claude_breaker_open and the log.",
    ["why"],
)
TOGETHER = Histogram(
    "touchline_replies_read_together",
    "Replies a request to the model. Always 1 while many wait: they are long, or TOUCHLINE_CLASSIFIER_BATCH is 1.",
    buckets=(1, 2, 3, 4, 6, 8, 10),
)
TO_VERDICT_SECONDS = Histogram(
    "touchline_replies_judge_seconds",
    "Wall seconds to judge a batch by rules, or one mail by the model. Seconds for `rules`: look at Postgres.",
    ["by"],
    buckets=(0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 20, 60),
)

ALL = (MATCHES, DISPOSITIONS, NO_ANSWERS, PUT_OFF, TOGETHER, TO_VERDICT_SECONDS)
