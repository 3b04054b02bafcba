"""Standard Webhooks (standardwebhooks.com, symmetric `v1`): `webhook-id`, `webhook-timestamp`, `webhook-signature`.

What is signed is `ID.TIMESTAMP.BODY`; a call may carry several signatures, as while the sender changes its secret. Senders
that write `svix-` before the three names are understood. The body is that of the generic provider, also under `data`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence

from api.http.inbound.calls import Call, Refused, Taken, any_same, check_age, check_call_id, mac, octets
from api.http.inbound.json_mail import read_body

MAX_SIGNATURES = 20
FAMILIES = ("webhook-", "svix-")

_SIGNATURE = re.compile(r"v1,([A-Za-z0-9+/]{43}=)")


class Standard:
    """Signed with any of these secrets."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._secrets = tuple(secrets)

    @property
    def about(self) -> str:
        return f"{len(self._secrets)} secret{'s' if len(self._secrets) > 1 else ''}"

    async def read(self, call: Call) -> Taken:
        """A retry has the same `webhook-id`, with a time and a signature of its own."""
        call_id = verify(call.headers, call.body, self._secrets, call.now_s)
        return Taken(call_id, read_body(call)[1])


def verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], now_s: float) -> str:
    """Check signatures and age; the call's id. Raises Refused (401)."""
    family = next((front for front in FAMILIES if front + "signature" in headers), FAMILIES[0])
    call_id, timestamp = headers.get(family + "id", ""), headers.get(family + "timestamp", "")
    stated = headers.get(family + "signature", "").split()[:MAX_SIGNATURES]
    given = [octets(found[1]) for one in stated if (found := _SIGNATURE.fullmatch(one)) is not None]
    expected = [octets(sign(call_id, timestamp, body, secret)) for secret in secrets]
    if "." in call_id or not any_same(expected, given):  # with a stop in it, an id's end could be taken for a time
        raise Refused(401, f"{family}signature: is missing or wrong")
    check_age(timestamp, now_s)
    return check_call_id(call_id, family + "id")


def sign(call_id: str, timestamp: str, body: bytes, secret: bytes) -> str:
    """The signature of a call, in base64, as a sender makes it."""
    return base64.b64encode(mac(secret, octets(f"{call_id}.{timestamp}.") + body)).decode()
