"""Algorithms 1, 3 and 4: pull a catalog, find or derive each of its attributes (paper, Sections 6.2 to 6.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from provgraph.errors import CannotDerive, LanguageError, OperatorError, UnknownAttribute, nearest
from provgraph.graph.mapper import Mapper
from provgraph.resolver import sources as select_sources
from provgraph.resolver.ranking import MOST_GENERAL, Ranking
from provgraph.resolver.request import Choice, Request, Resolution
from provgraph.rewrite.relations import Answer, subset
from provgraph.schema.calculator import AttributeCalculatorDefinition
from provgraph.schema.collection import SourceCollection, SourceSet
from provgraph.schema.objects import DBObject
from provgraph.schema.operators import AttributeCalculator, ConcatenateAttributes, External, SelectAttributes

T = TypeVar("T", bound=DBObject)


class _Tried(Exception):
    """An attribute could not be had; `lines` is the tree of what was tried."""

    def __init__(self, lines: list[str], cause: Exception | None = None) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
        self.cause = cause


class Resolver:
    """Resolves one request. Reads the graph, writes nothing: what it creates is unstored until the caller stores it."""

    def __init__(self, mapper: Mapper, ranking: Ranking = MOST_GENERAL) -> None:
        self.mapper = mapper
        self.ranking = ranking
        self.choices: list[Choice] = []
        self._introducers: dict[str, list[SourceCollection]] = {}
        self._definitions: dict[str, list[AttributeCalculatorDefinition]] = {}
        self._made: dict[str, SourceCollection] = {}
        self._providers: dict[tuple[str, str], SourceCollection] = {}
        self._failed: dict[tuple[str, str], _Tried] = {}

    def pull(self, request: Request) -> Resolution:
        """Algorithm 1: the sources first, then each attribute, in the most general form that serves."""
        start = request.start
        wanted = list(dict.fromkeys(request.attributes))
        self._prefetch([n for n in wanted if n not in start.attributes()])
        chosen = select_sources.select(self, start, request.where) if request.where else start
        parents: dict[str, tuple[SourceCollection, list[str]]] = {}
        for name in wanted:
            provider = self.provider(name, start, chosen.sources())
            origin = provider.attributes()[name].origin
            held = chosen.attributes().get(name)
            if held is not None and held.origin == origin:  # type: ignore[attr-defined]
                continue
            parents.setdefault(provider.dependency_key, (provider, []))[1].append(name)
        end = chosen
        if parents:
            # Names that the chosen sources carry along may clash with other origins: keep only what was asked for.
            taken = {n for _, names in parents.values() for n in names}
            carried = [n for n in wanted if n in chosen.attributes() and n not in taken]
            clash = taken & set(chosen.attributes())
            base = SelectAttributes(parent=chosen, names=carried) if clash else chosen
            end = ConcatenateAttributes(parents=[base, *(self.only(p, names) for p, names in parents.values())])
        result = SelectAttributes(parent=end, names=wanted)
        self.note("created", result, "it has just the attributes that were asked for, in their order")
        return Resolution(request, result, str(self.ranking), self.choices)

    # -- Algorithm 3 -------------------------------------------------------------------------------------------------

    def provider(self, name: str, start: SourceCollection, wanted: SourceSet) -> SourceCollection:
        """The collection that gives attribute `name` for the sources `wanted`: found, or derived."""
        try:
            return self._provider(name, start, wanted, ())
        except _Tried as tried:
            known = [*start.attributes().names, *self._provided_names()]
            if not self.introducers(name) and not self.definitions(name):
                raise UnknownAttribute(
                    f"No collection and no calculator provides an attribute {name!r}; {nearest(name, known)}", name=name
                ) from None
            if isinstance(tried.cause, LanguageError):
                raise tried.cause from None
            tree = "\n".join(tried.lines)
            raise CannotDerive(
                f"Attribute {name!r} cannot be had for the sources of {start.label}. Tried:\n{tree}",
                name=name, tried=tried.lines,
            ) from None  # fmt: skip

    def _provider(
        self, name: str, start: SourceCollection, wanted: SourceSet, stack: tuple[str, ...]
    ) -> SourceCollection:
        memo = (name, wanted.key)
        if memo in self._providers:
            return self._providers[memo]
        if memo in self._failed and not stack:
            raise self._failed[memo]
        if name in start.attributes() and subset(wanted.atoms, start.sources().atoms) is Answer.YES:
            self._providers[memo] = start
            return start
        lines: list[str] = []
        candidates = []
        for candidate in self.introducers(name):
            reason = self._unusable(candidate, start, wanted)
            if reason:
                lines.append(f"- {candidate.label} has {name}, but {reason}")
                self.choices.append(Choice("rejected", f"{name} of {candidate.label}", reason))
            else:
                candidates.append(candidate)
        if candidates:
            candidates.sort(key=lambda c: self.ranking.key(c, self.mapper.context.project), reverse=True)
            best = candidates[0]
            self.note("found", best, f"represents {name} for all of these sources")
            for loser in candidates[1:]:
                self.choices.append(
                    Choice("rejected", f"{name} of {loser.label}", f"{best.label} ranks higher ({self.ranking})")
                )
            self._providers[memo] = best
            return best
        try:
            made = self._derive(name, start, wanted, stack, lines)
        except _Tried as tried:
            if not stack:
                self._failed[memo] = tried
            raise
        self._providers[memo] = made
        return made

    def _unusable(self, candidate: SourceCollection, start: SourceCollection, wanted: SourceSet) -> str:
        """Why a collection that has the attribute cannot serve; '' when it can."""
        if candidate.id_space != start.id_space:
            return "its sources are of another id space"
        for calculator in self._calculators(candidate):
            definition = calculator.definition
            newest = self._newest(definition)
            what = "it was calculated" if calculator is candidate else "what it was calculated from was calculated"
            if newest.object_id != definition.object_id:
                return f"{what} by {definition.name}@{definition.version}, superseded by @{newest.version}"
            if calculator.process_params.as_dict() != definition.defaults():
                return f"{what} with other process parameters than the defaults"
        answer = subset(wanted.atoms, candidate.sources().atoms)
        if answer is not Answer.YES:
            return (
                "nothing proves that it represents all of the wanted sources; to join them by hand, start from "
                f"{start.label}.concatenate({candidate.label})"
            )
        return ""

    def _calculators(self, candidate: SourceCollection) -> list[AttributeCalculator]:
        """The calculations that the attributes of a calculated collection rest on, itself first."""
        if not isinstance(candidate, AttributeCalculator):
            return []
        self.mapper.cone([candidate])
        found: dict[str, AttributeCalculator] = {}
        todo: list[SourceCollection] = [candidate]
        while todo:
            one = todo.pop()
            if isinstance(one, AttributeCalculator):
                found.setdefault(one.object_id, one)
            todo.extend(one.parents)
        return list(found.values())

    def _newest(self, definition: AttributeCalculatorDefinition) -> AttributeCalculatorDefinition:
        return max(
            (d for d in self.definitions(definition.provides[0]) if d.identity == definition.identity),
            key=lambda d: d.version, default=definition,
        )  # fmt: skip

    # -- Algorithm 4 -------------------------------------------------------------------------------------------------

    def _derive(self, name: str, start: SourceCollection, wanted: SourceSet, stack: tuple[str, ...],
                lines: list[str]) -> SourceCollection:  # fmt: skip
        """Apply a calculator definition to the largest known set of sources on which its inputs can be had."""
        definitions = self.definitions(name)
        usable: dict[str, AttributeCalculatorDefinition] = {}
        for definition in definitions:  # newest version of each thing
            if usable.get(definition.identity, definition).version <= definition.version:
                usable[definition.identity] = definition
        if not definitions:
            lines.append(f"- no calculator provides {name}")
        cause: Exception | None = None
        for definition in sorted(usable.values(), key=lambda d: d.created, reverse=True):
            if definition.object_id in stack:
                lines.append(f"- {definition.name}@{definition.version} needs itself")
                continue
            self._prefetch(definition.requires)
            attempts: list[str] = []
            for general in self._general_sets(definition, start, wanted):
                try:
                    made = self._apply(definition, start, general, (*stack, definition.object_id))
                except _Tried as tried:
                    attempts = tried.lines
                    cause = tried.cause or cause
                except (LanguageError, OperatorError) as error:
                    attempts = [f"- {error.message}"]
                    cause = error
                else:
                    self._made[made.lineage_key] = made
                    self.note(
                        "created", made,
                        f"no collection represents {name} for these sources; calculated from "
                        f"{', '.join(definition.requires)} on the largest set that has them",
                    )  # fmt: skip
                    return made
            lines.append(f"- {definition.name}@{definition.version} needs {', '.join(definition.requires)}:")
            lines.extend("  " + line for line in attempts)
        raise _Tried(lines, cause if len(usable) == 1 else None)

    def _general_sets(self, definition: AttributeCalculatorDefinition, start: SourceCollection,
                      wanted: SourceSet) -> list[SourceSet]:  # fmt: skip
        """Known sets of sources that hold all of `wanted`, the largest first, ties by key so that nobody makes twins."""
        sets = {wanted.key: wanted, start.sources().key: start.sources()}
        for root in _externals(start):
            sets[root.sources().key] = root.sources()
        for name in definition.requires:
            for candidate in self.introducers(name):
                if candidate.id_space == start.id_space:
                    sets[candidate.sources().key] = candidate.sources()
        holding = [s for s in sets.values() if subset(wanted.atoms, s.atoms) is Answer.YES]
        return sorted(holding, key=lambda s: (len(s.atoms), s.key))

    def _apply(self, definition: AttributeCalculatorDefinition, start: SourceCollection, general: SourceSet,
               stack: tuple[str, ...]) -> SourceCollection:  # fmt: skip
        context = self._at(start, general)
        parents: dict[str, tuple[SourceCollection, list[str]]] = {}
        for name in definition.requires:
            provider = self._provider(name, context, general, stack)
            parents.setdefault(provider.dependency_key, (provider, []))[1].append(name)
        if len(parents) == 1:
            ((parent, _),) = parents.values()
        else:
            parent = ConcatenateAttributes(parents=[self.only(p, names) for p, names in parents.values()])
        if subset(general.atoms, parent.sources().atoms) is not Answer.YES:
            raise _Tried([f"- {', '.join(definition.requires)} are not all known for one set of sources"])
        return AttributeCalculator.of(parent, definition)

    def _at(self, start: SourceCollection, general: SourceSet) -> SourceCollection:
        """The collection to prefer attributes of when deriving on `general`: the most general one under `start`."""
        for candidate in _externals(start):
            if subset(general.atoms, candidate.sources().atoms) is Answer.YES:
                return candidate
        return start

    # -- what there is ---------------------------------------------------------------------------------------------------

    def only(self, collection: SourceCollection, names: Sequence[str]) -> SourceCollection:
        """`collection` with just these attributes; itself when it has no others."""
        if set(collection.attributes()) == set(names):
            return collection
        return SelectAttributes(parent=collection, names=list(names))

    def introducers(self, name: str) -> list[SourceCollection]:
        """Stored collections in which an attribute of this name starts."""
        self._prefetch([name])
        return self._introducers[name]

    def definitions(self, name: str) -> list[AttributeCalculatorDefinition]:
        """Calculator definitions that provide this name, newest version first."""
        self._prefetch([name])
        return self._definitions[name]

    def with_sources(self, source_set: str) -> list[SourceCollection]:
        """Stored collections that represent exactly this set."""
        rows = self.mapper.read("collections_by_source_set", keys=[source_set])
        return [c for c in self.mapper.restore([r["properties"] for r in rows]) if isinstance(c, SourceCollection)]

    def note(self, outcome: str, collection: SourceCollection, reason: str) -> None:
        choice = Choice(
            outcome, repr(collection) if not collection.name else f"{collection.name} = {collection!r}", reason
        )
        if choice not in self.choices:
            self.choices.append(choice)

    def _prefetch(self, wanted: Sequence[str]) -> None:
        """Ask for several names at once: a round trip costs more than the answers."""
        missing = [n for n in dict.fromkeys(wanted) if n not in self._introducers]
        if not missing:
            return
        introducing = self.mapper.read("collections_introducing", names=missing)
        providing = self.mapper.read("definitions_providing", names=missing)
        objects = {o.object_id: o for o in self.mapper.restore([r["properties"] for r in (*introducing, *providing)])}
        for name in missing:
            self._introducers[name] = _newest_first(introducing, name, objects, SourceCollection)
            self._definitions[name] = _newest_first(providing, name, objects, AttributeCalculatorDefinition)

    def _provided_names(self) -> list[str]:
        rows = self.mapper.read("attribute_names")
        return [r["name"] for r in rows]


def _externals(collection: SourceCollection) -> list[External]:
    """The Externals under a collection, nearest first."""
    found: dict[str, External] = {}
    todo = [collection]
    while todo:
        one = todo.pop(0)
        if isinstance(one, External):
            found.setdefault(one.lineage_key, one)
        todo.extend(one.parents)
    return list(found.values())


def _newest_first(rows: list[dict[str, Any]], name: str, objects: Mapping[str, DBObject], cls: type[T]) -> list[T]:
    found = [objects[r["properties"]["object_id"]] for r in rows if r["name"] == name]
    return [o for o in sorted(found, key=lambda o: (-o.version, o.created)) if isinstance(o, cls)]
