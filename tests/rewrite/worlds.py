"""Random sets of sources, each known twice: as atoms with definitions, and as the sources it has in a small world.

A world is a table of sources, each with an id space, an identifier, values (NaN and NULL too) and membership in catalogs. What
sets are is decided on it by plain numpy, without any of the code that reasons about atoms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from provgraph.language.criterion import BoundCriterion, Criterion
from provgraph.rewrite.sets import (
    Atoms,
    Bounds,
    Complement,
    Counted,
    Definition,
    Fact,
    Knowledge,
    Listed,
    relabelled_origin,
)
from provgraph.schema import sets
from provgraph.schema.attribute import Attribute

Array = np.ndarray[Any, Any]

HERE, THERE = "here", "there"
X, COUNT, FLAG, TEXT = "o:11", "o:22", "o:33", "o:44"
RA, DEC = "o:55", "o:66"
CATALOGS = ("s:A", "s:B")
FOREIGN = "s:F"  # a catalog of the other id space
DTYPES = {X: "f4", COUNT: "i4", FLAG: "?", TEXT: "U", RA: "f8", DEC: "f8"}
MAPS = {"k:one": True, "k:two": True, "k:many": False}  # relabellings; whether they are injective


def origins(space: str, relabelling: str = "") -> dict[str, str]:
    return {o: relabelled_origin(relabelling, o) if relabelling else o for o in DTYPES}


def attributes(relabelling: str = "") -> dict[str, Attribute]:
    now = origins(HERE, relabelling)
    names = {X: "x", COUNT: "i", FLAG: "b", TEXT: "t", RA: "ra", DEC: "dec"}
    return {names[o]: Attribute(names[o], DTYPES[o], "", origin=now[o]) for o in DTYPES}


@dataclass(frozen=True)
class World:
    """columns : (values, null mask) by origin; space, ids : of each source; members : by atom ``s:``."""

    space: Array
    ids: Array
    columns: Mapping[str, tuple[Array, Array]]
    members: Mapping[str, Array]
    images: Mapping[str, Array]  # by relabelling: index of the source that it makes of each, -1 where it says nothing

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, canonical: str) -> Array:
        return np.asarray(BoundCriterion.from_canonical(canonical).select(self.columns, len(self)))

    def image(self, relabelling: str, of: Array) -> Array:
        found = np.zeros(len(self), bool)
        to = self.images[relabelling][of]
        found[to[to >= 0]] = True
        return found


NUMBERS = (0.05, 0.1, 0.15, 0.2, 0.35, 0.5, 0.7, np.inf, -np.inf, np.nan, None)
INTEGERS = (-1, 0, 1, 2, 3, 4, None)
TEXTS = ("", "a", "b", "c", None)
THRESHOLDS = ("0.1", "0.2", "0.5")


def _column(values: list[Any], dtype: str) -> tuple[Array, Array]:
    null = np.array([v is None for v in values])
    empty: Any = "" if dtype == "U" else 0
    return np.array([empty if v is None else v for v in values], dtype=dtype), null


def grid(*, many: bool = False) -> World:
    """Every combination that criteria on x, i and lists can tell apart; the other attributes come along."""
    rows = list(product(NUMBERS, INTEGERS, (False, True), (False, True), range(6)))
    rng = np.random.default_rng(1)
    return _world(rows, rng, relabel=many)


def _world(rows: list[Any], rng: np.random.Generator, *, relabel: bool) -> World:
    n = len(rows)
    x, i, a, b, ids = zip(*rows, strict=True)
    texts = [TEXTS[k] for k in rng.integers(len(TEXTS), size=n)]
    flags = [(True, False, None)[k] for k in rng.integers(3, size=n)]
    here = {
        X: _column(list(x), "f4"), COUNT: _column(list(i), "i4"), FLAG: _column(flags, "?"), TEXT: _column(texts, "U"),
        RA: _column(list(rng.uniform(9.0, 11.0, n)), "f8"), DEC: _column(list(rng.uniform(19.0, 21.0, n)), "f8"),
    }  # fmt: skip
    columns = dict(here)
    space, members = np.full(n, HERE), {"s:A": np.array(a), "s:B": np.array(b)}
    all_ids = np.array(ids, dtype=np.int64)
    foreign = np.zeros(n, bool)
    images = {}
    if relabel:
        # One source there for each here, and one for all whose identifier leaves the same remainder.
        there = np.arange(n)
        images = {"k:one": n + there, "k:two": n + there[::-1], "k:many": n + (there % 5)}
        images = {k: np.concatenate([v, np.full(n, -1)]) for k, v in images.items()}
        space = np.concatenate([space, np.full(n, THERE)])
        all_ids = np.concatenate([all_ids, rng.integers(0, 6, n)])
        members = {k: np.concatenate([v, np.zeros(n, bool)]) for k, v in members.items()}
        foreign = np.concatenate([foreign, rng.random(n) < 0.5])
        columns = {o: (np.concatenate([v, v]), np.concatenate([m, np.full(n, True)])) for o, (v, m) in here.items()}
        for relabelling, to in images.items():
            for origin, (values, null) in here.items():
                v = np.concatenate([values, values])
                m = np.full(2 * n, True)
                v[to[:n]], m[to[:n]] = values, null
                columns[relabelled_origin(relabelling, origin)] = (v, m)
    return World(space, all_ids, columns, {**members, FOREIGN: foreign}, images)


@st.composite
def small_worlds(draw: st.DrawFn) -> World:
    """A few dozen sources."""
    n = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    picks = [
        (NUMBERS[rng.integers(len(NUMBERS))], INTEGERS[rng.integers(len(INTEGERS))], rng.random() < 0.8, rng.random() < 0.4, k)
        for k in range(n)
    ]  # fmt: skip
    return _world(picks, rng, relabel=True)


# -- criteria ----------------------------------------------------------------------------------------------------------

_ATOMS = st.one_of(
    st.builds("x {} {}".format, st.sampled_from(("<", "<=", ">", ">=", "=", "!=")), st.sampled_from(THRESHOLDS)),
    st.builds("i {} {}".format, st.sampled_from(("<", "<=", ">", ">=", "=", "!=")), st.sampled_from(("0", "1", "1.5", "2", "3"))),
    st.sampled_from((
        "x is null", "x is not null", "i is null", "x between .1 and .2", "i in (1, 2)", "i not in (0, 3)", "x in (.1, .5)",
        "x in (.1, null)",
    )),
)  # fmt: skip
_MORE = st.sampled_from((
    "b", "not b", "t = 'a'", "t < 'b'", "t in ('a', 'c')", "x < i", "x - i < .5", "x * 2 is null", "abs(x) <= .2",
    "within(ra, dec, 10, 20, .5)", "within(ra, dec, 10, 20, 1)", "within(ra, dec, 10.8, 20, .2)", "dec < 19.2",
))  # fmt: skip


def criteria(*, more: bool) -> st.SearchStrategy[str]:
    return st.recursive(
        st.one_of(_ATOMS, _ATOMS, _MORE) if more else _ATOMS,
        lambda inner: st.one_of(
            st.builds("({}) and ({})".format, inner, inner), st.builds("({}) or ({})".format, inner, inner),
            st.builds("not ({})".format, inner), st.builds("complement({})".format, inner),
        ),
        max_leaves=3,
    )  # fmt: skip


# -- sets --------------------------------------------------------------------------------------------------------------


@dataclass
class Sets:
    """Sets by atoms, with what they are in the world."""

    world: World
    definitions: dict[str, Definition] = field(default_factory=dict)
    found: list[tuple[Atoms, Array]] = field(default_factory=list)

    def add(self, atoms: Atoms, mask: Array) -> None:
        self.found.append((atoms, mask))

    @property
    def spaces(self) -> dict[str, str]:
        images = {a: THERE for a, d in self.definitions.items() if isinstance(d, sets.Relabelled)}
        return {**dict.fromkeys(CATALOGS, HERE), FOREIGN: THERE, **images}

    def knowledge(self, *facts: Fact) -> Knowledge:
        return Knowledge(self.definitions, tuple(facts), self.spaces)

    def where(self, atoms: Atoms, mask: Array, text: str, relabelling: str = "") -> None:
        bound = Criterion.parse(text).bind(attributes(relabelling))
        self.definitions.update(bound.conjuncts)
        self.add(atoms | {key for key, _ in bound.conjuncts}, mask & self.world.select(bound.canonical))

    def union(self, *parts: tuple[Atoms, Array]) -> None:
        atoms, definitions = sets.union(part for part, _ in parts)
        self.definitions.update(definitions)
        self.add(atoms, np.logical_or.reduce([mask for _, mask in parts]))

    def relabel(self, relabelling: str, part: tuple[Atoms, Array]) -> None:
        atoms, definitions = sets.relabelled(relabelling, part[0], injective=MAPS[relabelling])
        self.definitions.update(definitions)
        self.add(atoms, self.world.image(relabelling, part[1]))

    def listed(self, part: tuple[Atoms, Array], ids: tuple[int, ...]) -> None:
        atom = "l:" + ",".join(map(str, ids))
        self.definitions[atom] = Listed(np.array(sorted(ids), dtype=np.int64))
        self.add(part[0] | {atom}, part[1] & np.isin(self.world.ids, ids))

    def without(self, one: tuple[Atoms, Array], other: tuple[Atoms, Array]) -> None:
        atom = "e:" + "&".join(sorted(other[0]))
        self.definitions[atom] = Complement(other[0])
        self.add(one[0] | {atom}, one[1] & ~other[1])


@st.composite
def random_sets(
    draw: st.DrawFn, world: World, *, relabel: bool, more: bool, size: int = 10, partial: bool = True
) -> Sets:
    """Some sets made of each other as the operators do.

    partial : also by relabellings that say nothing of some of the sources, as the way back in a plan; a user's is then refused.
    """
    made = Sets(world)
    for atom in CATALOGS:
        made.add(frozenset((atom,)), world.members[atom])
    if relabel:
        made.add(frozenset((FOREIGN,)), world.members[FOREIGN])
    kinds = [
        "where",
        "where",
        "where",
        "union",
        "both",
        "listed",
        "without",
        *(["relabel", "relabel both"] if relabel else []),
    ]
    for _ in range(draw(st.integers(3, size))):
        one, other = (draw(st.sampled_from(made.found)) for _ in range(2))
        match draw(st.sampled_from(kinds)):
            case "where":
                relabelling = draw(st.sampled_from(("", "", *MAPS))) if relabel else ""
                made.where(*one, draw(criteria(more=more)), relabelling)
            case "union":
                made.union(one, other, *([draw(st.sampled_from(made.found))] if draw(st.booleans()) else []))
            case "both":
                made.add(one[0] | other[0], one[1] & other[1])
            case "listed":
                made.listed(one, tuple(draw(st.sets(st.integers(0, 4), min_size=1))))
            case "without":
                made.without(one, other)
            case "relabel":
                relabelling = draw(st.sampled_from(sorted(MAPS)))
                if partial or (world.images[relabelling][one[1]] >= 0).all():
                    made.relabel(relabelling, one)
            case "relabel both":  # what is apart still is, or no longer
                text, relabelling = draw(criteria(more=False)), draw(st.sampled_from(sorted(MAPS)))
                for side in (text, f"complement({text})"):
                    made.where(*one, side)
                    if partial or (world.images[relabelling][one[1]] >= 0).all():
                        made.relabel(relabelling, made.found[-1])
    return made


def bounds_of(made: Sets, at: int, origin: str) -> Bounds | None:
    """Statistics as they are in the world."""
    atoms, mask = made.found[at]
    values, null = made.world.columns[origin]
    values, null = values[mask], null[mask]
    missing = null | np.isnan(values) if values.dtype.kind == "f" else null
    there = values[~missing]
    if not len(there):
        return Bounds(atoms, origin, None, None, nulls=bool(missing.any()))
    return Bounds(atoms, origin, there.min().item(), there.max().item(), nulls=bool(missing.any()))


def counted_of(made: Sets, at: int, *, digest: bool) -> Counted:
    atoms, mask = made.found[at]
    ids = sorted(np.flatnonzero(mask).tolist())
    return Counted(atoms, int(mask.sum()), f"ids {ids}" if digest else "")
