"""The generic provider: a signed call of your own making.

It signs `TIMESTAMP.BODY` with HMAC-SHA256 (hex) and sends the headers `touchline-timestamp` (Unix seconds) and
`touchline-signature`. The body is JSON (`json_mail.py`), or the message itself as `message/rfc822`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from api.http.inbound.calls import Call, Refused, Taken, any_same, check_age, mac, octets
from api.http.inbound.json_mail import read_body

TIMESTAMP, SIGNATURE = "touchline-timestamp", "touchline-signature"


class Generic:
    """Signed with any of these secrets."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._secrets = tuple(secrets)

    @property
    def about(self) -> str:
        return f"{len(self._secrets)} secret{'s' if len(self._secrets) > 1 else ''}"

    async def read(self, call: Call) -> Taken:
        """A call without an `id` of its own is known by its signature."""
        signature = verify(call.headers, call.body, self._secrets, call.now_s)
        call_id, mail = read_body(call)
        return Taken(call_id or signature, mail)


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], now_s: float) -> str:
    """Check signature and age; the signature in hex, which names this very call. Raises Refused (401)."""
    timestamp = headers.get(TIMESTAMP, "")
    given = octets(headers.get(SIGNATURE, "").removeprefix("sha256="))
    if not any_same([octets(sign(timestamp, body, secret)) for secret in secrets], [given]):
        raise Refused(401, f"{SIGNATURE}: is missing or wrong")
    check_age(timestamp, now_s)
    return given.decode()


def sign(timestamp: str, body: bytes, secret: bytes) -> str:
    """The signature of a call, as a sender makes it."""
    return mac(secret, octets(timestamp) + b"." + body).hex()
