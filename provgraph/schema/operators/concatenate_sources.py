"""ConcatenateSources: the sources of several parents, with the attributes that all of them have."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from provgraph.errors import OperatorError
from provgraph.schema import keys, sets
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.collection import SourceCollection, same_id_space
from provgraph.schema.properties import link, persistent
from provgraph.schema.sets import Definition, SourceSet
from provgraph.schema.table import Column, Table, concatenated

FIRST = "first"


class ConcatenateSources(SourceCollection):
    """The union of the sources of the parents. A source is there once, whichever parents have it.

    Values of one name may come from different places only where no source can have two of them: the parents provably share no
    source, or `policy` says whose value counts.
    """

    parents = link(list[SourceCollection], role="parent")
    policy = persistent(
        str, default="", doc="'first': of several values of a source that of the first parent that has it"
    )

    def check(self) -> None:
        if not self.parents:
            raise OperatorError("ConcatenateSources needs at least one parent.", code="parents_missing")
        if self.policy not in ("", FIRST):
            raise OperatorError(
                f"{self.policy!r} is no policy of ConcatenateSources; it is '' or {FIRST!r}.", code="policy_unknown"
            )
        same_id_space(self.parents, "ConcatenateSources")
        first = self.parents[0]
        for other in self.parents[1:]:
            _check_same_attributes(first, other)
        if self.policy != FIRST:
            for one, other in combinations(self.parents, 2):
                _check_values(one, other)

    def derive_attributes(self) -> AttributeSet:
        return AttributeSet(self._attribute(a) for a in self.parents[0].attributes().values())

    def _attribute(self, first: Attribute) -> Attribute:
        origins = [p.attributes()[first.name].origin for p in self.parents]
        if len(set(origins)) == 1:
            return first
        # Which sources each parent has decides whose value a source gets, so they are part of where it comes from.
        places = [[origin, p.sources().key] for origin, p in zip(origins, self.parents, strict=True)]
        if self.policy != FIRST:
            places.sort()
        origin = keys.origin_key("ConcatenateSources", places, first.name)
        return Attribute(
            first.name, first.dtype, first.unit, first.ucd, first.description, first.shape, origin
        )  # fmt: skip

    def derive_sources(self) -> SourceSet:
        return SourceSet(self._union()[0])

    def defines(self) -> dict[str, Definition]:
        return self._union()[1]

    def _union(self) -> tuple[sets.Atoms, dict[str, Definition]]:
        return sets.union(p.sources().atoms for p in self.parents)

    def parameters(self) -> dict[str, Any]:
        return {"policy": self.policy}

    def introduces(self) -> tuple[str, ...]:
        known = set(self.parents[0].attributes().origins)
        return tuple(a.name for a in self.attributes().values() if a.origin not in known)

    def evaluate(self, *parents: Table) -> Table:
        ids = np.unique(np.concatenate([p.ids for p in parents]))
        owner = np.full(len(ids), -1)
        for number, parent in reversed(list(enumerate(parents))):  # the first one writes last
            owner[np.isin(ids, parent.ids)] = number
        columns: dict[str, Column] = {}
        for name in self.attributes():
            parts = []
            for number, parent in enumerate(parents):
                mine = np.flatnonzero(owner == number)
                parts.append((mine, parent.columns[name].take(np.searchsorted(parent.ids, ids[mine]))))
            columns[name] = concatenated(len(ids), parts)
        return Table(ids, columns, self.attributes())

    def arguments(self) -> list[str]:
        return [f"{FIRST} wins"] if self.policy == FIRST else []


def _check_same_attributes(first: SourceCollection, other: SourceCollection) -> None:
    mine, theirs = first.attributes(), other.attributes()
    different = sorted(set(mine) ^ set(theirs))
    if different:
        missing = other if different[0] in mine else first
        raise OperatorError(
            f"ConcatenateSources needs the same attributes of all parents, but {missing.label} has no {different[0]!r}"
            f"{f' and {len(different) - 1} more differ' if len(different) > 1 else ''}; select those that all have.",
            code="attributes_differ", names=different,
        )  # fmt: skip
    for name, one in mine.items():
        two = theirs[name]
        for what, a, b in (
            ("type", one.dtype, two.dtype),
            ("unit", one.unit, two.unit),
            ("shape", one.shape, two.shape),
        ):
            if a != b:
                raise OperatorError(
                    f"ConcatenateSources cannot put the values of {name!r} together: in {first.label} their {what} is "
                    f"{str(a) or 'none'}, in {other.label} {str(b) or 'none'}; calculate one to be as the other.",
                    code="attributes_differ", names=[name],
                )  # fmt: skip


def _check_values(one: SourceCollection, other: SourceCollection) -> None:
    different = [
        a.name for a in one.attributes().values() if a.origin != other.attributes()[a.name].origin
    ]  # fmt: skip
    if different and not sets.provably_disjoint(one.sources(), other.sources()):
        raise OperatorError(
            f"A source that is both in {one.label} and in {other.label} would have two values of {different[0]!r}, and nothing "
            f"proves that there is none; say policy='{FIRST}' to take those of {one.label}, or rename one.",
            code="sources_overlap", names=different,
        )  # fmt: skip
