"""Requests to be taken off: none missed, none invented."""

import pytest

from domain.replies.unsubscribe import request_language

REQUESTS = [
    "unsubscribe",
    "Unsubscribe me please",
    "please unsubscribe\n\nBob",
    "Please remove me from your list.",
    "Hi Anna,\n\nplease take me off your mailing list. Thanks!\nBob",
    "Stop emailing me!!!",
    "STOP",
    "Please stop.",
    "Remove",
    "No thanks, please remove me from your list",
    "Thank you but please remove me from the list",
    "Not interested. Please stop contacting me.",
    "Could you please unsubscribe me from all your emails?",
    "I would like to unsubscribe",
    "I'd like to be removed from this list please",
    "do not contact me again",
    "Don’t email me again.",
    "Please delete my data from your database",
    "take us off your list",
    "opt out",
    "UNSUBSCRIBE ME FROM THIS LIST",
    "Hello, please stop sending me these emails",
    "no more emails please",
    "Dear Ms. Berg,\nKindly remove my email address from your distribution list.\nRegards",
]
OTHERS = [
    "Please don't remove me from your list",
    "How do I unsubscribe rates?",
    "Unsubscribe rates are a problem for us, tell me more",
    "Sounds good. To unsubscribe our customers use a link. Yours?",
    "I'd love to stop by your office on Monday",
    "Stop by any time",
    "Stop press: we are interested",
    "Remove me from the list unless you can offer a discount",
    "Yes please, send the price list",
    "We do not send e-mails ourselves, what do you offer?",
    "Do not contact Bob.",
    "Stop contacting Bob",
    "please do not write to Bob",
    "Do not contact Bob, contact me instead: interested",
    "Don't send the contract yet",
    "Don't write in English, please write in Swedish",
    "Can we unsubscribe later?",
    "Please send me more",
    "Please mail me",
    "Never mind, call me",
    "Interested! My colleague asked: remove me from the demo list, but I stay. What does it cost, and can we talk?",
    "",
]


def asks_in_text(text: str) -> bool:
    return request_language(text, "", listed=False) is not None


def asks_in_subject(subject: str) -> bool:
    return request_language("", subject, listed=False) is not None


@pytest.mark.parametrize("text", REQUESTS)
def test_a_request_is_heard(text: str) -> None:
    assert asks_in_text(text)


@pytest.mark.parametrize("text", OTHERS)
def test_other_words_are_no_request(text: str) -> None:
    assert not asks_in_text(text)


def test_only_the_beginning_counts() -> None:
    offer = "We like it.\nSend an offer.\nTwo rooms.\nFor May.\n"
    assert not asks_in_text(f"{offer}Unsubscribe")
    assert asks_in_text(f"{offer}Unsubscribe me")
    assert not asks_in_text(f"{offer}{offer}Unsubscribe me")


def test_a_subject_of_ones_own_is_heard() -> None:
    assert asks_in_subject("Unsubscribe")


def test_our_own_subject_come_back_is_no_request() -> None:
    assert not asks_in_subject("Re: Stop")
    assert not asks_in_subject("How to stop churn")
