"""The command `touchline`. Each family of commands registers itself; what a command needs it imports when it runs."""

from __future__ import annotations

import logging

import typer

from api.commands import (
    ambiguous,
    campaigns,
    cards,
    classify,
    definitions,
    demo,
    drafts,
    enroll,
    explain,
    inbound,
    inbox,
    letters,
    mailboxes,
    operating,
    reading,
    reclassify,
    replies,
    rules,
    simulate,
    sms,
    status,
    suppress,
)

app = typer.Typer(
    name="touchline",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Outreach campaigns as a stream: every touch at the right moment, within every limit, never twice.",
)
for family in (
    demo,
    definitions,
    simulate,
    enroll,
    campaigns,
    status,
    reading,
    replies,
    rules,
    explain,
    cards,
    drafts,
    classify,
    reclassify,
    sms,
    suppress,
    ambiguous,
    letters,
    operating,
    mailboxes,
    inbox,
    inbound,
):
    family.register(app)


def main() -> None:
    """The console script. Exit codes: 0 done, 1 failed, 2 bad input."""
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # a command says in one line what went wrong
    app()


if __name__ == "__main__":
    main()
