"""Pixel, click and unsubscribe: what is answered, what is recorded, and what happens while servers are away."""

from collections.abc import Sequence
from typing import Any

import pytest

from api.http.hits import HitBuffer, network_of
from api.http.tracking import GIF
from api.publisher import Outgoing
from api.telling import noted
from domain.tokens import LinkToken, TokenKeys, link_token
from schemas.tracking import Hit
from streams.errors import Poison
from tests.support.waiting import wait_for

OTHER_KEYS = TokenKeys.parse("k1:" + "B" * 43 + "=")


async def recorded(api: Any, count: int = 1) -> list[Any]:
    await wait_for(lambda: len(api.kafka.sent) >= count, 5)
    return [item.message for item in api.kafka.sent]


async def test_a_pixel_answers_an_image_that_is_not_kept_and_records_an_open(api: Any) -> None:
    answer = await api.client.get(f"/t/o/{api.token('open')}.gif", headers={"User-Agent": "Mail\x00".strip("\x00")})
    assert (answer.status, answer.content_type, await answer.read()) == (200, "image/gif", GIF)
    assert "no-store" in answer.headers["Cache-Control"]
    (hit,) = await recorded(api)
    assert (hit.type, hit.lead_id, hit.send_id, hit.method) == ("open", "lead-1", api.send_id, "GET")
    assert hit.network == "127.0.0.0/24"
    assert api.kafka.sent[0][::2] == ("tracking-hits", "lead-1")


async def test_a_head_request_is_answered_and_recorded_as_what_it_is(api: Any) -> None:
    answer = await api.client.head(f"/t/o/{api.token('open')}.gif")
    assert (answer.status, await answer.read()) == (200, b"")
    (hit,) = await recorded(api)
    assert hit.method == "HEAD"


@pytest.mark.parametrize("forge", ["other key", "cut", "rubbish", "another kind"])
async def test_a_forged_pixel_looks_the_same_and_records_nothing(api: Any, forge: str) -> None:
    token = {
        "other key": link_token(OTHER_KEYS, LinkToken("open", "lead-1", "q1", "intro")),
        "cut": api.token("open")[:-2],
        "rubbish": "k1.xxxx",
        "another kind": api.token("click", url="https://x.example/"),
    }[forge]
    answer = await api.client.get(f"/t/o/{token}.gif")
    assert (answer.status, await answer.read()) == (200, GIF)
    assert len(api.services.hits) == 0
    assert api.kafka.sent == []


async def test_a_click_goes_to_the_sealed_address_and_is_recorded(api: Any) -> None:
    url = "https://hotel.example/angebot?q=größe&x=1#top"
    answer = await api.client.get(f"/t/c/{api.token('click', url=url)}", allow_redirects=False)
    assert answer.status == 302
    assert answer.headers["Location"] == "https://hotel.example/angebot?q=gr%C3%B6%C3%9Fe&x=1#top"
    (hit,) = await recorded(api)
    assert (hit.type, hit.url) == ("click", url)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://x.example/", None])
async def test_a_click_goes_nowhere_but_to_the_web(api: Any, url: str | None) -> None:
    answer = await api.client.get(f"/t/c/{api.token('click', url=url)}", allow_redirects=False)
    assert answer.status == 404
    assert "Location" not in answer.headers
    assert api.kafka.sent == []


async def test_a_forged_click_is_404_and_records_nothing(api: Any) -> None:
    token = link_token(OTHER_KEYS, LinkToken("click", "lead-1", "q1", "intro", url="https://evil.example/"))
    answer = await api.client.get(f"/t/c/{token}", allow_redirects=False)
    assert answer.status == 404
    assert len(api.services.hits) == 0
    assert api.kafka.sent == []


async def test_a_line_break_in_a_destination_makes_no_header(api: Any) -> None:
    token = api.token("click", url="https://x.example/\r\nSet-Cookie: a=b")
    answer = await api.client.get(f"/t/c/{token}", allow_redirects=False)
    assert answer.headers["Location"] == "https://x.example/%0D%0ASet-Cookie:%20a=b"
    assert "Set-Cookie" not in answer.headers


async def test_hits_wait_while_kafka_is_away_and_arrive_when_it_is_back(api: Any) -> None:
    api.kafka.away = True
    for _ in range(3):
        assert (await api.client.get(f"/t/o/{api.token('open')}.gif")).status == 200
    clicked = await api.client.get(f"/t/c/{api.token('click', url='https://x.example/')}", allow_redirects=False)
    assert clicked.status == 302
    assert len(api.services.hits) == 4
    api.kafka.away = False
    hits = await recorded(api, 4)
    assert len({hit.event_id for hit in hits}) == 4
    await wait_for(lambda: len(api.services.hits) == 0, 5)


async def test_the_buffer_is_bounded_and_drops_the_newest(api: Any) -> None:
    api.kafka.away = True
    small = HitBuffer(api.kafka, capacity=2)
    await api.client.get(f"/t/o/{api.token('open')}.gif")
    hit = api.services.hits._waiting[0]
    for number in range(5):
        small.add(hit.model_copy(update={"event_id": str(number)}))
    assert [waiting.event_id for waiting in small._waiting] == ["0", "1"]


async def test_one_hit_that_no_topic_takes_costs_only_itself(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    api.kafka.away = True
    await api.client.get(f"/t/o/{api.token('open')}.gif")
    (hit,) = api.services.hits._waiting
    for number in range(9):
        api.services.hits.add(hit.model_copy(update={"event_id": "bad" if number == 4 else str(number)}))
    publish = api.kafka.publish

    async def picky(messages: Sequence[Outgoing]) -> None:
        if any(item.message.event_id == "bad" for item in messages):  # type: ignore[attr-defined]
            raise Poison("too_large", "larger than the topic takes")
        await publish(messages)

    monkeypatch.setattr(api.kafka, "publish", picky)
    api.kafka.away = False
    await wait_for(lambda: len(api.services.hits) == 0, 5)
    assert [item.message.event_id for item in api.kafka.sent] == [hit.event_id, *"01235678"]


async def test_opening_the_unsubscribe_page_changes_nothing(api: Any) -> None:
    answer = await api.client.get(f"/u/{api.token('unsubscribe')}")
    page = await answer.text()
    assert answer.status == 200
    assert '<form method="post">' in page
    assert "news about us" in page
    assert api.postgres.suppressed == []
    assert len(api.services.hits) == 0


async def test_one_click_commits_by_address_and_lead_before_it_answers(api: Any) -> None:
    api.postgres.addresses[api.send_id] = b"address"
    body = "List-Unsubscribe=One-Click"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await api.client.post(f"/u/{api.token('unsubscribe')}", data=body, headers=headers)
    assert answer.status == 200
    (suppression,) = api.postgres.suppressed
    assert (suppression.scope, suppression.address_key, suppression.lead_id) == ("all", b"address", "lead-1")
    (hit,) = await recorded(api)
    assert (hit.type, hit.scope) == ("unsubscribe", "all")
    assert suppression.source_id == f"unsubscribe:{hit.event_id}"


async def test_an_unsubscribe_is_told_when_kafka_is_back_however_long_it_was_away(api: Any) -> None:
    api.kafka.away = True
    assert (await api.client.post(f"/u/{api.token('unsubscribe')}")).status == 200
    (noted,) = api.notes.waiting
    api.kafka.away = False
    (hit,) = await recorded(api)
    assert (noted.topic, noted.key, Hit.model_validate_json(noted.value)) == ("tracking-hits", hit.lead_id, hit)
    await wait_for(lambda: api.notes.waiting == [], 5)


async def test_an_unsubscribe_that_another_process_left_behind_is_told(api: Any) -> None:
    await api.client.post(f"/u/{api.token('unsubscribe')}")
    (hit,) = await recorded(api)
    await wait_for(lambda: api.notes.waiting == [], 5)
    api.notes.waiting.append(noted("tracking-hits", hit, hit.event_id, hit.lead_id))
    assert await recorded(api, 2) == [hit, hit]


async def test_an_unsubscribe_that_no_topic_takes_is_given_up_alone(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    api.kafka.away = True
    for _ in range(3):
        await api.client.post(f"/u/{api.token('unsubscribe')}")
    bad = api.notes.waiting[1].event_id
    publish = api.kafka.publish

    async def picky(messages: Sequence[Outgoing]) -> None:
        if any(item.message.event_id == bad for item in messages):  # type: ignore[attr-defined]
            raise Poison("too_large", "larger than the topic takes")
        await publish(messages)

    monkeypatch.setattr(api.kafka, "publish", picky)
    api.kafka.away = False
    await wait_for(lambda: api.notes.waiting == [], 5)
    assert bad not in [hit.event_id for hit in await recorded(api, 2)]


async def test_while_postgres_is_away_the_answer_is_503_and_nothing_is_told(api: Any) -> None:
    api.postgres.away = True
    answer = await api.client.post(f"/u/{api.token('unsubscribe')}", data={"scope": "all"})
    assert answer.status == 503
    assert "could not make sure" in await answer.text()
    assert len(api.services.hits) == 0
    assert (await api.client.get(f"/u/{api.token('unsubscribe')}")).status == 200
    assert (await api.client.get(f"/t/o/{api.token('open')}.gif")).status == 200


@pytest.mark.parametrize(
    ("scope", "stored"),
    [
        ("campaign", ["campaign:q1"]),
        ("goal", ["goal:brand_awareness", "campaign:q1"]),
        ("all", ["all"]),
        ("nonsense", ["all"]),
    ],
)
async def test_the_form_chooses_the_scope(api: Any, scope: str, stored: list[str]) -> None:
    assert (await api.client.post(f"/u/{api.token('unsubscribe')}", data={"scope": scope})).status == 200
    assert [suppression.scope for suppression in api.postgres.suppressed] == stored


async def test_unsubscribing_again_is_a_source_of_its_own(api: Any) -> None:
    for _ in range(2):
        await api.client.post(f"/u/{api.token('unsubscribe')}")
    assert len({suppression.source_id for suppression in api.postgres.suppressed}) == 2


@pytest.mark.parametrize("kind", ["open", "click"])
async def test_only_an_unsubscribe_token_unsubscribes(api: Any, kind: str) -> None:
    for method in ("get", "post"):
        answer = await getattr(api.client, method)(f"/u/{api.token(kind)}")
        assert answer.status == 404
    assert api.postgres.suppressed == []


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::5", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        (None, ""),
        ("unix", ""),
    ],
)
def test_a_caller_is_kept_as_a_network_only(address: str | None, network: str) -> None:
    assert network_of(address) == network
