"""Every metric of the sender in one list: its kind, its meaning, and what to do when it looks wrong."""

from __future__ import annotations

from functools import cache

from prometheus_client import Counter, Gauge, Histogram

INTAKE = Counter(
    "touchline_sender_intake_total",
    "Grants taken in, by what became of them: adopted, unused, finished (told again). Many unused: dispatch and ledger differ.",
    ["result"],
)
GATE = Counter(
    "touchline_gate_total",
    "Touches at the gate, by verdict. Many expired: the sender is behind. Any lost: a partition changed hands.",
    ["verdict"],
)
OUTCOMES = Counter(
    "touchline_send_outcomes_total",
    "Outcomes recorded. Any ambiguous: `touchline ambiguous list CAMPAIGN` shows them.",
    ["outcome"],
)
UNRECORDED = Counter(
    "touchline_outcomes_unrecorded_total",
    "Outcomes that another owner had decided meanwhile. Any: a worker stood still; look at its log.",
)
PAUSES = Counter(
    "touchline_mailbox_pauses_total",
    "Pauses of mailboxes, by reason. `login` ends only when somebody resumes the mailbox.",
    ["reason"],
)
SMTP_SECONDS = Histogram(
    "touchline_smtp_seconds",
    "From the gate to the server's last answer. Seconds: that server is slow; other mailboxes are not touched by it.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
LATE_SECONDS = Histogram(
    "touchline_dispatch_late_seconds",
    "Wall seconds from the grant to passing the gate. Seconds: intake or the gate waits for Postgres.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
)
IN_HAND = Gauge(
    "touchline_sender_in_hand",
    "Touches in this worker's hands, from intake to the told outcome. High and flat: look at the slowest mail server.",
)
TAKEN_OVER = Counter(
    "touchline_taken_over_total",
    "What sweeps found: `claims` adopted, `finished` told again. After crashes only; else look for lost leases.",
    ["kind"],
)

intake, gate, outcomes = cache(INTAKE.labels), cache(GATE.labels), cache(OUTCOMES.labels)
"""Their parts by label, looked up once: each is asked for with every mini-batch, or touch."""

ALL = (INTAKE, GATE, OUTCOMES, UNRECORDED, PAUSES, SMTP_SECONDS, LATE_SECONDS, IN_HAND, TAKEN_OVER)
"""The sender's part of the list."""
