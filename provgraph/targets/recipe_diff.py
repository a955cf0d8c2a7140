"""How two recipes differ: steps added and removed, code, parameters, values and links that changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from provgraph.targets.recipe import CodeUsed, Recipe, Step, short, stored_value

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


@dataclass(frozen=True)
class Change:
    """One difference.

    what : step, input, class, code, parameter, value, link, pull or each. name : of the step or input, with that of the
    parameter, value or link. before, after : None for what is not there.
    """

    change: str
    what: str
    name: str
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        if self.change == ADDED:
            return f"+ {self.what} {self.name}: {_text(self.after)}"
        if self.change == REMOVED:
            return f"- {self.what} {self.name}: {_text(self.before)}"
        return f"  {self.what} {self.name}: {_text(self.before)} → {_text(self.after)}"


@dataclass(frozen=True)
class RecipeDifference:
    """What differs between two recipes; true where something does."""

    changes: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    def __str__(self) -> str:
        return "\n".join(map(str, self.changes)) or "Nothing differs."

    def as_dict(self) -> dict[str, Any]:
        return {"changes": [asdict(c) for c in self.changes]}


def compare(one: Recipe, other: Recipe) -> RecipeDifference:
    """Steps go together by name and class; those left over by class, in their order."""
    pairs = _paired(one.steps, other.steps)
    renamed = {a.name: b.name for a, b in pairs}
    found: list[Change] = []
    found += _inputs(one, other, pairs)
    gone, new = {a.name for a, _ in pairs}, {b.name for _, b in pairs}
    found += [Change(REMOVED, "step", s.name, before=_kind(s)) for s in one.steps if s.name not in gone]
    found += [Change(ADDED, "step", s.name, after=_kind(s)) for s in other.steps if s.name not in new]
    for a, b in pairs:
        found += _changes(a, b, renamed)
    return RecipeDifference(tuple(found))


def _paired(some: Sequence[Step], others: Sequence[Step]) -> list[tuple[Step, Step]]:
    left, right = list(some), list(others)
    found = []
    rules = (
        lambda a, b: (a.name, a.cls) == (b.name, b.cls),
        lambda a, b: a.cls == b.cls,
        lambda a, b: a.name == b.name,
    )
    for rule in rules:
        for a in list(left):
            b = next((b for b in right if rule(a, b)), None)
            if b is not None:
                found.append((a, b))
                left.remove(a)
                right.remove(b)
    order = {s.name: n for n, s in enumerate(some)}
    return sorted(found, key=lambda pair: order[pair[0].name])


def _inputs(one: Recipe, other: Recipe, pairs: Sequence[tuple[Step, Step]]) -> Iterator[Change]:
    before, after = ({i.name: i for i in r.inputs} for r in (one, other))
    yield from (Change(REMOVED, "input", n, before=i.wanted) for n, i in before.items() if n not in after)
    yield from (Change(ADDED, "input", n, after=i.wanted) for n, i in after.items() if n not in before)
    for name in before.keys() & after.keys():
        if before[name].wanted != after[name].wanted:
            yield Change(CHANGED, "input", name, before[name].wanted, after[name].wanted)


def _changes(a: Step, b: Step, renamed: Mapping[str, str]) -> Iterator[Change]:
    if a.name != b.name:
        yield Change(CHANGED, "step", a.name, a.name, b.name)
    if a.cls != b.cls:
        yield Change(CHANGED, "class", b.name, a.cls, b.cls)
    if tuple(renamed.get(e, e) for e in a.each) != b.each:
        yield Change(CHANGED, "each", b.name, list(a.each), list(b.each))
    if (a.code.digest if a.code else "") != (b.code.digest if b.code else ""):
        yield Change(CHANGED, "code", f"{b.name} ({b.code.name if b.code else b.cls})", _code(a.code), _code(b.code))
    if a.pull != b.pull:
        yield Change(CHANGED, "pull", b.name, str(a.pull or ""), str(b.pull or ""))
    before, after = ({f"{s.name}.{n}": v for p in s.parameters.values() for n, v in p.values.items()} for s in (a, b))
    yield from _values("parameter", {n.replace(a.name, b.name, 1): v for n, v in before.items()}, after)
    before, after = (
        {f"{b.name}.{n}": v for n, v in {**s.values, **dict.fromkeys(s.values_from, "given")}.items()} for s in (a, b)
    )
    yield from _values("value", before, after)
    links = {f"{b.name}.{n}": _renamed(v, renamed) for n, v in a.links.items()}
    yield from _values("link", links, {f"{b.name}.{n}": _renamed(v, {}) for n, v in b.links.items()})


def _values(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            yield Change(REMOVED, what, name, before=before[name])
        elif name not in before:
            yield Change(ADDED, what, name, after=after[name])
        elif before[name] != after[name]:
            yield Change(CHANGED, what, name, before[name], after[name])


def _renamed(value: str | tuple[str, ...], names: Mapping[str, str]) -> Any:
    return names.get(value, value) if isinstance(value, str) else [names.get(v, v) for v in value]


def _kind(step: Step) -> str:
    return f"pull {step.pull}" if step.pull else step.cls


def _code(code: CodeUsed | None) -> str:
    if code is None:
        return "not recorded"
    return short(code.digest) + (f" ({code.origin})" if code.origin else "")


def _text(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return f"[{', '.join(value)}]"
    return value if isinstance(value, str) else repr(stored_value(value))
