"""Definition files: a reply rule that cannot work is refused when it is applied, and doctor finds one that got in."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.control import Draft, orphans
from api.doctor import unusable
from api.documents import InvalidFiles, read_files
from schemas.definitions import Definition, DefinitionKind

AT = datetime(2026, 3, 2, tzinfo=UTC)
GOOD = "kind: ReplyRule\nid: invoices\nmatch: subject_regex\nvalue: 'invoice \\d+'\ndisposition: ESCALATE_UNCLEAR\n"


@pytest.mark.parametrize(
    ("wrong", "line", "field", "said"),
    [
        ("value: '(invoice'", 4, "value", "missing"),
        ("value: '(?=invoice)'", 4, "value", "invalid"),
        ("disposition: MAYBE", 5, "disposition", "none of INTERESTED"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_its_file_its_line_and_its_field(
    tmp_path: Path, wrong: str, line: int, field: str, said: str
) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(GOOD.replace("invoices", "bills"))
    name = wrong.partition(":")[0]
    bad.write_text("\n".join(wrong if row.startswith(name) else row for row in GOOD.splitlines()))
    with pytest.raises(InvalidFiles) as refused:
        read_files([good, bad])
    (problem,) = refused.value.found
    assert (problem.file, problem.problem.line, problem.problem.path, problem.problem.code) == (
        str(bad),
        line,
        field,
        "bad_rule",
    )
    assert said in problem.problem.message
    assert f"{bad}:{line}: ReplyRule invoices: {field}: " in refused.value.problems[0]
    assert [draft.id for draft in read_files([good])] == ["bills"]


def head(kind: DefinitionKind, name: str, spec: dict[str, Any], **more: Any) -> Definition:
    return Definition(kind=kind, id=name, revision=1, spec=spec, at=AT, **more)


def test_doctor_names_definitions_in_force_that_cannot_be_used() -> None:
    rule = {"kind": "ReplyRule", "id": "r", "match": "subject_regex", "value": "(", "disposition": "INTERESTED"}
    heads = [
        head("pool", "main", {"kind": "Pool", "id": "main"}),
        head("campaign", "q1", {"kind": "Campaign", "id": "q1", "name": "Q1"}, status="active"),
        head("campaign", "gone", {}, status="archived", deleted=True),
        head("reply_rule", "r", rule),
        head("control", "all", {"stopped": False}),
    ]
    broken = unusable(heads)
    assert [line.partition(":")[0] for line in broken] == ["campaign q1", "reply_rule r"]
    assert "value" in broken[1]


SEQUENCE = """kind: Campaign
id: q1
name: Q1
pool: main
mailboxes: [anna]
steps:
  - {id: intro, kind: email, subject: Hello, body: "Hi {{ frist_name }}", next_step_id: nowhere}
"""


def test_validate_prints_every_problem_as_json_and_exits_with_2(tmp_path: Path) -> None:
    bad, good = tmp_path / "bad.yaml", tmp_path / "good.yaml"
    bad.write_text(SEQUENCE)
    good.write_text(GOOD)
    result = CliRunner().invoke(app, ["validate", str(bad), "--json"])
    assert result.exit_code == 2
    assert [(item["path"], item["code"], item["line"]) for item in json.loads(result.stdout)] == [
        ("steps[0].body", "unknown_variable", 7),
        ("steps[0].next_step_id", "unknown_target", 7),
        ("pool", "unknown_pool", 4),
        ("mailboxes[0]", "unknown_mailbox", 5),
    ]
    result = CliRunner().invoke(app, ["validate", str(good), "--json"])
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])


class Standing:
    """The part of the control lock that an edit asks; `open` are the campaigns in which leads may stand."""

    def __init__(self, *open_ids: str) -> None:
        self._open = open_ids

    async def may_stand(self, campaign_id: str) -> bool:
        return campaign_id in self._open


def sequence(*step_ids: str) -> dict[str, Any]:
    steps = [{"id": step_id, "kind": "email", "subject": "S", "body": "B"} for step_id in step_ids]
    return {"kind": "Campaign", "id": "q1", "name": "Q1", "pool": "main", "mailboxes": ["anna"], "steps": steps}


@pytest.mark.parametrize(
    ("after", "open_ids", "status", "refused"),
    [
        (("a", "b"), ("q1",), "active", ["'c'"]),
        (("a", "b"), (), "active", []),
        (("a", "c"), ("q1",), "active", []),
        (("x",), ("q1",), "draft", ["'a', 'b', 'c'"]),
        (("x",), ("q1",), "completed", []),
    ],
)
def test_an_edit_that_would_orphan_leads_is_refused(
    after: tuple[str, ...], open_ids: tuple[str, ...], status: Any, refused: list[str]
) -> None:
    before = head("campaign", "q1", sequence("a", "b", "c"), status=status)
    draft = Draft("campaign", "q1", sequence(*after), "q1.yaml: Campaign q1")
    found = asyncio.run(orphans(Standing(*open_ids), [draft], {("campaign", "q1"): before}))  # type: ignore[arg-type]
    assert [line.split("leads: ")[1].partition(" would be gone")[0] for line in found] == refused
    assert all("q1.yaml: Campaign q1: steps: " in line and "is_active: false" in line for line in found)
