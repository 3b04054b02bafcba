"""The dispatcher a team would write instead: a loop that polls Postgres with skip-locked and mails what it finds.

It keeps a row an email and promises little: no limits, no ledger gate, no tracking. It is written here, for the bench, the way
such programs are written: 25 rows at a time, `EmailMessage`, `aiosmtplib.send`-style kept connection, uvloop.

    python -m bench.baseline --dsn DSN --port 2599 --leads 20000
"""

import argparse
import asyncio
import json
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

import aiosmtplib
import asyncpg
import uvloop
from jinja2.sandbox import SandboxedEnvironment

SCHEMA = """
drop table if exists outbox;
create table outbox (
    id bigserial primary key, email text not null, values jsonb not null, status text not null default 'pending',
    due_at timestamptz not null default now(), sent_at timestamptz, message_id text, error text
);
create index on outbox (due_at) where status = 'pending';
"""
TAKE = """
select id, email, values from outbox where status = 'pending' and due_at <= now()
order by due_at limit 25 for update skip locked
"""
DONE = "update outbox set status = $2, sent_at = now(), message_id = $3, error = $4 where id = $1"

ENVIRONMENT = SandboxedEnvironment(autoescape=False)
SUBJECT = ENVIRONMENT.from_string("Question about {{ company }}")
TEXT = ENVIRONMENT.from_string(
    "Hi {{ first_name }},\n\nI help independent hotels in {{ city }} fill quiet weeks.\n"
    "Would the spring rates at https://sender.example/spring suit {{ company }}?\n\nAnna Berg\n\nUnsubscribe: {{ url }}\n"
)
HTML = SandboxedEnvironment(autoescape=True).from_string(
    "<p>Hi {{ first_name }},</p><p>I help independent hotels in {{ city }} fill quiet weeks.</p>"
    '<p>Would the <a href="https://sender.example/spring">spring rates</a> suit {{ company }}?</p>'
    '<p>Anna Berg</p><p><a href="{{ url }}">Unsubscribe</a></p><img src="{{ url }}/open.gif" width="1" height="1">'
)


async def fill(pool: asyncpg.Pool, leads: int) -> None:
    """Put `leads` pending emails into the table."""
    async with pool.acquire() as connection:
        await connection.execute(SCHEMA)
        rows = [
            (
                f"lead{n}@hotel{n % 500}.example",
                json.dumps(
                    {"first_name": "Zoé", "company": f"Hôtel {n}", "city": "Málaga", "url": f"http://127.0.0.1/u/{n}"}
                ),
            )
            for n in range(leads)
        ]
        await connection.executemany("insert into outbox (email, values) values ($1, $2)", rows)
        await connection.execute("analyze outbox")


def build(email: str, values: dict[str, str]) -> EmailMessage:
    """The message, the way the standard library builds it."""
    message = EmailMessage()
    message["From"] = "Anna Berg <anna@sender.example>"
    message["To"] = email
    message["Subject"] = SUBJECT.render(values)
    message["Date"] = format_datetime(_now())
    message["Message-ID"] = make_msgid(domain="sender.example")
    message["List-Unsubscribe"] = f"<{values['url']}>"
    message.set_content(TEXT.render(values))
    message.add_alternative(HTML.render(values), subtype="html")
    return message


def _now() -> datetime:
    return datetime.now(UTC)


async def worker(pool: asyncpg.Pool, port: int) -> int:
    """One polling loop with its own kept connection. Ends when nothing is left."""
    client = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, use_tls=False, start_tls=False)
    await client.connect()
    sent = 0
    while True:
        async with pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(TAKE)
            if not rows:
                break
            for row in rows:
                message = build(row["email"], json.loads(row["values"]))
                await client.send_message(message)
                await connection.execute(DONE, row["id"], "sent", message["Message-ID"], None)
                sent += 1
    await client.quit()
    return sent


async def main(dsn: str, port: int, leads: int, workers: int) -> None:
    """Fill, wait for a line on standard input, send all, say how many."""
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=workers)
    async with pool:
        await fill(pool, leads)
        print("ready", flush=True)
        await asyncio.to_thread(input)
        sent = sum(await asyncio.gather(*(worker(pool, port) for _ in range(workers))))
        print(json.dumps({"sent": sent}), flush=True)
        await asyncio.to_thread(input)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--leads", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    uvloop.run(main(options.dsn, options.port, options.leads, options.workers))
