"""Which candidate wins: a named, versioned ranking that returns a tuple; the largest tuple is taken.

Candidates of equal rank with one origin have the same values, and the oldest is taken, so that twins cannot start; with
different origins nobody but the user can say which is meant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provgraph.errors import InvalidInput
from provgraph.schema.collection import SourceCollection


@dataclass(frozen=True)
class Ranking:
    """A way to choose between collections that can all serve; its name and version are recorded with the result.

    key : (candidate, `Standing`) → a tuple, the largest of which wins; None where the candidate is not to be taken at all.
    Tuples are compared with each other, so all are of one form; a pull is repeatable only as far as they are.
    """

    name: str
    version: int
    key: Callable[[SourceCollection, Standing], tuple[Any, ...] | None]

    def __post_init__(self) -> None:
        named = isinstance(self.name, str) and self.name.strip() and "@" not in self.name
        if not named or type(self.version) is not int or self.version < 1 or not callable(self.key):
            raise InvalidInput(
                f"A ranking has a name without '@', a version from 1 on and a function, not {self.name!r}, {self.version!r} and "
                f"{self.key!r}.", code="ranking_invalid",
            )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    def rank(self, candidate: SourceCollection, standing: Standing) -> tuple[Any, ...] | None:
        """What `key` gives, which is code of the user. Raises InvalidInput ``ranking_failed``."""
        try:
            found = self.key(candidate, standing)
        except Exception as error:
            said = f"raised {type(error).__name__}: {error}"
        else:
            if found is None or isinstance(found, tuple):
                return found
            said = f"gave {found!r} where a tuple or None was expected"
        raise InvalidInput(f"Ranking {self} {said}, for {candidate!r}.", code="ranking_failed", ranking=str(self))


@dataclass(frozen=True)
class Standing:
    """What a ranking may look at of one candidate, beside the collection itself.

    attribute : the name that is looked for. contains : how many of the candidates' sets of sources it provably contains.
    stored : part of its values that is stored, 0 to 1. version : of the newest calculator definition it comes from, 0 where it
    was not calculated. own : whether it belongs to our project.
    """

    attribute: str = ""
    contains: int = 0
    stored: float = 0.0
    version: int = 0
    own: bool = True


def _most_general(candidate: SourceCollection, standing: Standing) -> tuple[Any, ...]:
    """Larger source set first (paper, Section 6.4), then stored fraction, newest definition, our own project."""
    return (standing.contains, standing.stored, standing.version, standing.own)


MOST_GENERAL = Ranking("most_general", 2, _most_general)
