"""What people decide about campaigns: applied, launched, paused, resumed, completed, stopped (behaviour 1.1, 1.7, 1.8).

Every decision is a new revision in Postgres, then a record on the compacted `definitions` topic. Closing a gate comes
before its revision is published; opening one comes after its revision is stored and before it is published. All of it
happens under one lock, so two deciders never leave a gate that contradicts the status. A crash in between is put right
by `reconcile_gates` and `publish_pending`, which the steward repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from api.errors import ConflictError, NotFoundError
from api.publisher import Outgoing, PublisherPort
from domain.check_edits import changed_kind, orphaned
from domain.ids import event_id
from domain.lifecycle import CLOSED, IllegalMoveError, check_move, opening_status
from schemas.base import Data
from schemas.definitions import CampaignDoc, CampaignStatus, Definition, DefinitionKind
from sinks.ports import GatePort
from sinks.postgres.control import Changes, ControlStore, name_key
from streams.clock import ClockLike
from streams.errors import Retryable

GLOBAL = "all"
Heads = dict[tuple[DefinitionKind, str], Definition]


@dataclass(frozen=True, slots=True)
class Draft:
    """A checked document on its way into force. `where` says which file and place it came from."""

    kind: DefinitionKind
    id: str
    spec: Data
    where: str = ""


@dataclass(slots=True)
class Applied:
    """What applying changed, as `kind:id` lists. `published` is False while the topic still lacks some of it."""

    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    published: bool = True


class Control:
    """Decisions about definitions. Raises Retryable when Postgres is away; while Kafka is, it publishes later."""

    def __init__(self, store: ControlStore, gates: GatePort, publisher: PublisherPort, clock: ClockLike) -> None:
        self._store = store
        self._gates = gates
        self._publisher = publisher
        self._clock = clock

    async def apply(self, drafts: Sequence[Draft]) -> Applied:
        """Put documents into force: all of them, or none and an error. What is unchanged makes no revision.

        Raises ConflictError with every problem: a name that is taken, a pool that would change, a closed campaign, an
        edit that would leave leads on a removed step with nothing after it.
        """
        applied = Applied()
        async with self._store.changing() as changes:
            heads: Heads = {(head.kind, head.id): head for head in await changes.heads()}
            problems = conflicts(drafts, heads) + await orphans(changes, drafts, heads)
            if problems:
                raise ConflictError("nothing was applied", problems, exit_code=2)
            new: list[Definition] = []
            for draft in drafts:
                head = heads.get((draft.kind, draft.id))
                label = f"{draft.kind}:{draft.id}"
                if head is not None and head.spec == draft.spec and not head.deleted:
                    applied.unchanged.append(label)
                    continue
                (applied.created if head is None else applied.changed).append(label)
                new.append(self._next(head, draft))
            await changes.store(new)
        applied.published = await self.publish_pending()
        return applied

    async def launch(self, campaign_id: str) -> Definition:
        """Start a draft: active, or scheduled when its start is in the future."""
        async with self._store.changing() as changes:
            head = await self._campaign(changes, campaign_id)
            if head.status == "paused":
                raise ConflictError(f"campaign {campaign_id!r} is paused: resume it")
            now = self._clock.now()
            status = opening_status(_start_at(head), now)
            job_id = event_id("job", campaign_id)
            launched = await self._move(changes, head, status, launched_at=now, job_id=job_id)
        await self.publish_pending()
        return launched

    async def pause(self, campaign_id: str) -> Definition:
        """Hold a campaign: nothing passes its gate from the moment this returns, whether Kafka answers or not."""
        return await self._move_to(campaign_id, "paused")

    async def resume(self, campaign_id: str) -> Definition:
        """Let a paused campaign go on."""
        async with self._store.changing() as changes:
            head = await self._campaign(changes, campaign_id)
            if head.status != "paused":
                raise IllegalMoveError(campaign_id, head.status or "draft", "active")
            resumed = await self._move(changes, head, opening_status(_start_at(head), self._clock.now()))
        await self.publish_pending()
        return resumed

    async def complete(self, campaign_id: str) -> Definition:
        """End a campaign: its gate closes, and enrollments that could still move end."""
        return await self._move_to(campaign_id, "completed")

    async def archive(self, campaign_id: str) -> Definition:
        """Put a completed campaign away."""
        return await self._move_to(campaign_id, "archived")

    async def edit(self, campaign_id: str, revision: int, spec: Data) -> bool:
        """Put another spec of a campaign in force, unless it has changed since `revision`."""
        async with self._store.changing() as changes:
            head = await self._campaign(changes, campaign_id)
            if head.revision != revision:
                return False
            await changes.store(
                [head.model_copy(update={"revision": revision + 1, "spec": spec, "at": self._clock.now()})]
            )
        await self.publish_pending()
        return True

    async def activate(self, campaign_id: str, revision: int) -> bool:
        """Start a scheduled campaign whose start has come, unless it has changed since `revision`."""
        return await self._move_unchanged(campaign_id, revision, "active")

    async def finish(self, campaign_id: str, revision: int, asked: int | None = None) -> bool:
        """Complete an active campaign in which nothing can move, unless it has changed since `revision`, or was asked
        to take more leads than the `asked` that were seen to be finished.
        """
        return await self._move_unchanged(campaign_id, revision, "completed", asked)

    async def stop_all(self, *, stopped: bool) -> Definition:
        """Close (or open again) the one gate before every send."""
        async with self._store.changing() as changes:
            head = await changes.head("control", GLOBAL)
            revision = Definition(
                kind="control",
                id=GLOBAL,
                revision=head.revision + 1 if head else 1,
                spec={"stopped": stopped},
                at=self._clock.now(),
            )
            if stopped:
                await self._gates.set_global_gate(is_open=False)
            await changes.store([revision])
            if not stopped:
                await self._gates.set_global_gate(is_open=True)
        await self.publish_pending()
        return revision

    async def publish_pending(self) -> bool:
        """Publish what the topic lacks; False when Kafka did not answer and it is left for later."""
        try:
            async with self._store.publishing() as pending:
                if pending:
                    await self._publisher.publish([_outgoing(definition) for definition in pending])
        except Retryable:
            return False
        return True

    async def republish_all(self) -> int:
        """Publish every definition in force again, for a topic that was lost. Returns how many."""
        async with self._store.changing() as changes:
            heads = await changes.heads()
            await self._publisher.publish([_outgoing(head) for head in heads])
        return len(heads)

    async def reconcile_gates(self) -> None:
        """Set each gate to what its definition says: a crash between the two commits leaves it closed at worst."""
        async with self._store.changing() as changes:
            stopped = False
            for head in await changes.heads():
                if head.kind == "campaign":
                    await self._gates.set_campaign_gate(head.id, is_open=head.status == "active")
                elif head.kind == "control" and head.id == GLOBAL:
                    stopped = bool(head.spec.get("stopped"))
            await self._gates.set_global_gate(is_open=not stopped)

    async def campaign(self, campaign_id: str) -> Definition:
        """A campaign as it is in force. Raises NotFoundError."""
        head = await self._store.head("campaign", campaign_id)
        if head is None or head.deleted:
            raise NotFoundError(f"there is no campaign {campaign_id!r}")
        return head

    async def _campaign(self, changes: Changes, campaign_id: str) -> Definition:
        head = await changes.head("campaign", campaign_id)
        if head is None or head.deleted:
            raise NotFoundError(f"there is no campaign {campaign_id!r}")
        return head

    async def _move_to(self, campaign_id: str, wanted: CampaignStatus) -> Definition:
        async with self._store.changing() as changes:
            moved = await self._move(changes, await self._campaign(changes, campaign_id), wanted)
        await self.publish_pending()
        return moved

    async def _move_unchanged(
        self, campaign_id: str, revision: int, wanted: CampaignStatus, asked: int | None = None
    ) -> bool:
        async with self._store.changing() as changes:
            head = await self._campaign(changes, campaign_id)
            if head.revision != revision or (asked is not None and await changes.asked(campaign_id) != asked):
                return False
            await self._move(changes, head, wanted)
        await self.publish_pending()
        return True

    async def _move(self, changes: Changes, head: Definition, wanted: CampaignStatus, **facts: Any) -> Definition:
        check_move(head.id, head.status or "draft", wanted)
        moved = head.model_copy(
            update={"revision": head.revision + 1, "status": wanted, "at": self._clock.now(), **facts}
        )
        if wanted != "active":
            await self._gates.set_campaign_gate(head.id, is_open=False)
        await changes.store([moved])
        if wanted == "active":
            await self._gates.set_campaign_gate(head.id, is_open=True)
        return moved

    def _next(self, head: Definition | None, draft: Draft) -> Definition:
        return Definition(
            kind=draft.kind,
            id=draft.id,
            revision=head.revision + 1 if head else 1,
            spec=draft.spec,
            status=(head.status if head else "draft") if draft.kind == "campaign" else None,
            launched_at=head.launched_at if head else None,
            job_id=head.job_id if head else None,
            at=self._clock.now(),
        )


async def orphans(changes: Changes, drafts: Sequence[Draft], heads: Heads) -> list[str]:
    """Edits that would end the sequence of leads without a word (docs/behaviour.md 1.8); one line each."""
    problems: list[str] = []
    for draft in drafts:
        head = heads.get((draft.kind, draft.id))
        if head is None or draft.kind != "campaign" or head.status in CLOSED or head.spec == draft.spec:
            continue
        try:
            docs = [CampaignDoc.model_validate(spec, extra="ignore") for spec in (head.spec, draft.spec)]
            steps, others = orphaned(*docs), changed_kind(*docs)
        except ValidationError:
            continue  # only an older version could read it
        if others and await changes.may_stand(draft.id):
            names = ", ".join(map(repr, others))
            problems.append(
                f"{draft.where}: steps: {names}: leads may stand there; a step of another kind needs another id"
            )
        if steps and await changes.may_stand(draft.id):
            names = ", ".join(map(repr, steps))
            problems.append(
                f"{draft.where}: steps: the edit orphans leads: {names} would be gone with all that follows, and leads may "
                "stand there; keep the step with is_active: false, or keep one that follows it"
            )
    return problems


def conflicts(drafts: Sequence[Draft], heads: Heads) -> list[str]:
    """What these documents would break among those in force; one line each."""
    problems: list[str] = []
    after = {**heads}
    for draft in drafts:
        head = heads.get((draft.kind, draft.id))
        if head is not None and head.status in CLOSED and head.spec != draft.spec:
            problems.append(f"{draft.where}: campaign {draft.id!r} is {head.status} and cannot be changed")
        if head is not None and "pool" in head.spec and head.spec["pool"] != draft.spec.get("pool"):
            problems.append(
                f"{draft.where}: pool: {draft.kind} {draft.id!r} is in pool {head.spec['pool']!r} and never changes it"
            )
        status = (head.status if head else "draft") if draft.kind == "campaign" else None
        after[draft.kind, draft.id] = Definition(
            kind=draft.kind,
            id=draft.id,
            revision=1,
            spec=draft.spec,
            status=status,
            at=datetime.min.replace(tzinfo=UTC),
        )
    return problems + _same_names(drafts, after)


def _same_names(drafts: Sequence[Draft], after: Heads) -> list[str]:
    owners: dict[str, list[str]] = {}
    for definition in after.values():
        key = name_key(definition)
        if key is not None:
            owners.setdefault(key, []).append(definition.id)
    where = {draft.id: draft.where for draft in drafts if draft.kind == "campaign"}
    return [
        f"{where[mine]}: name: campaign {mine!r} has the name of campaign {other!r}; names are unique in any case"
        for ids in owners.values()
        if len(ids) > 1
        for place, mine in enumerate(ids)
        if mine in where
        for other in ids
        if other != mine and (other not in where or other in ids[:place])
    ]


def _outgoing(definition: Definition) -> Outgoing:
    return Outgoing("definitions", definition, f"{definition.kind}:{definition.id}")


def _start_at(head: Definition) -> datetime | None:
    told = head.spec.get("start_at")
    return datetime.fromisoformat(told).astimezone(UTC) if isinstance(told, str) else None
