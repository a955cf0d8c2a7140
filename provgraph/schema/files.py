"""What stands behind values: files that were read, segments that hold columns, and what ran."""

from __future__ import annotations

import json
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


class StoredFile(DBObject):
    """The file of a data object, known by the digest of its bytes. Where they are is said by notes of the kind ``place``."""

    digest = persistent(str, doc="sha256:<hex> of the bytes")
    name = persistent(str, doc="unique in the survey")
    size = persistent(int, unit="byte", lineage=False)

    def lineage(self) -> list[Any]:
        return [self.digest, self.name]


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


class CodeVersion(DBObject):
    """A version of the code of a function or method, with the helpers it reaches inside its package."""

    name = persistent(str, doc="Class.method or function")
    digest = persistent(str, doc="of what counts of it")
    module = persistent(str, doc="where it stood first", lineage=False)
    text = persistent(str, doc="its source and that of its helpers", lineage=False, default="")

    def lineage(self) -> list[Any]:
        return [self.name, self.digest]


class PolicyVersion(DBObject):
    """A version of a provenance policy: the text by which things were checked."""

    name = persistent(str)
    digest = persistent(str, doc="sha256:<hex> of the text")
    text = persistent(str, doc="TOML, as it was read", lineage=False)

    def lineage(self) -> list[Any]:
        return [self.name, self.digest]


class CheckReport(DBObject):
    """What a check of things by a provenance policy found; the call that made it used the things and had the policy as plan."""

    policy = persistent(str, doc="name of the policy")
    verdict = persistent(str, doc="holds or violated")
    n_things = persistent(int, doc="things that were checked")
    n_errors = persistent(int, doc="violations of rules that are errors")
    n_warnings = persistent(int, doc="violations of rules that are warnings")
    measured_at = persistent(str, doc="the time that counted as now")
    findings = persistent(str, doc="JSON: of each rule how many things it was for, and its violations", default="[]")


class ClassVersion(DBObject):
    """A persistent class as it was declared when objects of it were stored. Its versions are those of the class of one name."""

    name = persistent(str)
    digest = persistent(str, doc="of its declarations")
    module = persistent(str, doc="where it stood when it was recorded", lineage=False)
    number = persistent(int, doc="class_version, as the class says it", lineage=False)
    bases = persistent(list[str], doc="persistent classes that it inherits from", lineage=False)
    declarations = persistent(str, doc="canonical JSON of its properties and links", lineage=False)
    source = persistent(str, doc="sha256:<hex> of its source without comments and layout, where that can be read", lineage=False,
                        default="")  # fmt: skip

    def lineage(self) -> list[Any]:
        return [self.name, self.digest]

    def declared(self) -> dict[str, Any]:
        """Its declarations as plain data: ``class_version``, ``bases``, ``properties`` and ``links`` by name."""
        found = json.loads(self.declarations)
        assert isinstance(found, dict)
        return found


class ProcessParameters(DBObject):
    """Process parameters of a calculation, defaults included."""

    names = persistent(list[str])
    values = persistent(list[float])

    def lineage(self) -> list[Any]:
        return [list(self.names), [float(v).hex() for v in self.values]]

    def as_dict(self) -> dict[str, float]:
        return dict(zip(self.names, self.values, strict=True))
