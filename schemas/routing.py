"""Routing: a user's own categories and dispositions, and who gets the card of a reply (docs/behaviour.md 7.5)."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.base import Text
from schemas.document import DelayDoc, DocId, Document
from schemas.replies import CardType, CategoryName, Priority

OwnName = Annotated[str, StringConstraints(min_length=2, max_length=40, pattern=r"^[A-Z][A-Z0-9_]+$")]
"""A name as the built-in ones are written: capitals, digits and underscores."""

Person = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Whoever is to have a card, by the name that the team uses."""

Described = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""What a name means, for the model: one line."""

ActsAs = Literal[
    "INTERESTED",
    "NEEDS_MORE_INFO",
    "NO_ACTIVE_PROFILE",
    "NOT_INTERESTED",
    "OUT_OF_OFFICE",
    "UNSUBSCRIBE",
    "AUTOMATED",
    "ESCALATE_UNCLEAR",
]
"""What a model may answer. Bounces and complaints are known by their form, never by opinion."""


class OwnCategoryDoc(Document):
    """A category of the user's own. `acts_as`: the built-in one that readers see who know only those."""

    id: OwnName
    description: Described
    acts_as: CategoryName | None = None


class OwnDispositionDoc(Document):
    """A disposition of the user's own: what the sequence does is that of the built-in one it acts as."""

    id: OwnName
    description: Described
    acts_as: ActsAs


class RouteDoc(Document):
    """Whose card it is, for a disposition, a category, or both. What is left out stays as it is built in."""

    disposition: str | None = None
    category: str | None = None
    queue: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    priority: Priority | None = None
    type: CardType | None = None
    title: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    description: Text | None = None
    due: DelayDoc | None = None
    assign_to: Annotated[list[Person], Field(min_length=1, max_length=50)] | None = None


class RoutingDoc(Document):
    """Categories, dispositions and routes that stand beside the built-in ones."""

    kind: Literal["Routing"]
    id: DocId
    description: Text | None = None
    categories: Annotated[list[OwnCategoryDoc], Field(max_length=30)] = []
    dispositions: Annotated[list[OwnDispositionDoc], Field(max_length=20)] = []
    routes: Annotated[list[RouteDoc], Field(max_length=200)] = []
