"""What targets rest on, read together: every object above them, newer versions, statements, and the code that made them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from provgraph.graph.mapper import DEEPEST, Mapper
from provgraph.names import NEWER_EXISTS, OUT_OF_DATE, UNKNOWN, UP_TO_DATE
from provgraph.resolver.status import INVALID, QUALITY, VALIDITY, Status
from provgraph.schema import calls
from provgraph.schema.collection import SourceCollection
from provgraph.schema.meta import of_now
from provgraph.schema.objects import DBObject
from provgraph.schema.stand_in import is_stand_in
from provgraph.schema.target import Parameters, ProcessParams, ProcessTarget
from provgraph.targets.choose import Chooser, changed_choices
from provgraph.trace.code import Code, code_of

FEW = 3  # objects from which links are followed in statements of their own
EQUAL_CONTENT: Final = "equal_content"  # statement: this version has the content of that one


class Tree:
    """Stored objects with all that they depend on, and what is known of each; a handful of statements, however many they are."""

    def __init__(
        self, mapper: Mapper, roots: Iterable[DBObject], names_of: Any, *, chooser: Chooser | None = None
    ) -> None:
        """chooser : tells what classes would choose now; None leaves that out."""
        self.mapper = mapper
        self.names_of = names_of
        self.chooser = chooser
        self.objects: dict[str, DBObject] = {}
        self.versions: dict[str, list[DBObject]] = {}
        self.invalid: dict[str, tuple[str, str]] = {}  # by id: why, and since when
        self.flags: dict[str, tuple[str, ...]] = {}  # by id: what verify() said
        self.equal: dict[str, set[str]] = {}  # by id: ids of versions of the same content
        self._names: dict[str, str] = {}
        self._unnamed: list[str] = []
        self._defaults: dict[type, dict[str, Any]] = {}
        self._codes: dict[type, Code] = {}
        self.reasons: dict[str, tuple[str, ...]] = {}
        self.unknown: dict[str, tuple[str, ...]] = {}
        self.add(roots)

    def add(self, roots: Iterable[DBObject]) -> None:
        """Read more stored objects, with all that they depend on."""
        more = [o for o in roots if o.object_id not in self.objects]
        while more:
            self._read(more)
            # Where a newer version has the content of an older one, it decides for both.
            newest = (self.newest(o) for o in self.objects.values())
            more = [o for o in {o.object_id: o for o in newest}.values() if o.object_id not in self.objects]
        self._judge_all()

    def _read(self, roots: Sequence[DBObject]) -> None:
        mapper = self.mapper
        few = len(roots) <= FEW
        if few:
            mapper.cone(roots)
        fresh = {one.object_id: one for one in in_order(roots) if one.object_id not in self.objects}
        self.objects |= fresh
        for one in fresh.values():
            self.versions.setdefault(one.identity, []).append(one)
        # What stands above a few is asked along the links from them, which is much quicker than one after the other.
        told = [one.object_id for one in roots] if few else list(fresh)
        revised = [one.identity for one in (roots if few else fresh.values())]
        for end in told if few else ():
            revised += [row["identity"] for row in mapper.read("cone_revised", {"depth": DEEPEST}, id=end)]
            for note in mapper.read("cone_notes", {"depth": DEEPEST}, id=end):
                self._heed(note)
        rows = mapper.read("versions_of", identities=list(dict.fromkeys(revised))) if revised else []
        others = mapper.restore(r["properties"] for r in rows if r["properties"]["object_id"] not in self.objects)
        for one in others:
            if one not in self.versions.setdefault(one.identity, []):
                self.versions[one.identity].append(one)
        for note in mapper.read("notes_about", ids=[*told, *(o.object_id for o in others)]):
            self._heed(note)
        self._unnamed += [*fresh, *(o.object_id for o in others)]

    def made(self, one: DBObject) -> Mapping[str, Any]:
        """The last call that made an object: activity, seconds, started, and the code that ran; empty where none did."""
        return next(reversed(self.mapper.read("made_with", ids=[one.object_id])), {})

    @property
    def names(self) -> dict[str, str]:
        """Names by id; they are only read when something is to be told."""
        if self._unnamed:
            self._names |= self.names_of(self._unnamed)
            self._unnamed = []
        return self._names

    def _heed(self, note: Mapping[str, Any]) -> None:
        if note["kind"] == VALIDITY:
            self.invalid.pop(note["about"], None)
            if note["value"] == INVALID:
                self.invalid[note["about"]] = (note["reason"], note["recorded"])
            else:
                self.flags.pop(note["about"], None)
        elif note["kind"] == QUALITY:
            self.flags[note["about"]] = tuple(note["value"].splitlines())
        elif note["kind"] == EQUAL_CONTENT:
            same = (
                {note["about"], note["value"]}
                | self.equal.get(note["about"], set())
                | self.equal.get(note["value"], set())
            )
            self.equal.update(dict.fromkeys(same, same))

    # -- judgement ---------------------------------------------------------------------------------------------------------

    def status(self, one: DBObject) -> Status:
        """Of an object of this tree."""
        flags = self.flags.get(one.object_id, ())
        if self.reasons[one.object_id]:
            return Status(OUT_OF_DATE, self.reasons[one.object_id], flags=flags)
        if self.unknown[one.object_id]:
            return Status(UNKNOWN, self.unknown[one.object_id], flags=flags)
        newest = self.newest(one)
        if newest is not one and newest.object_id != one.object_id:
            return Status(NEWER_EXISTS, (self.superseded(one, newest),), flags=flags)
        return Status(UP_TO_DATE, self.cut_off(one), flags=flags)

    def behind(self, some: Iterable[DBObject]) -> tuple[str, ...]:
        """Why what rests on these is out of date; nothing where it is not."""
        found = []
        for one in some:
            newest = self.newest(one)
            if not self.same_content(one, newest):
                found.append(self.superseded(one, newest))
            else:
                found += [f"{self.label(newest)} is out of date: {reason}" for reason in self.reasons[newest.object_id]]
        return tuple(dict.fromkeys(found))

    def newest(self, one: DBObject) -> DBObject:
        """The newest valid version of a thing; itself where there is no other."""
        versions = self.versions.get(one.identity, ())
        if len(versions) == 1 and not self.invalid:
            return versions[0]
        valid = [v for v in versions if v.object_id not in self.invalid]
        return max(valid, key=lambda v: (v.version, v.repeat), default=one)

    def same_content(self, one: DBObject, other: DBObject) -> bool:
        return one.object_id == other.object_id or other.object_id in self.equal.get(one.object_id, ())

    def cut_off(self, one: DBObject) -> tuple[str, ...]:
        """Where newer versions of what it rests on change nothing, because their content is the same."""
        found = []
        for _, _, other in one.dependencies():
            known = self.objects.get(other.object_id)
            if known is not None and (newest := self.newest(known)).object_id != known.object_id:
                found.append(f"{self.label(newest)} is equal by content to {self.label(known)}")
        return tuple(dict.fromkeys(found))

    def _judge_all(self) -> None:
        """Each object after what it depends on, and after the newest versions of that."""
        begun: set[str] = set()
        stack = [(one, False) for one in self.objects.values()]
        while stack:
            one, ready = stack.pop()
            if ready:
                self._judge(one)
            elif one.object_id not in begun:
                begun.add(one.object_id)
                stack.append((one, True))
                for _, _, other in one.dependencies():
                    known = self.objects.get(other.object_id)
                    if known is not None:
                        stack += [(known, False), (self.newest(known), False)]

    def _judge(self, one: DBObject) -> None:
        reasons = self.own_reasons(one)
        if self.chooser is not None and isinstance(one, ProcessTarget) and one.chosen and not is_stand_in(type(one)):
            reasons += changed_choices(self.chooser, one)
        unknown: list[str] = []
        if isinstance(one, ProcessTarget) and one.lineage_key and is_stand_in(type(one)):
            unknown.append(f"the class {type(one).__name__} is not here, so nobody can tell whether its code changed")
        for role, _, other in one.dependencies():
            known = self.objects.get(other.object_id)
            if known is None:
                unknown.append(f"its {role} cannot be seen")
                continue
            newest = self.newest(known)
            if newest.object_id != known.object_id and not self.same_content(known, newest):
                reasons.append(self.superseded(known, newest))
                continue
            if behind := self.reasons.get(newest.object_id, ()):
                what = self.label(newest)
                passes_on = (
                    isinstance(newest, SourceCollection) and newest.object_id not in self.names
                )  # a step of a pull
                reasons += [r if passes_on or r.startswith(what) else f"{what} is out of date: {r}" for r in behind]
            unknown += self.unknown.get(newest.object_id, ())
        self.reasons[one.object_id] = tuple(dict.fromkeys(reasons))
        self.unknown[one.object_id] = tuple(dict.fromkeys(unknown))

    def own_reasons(self, one: DBObject) -> list[str]:
        """Why it is out of date, apart from what it depends on."""
        found = []
        if one.object_id in self.invalid:
            why, since = self.invalid[one.object_id]
            found.append(f"{self.label(one)} was declared invalid on {since[:10]}: {why}")
        if isinstance(one, ProcessTarget) and one.lineage_key and not is_stand_in(type(one)):
            cls = of_now(type(one))
            code = self._codes.get(cls) or self._codes.setdefault(cls, make_code(cls))
            if one.made_with and one.made_with != code.digest:
                found.append(f"the code of `{code.name}` changed")
            found += changed_defaults(one, self._defaults)
        return found

    def superseded(self, one: DBObject, newest: DBObject) -> str:
        """The sentence that says so."""
        return f"{self.label(one)} was superseded by {self.label(newest)} on {newest.created[:10]}"

    def label(self, one: DBObject) -> str:
        return f"{self.names.get(one.object_id) or type(one).__name__}@{one.version}"


def in_order(roots: Sequence[DBObject]) -> Iterator[DBObject]:
    """Every object above some, and these, dependencies first."""
    seen: set[int] = set()
    stack: list[tuple[DBObject, bool]] = [(one, False) for one in reversed(roots)]
    while stack:
        one, ready = stack.pop()
        if ready:
            yield one
            continue
        if id(one) in seen:
            continue
        seen.add(id(one))
        stack.append((one, True))
        for name in type(one).links:
            value = getattr(one, name, None)
            stack.extend((v, False) for v in (value if isinstance(value, tuple) else (value,)) if v is not None)


def make_code(cls: type[ProcessTarget]) -> Code:
    """The code that decides what a class makes: its make(), with the helpers it reaches inside its package."""
    return code_of(cls.make, cls)


def changed_defaults(one: ProcessTarget, known: dict[type, dict[str, Any]]) -> list[str]:
    """Process parameters that were the defaults of their class, where those are others now. known : defaults found before."""
    found = []
    for name in one.chosen:
        declared = type(one).links.get(name)
        was = getattr(one, name, None)
        if isinstance(declared, ProcessParams) and isinstance(was, Parameters):
            cls = declared.target(type(one))
            if cls not in known:
                with calls.untraced():
                    known[cls] = cls().as_dict()
            now, before = known[cls], was.as_dict()
            if now != before:
                found += [f"parameter `{n}` {before.get(n)} → {v}" for n, v in now.items() if before.get(n) != v]
    return found
