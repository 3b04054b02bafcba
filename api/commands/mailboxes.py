"""Mailboxes: pause one by hand, resume one that rests (docs/behaviour.md 3.2, 4.3), show a mailbox's workdays."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import uuid4

import typer

from api.commands.context import Json, command, console, office, print_json, run
from api.errors import NotFoundError

app = typer.Typer(no_args_is_help=True, help="Mailboxes: pause, resume, show the workdays.")
MailboxId = Annotated[str, typer.Argument(help="The mailbox's id.")]


@app.command("pause")
@command
def pause(
    mailbox: MailboxId,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "operator",
    as_json: Json = False,
) -> None:
    """Grant this mailbox nothing until it is resumed; what it has in hand still leaves."""
    run(_tell(mailbox, reason, paused=True, as_json=as_json))


@app.command("resume")
@command
def resume(
    mailbox: MailboxId,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "operator",
    as_json: Json = False,
) -> None:
    """Let a paused mailbox send again."""
    run(_tell(mailbox, reason, paused=False, as_json=as_json))


@app.command("plan")
@command
def plan(
    mailbox: MailboxId,
    days: Annotated[int, typer.Option(min=1, max=60, help="How many local days, from today on.")] = 7,
    as_json: Json = False,
) -> None:
    """Show the mailbox's drawn workdays: when it begins, rests and ends, and how much it may send."""
    run(_plan(mailbox, days, as_json=as_json))


async def _plan(mailbox: str, days: int, *, as_json: bool) -> None:
    from domain.compile import compile_definition
    from domain.senders import Mailbox
    from domain.windows import local_day, zone_of
    from domain.workday import as_text, plan

    async with office() as at:
        head = await at.store.head("mailbox", mailbox)
        now = at.clock.now()
    if head is None or head.deleted:
        raise NotFoundError(f"there is no mailbox {mailbox!r}")
    compiled = compile_definition(head)
    assert isinstance(compiled, Mailbox)
    if compiled.workday is None:
        raise NotFoundError(f"mailbox {mailbox!r} has no workday: it sends whenever its campaigns may")
    first = local_day(zone_of(None, compiled.zone, None), now)
    dates = [first + timedelta(days=number) for number in range(days)]
    plans = {day: plan(mailbox, compiled.workday, day) for day in dates}
    if as_json:
        print_json([as_text(day, one) for day, one in plans.items()])
        return
    for day, one in plans.items():
        told = as_text(day, one)
        rest = f", lunch {told['lunch']}" if told["lunch"] else ""
        caps = "".join(f", at most {told[name]} {words}" for name, words in _CAPS.items() if told[name] is not None)
        console().print(f"{day:%a} {day} {told['start']}-{told['finish']}{rest}{caps}", highlight=False)


_CAPS = {"daily_target": "mails", "hourly_ceiling": "an hour"}


async def _tell(mailbox: str, reason: str, *, paused: bool, as_json: bool) -> None:
    from api.publisher import Outgoing
    from schemas.sending import MailboxPaused, MailboxResumed

    async with office() as at:
        head = await at.store.head("mailbox", mailbox) or await at.store.head("sms_sender", mailbox)
        if head is None or head.deleted:
            raise NotFoundError(f"there is no mailbox {mailbox!r}")
        pool = str(head.spec["pool"])
        message = (MailboxPaused if paused else MailboxResumed)(
            event_id=str(uuid4()), pool_id=pool, mailbox_id=mailbox, reason=reason, at=at.clock.now()
        )
        await at.publisher.publish([Outgoing("grant-outcomes", message, pool)])
    said = "paused" if paused else "resumed"
    if as_json:
        print_json({"mailbox_id": mailbox, "state": said})
    else:
        console().print(f"{mailbox} is {said}", highlight=False)


def register(parent: typer.Typer) -> None:
    """Add this family."""
    parent.add_typer(app, name="mailbox")
