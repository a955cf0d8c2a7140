"""What a table file says about itself, and the one word by which it is found again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from provgraph.names import UNIT_UNDECLARED
from provgraph.schema.attribute import Attribute

KEY: Final = "provgraph"
"""Key under which every file holds the IRI of the collection it was written from."""
FITS_KEY: Final = "PROVGRPH"
"""The same in FITS, whose keywords end at eight characters."""
SURVEY: Final = "survey"
"""Key in `TableMeta.provenance` of the survey that a file is from."""


class Stated(NamedTuple):
    """What a file says of itself, true or not: IRI of the collection it was written from, id of its survey or ''."""

    iri: str
    survey: str = ""


@dataclass(frozen=True, slots=True)
class TableMeta:
    """Name, IRI and description of the collection; `provenance` : further text by key (survey, lineage key, …)."""

    name: str
    iri: str
    description: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)


def described(attribute: Attribute) -> dict[str, str]:
    """Unit, UCD and description of an attribute, as far as there are any; an undeclared unit is left out, '' says
    unitless.
    """
    found = {"ucd": attribute.ucd, "description": attribute.description}
    unit = {} if attribute.unit == UNIT_UNDECLARED else {"unit": attribute.unit}
    return unit | {key: text for key, text in found.items() if text}
