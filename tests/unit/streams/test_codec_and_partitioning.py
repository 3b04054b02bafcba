"""Decoding, and which partition a key belongs to."""

import json
from typing import Any

import pytest
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from streams.codec import decode
from streams.errors import Poison
from streams.inbound import Raw
from streams.partitioning import murmur2, partition_of

GOOD: dict[str, Any] = {"type": "pause", "event_id": "e", "lead_id": "l"}


def raw(value: bytes | None, key: bytes | None = b"l", topic: str = "enrollments") -> Raw:
    return Raw(topic, 0, 0, key, value)


def test_a_record_is_its_model_with_unknown_fields_ignored() -> None:
    event = decode(raw(json.dumps(GOOD | {"from_the_future": 1}).encode()))
    assert (event.key, event.body.lead_id, event.topic) == ("l", "l", "enrollments")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (raw(None), "missing_value"),
        (raw(json.dumps(GOOD).encode(), None), "missing_key"),
        (raw(json.dumps(GOOD).encode(), b"\xff"), "bad_key"),
        (raw(json.dumps(GOOD).encode(), b"other"), "key_mismatch"),
        (raw(b"x" * (512 * 1024 + 1)), "too_large"),
        (raw(b"{"), "invalid_json"),
        (raw(b"\xff\xfe"), "invalid_json"),
        (raw(b"[" * 10_000), "invalid_json"),
        (raw(json.dumps(GOOD | {"version": 2}).encode()), "unknown_version"),
        (raw(json.dumps({"version": 2, "type": "new", "lead_id": "l"}).encode()), "unknown_version"),
        (raw(json.dumps(GOOD | {"type": "dance"}).encode()), "unknown_type"),
        (raw(json.dumps({"type": "pause"}).encode()), "invalid"),
        (raw(json.dumps(GOOD | {"reason": "a\x00b"}).encode()), "invalid"),
        (raw(b"[]"), "invalid"),
    ],
)
def test_what_cannot_be_decoded_says_why(record: Raw, reason: str) -> None:
    with pytest.raises(Poison) as poison:
        decode(record)
    assert poison.value.reason == reason


def test_a_reason_never_repeats_the_data_it_complains_about() -> None:
    with pytest.raises(Poison) as poison:
        decode(raw(json.dumps(GOOD | {"campaign_id": "anna@example.com\x01"}).encode()))
    assert "anna" not in str(poison.value)


@given(st.binary(max_size=300))
def test_murmur2_is_the_one_that_java_clients_use(key: bytes) -> None:
    assert murmur2(key) == reference(key) & 0xFFFFFFFF


def test_known_partitions_do_not_move() -> None:
    assert [murmur2(key) for key in (b"", b"21", b"foobar", b"a-little-bit-long-string")] == [
        reference(key) & 0xFFFFFFFF for key in (b"", b"21", b"foobar", b"a-little-bit-long-string")
    ]
    assert partition_of(b"21", 1000) == (-973932308 & 0x7FFFFFFF) % 1000
