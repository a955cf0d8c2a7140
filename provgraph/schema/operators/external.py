"""External: a catalog without data lineage, known by its digest and its declaration."""

from __future__ import annotations

from typing import Any

from provgraph.names import UCD_ID
from provgraph.schema import keys
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import DataFile
from provgraph.schema.properties import link, persistent
from provgraph.schema.sets import SourceSet, Told


class External(SourceCollection):
    """A catalog that was ingested: the sources of a file, its columns as attributes."""

    file = link(DataFile, role="file")
    digest = persistent(str, doc="of the bytes of the file")
    table_name = persistent(str, doc="which table of the file", default="")
    id_attribute = persistent(str, doc="the attribute whose values are the identifiers")
    declared_id_space = persistent(str, doc="'' : the catalog is a space of its own", default="")
    columns = persistent(list[str], doc="columns of the file, in the order of the attributes")
    declaration = persistent(str, doc="names, units, UCDs, dtypes and missing values as declared, canonical JSON")

    def parameters(self) -> dict[str, Any]:
        return {
            "digest": self.digest, "table": self.table_name, "id": self.id_attribute,
            "id_space": self.declared_id_space, "columns": list(self.columns), "declaration": self.declaration,
        }  # fmt: skip

    @property
    def id_space(self) -> str:
        return self.declared_id_space or f"catalog:{self.lineage_key}"

    def derive_sources(self) -> SourceSet:
        return SourceSet([f"s:{self.lineage_key}"])

    def tells(self) -> Told:
        return Told(spaces={f"s:{self.lineage_key}": self.id_space})

    def origin(self, column: str) -> str:
        """Origin key of a column of the file."""
        return keys.origin_key("External", self.lineage_key, column)

    @property
    def id_origin(self) -> str:
        """Origin key of the identifiers: in one id space a source has one, whichever catalog tells it."""
        return keys.origin_key("identifier", self.id_space)

    def declare(self, attributes: AttributeSet) -> External:
        """Set what the attributes are; their origins follow from the lineage key."""
        self.__dict__["_attributes"] = AttributeSet(
            Attribute(a.name, a.dtype, a.unit, UCD_ID if a.name == self.id_attribute and not a.ucd else a.ucd,
                      a.description, a.shape, self.id_origin if a.name == self.id_attribute else self.origin(column))
            for column, a in zip(self.columns, attributes.values(), strict=True)
        )  # fmt: skip
        return self

    def derive_attributes(self) -> AttributeSet:
        raise AssertionError("the attributes of an External are declared when it is ingested")

    def introduces(self) -> tuple[str, ...]:
        return self.attributes().names

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.attributes().names)})"
