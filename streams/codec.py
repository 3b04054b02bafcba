"""From bytes to messages. What cannot be decoded is Poison with a reason, and costs nobody but itself."""

from __future__ import annotations

import json

from pydantic import ValidationError

from schemas.registry import TOPIC_MODELS
from streams.errors import Poison
from streams.inbound import Inbound, Raw
from streams.topology import TOPICS

_VALIDATE = {topic: adapter.validator.validate_json for topic, adapter in TOPIC_MODELS.items()}
_KEY_FIELDS = {topic.name: topic.key for topic in TOPICS.values()}
_MAX_VALUE = {topic.name: topic.max_value for topic in TOPICS.values()}


def decode(raw: Raw) -> Inbound:
    """The record's message. Raises Poison with one of these reasons:

    `too_large`, `missing_key`, `bad_key` (not UTF-8), `missing_value`, `invalid_json`, `unknown_version`,
    `unknown_type`, `invalid` (the schema refuses it) and `key_mismatch` (key and body name different things).
    """
    topic, value = raw.topic, raw.value
    if raw.key is None:
        raise Poison("missing_key", f"a record of {topic} must have a key")
    if value is None:
        raise Poison("missing_value", f"a record of {topic} must have a value")
    if len(value) > _MAX_VALUE[topic]:
        raise Poison("too_large", f"{len(value)} bytes, at most {_MAX_VALUE[topic]}")
    try:
        key = raw.key.decode()
        body = _VALIDATE[topic](value, extra="ignore")
    except UnicodeDecodeError as error:
        raise Poison("bad_key", "the key is not UTF-8") from error
    except ValidationError as error:
        raise _reason(error, value) from None
    except (
        ValueError,
        ArithmeticError,
        RecursionError,
    ) as error:  # what a validator let through: still only this record
        raise Poison("invalid", type(error).__name__) from None
    field = _KEY_FIELDS[topic]
    if field and getattr(body, field) != key:
        raise Poison("key_mismatch", f"the key is not the body's {field}")
    return Inbound(topic, raw.partition, raw.offset, key, body, raw)


def _reason(error: ValidationError, value: bytes) -> Poison:
    """The most telling of the errors, without the input it complains about (that may be personal data)."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    for problem in problems:
        if problem["loc"][-1:] == ("version",):
            return Poison("unknown_version", problem["msg"])
    first = problems[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] == "json_invalid":
        return Poison("invalid_json", first["msg"])
    if first["type"].startswith("union_tag"):
        version = json.loads(value).get("version", 1)
        if version != 1:
            return Poison("unknown_version", f"version {version!r}"[:100])
        return Poison("unknown_type", f"{place}: no such type" if place else "no such type")
    return Poison("invalid", f"{place}: {first['msg']}")
