"""Following a recipe: its steps as targets to be made of what was given, and made as any other targets are."""

from __future__ import annotations

import json
import types
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provgraph.errors import InvalidInput, NotFound, UsageError, a, nearest
from provgraph.graph.mapper import Batch
from provgraph.schema import calls
from provgraph.schema.calls import Function
from provgraph.schema.files import CodeVersion
from provgraph.schema.meta import class_called
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import REQUIRED
from provgraph.schema.target import ProcessTarget, must_be_target
from provgraph.targets.catalogs import WantedCatalog
from provgraph.targets.make import Plan
from provgraph.targets.recipe import OBJECT, START, Input, Recipe, RecipeWarning, Step, stored_value
from provgraph.targets.tree import make_code
from provgraph.trace import calls as traced

KEPT = 64 * 1024  # characters of a recipe that the graph keeps
Index = tuple[int, ...]


class Following:
    """One recipe, to be followed once in one survey with what was given."""

    def __init__(self, recipe: Recipe, survey: Any, given: Mapping[str, Any], *, as_recorded: bool = False) -> None:
        self.recipe = recipe
        self.survey = _survey(recipe, survey)
        self.steps = {s.name: s for s in recipe.steps}
        self.inputs = {i.name: i for i in recipe.inputs}
        self.given: dict[str, Any] = {}  # by name of an input or a step: objects or values, in lists as deep as wanted
        self.parameters: dict[tuple[str, str], Any] = {}  # by step and name
        self.values: dict[tuple[str, str], Any] = {}
        self._made: dict[tuple[Any, ...], Any] = {}
        self._take(given)
        self.needed = self._needed()
        self._check_given()
        for step, sentence in differences_here(recipe, self.needed):
            code = step.code
            if as_recorded and code is not None:
                where = f"install {code.origin}" if code.origin else "nobody recorded where it came from"
                raise NotFound(
                    f"{sentence[:-1]}; {where}, or leave out as_recorded.", code="code_missing", step=step.name
                )
            warnings.warn(sentence, RecipeWarning, stacklevel=3)

    # -- what was given ----------------------------------------------------------------------------------------------------

    def _take(self, given: Mapping[str, Any]) -> None:
        settable = _settable(self.recipe)
        also = {used: i.name for i in self.recipe.inputs for used in i.used_as}
        for said, value in given.items():
            name = said if said in self.inputs else also.get(said, said)
            if name in self.inputs or name in self.steps:
                self.given[name] = self._given(name, value)
                continue
            found = settable.get(name, [])
            if len(found) == 1:
                kind, step, own = found[0]
                (self.parameters if kind == "parameter" else self.values)[step, own] = value
            elif found:
                several = ", ".join(f"{step}.{own}" for _, step, own in found)
                raise InvalidInput(
                    f"{name!r} is one of several: {several}; say which.", code="input_ambiguous", name=name
                )
            else:
                known = [*self.inputs, *self.steps, *(n for n, some in settable.items() if len(some) == 1)]
                raise InvalidInput(
                    f"The recipe of {self.recipe.target.cls} has nothing called {name!r}; {nearest(name, known, most=40)}",
                    code="input_unknown", name=name,
                )  # fmt: skip

    def _given(self, name: str, value: Any) -> Any:
        """What was given for an input or in place of a step, in lists as deep as the recipe has them, each thing checked."""
        known = self.inputs.get(name)
        if known is None:
            step = self.steps[name]
            known = Input(name, step.cls, step.module, step.each)
        return self._nested(known, value, known.depth)

    def _nested(self, known: Input, value: Any, depth: int) -> Any:
        is_one = isinstance(value, DBObject | str) or (known.kind != OBJECT and not isinstance(value, list | tuple))
        if depth and is_one:
            if depth > 1 or known.kind != OBJECT:
                raise _refused(known, value)
            value = [value]
        if depth:
            if not isinstance(value, Iterable):
                raise _refused(known, value)
            return [self._nested(known, v, depth - 1) for v in value]
        if known.kind != OBJECT:
            return value
        one = self.survey.get(value) if isinstance(value, str) else value
        wanted = class_called(known.cls)
        if not isinstance(one, DBObject) or (wanted is not None and not isinstance(one, wanted)):
            raise _refused(known, one)
        return one

    def _needed(self) -> list[Step]:
        """The steps that are made, dependencies first: not those that something was given for, nor what only they need."""
        wanted = {self.recipe.target.name}
        found = []
        for step in reversed(self.recipe.steps):
            if step.name in wanted and step.name not in self.given:
                found.append(step)
                wanted |= {name for _, name, _ in step.references()} | set(step.values_from.values())
        missing = [i for i in self.recipe.inputs if i.name in wanted and i.name not in self.given]
        if missing:
            what = "; ".join(
                f"`{i.name}`, {i.wanted} for {' and '.join(i.used_as) or self.recipe.target.name}" for i in missing
            )
            raise InvalidInput(
                f"The recipe of {self.recipe.target.cls} needs {what}; give {'it' if len(missing) == 1 else 'them'} by name.",
                code="input_missing", names=[i.name for i in missing],
            )  # fmt: skip
        return found[::-1]

    def _check_given(self) -> None:
        there = {s.name for s in self.needed}
        for step, name in (*self.parameters, *self.values):
            if step not in there:
                raise InvalidInput(
                    f"`{step}.{name}` would change nothing, as `{step}` is not made.", code="input_unknown", name=name
                )

    # -- as targets --------------------------------------------------------------------------------------------------------

    def target(self, *, create: bool) -> DBObject:
        """The object to be made, with all that it is to be made of. create : store the collections that are pulled for it."""
        made: dict[tuple[str, Index], DBObject] = {}
        for step in self.needed:
            for index in self._indices(step.each):
                made[step.name, index] = self._object(step, index, made, create=create)
        found = self.given.get(self.recipe.target.name, made.get((self.recipe.target.name, ())))
        assert isinstance(found, DBObject)
        return found

    def _indices(self, each: tuple[str, ...], index: Index = ()) -> Iterator[Index]:
        """Where in the lists around it a step is made."""
        if len(index) == len(each):
            yield index
            return
        for n in range(self._size(each[: len(index) + 1], index)):
            yield from self._indices(each, (*index, n))

    def _size(self, each: tuple[str, ...], index: Index) -> int:
        """How many elements a list has, as said by what is given for its elements."""
        sizes: dict[int, str] = {}
        for name, value in self.given.items():
            known = self.inputs.get(name) or self.steps[name]
            if known.each[: len(each)] == each and not self._is_idle(name):
                sizes.setdefault(len(self._at(value, index)), name)
        if len(sizes) > 1:
            told = " and ".join(f"{size} of `{name}`" for size, name in sorted(sizes.items()))
            raise InvalidInput(
                f"One of each goes together, and there are {told}.", code="input_lengths", lengths=list(sizes)
            )
        return next(iter(sizes), 1)

    def _is_idle(self, name: str) -> bool:
        """Whether something that was given is for steps only that are not made."""
        return not any(name in {n for _, n, _ in s.references()} | set(s.values_from.values()) for s in self.needed)

    def _object(
        self, step: Step, index: Index, made: Mapping[tuple[str, Index], DBObject], *, create: bool
    ) -> DBObject:
        links: dict[str, Any] = {}
        for link, value in step.links.items():
            if isinstance(value, str):
                (links[link],) = self._results(value, step, index, made)
            else:
                links[link] = tuple(o for name in value for o in self._results(name, step, index, made))
        if step.pull is not None:
            return self._pulled(step, links, create=create)
        cls = _class(step)
        values = {n: _decoded(cls, n, stored_value(v)) for n, v in step.values.items()}
        for name, source in step.values_from.items():
            values[name] = self._at(self.given[source], index[: len(self.inputs[source].each)])
        values |= {n: v for (of, n), v in self.values.items() if of == step.name}
        values = {n: _taken(cls, n, v) for n, v in values.items()}
        values |= self._parameters(step)
        # The same of the same is one object: elements that share what they are made of share what is made of it.
        ids = [[o.object_id for o in (v if isinstance(v, tuple) else (v,))] for v in links.values()]
        key = (step.name, repr(ids), repr(values))
        if key not in self._made:
            self._made[key] = cls(**links, **values)
        found: DBObject = self._made[key]
        return found

    def _results(
        self, name: str, step: Step, index: Index, made: Mapping[tuple[str, Index], DBObject]
    ) -> Iterator[DBObject]:
        """What an input or a step gives to a step: from inside a list around both one, of a list that it is not in all."""
        known = self.inputs.get(name) or self.steps[name]
        shared = 0
        while shared < min(len(known.each), len(index)) and known.each[shared] == step.each[shared]:
            shared += 1
        if name in self.given:
            yield from _flat(self._at(self.given[name], index[:shared]))
        else:
            for at in self._indices(known.each, index[:shared]):
                yield made[name, at]

    @staticmethod
    def _at(value: Any, index: Index) -> Any:
        for n in index:
            value = value[n]
        return value

    def _parameters(self, step: Step) -> dict[str, Any]:
        """Process parameters by link. Where all are the defaults of here too, the class gives them, as it does by hand."""
        found = {}
        for link, used in step.parameters.items():
            cls = _named(used.cls, used.module, step)
            values = {n: _decoded(cls, n, stored_value(v)) for n, v in used.values.items()}
            changed = {
                n: _taken(cls, n, v) for (of, n), v in self.parameters.items() if of == step.name and n in values
            }
            if not changed and set(used.defaults) == set(values) and not _other_defaults(step, link, cls):
                continue
            found[link] = cls(**values | changed)
        return found

    def _pulled(self, step: Step, links: Mapping[str, Any], *, create: bool) -> DBObject:
        assert step.pull is not None
        start, pull = links[START], step.pull
        key = (step.name, start.object_id)
        if key not in self._made:
            if isinstance(start, ProcessTarget) and not pull.parameters:
                found: Any = WantedCatalog(source_list=start, wanted=list(pull.attributes), criterion=pull.where)
            else:
                start = self._collection(start, step, create=create)
                attributes = list(pull.attributes)
                found = self.survey.pull(
                    start, attributes, where=pull.where, parameters=pull.parameters, create=create
                ).result
            self._made[key] = found
        pulled: DBObject = self._made[key]
        return pulled

    def _collection(self, start: DBObject, step: Step, *, create: bool) -> DBObject:
        """What can be pulled from: of a source list that is not made yet, and of what will be pulled from one, when it is made."""
        if not isinstance(start, ProcessTarget | WantedCatalog):
            return start
        if not create:
            raise InvalidInput(
                f"What follows `{step.name}` is known when its source list is made; make that, or run the recipe.",
                code="plan_unknown",
            )  # fmt: skip
        if isinstance(start, ProcessTarget):
            made: DBObject = self.survey.wrap(self.survey.make(start))
            return made
        wrapped = self.survey.wrap(self.survey.make(start.source_list))
        pulled: DBObject = self.survey.pull(wrapped, list(start.wanted), where=start.criterion).result
        return pulled

    # -- making ------------------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        with calls.using(self.survey), calls.untraced():
            plan: Plan = self.survey.plan(must_be_target(self.target(create=False)))
        return plan

    def run(self, **how: Any) -> Any:
        """Make it; the calls that this takes are recorded as those of one call that had the recipe as its plan."""
        survey, recipe = self.survey, self.recipe
        function = Function("Recipe", "run", Recipe.run, False, ("given",), {}, 1, "", "", frozenset())
        with calls.using(survey):
            call = survey.tracer.hold(function, {n: v for n, v in self.given.items() if n in self.inputs})
            call.plan = version_of(recipe)
            call.used = [("input", o) for n, v in self.given.items() for o in _flat(v) if isinstance(o, DBObject)]
            try:
                with calls.inside(call):
                    made = survey.make(must_be_target(self.target(create=True)), **how)
            except BaseException as error:
                survey.tracer.fail(call, error)
                raise
            else:
                survey.tracer.end(call, made)
            finally:
                batch = Batch()
                some = survey.tracer.take(call)
                traced.add(batch, some, survey.mapper)
                survey.mapper.write(batch)
                survey.tracer.written(some)
        return made


def version_of(recipe: Recipe) -> CodeVersion:
    """A recipe as the graph keeps it: what it made is ``survey.made_by("recipe of Coadd")``."""
    text = json.dumps(recipe.as_dict(), ensure_ascii=False, separators=(",", ":"))
    return CodeVersion(name=f"recipe of {recipe.target.cls}", module="recipe", digest=recipe.digest,
                       text=text if len(text) <= KEPT else "")  # fmt: skip


def differences_here(recipe: Recipe, steps: Iterable[Step] | None = None) -> list[tuple[Step, str]]:
    """Steps whose code, or the defaults of whose parameters, are others here, a sentence each. NotFound ``class_missing``."""
    found = []
    for step in recipe.steps if steps is None else steps:
        if step.pull is not None:
            continue
        cls = _class(step)
        code = step.code
        if code is not None and make_code(cls).digest != code.digest:
            origin = f" ({code.origin})" if code.origin else ""
            found.append((step, f"`{code.name}` is other code here than that of the recipe{origin}."))
        for link, used in step.parameters.items():
            for name, then, now in _other_defaults(step, link, _named(used.cls, used.module, step)):
                found.append((step, f"The default of `{step.name}.{name}` is {now} here; the recipe has {then}."))
    return found


def _other_defaults(step: Step, link: str, cls: Any) -> list[tuple[str, Any, Any]]:
    """(name, value of the recipe, value here) of parameters that were the defaults of their class, which has others here."""
    used = step.parameters[link]
    found = []
    for name in used.defaults:
        declared = cls.persistents.get(name)
        if declared is None or declared.default is REQUIRED:
            continue
        now = declared.default() if isinstance(declared.default, types.FunctionType | type) else declared.default
        kept = now if now is None else declared.encode(declared.check(now))
        if kept != (then := stored_value(used.values[name])):
            found.append((name, then, kept))
    return found


def _survey(recipe: Recipe, survey: Any) -> Any:
    if survey is not None:
        return survey
    own = recipe.survey if recipe.survey is not None and not recipe.survey.is_closed else None
    used = calls.survey_in_use()
    if own is not None and used is not None and own is not used:
        raise UsageError(f"The recipe is of {own!r}, and {used!r} is in use; say survey=.", code="no_survey")
    if own is None and used is None:
        raise UsageError("No survey is in use; follow recipes inside 'with survey:', or say survey=.", code="no_survey")
    return own or used


def _settable(recipe: Recipe) -> dict[str, list[tuple[str, str, str]]]:
    """Parameters and values by the names that can be said: (kind, step, name)."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for step in recipe.steps:
        own = [("parameter", n) for p in step.parameters.values() for n in p.values]
        own += [("value", n) for n in step.values]
        for kind, name in own:
            for said in (name, f"{step.name}.{name}"):
                found.setdefault(said, []).append((kind, step.name, name))
    return found


def _class(step: Step) -> Any:
    return _named(step.cls, step.module, step)


def _named(name: str, module: str, step: Step) -> Any:
    cls = class_called(name)
    if cls is None:
        origin = f" ({step.code.origin})" if step.code and step.code.origin else ""
        raise NotFound(
            f"`{step.name}` needs the class {name}, which is not here; import {f'the module {module}' if module else 'the module'} "
            f"that has it{origin}.", code="class_missing", cls=name, module=module,
        )  # fmt: skip
    return cls


def _decoded(cls: Any, name: str, value: Any) -> Any:
    declared = cls.persistents.get(name)
    return value if declared is None else declared.decode(value)


def _taken(cls: Any, name: str, value: Any) -> Any:
    """A value as somebody gives it; of what is kept as text, such as a time, the text serves too."""
    declared = cls.persistents.get(name)
    if declared is None or not isinstance(value, str) or declared.is_list or declared.kind.stored is not str:
        return value
    try:
        return declared.check(value)
    except InvalidInput:
        try:
            return declared.decode(value)
        except ValueError:
            return value  # which the class will refuse


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _flat(one)
    else:
        yield value


def _refused(known: Input, value: Any) -> InvalidInput:
    return InvalidInput(
        f"`{known.name}` takes {known.wanted}, not {_shown(value)}.", code="input_class", name=known.name
    )


def _shown(value: Any) -> str:
    if isinstance(value, DBObject):
        return a(type(value).__name__)
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."
