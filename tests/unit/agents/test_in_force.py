"""Compiled definitions: each version once, and the same object until it changes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents import in_force
from agents.in_force import InForce
from domain.compile import compile_definition
from schemas.definitions import Definition
from schemas.examples import VALID

AT = datetime(2026, 3, 2, tzinfo=UTC)
POOL = Definition.model_validate(VALID["definitions"].value)
MAILBOX = Definition(
    kind="mailbox",
    id="anna",
    revision=1,
    at=AT,
    spec={
        "kind": "Mailbox", "id": "anna", "pool": "main", "from": "anna@sender.example", "postal_address": "Street 1",
        "smtp": {"host": "127.0.0.1", "port": 25, "security": "none"},
    },
)  # fmt: skip


def campaign(campaign_id: str = "q1", revision: int = 1, status: Any = "draft", **more: Any) -> Definition:
    step = {"id": "intro", "kind": "email", "subject": "Hi", "body": "Hello"}
    spec: dict[str, Any] = {
        "kind": "Campaign", "id": campaign_id, "name": campaign_id, "pool": "main", "mailboxes": ["anna"], "steps": [step],
    }  # fmt: skip
    return Definition(kind="campaign", id=campaign_id, revision=revision, status=status, spec=spec | more, at=AT)


class Broadcast:
    """Stands for `streams.definitions.Definitions`."""

    def __init__(self) -> None:
        self.current: dict[tuple[str, str], Definition] = {}

    def on_change(self, callback: Any) -> None:
        self._callback = callback

    def all(self) -> dict[tuple[str, str], Definition]:
        return dict(self.current)

    def put(self, *definitions: Definition) -> None:
        for one in definitions:
            self.current[one.kind, one.id] = one
            self._callback((one.kind, one.id), one)

    def drop(self, definition: Definition) -> None:
        del self.current[definition.kind, definition.id]
        self._callback((definition.kind, definition.id), None)


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """What was compiled, in order."""
    log: list[tuple[str, int]] = []

    def noted(definition: Definition) -> Any:
        log.append((definition.id, definition.revision))
        return compile_definition(definition)

    monkeypatch.setattr(in_force, "compile_definition", noted)
    return log


def test_a_change_compiles_nothing_but_what_changed(compiled: list[tuple[str, int]]) -> None:
    broadcast = Broadcast()
    definitions = InForce(broadcast)  # type: ignore[arg-type]
    broadcast.put(POOL, MAILBOX, campaign("q1"), campaign("q2"))
    before = definitions()
    assert definitions() is before
    assert len(compiled) == 4
    compiled.clear()
    broadcast.put(campaign("q2", 2, "active"))
    after = definitions()
    assert compiled == [("q2", 2)]
    assert after.campaigns["q1"] is before.campaigns["q1"]
    assert (before.campaigns["q2"].may_send, after.campaigns["q2"].may_send) == (False, True)


def test_what_was_deleted_is_gone_and_is_compiled_anew_when_it_comes_back(compiled: list[tuple[str, int]]) -> None:
    broadcast = Broadcast()
    definitions = InForce(broadcast)  # type: ignore[arg-type]
    broadcast.put(campaign("q1"))
    assert set(definitions().campaigns) == {"q1"}
    broadcast.drop(campaign("q1"))
    assert definitions().campaigns == {}
    broadcast.put(campaign("q1", name="Another"))
    assert definitions().campaigns["q1"].name == "Another"


def test_what_cannot_be_compiled_is_left_out_and_logged_once_with_its_id() -> None:
    broadcast = Broadcast()
    definitions = InForce(broadcast)  # type: ignore[arg-type]
    with capture_logs() as logs:
        broadcast.put(campaign("good"), campaign("bad", steps=[]))
        assert set(definitions().campaigns) == {"good"}
        broadcast.put(MAILBOX)
        assert set(definitions().mailboxes) == {"anna"}
    (logged,) = logs
    assert (logged["log_level"], logged["kind"], logged["id"], logged["revision"]) == ("error", "campaign", "bad", 1)
    assert "steps" in logged["problem"]


def test_stopping_everything_needs_nothing_compiled(compiled: list[tuple[str, int]]) -> None:
    broadcast = Broadcast()
    definitions = InForce(broadcast)  # type: ignore[arg-type]
    broadcast.put(Definition(kind="control", id="all", revision=1, spec={"stopped": True}, at=AT))
    assert definitions().stopped
    assert compiled == []
