"""The metrics of the leads role: kind, meaning, and what to do when one looks wrong."""

from prometheus_client import Counter, Gauge

DECISIONS = Counter(
    "touchline_leads_decisions_total",
    "Events and timers decided, by kind. No `timer` while leads wait: look at refused ticks and paused campaigns.",
    ["kind"],
)
EFFECTS = Counter(
    "touchline_leads_effects_total",
    "What decisions asked for. Many `Withdraw` without replies or pauses: look at edits of live campaigns.",
    ["effect"],
)
IGNORED = Counter(
    "touchline_leads_ignored_total",
    "Events that changed nothing, by reason. `unknown_*` growing: a topic and this table do not belong together.",
    ["reason"],
)
TIMERS = Gauge(
    "touchline_leads_timers",
    "Leads that wait for an instant, on this worker. Falling to none at once: look at `touchline_recovery_seconds`.",
)
PARKED = Gauge(
    "touchline_leads_parked",
    "Leads that wait for a campaign to be defined or active. For long: launch or resume it.",
)
LATENESS = Gauge(
    "touchline_leads_timer_lateness_seconds",
    "How late the last timer of a tick fired, in campaign time. Growing: this role is behind, add workers.",
)
NEXT = Gauge(
    "touchline_leads_next_timer_seconds",
    "Campaign instant (seconds since 1970) of this worker's next timer; 0: none. Past for long: look at refused ticks.",
)
FAULTS = Counter(
    "touchline_leads_faults_total",
    "Leads that a tick could not decide about; each is put off for an hour. Any: the log names the lead and the error.",
)

ALL = (DECISIONS, EFFECTS, IGNORED, TIMERS, PARKED, LATENESS, NEXT, FAULTS)
