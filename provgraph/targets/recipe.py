"""A recipe: the workflow that made an object, without the objects that it was made of; one file that can be shared."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from provgraph.errors import InvalidInput, NotFound, a
from provgraph.schema import keys

if TYPE_CHECKING:
    from provgraph.targets.make import Plan
    from provgraph.targets.recipe_diff import RecipeDifference

FORMAT, VERSION = "provgraph recipe", 1
VALUE, OBJECT = "value", "object"
START = "start"  # the link of a pull
SHOWN = 12  # hexadecimal digits of a digest that a person reads


class RecipeWarning(UserWarning):
    """A recipe that is followed with other code or other defaults than it was recorded with."""


@dataclass(frozen=True)
class Input:
    """What a recipe has to be given.

    name : the link that leads to it, ``frames.raw`` where several are called so. cls, module : class of the objects; for a
    value its kind. each : lists of steps that it is given one by one for, the outermost first. many : a list for each of
    these. kind : ``object`` or ``value``. used_as : ``step.link`` of all that it is.
    """

    name: str
    cls: str
    module: str = ""
    each: tuple[str, ...] = ()
    many: bool = False
    kind: str = OBJECT
    used_as: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """How deep its list is: 0 for one thing, 2 for a list of lists."""
        return len(self.each) + self.many

    @property
    def wanted(self) -> str:
        """``a list of RawFrame``"""
        return "a list of " + "lists of " * (self.depth - 1) + self.cls if self.depth else a(self.cls)


@dataclass(frozen=True)
class CodeUsed:
    """The code of a make(): what it is, and where it came from."""

    name: str
    digest: str
    module: str = ""
    distribution: str = ""
    commit: str = ""
    dirty: bool = False

    @property
    def origin(self) -> str:
        """``pipeline==1.2, commit 0123abc``; '' where nobody knows."""
        commit = f"commit {self.commit[:SHOWN]}{' and changes after it' if self.dirty else ''}" if self.commit else ""
        return ", ".join(part for part in (self.distribution, commit) if part)


@dataclass(frozen=True)
class ParametersUsed:
    """Process parameters: all their values, as they are stored. defaults : those that were the defaults of the class."""

    cls: str
    module: str
    values: Mapping[str, Any]
    defaults: tuple[str, ...] = ()


@dataclass(frozen=True)
class PullUsed:
    """A catalog that is pulled: what it should contain."""

    attributes: tuple[str, ...]
    where: str = ""
    parameters: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __str__(self) -> str:
        return ", ".join(self.attributes) + (f" where {self.where}" if self.where else "")


@dataclass(frozen=True)
class Step:
    """One thing that is made.

    name : the link that leads to it. each : lists of steps that it is one of, the outermost first; it is made once for each
    element. links : by name of the link, the step or input that it is, or those whose results make up the list.
    values : what was given, as it is stored. values_from : inputs that give values. parameters : by link.
    """

    name: str
    cls: str
    module: str = ""
    each: tuple[str, ...] = ()
    links: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    values_from: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, ParametersUsed] = field(default_factory=dict)
    code: CodeUsed | None = None
    pull: PullUsed | None = None

    def references(self) -> Iterator[tuple[str, str, bool]]:
        """(link, name of a step or input, whether it is part of a list)."""
        for link, value in self.links.items():
            if isinstance(value, str):
                yield link, value, False
            else:
                yield from ((link, one, True) for one in value)


@dataclass(frozen=True)
class Recipe:
    """The workflow that made an object: its steps, dependencies first, the object the last; and what it has to be given.

    Two recipes are the same that have one digest: the same steps of the same code and parameters, joined in the same way.
    Values that were given, such as the name of a field, are kept, and do not count. times : how many objects were made so,
    where that was asked.
    """

    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]
    survey: Any = field(default=None, compare=False, repr=False)
    times: int = field(default=0, compare=False, repr=False)

    @property
    def target(self) -> Step:
        return self.steps[-1]

    @property
    def digest(self) -> str:
        """``sha256:…``"""
        steps = [
            [s.name, s.cls, s.each, {n: v if isinstance(v, str) else list(v) for n, v in s.links.items()},
             sorted({*s.values, *s.values_from}), {n: [p.cls, _exact(p.values)] for n, p in s.parameters.items()},
             s.code.digest if s.code else "", _pull(s.pull)]
            for s in sorted(self.steps, key=lambda s: s.name)
        ]  # fmt: skip
        given = sorted([i.name, i.cls, list(i.each), i.many] for i in self.inputs if i.kind == OBJECT)
        return "sha256:" + keys.sha256([given, steps])

    # -- following it ------------------------------------------------------------------------------------------------------

    def run(self, given: Mapping[str, Any] | None = None, /, *, survey: Any = None, as_recorded: bool = False, jobs: int = 1,
            keep_going: bool = False, progress: Any = None, **named: Any) -> Any:  # fmt: skip
        """Make what the recipe makes, of other inputs: ``recipe.run(raw=frames, sigma=2.5)``. What exists is found.

        named, given : inputs by name, objects or names of objects; process parameters and values, ``sigma`` or
        ``frames.sigma``; and steps, an object in place of what the step would make. survey : else that of the recipe, or the
        one in use. as_recorded : only with the code that the recipe was recorded with; otherwise a RecipeWarning says where
        it is other code. jobs, keep_going, progress : as `Survey.make`.

        Raises
        ------
        InvalidInput : ``input_missing``, ``input_unknown``, ``input_class``, ``input_ambiguous``, ``input_lengths``.
        NotFound : ``class_missing``, ``code_missing``. And what making raises.
        """
        from provgraph.targets.recipe_run import Following

        following = Following(self, survey, {**(given or {}), **named}, as_recorded=as_recorded)
        return following.run(jobs=jobs, keep_going=keep_going, progress=progress)

    def plan(self, given: Mapping[str, Any] | None = None, /, *, survey: Any = None, as_recorded: bool = False,
             **named: Any) -> Plan:  # fmt: skip
        """What `run` would make, and why; where code is other than that of the recipe, a RecipeWarning says so."""
        from provgraph.targets.recipe_run import Following

        return Following(self, survey, {**(given or {}), **named}, as_recorded=as_recorded).plan()

    def differences_here(self) -> list[str]:
        """Where the code and the defaults that are here are not those of the recipe, a sentence each."""
        from provgraph.targets.recipe_run import differences_here

        return [sentence for _, sentence in differences_here(self)]

    def diff(self, other: Recipe) -> RecipeDifference:
        """What another recipe does differently: print it, or walk through it; true where there is a difference."""
        from provgraph.targets.recipe_diff import compare

        return compare(self, other)

    # -- as a file ---------------------------------------------------------------------------------------------------------

    def as_dict(self) -> dict[str, Any]:
        """As it is written: plain values, what says nothing left out."""
        return {
            "format": FORMAT, "version": VERSION,
            "inputs": [_without_empty({
                "name": i.name, "class": i.cls, "module": i.module, "kind": i.kind if i.kind != OBJECT else "",
                "each": list(i.each), "many": i.many, "used_as": list(i.used_as),
            }) for i in self.inputs],
            "steps": [_step(s) for s in self.steps],
        }  # fmt: skip

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a file that `provgraph.read_recipe` reads, JSON."""
        from provgraph.export.tables.files import replacing

        target = Path(path)
        if not target.parent.is_dir():
            raise NotFound(
                f"There is no directory {target.parent} to write {target.name} to.", code="directory_missing"
            )
        with replacing(target) as part:
            part.write_text(
                json.dumps(self.as_dict(), ensure_ascii=False, indent=2, allow_nan=False) + "\n", encoding="utf-8"
            )
        return target

    # -- to read -----------------------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        times = f", {self.times} made so" if self.times else ""
        lines = [f"recipe of {self.target.cls}  ({short(self.digest)}{times})", "given"]
        lines += _columns([[i.name, i.wanted] for i in self.inputs]) or ["  nothing"]
        lines += ["made", *_columns([[s.name, _said(s)] for s in self.steps])]
        told = [[s.code.name, short(s.code.digest), s.code.origin] for s in self.steps if s.code]
        if told:
            lines += ["code", *_columns(list({tuple(row): row for row in told}.values()))]
        return "\n".join(lines)

    def __repr__(self) -> str:
        given = ", ".join(i.name for i in self.inputs)
        return f"<Recipe of {self.target.cls}: {len(self.steps)} steps, given {given or 'nothing'}>"


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """A recipe from a file that `Recipe.write` wrote. Nothing in the file is run, and no module is imported.

    Raises
    ------
    NotFound : ``file_missing``. InvalidInput : ``recipe_unreadable``, ``recipe_too_new``.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.", code="file_missing", path=str(path)) from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, "it is not text") from error
    try:
        plain = json.loads(text)
    except ValueError as error:
        raise _unreadable(path, f"it is not JSON ({error})") from error
    return from_dict(plain, path)


def from_dict(plain: Any, source: str | os.PathLike[str] = "the recipe") -> Recipe:
    """A recipe from what `Recipe.as_dict` gives."""
    if not isinstance(plain, Mapping) or plain.get("format") != FORMAT:
        raise _unreadable(source, f'it does not begin with "format": "{FORMAT}"')
    if plain.get("version") != VERSION:
        raise InvalidInput(
            f"{source} is a recipe of version {plain.get('version')!r}, and this provgraph reads version {VERSION}; install a "
            "newer one.",
            code="recipe_too_new",
        )
    try:
        recipe = Recipe(tuple(map(_input, plain["inputs"])), tuple(map(_step_read, plain["steps"])))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise _unreadable(source, what) from error
    _check(recipe, source)
    return recipe


def short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:SHOWN]


def merged(recipes: Iterable[Recipe], survey: Any) -> Recipe:
    """One recipe for several of one digest; values in which they differ have to be given."""
    every = list(recipes)
    wired = max(every, key=lambda r: sum(len(s.values_from) for s in r.steps))
    inputs, steps = list(wired.inputs), []
    taken = {i.name for i in wired.inputs} | {s.name for s in wired.steps}
    named = [{s.name: s for s in r.steps} for r in every]
    for step in wired.steps:
        values, values_from = dict(step.values), dict(step.values_from)
        for name in step.values:
            if len({keys.canonical_json(steps_of[step.name].values.get(name)) for steps_of in named}) > 1:
                called = free_name([name, f"{step.name}.{name}"], taken)
                inputs.append(
                    Input(called, kind_of_value(values.pop(name)), kind=VALUE, used_as=(f"{step.name}.{name}",))
                )
                values_from[name] = called
        steps.append(replace(step, values=values, values_from=values_from))
    return Recipe(tuple(inputs), tuple(steps), survey, len(every))


def free_name(wanted: Iterable[str], taken: set[str]) -> str:
    """The first of some names that nothing has; else the last of them with a number."""
    names = list(wanted)
    found = next(n for n in chain(names, (f"{names[-1]}_{k}" for k in count(2))) if n not in taken)
    taken.add(found)
    return found


def kind_of_value(value: Any) -> str:
    return f"list[{kind_of_value(value[0])}]" if isinstance(value, list) and value else type(value).__name__


# -- plain values --------------------------------------------------------------------------------------------------------------


def plain_value(value: Any) -> Any:
    """A stored value as JSON has it; what JSON cannot say as ``{"float": "nan"}``."""
    if isinstance(value, list | tuple):
        return [plain_value(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


def stored_value(value: Any) -> Any:
    """What `plain_value` made plain, as it is stored."""
    if isinstance(value, list):
        return [stored_value(v) for v in value]
    return float(value["float"]) if isinstance(value, Mapping) else value


def _exact(values: Mapping[str, Any]) -> dict[str, Any]:
    return {n: v.hex() if isinstance(v, float) else v for n, v in values.items()}


def _without_empty(data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in data.items() if v not in ("", [], {}, None, False)}


def _pull(pull: PullUsed | None) -> Any:
    if pull is None:
        return None
    return _without_empty(
        {
            "attributes": list(pull.attributes),
            "where": pull.where,
            "parameters": {n: dict(v) for n, v in pull.parameters.items()},
        }
    )


def _step(step: Step) -> dict[str, Any]:
    code = step.code
    return _without_empty({
        "name": step.name, "class": step.cls, "module": step.module, "each": list(step.each),
        "links": {n: v if isinstance(v, str) else list(v) for n, v in step.links.items()},
        "values": dict(step.values), "values_from": dict(step.values_from),
        "parameters": {n: _without_empty({
            "class": p.cls, "module": p.module, "values": dict(p.values), "defaults": list(p.defaults)
        }) for n, p in step.parameters.items()},
        "code": _without_empty({
            "name": code.name, "digest": code.digest, "module": code.module, "distribution": code.distribution,
            "commit": code.commit, "dirty": code.dirty,
        }) if code else None,
        "pull": _pull(step.pull),
    })  # fmt: skip


def _input(plain: Any) -> Input:
    return Input(
        _text(plain, "name", need=True), _text(plain, "class", need=True), _text(plain, "module"), _texts(plain, "each"),
        bool(plain.get("many", False)), _text(plain, "kind") or OBJECT, _texts(plain, "used_as"),
    )  # fmt: skip


def _step_read(plain: Any) -> Step:
    code, pull = plain.get("code"), plain.get("pull")
    return Step(
        _text(plain, "name", need=True), _text(plain, "class", need=True), _text(plain, "module"), _texts(plain, "each"),
        {n: v if isinstance(v, str) else _texts(plain["links"], n) for n, v in _mapping(plain, "links").items()},
        _mapping(plain, "values"), {n: _text(plain["values_from"], n) for n in _mapping(plain, "values_from")},
        {n: ParametersUsed(_text(p, "class", need=True), _text(p, "module"), _mapping(p, "values"), _texts(p, "defaults"))
         for n, p in _mapping(plain, "parameters").items()},
        CodeUsed(
            _text(code, "name"), _text(code, "digest"), _text(code, "module"), _text(code, "distribution"), _text(code, "commit"),
            bool(code.get("dirty", False)),
        ) if code else None,
        PullUsed(_texts(pull, "attributes"), _text(pull, "where"), _mapping(pull, "parameters")) if pull else None,
    )  # fmt: skip


def _text(plain: Mapping[str, Any], key: str, *, need: bool = False) -> str:
    value = plain[key] if need else plain.get(key, "")
    if not isinstance(value, str) or (need and not value):
        raise TypeError(f"{key!r} is a text, not {value!r}")
    return value


def _texts(plain: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = plain.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise TypeError(f"{key!r} is a list of names, not {value!r}")
    return tuple(value)


def _mapping(plain: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = plain.get(key, {})
    if not isinstance(value, Mapping):
        raise TypeError(f"{key!r} is an object, not {value!r}")
    return dict(value)


def _check(recipe: Recipe, source: Any) -> None:
    """Steps refer to inputs and to steps before them, from where these can be referred to."""
    if not recipe.steps:
        raise _unreadable(source, "it has no steps")
    if recipe.target.each:
        raise _unreadable(source, f"its last step, {recipe.target.name!r}, is made several times")
    there: dict[str, tuple[str, ...]] = {}
    every: tuple[Input | Step, ...] = (*recipe.inputs, *recipe.steps)
    for one in every:
        if one.name in there:
            raise _unreadable(source, f"two things in it are called {one.name!r}")
        if isinstance(one, Step):
            values = ((n, v, False) for n, v in one.values_from.items())
            for link, name, in_list in (*one.references(), *values):
                if name not in there:
                    raise _unreadable(source, f"{one.name}.{link} is {name!r}, which is no input and no step before it")
                if not in_list and there[name] != one.each[: len(there[name])]:
                    raise _unreadable(source, f"{one.name}.{link} is one thing, and {name!r} gives several")
        there[one.name] = one.each


def _unreadable(source: Any, why: str) -> InvalidInput:
    return InvalidInput(
        f"{source} is not a recipe that can be read: {why}.", code="recipe_unreadable", path=str(source)
    )


# -- text ----------------------------------------------------------------------------------------------------------------------

_INDENT: Final = "  "


def _said(step: Step) -> str:
    """``each raw: ReducedFrame(raw=raw, flat=flat, sigma=3.0)``"""
    given = [f"{n}={v if isinstance(v, str) else ', '.join(v) if len(v) == 1 else '[' + ', '.join(v) + ']'}"
             for n, v in step.links.items()]  # fmt: skip
    given += [f"{n}={stored_value(v)!r}" for n, v in step.values.items()]
    given += [f"{n}={name}" for n, name in step.values_from.items()]
    for p in step.parameters.values():
        given += [f"{n}={stored_value(v)!r}{' by default' if n in p.defaults else ''}" for n, v in p.values.items()]
    around = [e for e in reversed(step.each) if e != step.name]
    each = "each " if step.each and len(around) < len(step.each) else ""
    each += "".join(f"of each of {e} " if each or n else f"each of {e} " for n, e in enumerate(around))
    each = f"{each.strip()}: " if each else ""
    what = f"pull {step.pull} from {step.links.get(START)}" if step.pull else f"{step.cls}({', '.join(given)})"
    return each + what


def _columns(rows: list[Any]) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))] if rows else []
    return [_INDENT + _INDENT.join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
