"""Who signed a message of Amazon SNS (docs/behaviour.md 7.1).

A signing certificate is trusted when it was fetched over https from SNS's own address in the topic's region, bears SNS's
name, is valid now, and its chain ends at one of Amazon's four roots, which are pinned here (`certificates/`). One that was
trusted is kept by its address, for all processes: nothing else can ever stand there.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from domain.sns import certificate_names, is_certificate_url, is_issuer_url
from sinks.web import Web
from streams.errors import Permanent, Retryable

ROOTS = Path(__file__).parent / "certificates" / "amazon_roots.pem"
HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303 - version 1 is SNS's default
MIN_KEY_BITS = 2048
MAX_KEPT = 64
FETCHES_A_MINUTE = 20


class NotSigned(Exception):
    """The message is not signed by SNS. The text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a message says of its signature; `text` is what is signed, `region` its topic's."""

    text: bytes
    signature: str
    version: str
    certificate_url: str
    region: str


class CertificateStore(Protocol):
    """Where trusted certificates are kept (`sinks.postgres.inbound.InboundStore`). Raises Retryable."""

    async def find(self, url: str) -> str | None: ...

    async def keep(self, url: str, pem: str) -> str:
        """Keep it unless there is one; the one that is kept."""
        ...


@dataclass(frozen=True, slots=True)
class _Trusted:
    key: rsa.RSAPublicKey
    from_s: float
    until_s: float


class SnsSigners:
    """Checks signatures. `roots` are what a chain must end at."""

    def __init__(self, web: Web, store: CertificateStore, roots: Sequence[x509.Certificate] | None = None) -> None:
        self._web = web
        self._store = store
        self._roots = Store(list(roots or amazon_roots()))
        self._trusted: dict[str, _Trusted] = {}
        self._fetched: list[float] = []

    async def check(self, message: Signed, now_s: float) -> None:
        """Return where SNS has signed it. Raises NotSigned, and Retryable when it cannot be told."""
        algorithm = HASHES.get(message.version)
        if algorithm is None:
            raise NotSigned("SignatureVersion: must be 1 or 2")
        if not is_certificate_url(message.certificate_url, message.region):
            raise NotSigned(f"SigningCertURL: is none of SNS in {message.region}")
        try:
            given = base64.b64decode(message.signature, validate=True)
        except (binascii.Error, ValueError):
            raise NotSigned("Signature: is no base64") from None
        if base64.b64encode(given).decode() != message.signature:
            raise NotSigned("Signature: is not in its one form of base64")
        key = await self._key(message.certificate_url, message.region, now_s)
        try:
            key.verify(given, message.text, padding.PKCS1v15(), algorithm)
        except InvalidSignature:
            raise NotSigned("Signature: is wrong") from None

    async def _key(self, url: str, region: str, now_s: float) -> rsa.RSAPublicKey:
        trusted = self._trusted.get(url)
        if trusted is None:
            trusted = await self._trust(url, region, now_s)
            while len(self._trusted) >= MAX_KEPT:
                del self._trusted[next(iter(self._trusted))]
            self._trusted[url] = trusted
        if not trusted.from_s <= now_s <= trusted.until_s:
            raise NotSigned("SigningCertURL: its certificate is not valid now")
        return trusted.key

    async def _trust(self, url: str, region: str, now_s: float) -> _Trusted:
        kept = await self._store.find(url)
        if kept is not None:
            return self._verified(kept.encode(), [], region, now_s)
        self._count(now_s)
        try:
            pem = await self._web.get(url)
            issuers = await self._issuers(pem)
            trusted = self._verified(pem, issuers, region, now_s)
        except Permanent as error:
            raise NotSigned(f"SigningCertURL: {error}") from None
        chain = [*_certificates(pem), *issuers]
        whole = b"".join(one.public_bytes(Encoding.PEM) for one in chain)
        kept = await self._store.keep(url, whole.decode())
        return trusted if kept == whole.decode() else self._verified(kept.encode(), [], region, now_s)

    def _count(self, now_s: float) -> None:
        """Anybody can name an address that has no certificate: it costs a request, so there are only so many."""
        self._fetched = [at for at in self._fetched if at > now_s - 60]
        if len(self._fetched) >= FETCHES_A_MINUTE:
            raise Retryable("too many unknown certificates in a minute")
        self._fetched.append(now_s)

    async def _issuers(self, pem: bytes) -> list[x509.Certificate]:
        """The certificate above a lone one, from where it says that its issuer publishes it."""
        certificates = _certificates(pem)
        if len(certificates) > 1:
            return []
        url = _issuer_url(certificates[0])
        if url is None:
            return []
        if not is_issuer_url(url):
            raise NotSigned("SigningCertURL: its certificate was not issued by Amazon")
        try:
            return [_der(await self._web.get(url))]
        except Permanent as error:  # the lone certificate came from SNS: what fails here is not the message
            raise Retryable(str(error)) from error

    def _verified(self, pem: bytes, issuers: Sequence[x509.Certificate], region: str, now_s: float) -> _Trusted:
        """The key of the first certificate, its chain and its name checked as a browser checks a server's."""
        leaf, *others = _certificates(pem)
        now = datetime.fromtimestamp(now_s, UTC)
        name = next((name for name in certificate_names(region) if name in _names(leaf)), None)
        if name is None:
            raise NotSigned("SigningCertURL: its certificate is not SNS's")
        verifier = PolicyBuilder().store(self._roots).time(now).build_server_verifier(x509.DNSName(name))
        try:
            verifier.verify(leaf, [*others, *issuers])
        except VerificationError as error:
            raise NotSigned(f"SigningCertURL: its certificate does not lead to Amazon's roots: {error}") from None
        key = leaf.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size < MIN_KEY_BITS:
            raise NotSigned("SigningCertURL: its certificate has no RSA key of 2048 bits")
        return _Trusted(key, leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp())


@cache
def amazon_roots() -> tuple[x509.Certificate, ...]:
    """The roots of Amazon Trust Services (https://www.amazontrust.com/repository/)."""
    return tuple(x509.load_pem_x509_certificates(ROOTS.read_bytes()))


def _certificates(pem: bytes) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError:
        found = []
    if not 1 <= len(found) <= 5:
        raise NotSigned("SigningCertURL: holds no certificate")
    return found


def _der(data: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(data)
    except ValueError:
        raise NotSigned("SigningCertURL: its issuer's certificate cannot be read") from None


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return extension.value.get_values_for_type(x509.DNSName)


def _issuer_url(certificate: x509.Certificate) -> str | None:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except (x509.ExtensionNotFound, ValueError):
        return None
    for access in extension.value:
        location = access.access_location
        if access.access_method == AuthorityInformationAccessOID.CA_ISSUERS and isinstance(
            location, x509.UniformResourceIdentifier
        ):
            return location.value
    return None
