"""Where a mailbox stands, what is fetched next and how much of it, when it is tried again."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.inbox import (
    FIRST_REST_S,
    FRONT,
    FRONT_OF_STUCK,
    LONGEST_PAUSE_S,
    LONGEST_REST_S,
    LOOK_BACK,
    MAX_WHOLE,
    SLICE_BYTES,
    SLICE_MAILS,
    WINDOW,
    Listed,
    Position,
    Slice,
    at_uid,
    is_wanted,
    later,
    next_width,
    pause_s,
    rest_s,
    slices,
    stand,
    stuck_slice,
    window,
)

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
AT = Position(7, 50, 40, SINCE)


def test_a_mailbox_that_was_never_read_begins_with_what_came_since() -> None:
    assert stand(None, uid_validity=7, uid_next=100, since=SINCE, read_at=None) == Position(7, 0, 100, SINCE)


def test_a_mailbox_goes_on_where_it_stood() -> None:
    assert stand(AT, uid_validity=7, uid_next=51, since=SINCE, read_at=None) == AT


def test_other_uids_begin_anew_a_week_before_everything_had_been_read() -> None:
    read_at = SINCE + timedelta(days=30)
    again = stand(AT, uid_validity=8, uid_next=60, since=SINCE, read_at=read_at)
    assert again == Position(8, 0, 60, read_at - LOOK_BACK)
    early = SINCE + timedelta(days=1)
    assert stand(AT, uid_validity=8, uid_next=60, since=SINCE, read_at=early).since == SINCE
    assert stand(AT, uid_validity=8, uid_next=60, since=SINCE, read_at=None).since == SINCE


def test_uids_that_went_back_begin_anew_though_the_server_says_they_are_the_same() -> None:
    again = stand(AT, uid_validity=7, uid_next=50, since=SINCE, read_at=None)
    assert (again.last_uid, again.filtered_below) == (0, 50)


def test_a_position_never_goes_back() -> None:
    assert at_uid(AT, 49) == AT
    assert at_uid(AT, 51).last_uid == 51


@given(
    last=st.integers(0, 10_000),
    filtered=st.integers(1, 12_000),
    uid_next=st.integers(1, 12_000),
    width=st.integers(1, 5000),
)
def test_ranges_cover_every_uid_once_and_none_has_both_kinds(
    last: int, filtered: int, uid_next: int, width: int
) -> None:
    at = Position(7, last, filtered, SINCE)
    covered = last
    while (span := window(at, uid_next, width)) is not None:
        low, high = span
        assert low == covered + 1
        assert low <= high < uid_next
        assert high < filtered or low >= filtered
        covered = high
        at = at_uid(at, high)
    assert covered == max(last, uid_next - 1)


def test_gaps_are_crossed_in_a_few_steps() -> None:
    at, width, steps = Position(7, 0, 1, SINCE), WINDOW, 0
    while (span := window(at, 2**32 - 1, width)) is not None:
        at, width, steps = at_uid(at, span[1]), next_width(width, 0), steps + 1
    assert steps < 20
    assert next_width(1 << 30, 3) == WINDOW


def test_only_mail_that_was_there_at_the_beginning_can_be_too_old() -> None:
    old = SINCE - timedelta(seconds=1)
    assert not is_wanted(Listed(39, 1, old), AT)
    assert is_wanted(Listed(39, 1, SINCE), AT)
    assert is_wanted(Listed(39, 1, None), AT)
    assert is_wanted(Listed(40, 1, old), AT)


SIZES = st.lists(st.integers(0, 3 * MAX_WHOLE) | st.integers(0, 200_000), max_size=150)


@given(SIZES)
def test_slices_have_every_mail_once_in_order_and_are_bounded(sizes: list[int]) -> None:
    mails = [Listed(number, size, None) for number, size in enumerate(sizes, start=1)]
    found = slices(mails)
    assert [uid for part in found for uid in part.uids] == [mail.uid for mail in mails]
    for part in found:
        stated = [sizes[uid - 1] for uid in part.uids]
        assert len(stated) <= SLICE_MAILS
        assert len(stated) == 1 or sum(stated) <= SLICE_BYTES
        assert part.is_partial == (stated[0] > MAX_WHOLE)
        assert part.is_partial or all(size < part.limit or size == MAX_WHOLE for size in stated)


def test_a_mail_that_is_too_long_gives_its_front() -> None:
    assert slices([Listed(1, MAX_WHOLE + 1, None)]) == [Slice((1,), FRONT, is_partial=True)]


def test_mails_under_suspicion_are_fetched_one_by_one() -> None:
    mails = [Listed(uid, 10, None) for uid in range(1, 6)]
    assert [part.uids for part in slices(mails, alone={2, 3})] == [(1,), (2,), (3,), (4, 5)]


def test_a_mail_that_was_set_aside_is_asked_for_whole_once_more_and_then_for_its_front() -> None:
    assert stuck_slice(9, 100_000, 2) == Slice((9,), MAX_WHOLE)
    assert stuck_slice(9, 100_000, 3) == Slice((9,), FRONT_OF_STUCK, is_partial=True)
    assert stuck_slice(9, 100, 3) == Slice((9,), FRONT_OF_STUCK)
    assert stuck_slice(9, MAX_WHOLE + 1, 3) == Slice((9,), FRONT_OF_STUCK, is_partial=True)


def test_a_lost_server_is_tried_soon_and_a_refused_login_rarely() -> None:
    assert pause_s(1, 0.0) == 0.5
    assert pause_s(1000, 0.999) <= LONGEST_PAUSE_S
    assert rest_s(1) == FIRST_REST_S == 900
    assert rest_s(1000) == LONGEST_REST_S
    assert [later(tries) / timedelta(minutes=10) for tries in (1, 2, 3, 4)] == [1, 1, 2, 4]
    assert later(1000) == timedelta(days=1)
