"""Metrics of the inbox role: each with its meaning and what to do about it."""

from prometheus_client import Counter, Gauge

MAILS = Counter(
    "touchline_inbox_mails_total",
    "Mails read by IMAP and put on the broker. Flat while answers come: `touchline inbox status`.",
    ["mailbox"],
)
WATCHED = Gauge(
    "touchline_inbox_watched",
    "Whether this worker reads the mailbox and is abreast of it: 1 or 0. 0 for long: `touchline inbox status` says why.",
    ["mailbox"],
)
READ_AT = Gauge(
    "touchline_inbox_read_timestamp_seconds",
    "When everything in the mailbox had last been read. Over ten minutes ago: `touchline inbox status` says why.",
    ["mailbox"],
)
LOST = Counter(
    "touchline_inbox_connections_lost_total",
    "Connections that were lost or not made, by why. Many: look at the server, and at its limit of connections.",
    ["mailbox", "why"],
)
REFUSED = Counter(
    "touchline_inbox_refused_total",
    "Logins or folders that were refused, by why. Any: mend what `touchline inbox status` names.",
    ["mailbox", "why"],
)
RENUMBERED = Counter(
    "touchline_inbox_renumbered_total",
    "Times a mailbox came back with other UIDs and its last week was read again. Many: the server loses its index.",
    ["mailbox"],
)
CUT = Counter(
    "touchline_inbox_cut_total",
    "Mails of which only the front was read, for their size. Many: see who sends them.",
    ["mailbox"],
)
STUCK = Counter(
    "touchline_inbox_set_aside_total",
    "Times a mail was set aside that the server would not give. Any: open it with a mail client; moved out and in it is new.",
    ["mailbox"],
)

ALL = (MAILS, WATCHED, READ_AT, LOST, REFUSED, RENUMBERED, CUT, STUCK)
