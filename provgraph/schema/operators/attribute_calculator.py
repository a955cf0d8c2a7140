"""AttributeCalculator: new attributes from existing ones, by a definition."""

from __future__ import annotations

from typing import Any

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

    @classmethod
    def of(cls, parent: SourceCollection, definition: AttributeCalculatorDefinition,
           parameters: dict[str, float] | None = None) -> AttributeCalculator:  # fmt: skip
        """`definition` applied to `parent`, with `parameters` in place of its defaults."""
        return cls(parent=parent, definition=definition, process_params=definition.process_params(parameters))

    def check(self) -> None:
        inputs = self.parent.attributes().only(self.definition.requires)
        self.definition.check_units(inputs)
        self.definition.result_dtype(inputs)

    def derive_attributes(self) -> AttributeSet:
        definition = self.definition
        inputs = self.parent.attributes().only(definition.requires)
        dtype = definition.result_dtype(inputs)
        return AttributeSet(
            Attribute(name, dtype, unit, ucd, definition.description, (), self.origin(name))
            for name, unit, ucd in zip(definition.provides, definition.units, definition.ucds, strict=True)
        )

    def origin(self, name: str) -> str:
        """Same definition, parameters and input origins: the same values for the same source."""
        inputs = self.parent.attributes().only(self.definition.requires)
        return keys.origin_key(
            "AttributeCalculator", self.definition.lineage_key, self.process_params.lineage_key, name,
            [a.origin for a in inputs.values()],
        )  # fmt: skip

    def parameters(self) -> dict[str, Any]:
        return {"definition": self.definition.dependency_key, "process_params": self.process_params.lineage_key}

    def introduces(self) -> tuple[str, ...]:
        return tuple(self.definition.provides)

    def evaluate(self, *parents: Table) -> Table:
        (parent,) = parents
        inputs = {name: parent.columns[name] for name in self.definition.requires}
        columns = self.definition.calculate(inputs, self.process_params.as_dict())
        return Table(parent.ids, columns, self.attributes())

    def arguments(self) -> list[str]:
        return [f"{self.definition.name}@{self.definition.version}"]
