"""A campaign is finished when what could still add a lead to it is read, hop by hop."""

from domain.settling import Look, Settling


def look(read: tuple[int, int], ends: tuple[int, int]) -> Look:
    """One partition each of enrollments and engagements."""
    return Look(
        {"enrollments": {0: read[0]}, "engagements": {0: read[1]}},
        {"enrollments": {0: ends[0]}, "engagements": {0: ends[1]}},
    )


def test_with_everything_read_the_second_look_settles_it() -> None:
    settling = Settling(look((5, 9), (5, 9)))
    assert settling.is_settled(look((5, 9), (5, 9)))


def test_an_enrollment_that_leads_has_not_read_keeps_it_open() -> None:
    settling = Settling(look((4, 9), (5, 9)))
    assert not settling.is_settled(look((4, 9), (5, 9)))
    assert settling.is_settled(look((5, 10), (5, 10)))


def test_what_leads_told_of_it_has_to_be_stored_too() -> None:
    settling = Settling(look((4, 9), (5, 9)))
    assert not settling.is_settled(look((5, 9), (5, 10)))
    assert not settling.is_settled(look((5, 9), (5, 10)))
    assert settling.is_settled(look((5, 10), (5, 10)))


def test_an_enrollment_that_was_published_again_in_another_partition_is_waited_for() -> None:
    settling = Settling(look((4, 9), (5, 9)))
    assert not settling.is_settled(look((5, 9), (6, 9)))  # read, and stands at 5 in the right partition
    assert not settling.is_settled(look((5, 9), (6, 9)))
    assert settling.is_settled(look((6, 10), (6, 10)))


def test_what_comes_later_for_other_campaigns_holds_up_nothing_for_ever() -> None:
    settling = Settling(look((5, 9), (6, 10)))
    for step in range(1, 6):
        if settling.is_settled(look((5 + step, 9 + step), (6 + step, 10 + step))):
            break
    else:
        raise AssertionError("never settled while other campaigns went on")


def test_a_partition_that_nobody_ever_read_counts_from_its_beginning() -> None:
    empty = Look({"enrollments": {}, "engagements": {}}, {"enrollments": {0: 0}, "engagements": {0: 0}})
    assert Settling(empty).is_settled(empty)
    full = Look({"enrollments": {}, "engagements": {}}, {"enrollments": {0: 1}, "engagements": {0: 0}})
    assert not Settling(full).is_settled(full)
