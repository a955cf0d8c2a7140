"""Classes as they are recorded: a version of a class is stored with the first object of it, and read when objects are older."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import textwrap
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from provgraph.calculators.source import PARSING, tree_text
from provgraph.errors import NotFound
from provgraph.graph import statements
from provgraph.graph.queryable import class_of
from provgraph.schema.files import ClassVersion
from provgraph.schema.forms import Form, bases_of, converted, form_of, is_of_author
from provgraph.schema.meta import DBObjectMeta, class_called
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import Reference

if TYPE_CHECKING:
    from provgraph.graph.mapper import Mapper

statements.declare("ClassVersion")


class Classes:
    """The classes of one survey, as far as they are recorded."""

    def __init__(self, mapper: Mapper) -> None:
        self.mapper = mapper
        self._known: set[tuple[str, str]] = set()  # name and digest
        self._said: dict[tuple[str, str], Mapping[str, Any]] = {}  # properties by name and short digest

    def recorded(self) -> dict[str, list[ClassVersion]]:
        """All recorded versions by the name of the class, oldest first."""
        found: dict[str, list[ClassVersion]] = defaultdict(list)
        for one in self.mapper.restore([r["properties"] for r in self.mapper.read("classes_recorded")]):
            if isinstance(one, ClassVersion):
                found[one.name].append(one)
        return {name: sorted(versions, key=lambda v: v.version) for name, versions in sorted(found.items())}

    def named(self, cls: Any) -> DBObjectMeta:
        """A persistent class, given as such or by its name. NotFound ``class_missing`` where only objects of it are here."""
        try:
            return class_of(cls)
        except NotFound:
            versions = self.recorded().get(cls, [])
            if not versions:
                raise
        module = versions[-1].module
        raise NotFound(
            f"The class {cls} is not here, only its objects are; import the module that has it, which was {module} "
            f"(on the command line: --classes {module}).", code="class_missing", name=cls, module=module,
        )  # fmt: skip

    def unrecorded(self, objects: Iterable[DBObject]) -> list[ClassVersion]:
        """What is to be stored together with these objects; mostly nothing, and then nothing is read."""
        fresh: dict[tuple[str, str], DBObjectMeta] = {}
        for cls in {type(one): None for one in objects}:
            if is_of_author(cls) and (at := (cls.__name__, form_of(cls).digest)) not in self._known:
                fresh[at] = cls
        return self.versions(fresh.values()) if fresh else []

    def versions(self, classes: Iterable[DBObjectMeta]) -> list[ClassVersion]:
        """Of those classes that are not recorded as they are here, the next version, unstored."""
        recorded = self.recorded()
        made = []
        for cls in classes:
            form, before = form_of(cls), recorded.get(cls.__name__, [])
            if any(v.digest == form.digest for v in before):
                self._known.add((cls.__name__, form.digest))
                continue
            made.append(_version(cls, form, before[-1] if before else None))
        return made

    def stored(self, versions: Iterable[ClassVersion]) -> None:
        self._known.update((v.name, v.digest) for v in versions)

    def said(self, cls: DBObjectMeta, properties: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """What the class of an object declared of its properties when the object was stored; None where it is the class of today.

        Empty where it was not recorded.
        """
        if not is_of_author(cls):
            return None
        name, short = str(properties["class_name"]), str(properties.get("class_form", ""))
        if short == form_of(cls).short:
            return None
        if short and (name, short) not in self._said:
            for versions in self.recorded().values():
                for v in versions:
                    self._said[v.name, Form("", v.digest).short] = v.declared()["properties"]
        return self._said.setdefault((name, short), {})

    def in_unit(self, properties: Mapping[str, Any], key: str, unit: str) -> Any:
        """A value of a node in this unit, from the one that its class declared when it was stored."""
        cls = class_called(str(properties["class_name"]))
        said = self.said(cls, properties) if cls is not None else None
        return converted(properties[key], str(said.get(key, {}).get("unit", "")), unit) if said else properties[key]


def _version(cls: DBObjectMeta, form: Form, before: ClassVersion | None) -> ClassVersion:
    declared = json.loads(form.text)
    made = ClassVersion(
        name=cls.__name__, digest=form.digest, module=cls.__module__, number=declared["class_version"],
        bases=bases_of(cls), declarations=form.text, source=_source(cls),
    )  # fmt: skip
    if before is not None:
        made.identity, made.version = before.identity, before.version + 1
        made._revised = Reference(before.object_id, lambda _: before)
    return made


def _source(cls: type) -> str:
    try:
        with PARSING:
            tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):
        return ""
    return "sha256:" + hashlib.sha256(tree_text(tree).encode()).hexdigest()
