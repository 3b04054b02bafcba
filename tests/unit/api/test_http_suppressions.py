"""Suppressions by REST: who may, what is refused and why, and that no address gets into a URL (docs/behaviour.md 5.3)."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from domain.consent import write_key
from domain.tokens import address_key
from sinks.postgres.consent import Lifted, Story

AUTH = {"Authorization": "Bearer operator"}
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
URL = "/api/suppressions"


def row(number: int, **more: Any) -> dict[str, Any]:
    facts = {
        "key": bytes([number]) * 16, "lead_id": None, "scope": "all", "reason": "import", "source_id": "import:1:import",
        "via": "import", "since": None, "suppressed_at": AT, "lifted_at": None, "lifted_by": None,
    }  # fmt: skip
    return facts | more


class Store:
    """The consents behind the API, as far as a test tells."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self.brought: list[Any] = []
        self.asked: list[Any] = []
        self.rows: list[dict[str, Any]] = []
        self.lifted: list[Lifted] = []
        self.known = Story([], [], 0, 0)

    def key_of(self, address: str) -> bytes:
        return address_key(self._api.keys.hash_secret, address)

    async def bring(self, rows: Any, *, via: str, source: str, tell: Any) -> Any:
        self._api.postgres._answer()
        self.brought.append((via, list(rows)))
        return rows

    async def story(self, key: bytes) -> Story:
        self.asked.append(key)
        return self.known

    async def page(self, after: Any, *, lifted: bool, at_most: int) -> Any:
        self.asked.append((after, lifted, at_most))
        return self.rows[:at_most]

    async def lift(self, key: bytes, scope: str | None) -> list[Lifted]:
        self.asked.append((key, scope))
        return self.lifted


@pytest.fixture
def store(api: Any) -> Store:
    store = Store(api)
    object.__setattr__(api.services, "consents", store)
    return store


async def test_without_the_token_nothing_is_told_or_done(api: Any, store: Store) -> None:
    for method, url in (("get", URL), ("post", URL), ("post", f"{URL}/show"), ("delete", f"{URL}/x")):
        assert (await getattr(api.client, method)(url)).status == 401
    assert (store.brought, store.asked) == ([], [])


async def test_addresses_are_suppressed_each_once_in_one_spelling(api: Any, store: Store) -> None:
    body = {"addresses": ["Zoe@Example.com", "zoe@example.com", "+46 70 123 45 67"], "scope": "campaign:q1"}
    answer = await api.client.post(URL, json=body, headers=AUTH)
    told = (await answer.json())["suppressed"]
    assert answer.status == 200
    assert [(one["address"], one["new"], one["proof"]["holds"]) for one in told] == [
        ("zoe@example.com", True, True), ("+46701234567", True, True),
    ]  # fmt: skip
    ((via, rows),) = store.brought
    assert (via, [(one.scope, one.reason, one.is_address) for one in rows]) == (
        "api", [("campaign:q1", "operator", True), ("campaign:q1", "operator", False)],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"addresses": ["zoe@example.com", "nobody"]}, 400, "address 2"),
        ({"addresses": []}, 400, "addresses"),
        ({}, 400, "addresses"),
        ({"addresses": ["zoe@example.com"], "scope": "q1"}, 400, "campaign:ID"),
        ({"addresses": ["zoe@example.com"], "reason": "Herr Möller"}, 400, "names nobody"),
        ({"addresses": ["zoe@example.com"], "scope": "campaign:q9"}, 404, "q9"),
        ({"addresses": ["zoe@example.com"], "until": "tomorrow"}, 400, "until"),
    ],
)
async def test_a_bad_request_is_refused_whole_and_says_what_is_wrong(
    api: Any, store: Store, body: dict[str, Any], status: int, says: str
) -> None:
    answer = await api.client.post(URL, json=body, headers=AUTH)
    assert answer.status == status
    assert says in await answer.text()
    assert store.brought == []


async def test_while_postgres_is_away_it_is_503(api: Any, store: Store) -> None:
    api.postgres.away = True
    body = {"addresses": ["zoe@example.com"]}
    assert (await api.client.post(URL, json=body, headers=AUTH)).status == 503


async def test_an_address_is_shown_with_its_records_and_the_proof(api: Any, store: Store) -> None:
    touch = {
        "kind": "in_the_air", "send_id": uuid4(), "lead_id": "zoe", "campaign_id": "q1", "step_id": "intro",
        "mailbox_id": "anna", "message_id": "<m@x.example>", "state": "sent", "passed_at": AT, "finished_at": AT,
        "scope": "all", "source_id": "unsubscribe:1", "suppressed_at": AT,
    }  # fmt: skip
    records = [
        row(1, via=None, source_id="reply:1", reason="unsubscribe"), row(1, lead_id="zoe", lifted_at=AT, lifted_by="person"),
    ]  # fmt: skip
    store.known = Story(records, [touch, {**touch, "kind": "after"}], 3, 2)
    told = await (await api.client.post(f"{URL}/show", json={"address": " Zoe@example.com"}, headers=AUTH)).json()
    assert store.asked == [address_key(api.keys.hash_secret, "zoe@example.com")]
    assert (told["address"], told["in_force"]) == ("zoe@example.com", ["all"])
    assert [(one["way"], one["of"], one["operator_may_lift"]) for one in told["records"]] == [
        ("reply", "address", False), ("import", "lead", False),
    ]  # fmt: skip
    proof = told["proof"]
    assert (proof["holds"], len(proof["after_commit"]), len(proof["in_the_air"])) == (False, 1, 1)
    assert proof["in_the_air"][0]["send_id"] == str(touch["send_id"])


async def test_a_list_goes_on_where_it_ended(api: Any, store: Store) -> None:
    store.rows = [row(1), row(2), row(3)]
    first = await (await api.client.get(URL, params={"limit": "2"}, headers=AUTH)).json()
    secret = api.keys.hash_secret
    assert [one["key"] for one in first["suppressions"]] == [write_key(secret, bytes([n]) * 16) for n in (1, 2)]
    await api.client.get(URL, params={"limit": "2", "after": first["next"], "all": "true"}, headers=AUTH)
    assert store.asked[-1] == ((bytes([2]) * 16, "all", "import:1:import"), True, 2)
    store.rows = [row(3)]
    assert (await (await api.client.get(URL, params={"limit": "2"}, headers=AUTH)).json())["next"] is None


@pytest.mark.parametrize("params", [{"address": "zoe@example.com"}, {"limit": "0"}, {"limit": "many"}, {"after": "x"}])
async def test_a_list_that_is_asked_for_wrongly_says_how(api: Any, store: Store, params: Any) -> None:
    answer = await api.client.get(URL, params=params, headers=AUTH)
    assert (answer.status, store.asked) == (400, [])


async def test_a_suppression_is_lifted_by_its_key(api: Any, store: Store) -> None:
    store.lifted = [Lifted("all", "import:1:import", "import")]
    key = write_key(api.keys.hash_secret, bytes([1]) * 16)
    told = await (await api.client.delete(f"{URL}/{key}", params={"scope": "all"}, headers=AUTH)).json()
    assert told == {"lifted": [{"scope": "all", "source_id": "import:1:import", "reason": "import"}], "in_force": []}
    assert store.asked[0] == (bytes([1]) * 16, "all")
    assert (await api.client.delete(f"{URL}/zoe", headers=AUTH)).status == 404
