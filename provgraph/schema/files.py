"""What stands behind values: files that were read, segments that hold columns, and what ran."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provgraph.schema.objects import DBObject
from provgraph.schema.properties import link, persistent


class DataFile(DBObject):
    """A file as it was read or written, known by the digest of its bytes."""

    digest = persistent(str, doc="sha256:<hex> of the bytes")
    name = persistent(str, doc="file name, without its folder", lineage=False)
    size = persistent(int, unit="byte", lineage=False)
    format = persistent(str, doc="as recognised", lineage=False, default="")
    same_bytes = link(list[DBObject], optional=True, doc="files of the same bytes that were written before it was read")
    before_changes = link(DBObject, optional=True, doc="the collection that it was written from, as it says itself")

    def lineage(self) -> list[Any]:
        return [self.digest]


class ExportedFile(DataFile):
    """A file written for somebody from a Source Collection: it knows what it is by its digest.

    Different collections can give the same bytes, and are different files then.
    """

    collection = link(DBObject, role="exported")

    def lineage(self) -> list[Any]:
        return [self.digest, self.collection.dependency_key]


def place(atoms: Iterable[str]) -> dict[str, Any]:
    """What the index keeps of a stored set: it is found again by a catalog or a union that its sources are from."""
    return {"atoms": sorted(atoms), "within": max(atoms, key=_origin)}


def _origin(atom: str) -> tuple[bool, str]:
    """Catalogs first, then what they are united or relabelled to, criteria and lists last; the largest wins."""
    return atom[0] in "sur", atom


class Segment(DBObject):
    """Stored columns of some sources: one immutable file of the bulk store, its digest and statistics."""

    file = persistent(str, doc="name in the bulk store")
    digest = persistent(str)
    size = persistent(int, unit="byte")
    mtime_ns = persistent(int)
    inode = persistent(int)
    n = persistent(int, doc="number of sources")
    id_space = persistent(str)
    id_dtype = persistent(str)
    id_digest = persistent(str, doc="equal digests: the same sources in the same order")
    source_set_key = persistent(str, doc="key of the set of sources that these are, exactly", default="")
    info = persistent(str, doc="the bulk store's own description, canonical JSON")
    columns = persistent(list[str], doc="origin keys held", default=())

    atoms: tuple[str, ...] = ()
    """Of the set of sources that these are, exactly, when it is stored: for the index."""

    def index_values(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {"source_set": self.source_set_key} if self.source_set_key else {}
        if self.atoms:
            found |= place(self.atoms)
        return found


class Environment(DBObject):
    """Interpreter, operating system and packages by version; one node for each digest."""

    digest = persistent(str)
    python = persistent(str)
    platform = persistent(str)
    packages = persistent(list[str], doc="name==version, sorted")

    def lineage(self) -> list[Any]:
        return [self.digest]


class ProcessParameters(DBObject):
    """Process parameters of a calculation, defaults included."""

    names = persistent(list[str])
    values = persistent(list[float])

    def lineage(self) -> list[Any]:
        return [list(self.names), [float(v).hex() for v in self.values]]

    def as_dict(self) -> dict[str, float]:
        return dict(zip(self.names, self.values, strict=True))
