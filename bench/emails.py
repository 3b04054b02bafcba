"""What an email costs, end to end: ours, and the dispatcher a team would write instead, on the same Postgres and sink."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE, Process

from api.local.child import StackError
from bench.cpu import Meter
from bench.figures import Figure, Sizes, per_item_us, say
from bench.product import ROOT, Product, Stack

SERVERS = ("kafka", "postgres")


async def measure_emails(product: Product, sizes: Sizes) -> list[Figure]:
    """CPU of every process from the first enrollment to the last fact in the read models, an accepted email.

    The command line, which notes and publishes the enrollments, is not counted; Postgres's work for it is.
    """
    await _campaign(product, "warm-up", sizes.warm_up)
    say(f"warm; {sizes.leads} leads")
    await product.apply("emails")
    accepted_before = await _sent(product)
    meters = product.meters()
    for meter in meters.values():
        meter.start()
    began = time.monotonic()
    await product.enroll("emails", sizes.leads)
    await product.launch("emails")
    await product.projected("emails", sizes.leads)
    spent = {name: meter.stop() for name, meter in meters.items()}
    wall_s = time.monotonic() - began
    if product.restarts:
        raise StackError(f"{product.restarts} processes were restarted during the measurement")
    emails = await _sent(product) - accepted_before
    ours = {name: cpu_s for name, cpu_s in spent.items() if name not in SERVERS}
    say(f"{emails} emails in {wall_s:.1f} s; us an email: " + _by_process(spent, emails))
    return [
        Figure("email.cpu_us", per_item_us(sum(ours.values()), emails), "us", emails),
        Figure("email.postgres_cpu_us", per_item_us(spent["postgres"], emails), "us", emails),
        Figure("email.broker_cpu_us", per_item_us(spent["kafka"], emails), "us", emails),
        *(Figure(f"email.{name}_cpu_us", per_item_us(cpu_s, emails), "us", emails) for name, cpu_s in ours.items()),
        Figure("email.per_wall_second", emails / wall_s, "1/s", emails),
    ]


async def _campaign(product: Product, campaign_id: str, leads: int) -> None:
    await product.apply(campaign_id)
    await product.enroll(campaign_id, leads)
    await product.launch(campaign_id)
    await product.projected(campaign_id, leads)


async def _sent(product: Product) -> int:
    rows = await product.stack.query("select count(*) as n from sends where state = 'sent'")
    return int(rows[0]["n"])


def _by_process(spent: dict[str, float], emails: int) -> str:
    return ", ".join(f"{name} {per_item_us(cpu_s, emails):.0f}" for name, cpu_s in spent.items())


async def measure_baseline(stack: Stack, sizes: Sizes) -> list[Figure]:
    """The same for `bench/baseline.py`, whose table is filled before the meter starts."""
    say(f"baseline: {sizes.baseline} emails")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.baseline", "--dsn", stack.local.postgres_dsn,
        "--port", str(stack.smtp_port), "--leads", str(sizes.baseline), cwd=ROOT, stdin=PIPE, stdout=PIPE,
    )  # fmt: skip
    try:
        await _line(process)
        own, postgres = Meter((process.pid,)), Meter((stack.pid_of("postgres"),))
        own.start()
        postgres.start()
        _go_on(process)
        sent = int(json.loads(await _line(process))["sent"])
        own_s, postgres_s = own.stop(), postgres.stop()
        _go_on(process)
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    await stack.query("drop table if exists outbox")
    return [
        Figure("baseline.cpu_us", per_item_us(own_s, sent), "us", sent),
        Figure("baseline.postgres_cpu_us", per_item_us(postgres_s, sent), "us", sent),
    ]


async def _line(process: Process) -> bytes:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise StackError("the baseline ended before it was through")
    return line


def _go_on(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.write(b"\n")
