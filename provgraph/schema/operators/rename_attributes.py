"""RenameAttributes: other names for the attributes of one parent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provgraph.errors import OperatorError
from provgraph.schema.attribute import AttributeSet
from provgraph.schema.collection import SourceCollection
from provgraph.schema.properties import link, persistent
from provgraph.schema.table import Table


class RenameAttributes(SourceCollection):
    """The same sources and values; the attributes `old` are called `new`, the others keep their names and places."""

    parent = link(SourceCollection, role="parent")
    old = persistent(list[str], doc="names in the parent, in order of the alphabet")
    new = persistent(list[str], doc="what they are called here, parallel")

    @classmethod
    def of(cls, parent: SourceCollection, renamed: Mapping[str, str]) -> RenameAttributes:
        """`parent` with ``{old: new}`` names; in which order they are given makes no difference."""
        pairs = sorted(renamed.items())
        return cls(parent=parent, old=[old for old, _ in pairs], new=[new for _, new in pairs])

    def check(self) -> None:
        if len(self.old) != len(self.new) or len(set(self.old)) != len(self.old):
            raise OperatorError("RenameAttributes takes one new name for each old one.", code="names_unpaired")
        known = self.parent.attributes()
        known.only(self.old)
        for name in self.new:
            if not name.strip() or not name.isprintable():
                raise OperatorError(f"{name!r} cannot be the name of an attribute.", code="name_invalid", name=name)
        kept = set(known) - set(self.old)
        for place, name in enumerate(self.new):
            if name in self.new[:place] or name in kept:
                has = "would be called that twice" if name not in kept else f"is what {self.parent.label} has already"
                raise OperatorError(
                    f"RenameAttributes cannot call {self.old[place]!r} {name!r}: {name!r} {has}.",
                    code="name_clash", name=name,
                )  # fmt: skip

    @property
    def renamed(self) -> dict[str, str]:
        """New name by old one."""
        return dict(zip(self.old, self.new, strict=True))

    def derive_attributes(self) -> AttributeSet:
        renamed = self.renamed
        return AttributeSet(a.renamed(renamed.get(a.name, a.name)) for a in self.parent.attributes().values())

    def parameters(self) -> dict[str, Any]:
        return {"old": list(self.old), "new": list(self.new)}

    def introduces(self) -> tuple[str, ...]:
        return tuple(self.new)

    def evaluate(self, *parents: Table) -> Table:
        (parent,) = parents
        renamed = self.renamed
        attributes = AttributeSet(a.renamed(renamed.get(a.name, a.name)) for a in parent.attributes.values())
        return Table(parent.ids, {renamed.get(n, n): parent.columns[n] for n in parent.attributes}, attributes)

    def arguments(self) -> list[str]:
        return [f"{old} -> {new}" for old, new in self.renamed.items()]
