"""What differs between two documents: statements added, removed and changed, scope by scope.

Order, prefixes and blank names do not matter; how often a statement is repeated does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from provgraph.prov import words
from provgraph.prov.isomorphism import Certificate, Fact, certificate, components
from provgraph.prov.model import (
    ELEMENTS,
    KINDS,
    Argument,
    Bundle,
    Entries,
    Keys,
    Literal,
    Name,
    Reference,
    Scope,
    Statement,
    Value,
    as_document,
)
from provgraph.prov.normal import attribute_text, reference_type, value_text

_SIGN: Final = {"added": "+", "removed": "-", "changed": "~"}
_ALIKE: Final = 50  # candidates that a changed statement is compared with


@dataclass(frozen=True)
class Change:
    """One difference.

    kind : ``'added'``, ``'removed'`` or ``'changed'``. before, after : the statement in each document; both None where it is a
        bundle as such, or something that PROV has no statement for.
    scope : the bundle, None for the top level. count : how often the same happened.
    details : what changed in the statement, one text each. told : the two statements as they are told, with IRIs in the place of
        names that look like others; None where they are told as they are.
    """

    kind: str
    before: Statement | None = None
    after: Statement | None = None
    scope: Name | None = None
    count: int = 1
    details: tuple[str, ...] = ()
    told: tuple[Statement | None, Statement | None] | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        before, after = self.told or (self.before, self.after)
        where = "" if self.scope is None else f" in bundle {words.name(self.scope)}"
        times = "" if self.count == 1 else f" {self.count} times"
        if before is None and after is None:
            if self.details:
                return f"{self.details[0]} was {self.kind}{where}{times}."
            assert self.scope is not None
            return f"Bundle {words.name(self.scope)} was {self.kind}."
        if before is not None and after is not None:
            return f"{_subject(before)}{where}: {'; '.join(self.details)}{times and f' ({times.strip()})'}."
        said = after or before
        assert said is not None
        return f"{words.statement(said)} was {self.kind}{where}{times}."

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        before, after = self.told or (self.before, self.after)
        return {
            "kind": self.kind, "scope": None if self.scope is None else self.scope.iri, "sentence": str(self),
            "before": None if before is None else words.statement(before),
            "after": None if after is None else words.statement(after),
            "count": self.count, "details": list(self.details),
        }  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """All that differs between two documents; `same` where nothing does."""

    changes: tuple[Change, ...]

    @property
    def same(self) -> bool:
        return not self.changes

    def counts(self) -> dict[str, int]:
        """How many statements were added, removed and changed."""
        counts = dict.fromkeys(_SIGN, 0)
        for change in self.changes:
            if change.before is not None or change.after is not None:
                counts[change.kind] += change.count
        return counts

    def __str__(self) -> str:
        if self.same:
            return "same"
        lines = [f"different: {', '.join(f'{n} {kind}' for kind, n in self.counts().items())}"]
        return "\n".join([*lines, *(f"{_SIGN[c.kind]} {c}" for c in self.changes)])

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"same": self.same, **self.counts(), "changes": [c.as_dict() for c in self.changes]}


def diff(a: Scope, b: Scope) -> Difference:
    """What was added, removed and changed on the way from one document, or bundle, to another.

    Statements of a bundle are compared with those of the top level of a document.
    """
    a, b = as_document(a), as_document(b)
    changes = list(_scopes(a, b, None))
    rest = list(b.bundles)
    pairs: list[tuple[Bundle | None, Bundle | None]] = []
    mine = {id(bundle): _Side(bundle).whole() for bundle in (*a.bundles, *b.bundles)}
    left: list[Bundle] = []
    for bundle in a.bundles:  # bundles of one name: first those that say the same
        same = next((r for r in rest if r.id == bundle.id and mine[id(r)] == mine[id(bundle)]), None)
        if same is None:
            left.append(bundle)
        else:
            rest.remove(same)
    for bundle in left:
        other = next((r for r in rest if r.id == bundle.id), None)
        if other is not None:
            rest.remove(other)
        pairs.append((bundle, other))
    pairs += [(None, bundle) for bundle in rest]
    alike = _alike((before or after).id for before, after in pairs)  # type: ignore[union-attr]
    for before, after in pairs:
        name = _by_iri((before or after).id, alike)  # type: ignore[union-attr]
        if before is None or after is None:
            changes.append(Change("added" if before is None else "removed", scope=name))
        changes += _scopes(before or Scope(), after or Scope(), name)
    return Difference(tuple(changes))


class _Side:
    """A scope as facts: what each statement says without blank names, and the blank names it says it of."""

    def __init__(self, scope: Scope) -> None:
        referred = scope.blanks()
        self.statements = [_plain(s, referred) for whole in scope.statements for s in whole.single()]
        self.unknown = Counter(scope.unknown)
        self.facts: list[Fact] = []
        self.owner: list[int] = []  # fact -> statement
        for i, statement in enumerate(self.statements):
            for fact in _facts(i, statement):
                self.facts.append(fact)
                self.owner.append(i)

    def parts(self) -> dict[Certificate, list[list[int]]]:
        """Statements that hang together by blank names, as positions, by what they say."""
        found: dict[Certificate, list[list[int]]] = {}
        joined = []
        for i, (said, things) in enumerate(self.facts):
            if things:
                joined.append(i)
            else:
                found.setdefault(((said, ()),), []).append([self.owner[i]])
        for part in components([self.facts[i] for i in joined]):
            whole = [joined[i] for i in part]
            mark = certificate([self.facts[i] for i in whole])
            found.setdefault(mark, []).append(list(dict.fromkeys(self.owner[i] for i in whole)))
        return found

    def whole(self) -> Hashable:
        """Equal for scopes in which nothing differs."""
        return frozenset((mark, len(parts)) for mark, parts in self.parts().items()), frozenset(self.unknown.items())


def _plain(s: Statement, referred: set[str]) -> Statement:
    """Without a blank identifier that nobody refers to: it says nothing."""
    if s.id is None or not s.id.blank or s.kind in ELEMENTS or s.id.iri in referred:
        return s
    return replace(s, id=None)


def _facts(number: int, s: Statement) -> Iterator[Fact]:
    """A statement as one fact; blank names in places without order are facts of their own, around the statement."""
    said: list[str] = [s.kind]
    things: list[Hashable] = []
    parts: list[Fact] = []
    me = ("statement", number)

    def name(n: Name) -> str:
        if n.blank:
            things.append(n.iri)
            return "\x1b"
        return n.iri

    said.append("" if s.id is None else name(s.id))
    roles = [r for r, _ in s.arguments]
    repeated = len(set(roles)) < len(roles)
    inside: list[str] = []
    for role, argument in sorted(s.arguments, key=lambda pair: pair[0]) if len(roles) > 1 else s.arguments:
        if isinstance(argument, Name):
            if argument.blank and repeated:
                parts.append((f"argument {role}", (me, argument.iri)))
            else:
                inside.append(f"{role}\x1e{name(argument)}")
        elif isinstance(argument, Entries):
            inside.append(role)
            for key, entity in argument.pairs:
                if entity.blank:
                    parts.append((f"entry {value_text(key)}", (me, entity.iri)))
                else:
                    inside.append(f"entry\x1e{value_text(key)}\x1e{entity.iri}")
        elif isinstance(argument, Keys):
            inside += [role, *(f"key\x1e{value_text(k)}" for k in argument.keys)]
        else:
            inside.append(f"{role}\x1e{argument}")
    if repeated or any(isinstance(a, (Entries, Keys)) for _, a in s.arguments):
        inside.sort()  # no place in it holds a blank name
    said += inside
    attributes = []
    for pair in s.attributes:
        if isinstance(pair[1], Reference) and pair[1].name.blank:
            parts.append((f"attribute {pair[0].iri}\x1e{reference_type(pair[1])}", (me, pair[1].name.iri)))
        else:
            attributes.append(attribute_text(pair))
    said += ["\x1c", *sorted(attributes)]
    if parts:
        things.append(me)
        said.append("\x1c")
    yield "\x1f".join(said), tuple(things)
    yield from parts


def _scopes(a: Scope, b: Scope, scope: Name | None) -> Iterator[Change]:
    before, after = _Side(a), _Side(b)
    ours, theirs = before.parts(), after.parts()
    gone: list[int] = []
    come: list[int] = []
    for mark in dict.fromkeys((*ours, *theirs)):
        mine, others = ours.get(mark, []), theirs.get(mark, [])
        for part in mine[len(others) :]:
            gone += part
        for part in others[len(mine) :]:
            come += part
    left = [before.statements[i] for i in sorted(gone)]
    right = [after.statements[i] for i in sorted(come)]
    renamed = _renaming(left, right)
    if renamed:
        left, right = _unmatched(left, right, renamed)
    yield from _changes(left, right, renamed, scope)
    for kind, unknown in (("removed", before.unknown - after.unknown), ("added", after.unknown - before.unknown)):
        for thing, n in unknown.items():
            yield Change(kind, None, None, scope, n, (f"{thing.name} of {thing.format}, which PROV does not know,",))


def _unmatched(left: list[Statement], right: list[Statement], renamed: dict[str, Name]
               ) -> tuple[list[Statement], list[Statement]]:  # fmt: skip
    """What remains after statements that are the same under a renaming of blank names went."""
    there: dict[Hashable, list[int]] = {}
    for i, s in enumerate(right):
        there.setdefault(_whole(s), []).append(i)
    kept, taken = [], set()
    for s in left:
        same = there.get(_whole(_with_names(s, renamed)))
        if same:
            taken.add(same.pop())
        else:
            kept.append(s)
    return kept, [s for i, s in enumerate(right) if i not in taken]


def _whole(s: Statement) -> Hashable:
    return (
        s.kind,
        None if s.id is None else s.id.iri,
        tuple(sorted(_places(s))),
        tuple(sorted(map(attribute_text, s.attributes))),
    )


def _places(s: Statement) -> list[tuple[str, str]]:
    return [(role, _argument_text(a)) for role, a in s.arguments]


def _argument_text(a: Argument) -> str:
    if isinstance(a, Name):
        return a.iri
    if isinstance(a, Entries):
        return "\x1f".join(sorted(f"{value_text(k)}\x1e{e.iri}" for k, e in a.pairs))
    if isinstance(a, Keys):
        return "\x1f".join(sorted(map(value_text, a.keys)))
    return a


def _with_names(s: Statement, renamed: dict[str, Name]) -> Statement:
    """A statement with the blank names of the other document."""
    if not any(n.blank for n in _names(s)):
        return s

    def name(n: Name) -> Name:
        return renamed.get(n.iri, n) if n.blank else n

    def argument(a: Argument) -> Argument:
        if isinstance(a, Entries):
            return Entries(tuple((k, name(e)) for k, e in a.pairs))
        return name(a) if isinstance(a, Name) else a

    return replace(
        s, id=None if s.id is None else name(s.id), arguments=tuple((r, argument(a)) for r, a in s.arguments),
        attributes=tuple((n, replace(v, name=name(v.name)) if isinstance(v, Reference) else v) for n, v in s.attributes),
    )  # fmt: skip


def _names(s: Statement) -> Iterator[Name]:
    if s.id is not None:
        yield s.id
    for _, a in s.arguments:
        if isinstance(a, Name):
            yield a
        elif isinstance(a, Entries):
            yield from (e for _, e in a.pairs)
    yield from (v.name for _, v in s.attributes if isinstance(v, Reference))


def _renaming(left: Sequence[Statement], right: Sequence[Statement]) -> dict[str, Name]:
    """Blank names of one side and those of the other that most is said alike of; each is taken once."""
    about = [_about(left), _about(right)]
    if not about[0] or not about[1]:
        return {}
    by_clue: dict[Hashable, list[str]] = {}
    for iri, clues in about[1].items():
        for clue in clues:
            by_clue.setdefault(clue, []).append(iri)
    scores = []
    for iri, clues in about[0].items():
        near = Counter(other for clue in clues for other in by_clue.get(clue, ())[:_ALIKE])
        if iri in about[1]:
            near[iri] += 0
        for other, _ in near.most_common(_ALIKE):
            alike = sum((clues & about[1][other]).values())
            scores.append((alike, iri == other, iri, other))
    found: dict[str, Name] = {}
    taken: set[str] = set()
    for _, _, iri, other in sorted(scores, key=lambda s: (-s[0], not s[1])):
        if iri not in found and other not in taken:
            found[iri] = Name(other, other)
            taken.add(other)
    # One that has no counterpart keeps a name that the other side does not have.
    for iri in about[0]:
        found.setdefault(iri, Name(f"{iri}\x00", iri))
    return found


def _about(statements: Iterable[Statement]) -> dict[str, Counter[Hashable]]:
    found: dict[str, Counter[Hashable]] = {}
    for s in statements:
        blank = {n.iri for n in _names(s) if n.blank}
        if not blank:
            continue
        parts = [("id", "" if s.id is None or s.id.blank else s.id.iri)]
        parts += [(r, "" if isinstance(a, Name) and a.blank else _argument_text(a)) for r, a in s.arguments]
        parts += [("attribute", attribute_text(p)) for p in s.attributes]
        for iri in blank:
            clues = found.setdefault(iri, Counter())
            clues.update((s.kind, *part) for part in parts if part[1])
            clues[s.kind, tuple(r for r, a in s.arguments if isinstance(a, Name) and a.iri == iri)] += 1
    return found


def _changes(
    left: list[Statement], right: list[Statement], renamed: dict[str, Name], scope: Name | None
) -> Iterator[Change]:
    alike = _alike(n for s in (*left, *right) for n in _spelled(s))
    pairs: list[tuple[Statement, Statement]] = []
    for key, alone in ((_identity, False), (_ends, False), (_effect, True)):
        left, right, found = _paired(left, right, key, alone, renamed)
        pairs += found
    for changed, n in _counted([(_whole(x), _whole(y)) for x, y in pairs]):
        x, y = pairs[changed]
        told = (_told(x, alike), _told(y, alike))
        details = tuple(_details(_with_names(told[0], renamed), told[1]))
        said = details or ("it is said of another thing without a name",)
        yield Change("changed", x, y, scope, n, said, told)
    for first, n in _counted([_whole(s) for s in left]):
        yield Change("removed", left[first], None, scope, n, told=(_told(left[first], alike), None))
    for first, n in _counted([_whole(s) for s in right]):
        yield Change("added", None, right[first], scope, n, told=(None, _told(right[first], alike)))


def _spelled(s: Statement) -> Iterator[Name]:
    """Every name of a statement, those of attributes and datatypes too."""
    yield from _names(s)
    values = [v for _, v in s.attributes]
    for _, a in s.arguments:
        values += [k for k, _ in a.pairs] if isinstance(a, Entries) else a.keys if isinstance(a, Keys) else ()
    yield from (n for n, _ in s.attributes)
    for v in values:
        yield v.datatype
        if isinstance(v, Reference):
            yield v.name


def _alike(names: Iterable[Name]) -> frozenset[str]:
    """Spellings that stand for several IRIs."""
    first: dict[str, str] = {}
    return frozenset(n.qname for n in names if n.qname and not n.blank and first.setdefault(n.qname, n.iri) != n.iri)


def _by_iri(n: Name, alike: frozenset[str]) -> Name:
    return Name(n.iri) if n.qname in alike else n


def _told(s: Statement, alike: frozenset[str]) -> Statement:
    """A statement in which names that look like others are called by their IRIs."""
    if not alike:
        return s

    def value(v: Value) -> Value:
        if isinstance(v, Reference):
            return Reference(_by_iri(v.name, alike), _by_iri(v.datatype, alike))
        return replace(v, datatype=_by_iri(v.datatype, alike))

    def argument(a: Argument) -> Argument:
        if isinstance(a, Entries):
            return Entries(tuple((value(k), _by_iri(e, alike)) for k, e in a.pairs))
        if isinstance(a, Keys):
            return Keys(tuple(map(value, a.keys)))
        return _by_iri(a, alike) if isinstance(a, Name) else a

    return replace(
        s, id=None if s.id is None else _by_iri(s.id, alike), arguments=tuple((r, argument(a)) for r, a in s.arguments),
        attributes=tuple((_by_iri(n, alike), value(v)) for n, v in s.attributes),
    )  # fmt: skip


def _counted(keys: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    """The first position of each key, and how often it is there."""
    counts = Counter(keys)
    seen: set[Hashable] = set()
    for i, key in enumerate(keys):
        if key not in seen:
            seen.add(key)
            yield i, counts[key]


def _identity(s: Statement) -> Hashable | None:
    return None if s.id is None else (s.kind, s.id.iri)


def _ends(s: Statement) -> Hashable | None:
    """The two things that a relation joins."""
    if s.kind in ELEMENTS or s.id is not None:
        return None
    ends = [s.argument(role) for role in KINDS[s.kind][:2]]
    return (s.kind, *(_argument_text(a) for a in ends if a is not None)) if None not in ends else None


def _effect(s: Statement) -> Hashable | None:
    if s.kind in ELEMENTS or s.id is not None:
        return None
    end = s.argument(KINDS[s.kind][0])
    return None if end is None else (s.kind, _argument_text(end))


def _paired(left: list[Statement], right: list[Statement], key: Callable[[Statement], Hashable | None], alone: bool,
            renamed: dict[str, Name]) -> tuple[list[Statement], list[Statement], list[tuple[Statement, Statement]]]:  # fmt: skip
    """Statements of both sides with the same key, the most alike together.

    alone : only where there is one of the key on each side, since nothing else says which belongs to which.
    """
    groups: dict[Hashable, tuple[list[int], list[int]]] = {}
    for side, statements in enumerate((left, right)):
        for i, s in enumerate(statements):
            k = key(_with_names(s, renamed) if side == 0 else s)
            if k is not None:
                groups.setdefault(k, ([], []))[side].append(i)
    pairs: list[tuple[int, int]] = []
    for ours, theirs in groups.values():
        if not ours or not theirs or (alone and (len(ours) > 1 or len(theirs) > 1)):
            continue
        if len(ours) == len(theirs) == 1:
            pairs.append((ours[0], theirs[0]))
            continue
        free = list(theirs)
        for i in ours:
            if not free:
                break
            mine = _features(_with_names(left[i], renamed))
            best = max(free[:_ALIKE], key=lambda j: sum((mine & _features(right[j])).values()))
            free.remove(best)
            pairs.append((i, best))
    gone, come = {i for i, _ in pairs}, {j for _, j in pairs}
    return (
        [s for i, s in enumerate(left) if i not in gone], [s for j, s in enumerate(right) if j not in come],
        [(left[i], right[j]) for i, j in pairs],
    )  # fmt: skip


def _features(s: Statement) -> Counter[Hashable]:
    return Counter([*_places(s), *map(attribute_text, s.attributes)])


def _details(x: Statement, y: Statement) -> Iterator[str]:
    for role in dict.fromkeys(r for s in (x, y) for r, _ in s.arguments):
        old, new = ([a for r, a in s.arguments if r == role] for s in (x, y))
        yield from _change_of(role, old, new, _argument_text, words.argument)
    for name in dict.fromkeys(n for s in (x, y) for n, _ in s.attributes):
        yield from _change_of(words.name(name), list(x.values(name)), list(y.values(name)), value_text, words.value)


def _change_of(
    what: str, old: list[Any], new: list[Any], text: Callable[[Any], str], show: Callable[[Any], str]
) -> Iterator[str]:
    before, after = Counter(map(text, old)), Counter(map(text, new))
    said = {text(v): v for v in (*old, *new)}
    lost, found = [said[t] for t in (before - after).elements()], [said[t] for t in (after - before).elements()]
    gone, come = [show(v) for v in lost], [show(v) for v in found]
    if not set(gone).isdisjoint(come):
        texts = [v.lexical for v in (*lost, *found) if isinstance(v, Literal)]
        alike = (i for i, there in enumerate(zip(*texts, strict=False)) if len(set(there)) > 1)
        at = next(alike, min(map(len, texts), default=0))
        gone, come = ([words.exact(v, at) for v in some] for some in (lost, found))
    if gone and come:
        yield f"{what} changed from {words.listed(gone)} to {words.listed(come)}"
    elif gone:
        yield f"{what} {words.listed(gone)} was removed"
    elif come:
        yield f"{what} {words.listed(come)} was added"


def _subject(s: Statement) -> str:
    if s.kind in ELEMENTS or (s.id is not None and not s.id.blank):
        return f"{s.kind} {'-' if s.id is None else words.name(s.id)}"
    return words.statement(replace(s, attributes=()))
