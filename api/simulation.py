"""What a simulated run is made of: the campaign from files or from the store, leads from a file, and when it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path

from api.documents import InvalidFiles, read_files
from api.errors import NotFoundError, UserError
from domain.campaign import Definitions
from domain.compile import compile_definitions
from domain.windows import zone_of
from schemas.definitions import Definition

_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cast:
    """The definitions, and which of their campaigns runs."""

    definitions: Definitions
    campaign_id: str


def from_files(campaign: str, files: Sequence[Path]) -> Cast:
    """The campaign of this id in these files. Raises InvalidFiles (every problem), NotFoundError."""
    try:
        drafts = read_files(files)
    except InvalidFiles as error:
        error.message = "nothing was simulated"
        raise
    revisions = [
        Definition(kind=draft.kind, id=draft.id, revision=1, spec=draft.spec, at=_SOME_TIME) for draft in drafts
    ]
    return cast(campaign, revisions, ", ".join(map(str, files)))


def from_file(path: Path) -> Cast:
    """The only campaign of a file. Raises InvalidFiles, UserError."""
    try:
        drafts = read_files([path])
    except InvalidFiles as error:
        error.message = "nothing was simulated"
        raise
    campaigns = [draft.id for draft in drafts if draft.kind == "campaign"]
    if len(campaigns) != 1:
        raise UserError(
            f"{path} has {len(campaigns)} campaigns ({', '.join(campaigns) or 'none'}): "
            f"name one, and the file with --definitions {path}"
        )
    return from_files(campaigns[0], [path])


def cast(campaign_id: str, revisions: Sequence[Definition], where: str) -> Cast:
    """The campaign and all that is defined beside it. Raises NotFoundError, UserError for one that cannot be used."""
    definitions, problems = compile_definitions(revisions)
    if campaign_id not in definitions.campaigns:
        mine = [str(problem) for problem in problems if problem.document.rpartition(" ")[2] == campaign_id]
        if mine:
            raise UserError(f"campaign {campaign_id!r} cannot be used", mine)
        known = ", ".join(sorted(definitions.campaigns)) or "none"
        raise NotFoundError(f"there is no campaign {campaign_id!r} in {where}; campaigns there: {known}")
    return Cast(definitions, campaign_id)


def start_of(playing: Cast, given: str | None, now: datetime) -> datetime:
    """When the leads come in: as given, else the campaign's `start_at`, else the midnight before `now` in its zone.

    A midnight, so that the same command says the same all day long. Raises UserError.
    """
    campaign = playing.definitions.campaigns[playing.campaign_id]
    if given is not None:
        return instant_of(given, "--start")
    if campaign.start_at is not None:
        return campaign.start_at.astimezone(UTC)
    zone = zone_of(None, None, campaign.window.zone)
    return datetime.combine(now.astimezone(zone).date(), time(), tzinfo=zone).astimezone(UTC)


def instant_of(given: str, option: str) -> datetime:
    """An instant as people give it: RFC 3339 with its offset from UTC. Raises UserError."""
    example = f"for example {option} 2026-03-02T09:00:00+01:00"
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise UserError(f"{option} {given!r} is not an instant; {example}") from None
    if at.tzinfo is None:
        raise UserError(f"{option} {given!r} has no offset from UTC, so nobody can know when that is; {example}")
    if not 1970 <= at.year < 9000:
        raise UserError(f"{option} {given!r} lies outside of the years 1970 to 8999; {example}")
    return at.astimezone(UTC)
