"""What every message shares: how it is read, how it is written, how its version is checked."""

from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints


def _to_utc(instant: datetime) -> datetime:
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("in UTC it lies outside of the years 1 to 9999") from error


Instant = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An aware instant, RFC 3339 on the wire, always UTC inside."""

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""An opaque id chosen by a producer: 1 to 200 characters, no control characters."""

Text = Annotated[str, StringConstraints(max_length=10_000, pattern=r"^[^\x00]*$")]
"""Free text without NUL (Postgres cannot store it)."""

Scalar = str | int | float | bool | None
"""What an attribute or a merge value may be."""


_new = object.__new__
_set = object.__setattr__


@cache
def _shape(model: type[BaseModel]) -> tuple[dict[str, Any], set[str]]:
    """A model's fields that have a default, in their order, and the names of all. (Nobody changes either.)"""
    fields = model.model_fields
    return {name: field.get_default() for name, field in fields.items() if not field.is_required()}, set(fields)


class Message(BaseModel):
    """A value on a topic. `version` is the major version of its schema; a reader refuses one it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")

    TOPIC: ClassVar[str]
    version: Annotated[int, Field(ge=1, le=1, description="Major version of this schema.")] = 1

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Parse a value from the wire: unknown fields are ignored at every level."""
        return cls.model_validate_json(raw, extra="ignore")

    @classmethod
    def trusted(cls, **values: Any) -> Self:
        """A message of values that were checked before: they stand in other messages, or are our own. Half the cost.

        Nothing is converted or checked but the fields' names, so each value must have its field's own type, instants in
        UTC. Whoever reads the message checks it. Every field counts as given. Raises TypeError for an unknown or missing one.
        """
        defaults, names = _shape(cls)
        fields = {**defaults, **values}
        if fields.keys() != names:
            raise TypeError(f"{cls.__name__}: wrong fields {sorted(fields.keys() ^ names)}")
        made = _new(cls)
        _set(made, "__dict__", fields)
        _set(made, "__pydantic_fields_set__", names)
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made

    def write(self) -> bytes:
        """The value as it goes on the wire: compact JSON without nulls."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)


class Part(BaseModel):
    """A value inside a message."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Data = dict[str, Any]
