"""Texts: what a provider's console asks for (docs/behaviour.md 4.4)."""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands.context import Json, command, console, office, print_json, run
from api.errors import NotFoundError

app = typer.Typer(no_args_is_help=True, help="Texts (SMS): addresses for the provider.")


@app.command("address")
@command
def address(
    sender: Annotated[str, typer.Argument(help="The SmsSender's id.")],
    as_json: Json = False,
) -> None:
    """The address to which the provider is to deliver the answers to a number. Whoever knows it can say STOP for anybody."""
    run(_address(sender, as_json=as_json))


async def _address(sender: str, *, as_json: bool) -> None:
    from api.bootstrap import keys_of
    from domain.text_tokens import answers_path

    async with office("token_keys") as at:
        head = await at.store.head("sms_sender", sender)
        if head is None or head.deleted:
            raise NotFoundError(f"there is no SmsSender {sender!r}: apply its definition first")
        url = at.settings.public_url.rstrip("/") + answers_path(keys_of(at.settings), sender)
    if as_json:
        print_json({"sender_id": sender, "inbound_url": url})
    else:
        console().print(url, highlight=False, soft_wrap=True)


def register(parent: typer.Typer) -> None:
    """Add this family."""
    parent.add_typer(app, name="sms")
