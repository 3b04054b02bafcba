"""What the demo shows at its end: one JSON object for machines; funnel, cards and a lead's story for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group
from rich.table import Table

from api.demo.judge import Verdict
from api.demo.rig import Rig
from api.local.jars import kafka_version

FUNNEL = (
    ("asked for", "asked"),
    ("enrolled", "enrolled"),
    ("emails sent", "emails_sent"),
    ("delivered", "emails_delivered"),
    ("opened", "emails_opened"),
    ("clicked", "emails_clicked"),
    ("replied", "emails_replied"),
    ("bounced", "bounced"),
    ("unsubscribed", "unsubscribed"),
    ("sequence completed", "completed"),
    ("exited", "exited"),
)


async def figures(rig: Rig, verdict: Verdict, wall_seconds: float) -> dict[str, Any]:
    """The demo's JSON object. What was mailed comes from the mail server's record, the rest from the read models."""
    progress = await rig.progress()
    dispositions = await rig.query("select disposition, count(*) from dispositions_log group by 1 order by 1")
    cards = await rig.query("select queue, count(*) from cards group by 1 order by 1")
    version = await rig.query("show server_version")
    letters: list[Any] = await rig.touchline("dlq", "list")
    return {
        "leads": len(rig.leads),
        "emails_accepted": verdict.accepted,
        "duplicates": len(verdict.duplicates),
        "lost": len(verdict.lost),
        "sent_after_stop": len(verdict.sent_after_stop),
        "max_in_rolling_hour": verdict.max_in_rolling_hour,
        "hourly_cap": rig.campaign_cap(),
        "opened": progress["emails_opened"],
        "clicked": progress["emails_clicked"],
        "replied": progress["emails_replied"],
        "dispositions": {row["disposition"]: row["count"] for row in dispositions},
        "cards": {row["queue"]: row["count"] for row in cards},
        "dead_letters": len(letters),
        "wall_seconds": round(wall_seconds, 1),
        "kafka_version": kafka_version(),
        "postgres_version": version[0]["server_version"].split()[0],
    }


def funnel(progress: Mapping[str, int]) -> Table:
    """The campaign's figures, top to bottom."""
    table = Table(title="Funnel", title_justify="left")
    table.add_column("")
    table.add_column("leads or mails", justify="right")
    for label, name in FUNNEL:
        table.add_row(label, str(progress.get(name, 0)))
    return table


async def story(rig: Rig, console: Console, result: Mapping[str, Any]) -> None:
    """Print the funnel, the cards by queue, the judge's findings and the story of one lead that answered."""
    console.print(funnel(await rig.progress()))
    cards = Table(title="Cards by queue", title_justify="left")
    for column in ("queue", "priority", "title"):
        cards.add_column(column)
    for row in await rig.query(
        "select queue, priority, title from (select *, row_number() over (partition by queue order by created_at) as place"
        " from cards) as placed where place <= 3 order by queue, place"
    ):
        cards.add_row(row["queue"], row["priority"], row["title"])
    console.print(cards)
    console.print("  ".join(f"{queue}: {count}" for queue, count in result["cards"].items()), highlight=False)
    await _one_lead(rig, console)
    console.print(judged(result))


async def _one_lead(rig: Rig, console: Console) -> None:
    rows = await rig.query(
        "select lead_id from engagements_log where type in ('opened', 'clicked', 'replied', 'held', 'released') "
        "group by lead_id order by count(distinct type) desc, lead_id limit 1"
    )
    if not rows:
        return
    lead_id = rows[0]["lead_id"]
    table = Table(title=f"The story of {lead_id}", title_justify="left")
    for column in ("campaign time", "what happened", "step", "status", "detail"):
        table.add_column(column)
    for row in await rig.query("select * from lead_timeline where lead_id = $1 order by at, seq", lead_id):
        detail = " ".join(str(part) for part in (row["variant"], row["mailbox_id"], row["code"]) if part)
        table.add_row(f"{row['at']:%a %d %b %H:%M}", row["type"], row["step_id"] or "", row["status"] or "", detail)
    console.print(table)


def judged(result: Mapping[str, Any]) -> Group:
    """The judge's findings in words."""
    broken = [name for name in ("duplicates", "lost", "sent_after_stop") if result[name]]
    if result["max_in_rolling_hour"] > result["hourly_cap"]:
        broken.append("max_in_rolling_hour")
    first = (
        f"The mail server accepted {result['emails_accepted']} emails: {result['duplicates']} twice, {result['lost']} lost, "
        f"{result['sent_after_stop']} after a stop; at most {result['max_in_rolling_hour']} in an hour "
        f"(cap {result['hourly_cap']})."
    )
    second = f"Broken promises: {', '.join(broken)}." if broken else "Every promise held."
    return Group(first, second, f"Kafka {result['kafka_version']}, PostgreSQL {result['postgres_version']}.")


def is_clean(result: Mapping[str, Any]) -> bool:
    """Whether every promise held."""
    kept = not (result["duplicates"] or result["lost"] or result["sent_after_stop"])
    return kept and result["max_in_rolling_hour"] <= result["hourly_cap"]
