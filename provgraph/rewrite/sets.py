"""What is known of sets of sources: their atoms, what the atoms mean, and what was found out about them. Pure data.

A set of sources is a collection of atoms, meaning their intersection (no atom: no limit). Equal atoms are equal sets; how
others relate follows from definitions and facts, and is answered by `solver.Reasoner`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from provgraph.errors import ProvgraphError
from provgraph.schema import keys
from provgraph.schema.sets import Atoms, Complement, Definition, Listed, Relabelled, Union


class Answer(Enum):
    """Three-valued: UNKNOWN is never read as "no"."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        if self is Answer.UNKNOWN:
            raise ProvgraphError("It is not known: compare with Answer.YES.", code="answer_unknown")
        return self is Answer.YES


@dataclass(frozen=True)
class Because:
    """A sentence a scientist understands, and the rules it rests on, as docs/relations.md names them."""

    sentence: str
    rules: tuple[str, ...] = ()


class Proof:
    """An answer and the reason for it; the reason is put into words when it is read for the first time."""

    def __init__(self, answer: Answer, reason: str | Callable[[], Because]) -> None:
        self.answer = answer
        self._reason = reason

    @cached_property
    def because(self) -> Because:
        return Because(self._reason) if isinstance(self._reason, str) else self._reason()

    @property
    def reason(self) -> str:
        return self.because.sentence

    @property
    def rules(self) -> tuple[str, ...]:
        return self.because.rules

    def __repr__(self) -> str:
        return f"Proof({self.answer}, {self.reason!r})"


# -- what an atom means ------------------------------------------------------------------------------------------------


# Definition : a text is the canonical text of a conjunct of a criterion.
__all__ = [
    "Answer", "Atoms", "Because", "Bounds", "Complement", "Counted", "Definition", "Fact", "Knowledge", "Listed", "Proof",
    "Relabelled", "Union",
]  # fmt: skip


# -- what was found out ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bounds:
    """Statistics of a stored column over the sources of a set.

    minimum, maximum : no value is below or above, *infinite ones included*; int where the column holds integers; None
        where that is not known.
    nulls : False when no value is NULL or NaN.
    """

    over: Atoms
    origin: str
    minimum: int | float | None = None
    maximum: int | float | None = None
    nulls: bool = True


@dataclass(frozen=True)
class Counted:
    """How many sources a set has; digest : of the sorted identifiers, '' where nobody computed it."""

    atoms: Atoms
    n: int
    digest: str = ""


Fact = Bounds | Counted


@dataclass(frozen=True)
class Knowledge:
    """All that an answer may rest on.

    definitions : by atom. An atom without one (an External's) is an arbitrary set.
    spaces : id space by atom, for whatever is known to have one; sources of different id spaces are different.
    """

    definitions: Mapping[str, Definition] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    spaces: Mapping[str, str] = field(default_factory=dict)

    def space(self, atoms: Atoms) -> str:
        """The id space of all sources of a set, '' when it is not known."""
        todo, seen, found = [atoms], set[str](), set[str]()
        while todo:
            one = todo.pop()
            space = next((self.spaces[a] for a in sorted(one) if self.spaces.get(a)), "")
            unions = sorted(a for a in one if isinstance(self.definitions.get(a), Union))
            if space:
                found.add(space)
            elif not unions:
                return ""
            elif unions[0] not in seen:
                seen.add(unions[0])
                definition = self.definitions[unions[0]]
                assert isinstance(definition, Union)
                todo += definition.parts
        return found.pop() if len(found) == 1 else ""


def relabelled_origin(relabelling: str, origin: str) -> str:
    """The origin of an attribute after RelabelSources."""
    return keys.origin_key("RelabelSources", relabelling, origin)
