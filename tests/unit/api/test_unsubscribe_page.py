"""The unsubscribe page: what a reader sees in which language, what a POST may say, what is taken back (behaviour 5.3)."""

import asyncio
import re
import string
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import FormData

from api.http.unsubscribe import MAX_FORM, Asked, read_form
from api.http.unsubscribe_page import LANGUAGES, words
from domain.accept_language import preferred
from domain.consent import GOALS
from domain.tokens import LinkToken, TokenKeys, link_token
from sinks.postgres.consent import Choice

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
TITLES = {language: words()[language]["ask"] for language in LANGUAGES}
OTHER_KEYS = TokenKeys.parse("k1:" + "B" * 43 + "=")


def url(api: Any, kind: str = "unsubscribe") -> str:
    return f"/u/{api.token(kind)}"


def heading(html: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", html)
    assert found is not None
    return found[1].replace("&#39;", "'")


# -- the words


def leaves(said: dict[str, Any]) -> Iterator[str]:
    for value in said.values():
        yield from (value.values() if isinstance(value, dict) else [value])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything_with_the_same_places_for_a_kind(language: str) -> None:
    english, said = words()["en"], words()[language]
    assert said.keys() == english.keys()
    assert said["kinds"].keys() == set(GOALS)
    for key, text in english.items():
        if isinstance(text, str):
            places = [name for _, name, _, _ in string.Formatter().parse(said[key]) if name]
            assert places == [name for _, name, _, _ in string.Formatter().parse(text) if name], key
    assert all(isinstance(text, str) and text.strip() == text and text for text in leaves(dict(said)))


def test_no_language_is_a_copy_of_another() -> None:
    assert len({words()[language]["question"] for language in LANGUAGES}) == len(LANGUAGES) == 7


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"), ("de-AT,de;q=0.9,en;q=0.8", "de"), ("sv-SE,sv;q=0.9,nl;q=0.4", "nl"), ("*", "en"), ("ja", "en"),
        ("fr;q=0,it;q=0.2", "it"), ("en;q=0.2, pt-BR", "pt"), ("fr;q=x,de;q=0.1", "de"), (";;;,,q=1", "en"),
        ("es;q=0.5,fr;q=0.5", "es"), ("FR-ca", "fr"), ("x" * 5000 + ",de", "en"),
    ],
)  # fmt: skip
def test_the_reader_gets_the_language_they_want_most(header: str, language: str) -> None:
    assert preferred(header, LANGUAGES) == language


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_is_in_the_readers_language(api: Any, language: str) -> None:
    answer = await api.client.get(url(api), headers={"Accept-Language": f"{language}-XX,en;q=0.1"})
    html = await answer.text()
    assert (answer.status, heading(html), answer.headers["Content-Language"]) == (200, TITLES[language], language)
    assert f'<html lang="{language}">' in html
    assert words()[language]["kinds"]["brand_awareness"] in html.replace("&#39;", "'")
    assert "Accept-Language" in answer.headers["Vary"]


# -- the page


async def test_the_page_fetches_nothing_runs_nothing_and_is_kept_nowhere(api: Any) -> None:
    for answer in (await api.client.get(url(api)), await api.client.post(url(api), data=ONE_CLICK)):
        html = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert not re.search(r"<script|<link|<img|src=|@import|url\(|https?://", html)


async def test_the_style_is_let_in_by_its_hash(api: Any) -> None:
    import base64
    import hashlib

    answer = await api.client.get(url(api))
    style = re.search(r"<style>(.*?)</style>", await answer.text(), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"]


async def test_the_page_can_be_used_by_keyboard_and_screen_reader(api: Any) -> None:
    html = await (await api.client.get(url(api))).text()
    assert 'name="viewport"' in html
    assert html.count("<h1>") == 1
    assert "<fieldset>" in html
    assert "<legend>" in html
    radios = re.findall(r"<label><input type=\"radio\" name=\"scope\" value=\"(\w+)\"( checked)?>", html)
    assert radios == [("all", " checked"), ("goal", ""), ("campaign", "")]
    assert "focus-visible" in html


@pytest.mark.parametrize("agent", ["Mozilla/5.0", "GoogleImageProxy", "Barracuda Sentinel", "curl/8", ""])
@pytest.mark.parametrize("query", ["", "?scope=all", "?List-Unsubscribe=One-Click", "?take_back=unsubscribe:1"])
async def test_whoever_follows_the_link_changes_nothing(api: Any, agent: str, query: str) -> None:
    for method in ("get", "head"):
        for _ in range(2):
            answer = await getattr(api.client, method)(url(api) + query, headers={"User-Agent": agent})
            assert answer.status == 200
    assert (await api.client.options(url(api))).status == 405
    assert (api.postgres.suppressed, api.postgres.taken_back, api.notes.waiting) == ([], [], [])


@pytest.mark.parametrize("method", ["get", "post", "head"])
async def test_a_forged_token_says_nothing_and_changes_nothing(api: Any, method: str) -> None:
    token = link_token(OTHER_KEYS, LinkToken("unsubscribe", "lead-1", "q1", "intro"))
    for forged in (token, api.token("unsubscribe")[:-2], "k1.xxxx", "x" * 8000, "%00", api.token("open")):
        answer = await getattr(api.client, method)(f"/u/{forged}", headers={"Accept-Language": "de"})
        assert answer.status == 404
        if method != "head":
            assert heading(await answer.text()) == "Dieser Link ist nicht gültig"
    assert (api.postgres.suppressed, api.notes.waiting) == ([], [])


async def test_a_mail_that_was_sealed_under_an_older_key_still_unsubscribes(api: Any) -> None:
    old = api.token("unsubscribe")
    values = {"k1": "A" * 43 + "=", "k2": "B" * 43 + "="}
    rotated = TokenKeys.parse(f"k2:{values['k2']},k1:{values['k1']},hash:{values['k1']}")
    object.__setattr__(api.services, "keys", rotated)
    assert api.token("unsubscribe") == old  # the fixture still seals with the older one
    assert (await api.client.post(f"/u/{old}", data=ONE_CLICK)).status == 200
    assert len(api.postgres.suppressed) == 1


# -- what a POST may say


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"list-unsubscribe": "One-Click"}, Asked("all", "one_click")),
        ({"list-unsubscribe": " one-click "}, Asked("all", "one_click")),
        ({"list-unsubscribe": "Two-Click"}, None),
        ({"list-unsubscribe": "One-Click", "scope": "campaign"}, Asked("all", "one_click")),
        ({}, Asked("all", "one_click")),
        ({"scope": "campaign"}, Asked("campaign", "page")),
        ({"scope": "nonsense"}, Asked("all", "page")),
        ({"take_back": "unsubscribe:1,reply:2"}, Asked(take_back=("unsubscribe:1", "reply:2"))),
        ({"take_back": ""}, None),
        ({"email": "zoe@example.com"}, None),
        (None, None),
    ],
)
def test_a_form_asks_for_what_its_fields_say(fields: dict[str, str] | None, asked: Asked | None) -> None:
    assert read_form(fields) == asked


async def test_one_click_comes_as_either_form_and_with_whatever_type_a_mail_service_gives_it(api: Any) -> None:
    multipart = FormData(default_to_multipart=True)
    multipart.add_field("List-Unsubscribe", "One-Click")
    bodies: list[Any] = [ONE_CLICK, multipart, b"List-Unsubscribe=One-Click", b"LIST-UNSUBSCRIBE=one-click\r\n", b""]
    for body in bodies:
        assert (await api.client.post(url(api), data=body)).status == 200
    typed = await api.client.post(url(api), data=b"List-Unsubscribe=One-Click", headers={"Content-Type": "text/plain"})
    assert typed.status == 200
    assert [(one.scope, one.via) for one in api.postgres.suppressed] == [("all", "one_click")] * 6


@pytest.mark.parametrize("said", ["Content-Type: text/plain; charset=x-none", "Content-Transfer-Encoding: x-none"])
async def test_one_click_counts_whatever_its_part_says_of_itself(api: Any, said: str) -> None:
    part = f'Content-Disposition: form-data; name="List-Unsubscribe"\r\n{said}\r\n\r\nOne-Click'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = await api.client.post(url(api), data=f"--b\r\n{part}\r\n--b--\r\n".encode(), headers=headers)
    assert (answer.status, len(api.postgres.suppressed)) == (200, 1)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"List-Unsubscribe": "One-Click"}', "application/json"),
        (b"<unsubscribe/>", "application/xml"),
        (b"email=zoe%40example.com", "application/x-www-form-urlencoded"),
        (b"List-Unsubscribe=Later", "application/x-www-form-urlencoded"),
        (b"no boundary", "multipart/form-data"),
        (b"--b\r\nbroken", "multipart/form-data; boundary=b"),
        (
            b'--b\r\nContent-Disposition: form-data; name="x"; filename="y"\r\n\r\nx\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        (b"&".join(b"f%d=1" % number for number in range(200)), "application/x-www-form-urlencoded"),
        (b"\xff\xfe\x00", "application/x-www-form-urlencoded"),
    ],
)
async def test_a_body_that_asks_for_nothing_we_know_changes_nothing_and_shows_the_form(
    api: Any, body: bytes, kind: str
) -> None:
    answer = await api.client.post(url(api), data=body, headers={"Content-Type": kind})
    html = await answer.text()
    assert (answer.status, heading(html)) == (400, "Please choose here")
    assert 'value="campaign"' in html
    assert api.postgres.suppressed == []


async def test_a_body_without_end_is_refused(api: Any) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await api.client.post(url(api), data=b"scope=all&x=" + b"x" * MAX_FORM, headers=form)
    assert answer.status == 413
    assert api.postgres.suppressed == []


# -- the answer


async def test_the_answer_says_what_was_chosen_and_offers_the_way_back(api: Any) -> None:
    answer = await api.client.post(url(api), data={"scope": "goal"})
    html = await answer.text()
    assert heading(html) == "You are unsubscribed"
    assert "no more mail of this kind: news about us" in html
    assert "may still arrive" in html
    source = api.postgres.suppressed[0].source_id
    assert f'name="take_back" value="{source}"' in html

    back = await api.client.post(url(api), data={"take_back": source})
    assert heading(await back.text()) == "Your choice is taken back"
    assert api.postgres.taken_back == [source]
    assert len(api.notes.waiting) <= 1  # the unsubscribe is told, the way back is a matter of the gate


async def test_who_is_suppressed_for_another_reason_is_not_told_that_mail_will_come(api: Any) -> None:
    api.postgres.in_force = frozenset({"all"})
    html = await (await api.client.post(url(api), data={"take_back": "unsubscribe:1"})).text()
    assert "for another reason" in html
    api.postgres.in_force = frozenset({"campaign:another"})
    html = await (await api.client.post(url(api), data={"take_back": "unsubscribe:1"})).text()
    assert "We may write to you again" in html


async def test_who_has_chosen_sees_what_and_can_take_it_back(api: Any) -> None:
    api.postgres.chosen = [
        Choice("unsubscribe:1", "campaign:q1"), Choice("unsubscribe:1", "goal:nurture"), Choice("unsubscribe:2", "campaign:q9"),
    ]  # fmt: skip
    html = await (await api.client.get(url(api))).text()
    assert heading(html) == "You have chosen already"
    assert "no more mail of this kind: information after a first contact" in html
    assert "no more mail of this series" not in html  # it came with the kind; the other one is another series
    assert 'name="take_back" value="unsubscribe:1"' in html


async def test_a_kind_holds_for_the_campaign_too_and_for_the_kind_that_it_was(api: Any) -> None:
    api.postgres.addresses[api.send_id] = b"address"
    api.postgres.goal = "nurture"
    await api.client.post(url(api), data={"scope": "goal"})
    scopes = [one.scope for one in api.postgres.suppressed]
    assert scopes == ["goal:nurture", "goal:brand_awareness", "campaign:q1"]
    assert {one.address_key for one in api.postgres.suppressed} == {b"address"}


async def test_of_mail_whose_kind_nobody_knows_a_choice_of_the_kind_means_all(api: Any) -> None:
    api.postgres.campaigns.clear()
    html = await (await api.client.post(url(api), data={"scope": "goal"})).text()
    assert [one.scope for one in api.postgres.suppressed] == ["all"]
    assert "no more mail from us" in html


@pytest.mark.parametrize("form", [ONE_CLICK, {"scope": "campaign"}, {"take_back": "unsubscribe:1"}])
async def test_while_postgres_is_away_nobody_is_told_that_it_is_done(api: Any, form: dict[str, str]) -> None:
    api.postgres.away = True
    answer = await api.client.post(url(api), data=form, headers={"Accept-Language": "it"})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "60")
    assert heading(await answer.text()) == "Riprovi, per favore"
    assert api.notes.waiting == []


async def test_a_database_that_hangs_is_away(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(api.postgres, "unsubscribe", hang)
    monkeypatch.setattr(api.postgres, "choices", hang)
    monkeypatch.setattr("api.http.unsubscribe.COMMIT_S", 0.05)
    monkeypatch.setattr("api.http.unsubscribe.READ_S", 0.05)
    assert (await api.client.post(url(api), data=ONE_CLICK)).status == 503
    assert (await api.client.get(url(api))).status == 200


async def answers_before_it_is_stored(api: Any, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a POST is answered while its commit has not returned."""
    committed, entered = asyncio.Event(), asyncio.Event()
    commit = api.postgres.unsubscribe

    async def slow(*given: Any) -> None:
        entered.set()
        await committed.wait()
        await commit(*given)

    monkeypatch.setattr(api.postgres, "unsubscribe", slow)
    asking = asyncio.create_task(api.client.post(url(api), data=ONE_CLICK))
    await asyncio.wait_for(entered.wait(), 5)
    done, _ = await asyncio.wait({asking}, timeout=0.3)
    committed.set()
    assert (await asking).status == 200
    return bool(done)


async def test_the_commit_precedes_the_answer(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not await answers_before_it_is_stored(api, monkeypatch)


async def test_an_answer_that_does_not_wait_for_the_commit_is_found_out(
    api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the same question to an api that stores in the background."""
    from api.http import unsubscribe

    tasks: list[asyncio.Task[None]] = []

    async def careless(*given: Any) -> None:
        tasks.append(asyncio.create_task(suppress(*given)))

    suppress = unsubscribe.suppress
    monkeypatch.setattr(unsubscribe, "suppress", careless)
    assert await answers_before_it_is_stored(api, monkeypatch)
    await asyncio.gather(*tasks)
