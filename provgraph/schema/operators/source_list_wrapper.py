"""SourceListWrapper: a list of sources as it was delivered, measured on frames."""

from __future__ import annotations

from typing import Any

import numpy as np

from provgraph.errors import OperatorError
from provgraph.schema.collection import SourceCollection
from provgraph.schema.objects import DBObject
from provgraph.schema.operators.external import External
from provgraph.schema.properties import link, persistent
from provgraph.schema.sets import Told

Array = np.ndarray[Any, Any]
SOURCE_LISTS = "source lists"  # the id space that all of them share unless another is declared
IDENTIFIER = "slid_sid"
SIZE = 2**32  # of a source list: SLID * SIZE + SID is the identifier
LISTS = 2**31


class SourceListWrapper(External):
    """The sources of a source list with their measured attributes, and the frames that they were measured on.

    A source is known by the pair of the number of its list and its number in the list (SLID, SID), here as one number: sources
    of different lists are different sources, and lists of one id space can be put together.
    """

    source_list = persistent(int, doc="SLID, number of the source list")
    frames = link(list[DBObject], role="frame", optional=True, doc="what the sources were measured on")
    delivered = link(
        DBObject, role="source_list", optional=True, doc="the object whose file the list is, where a survey made it"
    )

    def check(self) -> None:
        if not 0 <= self.source_list < LISTS:
            raise OperatorError(
                f"The number of a source list is at least 0 and less than {LISTS}, not {self.source_list}.",
                code="source_list_number",
            )

    def parameters(self) -> dict[str, Any]:
        frames = [frame.dependency_key for frame in self.frames or ()]
        made = {"delivered": self.delivered.dependency_key} if self.delivered is not None else {}
        return {**super().parameters(), "source_list": self.source_list, "frames": frames, **made}

    @property
    def id_space(self) -> str:
        return self.declared_id_space or SOURCE_LISTS

    def tells(self) -> Told:
        least = self.source_list * SIZE
        return super().tells() | Told(ranges={f"s:{self.lineage_key}": (self.id_origin, least, least + SIZE - 1)})

    def identifiers(self, numbers: Array) -> Array:
        """Identifiers of sources by their numbers in the list (SID).

        Raises
        ------
        OperatorError : ``source_number`` where one is no whole number, negative, or at least 2**32.
        """
        return identifiers(self.source_list, numbers)


def wrappers(collection: SourceCollection) -> list[SourceListWrapper]:
    """The source lists made in a survey that a collection is derived from."""
    return [w for w in collection.ancestry() if isinstance(w, SourceListWrapper) and w.delivered is not None]


def identifiers(source_list: int, numbers: Array) -> Array:
    """``SLID * 2**32 + SID``, int64."""
    wrong = np.flatnonzero((numbers < 0) | (numbers >= SIZE)) if numbers.dtype.kind in "iu" else np.arange(1)
    if len(wrong):
        shown = numbers[wrong[0]] if len(numbers) and numbers.dtype.kind in "iu" else "text or a fraction"
        raise OperatorError(
            f"A source has a whole number in its source list, at least 0 and less than {SIZE}, not {shown}.",
            code="source_number",
        )
    return np.int64(source_list) * np.int64(SIZE) + numbers.astype(np.int64)


def numbers(ids: Array) -> tuple[Array, Array]:
    """(SLID, SID) of identifiers."""
    return ids >> np.int64(32), ids & np.int64(SIZE - 1)
