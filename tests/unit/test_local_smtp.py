"""The SMTP sink as a witness: on the disk before the answer, scripted where a test asks for trouble."""

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import aiosmtplib
import pytest

from api.local.smtp import SmtpSink
from api.local.smtp_record import Accepted, RecordReader, SmtpRecord, kept_headers, read_record
from api.local.smtp_script import FileScript, Rule, Script

MESSAGE = (
    b"Message-ID: <1@sender.example>\r\n"
    b"Date: Mon, 05 Jan 2026 10:00:00 +0100\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"To: Zo=?utf-8?q?=C3=AB?=\r\n <zoe@lead.example>\r\n"
    b"\r\nSubject: not a header\r\nh\xc3\xa9llo\r\n"
)


def client(sink: SmtpSink) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(hostname=sink.host, port=sink.port, use_tls=False, start_tls=False, timeout=10)


async def send(sink: SmtpSink, to: str = "zoe@lead.example", message: bytes = MESSAGE) -> None:
    async with client(sink) as smtp:
        await smtp.sendmail("anna@sender.example", [to], message)


async def test_an_accepted_message_stands_in_the_record_with_envelope_headers_and_body(smtp_sink: SmtpSink) -> None:
    before = datetime.now(UTC)
    await send(smtp_sink)
    (mail,) = smtp_sink.accepted
    assert (mail.mail_from, mail.recipients) == ("anna@sender.example", ("zoe@lead.example",))
    assert mail.message_id == "<1@sender.example>"
    assert mail.date == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert mail.subject == "Grüße"
    assert mail.headers["to"].endswith("<zoe@lead.example>")
    assert mail.size == len(MESSAGE)
    assert mail.raw == MESSAGE
    assert before <= mail.accepted_wall <= datetime.now(UTC)


async def test_the_line_is_on_the_disk_before_the_250(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    forced = os.fsync

    def fsync(descriptor: int) -> None:
        forced(descriptor)
        events.append("forced")

    monkeypatch.setattr("api.local.smtp_record.os.fsync", fsync)
    sink = SmtpSink(tmp_path / "record")
    await sink.start()
    await send(sink)
    events.append("answered")
    await sink.stop()
    assert events == ["forced", "answered"]


async def test_a_disk_that_fails_accepts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("api.local.smtp_record.os.fsync", fsync)
    record = SmtpRecord(tmp_path / "record")
    with pytest.raises(OSError, match="No space left"):
        await record.append(b"{}\n")
    await record.close()


async def test_messages_that_arrive_together_are_forced_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced = 0

    def fsync(_descriptor: int) -> None:
        nonlocal forced
        forced += 1

    monkeypatch.setattr("api.local.smtp_record.os.fsync", fsync)
    record = SmtpRecord(tmp_path / "record")
    await asyncio.gather(*(record.append(b"{}\n") for _ in range(100)))
    await record.close()
    assert (tmp_path / "record").read_bytes() == b"{}\n" * 100
    assert forced <= 2


def mail(message_id: str) -> Accepted:
    return Accepted(datetime(2026, 1, 5, tzinfo=UTC), "a@b.example", ("c@d.example",), 1, {"message_id": message_id})


async def test_a_line_cut_by_a_kill_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_bytes(mail("<1@x>").to_line() + mail("<2@x>").to_line()[:30])
    reader = RecordReader(path)
    assert [one.message_id for one in reader.new()] == ["<1@x>"]
    record = SmtpRecord(path)
    await record.append(mail("<3@x>").to_line())
    await record.close()
    assert [one.message_id for one in reader.new()] == ["<3@x>"]
    assert [one.message_id for one in read_record(path)] == ["<1@x>", "<3@x>"]


def test_a_record_that_does_not_exist_yet_is_empty(tmp_path: Path) -> None:
    assert read_record(tmp_path / "none") == []


def test_every_byte_of_a_kept_message_comes_back() -> None:
    raw = bytes(range(256))
    line = Accepted(datetime(2026, 1, 5, tzinfo=UTC), "a", ("b",), 256, {}, raw).to_line()
    assert Accepted.from_line(line).raw == raw


def test_only_the_first_of_a_repeated_header_counts_and_the_body_never_does() -> None:
    assert kept_headers(b"Date: 1\r\nDATE: 2\r\n\r\nMessage-ID: <no@x>") == {"date": "1"}


async def test_scripted_answers_reach_the_client_and_nothing_is_recorded(smtp_sink: SmtpSink) -> None:
    smtp_sink.script.rules = [
        Rule("*@busy.example", at="rcpt", reply="450 4.2.0 busy"),
        Rule("gone@lead.example", at="rcpt", reply="550 5.1.1 no such user"),
        Rule("big@lead.example", at="body", reply="552 5.3.4 too big"),
        Rule("late@lead.example", at="data", reply="451 4.3.0 later"),
    ]
    for to, code in (("a@busy.example", 450), ("gone@lead.example", 550)):
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await send(smtp_sink, to)
        assert refused.value.recipients[0].code == code
    for to, code in (("big@lead.example", 552), ("late@lead.example", 451)):
        with pytest.raises(aiosmtplib.SMTPDataError) as failed:
            await send(smtp_sink, to)
        assert failed.value.code == code
    assert smtp_sink.accepted == []


async def test_a_sender_can_be_refused_at_mail_from(smtp_sink: SmtpSink) -> None:
    smtp_sink.script.rules = [Rule("anna@*", at="mail", reply="421 4.7.0 slow down")]
    with pytest.raises((aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPServerDisconnected)):
        await send(smtp_sink)
    assert smtp_sink.accepted == []


async def test_a_rule_with_times_holds_that_often_for_each_address(smtp_sink: SmtpSink) -> None:
    smtp_sink.script.rules = [Rule("*", at="rcpt", reply="450 4.2.0 busy", times=1)]
    for to in ("a@lead.example", "b@lead.example"):
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
            await send(smtp_sink, to)
        await send(smtp_sink, to)
    assert [one.recipients for one in smtp_sink.accepted] == [("a@lead.example",), ("b@lead.example",)]


@pytest.mark.parametrize("at", ["mail", "rcpt", "data", "body"])
async def test_a_connection_dropped_instead_of_an_answer_accepts_nothing(smtp_sink: SmtpSink, at: str) -> None:
    smtp_sink.script.rules = [Rule("*", at=at, drop="before")]  # pyright: ignore[reportArgumentType]
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(smtp_sink)
    assert smtp_sink.accepted == []
    smtp_sink.script.rules = []
    await send(smtp_sink)
    assert len(smtp_sink.accepted) == 1


async def test_a_connection_dropped_after_acceptance_leaves_the_message_in_the_record(smtp_sink: SmtpSink) -> None:
    smtp_sink.script.rules = [Rule("*", at="body", drop="after_accept")]
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(smtp_sink)
    assert [one.message_id for one in smtp_sink.accepted] == ["<1@sender.example>"]


async def test_a_delay_holds_back_the_answer_of_that_address_only(smtp_sink: SmtpSink) -> None:
    smtp_sink.script.rules = [Rule("slow@lead.example", at="body", delay_s=60)]
    slow = asyncio.create_task(send(smtp_sink, "slow@lead.example"))
    await send(smtp_sink, "quick@lead.example")
    assert not slow.done()
    assert [one.recipients for one in smtp_sink.accepted] == [("quick@lead.example",)]
    smtp_sink.drop_all()
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await slow


async def test_connections_can_be_kept_and_are_all_cut_at_once(smtp_sink: SmtpSink) -> None:
    smtp = client(smtp_sink)
    await smtp.connect()
    for number in range(3):
        await smtp.sendmail("anna@sender.example", [f"{number}@lead.example"], MESSAGE)
    assert smtp_sink.connections == 1
    smtp_sink.drop_all()
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await smtp.noop()
    smtp.close()
    assert len(smtp_sink.accepted) == 3


async def test_a_login_is_asked_for_and_checked_where_users_are_given(tmp_path: Path) -> None:
    sink = SmtpSink(tmp_path / "record", users={"anna": "right"})
    await sink.start()
    with pytest.raises(aiosmtplib.SMTPException):
        await send(sink)
    async with client(sink) as smtp:
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await smtp.login("anna", "wrong")
    async with client(sink) as smtp:
        await smtp.login("anna", "right")
        await smtp.sendmail("anna@sender.example", ["zoe@lead.example"], MESSAGE)
    assert len(sink.accepted) == 1
    await sink.stop()


def test_a_file_script_is_read_again_when_it_changes_and_kept_while_it_is_half_written(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    script = FileScript(path)
    assert script.answer("rcpt", "a@lead.example") is None
    path.write_text(json.dumps([{"to": "a@lead.example", "at": "rcpt", "reply": "550 5.1.1 no"}]))
    assert script.answer("rcpt", "A@Lead.example") == Rule("a@lead.example", reply="550 5.1.1 no")
    path.write_text("[{")
    assert script.answer("rcpt", "a@lead.example") is not None
    path.write_text("[]")
    assert script.answer("rcpt", "a@lead.example") is None


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"at": "later"}, "at one of"),
        ({"at": "rcpt", "drop": "after_accept"}, "stage body"),
        ({"drop": "sometimes"}, "before or after_accept"),
        ({"reply": "no"}, "three digits"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(values: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Rule("*", **values)  # pyright: ignore[reportArgumentType]


def test_the_first_rule_that_fits_counts() -> None:
    script = Script([Rule("a@*", reply="450 1"), Rule("*", reply="550 2")])
    answers = [script.answer("rcpt", address) for address in ("a@x", "b@x")]
    assert [answer.reply for answer in answers if answer] == ["450 1", "550 2"]
    assert script.answer("mail", "a@x") is None
