"""Messages of Amazon SNS: what is signed, and which addresses in them may be visited (docs/behaviour.md 7.1).

The form is AWS's "Verifying the signatures of Amazon SNS messages": names and values on lines of their own, in this order.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

NOTIFICATION = "Notification"
SUBSCRIPTION = "SubscriptionConfirmation"
UNSUBSCRIPTION = "UnsubscribeConfirmation"

_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
SIGNED: Mapping[str, tuple[str, ...]] = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: _CONFIRMATION,
    UNSUBSCRIPTION: _CONFIRMATION,
}
"""Type -> the fields that its signature covers. One that a message lacks is left out."""

TOPIC = re.compile(r"arn:aws(?:-us-gov)?:sns:([a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}):[0-9]{12}:[A-Za-z0-9_-]{1,256}")
"""A topic's ARN; its group is the region."""

_CERTIFICATE = re.compile(
    r"https://sns\.([a-z0-9-]{3,40})\.amazonaws\.com/SimpleNotificationService-[0-9a-f]{8,64}\.pem"
)
_SERVICE = re.compile(r"sns\.([a-z0-9-]{3,40})\.amazonaws\.com")
_ISSUER = re.compile(r"http://crt\.[a-z0-9-]{1,40}\.amazontrust\.com/[A-Za-z0-9._-]{1,60}")


def signed_text(fields: Mapping[str, str]) -> bytes | None:
    """What the signature of a message is over; None for a type that there is not."""
    names = SIGNED.get(fields.get("Type", ""))
    if names is None:
        return None
    return "".join(f"{name}\n{fields[name]}\n" for name in names if name in fields).encode("utf-8", "surrogatepass")


def region_of(topic_arn: str) -> str | None:
    """The region of a topic; None where this is no topic's ARN."""
    found = TOPIC.fullmatch(topic_arn)
    return found[1] if found is not None else None


def is_certificate_url(url: str, region: str) -> bool:
    """Whether SNS of this region publishes its certificates there: https, its host, its path, nothing else."""
    found = _CERTIFICATE.fullmatch(url)
    return found is not None and found[1] == region


def certificate_names(region: str) -> tuple[str, ...]:
    """The names of which a signing certificate must have one: newer regions have names of their own."""
    return (
        "sns.amazonaws.com",
        f"sns.{region}.amazonaws.com",
        f"sns-signing.{region}.amazonaws.com",
        f"sns-{region}.amazonaws.com",
        *(("sns-us-gov-west-1.amazonaws.com",) if region.startswith("us-gov-") else ()),
    )


def is_issuer_url(url: str) -> bool:
    """Whether Amazon Trust Services publishes its certificates there. (By http: they are checked by their signatures.)"""
    return _ISSUER.fullmatch(url) is not None


def is_subscribe_url(url: str, topic_arn: str) -> bool:
    """Whether visiting this confirms a subscription to this topic and does nothing else."""
    try:
        parts = urlsplit(url)
        asked = parse_qs(parts.query, strict_parsing=True)
    except ValueError:
        return False
    host = _SERVICE.fullmatch(parts.netloc)
    return (
        parts.scheme == "https"
        and host is not None
        and host[1] == region_of(topic_arn)
        and parts.path in {"", "/"}
        and not parts.fragment
        and asked.get("Action") == ["ConfirmSubscription"]
        and asked.get("TopicArn") == [topic_arn]
        and len(asked.get("Token", ())) == 1
    )
