"""How late an email is that nothing holds back: from its enrollment's publishing to the gate, at a steady load."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime

from api.local.child import StackError
from api.publisher import Outgoing, Publisher
from bench.figures import Figure, Sizes, percentile, say
from bench.product import Product, lead
from domain.ids import event_id
from schemas.enrollments import Enroll, LeadData
from streams.clock import Clock
from streams.settings import Settings

ROUNDS_A_SECOND = 10
FIELDS = ("email", "first_name", "last_name", "company", "city", "country")


async def measure_late(product: Product, sizes: Sizes) -> list[Figure]:
    """Milliseconds from an enrollment's publishing (its touch is due at once) to the ledger's `sending_at`."""
    count = sizes.late_a_second * sizes.late_s
    say(f"{count} enrollments, {sizes.late_a_second} a second")
    await product.apply("paced")
    await product.launch("paced")
    due_at = await _publish(product, count, sizes.late_a_second)
    await product.projected("paced", count)
    rows = await product.stack.query("select lead_id, sending_at from sends where campaign_id = 'paced'")
    late_ms = [(row["sending_at"] - due_at[row["lead_id"]]).total_seconds() * 1e3 for row in rows]
    if len(late_ms) != count or product.restarts:
        raise StackError(f"{len(late_ms)} of {count} touches passed the gate, {product.restarts} restarts")
    say(f"late: median {percentile(late_ms, 0.5):.0f} ms, worst {max(late_ms):.0f} ms")
    return [
        Figure("dispatch.late_p99_ms", percentile(late_ms, 0.99), "ms", count),
        Figure("dispatch.late_p50_ms", percentile(late_ms, 0.5), "ms", count),
    ]


async def _publish(product: Product, count: int, a_second: int) -> dict[str, datetime]:
    """Enroll at a steady rate; when each lead's enrollment was published."""
    settings = Settings(kafka_bootstrap_servers=product.stack.local.bootstrap_servers)
    publisher, clock = Publisher(settings), Clock()
    due_at: dict[str, datetime] = {}
    began = time.monotonic()
    try:
        while len(due_at) < count:
            wanted = min(count, int((time.monotonic() - began) * a_second) + 1)
            some = [_enroll(number, clock) for number in range(len(due_at), wanted)]
            due_at |= {event.lead_id: event.at for event in some if event.at is not None}
            await publisher.publish([Outgoing("enrollments", event, event.lead_id) for event in some])
            await asyncio.sleep(1 / ROUNDS_A_SECOND)
    finally:
        await publisher.stop()
    return due_at


def _enroll(number: int, clock: Clock) -> Enroll:
    row = lead("paced", number)
    return Enroll(
        event_id=event_id("enroll", "paced", row["lead_id"]),
        lead_id=row["lead_id"],
        at=clock.now(),
        campaign_id="paced",
        lead=LeadData(**{name: row[name] for name in FIELDS}),  # pyright: ignore[reportArgumentType]
    )
