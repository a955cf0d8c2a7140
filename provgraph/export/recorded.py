"""What a survey recorded of a lineage as a PROV document: with calls and statements, redacted, in a profile."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from provgraph.errors import InvalidInput, UsageError, nearest
from provgraph.export import ivoa, native
from provgraph.export.redaction import NONE, Redaction, policy, redacted
from provgraph.graph.evidence import with_records
from provgraph.graph.lineage import DEEPEST, MOST, Lineage
from provgraph.graph.mapper import Mapper
from provgraph.graph.walk import Terms
from provgraph.prov.model import Document

PROFILES: Final = ("ivoa",)
#: What is written with a thing: how far up, None for all the way, and how far down.
CLOSURES: Final[dict[str, tuple[int | None, int]]] = {
    "ancestors": (None, 0), "descendants": (0, DEEPEST), "both": (None, DEEPEST), "none": (0, 0),
}  # fmt: skip


def check_closure(word: str) -> None:
    """Raises UsageError ``closure_unknown``."""
    if word and word not in CLOSURES:
        raise UsageError(f"There is no closure {word!r}; {nearest(word, CLOSURES)}", code="closure_unknown")


def document(mapper: Mapper, lineage: Lineage, *, redact: Redaction | str | Path | None = None, profile: str = "",
             limit: int = MOST, terms: Terms | None = None, partial: bool = False) -> Document:  # fmt: skip
    """A lineage as a PROV document, with everything that is recorded of it.

    terms : those that the lineage was asked for with. What they leave out is not brought back, and what was said later than
    their ``as_of`` is not there. partial : write also a lineage with nodes left out; an entity of the class
    ``provgraph:Truncation`` says so.

    Raises
    ------
    InvalidInput : ``lineage_truncated`` where nodes were left out. UsageError : ``profile_unknown``. And as
    `provgraph.export.redaction.policy`.
    """
    if profile and profile not in PROFILES:
        raise UsageError(f"There is no profile {profile!r}; {nearest(profile, PROFILES)}", code="profile_unknown")
    rules = policy(NONE if redact is None else redact)
    if not partial:
        check_whole(lineage)
    terms = terms or Terms()
    plain = terms == Terms(
        terms.up, terms.down, limit=terms.limit
    )  # they leave nothing out, and the thing is not meant alone
    calls = plain and bool(terms.up or terms.down) and not lineage.ended_by
    whole = with_records(mapper, lineage, limit=limit, calls=calls, as_of=terms.as_of)
    found, said = redacted(whole, rules)
    made = native.document(found, said)
    return ivoa.profiled(made, found, native.qname) if profile else made


def check_whole(lineage: Lineage) -> None:
    """Raises InvalidInput ``lineage_truncated`` where nodes of a lineage were left out, or time ran out."""
    if lineage.ended_by == "seconds":
        raise InvalidInput(f"The lineage ended after {lineage.seconds:.1f} seconds; raise seconds=.",
                           code="lineage_truncated", truncated=lineage.truncated)  # fmt: skip
    if lineage.truncated:
        raise InvalidInput(f"The lineage has {lineage.truncated:,} more nodes than the limit allows; raise limit=.",
                           code="lineage_truncated", truncated=lineage.truncated)  # fmt: skip
