"""The demo's leads: those of examples/leads.csv, as often as it takes."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from domain.ids import normalise_email

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A lead of the run: who it is and the address its mail goes to (normalised)."""

    lead_id: str
    email: str
    row: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        """First and last name, as far as they are known."""
        return " ".join(filter(None, (self.row.get("first_name"), self.row.get("last_name"))))


def read_leads(count: int, source: Path = EXAMPLES / "leads.csv") -> list[LeadRow]:
    """The first `count` leads of the example file; beyond its end they come again under other ids and addresses."""
    with source.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    leads: list[LeadRow] = []
    for number in range(count):
        turn, place = divmod(number, len(rows))
        row = dict(rows[place])
        if turn:
            local, _, host = row["email"].partition("@")
            row |= {"lead_id": f"{row['lead_id']}-{turn}", "email": f"{local}.{turn}@{host}"}
        leads.append(LeadRow(row["lead_id"], normalise_email(row["email"]), row))
    return leads
