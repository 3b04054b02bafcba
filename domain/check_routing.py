"""What must hold in a routing document, by itself and with the others (docs/behaviour.md 7.5)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from domain.check_words import Found
from domain.routing import CATEGORIES, DISPOSITIONS, WITHOUT_CARD, compile_routing, others_of
from schemas.routing import RouteDoc, RoutingDoc

_BRACES = re.compile(r"\{([^{}]*)\}?|\}")


def check_routing(doc: RoutingDoc) -> Found:
    """Every mistake that can be seen without the other documents."""
    for kind, names, built_in in (
        ("categories", [item.id for item in doc.categories], CATEGORIES),
        ("dispositions", [item.id for item in doc.dispositions], DISPOSITIONS),
    ):
        for position, name in enumerate(names):
            if name in built_in:
                yield (kind, position, "id"), "built_in", f"{name} is built in: give it another name"
            elif name in names[:position]:
                yield (kind, position, "id"), "duplicate_id", f"{name} is given twice"
    seen: set[tuple[str | None, str | None]] = set()
    for position, route in enumerate(doc.routes):
        where = ("routes", position)
        key = (route.disposition, route.category)
        if key == (None, None):
            yield where, "route_for_nothing", "a route names a disposition, a category, or both"
        elif key in seen:
            yield where, "duplicate_route", f"there is a route for {_said(route)} already"
        seen.add(key)
        if not route.model_fields_set - {"disposition", "category"}:
            yield where, "empty_route", "say a queue, priority, type, title, description or due"
        for word in _BRACES.finditer(route.title or ""):
            if word[0] != "{name}":
                yield (*where, "title"), "bad_placeholder", f"{word[0]!r}: the only placeholder is {{name}}"


def check_routing_among(doc: RoutingDoc, known: Sequence[RoutingDoc]) -> Found:
    """What must hold with the other routing documents."""
    others, own = others_of(doc, known), compile_routing([doc])
    for kind, names, taken in (
        ("categories", [item.id for item in doc.categories], others.categories),
        ("dispositions", [item.id for item in doc.dispositions], others.dispositions),
    ):
        for position, name in enumerate(names):
            if name in taken:
                yield (kind, position, "id"), "name_taken", f"another Routing document defines {name}"
    dispositions = {*DISPOSITIONS, *own.dispositions, *others.dispositions}
    categories = {*CATEGORIES, *own.categories, *others.categories}
    routed = {(route.disposition, route.category) for route in others.routes}
    acts_as = {name: item.acts_as for name, item in {**others.dispositions, **own.dispositions}.items()}
    for position, route in enumerate(doc.routes):
        where = ("routes", position)
        if route.disposition is not None and route.disposition not in dispositions:
            known_names = ", ".join(sorted(dispositions))
            yield (*where, "disposition"), "unknown_disposition", f"{route.disposition!r} is none of {known_names}"
        if route.category is not None and route.category not in categories:
            known_names = ", ".join(sorted(categories))
            yield (*where, "category"), "unknown_category", f"{route.category!r} is none of {known_names}"
        if (route.disposition, route.category) in routed:
            yield where, "duplicate_route", f"another Routing document has a route for {_said(route)}"
        if acts_as.get(route.disposition or "", route.disposition) in WITHOUT_CARD:
            for name in ("queue", "type", "title"):
                if getattr(route, name) is None:
                    message = f"{route.disposition} has no card of its own: its route says the {name}"
                    yield (*where, name), "incomplete_route", message


def _said(route: RouteDoc) -> str:
    return " and ".join(name for name in (route.disposition, route.category) if name is not None)
