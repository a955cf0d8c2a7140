"""What differs between the lineages of two results, and which of it explains that the results differ."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from provgraph import names
from provgraph.graph.alignment import Alignment, Lone, Pair, Reader, Replaced, Role, align
from provgraph.graph.contents import (
    DIFFERENT,
    SAME,
    UNKNOWN,
    Valued,
    compared,
    environments,
    given,
    held,
    is_environment,
    is_method,
    is_parameters,
    method,
    plain,
    values_differing,
)
from provgraph.graph.lineage import ACTIVITY, ENTITY, Node

PARAMETER, CODE, ENVIRONMENT, INPUT, ADDED, REMOVED, VALUES = (
    "parameter", "code", "environment", "input", "added", "removed", "values",
)  # fmt: skip
KINDS: Final = (PARAMETER, CODE, INPUT, ADDED, REMOVED, VALUES, ENVIRONMENT)
YES, POSSIBLY, NO = "yes", "possibly", "no"
LEFT, RIGHT, BOTH, CONFLICT = "left", "right", "both", "conflict"
_REACH: Final = {YES: 0, POSSIBLY: 1, NO: 2}
_SIDE: Final = {CONFLICT: 0, LEFT: 1, RIGHT: 2, "": 2, BOTH: 3}
_SIGN: Final = {ADDED: "+", REMOVED: "-"}
_SHOWN: Final = 50  # changes that text tells one by one
_FEW: Final = 5
_NAMED: Final = 300

Units = Callable[[Node, str], str]


@dataclass(frozen=True)
class Change:
    """One difference.

    kind : ``parameter``, ``code``, ``environment``; ``input``, another object in the same role; ``added`` and ``removed`` inputs;
        ``values``, another content although everything that it was made from has the same.
    before, after : what differs, None on the side that does not have it. details : the values that differ.
    of : what it is an input of, on both sides, in the role; None where it is that itself. uses : in how many places it enters.
    reaches : ``yes`` where everything from it to the results differs in content, ``possibly`` where that is not recorded of
        something between, ``no`` where equal content cuts it off on every way.
    chain : the two things on each step from there to the results, or to what cuts it off. cut_off : those of equal content.
    side : of a comparison with a common ancestor, who made it: ``left``, ``right``, ``both`` alike, or ``conflict``. Of what both
        did, `other` is the change of the right side, and `reaches` and `chain` are of the side where it reaches further.
    """

    kind: str
    before: Node | None
    after: Node | None
    details: tuple[Valued, ...] = ()
    of: tuple[Node, Node] | None = None
    role: str = ""
    uses: int = 1
    reaches: str = NO
    chain: tuple[tuple[Node, Node], ...] = ()
    cut_off: tuple[tuple[Node, Node], ...] = ()
    side: str = ""
    other: Change | None = None

    @property
    def nodes(self) -> tuple[Node, ...]:
        return tuple(n for n in (self.before, self.after) if n is not None)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """What changed, and a line for where it leads."""
        side = f"[{self.side}] " if self.side else ""
        if self.side == CONFLICT and self.other is not None:
            yield f"! {side}{self._what()}; on the right {self.other._what()}"
        else:
            yield f"{_SIGN.get(self.kind, '~')} {side}{self._what()}"
        if self.kind == ENVIRONMENT:
            yield from (f"    {d}" for d in self.details[:_FEW])
            if len(self.details) > _FEW:
                yield f"    and {len(self.details) - _FEW} more"
        yield f"    {self._way()}"

    def _what(self) -> str:
        one, other = self.before, self.after
        where = f" of {_both(*self.of)}" if self.of else ""
        role = f" {self.role}" if self.role else ""
        if self.kind == PARAMETER:
            of = self.of or ((one, other) if one and other else None)
            return f"parameter {self.details[0]}" + (f" of {_both(*of)}" if of else "")
        if self.kind == CODE:
            named = [n.label for n in (one, other) if n is not None]
            name = named[0] if len(set(named)) == 1 else " → ".join(named)
            return f"code {name}: {', '.join(str(d).removeprefix('digest ') for d in self.details)}"
        if self.kind == ENVIRONMENT:
            return (
                f"environment, {len(self.details)} of it: "
                + ("packages" if len(self.details) > 1 else "")[:0]
                + ", ".join(d.name for d in self.details[:_FEW])
                + ("…" if len(self.details) > _FEW else "")
            )
        told = f" ({', '.join(map(str, self.details[:_FEW]))})" if self.details else ""
        if self.kind == VALUES:
            assert one is not None
            assert other is not None
            return f"values {_both(one, other)}{told}, although all that it was made from has the same content"
        if one is not None and other is not None:
            return f"input{role}{where}: {called(one)} → {called(other)}{told}"
        said = one or other
        assert said is not None
        return f"input{role}{where}: {called(said)} was {self.kind}"

    def _way(self) -> str:
        through = ", then ".join(_both(*two) for two in self.chain)
        if self.reaches == NO:
            cut = ", ".join(_both(*two) for two in self.cut_off)
            way = f" after {through}" if through else ""
            return (
                f"does not reach the result: cut off by equal content of {cut}{way}"
                if cut
                else "does not reach the result"
            )
        reaches = "reaches" if self.reaches == YES else "may reach"
        places = f" from {self.uses} places" if self.uses > 1 else ""
        return f"{reaches} the result{places}" + (f" through {through}" if through else "")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "kind": self.kind, "before": _plain(self.before), "after": _plain(self.after),
            "details": [d.as_dict() for d in self.details],
            "of": None if self.of is None else [_plain(n) for n in self.of], "role": self.role, "uses": self.uses,
            "reaches": self.reaches, "chain": [[_plain(n) for n in two] for two in self.chain],
            "cut_off": [[_plain(n) for n in two] for two in self.cut_off], "side": self.side,
            "other": None if self.other is None else self.other.as_dict(), "sentence": self._what(), "way": self._way(),
        }  # fmt: skip


@dataclass(frozen=True)
class LineageDifference:
    """What differs between two lineages; `same` where nothing does.

    content : of the two results, ``same``, ``different`` or ``unknown``. changes : those that reach the results first.
    ancestor : with what both were compared, else None. complete : nothing was hidden.
    alignments : what stands for what; of three, from the ancestor to each. names : that people gave, by id.
    """

    before: Node
    after: Node
    content: str
    changes: tuple[Change, ...]
    alignments: tuple[Alignment, ...] = field(repr=False, compare=False)
    ancestor: Node | None = None
    statements: int = 0
    seconds: float = 0.0
    complete: bool = True
    names: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def same(self) -> bool:
        return not self.changes and self.content != DIFFERENT

    @property
    def explaining(self) -> tuple[Change, ...]:
        """The changes that reach the results, or may."""
        return tuple(c for c in self.changes if c.reaches != NO and c.side != BOTH)

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    def __str__(self) -> str:
        lines = [self.headline()]
        for change in self.changes[:_SHOWN]:
            lines += change.lines()
        if len(self.changes) > _SHOWN:
            lines.append(f"and {len(self.changes) - _SHOWN:,} more")
        if not self.complete:
            lines.append("Not everything could be seen.")
        return "\n".join(lines)

    def headline(self) -> str:
        """One line: how many changes, and how many of them reach the results."""
        if self.same:
            return "same"
        counts = {r: sum(c.reaches == r for c in self.changes) for r in (YES, POSSIBLY, NO)}
        told = [
            f"{counts[r]:,} {word}"
            for r, word in ((YES, "reach"), (POSSIBLY, "may reach"), (NO, "cut off"))
            if counts[r]
        ]
        many = f"{len(self.changes):,} change{'' if len(self.changes) == 1 else 's'}"
        content = {SAME: "the same content", DIFFERENT: "different content", UNKNOWN: "content that is not recorded"}
        since = f", since {called(self.ancestor)}" if self.ancestor is not None else ""
        return f"{called(self.before)} and {called(self.after)}: {content[self.content]}; {many}{since} ({', '.join(told)})"

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "same": self.same, "before": _plain(self.before), "after": _plain(self.after), "ancestor": _plain(self.ancestor),
            "content": self.content, **{k: sum(c.kind == k for c in self.changes) for k in KINDS},
            "changes": [c.as_dict() for c in self.changes], "complete": self.complete, "statements": self.statements,
            "seconds": self.seconds,
        }  # fmt: skip


def called(node: Node) -> str:
    """The class of a node with its name and version; with the end of its id where it has no name."""
    if node.label == node.class_name or not node.label:
        return f"{node.class_name} …{node.id[-8:]}"
    return f"{node.class_name} {node.label}" if node.class_name else node.label


def _both(a: Node, b: Node) -> str:
    one, other = called(a), called(b)
    if one == other:
        return one
    shared = f"{a.class_name} " if a.class_name == b.class_name and other.startswith(f"{a.class_name} ") else ""
    return f"{one} → {other.removeprefix(shared)}"


def _plain(node: Node | None) -> dict[str, Any] | None:
    if node is None:
        return None
    version = node.properties.get("version")
    return {"id": node.id, "kind": node.kind, "class": node.class_name, "label": node.label, "version": plain(version)}


# -- finding -----------------------------------------------------------------------------------------------------------


def difference(
    mapper: Any, before: str, after: str, *, units: Units | None = None, reader: Reader | None = None
) -> LineageDifference:
    """What differs between the lineages of two entities, by their ids.

    units : tells the unit that the class of a node declared for a property. Raises what `align` does.
    """
    began = time.perf_counter()
    aligned = align(mapper, before, after, reader=reader)
    found = _Finder(aligned, units or (lambda node, name: "")).changes()
    root = (before, after)
    return LineageDifference(
        aligned.nodes[before], aligned.nodes[after], aligned.content(root) if before != after else SAME, tuple(found),
        (aligned,), None, aligned.statements, time.perf_counter() - began, aligned.complete,
    )  # fmt: skip


class _Finder:
    def __init__(self, aligned: Alignment, units: Units) -> None:
        self.aligned, self.units = aligned, units
        self.root = (aligned.before, aligned.after)
        self.found: list[tuple[list[Pair], Change]] = []  # with the pairs at which each begins
        self.own: set[Pair] = set()  # pairs at which a change begins
        self.numbers: dict[str, Counter[Role]] = {}  # of causes in a role

    def changes(self) -> list[Change]:
        for pair in self.aligned.pairs:
            self.of_pair(pair)
        self.of_inputs()
        self.unexplained()
        ways = _Ways(self.aligned, self.root)
        told = [ways.told(starts, change) for starts, change in self.found]
        return sorted(told, key=rank)

    def begin(self, starts: Sequence[Pair], change: Change) -> None:
        self.found.append((list(starts), change))
        self.own.update(starts)

    def of_pair(self, pair: Pair) -> None:
        """What two aligned nodes say differently themselves."""
        a, b = (self.aligned.nodes[i] for i in pair)
        uses = self.aligned.uses.get(pair, [])
        of, role = self.used_by(pair)
        many = max(1, len(uses))
        if is_environment(a):
            if self.aligned.content(pair) != SAME:
                self.begin([pair], Change(ENVIRONMENT, a, b, tuple(environments(a, b)), of, role, many))
            return
        for name, old, new in values_differing(given(a), given(b)):
            unit, before = self.units(b, name), self.units(a, name)
            self.begin(
                [pair], Change(PARAMETER, a, b, (Valued(name, old, new, unit or before, before),), of, role, many)
            )
        if is_method(a) and is_method(b):
            if held(a) != held(b) or a.label != b.label:
                self.begin([pair], Change(CODE, a, b, (Valued("digest", method(a), method(b)),), of, role, many))
        elif a.kind == ENTITY and not is_parameters(a):
            self.made(pair, a, b)
            if self.is_leaf(pair) and pair != self.root:
                self.begin([pair], Change(INPUT, a, b, self.contents(pair), of, role, many))

    def used_by(self, pair: Pair) -> tuple[tuple[Node, Node] | None, str]:
        """What a pair is an input of, past the call, and as what; with the place in a list of several."""
        for use, role, place in self.aligned.uses.get(pair, ()):
            return self.past_calls(use), self.as_what(use, role, place)
        return None, ""

    def past_calls(self, pair: Pair) -> tuple[Node, Node]:
        seen: set[Pair] = set()
        while self.aligned.nodes[pair[0]].kind == ACTIVITY and pair not in seen and self.aligned.uses.get(pair):
            seen.add(pair)
            pair = self.aligned.uses[pair][0][0]
        return self.aligned.nodes[pair[0]], self.aligned.nodes[pair[1]]

    def as_what(self, of: Pair, role: Role, place: int) -> str:
        for id in of:
            if id not in self.numbers:
                self.numbers[id] = Counter((c.relation, c.role) for c in self.aligned.causes.get(id, ()))
        return f"{role[1]}[{place}]" if max(self.numbers[id][role] for id in of) > 1 else role[1]

    def made(self, pair: Pair, a: Node, b: Node) -> None:
        """Code that made two things, where no call is recorded that says so."""
        old, new = a.properties.get("made_with"), b.properties.get("made_with")
        told = any(c.relation == names.WAS_GENERATED_BY for i in pair for c in self.aligned.causes.get(i, ()))
        if old and new and old != new and not (told and self.calls_told(pair)):
            one, other = (replace(n, label=f"{n.class_name}.make") for n in (a, b))
            self.begin([pair], Change(CODE, one, other, (Valued("digest", old, new),), (a, b)))

    def calls_told(self, pair: Pair) -> bool:
        """Whether both were made by calls whose code is recorded."""
        for id in pair:
            calls = [c.target for c in self.aligned.causes.get(id, ()) if c.relation == names.WAS_GENERATED_BY][-1:]
            if not any(c.relation == names.HAD_PLAN for call in calls for c in self.aligned.causes.get(call, ())):
                return False
        return True

    def is_leaf(self, pair: Pair) -> bool:
        """Whether nothing is recorded that either was made from or by."""
        return not self.aligned.inputs.get(pair) and not self.aligned.shared.get(pair) and pair not in self.with_lone

    @cached_property
    def with_lone(self) -> set[Pair]:
        return {one.of for one in self.aligned.lone} | {one.of for one in self.aligned.replaced}

    def contents(self, pair: Pair) -> tuple[Valued, ...]:
        """Values and digests of files that differ."""
        a, b = (self.aligned.nodes[i] for i in pair)
        found = [Valued(n, old, new, self.units(b, n) or self.units(a, n), self.units(a, n))
                 for n, old, new in values_differing(held(a), held(b))]  # fmt: skip
        files = [sorted(self.aligned.files(i)) for i in pair]
        if files[0] != files[1]:
            one, other = (f[0] if len(f) == 1 else f or None for f in files)
            found.append(Valued("file", one, other))
        return tuple(found)

    def of_inputs(self) -> None:
        """Inputs that only one has, and those that stand for something else; each told once, however often it is used."""
        nodes = self.aligned.nodes
        merged: dict[Any, list[Lone | Replaced]] = defaultdict(list)
        for lone in self.aligned.lone:
            merged[lone.id, lone.added].append(lone)
        for other in self.aligned.replaced:
            merged[other.pair].append(other)
        for same in merged.values():
            one = same[0]
            starts = list(dict.fromkeys(x.of for x in same))
            a: Node | None
            b: Node | None
            if isinstance(one, Replaced):
                kind, a, b = INPUT, nodes[one.pair[0]], nodes[one.pair[1]]
            elif one.added:
                kind, a, b = ADDED, None, nodes[one.id]
            else:
                kind, a, b = REMOVED, nodes[one.id], None
            role = self.as_what(one.of, one.role, one.place)
            self.begin(starts, Change(kind, a, b, (), self.past_calls(one.of), role, len(starts)))

    def unexplained(self) -> None:
        """Results that differ though nothing that differs arrives at them."""
        arrives = self.arriving()
        for pair in self.aligned.pairs:
            a, b = (self.aligned.nodes[i] for i in pair)
            if a.kind != ENTITY or is_parameters(a) or is_method(a) or is_environment(a):
                continue
            if (
                pair in self.own
                or pair in arrives
                or "SourceCollection" in a.labels
                or self.aligned.content(pair) != DIFFERENT
            ):
                continue
            of, role = self.used_by(pair)
            self.begin(
                [pair],
                Change(VALUES, a, b, self.contents(pair), of, role, max(1, len(self.aligned.uses.get(pair, ())))),
            )

    def arriving(self) -> set[Pair]:
        """Pairs with an input that differs, or may."""
        found: set[Pair] = set()
        waiting = [p for p in self.aligned.pairs if self.emits(p)]
        while waiting:
            for use, _, _ in self.aligned.uses.get(waiting.pop(), ()):
                if use not in found:
                    found.add(use)
                    if use not in self.own and _passes(self.aligned, use, POSSIBLY):
                        waiting.append(use)
        return found

    def emits(self, pair: Pair) -> bool:
        node = self.aligned.nodes[pair[0]]
        if _is_way(node):
            return pair in self.own
        content = self.aligned.content(pair)
        return content == DIFFERENT or (content == UNKNOWN and pair in self.own)


def _is_way(node: Node) -> bool:
    """What has no content of its own that could be equal again: a call, code, an environment, parameters."""
    return node.kind == ACTIVITY or is_environment(node) or is_method(node) or is_parameters(node)


def _passes(aligned: Alignment, pair: Pair, how: str) -> bool:
    """Whether a difference goes on through two things: for sure (`YES`), or for what is known."""
    if _is_way(aligned.nodes[pair[0]]):
        return True
    content = aligned.content(pair)
    return content == DIFFERENT if how == YES else content != SAME


class _Ways:
    """From every pair the shortest way to the results along which a difference passes, and to what cuts it off."""

    def __init__(self, aligned: Alignment, root: Pair) -> None:
        self.aligned, self.root = aligned, root
        self.steps = {how: self.towards([root] if _passes(aligned, root, how) else [], how) for how in (YES, POSSIBLY)}
        self.ends = [p for p in aligned.pairs if not _passes(aligned, p, POSSIBLY)]
        self.cut = self.towards(self.ends, POSSIBLY)

    def towards(self, ends: Iterable[Pair], how: str) -> dict[Pair, tuple[int, Pair | None]]:
        """By pair, how many steps it is from the nearest end, and the next pair on that way."""
        found: dict[Pair, tuple[int, Pair | None]] = dict.fromkeys(ends, (0, None))
        batch = list(found)
        while batch:
            later = []
            for pair in batch:
                for cause in self.aligned.inputs.get(pair, ()):
                    if cause not in found and _passes(self.aligned, cause, how):
                        found[cause] = (found[pair][0] + 1, pair)
                        later.append(cause)
            batch = later
        return found

    def told(self, starts: Sequence[Pair], change: Change) -> Change:
        """A change with where it leads."""
        for how in (YES, POSSIBLY):
            steps = self.steps[how]
            reaching = [p for p in starts if p in steps]
            if reaching:
                start = min(reaching, key=lambda p: steps[p][0])
                chain, _ = self.chain(start, steps, change)
                return replace(change, reaches=how, chain=tuple(t for t in chain if (t[0].id, t[1].id) != self.root))
        firsts = [p for start in starts for p in ((start,) if start in self.cut else ())]
        if not firsts:
            return change
        start = min(firsts, key=lambda p: self.cut[p][0])
        chain, _ = self.chain(start, self.cut, change)
        nexts = (
            [start]
            if self.cut[start][1] is None
            else [u for u, _, _ in self.aligned.uses.get(start, ()) if u in self.cut]
        )
        ends = dict.fromkeys(self.chain(p, self.cut, change)[1] for p in nexts[:_FEW])
        nodes = self.aligned.nodes
        cut = tuple((nodes[a], nodes[b]) for a, b in ends)
        return replace(change, cut_off=cut, chain=tuple(t for t in chain if (t[0].id, t[1].id) not in ends))

    def chain(self, start: Pair, steps: Mapping[Pair, tuple[int, Pair | None]], change: Change
              ) -> tuple[list[tuple[Node, Node]], Pair]:  # fmt: skip
        """The things along a way, without calls and without what changed itself; and its end."""
        mine = {n.id for n in change.nodes}
        found = []
        pair, following = start, steps[start][1]
        while True:
            a, b = (self.aligned.nodes[i] for i in pair)
            if not _is_way(a) and "Segment" not in a.labels and not {a.id, b.id} <= mine:
                found.append((a, b))
            if following is None:
                return found, pair
            pair, following = following, steps[following][1]


def rank(change: Change) -> tuple[Any, ...]:
    """The order of changes: what explains the results first, nearest first; environments behind what was chosen."""
    reach = (
        change.side == BOTH,
        _REACH[change.reaches],
        change.kind == ENVIRONMENT,
        _SIDE[change.side],
        len(change.chain),
    )
    told = [change.of[0].label if change.of else "", change.role, *(d.name for d in change.details[:1])]
    return (*reach, KINDS.index(change.kind), *told[:2], told[2:])


# -- with a common ancestor --------------------------------------------------------------------------------------------


def three_way(mapper: Any, left: str, right: str, ancestor: str, *, units: Units | None = None) -> LineageDifference:
    """What each side changed since a common ancestor.

    Of a change on both sides that came out alike the side is ``both``, else ``conflict``. Raises what `align` does.
    """
    began = time.perf_counter()
    reader = Reader(mapper)
    sides = [difference(mapper, ancestor, side, units=units, reader=reader) for side in (left, right)]
    aligned = tuple(a for side in sides for a in side.alignments)
    others: dict[Any, list[Change]] = defaultdict(list)
    for change in sides[1].changes:
        others[_place(change)].append(change)
    found = []
    for change in sides[0].changes:
        there = others.get(_place(change), [])
        if not there:
            found.append(replace(change, side=LEFT))
            continue
        other = next((o for o in there if _outcome(o, aligned[1]) == _outcome(change, aligned[0])), there[0])
        there.remove(other)
        alike = _outcome(other, aligned[1]) == _outcome(change, aligned[0])
        best = min((change, other), key=lambda c: _REACH[c.reaches])
        joined = replace(change, reaches=best.reaches, chain=best.chain, cut_off=best.cut_off)
        found.append(replace(joined, side=BOTH if alike else CONFLICT, other=replace(other, side=RIGHT)))
    found += [replace(change, side=RIGHT) for there in others.values() for change in there]
    nodes = reader.nodes
    content = compared(nodes[left], nodes[right], aligned[0].files(left), aligned[1].files(right))
    return LineageDifference(
        nodes[left], nodes[right], content, tuple(sorted(found, key=rank)), aligned, nodes[ancestor], reader.statements,
        time.perf_counter() - began, all(s.complete for s in sides),
    )  # fmt: skip


def _place(change: Change) -> Any:
    """Where in the ancestor's lineage a change is."""
    if change.kind == ADDED:
        assert change.of is not None
        assert change.after is not None
        return ADDED, change.of[0].id, change.role.partition("[")[0], change.after.class_name
    assert change.before is not None
    name = change.details[0].name if change.kind == PARAMETER else ""
    kind = INPUT if change.kind in (INPUT, REMOVED, VALUES) else change.kind
    return kind, change.before.id, name


def _outcome(change: Change, aligned: Alignment) -> Any:
    """What came of it: equal where both sides did alike."""
    if change.kind in (PARAMETER, CODE, ENVIRONMENT):
        return change.kind, repr([(d.name, plain(d.new)) for d in change.details])
    if change.after is None:
        return change.kind, None
    files = aligned.files(change.after.id)
    told = held(change.after)
    return INPUT, repr((sorted(told.items()), sorted(files))) if told or files else change.after.id


def renamed(found: LineageDifference, names_of: Mapping[str, str]) -> LineageDifference:
    """With the names that people gave, and versions."""

    def name(node: Node) -> Node:
        given_name = names_of.get(node.id)
        version = node.properties.get("version")
        return node if not given_name else replace(node, label=f"{given_name}@{version}" if version else given_name)

    def two(pair: tuple[Node, Node]) -> tuple[Node, Node]:
        return name(pair[0]), name(pair[1])

    def told(c: Change) -> Change:
        return replace(
            c, before=None if c.before is None else name(c.before), after=None if c.after is None else name(c.after),
            of=None if c.of is None else two(c.of), chain=tuple(map(two, c.chain)), cut_off=tuple(map(two, c.cut_off)),
            other=None if c.other is None else told(c.other),
        )  # fmt: skip

    return replace(
        found, before=name(found.before), after=name(found.after), changes=tuple(map(told, found.changes)),
        ancestor=None if found.ancestor is None else name(found.ancestor), names=dict(names_of),
    )  # fmt: skip


def mentioned(found: LineageDifference) -> set[str]:
    """Ids of all that is told, and of what is nearest to the results."""
    ids = {found.before.id, found.after.id} | ({found.ancestor.id} if found.ancestor else set())
    ids |= {
        i
        for aligned in found.alignments
        for pair in aligned.pairs[:_NAMED]
        for i in (*pair, *aligned.shared.get(pair, ()))
    }
    for change in found.changes:
        for one in (change, *((change.other,) if change.other else ())):
            ids |= {n.id for n in one.nodes}
            ids |= {n.id for two in (*one.chain, *one.cut_off, *((one.of,) if one.of else ())) for n in two}
    return ids
