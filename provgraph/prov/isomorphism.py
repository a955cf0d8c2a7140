"""Statements that differ only in how things that have no name are called: a certificate that two of them share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence

from provgraph.errors import InvalidInput

Fact = tuple[str, tuple[Hashable, ...]]
"""What is said, and the nameless things it is said of, in order."""
Certificate = tuple[tuple[str, tuple[int, ...]], ...]
_LEAVES = 5000


def components(facts: Sequence[Fact]) -> list[list[int]]:
    """Positions of facts that hang together by nameless things; facts without any are alone."""
    home: dict[Hashable, int] = {}
    parent = list(range(len(facts)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, (_, things) in enumerate(facts):
        for thing in things:
            parent[root(i)] = root(home.setdefault(thing, i))
    found: dict[int, list[int]] = {}
    for i in range(len(facts)):
        found.setdefault(root(i), []).append(i)
    return list(found.values())


def certificates(facts: Sequence[Fact]) -> Counter[Certificate]:
    """How often each part that hangs together occurs: equal exactly for facts that can be renamed into each other."""
    return Counter(certificate([facts[i] for i in part]) for part in components(facts))


def certificate(facts: Sequence[Fact]) -> Certificate:
    """Of facts that hang together.

    Raises
    ------
    InvalidInput : code ``prov_too_symmetric`` where nameless things cannot be told apart with any reasonable effort.
    """
    if len(facts) == 1 and len(facts[0][1]) < 2:
        return ((facts[0][0], ()),)
    things = dict.fromkeys(t for _, ts in facts for t in ts)
    around: dict[Hashable, list[int]] = {t: [] for t in things}
    for i, (_, ts) in enumerate(facts):
        for t in dict.fromkeys(ts):
            around[t].append(i)
    colours = _refined(dict.fromkeys(things, 0), facts, around)
    # Without circles the colours tell everything; else things of one colour are told apart by trying.
    if sum(map(len, around.values())) == len(things) + len(facts) - 1:
        return _said(facts, colours)
    budget = [_LEAVES]
    return min(_tried(facts, around, colours, budget))


def _tried(facts: Sequence[Fact], around: dict[Hashable, list[int]], colours: dict[Hashable, int], budget: list[int]
           ) -> Iterator[Certificate]:  # fmt: skip
    todo = [colours]
    while todo:
        colours = todo.pop()
        sizes = Counter(colours.values())
        several = [c for c, n in sizes.items() if n > 1]
        if not several:
            budget[0] -= 1
            yield _said(facts, colours)
            continue
        budget[0] -= 1
        if budget[0] < 0:
            raise InvalidInput("There are too many things without a name that look the same to compare them; name some of them.",
                               code="prov_too_symmetric")  # fmt: skip
        colour = min(several)
        for thing in [t for t, c in colours.items() if c == colour]:
            chosen = {t: 2 * c + (c == colour and t != thing) for t, c in colours.items()}
            todo.append(_refined(chosen, facts, around))


def _refined(
    colours: dict[Hashable, int], facts: Sequence[Fact], around: dict[Hashable, list[int]]
) -> dict[Hashable, int]:
    """Different colours for things of which different things are said; only what stands beside a change is looked at again."""
    colours, sizes = dict(colours), Counter(colours.values())
    fresh = max(sizes) + 1
    near: set[Hashable] = set(colours)
    while near:
        groups: dict[int, dict[tuple[object, ...], list[Hashable]]] = {}
        for thing in near:
            said = [(facts[i][0], tuple((colours[t], t == thing) for t in facts[i][1])) for i in around[thing]]
            groups.setdefault(colours[thing], {}).setdefault(tuple(sorted(said)), []).append(thing)
        apart: list[list[Hashable]] = []
        for colour in sorted(groups):
            alike = groups[colour]
            order = [alike[said] for said in sorted(alike)]
            # Those that nothing changed for keep their colour; where there are none, the most do: so less has to be done.
            if sum(map(len, order)) == sizes[colour]:
                order.remove(max(order, key=len))
            apart += order
        for things in apart:
            sizes[colours[things[0]]] -= len(things)
            sizes[fresh] = len(things)
            colours.update(dict.fromkeys(things, fresh))
            fresh += 1
        near = {t for things in apart for thing in things for i in around[thing] for t in facts[i][1]}
    return colours


def _said(facts: Iterable[Fact], colours: dict[Hashable, int]) -> Certificate:
    sizes = Counter(colours.values())
    told = tuple(sorted((said, tuple(colours[t] for t in ts)) for said, ts in facts))
    return (*told, ("", tuple(sizes[c] for c in sorted(sizes))))
