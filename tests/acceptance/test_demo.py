"""The demo, judged by what the mail server accepted and by what its correspondents are known to say."""

import asyncio
import json
import signal
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from api.demo.leads import read_leads
from api.demo.personas import persona_of
from tests.support.touchline import child, family_of, letters, local_time, touchline
from tests.support.waiting import wait_for

CAMPAIGN = Path(__file__).with_name("days.yaml")
LEADS = 40
KEYS = [
    "leads", "emails_accepted", "duplicates", "lost", "sent_after_stop", "max_in_rolling_hour", "hourly_cap", "opened",
    "clicked", "replied", "dispositions", "cards", "dead_letters", "wall_seconds", "kafka_version", "postgres_version",
]  # fmt: skip
SAID = {
    "interested": ("INTERESTED", "sales"),
    "colleague": ("INTERESTED", "sales"),
    "question": ("NEEDS_MORE_INFO", "account_manager"),
    "no_account": ("NO_ACTIVE_PROFILE", "sales_admin"),
    "gibberish": ("ESCALATE_UNCLEAR", "sales_manager"),
    "not_now": ("NOT_INTERESTED", None),
    "out_of_office": ("OUT_OF_OFFICE", None),
    "unsubscribe_reply": ("UNSUBSCRIBE", None),
    "bounce_later": ("BOUNCE", None),
}
ZONES = {"anna@sender.example": "Europe/Stockholm", "marc@sender.example": "Europe/Paris"}


async def left_behind(servers: dict[str, str]) -> tuple[list[str], list[str]]:
    """Databases and topics of demos on these servers."""
    connected = await asyncpg.connect(servers["TOUCHLINE_POSTGRES_DSN"])
    try:
        databases = await connected.fetch("select datname from pg_database where datname like 'touchline_demo_%'")
    finally:
        await connected.close()
    admin = AIOKafkaAdminClient(bootstrap_servers=servers["TOUCHLINE_KAFKA_BOOTSTRAP_SERVERS"])
    await admin.start()
    try:
        topics = [name for name in await admin.list_topics() if name.startswith("touchline_demo_")]
    finally:
        await admin.close()
    return [row["datname"] for row in databases], topics


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_the_demo_keeps_every_promise_and_each_answer_becomes_what_it_says(
    servers: dict[str, str], tmp_path: Path
) -> None:
    ended = await touchline(
        "demo", "--leads", str(LEADS), "--rate", "43200", "--campaign", str(CAMPAIGN), "--keep", str(tmp_path), "--json",
        env=servers, deadline_s=220,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert ended.err == ""
    assert len(ended.out.splitlines()) == 1
    told = json.loads(ended.out)
    assert list(told) == KEYS
    assert (told["duplicates"], told["lost"], told["sent_after_stop"], told["dead_letters"]) == (0, 0, 0, 0)
    assert (told["leads"], told["hourly_cap"]) == (LEADS, 30)
    assert told["max_in_rolling_hour"] <= told["hourly_cap"]

    leads = read_leads(LEADS)
    personas = Counter(persona_of(lead.email).name for lead in leads)
    dispositions, cards = Counter[str](), Counter[str]()
    for name, (disposition, queue) in SAID.items():
        dispositions[disposition] += personas[name]
        cards[queue or ""] += personas[name]
    cards["sales"] += personas["clicks"] + personas["interested"]  # who clicks gets a follow-up
    assert told["dispositions"] == {name: count for name, count in dispositions.items() if count}
    assert told["cards"] == {queue: count for queue, count in cards.items() if count and queue}

    mails = letters(tmp_path / "smtp" / "accepted.jsonl")
    assert told["emails_accepted"] == len(mails)
    by_address = {lead.email: lead for lead in leads}
    by_mailbox = defaultdict(list)
    for mail in mails:
        local = local_time(by_address[mail.recipient], ZONES[mail.sender], mail.date)
        assert local.weekday() < 5
        assert 9 <= local.hour < 17
        by_mailbox[mail.sender].append(mail.date)
    for dates in by_mailbox.values():
        gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(sorted(dates))]
        assert min(gaps) >= 29  # the gap is at least 30 s; Date has whole seconds
    assert await left_behind(servers) == ([], [])

    threads = defaultdict(set)
    for mail in mails:
        threads[mail.recipient].add(mail.sender)
    assert all(len(senders) == 1 for senders in threads.values())


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_demo_that_is_stopped_on_its_way_ends_soon_and_leaves_nothing(
    servers: dict[str, str], tmp_path: Path, how: signal.Signals, code: int
) -> None:
    async with child("demo", "--leads", "5", env=servers | {"TMPDIR": str(tmp_path)}) as process:
        assert process.stdout is not None
        while b"starting the roles" not in (line := await process.stdout.readline()):
            assert line
        await wait_for(lambda: any("worker" in one.cmdline() for one in family_of(process.pid)), 30, what="a role")
        started = family_of(process.pid)[1:]
        process.send_signal(how)
        async with asyncio.timeout(45):
            _, err = await process.communicate()
    assert (process.returncode, err.decode()) == (code, "")
    assert [one for one in started if one.is_running()] == []
    assert list(tmp_path.glob("touchline-demo-*")) == []
    assert await left_behind(servers) == ([], [])
