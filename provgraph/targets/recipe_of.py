"""The recipe of an object: how it and what it rests on was made, inputs in place of what nobody made, one step for many alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provgraph.errors import InvalidInput, NotFound
from provgraph.resolver.why import pulled
from provgraph.schema import keys
from provgraph.schema.collection import SourceCollection
from provgraph.schema.objects import DBObject
from provgraph.schema.operators import SourceListWrapper
from provgraph.schema.stand_in import is_stand_in
from provgraph.schema.target import Parameters, ProcessParams, ProcessTarget
from provgraph.targets.recipe import (
    START,
    VALUE,
    CodeUsed,
    Input,
    ParametersUsed,
    PullUsed,
    Recipe,
    Step,
    free_name,
    kind_of_value,
    merged,
    plain_value,
)

DEEPEST = 200  # steps in a row
RAW = "input"  # the shape of what nobody made


def recipe_of(survey: Any, one: DBObject) -> Recipe:
    """The workflow that made an object. NotFound ``not_made`` for one that no make() made."""
    if not _is_made(one):
        raise NotFound(
            f"This {type(one).__name__} was not made by a make(), so there is no recipe of it.", code="not_made"
        )
    return _Abstraction(Made(survey, [one]), one).recipe(survey)


def recipes_producing(survey: Any, objects: Sequence[DBObject]) -> list[Recipe]:
    """The distinct recipes of some objects, the most frequent first."""
    wanted = [o for o in objects if _is_made(o) and not o.is_deleted]
    made = Made(survey, wanted)
    found: dict[str, list[Recipe]] = {}
    for one in wanted:
        recipe = _Abstraction(made, one).recipe(survey)
        found.setdefault(recipe.digest, []).append(recipe)
    return sorted((merged(some, survey) for some in found.values()), key=lambda r: -r.times)


def _is_made(one: DBObject) -> bool:
    return one.is_stored and isinstance(one, ProcessTarget) and bool(one.lineage_key)


class Made:
    """Made objects with all that they were made from, level by level: a few statements for each, however many they are."""

    def __init__(self, survey: Any, roots: Iterable[DBObject]) -> None:
        self.mapper = survey.mapper
        self.objects: dict[str, DBObject] = {}
        self.pulls: dict[str, PullUsed] = {}
        self.starts: dict[str, str] = {}
        self._parameters: set[str] = set()  # of classes that are not here
        self._shapes: dict[str, str] = {}
        self._up: dict[str, frozenset[str]] = {}
        self._links: dict[str, dict[str, tuple[DBObject, ...]]] = {}
        self._code: dict[str, CodeUsed] = {}
        level = list(roots)
        while level:
            fresh = {o.object_id: o for o in level if o.object_id not in self.objects}
            self.objects |= fresh
            self._read_pulls([o for o in fresh.values() if isinstance(o, SourceCollection)])
            self._read_kinds([o for o in fresh.values() if is_stand_in(type(o)) and not _is_made(o)])
            below = [i for o in fresh.values() for _, some in self._ids(o) for i in some]
            level = self.mapper.many([i for i in dict.fromkeys(below) if i not in self.objects])
        ids = [i for i, o in self.objects.items() if _is_made(o)]
        rows = self.mapper.read("made_with", ids=ids) if ids else []
        self.code = {row["made"]: row for row in rows}  # the last call that made it

    def _read_pulls(self, collections: Sequence[SourceCollection]) -> None:
        """What was asked. The result of a pull that was overruled, by things of this survey, is an input as it is."""
        if not collections:
            return
        about: dict[str, list[Any]] = {}
        for note in self.mapper.read("notes_about", ids=[c.object_id for c in collections]):
            about.setdefault(note["about"], []).append(note)
        for object_id, notes in about.items():
            if not (every := pulled(notes)):
                continue
            request = every[-1].request
            parameters = request.get("parameters", {})
            numbers = all(isinstance(v, int | float) for some in parameters.values() for v in some.values())
            if request["start"] != object_id and numbers and not request.get("use") and not request.get("avoid"):
                self.pulls[object_id] = PullUsed(tuple(request["attributes"]), request.get("where", ""), parameters)
                self.starts[object_id] = request["start"]

    def _read_kinds(self, unknown: Sequence[DBObject]) -> None:
        """Which objects of classes that are not here are process parameters."""
        rows = self.mapper.read("labels_by_id", ids=[o.object_id for o in unknown]) if unknown else []
        self._parameters |= {row["id"] for row in rows if Parameters.__name__ in row["labels"]}

    def _ids(self, one: DBObject) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What it was made from: ids by name of the link."""
        if one.object_id in self.pulls:
            yield START, (self.starts[one.object_id],)
        elif isinstance(one, SourceListWrapper):
            if (made := one._values.get("delivered")) is not None:
                yield "delivered", (made.object_id,)
        elif _is_made(one):
            for name in getattr(one, "made_from", ()):
                value = one._values.get(name)
                if name in type(one).links and value is not None:
                    yield name, tuple(v.object_id for v in (value if isinstance(value, tuple) else (value,)))

    def links(self, one: DBObject) -> dict[str, tuple[DBObject, ...]]:
        """What it was made from, by name of the link; process parameters left out."""
        found = self._links.get(one.object_id)
        if found is None:
            every = {name: tuple(self._source(self.objects[i], name) for i in ids) for name, ids in self._ids(one)}
            found = {name: some for name, some in every.items() if not (some and self._is_parameters(some[0]))}
            self._links[one.object_id] = found
        return found

    def _source(self, one: DBObject, link: str) -> DBObject:
        """What a pull starts from; of the collection of a source list that was made, the list."""
        if link == START and isinstance(one, SourceListWrapper):
            below = [self.objects[i] for _, (i,) in self._ids(one)]
            return below[0] if below and _is_made(below[0]) else one
        return one

    def parameters(self, one: DBObject) -> dict[str, DBObject]:
        found = {name: [self.objects[i] for i in ids] for name, ids in self._ids(one)}
        return {name: some[0] for name, some in found.items() if some and self._is_parameters(some[0])}

    def _is_parameters(self, one: DBObject) -> bool:
        known = isinstance(one, Parameters) or one.object_id in self._parameters
        return known and not any(one._values.get(n) is not None for n in type(one).links)

    def values(self, one: DBObject) -> dict[str, Any]:
        """The values that were given, as they are stored."""
        if not _is_made(one):
            return {}
        kept = one.descriptors()
        return {
            n: plain_value(kept[n]) for n in getattr(one, "made_from", ()) if n in type(one).persistents and n in kept
        }

    def shape(self, one: DBObject) -> str:
        """Equal for what is made in the same way, of whatever and however many."""
        for known in self._in_order(one, self._shapes):
            links = self.links(known)
            if known.object_id not in self.pulls and not _is_made(known):
                self._shapes[known.object_id] = RAW
                continue
            below = {
                name: sorted({self._shapes[o.object_id] for o in some}) if _is_list(known, name)
                else self._shapes[some[0].object_id]
                for name, some in links.items()
            }  # fmt: skip
            given = {n: [type(p).__name__, _stored(p)] for n, p in self.parameters(known).items()}
            pull = self.pulls.get(known.object_id)
            code = self.code.get(known.object_id, {}).get("digest", "")
            said = (
                [str(pull), pull.parameters]
                if pull
                else [type(known).__name__, code, given, sorted(self.values(known))]
            )
            self._shapes[known.object_id] = keys.sha256([said, below])
        return self._shapes[one.object_id]

    def up(self, one: DBObject) -> frozenset[str]:
        """Ids of all that it was made from, its own too."""
        for known in self._in_order(one, self._up):
            below = (self._up[o.object_id] for some in self.links(known).values() for o in some)
            self._up[known.object_id] = frozenset([known.object_id]).union(*below)
        return self._up[one.object_id]

    def _in_order(self, one: DBObject, done: Mapping[str, Any]) -> Iterator[DBObject]:
        """What is not done yet of an object and all that it was made from, dependencies first."""
        stack = [(one, False)]
        while stack:
            known, ready = stack.pop()
            if known.object_id in done:
                continue
            if ready:
                yield known
            else:
                stack.append((known, True))
                stack.extend((o, False) for some in self.links(known).values() for o in some)

    def code_used(self, one: DBObject) -> CodeUsed | None:
        row = self.code.get(one.object_id)
        if row is None:
            return None
        if row["code"] not in self._code:
            found = self.mapper.read("activity_known", id=row["activity"])
            told = found[0]["properties"] if found else {}
            (version,) = self.mapper.many([row["code"]])
            module: str = getattr(version, "module", "")
            self._code[row["code"]] = CodeUsed(
                row["name"], row["digest"], module, told.get("distribution", ""), told.get("commit", ""),
                bool(told.get("dirty", False)),
            )  # fmt: skip
        return self._code[row["code"]]


def _is_list(one: DBObject, name: str) -> bool:
    declared = type(one).links.get(name)
    return declared is not None and declared.is_list


# -- many alike become one -----------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Scope:
    """What is done once, or for each element of a list. owners : for each element, which element around it the list is of."""

    parent: _Scope | None
    owners: tuple[int, ...]
    vectors: list[Sequence[DBObject]] = field(default_factory=list)
    element: _Node | None = None

    @property
    def is_undecided(self) -> bool:
        """Lists of one element do not show what belongs to the element and what all of them would share."""
        return self.parent is not None and len(set(self.owners)) == len(self.owners)

    def around(self) -> tuple[_Scope, ...]:
        """The scopes that it is in and itself, the outermost first, without that of the whole."""
        found: list[_Scope] = []
        scope = self
        while scope.parent is not None:
            found.insert(0, scope)
            scope = scope.parent
        return tuple(found)


@dataclass(eq=False)
class _Node:
    """A step or an input to be, with the objects that it stands for, one for each element of its scope."""

    scope: _Scope
    first: Any  # an object, or a value
    label: str
    kind: str = ""  # '' for a step
    many: bool = False
    flat: tuple[str, ...] = ()  # ids, of a list those of all elements
    sizes: tuple[int, ...] = ()
    links: dict[str, _Node | list[_Node]] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    used_as: list[tuple[_Node, str]] = field(default_factory=list)
    classes: list[type] = field(default_factory=list)
    stands_for: _Node | None = None
    name: str = ""


class _Abstraction:
    def __init__(self, made: Made, target: DBObject) -> None:
        self.made = made
        self.root = target
        self.whole = _Scope(None, (0,))
        self.scopes: list[_Scope] = []
        self.nodes: dict[tuple[Any, ...], _Node] = {}
        self.order: list[_Node] = []  # dependencies first
        self.target = self._visit(self.whole, [target], _words(type(target).__name__), leads=True, depth=0)
        self._lists_of_elements()

    def _visit(self, scope: _Scope, some: Sequence[DBObject], label: str, *, leads: bool, depth: int,
               is_element: bool = False) -> _Node:  # fmt: skip
        """The node of objects of one shape, one for each element of a scope.

        leads : it was reached by the links that say what an element is one of.
        """
        if depth > DEEPEST:
            raise InvalidInput(
                f"A recipe has at most {DEEPEST} steps in a row, and the recipe of this {type(self.root).__name__} has more.",
                code="recipe_too_deep",
            )
        if not is_element:
            scope, some = _lifted(scope, some, [o.object_id for o in some], leads=leads)
        flat = tuple(o.object_id for o in some)
        key = (scope, *flat)
        if key in self.nodes:
            return self.nodes[key]
        one = some[0]
        node = self.nodes[key] = _Node(scope, one, label, flat=flat)
        if is_element and scope.element is None:
            scope.element = node
        scope.vectors.append(some)
        if self.made.shape(one) == RAW:
            node.kind = "object"
            self.order.append(node)
            return node
        leader = _leader(one, self.made.links(one))
        for name in self.made.links(one):
            every = [self.made.links(o)[name] for o in some]
            go = leads and name == leader
            if _is_list(one, name):
                node.links[name] = self._list(node, scope, every, name, leads=go, depth=depth)
            else:
                first = every[0][0]
                called = _words(type(first).__name__) if name == START and _is_made(first) else name
                below = self._visit(scope, [o for (o,) in every], called, leads=go, depth=depth + 1)
                node.links[name] = below
                below.used_as.append((node, name))
        self._give_values(node, some)
        self.order.append(node)
        return node

    def _list(self, node: _Node, scope: _Scope, every: Sequence[tuple[DBObject, ...]], name: str, *, leads: bool,
              depth: int) -> list[_Node]:  # fmt: skip
        """The nodes that give the elements of a list, one for each shape."""
        scope, every = _lifted(scope, every, [tuple(o.object_id for o in some) for some in every], leads=leads)
        shapes = list(dict.fromkeys(self.made.shape(o) for some in every for o in some))
        found = []
        for shape in shapes:
            lists = [tuple(o for o in some if self.made.shape(o) == shape) for some in every]
            some = [o for one in lists for o in one]
            if shape == RAW:
                below = self._raw_list(scope, lists, name)
            else:
                owners = tuple(n for n, one in enumerate(lists) for _ in one)
                inner = self._scope(scope, owners, some)
                below = self._visit(inner, some, name, leads=True, depth=depth + 1, is_element=True)
            below.used_as.append((node, name))
            found.append(below)
        return found

    def _raw_list(self, scope: _Scope, lists: Sequence[Sequence[DBObject]], label: str) -> _Node:
        key = (scope, "many", *(tuple(o.object_id for o in one) for one in lists))
        if key not in self.nodes:
            flat = tuple(o.object_id for one in lists for o in one)
            first = next(o for one in lists for o in one)
            self.nodes[key] = _Node(scope, first, label, "object", True, flat, tuple(map(len, lists)))
            self.order.append(self.nodes[key])
        return self.nodes[key]

    def _scope(self, parent: _Scope, owners: tuple[int, ...], some: Sequence[DBObject]) -> _Scope:
        """A scope for the elements of lists: one that is there, where the elements of both go with one another one by one."""
        ups = [self.made.up(o) for o in some]
        for scope in self.scopes:
            if scope.parent is parent and scope.owners == owners:
                for other in scope.vectors:
                    pairs = list(zip(some, ups, other, strict=True))
                    if all(b.object_id in up for _, up, b in pairs):
                        return scope
                    if all(a.object_id in self.made.up(b) for a, _, b in pairs):
                        return scope
        scope = _Scope(parent, owners)
        self.scopes.append(scope)
        return scope

    def _give_values(self, node: _Node, some: Sequence[DBObject]) -> None:
        """Values that all have are part of the step; others have to be given."""
        every = [self.made.values(o) for o in some]
        for name in every[0]:
            values = [v[name] for v in every]
            plain = [keys.canonical_json(v) for v in values]
            scope, lifted = _lifted(node.scope, values, plain, leads=False)
            if scope.parent is None:
                node.values[name] = lifted[0]
                continue
            key = (scope, VALUE, name, *map(keys.canonical_json, lifted))
            if key not in self.nodes:
                self.nodes[key] = _Node(scope, lifted[0], name, VALUE)
                self.order.append(self.nodes[key])
            node.links[name] = self.nodes[key]
            self.nodes[key].used_as.append((node, name))

    def _lists_of_elements(self) -> None:
        """A list of just those inputs that elements are made of one by one is these."""
        for node in self.order:
            if not node.many:
                continue
            owners = tuple(n for n, size in enumerate(node.sizes) for _ in range(size))
            for other in self.order:
                scope = other.scope
                if other.kind != "object" or other.many or scope.parent is not node.scope:
                    continue
                if scope.owners == owners and other.flat == node.flat:
                    node.stands_for = other
                    other.used_as += node.used_as
                    break

    # -- as data -----------------------------------------------------------------------------------------------------------

    def recipe(self, survey: Any) -> Recipe:
        kept = [n for n in self.order if n.stands_for is None]
        steps, inputs = [n for n in kept if not n.kind], [n for n in kept if n.kind]
        taken: set[str] = set()
        for node in steps:
            node.name = free_name([node.label], taken)
        for node in inputs:
            alone = sum(n.label == node.label for n in inputs) == 1
            user, link = node.used_as[0]
            qualified = f"{user.name}.{link}"
            node.name = free_name([node.label, qualified] if alone else [qualified], taken)
        return Recipe(tuple(map(self._input, inputs)), tuple(map(self._step, steps)), survey)

    def _input(self, node: _Node) -> Input:
        used_as = tuple(dict.fromkeys(f"{user.name}.{link}" for user, link in node.used_as))
        if node.kind == VALUE:
            return Input(node.name, kind_of_value(node.first), each=_each(node.scope), kind=VALUE, used_as=used_as)
        cls, module = self._wanted(node)
        return Input(node.name, cls, module, _each(node.scope), node.many, used_as=used_as)

    def _wanted(self, node: _Node) -> tuple[str, str]:
        """The class that its links ask for, the most special of several; where no class says, its own."""
        found: type = type(node.first)
        asked: list[type] = []
        for user, link in node.used_as:
            cls = type(user.first)
            if user.first.object_id in self.made.pulls:
                asked.append(SourceCollection)
            elif not is_stand_in(cls):
                asked.append(cls.links[link].target(cls))
        if asked:
            found = max(asked, key=lambda c: len(c.__mro__))
        return found.__name__, "" if is_stand_in(found) else found.__module__

    def _step(self, node: _Node) -> Step:
        one = node.first
        links: dict[str, str | tuple[str, ...]] = {}
        values_from: dict[str, str] = {}
        for name, below in node.links.items():
            if isinstance(below, list):
                links[name] = tuple((b.stands_for or b).name for b in below)
            elif below.kind == VALUE:
                values_from[name] = below.name
            else:
                links[name] = below.name
        parameters = {n: _parameters(one, n, p) for n, p in self.made.parameters(one).items()}
        pull = self.made.pulls.get(one.object_id)
        code = self.made.code_used(one) if pull is None else None
        cls = SourceCollection if pull else type(one)
        module = code.module if is_stand_in(cls) and code else cls.__module__
        return Step(
            node.name, cls.__name__, module, _each(node.scope), links, node.values, values_from, parameters, code, pull
        )


def _lifted(scope: _Scope, some: Sequence[Any], ids: Sequence[Any], *, leads: bool) -> tuple[_Scope, Sequence[Any]]:
    """What all elements of a list share belongs around the list."""
    some, ids = list(some), list(ids)
    while scope.parent is not None:
        first: dict[int, int] = {}
        for n, owner in enumerate(scope.owners):
            if ids[first.setdefault(owner, n)] != ids[n]:
                return scope, some
        if leads and scope.is_undecided:
            return scope, some
        if len(first) < len(scope.parent.owners):  # an element around it has an empty list
            return scope, some
        some, ids = ([of[first[owner]] for owner in sorted(first)] for of in (some, ids))
        scope = scope.parent
    return scope, some


def _leader(one: DBObject, links: Mapping[str, Any]) -> str:
    """The link that says what an object is one of: the first to one thing that has to be given, else to several."""
    declared = [(n, d) for n, d in type(one).links.items() if n in links and not isinstance(d, ProcessParams)]
    ranked = sorted(declared, key=lambda nd: (nd[1].is_list, nd[1].optional))
    return ranked[0][0] if ranked else next(iter(links), "")


def _stored(given: DBObject) -> dict[str, Any]:
    return {n: plain_value(v) for n, v in given.descriptors().items()}


def _parameters(one: DBObject, name: str, given: DBObject) -> ParametersUsed:
    cls = type(given)
    values = _stored(given)
    if name in getattr(one, "chosen", ()):
        defaults: tuple[str, ...] = tuple(values)
    else:
        default = _defaults(cls) if issubclass(cls, Parameters) else {}
        defaults = tuple(n for n, v in values.items() if n in default and plain_value(default[n]) == v)
    return ParametersUsed(cls.__name__, "" if is_stand_in(cls) else cls.__module__, values, defaults)


def _defaults(cls: type[Parameters]) -> dict[str, Any]:
    """The defaults of a class of parameters, as they are stored; none where some of its parameters have to be given."""
    try:
        return cls().descriptors()
    except InvalidInput:
        return {}


def _each(scope: _Scope) -> tuple[str, ...]:
    return tuple(s.element.name for s in scope.around() if s.element is not None)


def _words(name: str) -> str:
    """``ReducedFrame`` → ``reduced_frame``"""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
