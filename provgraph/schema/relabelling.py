"""A relabelling: from the identifiers of one id space to those of another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from provgraph.errors import OperatorError
from provgraph.schema import keys
from provgraph.schema.files import Segment
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import link, persistent
from provgraph.schema.text import encode_text

Array = np.ndarray[Any, Any]
LINEAR, EXPLICIT = "linear", "explicit"
_LEAST, _MOST = -(2**63), 2**63 - 1
NEW_IDENTIFIERS = keys.origin_key("Relabelling", "new identifiers")  # the one column of a segment of pairs


class Relabelling(DBObject):
    """A map of identifiers: ``scale * id + offset``, or an explicit list of pairs.

    injective : no two identifiers become one, whichever sources there are; known without looking at any catalog.
    """

    kind = persistent(str, doc="linear or explicit")
    from_space = persistent(str, doc="id space of the identifiers that are given")
    to_space = persistent(str, doc="id space of those that come out")
    scale = persistent(int, default=1)
    offset = persistent(int, default=0)
    pairs = link(Segment, role="pairs", optional=True, doc="explicit: old identifiers and, as one column, new ones")
    pairs_digest = persistent(str, default="", doc="explicit: of all pairs, whichever segment holds them")
    injective = persistent(bool, default=True, lineage=False)

    @classmethod
    def linear(cls, from_space: str, to_space: str, *, scale: int = 1, offset: int = 0) -> Relabelling:
        """``scale * id + offset``."""
        for name, value in (("scale", scale), ("offset", offset)):
            if not _LEAST <= value <= _MOST:
                raise OperatorError(f"The {name} of a relabelling does not fit 64 bits.", code="relabelling_overflow")
        return cls(kind=LINEAR, from_space=from_space, to_space=to_space, scale=scale, offset=offset)

    def check(self) -> None:
        if self.kind not in (LINEAR, EXPLICIT):
            raise OperatorError(f"A relabelling is {LINEAR} or {EXPLICIT}, not {self.kind!r}.", code="relabelling_kind")
        if self.kind == LINEAR and self.scale == 0:
            raise OperatorError(
                "A relabelling with scale 0 would make all sources one; sources are never lost.",
                code="relabelling_not_injective",
            )
        if self.kind == EXPLICIT and not self.pairs_digest:
            raise OperatorError("An explicit relabelling needs its pairs.", code="pairs_missing")
        if not self.to_space:
            raise OperatorError("A relabelling leads into an id space; say which.", code="id_space_missing")

    def lineage(self) -> list[Any]:
        return [self.kind, self.from_space, self.to_space, self.scale, self.offset, self.pairs_digest]

    def plain(self) -> dict[str, Any]:
        """All that an executor needs, without the pairs."""
        return {
            "kind": self.kind, "scale": self.scale, "offset": self.offset, "injective": self.injective,
            "from_space": self.from_space, "to_space": self.to_space,
            "pairs": self.pairs.file if self.pairs is not None else "",
        }  # fmt: skip

    def __repr__(self) -> str:
        if self.kind == EXPLICIT:
            return f"{self.pairs.n if self.pairs is not None else 'given'} pairs into {self.to_space}"
        times = "id" if self.scale == 1 else f"{self.scale} * id"
        plus = f" {'-' if self.offset < 0 else '+'} {abs(self.offset)}" if self.offset else ""
        return f"{times}{plus} into {self.to_space}"


def is_injective(new: Array) -> bool:
    """Whether no identifier is among the new ones twice."""
    return len(np.unique(new)) == len(new)


def pairs_digest(old: Array, new: Array) -> str:
    """Digest of pairs. old : ascending, each once; new : parallel."""
    texts = [[i.decode() for i in ids.tolist()] if ids.dtype.kind == "S" else ids.tolist() for ids in (old, new)]
    return "sha256:" + keys.sha256(texts)


def relabel(
    ids: Array, relabelling: Mapping[str, Any], pairs: tuple[Array, Array] | None = None, *, what: str = "A source"
) -> Array:
    """The new identifiers of sources, parallel to `ids`.

    relabelling : as `Relabelling.plain` has it. pairs : old identifiers, ascending, and new ones; of an explicit one.

    Raises
    ------
    OperatorError : ``relabelling_undefined`` (an identifier without a pair, or text where numbers are needed),
        ``relabelling_overflow``, ``relabelling_not_injective`` (two of these sources would become one).
    """
    if relabelling["kind"] == LINEAR:
        new = _linear(ids, int(relabelling["scale"]), int(relabelling["offset"]))
    else:
        assert pairs is not None
        new, known = looked_up(ids, *pairs)
        if not known.all():
            lost = np.flatnonzero(~known)
            raise OperatorError(
                f"The relabelling into {relabelling['to_space']} has no pair for {len(lost)} of {len(ids)} sources, "
                f"{shown(ids[lost[0]])} for one.", code="relabelling_undefined",
            )  # fmt: skip
    if not relabelling["injective"]:
        order = np.argsort(new, kind="stable")
        same = np.flatnonzero(new[order][1:] == new[order][:-1])
        if len(same):
            one, two = (ids[order[same[0] + k]] for k in (0, 1))
            raise not_one_to_one(relabelling, one, two, new[order[same[0]]])
    return new


def not_one_to_one(relabelling: Mapping[str, Any], one: Any, two: Any, new: Any) -> OperatorError:
    """The error of sources `one` and `two` that would both become `new`."""
    return OperatorError(
        f"The relabelling into {relabelling['to_space']} makes one source of several: {shown(one)} and {shown(two)} both become "
        f"{shown(new)}.", code="relabelling_not_injective",
    )  # fmt: skip


def preimage(
    ids: Array, relabelling: Mapping[str, Any], pairs: tuple[Array, Array] | None = None, *, by_new: bool = False
) -> tuple[Array, Array]:
    """The identifiers that an injective relabelling leads to `ids`, for those that it leads to; and which those are.

    by_new : the pairs ascend by their new identifiers, not by the old ones.

    Returns (old identifiers, mask of `ids`); the identifiers are parallel to ``ids[mask]``.
    """
    if relabelling["kind"] == LINEAR:
        scale, offset = int(relabelling["scale"]), int(relabelling["offset"])
        if ids.dtype.kind != "i":
            return np.empty(0, np.int64), np.zeros(len(ids), bool)
        with np.errstate(over="ignore"):
            less = ids - np.int64(offset)
            beyond = ((ids ^ np.int64(offset)) & (ids ^ less)) < 0
            if scale == -1:
                beyond |= less == _LEAST
            old, rest = np.divmod(less, np.int64(scale))
        found = (rest == 0) & ~beyond
        for place in np.flatnonzero(beyond).tolist():  # rare: the difference needs more than 64 bits
            whole, left = divmod(int(ids[place]) - offset, scale)
            if left == 0 and _LEAST <= whole <= _MOST:
                found[place], old[place] = True, whole
        return old[found], found
    assert pairs is not None
    old_of, new_of = pairs
    if not by_new:
        order = np.argsort(new_of, kind="stable")
        old_of, new_of = old_of[order], new_of[order]
    old_ids, found = looked_up(ids, new_of, old_of)
    return old_ids[found], found


def looked_up(ids: Array, old: Array, new: Array) -> tuple[Array, Array]:
    """(entries of `new` for `ids`, mask of those that `old`, ascending, has)."""
    if len(old) == 0 or ids.dtype.kind != old.dtype.kind:
        return np.zeros(len(ids), new.dtype), np.zeros(len(ids), bool)
    at = np.searchsorted(old, ids)
    at[at == len(old)] = 0
    return new[at], old[at] == ids


def shown(identifier: Any) -> str:
    """An identifier as people write it."""
    return repr(identifier.decode()) if isinstance(identifier, bytes) else str(identifier)


def _linear(ids: Array, scale: int, offset: int) -> Array:
    if ids.dtype.kind != "i":
        raise OperatorError(
            "A linear relabelling needs identifiers that are numbers; those of the sources are text.",
            code="relabelling_undefined",
        )
    if len(ids):
        for end in (int(ids.min()), int(ids.max())):
            if not _LEAST <= scale * end + offset <= _MOST:
                raise OperatorError(
                    f"The relabelling makes {scale} * {end} + {offset} of source {end}, which does not fit 64 bits.",
                    code="relabelling_overflow",
                )
    with np.errstate(over="ignore"):  # modulo 2**64 on the way; the result fits
        wrapped = ids.astype(np.int64).view(np.uint64) * np.uint64(scale % 2**64) + np.uint64(offset % 2**64)
    return wrapped.view(np.int64)


def normalised(old: Any, new: Any) -> tuple[Array, Array]:
    """Pairs sorted by old identifier; identifiers as int64 or UTF-8.

    Raises
    ------
    OperatorError : ``pairs_invalid`` (different lengths, an old identifier twice).
    """
    one, two = (_identifiers(ids) for ids in (old, new))
    if one.shape != two.shape or one.ndim != 1:
        raise OperatorError("A relabelling has one new identifier for each old one.", code="pairs_invalid")
    order = np.argsort(one, kind="stable")
    one, two = one[order], two[order]
    twice = np.flatnonzero(one[1:] == one[:-1])
    if len(twice):
        raise OperatorError(f"The relabelling has two pairs for {shown(one[twice[0]])}.", code="pairs_invalid")
    return one, two


def _identifiers(ids: Any) -> Array:
    values = np.asarray(ids)
    if values.dtype.kind in "SUO":
        return encode_text(values)
    if values.size == 0:
        return values.astype(np.int64)
    if values.dtype.kind not in "iu" or (values.dtype.kind == "u" and values.size and values.max() > _MOST):
        raise OperatorError("Identifiers are whole numbers of 64 bits, or text.", code="pairs_invalid")
    return values.astype(np.int64)
