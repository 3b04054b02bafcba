"""What every YAML document shares: strictness, ids, zones, spans."""

from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from schemas.base import Scalar

DocId = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}; use an IANA name such as Europe/Stockholm") from error
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]

SecretRef = Annotated[str, StringConstraints(pattern=r"^(env|file):.+$")]
"""Where a secret stands: `env:NAME` or `file:PATH`, never the secret itself."""


class Document(BaseModel):
    """A YAML document, or a part of one. Frozen, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DelayDoc(Document):
    """A span. Both parts count."""

    days: Annotated[int, Field(ge=0, le=3650)] = 0
    hours: Annotated[int, Field(ge=0, le=87_600)] = 0


def _plain(value: Any) -> Any:
    """YAML reads a bare date as one: it is compared as it is written."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if value is None or isinstance(value, str | int | float):
        return value
    raise PydanticCustomError("bad_value", "expected text, a number, true, false, a date or a list of these")


Plain = Annotated[Scalar | list[Scalar], BeforeValidator(_plain)]
"""What a field may be compared with, or set to."""


def is_switched_on(value: Any) -> str:
    """Which side of `false | settings` a value is on. (The brackets keep it out of the path of an error.)"""
    return "[off]" if value is False or value is None else "[on]"


def keys_of(value: Any) -> set[str]:
    """The names that stand in a part that was not read yet, or that was."""
    if isinstance(value, dict):
        return {str(key) for key in value}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return set(type(value).model_fields) if isinstance(value, BaseModel) else set()
