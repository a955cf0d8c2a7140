"""What the graph knows of sets of sources, read for the sets that a question is about, and the answers that follow.

Definitions of atoms come from an index (one statement a level of unions and relabellings), facts from stored segments: how
many sources a set has, their digest, and the statistics of the columns that its criteria read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from provgraph.bulk.store import BulkStore, SegmentInfo
from provgraph.errors import StorageError
from provgraph.graph.mapper import Mapper
from provgraph.rewrite.plan import criterion_origins
from provgraph.rewrite.sets import Bounds, Counted, Fact, Knowledge
from provgraph.rewrite.solver import Reasoner
from provgraph.schema import atoms as meanings
from provgraph.schema import keys
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import Segment
from provgraph.schema.sets import Atoms, Complement, Definition, Listed, Relabelled, SourceSet, Union

MOST_LISTED = 1_000_000
"""A longer list of identifiers is known by its digest alone."""


class Known:
    """Knowledge that grows with the questions of one request.

    `reasoner` answers; ask `about` first for the sets that it is asked about. Sets of collections that are not stored yet
    bring what their lineage tells of them.
    """

    def __init__(self, mapper: Mapper, store: BulkStore | None = None, words: Mapping[str, str] | None = None) -> None:
        self.mapper, self.store = mapper, store
        self.words = dict(words or {})
        self.definitions: dict[str, Definition] = {}
        self.spaces: dict[str, str] = {}
        self.statements = 0
        self._facts: dict[tuple[Any, ...], Fact] = {}
        self._asked: set[str] = set()
        self._sets: set[str] = set()
        self._measured: set[tuple[str, str]] = set()
        self._reasoner: Reasoner | None = None

    @property
    def knowledge(self) -> Knowledge:
        return Knowledge(self.definitions, tuple(self._facts.values()), self.spaces)

    @property
    def reasoner(self) -> Reasoner:
        if self._reasoner is None:
            self._reasoner = Reasoner(self.knowledge, self.describe)
        return self._reasoner

    def describe(self, key: str) -> str:
        """Words for an atom or an origin, as far as they are known."""
        return self.words.get(key, key)

    def about(self, *sets: SourceSet | Iterable[str]) -> Reasoner:
        """Read what there is to know of these sets; the reasoner that knows it."""
        before = (len(self.definitions), len(self.spaces), len(self._facts))
        wanted = self.define(*sets)
        self._count(wanted)
        self._measure({atom for one in wanted for atom in self._closure(one)})
        if before != (len(self.definitions), len(self.spaces), len(self._facts)):
            self._reasoner = None
        return self.reasoner

    def define(self, *sets: SourceSet | Iterable[str]) -> list[Atoms]:
        """Read what the atoms of these sets mean, no facts; returns the sets as atoms."""
        wanted: list[Atoms] = []
        for one in sets:
            if isinstance(one, SourceSet):
                self._learn(one)
                wanted.append(one.atoms)
            else:
                wanted.append(frozenset(one))
        self._define({atom for one in wanted for atom in one})
        for one in sets:
            if isinstance(one, SourceSet) and any(self._is_open(a) for a in self._closure(one.atoms)):
                self.definitions.update(one.told.definitions)  # not stored yet, so that its own lineage has to tell
                self.spaces.update(one.told.spaces)
                self._define({a for atom in self._closure(one.atoms) for a in _parts(self.definitions.get(atom))})
        return wanted

    def count(self, *sets: Atoms) -> None:
        """Read how many sources these sets have, where they are stored."""
        self._count(sets)
        self._reasoner = None

    def measure(self, catalogs: set[str], origins: set[str]) -> None:
        """Read the statistics of columns of catalogs, given as atoms."""
        self._measure_columns(catalogs, origins)
        self._reasoner = None

    def _is_open(self, atom: str) -> bool:
        return atom[0] in "cur" and atom not in self.definitions

    # -- definitions -----------------------------------------------------------------------------------------------------

    def _learn(self, one: SourceSet) -> None:
        """What a set in memory tells, without reading lineage where the index has it."""
        told = one._told
        if not callable(told):
            self.definitions.update(told.definitions)
            self.spaces.update(told.spaces)
            for atom, (origin, least, most) in told.ranges.items():
                self._facts.setdefault(
                    ("bounds", atom, origin), Bounds(frozenset({atom}), origin, least, most, nulls=False)
                )

    def _define(self, atoms: set[str]) -> None:
        todo = atoms - self._asked
        while todo:
            self._asked |= todo
            unknown = sorted(a for a in todo if a not in self.definitions and not a.startswith("e:"))
            rows = self.mapper.read("source_atoms", atoms=unknown) if unknown else []
            self.statements += bool(unknown)
            lists = {}
            for row in rows:
                if row["space"]:
                    self.spaces[row["atom"]] = row["space"]
                definition = meanings.of_properties(row)
                if definition is not None:
                    self.definitions[row["atom"]] = definition
                elif row["kind"] == meanings.LIST:
                    lists[row["atom"]] = json.loads(row["meaning"])
            self._list(lists)
            todo = {a for atom in todo for a in _parts(self.definitions.get(atom))} - self._asked

    def _list(self, lists: Mapping[str, str]) -> None:
        if not lists or self.store is None:
            return
        segments = self.mapper.many(list(lists.values()))
        for atom, one in zip(lists, segments, strict=True):
            if isinstance(one, Segment) and one.n <= MOST_LISTED:
                try:
                    self.definitions[atom] = Listed(self.store.open(SegmentInfo.from_dict(json.loads(one.info))).ids)
                except StorageError:
                    continue  # known by its digest alone

    def catalogs(self, atoms: Iterable[str]) -> set[str]:
        """The atoms of the catalogs that a set is made of, as far as definitions are known."""
        return {atom for atom in self._closure(atoms) if atom.startswith("s:")}

    def _closure(self, atoms: Iterable[str]) -> set[str]:
        found: set[str] = set()
        todo = set(atoms)
        while todo:
            found |= todo
            todo = {a for atom in todo for a in _parts(self.definitions.get(atom))} - found
        return found

    # -- facts -----------------------------------------------------------------------------------------------------------

    def _count(self, sets: Sequence[Atoms]) -> None:
        """How many sources these sets have, and those they are made of, where they are stored."""
        every = {keys.source_set_key(s): s for s in self._all_sets(sets)}
        todo = sorted(every.keys() - self._sets)
        if not todo:
            return
        self._sets.update(todo)
        self.statements += 1
        for row in self.mapper.read("segments_of_source_sets", keys=todo):
            segment = row["properties"]
            atoms = every[segment["source_set_key"]]
            self._facts["count", atoms] = Counted(atoms, int(segment["n"]), str(segment["id_digest"]))

    def _all_sets(self, sets: Sequence[Atoms]) -> set[Atoms]:
        found = set(sets)
        for atoms in sets:
            for atom in self._closure(atoms):
                if atom.startswith("s:"):
                    found.add(frozenset({atom}))
                match self.definitions.get(atom):
                    case Union(parts):
                        found.update(parts)
                    case Relabelled(_, _, preimage):
                        found.add(preimage)
                    case Complement(of):
                        found.add(of)
        return found

    def _measure(self, atoms: set[str]) -> None:
        """Statistics of the columns that criteria read, over the catalogs they are in."""
        read = {o for a in atoms if isinstance(c := self.definitions.get(a), str) for o in criterion_origins(c)}
        self._measure_columns({a for a in atoms if a.startswith("s:")}, read)

    def _measure_columns(self, catalogs: set[str], read: set[str]) -> None:
        for atom in catalogs:  # every source has its identifier
            origin = keys.origin_key("identifier", self.spaces.get(atom, ""))
            if origin in read and ("bounds", atom, origin) not in self._facts:
                self._facts["bounds", atom, origin] = Bounds(frozenset({atom}), origin, nulls=False)
        todo = {(a, o) for a in catalogs for o in read} - self._measured
        if not todo or self.store is None:
            return
        self._measured |= todo
        by_set = {keys.source_set_key([a]): a for a in catalogs}
        self.statements += 1
        for row in self.mapper.read("segments_holding", origins=sorted({o for _, o in todo})):
            properties = row["properties"]
            catalog = by_set.get(properties["source_set_key"])
            if catalog is None:
                continue
            info = SegmentInfo.from_dict(json.loads(properties["info"]))
            for origin in read.intersection(info.origins):
                bounds = self._bounds(info, catalog, origin)
                if bounds is not None:
                    self._facts["bounds", catalog, origin] = bounds

    def _bounds(self, info: SegmentInfo, atom: str, origin: str) -> Bounds | None:
        """Infinite values count: those of the whole column leave them out, those of its blocks do not."""
        column = info.column(origin)
        nulls = bool(column.null_count or column.nan_count)
        over = frozenset({atom})
        if column.dtype[0] not in "fiu" or column.shape or self.store is None:
            return Bounds(over, origin, None, None, nulls)
        try:
            blocks = self.store.open(info).blocks(origin)
        except StorageError:
            return None
        there = blocks.count > 0
        if not there.any():
            return Bounds(over, origin, None, None, nulls)
        return Bounds(over, origin, blocks.minimum[there].min().item(), blocks.maximum[there].max().item(), nulls)


def _parts(definition: Definition | None) -> Iterable[str]:
    match definition:
        case Union(parts):
            return {a for part in parts for a in part}
        case Relabelled(_, _, preimage):
            return preimage
        case Complement(of):
            return of
    return ()


def words_for(collections: Iterable[SourceCollection], label: Callable[[SourceCollection], str]) -> dict[str, str]:
    """Words for the catalogs and attributes of some collections, for `Known`."""
    found: dict[str, str] = {}
    for collection in collections:
        for one in collection.ancestry():
            if not one.parents:
                found.update({atom: label(one) for atom in one.sources().atoms})
            for attribute in one.attributes().values():
                found.setdefault(attribute.origin, attribute.name)
    return found
