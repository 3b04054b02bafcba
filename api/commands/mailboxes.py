"""Mailboxes: pause one by hand, and resume one that its server or a failing login paused (docs/behaviour.md 4.3)."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

import typer

from api.commands.context import Json, command, console, office, print_json, run
from api.errors import NotFoundError

app = typer.Typer(no_args_is_help=True, help="Mailboxes: pause and resume.")
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


async def _tell(mailbox: str, reason: str, *, paused: bool, as_json: bool) -> None:
    from api.publisher import Outgoing
    from schemas.sending import MailboxPaused, MailboxResumed

    async with office() as at:
        head = await at.store.head("mailbox", mailbox)
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
