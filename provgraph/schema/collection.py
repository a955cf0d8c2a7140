"""SourceCollection: a catalog, processed or not. What it represents is answered from lineage alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from provgraph.errors import OperatorError, ProvgraphError
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.objects import DBObject
from provgraph.schema.sets import Definition, SourceSet, Told
from provgraph.schema.table import Table

if TYPE_CHECKING:
    from provgraph.schema.calculator import AttributeCalculatorDefinition
    from provgraph.schema.operators import AttributeCalculator, SelectSources
    from provgraph.schema.relabelling import Relabelling

Array = np.ndarray[Any, Any]
COMPOUND = ("u:", "r:")  # atoms whose meaning is an operator and its parents
SPELLED = 4  # how deep notation spells out parents that have no name


class SourcesWarning(UserWarning):
    """A concatenation may have fewer sources than meant."""


class Sources(SourceSet):
    """The sources of a collection: a symbol until somebody looks at the identifiers.

    Only the component that decides them is processed then, no attribute is calculated that no criterion reads (paper, Fig. 4);
    what is found is stored for every collection with provably the same sources.
    """

    __slots__ = ("collection",)

    def __init__(self, symbol: SourceSet, told: Callable[[], Told], collection: SourceCollection) -> None:
        super().__init__(symbol.atoms, told)
        self.collection = collection

    def identifiers(self) -> Array:
        """ndarray, shape (n_sources,), int64 or text; ascending."""
        found: Array = self.collection.home().identifiers(self.collection)
        return found

    def __iter__(self) -> Iterator[int | str]:
        return iter(self.identifiers().tolist())

    def __len__(self) -> int:
        return self.collection.count()

    def __contains__(self, identifier: object) -> bool:
        return bool(np.isin(identifier, self.identifiers()).item()) if isinstance(identifier, int | str) else False

    def __bool__(self) -> bool:
        return True  # as for collections: whether there is any source is asked with len()


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

    def sources(self) -> Sources:
        """The sources represented, as a symbol; iterating, or ``.identifiers()``, processes what decides which they are."""
        found = self.__dict__.get("_sources")
        if found is None:
            found = self.__dict__["_sources"] = Sources(self.derive_sources(), self._all_told, self)
        return found

    def defines(self) -> Mapping[str, Definition]:
        """Meaning of the atoms that start here."""
        return {}

    def tells(self) -> Told:
        """What is known of the atoms that start here."""
        return Told(self.defines())

    def ancestry(self) -> Iterator[SourceCollection]:
        """This collection and all that it is derived from, each once."""
        seen: set[int] = set()
        todo: list[SourceCollection] = [self]
        while todo:
            one = todo.pop()
            if id(one) not in seen:
                seen.add(id(one))
                yield one
                todo.extend(one.parents)

    def _all_told(self) -> Told:
        definitions: dict[str, Definition] = {}
        spaces: dict[str, str] = {}
        ranges: dict[str, tuple[str, int, int]] = {}
        for told in (one.tells() for one in self.ancestry()):
            definitions.update(told.definitions)
            spaces.update(told.spaces)
            ranges.update(told.ranges)
        return Told(definitions, spaces, ranges)

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
        compound = next((atom for atom in self.defines() if atom.startswith(COMPOUND)), "")
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
            **({"defines": compound} if compound else {}),
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
        self.__dict__["_sources"] = Sources(SourceSet(properties["atoms"]), self._all_told, self)
        self.__dict__["_id_space"] = properties["space"]

    # -- by hand, lazily (paper, Section 2) ----------------------------------------------------------------------

    def filter(self, criterion: str) -> SourceCollection:
        """The sources for which `criterion` is true; nothing is processed or stored."""
        from provgraph.schema.operators import FilterSources

        return FilterSources.of(self, criterion)

    def select(self, *names: str) -> SourceCollection:
        """Some of the attributes, for the same sources."""
        from provgraph.schema.operators import SelectAttributes

        return SelectAttributes(parent=self, names=list(dict.fromkeys(names)))

    def rename(self, renamed: Mapping[str, str] | None = None, /, **more: str) -> SourceCollection:
        """Other names, ``rename(z="redshift")``, for the same attributes of the same sources."""
        from provgraph.schema.operators import RenameAttributes

        return RenameAttributes.of(self, {**(renamed or {}), **more})

    def concatenate(self, *others: SourceCollection) -> SourceCollection:
        """The attributes of all, for the sources that all represent.

        Warns (SourcesWarning) where nothing proves that the sources of one are all in the other: fewer than in any may be left.
        """
        from provgraph.schema.operators import ConcatenateAttributes

        made = ConcatenateAttributes(parents=[self, *others])
        for one in others:
            if not self._nested(one):
                warnings.warn(
                    f"Nothing proves that {one.label} and {self.label} have the same sources, or one those of the other; the "
                    "concatenation has those that are in both.", SourcesWarning, stacklevel=2,
                )  # fmt: skip
        return made

    def union(self, *others: SourceCollection, policy: str = "") -> SourceCollection:
        """The sources of all, with the attributes that all have.

        policy : ``'first'`` takes values from the first that has a source; without one, what comes from different places must
        provably share no source.
        """
        from provgraph.schema.operators import ConcatenateSources

        return ConcatenateSources(parents=[self, *others], policy=policy)

    def relabel(self, to: Relabelling | str, *, scale: int = 1, offset: int = 0) -> SourceCollection:
        """The same sources under other identifiers: a Relabelling, or the id space into which ``scale * id + offset`` leads."""
        from provgraph.schema.operators import RelabelSources
        from provgraph.schema.relabelling import Relabelling

        if isinstance(to, str):
            to = Relabelling.linear(self.id_space, to, scale=scale, offset=offset)
        return RelabelSources(parent=self, relabelling=to)

    def calculate(self, definition: AttributeCalculatorDefinition | str,
                  parameters: Mapping[str, float | SourceCollection] | None = None) -> AttributeCalculator:  # fmt: skip
        """What a calculator definition, or the one of this name, provides, for the same sources; nothing is processed.

        parameters : process parameters and whole collections in place of its defaults.
        """
        made: AttributeCalculator = self.home().calculate(self, definition, parameters)
        return made

    def only_listed(self, ids: Any, *, strict: bool = False) -> SelectSources:
        """The sources with these identifiers. The list is kept in the survey that this collection is derived from.

        strict : an identifier that is not here is an error.
        """
        made: SelectSources = self.home().select_sources(self, ids, strict=strict)
        return made

    def _nested(self, other: SourceCollection) -> bool:
        """Whether it is proved that the sources of one are part of those of the other."""
        mine, theirs = self.sources().atoms, other.sources().atoms
        if mine <= theirs or theirs <= mine:
            return True
        try:
            home = self.home()
        except ProvgraphError:
            return False  # of no survey, where no more is known
        relation = home.relation(self, other)
        return "yes" in (relation.subset.value, relation.superset.value)

    # -- asked of the survey it lives in -----------------------------------------------------------------------------

    def home(self) -> Any:
        """The survey this collection lives in: of one made by hand that of what it is made from."""
        found = next((one._home for one in self.ancestry() if one._home is not None), None)
        return found if found is not None else super().home()

    def table(self) -> Any:
        """The catalog data as an astropy Table; processes what is missing."""
        return self.home().table(self)

    def head(self, n: int = 5) -> Any:
        """The first `n` sources as an astropy Table."""
        return self.home().head(self, n)

    def batches(
        self, columns: Sequence[str], size: int, *, seed: int | None = None, **options: Any
    ) -> Iterator[dict[str, Any]]:
        """Values of `columns` for `size` sources at a time, shuffled by `seed`; see `Survey.batches`."""
        found: Iterator[dict[str, Any]] = self.home().batches(self, columns, size, seed=seed, **options)
        return found

    def describe(self) -> Any:
        """Units, UCDs, range and missing values of each attribute, from stored statistics."""
        return self.home().describe(self)

    def count(self) -> int:
        """The number of sources; processes only what decides it."""
        return self.home().count(self)

    @property
    def all_data_stored(self) -> Any:
        """Whether all that it represents is in the store: Answer, UNKNOWN where nobody can know without processing."""
        return self.home().all_data_stored(self)

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
        return self._spelled(SPELLED)

    def _spelled(self, depth: int) -> str:
        """Its notation; parents without a name are spelled out, so many deep."""
        shown = (
            [p.name or (p._spelled(depth - 1) if p.parents else p.label) for p in self.parents] if depth else ["..."]
        )
        return f"{type(self).__name__}({', '.join(shown + self.arguments() if depth else shown)})"

    @property
    def label(self) -> str:
        """What sentences and notation call it: its name, else how it is made."""
        return self.name or (repr(self) if self.parents else type(self).__name__)


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
