"""Generates `docs/contract/` from the models: JSON Schema, AsyncAPI 3 and examples. `--check` tells drift.

python -m schemas.contract            write the folder
python -m schemas.contract --check    exit 1 and name the files that differ
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from schemas.examples import INVALID, VALID
from schemas.registry import HEADER_MODELS, PUBLIC_TOPICS, TOPIC_MODELS, TOPIC_NOTES

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "contract"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def models() -> Mapping[str, TypeAdapter[Any]]:
    """Topic name to the adapter of what stands on it (for `dead-letters`: of its headers)."""
    return {**TOPIC_MODELS, **{topic: TypeAdapter(model) for topic, model in HEADER_MODELS.items()}}


def _open(node: Any) -> Any:
    """A reader ignores fields it does not know, so the published schema must allow them."""
    if isinstance(node, dict):
        return {k: _open(v) for k, v in node.items() if not (k == "additionalProperties" and v is False)}
    if isinstance(node, list):
        return [_open(item) for item in node]
    return node


def json_schema(topic: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a topic's values."""
    schema = _open(models()[topic].json_schema(mode="validation"))
    return {"$schema": DIALECT, "$id": f"urn:touchline:contract:{topic}:1", "title": topic, **schema}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document: a channel, a message and the public operations for every topic."""
    names = sorted(models())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Touchline",
            "version": "1.0.0",
            "description": (
                "Every topic of a Touchline cluster. Values are JSON. A record's key decides its partition: murmur2 of the "
                "key's bytes, as the Java client does it. Topics marked public carry CloudEvents 1.0 headers (Kafka "
                "protocol binding, binary mode) and change only in ways that old readers ignore."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic) for topic in names},
        "operations": dict(_operation(topic) for topic in names if topic in PUBLIC_TOPICS),
        "components": {"messages": {topic: _message(topic) for topic in names}},
    }


def _channel(topic: str) -> dict[str, Any]:
    return {
        "address": topic,
        "description": TOPIC_NOTES[topic].carries,
        "messages": {topic: {"$ref": f"#/components/messages/{topic}"}},
        "bindings": {"kafka": {"topic": topic, "bindingVersion": "0.5.0"}},
    }


def _operation(topic: str) -> tuple[str, dict[str, Any]]:
    action = "receive" if TOPIC_NOTES[topic].written_by_others else "send"
    name = ("publishTo" if action == "receive" else "subscribeTo") + topic.title().replace("-", "")
    return name, {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "summary": TOPIC_NOTES[topic].carries,
    }


def _message(topic: str) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": topic,
        "contentType": "application/json",
        "payload": {"$ref": f"schemas/{topic}.schema.json"},
        "examples": [{"payload": VALID[topic].value}],
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": TOPIC_NOTES[topic].key},
                "bindingVersion": "0.5.0",
            }
        },
    }
    if topic in PUBLIC_TOPICS:
        message["headers"] = CLOUDEVENTS_HEADERS
    return message


CLOUDEVENTS_HEADERS: dict[str, Any] = {
    "type": "object",
    "description": "CloudEvents 1.0, Kafka protocol binding, binary mode. Touchline writes them; it does not ask them of others.",
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "description": "event_id: the same event told again has the same id."},
        "ce_source": {"type": "string"},
        "ce_type": {"type": "string", "description": "touchline.TOPIC.TYPE.v1"},
        "ce_time": {"type": "string", "format": "date-time"},
        "content-type": {"const": "application/json"},
    },
}


def _readme() -> str:
    lines = [
        "# The contract",
        "",
        "Generated from `schemas/` by `python -m schemas.contract`; `make check` fails when it drifts. A producer or consumer in",
        "any language needs only this folder: `asyncapi.yaml` (AsyncAPI 3), a JSON Schema a topic in `schemas/`, and in `examples/`",
        "a valid and an invalid record a topic (`key`, `value` and, for an invalid one, `fault`).",
        "",
        "| topic | key | carries | public |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{topic}` | {TOPIC_NOTES[topic].key} | {TOPIC_NOTES[topic].carries} | {'yes' if topic in PUBLIC_TOPICS else ''} |"
        for topic in sorted(models())
    ]
    lines += [
        "",
        "Rules a producer keeps: the key is set and equals the id in the value; `event_id` names the event, and the same event told",
        "again has the same id; instants are RFC 3339 with an offset; a field that is not in the schema is ignored. A record that",
        "breaks a rule goes to `dead-letters` with its reason, and its neighbours go on. The partition is murmur2 of the key's bytes;",
        "a record that another partitioner put elsewhere is moved to the right partition.",
        "",
    ]
    return "\n".join(lines)


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False) + "\n"


def generate() -> dict[str, str]:
    """File name (below docs/contract) to text."""
    files = {
        "README.md": _readme(),
        "asyncapi.yaml": yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=120),
    }
    for topic in sorted(models()):
        files[f"schemas/{topic}.schema.json"] = _pretty(json_schema(topic))
        valid, invalid = VALID[topic], INVALID[topic]
        files[f"examples/{topic}.valid.json"] = _pretty({"key": valid.key, "value": valid.value})
        files[f"examples/{topic}.invalid.json"] = _pretty(
            {"key": invalid.key, "value": invalid.value, "fault": invalid.fault}
        )
    return files


def drift(folder: Path = FOLDER) -> list[str]:
    """The names of files that are missing, stale or left over in the folder."""
    wanted = generate()
    present = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    stale = [name for name, text in wanted.items() if name not in present or present[name].read_text("utf-8") != text]
    return sorted(stale + [name for name in present if name not in wanted])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Generate docs/contract from the models.")
    parser.add_argument("--check", action="store_true", help="only say what differs, exit 1 if anything does")
    options = parser.parse_args(arguments)
    if options.check:
        stale = drift()
        for name in stale:
            sys.stderr.write(f"docs/contract/{name} differs from the models: run `python -m schemas.contract`\n")
        return 1 if stale else 0
    for name, text in generate().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
