"""A user's own categories, dispositions and routes, ready for use (docs/behaviour.md 7.5).

What a model may answer is the built-in names and these. A user's name stands beside the built-in one that it acts as, so the
sequence and every reader of the topics know what to do with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from schemas.replies import CardRoute, CategoryName, DispositionName
from schemas.routing import ActsAs, OwnCategoryDoc, OwnDispositionDoc, RouteDoc, RoutingDoc

CATEGORIES: tuple[str, ...] = get_args(CategoryName)
DISPOSITIONS: tuple[str, ...] = get_args(DispositionName)
MODEL_DISPOSITIONS: tuple[str, ...] = get_args(ActsAs)
"""What a model may answer. Bounces and complaints are known by their form, never by opinion."""

WITHOUT_CARD = frozenset({"NOT_INTERESTED", "OUT_OF_OFFICE", "UNSUBSCRIBE", "BOUNCE", "COMPLAINT", "AUTOMATED"})
"""Dispositions without a card of their own: only a route that names one makes one, and then it says all of it."""


@dataclass(frozen=True, slots=True)
class Routing:
    """Every routing document in force, as one. Names are in the order of the documents' ids."""

    categories: Mapping[str, OwnCategoryDoc] = field(default_factory=dict[str, OwnCategoryDoc])
    dispositions: Mapping[str, OwnDispositionDoc] = field(default_factory=dict[str, OwnDispositionDoc])
    routes: tuple[RouteDoc, ...] = ()

    @property
    def category_names(self) -> tuple[str, ...]:
        """Every category that an answer may have."""
        return (*CATEGORIES, *self.categories)

    @property
    def disposition_names(self) -> tuple[str, ...]:
        """Every disposition that a model's answer may have."""
        return (*MODEL_DISPOSITIONS, *self.dispositions)

    def built_in(self, disposition: str) -> str:
        """The built-in disposition that decides what happens."""
        own = self.dispositions.get(disposition)
        return disposition if own is None else own.acts_as

    def built_in_category(self, category: str | None) -> str | None:
        """The built-in category, where there is one."""
        own = self.categories.get(category or "")
        return category if own is None else own.acts_as

    def route(self, disposition: str, category: str | None) -> CardRoute | None:
        """What the routes say of the card of a reply so judged (in the user's names, where it has them); None: nothing.

        A route that names both comes before one that names the category, and that before one that names the
        disposition. A route that names a disposition also holds for those that act as it, after their own.
        """
        acts_as = self.built_in(disposition)
        said = tuple(dict.fromkeys((disposition, acts_as)))
        names: list[tuple[str | None, str | None]] = []
        if category is not None:
            names += [(name, category) for name in said]
            if acts_as not in WITHOUT_CARD:
                names.append((None, category))
        names += [(name, None) for name in said]
        by_names = {(route.disposition, route.category): route for route in reversed(self.routes)}
        found = next((by_names[name] for name in names if name in by_names), None)
        return None if found is None else _card_route(found)


NO_ROUTING = Routing()


def _card_route(route: RouteDoc) -> CardRoute:
    due = None if route.due is None else route.due.days * 24 + route.due.hours
    return CardRoute(
        queue=route.queue,
        priority=route.priority,
        type=route.type,
        title=route.title,
        description=route.description,
        due_hours=due,
        assign_to=route.assign_to,
    )


def compile_routing(documents: Iterable[RoutingDoc]) -> Routing:
    """All documents as one, in the order of their ids. Where two say the same thing the first counts."""
    categories: dict[str, OwnCategoryDoc] = {}
    dispositions: dict[str, OwnDispositionDoc] = {}
    routes: list[RouteDoc] = []
    for doc in sorted(documents, key=lambda doc: doc.id):
        for category in doc.categories:
            categories.setdefault(category.id, category)
        for disposition in doc.dispositions:
            dispositions.setdefault(disposition.id, disposition)
        routes += doc.routes
    return Routing(categories, dispositions, tuple(routes))


def others_of(doc: RoutingDoc, known: Sequence[RoutingDoc]) -> Routing:
    """The other documents, as one: what this one is checked against."""
    return compile_routing(other for other in known if other.id != doc.id)
