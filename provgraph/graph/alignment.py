"""Two lineages laid beside each other, from the two results towards their causes; what both have is not looked behind."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from provgraph import names
from provgraph.errors import InvalidInput, NotFound
from provgraph.graph.contents import compared, content, given, is_environment, is_method, is_parameters, plain
from provgraph.graph.lineage import ACTIVITY, ENTITY, MOST, WAS_INFLUENCED_BY, Node, label_of

Pair = tuple[str, str]
Role = tuple[str, str]  # relation and role
Key = Callable[["Cause"], Any]
#: Roles that lead to no cause: earlier versions, the object a call was a method of, and what it was asked for.
_ASIDE: Final = frozenset({names.REVISION_ROLE, "self", "target"})
_BESIDE: Final = 300  # of what is shared, read for drawing it
_BETWEEN: Final = 6  # edges that are followed to find a step that was put in
_COMMON: Final = 50  # things that more than so many have in common tell none of them from the others


class Cause(NamedTuple):
    """One step towards a cause. place : the index in a list of links. digest : of what it leads to, where that is a file."""

    relation: str
    role: str
    place: int
    target: str
    digest: str = ""


@dataclass(frozen=True)
class Lone:
    """An input that only one of two aligned things has. of : the two. added : the second one has it."""

    of: Pair
    role: Role
    place: int
    id: str
    added: bool


@dataclass(frozen=True)
class Replaced:
    """An input that is not the one that the other's is aligned with: another class, or aligned elsewhere, and neither is a step
    before the other. Not looked behind.
    """

    of: Pair
    role: Role
    place: int
    pair: Pair


@dataclass
class Alignment:
    """What stands for what.

    before, after : the results. pairs : aligned nodes that differ, nearest to the results first. uses : by pair, the pairs
    it is an input of, with the role and its place. inputs : by pair, the pairs that are its inputs. shared : by pair, inputs that
    both have, with their kinds.
    lone, replaced : inputs without a counterpart.
    nodes : everything that was read. statements : what it cost. complete : nothing was left out.
    """

    before: str
    after: str
    nodes: dict[str, Node]
    causes: dict[str, list[Cause]]
    pairs: list[Pair] = field(default_factory=list)
    uses: dict[Pair, list[tuple[Pair, Role, int]]] = field(default_factory=lambda: defaultdict(list))
    inputs: dict[Pair, list[Pair]] = field(default_factory=lambda: defaultdict(list))
    shared: dict[Pair, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    lone: list[Lone] = field(default_factory=list)
    replaced: list[Replaced] = field(default_factory=list)
    statements: int = 0
    complete: bool = True
    equal: dict[Pair, str] = field(default_factory=dict)

    def content(self, pair: Pair) -> str:
        """Whether two things have the same content."""
        known = self.equal.get(pair)
        if known is None:
            a, b = (self.nodes[i] for i in pair)
            known = self.equal[pair] = compared(a, b, self.files(a.id), self.files(b.id))
        return known

    def files(self, id: str) -> list[str]:
        """Digests of the files of a data object."""
        node = self.nodes.get(id)
        if node is None or "DataObject" not in node.labels:
            return []
        return [c.digest for c in self.causes.get(id, ()) if c.role == names.FILE_ROLE]


class Reader:
    """Nodes and causes, read for many at once."""

    def __init__(self, mapper: Any) -> None:
        self.mapper = mapper
        self.nodes: dict[str, Node] = {}
        self.causes: dict[str, list[Cause]] = {}
        self.absent: set[str] = set()
        self.statements = 0

    def learn(self, ids: Mapping[str, str]) -> None:
        """Read nodes, by id their kind; those that are not there, or may not be seen, count as absent."""
        new = {i: k for i, k in ids.items() if i not in self.nodes and i not in self.absent}
        if not new:
            return
        self.statements += 1
        for row in self.mapper.read("compared_nodes", entities=sorted(i for i, k in new.items() if k == ENTITY),
                                    activities=sorted(i for i, k in new.items() if k == ACTIVITY)):  # fmt: skip
            p = row["properties"]
            class_name = p.get("class_name") or ""
            self.nodes[row["id"]] = Node(
                row["id"], row["what"], class_name, label_of(class_name, p), p, tuple(row["labels"])
            )
        self.absent |= new.keys() - self.nodes.keys()

    def look_behind(self, ids: Iterable[str]) -> None:
        """Read the causes of nodes that are known."""
        new = sorted({i for i in ids if i not in self.causes and i in self.nodes})
        if not new:
            return
        self.statements += 1
        self.causes |= {i: [] for i in new}
        kinds: dict[str, list[str]] = {ENTITY: [], ACTIVITY: []}
        for i in new:
            kinds[self.nodes[i].kind].append(i)
        collections = [i for i in kinds[ENTITY] if "SourceCollection" in self.nodes[i].labels]
        for row in self.mapper.read("compared_causes", entities=kinds[ENTITY], activities=kinds[ACTIVITY],
                                    collections=collections):  # fmt: skip
            self.causes[row["source"]] += [
                Cause(relation, role or "", place or 0, target, digest or "")
                for relation, target, role, place, digest in row["causes"]
                if target is not None and not (role in _ASIDE and relation != names.WAS_GENERATED_BY)
            ]
        for found in (self.causes[i] for i in new):
            found.sort(key=lambda c: (c.relation, c.role, c.place, c.target))


def align(mapper: Any, before: str, after: str, *, reader: Reader | None = None, limit: int = MOST) -> Alignment:
    """Lay the lineages of two entities beside each other, by their ids.

    An input of one stands for the input of the other in the same role: the same stored object first, then versions of one
    thing, then what alone has an input in common, then what has equal content, then what shares most inputs, then what was given
    the same values, then in the order of the links; each node stands for one other only. At most two statements for each
    step away from the results, and twelve more where classes differ, to look for steps between.

    Raises NotFound ``not_found``; InvalidInput ``diff_too_large`` beyond so many nodes.
    """
    read = reader or Reader(mapper)
    start = read.statements
    read.learn({before: ENTITY, after: ENTITY})
    for root in (before, after):
        if root not in read.nodes:
            raise NotFound(f"There is no object {root} in this survey.", object_id=root)
    found = Alignment(before, after, read.nodes, read.causes)
    work = _Aligner(read, found)
    if before != after:
        work.run(limit)
    found.statements = read.statements - start
    found.complete = not read.absent
    return found


class _Aligner:
    def __init__(self, reader: Reader, found: Alignment) -> None:
        self.reader, self.found = reader, found
        self.partner: dict[str, str] = {}  # before to after
        self.back: dict[str, str] = {}
        self.known: set[Pair] = set()
        self.keys: dict[str, Any] = {}
        self.unfit: list[Replaced] = []  # of this level

    def run(self, limit: int) -> None:
        root = (self.found.before, self.found.after)
        self.join(root)
        self.reader.look_behind(root)
        level = [root]
        while level:
            if len(self.reader.nodes) > limit:
                raise InvalidInput(f"The two lineages have more than {limit:,} nodes apart from what they share; compare things "
                                   "that are nearer to where they differ.", code="diff_too_large", limit=limit)  # fmt: skip
            groups = {pair: self.apart(pair) for pair in level}
            ends = {c.target: ACTIVITY if role[0] == names.WAS_GENERATED_BY else ENTITY
                    for by_role in groups.values() for role, sides in by_role.items() for side in sides for c in side}  # fmt: skip
            self.reader.learn(ends)
            self.reader.look_behind(ends)
            later: list[Pair] = []
            for pair, by_role in groups.items():
                for role, (some, others) in by_role.items():
                    later += self.match(pair, role, some, others)
            level = [*later, *self.bridged()]
        shared = {i: kind for found in self.found.shared.values() for i, kind in found.items()}
        self.reader.learn(dict(list(shared.items())[:_BESIDE]))

    def apart(self, pair: Pair) -> dict[Role, tuple[list[Cause], list[Cause]]]:
        """By role, the causes that only one of two has; those of both are noted as shared."""
        sides = self.by_role(pair[0]), self.by_role(pair[1])
        found = {}
        for role in dict.fromkeys((*sides[0], *sides[1])):
            some, others = (side.get(role, []) for side in sides)
            if role[0] == names.WAS_GENERATED_BY:  # made again, the same bytes: the last call tells
                some, others = some[-1:], others[-1:]
            both = {c.target for c in some} & {c.target for c in others}
            if both:
                kind = ACTIVITY if role[0] == names.WAS_GENERATED_BY else ENTITY
                self.found.shared[pair].update(dict.fromkeys(sorted(both), kind))
                often = Counter(c.target for c in some) & Counter(c.target for c in others)
                some, others = _without(some, often), _without(others, often)
            if some or others:
                found[role] = some, others
        return found

    def by_role(self, id: str) -> dict[Role, list[Cause]]:
        found: dict[Role, list[Cause]] = {}
        node = self.reader.nodes.get(id)
        files = (
            node is not None and "DataObject" in node.labels
        )  # the file that an object consists of is no input of it
        for cause in self.reader.causes.get(id, ()):
            if not (files and cause.role == names.FILE_ROLE):
                found.setdefault((cause.relation, cause.role), []).append(cause)
        return found

    def match(self, pair: Pair, role: Role, some: list[Cause], others: list[Cause]) -> list[Pair]:
        """Pair the inputs in one role; the pairs that are new."""
        nodes = self.reader.nodes
        if self.reader.absent:
            some, others = ([c for c in side if c.target in nodes] for side in (some, others))
        matched: list[tuple[Cause, Cause]] = []
        if len(some) == len(others) == 1:
            matched, some, others = [(some[0], others[0])], [], []
        elif some and others:
            matched = self.several(some, others)
            taken = {id(c) for two in matched for c in two}
            some, others = ([c for c in side if id(c) not in taken] for side in (some, others))
        new: list[Pair] = []
        for a, b in matched:
            two = (a.target, b.target)
            if two not in self.known:
                if not self.fits(two):
                    self.unfit.append(Replaced(pair, role, b.place, two))
                    continue
                self.join(two)
                new.append(two)
            self.found.uses[two].append((pair, role, b.place))
            self.found.inputs[pair].append(two)
        if role[0] in (names.WAS_GENERATED_BY, WAS_INFLUENCED_BY, names.HAD_PLAN):
            return new  # a call, stored values or code on one side only: the other's are not recorded
        for side, added in ((some, False), (others, True)):
            self.found.lone += [Lone(pair, role, c.place, c.target, added) for c in side
                                if not is_environment(nodes[c.target]) and "Segment" not in nodes[c.target].labels]  # fmt: skip
        return new

    def join(self, two: Pair) -> None:
        self.known.add(two)
        self.found.pairs.append(two)
        self.partner[two[0]], self.back[two[1]] = two[1], two[0]

    def fits(self, two: Pair) -> bool:
        """Whether two nodes may stand for each other."""
        a, b = (self.reader.nodes[i] for i in two)
        if two[0] in self.partner or two[1] in self.back:
            return a.class_name == b.class_name and (is_environment(a) or is_parameters(a) or is_method(a))
        return a.kind == b.kind and (a.class_name == b.class_name or a.kind == ACTIVITY)

    def bridged(self) -> list[Pair]:
        """Of two that cannot stand for each other one may be a step that was put in before the other, or left out; new pairs."""
        unfit, self.unfit = self.unfit, []
        ways = self.ways_between(dict.fromkeys(one.pair for one in unfit))
        new: list[Pair] = []
        for one in unfit:
            way = ways.get(one.pair)
            if way is None:
                self.found.replaced.append(one)
                continue
            added, (*steps, end) = way
            self.found.lone += [Lone(one.of, one.role, one.place, id, added) for id in steps]
            other = one.pair[0 if added else 1]
            if end == other:
                self.found.shared[one.of][end] = ENTITY
                continue
            two = (other, end) if added else (end, other)
            if two not in self.known:
                self.join(two)
                new.append(two)
            self.found.uses[two].append((one.of, one.role, one.place))
            self.found.inputs[one.of].append(two)
        return new

    def ways_between(self, pairs: Iterable[Pair]) -> dict[Pair, tuple[bool, list[str]]]:
        """By pair, whether the step is the second's, and the things from it to what stands for the other one, nearest first."""
        found: dict[Pair, tuple[bool, list[str]]] = {}
        nodes, taken = self.reader.nodes, set()
        searches: dict[tuple[Pair, bool], dict[str, list[str]]] = {}
        for pair in pairs:
            if all(nodes[i].kind == ENTITY and not self.is_beside(i) for i in pair):
                searches |= {(pair, True): {pair[1]: [pair[1]]}, (pair, False): {pair[0]: [pair[0]]}}
        for _ in range(_BETWEEN):
            ends: dict[str, str] = {}
            for search, frontier in searches.items():
                searches[search] = self.behind(frontier, ends)
            self.reader.learn(ends)
            for (pair, added), frontier in searches.items():
                end = "" if pair in found else self.stands(pair[0 if added else 1], frontier, added=added)
                if end and end not in taken:
                    taken |= {*pair, end}
                    found[pair] = added, frontier[end]
            searches = {s: f for s, f in searches.items() if s[0] not in found and f}
            if not searches:
                break
            self.reader.look_behind(ends)
        return found

    def behind(self, frontier: Mapping[str, list[str]], ends: dict[str, str]) -> dict[str, list[str]]:
        """One edge further: what is there, with the things on the way to it; their kinds are added to `ends`."""
        further: dict[str, list[str]] = {}
        for id, way in frontier.items():
            for cause in self.reader.causes.get(id, ()):
                if cause.relation in (names.WAS_DERIVED_FROM, names.USED, names.WAS_GENERATED_BY):
                    made = cause.relation == names.WAS_GENERATED_BY
                    ends[cause.target] = ACTIVITY if made else ENTITY
                    further.setdefault(cause.target, way if made else [*way, cause.target])
        return further

    def stands(self, other: str, frontier: Mapping[str, list[str]], *, added: bool) -> str:
        """Which of these is the other one, or alone may stand for it; ''."""
        if other in frontier:
            return other
        nodes, gone = self.reader.nodes, self.back if added else self.partner
        if other in (self.partner if added else self.back):
            return ""
        like = [i for i in frontier if i in nodes and nodes[i].class_name == nodes[other].class_name and i not in gone]
        same = [i for i in like if self.thing_key(i) is not None and self.thing_key(i) == self.thing_key(other)]
        return same[0] if same else like[0] if len(like) == 1 else ""

    def is_beside(self, id: str) -> bool:
        node = self.reader.nodes[id]
        return is_environment(node) or is_parameters(node) or is_method(node)

    def several(self, some: Sequence[Cause], others: Sequence[Cause]) -> list[tuple[Cause, Cause]]:
        """Who stands for whom among several in one role."""
        nodes, matched = self.reader.nodes, []
        left, right = list(some), list(others)

        def take(pairs: Iterable[tuple[Cause, Cause]]) -> None:
            nonlocal left, right
            new = list(pairs)
            matched.extend(new)
            gone = {id(c) for two in new for c in two}
            left, right = ([c for c in side if id(c) not in gone] for side in (left, right))

        def free() -> tuple[list[Cause], list[Cause]]:
            return [c for c in left if c.target not in self.partner], [c for c in right if c.target not in self.back]

        if not self.partner.keys().isdisjoint(c.target for c in left):
            take(_by_key(left, right, lambda c: self.partner.get(c.target), lambda c: c.target))
        ways: tuple[Callable[[list[Cause], list[Cause]], Iterable[tuple[Cause, Cause]]], ...] = (
            lambda a, b: _by_key(a, b, lambda c: self.thing_key(c.target)),
            lambda a, b: self.by_inputs(a, b, 1),  # what only the two have in common
            lambda a, b: _by_key(a, b, lambda c: self.content_key(c.target), once=True),
            lambda a, b: self.by_inputs(a, b, _COMMON),
            lambda a, b: _by_key(a, b, lambda c: self.content_key(c.target)),
            lambda a, b: _by_key(a, b, lambda c: self.given_key(c.target)),
            lambda a, b: _by_key(a, b, lambda c: nodes[c.target].class_name),
        )
        for way in ways:
            one, other = free()
            if not one or not other:
                break
            if len(one) == len(other) == 1:
                take([(one[0], other[0])])
                break
            take(way(one, other))
        return sorted(matched, key=lambda two: two[0].place)

    def by_inputs(self, left: Sequence[Cause], right: Sequence[Cause], most: int) -> list[tuple[Cause, Cause]]:
        """Those that share most inputs; what few have counts more than what many have, and what more than `most` have nothing."""
        having: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
        inputs = [self.inputs_of(c.target) for c in right]
        for i, found in enumerate(inputs):
            for one in found:
                having[one].append(i)
        mine = [self.inputs_of(c.target) for c in left]
        often = Counter(one for found in mine for one in found)
        scores = []
        for i, found in enumerate(mine):
            near: dict[int, float] = defaultdict(float)
            for one in found:
                others = having.get(one, ())
                if len(others) <= most and often[one] <= most:
                    for j in others:
                        near[j] += 1.0 / (len(others) * often[one])
            scores += [(-score, abs(i - j), i, j) for j, score in near.items()]
        gone: tuple[set[int], set[int]] = (set(), set())
        matched = []
        for _, _, i, j in sorted(scores):
            if i not in gone[0] and j not in gone[1]:
                gone[0].add(i)
                gone[1].add(j)
                matched.append((left[i], right[j]))
        return matched

    def inputs_of(self, id: str) -> set[tuple[str, str, str, str]]:
        node = self.reader.nodes[id]
        return {(node.class_name, c.relation, c.role, c.target) for c in self.reader.causes.get(id, ())
                if c.relation in (names.WAS_DERIVED_FROM, names.USED)}  # fmt: skip

    def thing_key(self, id: str) -> Any:
        """Equal for versions of one thing."""
        thing = self.reader.nodes[id].properties.get("identity")
        return None if thing is None else (self.reader.nodes[id].class_name, thing)

    def content_key(self, id: str) -> Any:
        """Equal for nodes of one class and of equal content; None where nothing tells."""
        if id not in self.keys:
            node = self.reader.nodes[id]
            held = content(node, self.found.files(id))
            self.keys[id] = None if held is None else (node.class_name, repr(_ordered(held)))
        return self.keys[id]

    def given_key(self, id: str) -> Any:
        node = self.reader.nodes[id]
        told = given(node)
        return (node.class_name, repr(_ordered(told))) if told else None


def _ordered(told: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted((k, plain(v)) for k, v in told.items())


def _without(causes: Sequence[Cause], gone: Mapping[str, int]) -> list[Cause]:
    left = dict(gone)
    found = []
    for cause in causes:
        if left.get(cause.target, 0) > 0:
            left[cause.target] -= 1
        else:
            found.append(cause)
    return found


def _by_key(left: Sequence[Cause], right: Sequence[Cause], key: Key, other: Key | None = None, *,
            once: bool = False) -> Iterator[tuple[Cause, Cause]]:  # fmt: skip
    """Those of equal keys, in their order; None is the key of none. once : only where a key is that of one on each side."""
    sides: list[dict[Any, deque[Cause]]] = []
    for side, of in ((left, key), (right, other or key)):
        by_key: dict[Any, deque[Cause]] = defaultdict(deque)
        for cause in side:
            if (mark := of(cause)) is not None:
                by_key[mark].append(cause)
        sides.append(by_key)
    for mark, mine in sides[0].items():
        others = sides[1].get(mark, ())
        if not once or len(mine) == len(others) == 1:
            yield from zip(mine, others, strict=False)
