"""The steps of a campaign as a graph: every target exists, nothing goes round, everything is reached (behaviour 1.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.check_words import Found
from domain.documents import Where
from domain.expand import Edges, targets
from schemas.definitions import CampaignDoc, EmailStepDoc, StepDoc, SwitchStepDoc

NEXT = ("next_step_id", "true_next_step_id", "false_next_step_id", "otherwise")
"""Fields of a step that name another one."""


def graph(doc: CampaignDoc) -> Found:
    """Every mistake in where the steps lead. Their ids are unique."""
    edges = targets(doc)
    unknown = False
    for position, step in enumerate(doc.steps):
        for where, target in _named(step):
            if target not in edges:
                unknown = True
                yield ("steps", position, *where), "unknown_target", f"there is no step {target!r}"
    known: Edges = {step_id: tuple(to for to in onward if to in edges) for step_id, onward in edges.items()}
    positions = {step.id: position for position, step in enumerate(doc.steps)}
    cyclic = False
    for cycle in cycles(known):
        cyclic = True
        yield ("steps", positions[cycle[0]]), "cycle", f"the steps go round: {' -> '.join((*cycle, cycle[0]))}"
    if unknown:
        return  # what a mistyped target leads to may be reached after all
    reached = _reached(known, doc.steps[0].id)
    for step_id, position in positions.items():
        if step_id not in reached:
            yield ("steps", position), "unreachable", f"no step leads to {step_id!r}"
    if not cyclic:
        yield from _first_subjects(doc, edges, positions)


def _named(step: StepDoc) -> Iterator[tuple[Where, str]]:
    for name in NEXT:
        target: str | None = getattr(step, name, None)
        if target is not None:
            yield (name,), target
    if isinstance(step, SwitchStepDoc):
        for number, case in enumerate(step.cases):
            yield ("cases", number, "next_step_id"), case.next_step_id


def cycles(edges: Edges) -> Iterator[tuple[str, ...]]:
    """One cycle for each knot of steps that lead to one another, from the step that is written first on."""
    order = {step_id: number for number, step_id in enumerate(edges)}
    for knot in _knots(edges):
        first = min(knot, key=lambda step_id: order[step_id])
        if len(knot) == 1 and first not in edges[first]:
            continue
        yield _round(edges, first, knot)


def _round(edges: Edges, first: str, knot: frozenset[str]) -> tuple[str, ...]:
    """The shortest way from `first` back to it within its knot."""
    came_from: dict[str, str] = {}
    ways = [first]
    for here in ways:
        for target in edges[here]:
            if target == first:
                path = [here]
                while path[-1] != first:
                    path.append(came_from[path[-1]])
                return tuple(reversed(path))
            if target is not None and target in knot and target not in came_from:
                came_from[target] = here
                ways.append(target)
    raise AssertionError(f"no way back to {first!r}")  # it stands in a knot


def _knots(edges: Edges) -> Iterator[frozenset[str]]:
    """The strongly connected components (Tarjan's, without recursion: 200 steps may stand in a row)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    for root in edges:
        if root in index:
            continue
        work: list[tuple[str, Iterator[str | None]]] = [(root, iter(edges[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            here, onward = work[-1]
            target = next((to for to in onward if to is not None and (to not in index or to in on_stack)), None)
            if target is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[here])
                if low[here] == index[here]:
                    at = stack.index(here)
                    knot = frozenset(stack[at:])
                    del stack[at:]
                    on_stack -= knot
                    yield knot
            elif target in on_stack:
                low[here] = min(low[here], index[target])
            else:
                index[target] = low[target] = len(index)
                stack.append(target)
                on_stack.add(target)
                work.append((target, iter(edges[target])))


def _reached(edges: Edges, start: str) -> set[str]:
    reached = {start}
    stack = [start]
    while stack:
        for target in edges[stack.pop()]:
            if target is not None and target not in reached:
                reached.add(target)
                stack.append(target)
    return reached


def _first_subjects(doc: CampaignDoc, edges: Edges, positions: Mapping[str, int]) -> Found:
    """An email that can be the first of its thread needs a subject in every arm."""
    stack: list[str | None] = [doc.steps[0].id]
    seen: set[str] = set()
    while stack:
        step_id = stack.pop()
        if step_id is None or step_id in seen:
            continue
        seen.add(step_id)
        step = doc.steps[positions[step_id]]
        if not isinstance(step, EmailStepDoc) or not step.is_active:
            stack += edges[step_id]
            continue
        if step.conditions:
            stack += edges[step_id]  # it may be passed over
        if step.subject is None and not (step.arms and all(arm.subject is not None for arm in step.arms)):
            where = ("steps", positions[step_id], "subject")
            yield where, "first_subject", "the first email of a sequence needs a subject"
