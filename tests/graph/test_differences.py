"""Differences of lineages on both engines: random pipelines with known changes, against a direct reading; and what is not read."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from provgraph import names
from provgraph.errors import InvalidInput, NotFound
from provgraph.graph import statements
from provgraph.graph.alignment import align
from provgraph.graph.contents import DIFFERENT, SAME, UNKNOWN, Valued, equal
from provgraph.graph.differences import BOTH, CONFLICT, LEFT, NO, POSSIBLY, RIGHT, YES, difference, three_way
from provgraph.graph.engine import GraphEngine
from tests.graph.test_lineage import Graph


@dataclass(frozen=True)
class Made:
    """A thing of a pipeline. inputs : by role, keys of things. feels : its content follows from its inputs and how it is made."""

    cls: str
    inputs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    params: int | None = None
    value: int = 0
    feels: bool = True
    luck: int = 0  # part of its content that nothing explains


@dataclass(frozen=True)
class Run:
    """A pipeline as it ran once."""

    things: dict[str, Made]
    code: dict[str, int]
    environment: int = 0
    listed: bool = True  # links are lists, and versions of a thing have one identity


def content(run: Run, key: str) -> str:
    one = run.things[key]
    said: list[Any] = [one.cls, one.luck]
    if not one.inputs:
        said.append(one.value)
    elif one.feels:
        said += [one.params, run.code[one.cls], run.environment]
        said += [(role, [content(run, k) for k in keys]) for role, keys in sorted(one.inputs.items())]
    return hashlib.sha256(repr(said).encode()).hexdigest()


def changed(a: Run, b: Run, key: str) -> bool:
    """Whether a thing was made anew in the second run."""
    if key not in a.things:
        return True
    one, other = a.things[key], b.things[key]
    if not other.inputs:
        return one != other
    own = one != other or a.code[one.cls] != b.code[other.cls] or a.environment != b.environment
    return own or any(changed(a, b, k) for keys in other.inputs.values() for k in keys)


def drawn(chance: random.Random, listed: bool) -> Run:
    things = {f"raw{i}": Made("Raw", value=chance.randrange(3)) for i in range(5)}
    for layer in range(1, 4):
        below = list(things)
        for i in range(chance.randrange(1, 4)):
            inputs = {}
            for role in ("one", "other", "many")[: chance.randrange(1, 4)]:
                several = listed and role == "many"
                inputs[role] = tuple(chance.sample(below, chance.randrange(1, 4) if several else 1))
            things[f"made{layer}{i}"] = Made(
                f"Made{layer}", inputs, chance.choice([None, 1, 2]), feels=chance.random() < 0.7
            )
    tops = [k for k in things if k.startswith("made")]
    roles = {"frames": tuple(tops)} if listed else {k: (k,) for k in tops}
    things["root"] = Made("Root", roles)
    return Run(things, {m.cls: 0 for m in things.values()}, 0, listed)


def altered(run: Run, chance: random.Random) -> Run:
    """The run again after some changes."""
    things, code, environment = dict(run.things), dict(run.code), run.environment
    made = [k for k, m in things.items() if m.inputs]
    for _ in range(chance.randrange(4)):
        key = chance.choice(made)
        one = things[key]
        what = chance.choice(["params", "code", "raw", "same raw", "add", "remove", "environment", "luck"])
        if what == "params" and one.params is not None:
            things[key] = replace(one, params=one.params + 10)
        elif what == "code":
            code[one.cls] += 1
        elif what in ("raw", "same raw"):
            raw = chance.choice([k for k in things if k.startswith("raw")])
            things[raw] = replace(things[raw], value=things[raw].value + (what == "raw"), feels=not things[raw].feels)
        elif what == "environment":
            environment += 1
        elif what == "luck":
            things[key] = replace(one, luck=one.luck + 1)
        elif what == "add":
            fresh = f"raw-new{len(things)}"
            things[fresh] = Made("Raw", value=7)
            role = "many" if run.listed else fresh
            things[key] = replace(one, inputs={**one.inputs, role: (*one.inputs.get(role, ()), fresh)})
        elif len(one.inputs) > 1:
            gone = chance.choice(sorted(one.inputs))
            things[key] = replace(one, inputs={r: k for r, k in one.inputs.items() if r != gone})
    return replace(run, things=things, code=code, environment=environment)


class Written:
    """Runs in a graph; what did not change is there once."""

    def __init__(self, graph: Graph, mark: str) -> None:
        self.graph, self.mark = graph, mark

    def id(self, run: Run, before: Run | None, key: str, number: int) -> str:
        again = before is None or changed(before, run, key)
        return f"{self.mark}{key}-{number if again else 0}"

    def write(self, run: Run, before: Run | None, number: int) -> str:
        env = self.once(f"env{run.environment}", "Environment", digest=f"e{run.environment}", python="3.12",
                        packages=["numpy==2", f"scipy=={run.environment}"])  # fmt: skip
        reached = {"root"}
        while more := {k for key in reached for keys in run.things[key].inputs.values() for k in keys} - reached:
            reached |= more
        for key in sorted(reached):
            one = run.things[key]
            id = self.id(run, before, key, number)
            if ("Entity", id) in self.graph.nodes:
                continue
            identity = {"identity": f"{self.mark}{key}"} if run.listed else {}
            held = {"made_from": ["params"], "level": content(run, key)} if one.inputs else {"n": one.value}
            self.graph.entity(id, one.cls, **identity, **held)
            if not one.inputs:
                continue
            call = self.graph.other("Activity", f"{id}-call", class_name=one.cls, method="make", arguments="{}")
            self.graph.edge(id, names.WAS_GENERATED_BY, call, role="target")
            self.graph.edge(call, names.USED, env, role="environment")
            self.graph.edge(call, names.USED, id, role="self")
            version = run.code[one.cls]
            code = self.once(f"code-{one.cls}{version}", "CodeVersion", name=f"{one.cls}.make", digest=f"c{version}")
            self.graph.edge(call, names.HAD_PLAN, code)
            if one.params is not None:
                with_ = self.once(f"params{one.params}", "Parameters", cut=one.params)
                self.graph.edge(id, names.WAS_DERIVED_FROM, with_, role="params", index=0)
            for role, keys in one.inputs.items():
                for index, k in enumerate(keys):
                    self.graph.edge(id, names.WAS_DERIVED_FROM, self.id(run, before, k, number), role=role, index=index)
        return self.id(run, before, "root", number)

    def once(self, id: str, class_name: str, **properties: Any) -> str:
        id = f"{self.mark}{id}"
        self.graph.entity(id, class_name, **properties)
        return id


Told = tuple[str, str | None, str | None]


def expected(a: Run, b: Run, w: Written, number: int) -> Iterator[tuple[Told, bool]]:
    """Every change, and whether it reaches the root: read directly off the two runs, with who stands for whom known."""

    def ids(key: str) -> tuple[str, str]:
        return w.id(a, None, key, 0), w.id(b, a, key, number)

    def differs(key: str) -> bool:
        return content(a, key) != content(b, key)

    def common(key: str) -> list[str]:
        one, other = a.things[key].inputs, b.things[key].inputs
        return [k for role in one.keys() & other.keys() for k in one[role] if k in other[role]]

    met, reaching = {"root"}, {"root"} if differs("root") else set()
    while more := {k for key in met for k in common(key) if changed(a, b, k)} - met:
        met |= more
    while more := {k for key in reaching for k in common(key) if changed(a, b, k) and differs(k)} - reaching:
        reaching |= more
    for key in met:
        one, other = a.things[key], b.things[key]
        here = key in reaching
        own = []
        if not other.inputs:
            yield ("input", *ids(key)), here
            continue
        if one.params != other.params:
            own.append(("parameter", f"{w.mark}params{one.params}", f"{w.mark}params{other.params}"))
        if a.code[one.cls] != b.code[other.cls]:
            own.append(("code", *(f"{w.mark}code-{one.cls}{run.code[one.cls]}" for run in (a, b))))
        if a.environment != b.environment:
            own.append(("environment", *(f"{w.mark}env{run.environment}" for run in (a, b))))
        for role in one.inputs.keys() | other.inputs.keys():
            some, others = one.inputs.get(role, ()), other.inputs.get(role, ())
            own += [("removed", ids(k)[0], None) for k in some if k not in others]
            own += [("added", None, ids(k)[1]) for k in others if k not in some]
        if differs(key) and not own and not any(differs(k) for k in common(key)):
            own.append(("values", *ids(key)))
        yield from ((told, here) for told in own)


def mapper_of(engine: GraphEngine) -> Any:
    return SimpleNamespace(read=lambda name, **p: engine.read(statements.load(f"queries/{name}"), **p))


@pytest.mark.parametrize("listed", [True, False], ids=["versions", "strangers"])
def test_exactly_what_was_changed_is_told(engine: GraphEngine, listed: bool) -> None:
    graph = Graph()
    cases = []
    for seed in range(60):
        chance = random.Random(seed)
        first = drawn(chance, listed)
        second = altered(first, chance)
        written = Written(graph, f"s{seed}-")
        roots = written.write(first, None, 0), written.write(second, first, 1)
        wanted: dict[Told, bool] = {}
        for told, reaches in expected(first, second, written, 1):
            wanted[told] = wanted.get(told, False) or reaches
        cases.append((seed, roots, wanted, content(first, "root") == content(second, "root")))
    graph.write(engine)
    several = 0
    for seed, roots, wanted, same in cases:
        found = difference(mapper_of(engine), *roots)
        got = {(c.kind, c.before and c.before.id, c.after and c.after.id): c.reaches == YES for c in found}
        assert got == wanted, seed
        assert len(found) == len(wanted), seed
        assert found.same == (roots[0] == roots[1] or not wanted), seed
        assert found.content == (SAME if same else DIFFERENT), seed
        assert [c.reaches for c in found] == sorted((c.reaches for c in found), key=[YES, POSSIBLY, NO].index), seed
        for reach in (YES, NO):
            kinds = [c.kind == "environment" for c in found if c.reaches == reach]
            assert kinds == sorted(kinds), seed
        for change in found:
            for a, b in change.cut_off:
                assert a.properties.get("level", a.properties.get("n")) == b.properties.get(
                    "level", b.properties.get("n")
                )
            assert change.cut_off or change.reaches != NO, (seed, change)
            for a, b in change.chain:
                assert a.properties.get("level", 0) != b.properties.get("level", 1)
        several += len(wanted) > 1
    assert several > 15


def test_who_made_which_change(engine: GraphEngine) -> None:
    things = {
        "raw": Made("Raw", value=1),
        "dark": Made("Raw", value=5),
        "flat": Made("Flat", {"raw": ("raw",)}, 1),
        "sky": Made("Sky", {"dark": ("dark",)}, 2),
        "root": Made("Root", {"flat": ("flat",), "sky": ("sky",)}),
    }
    old = Run(things, dict.fromkeys(("Raw", "Flat", "Sky", "Root"), 0))
    flat, sky = things["flat"], things["sky"]
    left = replace(old, things={**things, "flat": replace(flat, params=11), "sky": replace(sky, params=3)},
                   code={**old.code, "Root": 1})  # fmt: skip
    right = replace(old, things={**things, "flat": replace(flat, params=12), "raw": replace(things["raw"], value=2)},
                    code={**old.code, "Root": 1})  # fmt: skip
    graph = Graph()
    written = Written(graph, "")
    ids = written.write(old, None, 0), written.write(left, old, 1), written.write(right, old, 2)
    graph.write(engine)
    found = three_way(mapper_of(engine), ids[1], ids[2], ids[0])
    sides = {(c.kind, c.details[0].name, c.details[0].new): c.side for c in found}
    assert sides == {
        ("parameter", "cut", 11): CONFLICT, ("parameter", "cut", 3): LEFT, ("input", "n", 2): RIGHT, ("code", "digest", "c1"): BOTH,
    }  # fmt: skip
    [conflict] = [c for c in found if c.side == CONFLICT]
    assert conflict.other is not None
    assert conflict.other.details == (Valued("cut", 1, 12),)
    assert [c.side for c in found] == [CONFLICT, LEFT, RIGHT, BOTH]
    assert len(found.explaining) == 3
    assert str(found).splitlines()[1].startswith("! [conflict] parameter cut 1 → 11")
    assert found.as_dict()["ancestor"]["id"] == ids[0]


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("steps", [1, 2])
def test_a_step_that_was_put_in_is_told_and_looked_behind(engine: GraphEngine, swapped: bool, steps: int) -> None:
    """raw -> flat -> root, and raw -> cleaned -> flat -> root; the raw of the second is another one, or the same."""
    graph = Graph()
    for mark, other_raw in (("same-", False), ("other-", True)):
        things = {
            "raw": Made("Raw", value=1),
            "flat": Made("Flat", {"raw": ("raw",)}, 1),
            "root": Made("Root", {"flat": ("flat",)}),
        }
        first = Run(things, dict.fromkeys(("Raw", "Flat", "Root", "Cleaned1", "Cleaned2"), 0), listed=False)
        longer = {**things, "raw": Made("Raw", value=2 if other_raw else 1)}
        last = "raw"
        for i in range(steps, 0, -1):
            longer[f"cleaned{i}"] = Made(f"Cleaned{i}", {"one": (last,)})
            last = f"cleaned{i}"
        longer["flat"] = Made("Flat", {"raw": (last,)}, 1)
        second = replace(first, things=longer)
        written = Written(graph, mark)
        roots = written.write(first, None, 0), written.write(second, first, 1)
        if mark == "same-":
            same = roots
    graph.write(engine)
    for wanted, two in ((set(), same), ({"input"}, roots)):
        found = difference(mapper_of(engine), *(reversed(two) if swapped else two))
        kind = "removed" if swapped else "added"
        assert {c.kind for c in found} == wanted | {kind}, str(found)
        lone = [c for c in found if c.kind == kind]
        assert [n.class_name for c in lone for n in c.nodes] == [f"Cleaned{i + 1}" for i in range(steps)]
        assert all(c.reaches == YES for c in found)
        for change in found:
            if change.kind == "input":
                assert [n.class_name for n in change.nodes] == ["Raw", "Raw"]
                assert change.chain[-1][0].class_name == "Root" or change.chain[0][0].class_name == "Flat"


def test_what_both_have_is_not_read(engine: GraphEngine) -> None:
    graph = Graph()
    deep = [graph.entity(f"deep{i}", "Frame", n=i) for i in range(50)]
    for a, b in pairwise(deep):
        graph.edge(a, names.WAS_DERIVED_FROM, b, role="below", index=0)
    for root, cut in (("a", 1), ("b", 2)):
        graph.entity(root, "Sum", made_from=["cut"], cut=cut)
        graph.edge(root, names.WAS_DERIVED_FROM, "deep0", role="frames", index=0)
        graph.edge(root, names.WAS_DERIVED_FROM, "a" if root == "b" else "b", role="revision", index=0)
    graph.write(engine)
    found = difference(mapper_of(engine), "a", "b")
    assert [(c.kind, str(c.details[0])) for c in found] == [("parameter", "cut 1 → 2")]
    assert found.content == UNKNOWN
    assert found.changes[0].reaches == POSSIBLY
    assert set(found.alignments[0].nodes) == {"a", "b", "deep0"}
    assert found.statements <= 4
    same = difference(mapper_of(engine), "a", "a")
    assert same.same
    assert same.statements == 1


def test_inputs_in_lists_go_with_what_they_share(engine: GraphEngine) -> None:
    graph = Graph()
    for side, n in (("a", 5), ("b", 5)):
        graph.entity(side, "Stack", made_from=["frames"], level=side)
        graph.entity(f"flat-{side}", "Flat", n=side)
        for i in range(n):
            if (side, i) == ("b", 2):
                continue  # one in the middle is gone, all others were made again
            frame = graph.entity(f"{side}{i}", "Reduced", made_from=["raw"], level=f"{side}{i}")
            graph.entity(f"raw{i}", "Raw", n=i)
            graph.edge(side, names.WAS_DERIVED_FROM, frame, role="frames", index=i - (side == "b" and i > 2))
            graph.edge(frame, names.WAS_DERIVED_FROM, f"raw{i}", role="raw", index=0)
            graph.edge(frame, names.WAS_DERIVED_FROM, f"flat-{side}", role="flat", index=0)
    graph.write(engine)
    aligned = align(mapper_of(engine), "a", "b")
    assert set(aligned.pairs) == {("a", "b"), ("flat-a", "flat-b"), *((f"a{i}", f"b{i}") for i in (0, 1, 3, 4))}
    found = difference(mapper_of(engine), "a", "b")
    assert sorted((c.kind, c.uses) for c in found) == [("input", 4), ("removed", 1)]


def test_cycles_and_swaps_end(engine: GraphEngine) -> None:
    graph = Graph()
    for side in "ab":
        for place in "xyz":
            graph.entity(f"{side}{place}", "Frame", made_from=[], level=side)
        for s, t in ("xy", "yz", "zx"):
            graph.edge(f"{side}{s}", names.WAS_DERIVED_FROM, f"{side}{t}", role="next", index=0)
    graph.edge("ax", names.WAS_DERIVED_FROM, "by", role="other", index=0)
    graph.edge("bx", names.WAS_DERIVED_FROM, "ay", role="other", index=0)
    graph.write(engine)
    found = difference(mapper_of(engine), "ax", "bx")
    assert not found.same
    assert str(found) == str(difference(mapper_of(engine), "ax", "bx"))


def test_what_is_not_there(engine: GraphEngine) -> None:
    graph = Graph()
    graph.entity("a")
    graph.entity("b")
    graph.edge("a", names.WAS_DERIVED_FROM, graph.entity("c"), role="raw", index=0)
    graph.edge("b", names.WAS_DERIVED_FROM, graph.entity("d"), role="raw", index=0)
    graph.write(engine)
    with pytest.raises(NotFound):
        difference(mapper_of(engine), "a", "nothing")
    with pytest.raises(InvalidInput) as told:
        align(mapper_of(engine), "a", "b", limit=1)
    assert told.value.code == "diff_too_large"


def test_recorded_values_are_equal_by_what_they_are() -> None:
    nan = float("nan")
    assert equal([nan, 1, "a"], (nan, 1.0, "a"))
    assert not equal(True, 1)
    assert not equal({"a": 1}, {"a": 1, "b": None})
    assert str(Valued("z", None, "sha256:" + "ab" * 32, "mm")) == "z nothing → sha256:abababab… mm"
