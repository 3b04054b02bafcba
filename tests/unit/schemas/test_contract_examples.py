"""The published contract is what the code really reads and writes."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import TypeAdapter, ValidationError

from schemas import contract
from schemas.enrollments import Enroll, LeadData
from schemas.registry import PUBLIC_TOPICS, TOPIC_NOTES

TOPICS = sorted(contract.models())


def published(name: str) -> Any:
    return json.loads((contract.FOLDER / name).read_text("utf-8"))


def adapter(topic: str) -> TypeAdapter[Any]:
    return contract.models()[topic]


@pytest.mark.parametrize("topic", TOPICS)
def test_the_valid_example_is_read_and_fits_its_published_schema(topic: str) -> None:
    value = published(f"examples/{topic}.valid.json")["value"]
    jsonschema.validate(value, published(f"schemas/{topic}.schema.json"))
    read = adapter(topic).validate_json(json.dumps(value))
    assert adapter(topic).validate_json(read.write()) == read


@pytest.mark.parametrize("topic", TOPICS)
def test_the_invalid_example_is_refused_and_its_fault_is_the_only_one(topic: str) -> None:
    value = published(f"examples/{topic}.invalid.json")["value"]
    with pytest.raises(ValidationError) as refusal:
        adapter(topic).validate_json(json.dumps(value), extra="ignore")
    assert refusal.value.error_count() == 1


@pytest.mark.parametrize("topic", TOPICS)
def test_a_field_of_a_newer_producer_is_ignored(topic: str) -> None:
    value = published(f"examples/{topic}.valid.json")["value"]
    newer = {**value, "a_field_from_the_future": {"deep": [1]}}
    jsonschema.validate(newer, published(f"schemas/{topic}.schema.json"))
    assert adapter(topic).validate_json(json.dumps(newer), extra="ignore") == adapter(topic).validate_python(value)


@pytest.mark.parametrize("topic", TOPICS)
def test_an_unknown_major_version_is_refused(topic: str) -> None:
    value = published(f"examples/{topic}.valid.json")["value"]
    with pytest.raises(ValidationError, match="version"):
        adapter(topic).validate_json(json.dumps({**value, "version": 2}), extra="ignore")


def test_a_field_nobody_declared_cannot_be_written() -> None:
    with pytest.raises(ValidationError, match="emial"):
        LeadData(emial="a@b.example")  # pyright: ignore[reportCallIssue]


def test_a_message_is_frozen() -> None:
    event = Enroll(event_id="e", lead_id="l", campaign_id="c", lead=LeadData())
    with pytest.raises(ValidationError, match="frozen"):
        event.lead_id = "other"


def test_the_published_folder_is_what_the_models_say() -> None:
    assert contract.drift() == []


def test_drift_is_noticed(tmp_path: Path) -> None:
    for name, text in contract.generate().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    assert contract.drift(tmp_path) == []
    (tmp_path / "schemas/replies.schema.json").write_text("{}", "utf-8")
    (tmp_path / "schemas/gone.schema.json").write_text("{}", "utf-8")
    assert contract.drift(tmp_path) == ["schemas/gone.schema.json", "schemas/replies.schema.json"]


def test_every_topic_has_a_note_and_every_public_topic_shows_cloudevents_headers() -> None:
    document = contract.asyncapi()
    assert set(document["channels"]) == set(TOPIC_NOTES) == set(TOPICS)
    with_headers = {name for name, message in document["components"]["messages"].items() if "headers" in message}
    assert with_headers == PUBLIC_TOPICS
