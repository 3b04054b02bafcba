"""Users' rules about replies, as they are in force (docs/behaviour.md 7.6). `touchline classify --rules FILE` tries them out."""

from __future__ import annotations

from typing import Any

import typer

from api.commands.context import Json, command, console, grid, office, print_json, run

app = typer.Typer(no_args_is_help=True, help="Rules about replies: which are in force, in the order they are tried.")

COLUMNS = ("priority", "id", "match", "value", "disposition", "category", "is_active", "revision")


@app.callback()
def rules() -> None:
    """Rules about replies."""


@app.command("list")
@command
def list_rules(as_json: Json = False) -> None:
    """The rules in the order they are tried: the first that matches decides."""
    rows = run(_rules())
    if as_json:
        print_json(rows)
        return
    console().print(grid("rules", COLUMNS, ([row[name] for name in COLUMNS] for row in rows)))


async def _rules() -> list[dict[str, Any]]:
    from schemas.definitions import ReplyRuleDoc

    async with office() as at:
        heads = [head for head in await at.store.heads() if head.kind == "reply_rule" and not head.deleted]
    docs = [(ReplyRuleDoc.model_validate(head.spec), head.revision) for head in heads]
    docs.sort(key=lambda one: (one[0].priority, one[0].id))
    return [{**doc.model_dump(exclude={"kind"}), "revision": revision} for doc, revision in docs]


def register(parent: typer.Typer) -> None:
    """Add this family."""
    parent.add_typer(app, name="rules")
