"""AttributeCalculator: new attributes from existing ones, by a definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from provgraph.calculators import Catalog
from provgraph.errors import UnknownAttribute, nearest
from provgraph.schema import keys
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.calculator import AttributeCalculatorDefinition
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import ProcessParameters
from provgraph.schema.properties import link
from provgraph.schema.table import Table


class AttributeCalculator(SourceCollection):
    """Calculates what its definition provides, for all sources of one parent; only the new attributes."""

    parent = link(SourceCollection, role="parent")
    definition = link(AttributeCalculatorDefinition, role="definition")
    process_params = link(ProcessParameters, role="process_params")
    catalogs = link(list[SourceCollection], role="catalog", optional=True,
                    doc="whole catalogs that it also looks at; no selection of the parent's sources concerns them")  # fmt: skip

    @classmethod
    def of(cls, parent: SourceCollection, definition: AttributeCalculatorDefinition,
           parameters: Mapping[str, float | SourceCollection] | None = None) -> AttributeCalculator:  # fmt: skip
        """`definition` applied to `parent`, with `parameters`, numbers or whole catalogs, in place of its defaults."""
        catalogs = {k: v for k, v in (parameters or {}).items() if isinstance(v, SourceCollection)}
        numbers = {k: v for k, v in (parameters or {}).items() if not isinstance(v, SourceCollection)}
        whole = definition.with_catalogs(catalogs)
        return cls(parent=parent, definition=definition, process_params=definition.process_params(numbers),
                   **({"catalogs": whole} if whole else {}))  # fmt: skip

    def check(self) -> None:
        known = self.parent.attributes()
        missing = next((name for name in self.definition.requires if name not in known), None)
        if missing is not None:
            raise UnknownAttribute(
                f"{self.definition.name}@{self.definition.version} needs {missing!r}, which {self.parent.label} has not; "
                f"{nearest(missing, known)}", name=missing,
            )  # fmt: skip
        inputs = known.only(self.definition.requires)
        self.definition.check_units(inputs)
        self.definition.results(inputs)

    def derive_attributes(self) -> AttributeSet:
        definition = self.definition
        inputs = self.parent.attributes().only(definition.requires)
        results = definition.results(inputs)
        return AttributeSet(
            Attribute(name, results[name][0], unit, ucd, definition.description, results[name][1], self.origin(name))
            for name, unit, ucd in zip(definition.provides, definition.units, definition.ucds, strict=True)
        )

    def origin(self, name: str) -> str:
        """Same definition, parameters and input origins: the same values for the same source.

        Where a value depends on the other sources of the catalog, which these are counts too.
        """
        inputs = self.parent.attributes().only(self.definition.requires)
        return keys.origin_key(
            "AttributeCalculator", self.definition.lineage_key, self.process_params.lineage_key, name,
            [a.origin for a in inputs.values()], *self._beside(),
        )  # fmt: skip

    def _beside(self) -> list[Any]:
        """What else than its inputs decides the value of a source."""
        found: list[Any] = [[c.dependency_key for c in self.catalogs]] if self.catalogs else []
        return found if self.definition.per_source else [*found, self.parent.sources().key]

    def parameters(self) -> dict[str, Any]:
        catalogs = {"catalogs": [c.dependency_key for c in self.catalogs]} if self.catalogs else {}
        return {
            "definition": self.definition.dependency_key, "process_params": self.process_params.lineage_key, **catalogs,
        }  # fmt: skip

    def whole_catalogs(self) -> dict[str, SourceCollection]:
        """What it looks at as a whole, by name of the parameter, with just the attributes that are read."""
        read = self.definition.whole_catalogs()
        return {
            name: collection.select(*attributes)
            for (name, attributes), collection in zip(read.items(), self.catalogs or (), strict=True)
        }

    def introduces(self) -> tuple[str, ...]:
        return tuple(self.definition.provides)

    def evaluate(self, *parents: Table) -> Table:
        parent, *wholes = parents  # those of the whole catalogs stand behind that of the parent
        inputs = {name: parent.columns[name] for name in self.definition.requires}
        read = self.definition.whole_catalogs()
        catalogs = {n: whole_catalog(w.only(a)) for (n, a), w in zip(read.items(), wholes, strict=True)}
        columns = self.definition.calculate(inputs, self.process_params.as_dict(), catalogs)
        return Table(parent.ids, columns, self.attributes())

    def arguments(self) -> list[str]:
        given = self.process_params.as_dict()
        changed = [f"{k}={v:g}" for k, v in given.items() if v != self.definition.defaults().get(k)]
        return [f"{self.definition.name}@{self.definition.version}", *changed]


def whole_catalog(table: Table) -> Catalog:
    """A catalog as calculators get it: masked where there is no value, text as str."""
    columns = {}
    for name, (values, null) in table.columns.items():
        shown = np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
        if null is not None:
            mask = np.zeros(shown.shape, bool)
            mask[null] = True
            shown = np.ma.MaskedArray(shown, mask)
        columns[name] = shown
    return Catalog(table.ids, columns)
