"""`touchline classify`: mails from files, judged as the replies role would judge them, with nothing running."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api import logs
from api.classifying import BadFile, date_of, items_of
from api.cli import app
from domain.replies.guessing import likely_match
from domain.replies.mail import Mail
from domain.replies.matching import ReadToken
from tests.support.claude_server import ANSWER, ClaudeServer, Reply, judged
from tests.support.replying import read_token, token, touch
from tests.support.waiting import wait_for_sync

KEYS = "k1:" + "A" * 43 + "="
FIELDS = {
    "file", "disposition", "category", "confidence", "sentiment", "return_date", "stops", "suppresses", "bounce_code",
    "matched_by", "decided_by", "text",
}  # fmt: skip


def mail(body: str, **headers: str) -> bytes:
    told = {
        "From": "Per Berg <per@corp.example>",
        "To": "anna@sender.example",
        "Subject": "Re: Question",
        "Date": "Mon, 02 Mar 2026 10:00:00 +0000",
        "Message-ID": "<1@corp.example>",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    return "\n".join([*(f"{name}: {value}" for name, value in told.items()), "", body, ""]).encode()


REMOVE, QUESTION = mail("Please remove me from your list"), mail("What would it cost?")
AWAY = mail(
    "I am out of the office until 9 March 2026.", Subject="Automatic reply: Question", Auto_Submitted="auto-replied"
)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("TOUCHLINE_", "ANTHROPIC_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logs, "configure_logs", lambda *_: None)  # it is for the whole process: here, for all tests


def classify(*arguments: str | Path, given: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["classify", *map(str, arguments)], input=given)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def written(folder: Path, **files: bytes) -> list[Path]:
    for name, raw in files.items():
        (folder / f"{name}.eml").write_bytes(raw)
    return [folder / f"{name}.eml" for name in files]


@contextmanager
def served(*script: Reply) -> Iterator[tuple[str, ClaudeServer]]:
    """The model's server in a loop of its own: the command has another."""
    server, loop = ClaudeServer(*script), asyncio.new_event_loop()
    url = loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield url, server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_each_message_is_a_line_with_every_field(tmp_path: Path) -> None:
    result = classify(*written(tmp_path, a=REMOVE, b=QUESTION, c=AWAY), "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    remove, question, away = lines(result)
    assert all(set(line) >= FIELDS for line in (remove, question, away))
    assert remove["file"] == str(tmp_path / "a.eml")
    assert (remove["disposition"], remove["decided_by"], remove["category"]) == ("UNSUBSCRIBE", "recogniser", "REMOVE")
    assert (remove["stops"], remove["suppresses"], remove["text"]) == (True, True, "Please remove me from your list")
    assert (question["disposition"], question["decided_by"], question["why"]) == (
        "ESCALATE_UNCLEAR",
        "default",
        "no_key",
    )
    assert (away["disposition"], away["return_date"]) == ("OUT_OF_OFFICE", "2026-03-09")
    assert (away["stops"], away["holds"], away["suppresses"]) == (False, True, False)


def test_people_get_a_table(tmp_path: Path) -> None:
    result = classify(*written(tmp_path, a=REMOVE))
    assert result.exit_code == 0
    assert all(word in result.stdout for word in ("1 messages", "a.eml", "UNSUBSCRIBE", "suppresses, stops"))


def test_a_mailbox_and_standard_input_hold_several(tmp_path: Path) -> None:
    front = b"From per@corp.example Mon Mar  2 10:00:00 2026\n"
    box = front + REMOVE + b"\n" + front + mail("Hello\n>From here on\nFrom x to y") + b"\n"
    (tmp_path / "box").write_bytes(box)
    from_file, given = lines(classify("box", "--json")), lines(classify("-", "--json", given=box))
    assert [(line["message"], line["disposition"]) for line in from_file] == [
        (1, "UNSUBSCRIBE"),
        (2, "ESCALATE_UNCLEAR"),
    ]
    assert [{**line, "file": "box"} for line in given] == from_file
    assert from_file[1]["text"] == "Hello\nFrom here on\nFrom x to y"


def test_a_bad_file_is_named_with_the_reason_and_the_others_are_done(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "empty.eml").write_bytes(b"  \n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    result = classify("none.eml", "dir", "empty.eml", "picture.png", *written(tmp_path, a=REMOVE), "--json")
    assert result.exit_code == 2
    assert [line["disposition"] for line in lines(result)] == ["UNSUBSCRIBE"]
    assert result.stderr.splitlines() == [
        "error: none.eml cannot be read: No such file or directory",
        "error: dir is a directory: name its files",
        "error: empty.eml is empty",
        "error: picture.png is no mail: it does not begin with a header field such as From: or Received:",
    ]


def test_a_users_rules_come_first_and_take_no_consent_back(tmp_path: Path) -> None:
    rules = "kind: ReplyRule\nid: vip\nmatch: sender_domain\nvalue: corp.example\ndisposition: INTERESTED\ncategory: OPPORTUNITY\n"
    (tmp_path / "rules.yaml").write_text(rules)
    found = lines(classify(*written(tmp_path, a=QUESTION, b=REMOVE), "--rules", "rules.yaml", "--json"))
    assert [(line["disposition"], line["decided_by"], line["rule_id"]) for line in found] == [
        ("INTERESTED", "rule", "vip"),
        ("INTERESTED", "rule", "vip"),
    ]
    assert [line["suppresses"] for line in found] == [False, True]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind: ReplyRule\nid: bad\nmatch: subject_regex\nvalue: (\ndisposition: INTERESTED\n", "value"),
        ("kind: Pool\nid: main\n", "no ReplyRule and no Routing document"),
    ],
)
def test_rules_that_cannot_be_used_are_refused_before_anything_is_judged(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "rules.yaml").write_text(text)
    result = classify(*written(tmp_path, a=QUESTION), "--rules", "rules.yaml", "--json")
    assert result.exit_code == 2
    assert told in result.output
    assert 'disposition": "ESCALATE' not in result.stdout


def test_with_a_key_the_model_reads_what_no_rule_knows_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = written(tmp_path, a=QUESTION, b=REMOVE)
    with served(judged(ANSWER)) as (url, server):
        monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
        question, remove = lines(classify(*files, "--json"))
        assert len(server.requests) == 1
        without = lines(classify(*files, "--json", "--no-model"))
        assert len(server.requests) == 1
    assert (question["disposition"], question["decided_by"], question["sentiment"]) == ("INTERESTED", "model", 0.6)
    assert question["entities"] == {"date": ["Monday"]}
    assert remove["decided_by"] == "recogniser"
    assert (without[0]["decided_by"], without[0]["why"]) == ("default", "model_off")


def test_what_is_no_zone_and_no_instant_is_refused_with_an_example(tmp_path: Path) -> None:
    (a,) = written(tmp_path, a=AWAY)
    for option, value in (("--zone", "Mars/Base"), ("--received-at", "soon"), ("--received-at", "2026-03-01")):
        result = classify(a, option, value)
        assert (result.exit_code, f"{option}: " in result.output) == (2, True)
    (line,) = lines(classify(a, "--received-at", "2027-03-08T09:00:00Z", "--json"))
    assert line["return_date"] is None, "a date that lies behind is none"


@pytest.mark.parametrize("since", ["soon", "2026-13-01", "2026-03-01T09:00:00"])
def test_reclassify_refuses_what_is_no_day_and_no_instant(since: str) -> None:
    result = CliRunner().invoke(app, ["reclassify", "--since", since])
    assert (result.exit_code, result.output.startswith("error: --since: ")) == (2, True)


def test_ctrl_c_ends_it_with_130_and_no_traceback(tmp_path: Path) -> None:
    box = b"".join(b"From a@b.example Mon Mar  2 10:00:00 2026\n" + QUESTION + b"\n" for _ in range(20_000))
    (tmp_path / "box").write_bytes(box)
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        child = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED, "classify", "box", "--json"],
            cwd=tmp_path, stdout=out, stderr=err, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )  # fmt: skip
    try:
        wait_for_sync(lambda: (tmp_path / "out").stat().st_size > 0)
        child.send_signal(signal.SIGINT)
        assert child.wait(20) == 130
    finally:
        child.kill()
        child.wait()
    assert (tmp_path / "err").read_text() == ""


INTERRUPTED = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from api.cli import main; main()"
)
"""Ctrl-C also where a shell had it ignored."""


TOKEN = token(touch())
THREAD = f"{TOKEN}@sender.example"


@pytest.mark.parametrize(
    ("found", "reader", "match"),
    [
        (Mail(recipients=(f"reply+{TOKEN}@mail.example",)), read_token, "recipient_token"),
        (Mail(in_reply_to=(THREAD,)), read_token, "in_reply_to"),
        (Mail(in_reply_to=("x@y.example",), references=(THREAD,)), read_token, "references"),
        (Mail(recipients=(f"reply+{TOKEN}@mail.example",)), None, "recipient_token"),
        (Mail(in_reply_to=("x@y.example",)), read_token, "in_reply_to"),
        (Mail(references=("x@y.example",)), None, "references"),
        (Mail(from_email="a@b.example", subject="AW: Frage"), None, "sender_subject"),
        (Mail(from_email="a@b.example", subject="Cheap watches"), None, None),
        (Mail(from_email="anna@sender.example", message_id=THREAD), read_token, None),
    ],
)
def test_how_it_would_be_matched_is_told_as_far_as_the_mail_tells(
    found: Mail, reader: ReadToken | None, match: str
) -> None:
    assert likely_match(found, reader) == match


def test_a_date_header_that_cannot_be_read_is_none() -> None:
    for text in ("", "yesterday", "Mon, 99 Foo 20", "Mon, 02 Mar 99999999 10:00:00 +0000"):
        assert date_of(f"Date: {text}\n\nDate: Mon, 02 Mar 2026 10:00:00 +0000".encode()) is None


def test_a_mailbox_without_a_sender_line_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"From the desk of Per\n\nHello")
    with pytest.raises(BadFile, match="begins like a mailbox"):
        items_of(tmp_path / "x")
