"""The executable specification: evaluates a plan step by step on small tables, as the operators are defined.

No step looks further than its parents' catalogs; there is nothing clever here on purpose.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from provgraph.rewrite.plan import CATALOGS, EMPTY, INVERSE, STORED, Plan, Step
from tests.reference import Refused, is_selected, tree

Array = np.ndarray[Any, Any]
Method = Callable[..., tuple[Array, ...]]


@dataclass(frozen=True)
class Catalog:
    """Identifiers, ascending, and values by name and by origin."""

    ids: Array
    by_name: Mapping[str, Array]
    by_origin: Mapping[str, Array]

    def take(self, kept: Array) -> Catalog:
        return Catalog(
            self.ids[kept],
            {n: v[kept] for n, v in self.by_name.items()},
            {o: v[kept] for o, v in self.by_origin.items()},
        )


@dataclass
class Evaluation:
    """Catalogs of a plan's steps.

    externals : catalog by the step's lineage key. methods : by definition; they take the inputs and give all outputs.
    lists : identifiers by the name of the list. relabellings : new identifier by old one, by name.
    seen : on how many sources each method was evaluated.
    """

    plan: Plan
    externals: Mapping[str, Catalog]
    methods: Mapping[str, Method]
    lists: Mapping[str, Array] = field(default_factory=dict)
    relabellings: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    done: dict[str, Catalog] = field(default_factory=dict)

    def of(self, name: str | None = None) -> Catalog:
        step = self.plan[name or self.plan.end]
        if step.id not in self.done:
            found: Catalog = getattr(self, f"_{step.operator}")(step, *(self.of(p) for p in step.parents))
            # A step says its attributes in its own order; that of its parents may have changed.
            self.done[step.id] = self._catalog(step, found.ids, lambda name, _: found.by_name[name])
        return self.done[step.id]

    def _catalog(self, step: Step, ids: Array, values: Callable[[str, str], Array]) -> Catalog:
        pairs = list(zip(step.names, step.origins, strict=True))
        found = {name: values(name, origin) for name, origin in pairs}
        return Catalog(ids, found, {origin: found[name] for name, origin in pairs})

    def _External(self, step: Step) -> Catalog:
        whole = self.externals[step.lineage_key]
        return self._catalog(
            step, whole.ids, lambda name, o: whole.by_origin[o] if o in whole.by_origin else whole.by_name[name]
        )

    _SourceListWrapper = _External

    def _Pass(self, step: Step, parent: Catalog) -> Catalog:
        return parent

    def _SelectAttributes(self, step: Step, parent: Catalog) -> Catalog:
        return self._catalog(step, parent.ids, lambda name, _: parent.by_name[name])

    def _ConcatenateAttributes(self, step: Step, *parents: Catalog) -> Catalog:
        ids = parents[0].ids
        for parent in parents[1:]:
            ids = np.intersect1d(ids, parent.ids)
        kept = [p.take(np.isin(p.ids, ids)) for p in parents]
        return self._catalog(step, ids, lambda name, _: next(p.by_name[name] for p in kept if name in p.by_name))

    def _FilterSources(self, step: Step, parent: Catalog) -> Catalog:
        criterion, dtypes = tree(step.criterion), {o: v.dtype.str for o, v in parent.by_origin.items()}
        rows = ({o: v[i].item() for o, v in parent.by_origin.items()} for i in range(len(parent.ids)))
        return parent.take(np.array([is_selected(criterion, row, dtypes) for row in rows], bool))

    def _RenameAttributes(self, step: Step, parent: Catalog) -> Catalog:
        renamed = dict(zip(step.new, step.old, strict=True))
        return self._catalog(step, parent.ids, lambda name, _: parent.by_name[renamed.get(name, name)])

    def _ConcatenateSources(self, step: Step, *parents: Catalog) -> Catalog:
        ids = np.unique(np.concatenate([p.ids for p in parents]))
        first = [
            next(p for p in parents if i in p.ids) for i in ids
        ]  # the first one that has a source gives its values

        def values(name: str, _: str) -> Array:
            found = [p.by_name[name][np.searchsorted(p.ids, i)] for i, p in zip(ids, first, strict=True)]
            return np.array(found, parents[0].by_name[name].dtype)

        return self._catalog(step, ids, values)

    def _RelabelSources(self, step: Step, parent: Catalog) -> Catalog:
        new = self.relabellings[step.relabelling.removeprefix(INVERSE)]
        if step.relabelling.startswith(INVERSE):  # those that it leads to
            back = {b: a for a, b in new.items()}
            parent = parent.take(np.array([i in back for i in parent.ids.tolist()], bool))
            new = back
        if not set(parent.ids.tolist()) <= new.keys():
            raise Refused(f"{step.relabelling} has nothing for some of the sources")
        ids = np.array([new[i] for i in parent.ids.tolist()], np.int64)
        if len(set(ids.tolist())) < len(ids):
            raise Refused(f"{step.relabelling} makes one source of several")
        order = np.argsort(ids)
        moved = parent.take(order)
        return self._catalog(step, ids[order], lambda name, _: moved.by_name[name])

    def _SelectSources(self, step: Step, parent: Catalog) -> Catalog:
        kept = np.ones(len(parent.ids), bool)
        for name in step.sources:
            kept &= np.isin(parent.ids, self.of(name).ids)
        for name in step.without:
            kept &= ~np.isin(parent.ids, self.of(name).ids)
        if step.strict and not set(self.lists[step.source_list]) <= set(parent.ids):
            raise Refused("a listed identifier is not there")
        if step.source_list:
            kept &= np.isin(parent.ids, self.lists[step.source_list])
        return parent.take(kept)

    def _AttributeCalculator(self, step: Step, parent: Catalog) -> Catalog:
        self.seen[step.definition] += len(parent.ids)
        outputs = self.methods[step.definition](*(parent.by_origin[o] for o in step.inputs))
        return self._catalog(step, parent.ids, lambda name, _: outputs[name])


def catalog(name: str, names: tuple[str, ...], n: int = 40, *, share: float = 0.75) -> Catalog:
    """A small catalog, always the same: `share` of the identifiers 0…n-1, values between 0 and 1, some NaN."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    ids = np.flatnonzero(random.random(n) < share).astype(np.int64)
    by_name: dict[str, Array] = {}
    for column in names:
        values = random.random(len(ids))
        values[random.random(len(ids)) < 0.1] = np.nan
        by_name[column] = ids if column == "id" else values
    return Catalog(ids, by_name, {})


class _Outputs(dict[str, Any]):
    """Results by the first letters of a name: `sum_C` is `sum`; a method with one result calls it `y`, whatever is asked."""

    def __missing__(self, name: str) -> Array:
        return next((v for k, v in self.items() if name.startswith(k)), None) if len(self) > 1 else self["y"]


METHODS: Mapping[str, Callable[..., Any]] = {
    "absmag": lambda magnitude, redshift: _Outputs(y=magnitude - redshift * 5),
    "double": lambda x: _Outputs(y=2 * x),
    "negative": lambda x: _Outputs(y=-x),
    "add": lambda x, y: _Outputs(y=x + y),
    "both": lambda x, y: _Outputs(sum=x + y, product=x * y),
    "rank": lambda x: _Outputs(y=np.argsort(np.argsort(x)).astype(float)),
}
LISTS = {"few": np.arange(0, 40, 3), "many": np.arange(5, 40)}
# By name: onto other identifiers that partly are those of other sources, backwards, in no order, and into a smaller space.
_WHOLE = range(-200, 200)
RELABELLINGS: Mapping[str, Mapping[int, int]] = {
    "shift": {i: i + 7 for i in _WHOLE},
    "mirror": {i: 40 - i for i in _WHOLE},
    "shuffle": {i: (i * 7) % 41 for i in range(41)},
    "halve": {i: i // 2 for i in _WHOLE},
}


def evaluate(plan: Plan, share: float = 0.75, stored: Evaluation | None = None) -> Evaluation:
    """Everything about a plan whose Externals are `catalog` and whose methods are `METHODS`; `.of()` is the end.

    stored : of steps that `Stored` and `Empty` lines refer to.
    """
    externals = {}
    for step in plan:
        if step.operator in CATALOGS:
            known = _kept(step, stored) if stored is not None else None
            externals[step.lineage_key] = known or catalog(step.lineage_key, step.names, share=share)
    evaluation = Evaluation(plan, externals, METHODS, LISTS, RELABELLINGS)
    evaluation.of()
    return evaluation


def _kept(leaf: Step, stored: Evaluation) -> Catalog | None:
    """What a rule says can be read without processing anything: from the step that it names."""
    if leaf.lineage_key.startswith(EMPTY):
        return Catalog(np.empty(0, np.int64), {n: np.empty(0) for n in leaf.names}, {})
    if leaf.lineage_key.startswith(STORED):
        whole = stored.of(leaf.lineage_key.removeprefix(STORED))
        return Catalog(whole.ids, {}, whole.by_origin)
    return None


def assert_same(one: Catalog, other: Catalog) -> None:
    """Source by source and value by value, attributes in the same order."""
    assert one.ids.tolist() == other.ids.tolist()
    assert list(one.by_name) == list(other.by_name)
    for name, values in one.by_name.items():
        np.testing.assert_array_equal(values, other.by_name[name], err_msg=name)
