"""Making by specification: what a target rests on is chosen by its class, and made where there is none.

A class may say how: ``def choose_flat(self, survey)`` gives the object, or the objects, for the link ``flat``; ``self`` has what is
known so far, and the links declared before. Otherwise the newest valid object that agrees with what is known is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from provgraph.errors import InvalidInput, NotFound, nearest
from provgraph.resolver.status import unfit
from provgraph.schema import calls
from provgraph.schema.meta import DBObjectMeta
from provgraph.schema.objects import DBObject, FileLink
from provgraph.schema.properties import Link
from provgraph.schema.target import Parameters, ProcessParams, ProcessTarget
from provgraph.targets.catalogs import WantedCatalog
from provgraph.trace.code import unwrapped

ALL = 1_000_000
DATE = "date"  # what is known under this name is compared with ranges of validity
VALID_FROM, VALID_TO = "valid_from", "valid_to"
DEEPEST = 50


class Chooser:
    """Chooses for targets of one survey; what it has read serves for all of them."""

    def __init__(self, survey: Any) -> None:
        self.survey = survey
        self.choices: list[str] = []  # a sentence each
        self._there: dict[DBObjectMeta, list[DBObject]] = {}
        self._made: dict[tuple[Any, ...], ProcessTarget] = {}

    def target(self, cls: type[ProcessTarget], known: Mapping[str, Any]) -> ProcessTarget:
        """The newest valid target that agrees with what is known; one to be made where there is none."""
        _check_known(cls, known)
        known = {name: self.resolved(value) for name, value in known.items()}
        found = self.agreeing(cls, known)
        if found:
            assert isinstance(found[-1], ProcessTarget)
            return found[-1]
        return self.fill(cls, known)

    def agreeing(self, cls: DBObjectMeta, known: Mapping[str, Any]) -> list[DBObject]:
        """The newest valid versions of all things of a class that agree with what is known and have no flags, the newest last."""
        return [one for one in self._candidates(cls) if _agrees(one, known)]

    def fill(self, cls: type[ProcessTarget], known: Mapping[str, Any], depth: int = 0, **given: Any) -> ProcessTarget:
        """A target to be made, its links chosen."""
        if depth > DEEPEST:
            raise InvalidInput(
                f"{cls.__name__} would be made from itself: its links lead back to it; give one of them.", code="cycle"
            )
        own = {n: v for n, v in known.items() if n in cls.persistents or n in cls.links} | given
        key = (cls, *sorted((n, getattr(v, "object_id", repr(v))) for n, v in own.items()))
        if key in self._made:
            return self._made[key]
        draft = cls.__new__(cls)
        draft._values = {n: (cls.persistents.get(n) or cls.links[n]).check(v) for n, v in own.items()}
        chosen = []
        for name, declared in cls.links.items():
            if name in own or isinstance(declared, ProcessParams | FileLink):
                continue
            value = self.link(draft, name, declared, known, depth)
            if value is None or value == ():
                continue
            draft._values[name] = own[name] = value
            chosen.append(name)
        made = cls(**own)
        made._chosen = tuple(chosen)
        self._made[key] = made
        return made

    def link(
        self, draft: ProcessTarget, name: str, declared: Link[Any], known: Mapping[str, Any], depth: int = 0
    ) -> Any:
        """What a class chooses for one of its links; None for an optional one that nothing is there for."""
        cls = type(draft)
        method = getattr(cls, f"choose_{name}", None)
        if method is not None:
            with calls.untraced():  # nobody calls it to make something: it is asked, also to tell a status
                value = unwrapped(method)(draft, self.survey)
            value = tuple(self.resolved(v) for v in value) if isinstance(value, list | tuple) else self.resolved(value)
            if value is None or value == ():
                if declared.optional:
                    return None
                raise self._nothing(cls, name, declared.target(cls), draft._values)
            self._say(cls, name, value, "chosen by its class")
            return declared.check(value)
        wanted: Any = declared.target(cls)
        context = {**known, **{n: v for n, v in draft._values.items() if n in cls.persistents}}
        found = self.agreeing(wanted, context)
        is_target = issubclass(wanted, ProcessTarget)
        if declared.is_list:
            if is_target:
                found = self._one_for_each(wanted, context, found, depth)
            self._say(cls, name, tuple(found), "all that agree")
            if not found and not declared.optional:
                raise self._nothing(cls, name, wanted, context)
            return tuple(found)
        if found:
            self._say(cls, name, found[-1], f"the newest valid of {len(found)}")
            return found[-1]
        if is_target:
            try:
                made = self.fill(wanted, context, depth + 1)
            except NotFound:
                if declared.optional:
                    return None
                raise
            self._say(cls, name, made, "to be made, there is none")
            return made
        if declared.optional:
            return None
        raise self._nothing(cls, name, wanted, context)

    def resolved(self, value: Any) -> Any:
        """What a class or a user says for an object: a specification is the target that agrees, or one to be made."""
        if isinstance(value, Specification):
            return self.target(value.cls, value.known)
        if isinstance(value, CatalogSpecification):
            of = self.target(value.of.cls, value.of.known)
            return WantedCatalog(source_list=of, wanted=list(value.attributes), criterion=value.where)
        return value

    def chosen_now(self, one: ProcessTarget, name: str) -> Any:
        """What the class would choose today for a link of a stored target."""
        known = {n: getattr(one, n) for n in one.made_from if n in type(one).persistents}
        draft = type(one).__new__(type(one))
        draft._values = {n: one._values[n] for n in one.made_from if n != name and n in one._values}
        return self.link(draft, name, type(one).links[name], known)

    def _one_for_each(self, wanted: Any, known: Mapping[str, Any], there: list[DBObject], depth: int) -> list[DBObject]:
        """Of targets that are each made from one thing: those that are there, and one to be made for each other thing."""
        drives = next((n for n, d in wanted.links.items() if not d.is_list and not d.optional
                       and not isinstance(d, ProcessParams)), None)  # fmt: skip
        if drives is None:
            return there
        found = []
        by_thing = {getattr(one, drives).identity: one for one in there}
        for thing in self.agreeing(wanted.links[drives].target(wanted), known):
            one = by_thing.get(thing.identity)
            found.append(one if one is not None else self.fill(wanted, known, depth + 1, **{drives: thing}))
        return found

    def _candidates(self, cls: DBObjectMeta) -> list[DBObject]:
        if cls not in self._there:
            every = self.survey._of_class(cls, ALL)
            newest: dict[str, DBObject] = {}
            wrong = unfit(self.survey.mapper, every) if every else set()
            for one in every:
                if one.object_id in wrong or one.is_deleted:
                    continue
                known = newest.get(one.identity)
                if known is None or (one.version, one.repeat) > (known.version, known.repeat):
                    newest[one.identity] = one
            self._there[cls] = sorted(newest.values(), key=lambda o: (o.created, o.object_id))
        return self._there[cls]

    def _say(self, cls: type, name: str, value: Any, why: str) -> None:
        what = f"{len(value)} objects" if isinstance(value, tuple | list) else type(value).__name__
        if isinstance(value, DBObject) and value.is_stored:
            what = f"{self.survey.name_of(value) or type(value).__name__}@{value.version}"
        said = f"{cls.__name__}.{name}: {what}, {why}"
        if said not in self.choices:
            self.choices.append(said)

    def _nothing(self, cls: type, name: str, wanted: type, known: Mapping[str, Any]) -> NotFound:
        agreeing = ", ".join(f"{n} = {v}" for n, v in known.items() if n in getattr(wanted, "persistents", {}))
        return NotFound(
            f"There is no {wanted.__name__}{f' with {agreeing}' if agreeing else ''} for {cls.__name__}.{name}; store one, or give "
            f"{name}=.", code="nothing_to_choose", link=f"{cls.__name__}.{name}",
        )  # fmt: skip


class Specification:
    """A target by what is known of it: `.plan()`, `.make()`."""

    def __init__(self, survey: Any, cls: type[ProcessTarget], known: Mapping[str, Any]) -> None:
        self.survey, self.cls, self.known = survey, cls, dict(known)

    def object(self) -> ProcessTarget:
        """The target that agrees, or one to be made."""
        return Chooser(self.survey).target(self.cls, self.known)

    def catalog(self, attributes: Sequence[str], *, where: str = "") -> CatalogSpecification:
        """Of a source list: the catalog that a pull over it gives, for a link to a Source Collection; made with the list."""
        return CatalogSpecification(self, tuple(attributes), where)

    def plan(self) -> Any:
        """What `make` would do."""
        return self.survey.plan(self.object())

    def make(self, *, explain: bool = False, **how: Any) -> Any:
        """Make it, and what it rests on where there is none. explain : print what was chosen, what is made, and why."""
        chooser = Chooser(self.survey)
        target = chooser.target(self.cls, self.known)
        if explain:
            print("\n".join([*chooser.choices, str(self.survey.plan(target))]))
        return self.survey.make(target, **how)

    def __repr__(self) -> str:
        return f"{self.cls.__name__}({', '.join(f'{n}={v!r}' for n, v in self.known.items())})"


@dataclass(frozen=True)
class CatalogSpecification:
    """A catalog by the source list that it is pulled over, its attributes, and a criterion for its sources."""

    of: Specification
    attributes: tuple[str, ...]
    where: str = ""


def changed_choices(chooser: Chooser, one: ProcessTarget) -> list[str]:
    """Links that its class chose, and for which it would choose something else now."""
    found = []
    for name in one.chosen:
        declared = type(one).links.get(name)
        if declared is None or isinstance(declared, ProcessParams) or isinstance(getattr(one, name, None), Parameters):
            continue
        try:
            now = chooser.chosen_now(one, name)
        except NotFound:
            continue  # what it was made from is there
        if isinstance(now, WantedCatalog):
            if not now.is_like(chooser.survey, getattr(one, name, None)):
                found.append(f"another catalog would be pulled for `{name}` now")
            continue
        before = {o.identity for o in one._linked(name)} if getattr(one, name, None) is not None else set()
        after = {o.identity for o in (now if isinstance(now, tuple) else (now,)) if o is not None}
        if not declared.is_list and before != after:
            found.append(f"another one would be chosen for `{name}` now")
        elif new := after - before:
            found.append(f"{len(new)} more {'is' if len(new) == 1 else 'are'} there for `{name}`")
        elif before - after:
            found.append(f"{len(before - after)} of `{name}` would not be chosen now")
    return found


def _agrees(one: DBObject, known: Mapping[str, Any]) -> bool:
    cls = type(one)
    for name, value in known.items():
        if (
            name == DATE
            and isinstance(value, datetime)
            and (VALID_FROM in cls.persistents or VALID_TO in cls.persistents)
        ):
            begin, end = (getattr(one, n, None) for n in (VALID_FROM, VALID_TO))
            if (begin is not None and value < begin) or (end is not None and value >= end):
                return False
        elif name in cls.persistents:
            if getattr(one, name, None) != cls.persistents[name].check(value):
                return False
        elif name in cls.links and isinstance(value, DBObject):
            linked = one._values.get(name)
            if getattr(linked, "object_id", None) != value.object_id and (
                not value.is_stored or getattr(getattr(one, name, None), "identity", None) != value.identity
            ):
                return False
    return True


def _check_known(cls: type[ProcessTarget], known: Mapping[str, Any]) -> None:
    """Every name belongs to the class, or to one that its links lead to."""
    names: set[str] = {DATE}
    todo, seen = [cls], set()
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        names |= set(one.persistents) | set(one.links)
        todo += [d.target(one) for d in one.links.values()]
    for name in known:
        if name not in names:
            raise InvalidInput(
                f"Neither {cls.__name__} nor what it is made from has a property {name!r}; {nearest(name, sorted(names), most=40)}",
                code="unknown_property",
            )
