"""SourceCollection: a catalog, processed or not. What it represents is answered from lineage alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from provgraph.errors import OperatorError
from provgraph.schema import keys
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.objects import DBObject
from provgraph.schema.table import Table


class SourceSet:
    """The sources of a collection as a symbol: the intersection of `atoms`. Equal atoms, equal sources.

    An atom is the set of an External (``s:``), of a conjunct of a criterion (``c:``) or of a list (``l:``).
    """

    __slots__ = ("atoms", "key")

    def __init__(self, atoms: Iterable[str]) -> None:
        self.atoms = frozenset(atoms)
        self.key = keys.source_set_key(self.atoms)

    def __and__(self, other: SourceSet) -> SourceSet:
        return SourceSet(self.atoms | other.atoms)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SourceSet) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"SourceSet({' ∩ '.join(sorted(self.atoms))})"


class SourceCollection(DBObject):
    """A set of sources with attributes, defined by an operator, its parents and its process parameters.

    Subclasses say what their operator does: `attributes`, `sources`, `parameters` and `evaluate`.
    """

    # Raised by hand when an operator's meaning changes; an upgrade of the package alone makes nothing unfindable.
    operator_version: ClassVar[int] = 1

    # -- answered from lineage -----------------------------------------------------------------------------------

    def attributes(self) -> AttributeSet:
        """The attributes represented, in order."""
        found = self.__dict__.get("_attributes")
        if found is None:
            found = self.__dict__["_attributes"] = self.derive_attributes()
        return found

    def sources(self) -> SourceSet:
        """The sources represented, as a symbol."""
        found = self.__dict__.get("_sources")
        if found is None:
            found = self.__dict__["_sources"] = self.derive_sources()
        return found

    @property
    def id_space(self) -> str:
        """Only sources of one id space can be the same source."""
        found = self.__dict__.get("_id_space")
        if found is None:
            found = self.__dict__["_id_space"] = self.parents[0].id_space
        return found

    @property
    def parents(self) -> tuple[SourceCollection, ...]:
        """The dependencies that are Source Collections."""
        for name, declared in type(self).links.items():
            if declared.role == "parent":
                value = getattr(self, name)
                return value if isinstance(value, tuple) else (value,)
        return ()

    def derive_attributes(self) -> AttributeSet:
        raise NotImplementedError(type(self).__name__)

    def derive_sources(self) -> SourceSet:
        return self.parents[0].sources()

    def parameters(self) -> dict[str, Any]:
        """Process parameters as they enter the lineage key."""
        return {}

    def evaluate(self, *parents: Table) -> Table:
        """The definition of the operator on tables in memory: slow, obvious, exact."""
        raise NotImplementedError(type(self).__name__)

    # -- identity and storage --------------------------------------------------------------------------------------

    def lineage(self) -> list[Any]:
        return [self.operator_version, self.parameters(), [p.dependency_key for p in self.parents]]

    def index_values(self) -> Mapping[str, Any]:
        attributes = list(self.attributes().values())
        return {
            "operator": type(self).__name__,
            "attribute_names": [a.name for a in attributes],
            "origins": [a.origin for a in attributes],
            "units": [a.unit for a in attributes],
            "ucds": [a.ucd for a in attributes],
            "dtypes": [a.dtype for a in attributes],
            "shapes": ["x".join(map(str, a.shape)) for a in attributes],
            "descriptions": [a.description for a in attributes],
            "space": self.id_space,
            "source_set": self.sources().key,
            "atoms": sorted(self.sources().atoms),
            "introduces": list(self.introduces()),
        }

    def introduces(self) -> tuple[str, ...]:
        """Names of attributes that start here, so that a search for a name finds this collection."""
        return ()

    def adopt(self, properties: Mapping[str, Any], home: Any = None) -> None:
        super().adopt(properties, home)
        self.__dict__["_attributes"] = AttributeSet(
            Attribute(name, dtype, unit, ucd, description, tuple(int(s) for s in shape.split("x") if s), origin)
            for name, dtype, unit, ucd, description, shape, origin in zip(
                properties["attribute_names"], properties["dtypes"], properties["units"], properties["ucds"],
                properties["descriptions"], properties["shapes"], properties["origins"], strict=True,
            )
        )  # fmt: skip
        self.__dict__["_sources"] = SourceSet(properties["atoms"])
        self.__dict__["_id_space"] = properties["space"]

    # -- by hand, lazily (paper, Section 2) ----------------------------------------------------------------------

    def filter(self, criterion: str) -> SourceCollection:
        """The sources for which `criterion` is true; nothing is processed or stored."""
        from provgraph.schema.operators import FilterSources

        return FilterSources.of(self, criterion)

    def select(self, *names: str) -> SourceCollection:
        """Some of the attributes, for the same sources."""
        from provgraph.schema.operators import SelectAttributes

        return SelectAttributes(parent=self, names=list(names))

    def concatenate(self, *others: SourceCollection) -> SourceCollection:
        """The attributes of all, for the sources that all represent."""
        from provgraph.schema.operators import ConcatenateAttributes

        return ConcatenateAttributes(parents=[self, *others])

    # -- asked of the survey it lives in -----------------------------------------------------------------------------

    def table(self) -> Any:
        """The catalog data as an astropy Table; processes what is missing."""
        return self.home().table(self)

    def head(self, n: int = 5) -> Any:
        """The first `n` sources as an astropy Table."""
        return self.home().head(self, n)

    def describe(self) -> Any:
        """Units, UCDs, range and missing values of each attribute, from stored statistics."""
        return self.home().describe(self)

    def count(self) -> int:
        """The number of sources; processes only what decides it."""
        return self.home().count(self)

    def __len__(self) -> int:
        return self.count()

    def __bool__(self) -> bool:
        return True  # a collection is not false because it may be empty; counting could cost a processing

    @property
    def name(self) -> str:
        return self._home.name_of(self) if self._home is not None else ""

    # -- notation ------------------------------------------------------------------------------------------------------

    def arguments(self) -> list[str]:
        """Process parameters as the notation shows them, after the parents."""
        return []

    def __repr__(self) -> str:
        shown = [p.label for p in self.parents] + self.arguments()
        return f"{type(self).__name__}({', '.join(shown)})"

    @property
    def label(self) -> str:
        """What others call it in their notation: its name, else its operator."""
        return self.name or type(self).__name__


def same_id_space(parents: Iterable[SourceCollection], operator: str) -> str:
    """The one id space of `parents`; different ones are an error, their sources are different sources."""
    spaces = {p.id_space: p for p in parents}
    if len(spaces) != 1:
        labels = " and ".join(p.label for p in spaces.values())
        raise OperatorError(
            f"{operator} joins sources by identifier, but {labels} name theirs in different id spaces; "
            "ingest them with the same id_space= if equal identifiers mean equal sources.",
            code="id_spaces_differ", id_spaces=sorted(spaces),
        )  # fmt: skip
    return next(iter(spaces))
