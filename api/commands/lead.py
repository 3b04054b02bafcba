"""`touchline lead`: where a person stands and all that happened to it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from api.commands.context import Json, command, console, grid, office, print_json, run


@command
def lead(
    lead_id: Annotated[str, typer.Argument(help="The lead's id.")],
    score: Annotated[
        bool, typer.Option("--score", help="What gave its score, change by change, and the replies to each touch.")
    ] = False,
    as_json: Json = False,
) -> None:
    """All that happened to a lead, across campaigns, oldest first."""
    run(_lead(lead_id, score=score, as_json=as_json))


async def _lead(lead_id: str, *, score: bool, as_json: bool) -> None:
    from api.engagement import engagement_history

    async with office() as at:
        history = await engagement_history(at.models, lead_id, at.clock.now())
        rows = await at.models.timeline(lead_id)
    if as_json and score:
        print_json({name: history[name] for name in ("standing", "changes", "threads")})
    elif as_json:
        hidden = {"seq", "event_id"}
        print_json([{name: value for name, value in row.items() if name not in hidden} for row in rows])
    else:
        console().print(summary(history["standing"]), highlight=False)
        if score:
            _show_score(history)
        else:
            _show_timeline(lead_id, rows)


def summary(standing: dict[str, Any]) -> str:
    """One line: the score, what it is worth, its trend, the stage, and when the person last was well disposed."""
    worth = standing["engagement_score"]
    parts = [f"score {standing['score']}" + (f" (worth {worth:g} today)" if worth != standing["score"] else "")]
    parts.append(standing["trend"])
    if "stage" in standing:
        parts.append(f"stage {standing['stage']}")
    if "assigned_to" in standing:
        parts.append(f"assigned to {standing['assigned_to']}")
    if "last_positive_interaction_at" in standing:
        parts.append(f"last positive {_day(standing['last_positive_interaction_at'])}")
    if "replied_at" in standing:
        said = f" ({standing['disposition']})" if "disposition" in standing else ""
        parts.append(f"replied {_day(standing['replied_at'])}{said}")
    if "sentiment" in standing:
        parts.append(f"sentiment {standing['sentiment']:+.1f}")
    return ", ".join(parts)


def _day(instant: str) -> str:
    return instant[:10]


def _show_score(history: dict[str, Any]) -> None:
    changes = (
        (
            row["at"][:19].replace("T", " "),
            row["campaign_id"],
            row["rule_id"],
            f"{row['change']:+d}",
            row.get("code", ""),
        )
        for row in history["changes"]
    )
    console().print(grid("score", ("at", "campaign", "rule", "change", "why"), changes))
    threads = (
        (
            row.get("sent_at", "")[:19].replace("T", " "), row["campaign_id"], row["step_id"],
            _day(row.get("opened_at", "")), _day(row.get("clicked_at", "")), _day(row.get("replied_at", "")),
            ", ".join(reply["disposition"] for reply in row["replies"]),
        )
        for row in history["threads"]
    )  # fmt: skip
    console().print(grid("touches", ("sent", "campaign", "step", "opened", "clicked", "replied", "replies"), threads))


def _show_timeline(lead_id: str, rows: list[dict[str, Any]]) -> None:
    columns = ("at", "what", "campaign", "step", "variant", "mailbox", "status", "code")
    content = (
        (
            row["at"].isoformat(sep=" ", timespec="seconds"),
            row["type"],
            row["campaign_id"],
            row["step_id"],
            row["variant"],
            row["mailbox_id"],
            row["status"],
            row["code"],
        )
        for row in rows
    )
    console().print(grid(f"lead {lead_id}", columns, content))
