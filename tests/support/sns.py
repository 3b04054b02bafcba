"""Amazon SNS without Amazon: certificates like its own under an authority made here, and messages signed with them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from domain.sns import signed_text
from streams.errors import Permanent, Retryable

TOPIC = "arn:aws:sns:eu-west-1:123456789012:touchline"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
ISSUER_URL = "http://crt.r2m01.amazontrust.com/r2m01.cer"
SUBSCRIBE_URL = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336412f37"
ALGORITHMS: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}
NAME = "sns.amazonaws.com"
Key = rsa.RSAPrivateKey


@cache
def key(name: str) -> Key:
    """A key by name: making one takes a while, so tests share them."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def authority(name: str, at: datetime, *, by: str | None = None) -> x509.Certificate:
    """The certificate of an authority: of itself, or of another by its name."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by or name)])
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    return (
        _builder(subject, issuer, key(name), at - timedelta(days=365), at + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key(name).public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key(by or name).public_key()), critical=False)
        .sign(key(by or name), hashes.SHA256())
    )


def signing_certificate(
    at: datetime, *, by: str = "issuer", name: str = NAME, issuer_url: str | None = ISSUER_URL, days: int = 30
) -> x509.Certificate:
    """A certificate for SNS, valid from the day before `at`."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, by)])
    builder = (
        _builder(subject, issuer, key("leaf"), at - timedelta(days=1), at + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key(by).public_key()), critical=False)
    )
    if issuer_url is not None:
        where = x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(issuer_url)
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([where]), critical=False)
    return builder.sign(key(by), hashes.SHA256())


def _builder(
    subject: x509.Name, issuer: x509.Name, owner: Key, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(owner.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


@dataclass
class FakeWeb:
    """Addresses and what is there; `away` answers nothing."""

    pages: dict[str, bytes] = field(default_factory=dict)
    visited: list[str] = field(default_factory=list)
    away: bool = False

    async def get(self, url: str) -> bytes:
        self.visited.append(url)
        if self.away:
            raise Retryable(f"{url} does not answer")
        if url not in self.pages:
            raise Permanent(f"{url} answers 404")
        return self.pages[url]


@dataclass
class FakeInboundStore:
    """What Postgres keeps."""

    certificates: dict[str, str] = field(default_factory=dict)
    topics: dict[str, str] = field(default_factory=dict)

    async def find(self, url: str) -> str | None:
        return self.certificates.get(url)

    async def keep(self, url: str, pem: str) -> str:
        return self.certificates.setdefault(url, pem)

    async def note_subscription(self, topic: str, state: Any) -> None:
        self.topics[topic] = state


def amazon(at: datetime) -> tuple[FakeWeb, list[x509.Certificate]]:
    """(the web as Amazon would have it, the roots to trust): a lone signing certificate, its issuer elsewhere."""
    issuer = authority("issuer", at, by="root")
    pages = {
        CERTIFICATE_URL: pem(signing_certificate(at)),
        ISSUER_URL: issuer.public_bytes(Encoding.DER),
        SUBSCRIBE_URL: b"<ConfirmSubscriptionResponse/>",
    }
    return FakeWeb(pages), [authority("root", at)]


def message(kind: str, text: str, at: datetime, *, by: str = "leaf", version: str = "1", **more: str) -> dict[str, str]:
    """An SNS message, signed."""
    fields = {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": text,
        "Timestamp": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE_URL,
        **more,
    }
    signed = signed_text(fields)
    assert signed is not None
    signature = key(by).sign(signed, padding.PKCS1v15(), ALGORITHMS[version])
    return {**fields, "Signature": base64.b64encode(signature).decode()}


def notification(said: dict[str, Any] | str, at: datetime, **more: str) -> dict[str, str]:
    """What SES says, in a message."""
    return message("Notification", said if isinstance(said, str) else json.dumps(said), at, **more)


def confirmation(at: datetime, kind: str = "SubscriptionConfirmation", **more: str) -> dict[str, str]:
    """SNS asks whether the topic is wanted, or tells that it is not any more."""
    fields = {"SubscribeURL": SUBSCRIBE_URL, "Token": "2336412f37", **more}
    return message(kind, "You have chosen to subscribe to the topic.", at, **fields)
