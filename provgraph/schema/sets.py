"""Sets of sources as symbols: intersections of atoms, and what the atoms that are made of other sets mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from provgraph.schema import keys

Atoms = frozenset[str]
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Union:
    """Meaning of an atom ``u:``: the sources of any of these sets."""

    parts: tuple[Atoms, ...]


@dataclass(frozen=True)
class Relabelled:
    """Meaning of an atom ``r:``: the sources of `preimage` under other identifiers.

    injective : no two identifiers, of whichever sources, become one.
    """

    relabelling: str
    injective: bool
    preimage: Atoms


@dataclass(frozen=True)
class Complement:
    """Meaning of an atom ``e:``: all sources but these."""

    of: Atoms


@dataclass(frozen=True, eq=False)
class Listed:
    """Meaning of an atom ``l:``. ids : ascending, each once."""

    ids: Array


Definition = str | Union | Relabelled | Complement | Listed  # text: the canonical conjunct of an atom ``c:``


def union(parts: Iterable[Iterable[str]]) -> tuple[Atoms, dict[str, Definition]]:
    """The set of all sources of `parts`, and the definition of its atom; the union of equal sets is that set."""
    by_key = {keys.source_set_key(part): frozenset(part) for part in parts}
    if len(by_key) == 1:
        return next(iter(by_key.values())), {}
    atom = "u:" + keys.sha256(sorted(by_key))[:20]
    return frozenset({atom}), {atom: Union(tuple(by_key[key] for key in sorted(by_key)))}


def relabelled(relabelling: str, preimage: Iterable[str], *, injective: bool) -> tuple[Atoms, dict[str, Definition]]:
    """The image of a set under a relabelling, and the definition of its atom."""
    source = frozenset(preimage)
    atom = "r:" + keys.sha256([relabelling, keys.source_set_key(source)])[:20]
    return frozenset({atom}), {atom: Relabelled(relabelling, injective, source)}


@dataclass(frozen=True)
class Told:
    """What is known of atoms from lineage alone.

    definitions : what those mean that are made of other sets. spaces : by atom ``s:``, the id space of a catalog; sources of
    different id spaces are different sources. ranges : by atom ``s:``, (origin, least, largest) where every source of a catalog
    has an identifier between these.
    """

    definitions: Mapping[str, Definition] = field(default_factory=dict)
    spaces: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, tuple[str, int, int]] = field(default_factory=dict)

    def __or__(self, other: Told) -> Told:
        return Told(
            {**self.definitions, **other.definitions}, {**self.spaces, **other.spaces}, {**self.ranges, **other.ranges}
        )


class SourceSet:
    """The sources of a collection as a symbol: the intersection of `atoms`. Equal atoms, equal sources.

    An atom is the set of a catalog (``s:``), of a conjunct of a criterion (``c:``), of a list (``l:``), of a union (``u:``) or of
    relabelled sources (``r:``). `told` is what lineage says of these atoms and of those they are made of; read when asked for.
    """

    __slots__ = ("_told", "atoms", "key")

    def __init__(self, atoms: Iterable[str], told: Told | Callable[[], Told] = Told()) -> None:
        self.atoms: Atoms = frozenset(atoms)
        self.key = keys.source_set_key(self.atoms)
        self._told = told

    @property
    def told(self) -> Told:
        if not isinstance(self._told, Told):
            self._told = self._told()
        return self._told

    @property
    def definitions(self) -> Mapping[str, Definition]:
        return self.told.definitions

    def __and__(self, other: SourceSet) -> SourceSet:
        return SourceSet(self.atoms | other.atoms, lambda: self.told | other.told)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SourceSet) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"SourceSet({' ∩ '.join(sorted(self.atoms))})"


# -- the one question that an operator asks when it is created -----------------------------------------------------------

Prover = Callable[[SourceSet, SourceSet], bool]


def _nothing_proven(one: SourceSet, other: SourceSet) -> bool:
    return False


_prover: Prover = _nothing_proven


def prove_disjoint_with(prover: Prover) -> None:
    """Say who decides whether two sets provably share no source (the relations, which stand further right)."""
    global _prover
    _prover = prover


def provably_disjoint(one: SourceSet, other: SourceSet) -> bool:
    """Whether it is proven that no source is in both; False says nothing."""
    return _prover(one, other)
