"""What the operator is told of reply mailboxes: a fault and its remedy when somebody has to act, and nothing before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.inboxes import REMEDIES, InboxState, faults, reads_by_imap
from api.supervisor import Supervisor, Worker
from schemas.definitions import Definition

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
GOOD = InboxState("a@h:993/INBOX", ("anna",), "watching", state_at=NOW - timedelta(days=1), read_at=NOW)


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        (GOOD, None),
        (replace(GOOD, state="reading"), None),
        (replace(GOOD, state="away", why="timeout", state_at=NOW - timedelta(minutes=9)), None),
        (replace(GOOD, state="away", why="timeout", state_at=NOW - timedelta(minutes=11)), "away"),
        (replace(GOOD, state="refused", why="login"), "login"),
        (replace(GOOD, state="refused", why="folder"), "folder"),
        (replace(GOOD, state="unread", state_at=None), "unread"),
        (replace(GOOD, why="unmarked", detail="processed mail is not marked"), "unmarked"),
        (replace(GOOD, stuck=2), "stuck"),
    ],
)
def test_a_mailbox_has_a_fault_when_somebody_has_to_act(state: InboxState, fault: str | None) -> None:
    assert state.fault(NOW) == fault
    told = faults([state], NOW)
    assert [remedy for _, remedy in told] == ([REMEDIES[fault]] if fault else [])
    assert all(words.startswith("anna: ") for words, _ in told)


def mailbox(*, deleted: bool = False, **more: object) -> Definition:
    spec = {
        "kind": "Mailbox", "id": "anna", "pool": "main", "from": "anna@sender.example", "postal_address": "Street 1",
        "smtp": {"host": "smtp.example"}, **more,
    }  # fmt: skip
    return Definition(kind="mailbox", id="anna", revision=1, spec=spec, at=NOW, deleted=deleted)


def test_a_local_stack_needs_the_inbox_role_when_a_mailbox_in_force_is_read_by_imap() -> None:
    imap = {"host": "imap.example", "username": "anna", "password_ref": "env:X"}
    assert not reads_by_imap([mailbox()])
    assert reads_by_imap([mailbox(imap=imap)])
    assert not reads_by_imap([mailbox(imap=imap, deleted=True)])


def test_a_process_that_is_added_has_the_others_environment_and_a_port_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Worker] = []

    def start(worker: Worker) -> None:
        started.append(worker)

    monkeypatch.setattr(Worker, "start", start)
    supervisor = Supervisor({"TOUCHLINE_LOG_FORMAT": "json"}, tmp_path, processes=("leads",))
    supervisor.add("inbox")
    (worker,) = started
    assert supervisor.workers["inbox"] is worker
    assert list(worker._command)[-2:] == ["worker", "inbox"]
    assert worker._env["TOUCHLINE_LOG_FORMAT"] == "json"
    assert worker._env["TOUCHLINE_METRICS_PORT"] == str(worker.port)
