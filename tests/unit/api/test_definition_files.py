"""Definition files: a reply rule that cannot work is refused when it is applied, and doctor finds one that got in."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

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
