"""A plan: the steps of a transient dependency graph as plain data, before and after rewriting."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from typing import Any

from provgraph.errors import RewriteError

EXTERNAL = "External"
SOURCE_LIST_WRAPPER = "SourceListWrapper"
PASS = "Pass"
SELECT_ATTRIBUTES = "SelectAttributes"
RENAME_ATTRIBUTES = "RenameAttributes"
CONCATENATE_ATTRIBUTES = "ConcatenateAttributes"
FILTER_SOURCES = "FilterSources"
SELECT_SOURCES = "SelectSources"
CONCATENATE_SOURCES = "ConcatenateSources"
RELABEL_SOURCES = "RelabelSources"
ATTRIBUTE_CALCULATOR = "AttributeCalculator"
CATALOGS = frozenset({EXTERNAL, SOURCE_LIST_WRAPPER})  # what stands at the beginning, and is read
FIRST = "first"
STORED = "stored "  # before the lineage key of an External that a rule made: a set that the store has
EMPTY = "empty "  # likewise, of one that has no sources
INVERSE = "~"  # before the key of a relabelling: back, for those sources that it leads to


@dataclass(frozen=True)
class Step:
    """One Source Collection of a plan.

    id : unique in the plan; for people it is the label.
    parents : ids of steps, in order.
    names, origins : the attributes it represents; parallel. Of the end of a plan their order is that of the result; of
        other steps it says nothing, and parents may have another.
    criterion : FilterSources: canonical text over origin keys.
    definition, inputs, parameters : AttributeCalculator: the definition's lineage key, the *origins* of its required
        attributes in the definition's order, canonical JSON of the process parameters.
    whole_catalog : AttributeCalculator: it looks at all sources at once, so no selection may move past it.
    sources, without : SelectSources: ids of steps whose sources it keeps (those in all of them) and leaves out.
    source_list : a SelectSources that a user made: digest of the stored list of identifiers. strict : that the parent lacks one
        of them is an error.
    old, new : RenameAttributes: names in the parent and here, parallel; origins stay.
    policy : ConcatenateSources: ``'first'`` where the first parent that has a source gives its values; '' where there is but one.
    relabelling : RelabelSources: key of the relabelling, with `INVERSE` before it for the way back. injective : it never makes
        one source of two, whichever there are.
    atoms : of its set of sources (their intersection), sorted.
    lineage_key : of the persistent original where there is one, '' for a step that a rule made.
    stored : External, SourceListWrapper: origins that can be read from segments.
    """

    id: str
    operator: str
    parents: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    criterion: str = ""
    definition: str = ""
    inputs: tuple[str, ...] = ()
    parameters: str = ""
    sources: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    source_list: str = ""
    atoms: tuple[str, ...] = ()
    lineage_key: str = ""
    stored: tuple[str, ...] = ()
    whole_catalog: bool = False
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    policy: str = ""
    relabelling: str = ""
    injective: bool = False
    strict: bool = False

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Ids of everything it needs: parents, then the steps whose sources it keeps or leaves out."""
        return (*self.parents, *self.sources, *self.without)

    @property
    def attributes(self) -> frozenset[tuple[str, str]]:
        """Pairs of name and origin; in which order they stand matters only at the end of a plan."""
        return frozenset(zip(self.names, self.origins, strict=True))

    @property
    def reads(self) -> tuple[str, ...]:
        """Origins that its own work looks at: of a criterion, or a calculator's inputs."""
        if self.operator == FILTER_SOURCES:
            return criterion_origins(self.criterion)
        return self.inputs

    def to_dict(self) -> dict[str, Any]:
        """Plain values; what is empty is left out."""
        values = ((f.name, getattr(self, f.name)) for f in fields(self))
        return {name: list(v) if isinstance(v, tuple) else v for name, v in values if v}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Step:
        fields_: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**fields_)


@dataclass(frozen=True)
class Plan:
    """Steps by id, and the one that represents the catalog that was asked for."""

    end: str
    steps: Mapping[str, Step]

    def __getitem__(self, step: str) -> Step:
        return self.steps[step]

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps.values())

    def __len__(self) -> int:
        return len(self.steps)

    def ordered(self) -> tuple[Step, ...]:
        """The steps that the end depends on, dependencies first (SOURCES and EXCEPT count); always the same order.

        Raises
        ------
        RewriteError : ``plan_broken`` when a step is missing or depends on itself.
        """
        return self._ordered

    @cached_property
    def _ordered(self) -> tuple[Step, ...]:
        done: dict[str, Step] = {}
        open_: set[str] = set()
        stack = [(self.end, False)]
        while stack:
            name, finished = stack.pop()
            if name in done:
                continue
            step = self.steps.get(name)
            if step is None:
                raise RewriteError(f"A step of the plan needs {name!r}, which is not in it.", code="plan_broken")
            if finished:
                done[name] = step
                open_.discard(name)
            elif name in open_:
                raise RewriteError(f"The step {name!r} of the plan depends on itself.", code="plan_broken")
            else:
                open_.add(name)
                stack.append((name, True))
                stack.extend((d, False) for d in reversed(step.dependencies) if d not in done)
        return tuple(done.values())

    @cached_property
    def operators(self) -> frozenset[str]:
        return frozenset(step.operator for step in self)

    @cached_property
    def neighbours(self) -> frozenset[tuple[str, str]]:
        """Pairs of operators: of a step, and of one of its parents."""
        return frozenset((s.operator, self.steps[p].operator) for s in self for p in s.parents)

    @cached_property
    def dependents(self) -> Mapping[str, tuple[str, ...]]:
        """Ids of the steps that depend directly on a step, by its id."""
        found: dict[str, dict[str, None]] = {name: {} for name in self.steps}
        for step in self:
            for name in step.dependencies:
                found[name][step.id] = None
        return {name: tuple(ids) for name, ids in found.items()}

    @cached_property
    def keys(self) -> Mapping[str, str]:
        """What each step is, independent of ids: equal keys, equal catalogs, made in the same way."""
        found: dict[str, str] = {}
        for step in self.ordered():
            value = (
                step.operator,
                step.lineage_key or step.id if not step.parents else "",
                sorted(step.attributes),
                step.criterion,
                (step.definition, step.inputs, step.parameters, step.whole_catalog),
                (step.source_list, step.strict, step.policy, step.relabelling),
                [found[p] for p in step.parents],
                sorted({found[s] for s in step.sources}),
                sorted({found[s] for s in step.without}),
            )
            found[step.id] = hashlib.sha256(repr(value).encode()).hexdigest()[:32]
        return found

    def same_as(self, other: Plan) -> bool:
        """Whether both have the same steps, shared in the same way; ids and the order of attributes do not count."""
        alike = sorted(self.keys.values()) == sorted(other.keys.values())
        return alike and self.keys[self.end] == other.keys[other.end]

    def only_needed(self) -> Plan:
        """Without the steps that the end does not depend on, in order."""
        return Plan(self.end, {step.id: step for step in self.ordered()})

    def renamed(self, labels: Mapping[str, str]) -> Plan:
        """The same plan with other ids; what `labels` does not mention keeps its own."""

        def new(*ids: str) -> tuple[str, ...]:
            return tuple(labels.get(i, i) for i in ids)

        steps = [
            replace(s, id=new(s.id)[0], parents=new(*s.parents), sources=new(*s.sources), without=new(*s.without))
            for s in self
        ]
        return Plan(new(self.end)[0], {s.id: s for s in steps})

    def to_json(self) -> str:
        return json.dumps({"end": self.end, "steps": [s.to_dict() for s in self]}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        values = json.loads(text)
        steps = (Step.from_dict(s) for s in values["steps"])
        return cls(values["end"], {s.id: s for s in steps})


@lru_cache(maxsize=4096)
def criterion_origins(canonical: str) -> tuple[str, ...]:
    """Origins that a canonical criterion reads."""
    from provgraph.language.criterion import BoundCriterion

    return tuple(BoundCriterion.from_canonical(canonical).origins)


def criterion_conjuncts(canonical: str) -> tuple[str, ...]:
    """Keys ``c:…`` of the terms that all have to be true."""
    return tuple(key for key, _ in criterion_terms(canonical))


@lru_cache(maxsize=4096)
def criterion_terms(canonical: str) -> tuple[tuple[str, str], ...]:
    """Key ``c:…`` and canonical text of each term that has to be true."""
    from provgraph.language.criterion import BoundCriterion

    return BoundCriterion.from_canonical(canonical).conjuncts


@lru_cache(maxsize=4096)
def normal_criterion(canonical: str) -> str:
    """The normal form of criteria that a rule has put together as text."""
    from provgraph.language.criterion import BoundCriterion

    return BoundCriterion.from_canonical(canonical).canonical
