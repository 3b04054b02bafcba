"""Mail in: stopped before it is stored, stored before it is told, and nothing twice."""

from dataclasses import replace

import pytest

from agents.replying.intake import Intake
from agents.replying.knowledge import Knowledge
from domain.replies.mail import Mail
from schemas.definitions import Definition
from schemas.replies import Reply
from streams.errors import Retryable
from streams.work import Work
from tests.support import mails
from tests.support.replying import AT, Parser, World, emitted, inbound, read_token, token, touch


def intake(world: World, stored: list[str] | None = None) -> Intake:
    return Intake(
        parser=Parser(),
        store=world,
        touches=world,
        stops=world,
        read_token=read_token,
        stored=lambda: None if stored is None else stored.append("woken"),
    )


def answer(body: str = "Sounds good", lead: str = "lead-1", number: int = 0) -> bytes:
    row = touch(lead)
    return mails.plain(body, In_Reply_To=f"<{token(row)}@sender.example>", Message_ID=f"<m{number}@corp.example>")


async def test_the_stop_is_committed_before_the_row_and_the_row_before_the_event() -> None:
    world, work, woken = World([touch()]), Work(), list[str]()
    await intake(world, woken).take(work, [inbound(answer())], AT)
    assert world.names() == ["stop", "insert"]
    (stop,) = world.log[0][1]
    (reply,) = emitted(work, "replies", Reply)
    assert (stop.lead_id, stop.enrollment_id, stop.reason, stop.source_id) == (
        "lead-1",
        None,
        "reply",
        f"reply:{reply.reply_id}",
    )
    assert (reply.lead_id, reply.matched_by, reply.confidence, reply.at) == ("lead-1", "in_reply_to", 1.0, AT)
    assert woken == []
    work.apply()
    assert woken == ["woken"]


async def test_without_the_stop_nothing_is_stored_or_told() -> None:
    world, work = World([touch()], failing={"stop": Retryable("away")}), Work()
    with pytest.raises(Retryable):
        await intake(world).take(work, [inbound(answer())], AT)
    assert not world.stored
    assert not work.outputs


async def test_a_mail_that_comes_again_stops_nothing_and_tells_the_same() -> None:
    world, first, again = World([touch()]), Work(), Work()
    await intake(world).take(first, [inbound(answer(), 1)], AT)
    world.log.clear()
    await intake(world).take(again, [inbound(answer(), 2, "<another-way@x.example>")], AT.replace(hour=20))
    assert world.names() == []
    assert emitted(again, "replies", Reply) == emitted(first, "replies", Reply)


async def test_the_same_mail_twice_in_a_batch_counts_once() -> None:
    world, work = World([touch()]), Work()
    await intake(world).take(work, [inbound(answer(), 1), inbound(answer(), 2)], AT)
    assert len(world.stored) == len(emitted(work, "replies", Reply)) == 1


async def test_a_mail_that_another_worker_stored_meanwhile_is_told_as_it_is_stored() -> None:
    world, work, other = World([touch()]), Work(), Work()
    await intake(world).take(other, [inbound(answer())], AT)
    known = world.known
    calls: list[int] = []

    async def known_too_late(reply_ids: list[object]) -> object:
        calls.append(1)
        return {} if len(calls) == 1 else await known(reply_ids)  # type: ignore[arg-type]

    world.known = known_too_late  # type: ignore[method-assign]
    await intake(world).take(work, [inbound(answer())], AT.replace(hour=20))
    assert emitted(work, "replies", Reply) == emitted(other, "replies", Reply)


async def test_a_mail_that_answers_nothing_of_ours_is_kept_and_stops_nothing() -> None:
    world, work = World([touch()]), Work()
    await intake(world).take(work, [inbound(mails.plain("Buy now", subject="Cheap", sender="x@y.example"))], AT)
    assert world.names() == ["insert"]
    assert list(world.states.values()) == ["untracked"]
    assert not work.outputs


async def test_sender_and_subject_are_the_last_resort() -> None:
    world, work = World([touch()]), Work()
    await intake(world).take(work, [inbound(mails.plain("Sounds good"))], AT)
    (reply,) = emitted(work, "replies", Reply)
    assert (reply.matched_by, reply.confidence) == ("sender_subject", 0.5)


@pytest.mark.parametrize("template", [mails.POSTFIX_BOUNCE, mails.EXIM_BOUNCE, mails.ARF_COMPLAINT])
async def test_reports_take_no_hold(template: str) -> None:
    world, work = World([touch()]), Work()
    await intake(world).take(work, [inbound(mails.raw(template, token(touch())))], AT)
    assert world.names() == ["insert"]
    assert list(world.states.values()) == ["matched"]
    assert not work.outputs


async def test_a_report_about_a_mail_we_never_sent_changes_nothing() -> None:
    world, work = World([touch()]), Work()
    await intake(world).take(work, [inbound(mails.raw(mails.POSTFIX_BOUNCE, "made-up"))], AT)
    assert list(world.states.values()) == ["untracked"]
    assert not work.outputs


async def test_a_mail_that_cannot_be_read_is_a_dead_letter_and_its_neighbours_go_on() -> None:
    world, work = World([touch()]), Work()
    await intake(world).take(work, [inbound(b"bomb", 1), inbound(answer(), 2)], AT)
    assert work.dead == [("inbound-replies", "parse_timeout")]
    assert len(emitted(work, "replies", Reply)) == 1


async def test_an_answer_proves_that_an_ambiguous_touch_arrived() -> None:
    world = World([touch(state="ambiguous")])
    await intake(world).take(Work(), [inbound(answer())], AT)
    assert ("settle", [touch().send_id]) in world.log


async def test_two_machines_that_answer_under_our_own_id_are_two_mails() -> None:
    world, work = World([touch()]), Work()
    own = f"<{token(touch())}@sender.example>"
    raws = [mails.plain(text, sender="robot@corp.example", Message_ID=own) for text in ("one", "two")]
    await intake(world).take(work, [inbound(raw, n) for n, raw in enumerate(raws)], AT)
    assert len(world.stored) == len(emitted(work, "replies", Reply)) == 2


async def test_a_copy_of_our_own_mail_stops_nothing() -> None:
    world, work = World([touch()]), Work()
    own = mails.plain(
        "Hi", sender="anna@sender.example", subject="Question", Message_ID=f"<{token(touch())}@sender.example>"
    )
    await intake(world).take(work, [inbound(own)], AT)
    assert list(world.states.values()) == ["untracked"]
    assert isinstance(next(iter(world.stored.values())).mail, Mail)


async def test_a_nul_in_a_message_id_that_a_stranger_gave_is_not_stored() -> None:
    """A row that Postgres refuses after its stop stands would leave a lead stopped that nobody hears of."""
    world, work = World([touch()]), Work()
    raw = mails.plain("Sounds good", In_Reply_To=f"<{token(touch())}@sender.example>")
    await intake(world).take(
        work, [inbound(raw.replace(b"Message-ID", b"X-Message-ID"), 1, "<a\x00b@corp.example>")], AT
    )
    assert [row.message_id for row in world.log[-1][1]] == ["ab@corp.example"]


async def test_a_token_that_only_the_envelope_names_finds_its_touch() -> None:
    world, work = World([touch()]), Work()
    event = inbound(mails.plain("Yes", subject="Other", sender="someone@else.example"))
    envelope = [f" <Reply+{token(touch()).upper()}@mail.example> ", "a\x00b@x.example"]
    event = replace(event, body=event.body.model_copy(update={"envelope_to": envelope}))
    await intake(world).take(work, [event], AT)
    (reply,) = emitted(work, "replies", Reply)
    assert reply.matched_by == "recipient_token"


@pytest.mark.parametrize(
    ("lead_is_ours", "told"), [(False, 0), (True, 1)], ids=["a colleague of the sender", "a lead that is a sender"]
)
async def test_the_owner_of_one_of_our_mailboxes_who_writes_in_a_thread_is_no_answer(
    lead_is_ours: bool, told: int
) -> None:
    row = touch(address_key=b"of anna@sender.example") if lead_is_ours else touch()
    world, work = World([row]), Work()
    knowledge = Knowledge(lambda email: f"of {email}".encode())
    spec = {"from": "Anna Berg <Anna@Sender.example>"}
    knowledge.take(("mailbox", "anna"), Definition(kind="mailbox", id="anna", revision=1, spec=spec, at=AT))
    raw = mails.plain("I called her", sender="anna@sender.example", In_Reply_To=f"<{token(row)}@sender.example>")
    one = Intake(
        parser=Parser(), store=world, touches=world, stops=world, read_token=read_token, stored=lambda: None,
        is_colleague=knowledge.is_colleague,
    )  # fmt: skip
    await one.take(work, [inbound(raw)], AT)
    assert len(emitted(work, "replies", Reply)) == told


@pytest.mark.parametrize("nothing", ["<>", "<@>", "< >", "<@corp.example>", "<.@corp.example>"])
async def test_ids_that_name_nothing_make_no_two_mails_one(nothing: str) -> None:
    """Some programs write the same empty id into every mail: the second one may be who wants out."""
    world, work = World([touch(), touch("lead-2")]), Work()
    taken = intake(world)
    first = answer("Sounds good").replace(b"<m0@corp.example>", nothing.encode())
    second = answer("Remove me", lead="lead-2").replace(b"<m0@corp.example>", nothing.encode())
    await taken.take(work, [inbound(first, 0, nothing), inbound(second, 1, nothing), inbound(first, 2, nothing)], AT)
    assert {reply.lead_id for reply in emitted(work, "replies", Reply)} == {"lead-1", "lead-2"}
    assert len(world.stored) == 2
