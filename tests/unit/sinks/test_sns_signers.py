"""Who may sign for SNS: certificates that lead to Amazon's roots, bear SNS's name, are valid, and never change."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding

from sinks.sns import FETCHES_A_MINUTE, NotSigned, Signed, SnsSigners, amazon_roots
from streams.errors import Retryable
from tests.support.sns import (
    CERTIFICATE_URL,
    ISSUER_URL,
    FakeInboundStore,
    amazon,
    authority,
    key,
    pem,
    signing_certificate,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = AT.timestamp()
TEXT = b"Message\nhello\n"

FINGERPRINTS = {
    "Amazon Root CA 1": "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
    "Amazon Root CA 2": "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
    "Amazon Root CA 3": "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
    "Amazon Root CA 4": "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
}
"""As Amazon Trust Services publishes them: https://www.amazontrust.com/repository/."""


GENUINE = Path(__file__).parents[2] / "support" / "amazon_sns_af_south_1.pem"


def signed(by: str = "leaf", url: str = CERTIFICATE_URL) -> Signed:
    signature = key(by).sign(TEXT, padding.PKCS1v15(), hashes.SHA256())
    return Signed(TEXT, base64.b64encode(signature).decode(), "2", url, "eu-west-1")


class World:
    def __init__(self) -> None:
        self.web, self.roots = amazon(AT)
        self.store = FakeInboundStore()

    def signers(self) -> SnsSigners:
        return SnsSigners(self.web, self.store, self.roots)

    def put(self, *certificates: Any) -> None:
        self.web.pages[CERTIFICATE_URL] = pem(*certificates)


@pytest.fixture
def world() -> World:
    return World()


def test_the_pinned_roots_are_amazons_four() -> None:
    found = {
        str(root.subject.rfc4514_string()).partition("CN=")[2].partition(",")[0]: root.fingerprint(
            hashes.SHA256()
        ).hex()
        for root in amazon_roots()
    }
    assert found == FINGERPRINTS


async def test_a_lone_certificate_is_trusted_through_its_issuer(world: World) -> None:
    await world.signers().check(signed(), NOW)
    assert world.web.visited == [CERTIFICATE_URL, ISSUER_URL]


async def test_a_certificate_that_comes_with_its_issuer_needs_no_second_visit(world: World) -> None:
    world.put(signing_certificate(AT), authority("issuer", AT, by="root"))
    await world.signers().check(signed(), NOW)
    assert world.web.visited == [CERTIFICATE_URL]


async def test_another_key_signs_nothing(world: World) -> None:
    with pytest.raises(NotSigned, match="Signature: is wrong"):
        await world.signers().check(signed("stranger"), NOW)


@pytest.mark.parametrize("name", ["sns.eu-west-1.amazonaws.com", "sns-signing.eu-west-1.amazonaws.com"])
async def test_a_regions_own_names_are_snss(world: World, name: str) -> None:
    world.put(signing_certificate(AT, name=name))
    await world.signers().check(signed(), NOW)


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        (lambda: signing_certificate(AT, name="evil.example"), "is not SNS's"),
        (lambda: signing_certificate(AT, name="sns.us-east-1.amazonaws.com"), "is not SNS's"),
        (lambda: signing_certificate(AT - timedelta(days=90)), "does not lead"),
        (lambda: signing_certificate(AT + timedelta(days=90)), "does not lead"),
        (lambda: signing_certificate(AT, by="stranger"), "does not lead"),
        (lambda: signing_certificate(AT, by="leaf", issuer_url=None), "does not lead"),
        (lambda: signing_certificate(AT, issuer_url="http://evil.example/ca.cer"), "was not issued by Amazon"),
        (lambda: authority("root", AT), "is not SNS's"),
    ],
    ids=[
        "other name",
        "other region",
        "expired",
        "not yet",
        "other issuer",
        "self-signed",
        "issuer elsewhere",
        "a root",
    ],
)
async def test_no_other_certificate_is_trusted_or_kept(world: World, certificate: Any, why: str) -> None:
    world.put(certificate())
    with pytest.raises(NotSigned, match=why):
        await world.signers().check(signed(), NOW)
    assert world.store.certificates == {}
    assert "http://evil.example/ca.cer" not in world.web.visited


async def test_a_chain_to_a_root_that_is_not_amazons_is_refused(world: World) -> None:
    with pytest.raises(NotSigned, match="does not lead to Amazon's roots"):
        await SnsSigners(world.web, world.store).check(signed(), NOW)


async def test_a_chain_of_amazons_own_leads_to_the_pinned_roots(world: World) -> None:
    """A genuine one: only the message is not signed with it."""
    url = "https://sns.af-south-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"
    world.web.pages[url] = GENUINE.read_bytes()
    message = replace(signed(url=url), region="af-south-1")
    at = datetime(2026, 10, 2, tzinfo=UTC).timestamp()
    with pytest.raises(NotSigned, match="Signature: is wrong"):
        await SnsSigners(world.web, world.store).check(message, at)
    assert list(world.store.certificates) == [url]


async def test_what_is_no_certificate_is_refused(world: World) -> None:
    world.web.pages[CERTIFICATE_URL] = b"<html>"
    with pytest.raises(NotSigned, match="holds no certificate"):
        await world.signers().check(signed(), NOW)


async def test_a_certificate_is_fetched_once_and_for_all_processes(world: World) -> None:
    await world.signers().check(signed(), NOW)
    signers = world.signers()
    for _ in range(3):
        await signers.check(signed(), NOW)
    assert world.web.visited == [CERTIFICATE_URL, ISSUER_URL]


async def test_nothing_else_can_stand_at_an_address_that_was_trusted(world: World) -> None:
    await world.signers().check(signed(), NOW)
    kept = dict(world.store.certificates)
    world.put(signing_certificate(AT), authority("issuer", AT, by="root"))
    await world.signers().check(signed(), NOW)
    assert world.store.certificates == kept


async def test_a_kept_certificate_is_checked_again_by_who_reads_it(world: World) -> None:
    world.store.certificates[CERTIFICATE_URL] = pem(signing_certificate(AT, by="stranger")).decode()
    with pytest.raises(NotSigned, match="does not lead"):
        await world.signers().check(signed(), NOW)


async def test_a_certificate_that_has_run_out_signs_nothing_more(world: World) -> None:
    signers = world.signers()
    await signers.check(signed(), NOW)
    with pytest.raises(NotSigned, match="not valid now"):
        await signers.check(signed(), (AT + timedelta(days=31)).timestamp())


async def test_unknown_addresses_are_visited_only_so_often(world: World) -> None:
    signers = world.signers()
    addresses = [CERTIFICATE_URL.replace("0123", f"{number:04x}", 1) for number in range(100, 100 + FETCHES_A_MINUTE)]
    for address in addresses:
        with pytest.raises(NotSigned, match="404"):
            await signers.check(signed(url=address), NOW)
    with pytest.raises(Retryable):
        await signers.check(signed(), NOW)
    await signers.check(signed(), NOW + 61)
    assert len(world.web.visited) == FETCHES_A_MINUTE + 2


async def test_an_issuer_that_cannot_be_fetched_now_is_no_verdict(world: World) -> None:
    del world.web.pages[ISSUER_URL]
    with pytest.raises(Retryable):
        await world.signers().check(signed(), NOW)
    world.web.pages[ISSUER_URL] = authority("issuer", AT, by="root").public_bytes(Encoding.DER)
    await world.signers().check(signed(), NOW)
