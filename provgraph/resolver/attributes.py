"""Algorithms 1, 3 and 4: pull a catalog, find or derive each of its attributes (paper, Sections 6.2 to 6.4)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from provgraph.bulk.store import BulkStore
from provgraph.errors import (
    CannotDerive,
    InvalidInput,
    LanguageError,
    OperatorError,
    UnknownAttribute,
    nearest,
)
from provgraph.graph import statements
from provgraph.graph.mapper import Mapper
from provgraph.resolver import sources as select_sources
from provgraph.resolver.knowledge import Known, words_for
from provgraph.resolver.ranking import MOST_GENERAL, Ranking, Standing
from provgraph.resolver.request import Choice, Request, Resolution
from provgraph.resolver.status import invalid
from provgraph.rewrite.sets import Answer
from provgraph.schema.calculator import AttributeCalculatorDefinition
from provgraph.schema.collection import SourceCollection, SourceSet
from provgraph.schema.objects import DBObject
from provgraph.schema.operators import AttributeCalculator, ConcatenateAttributes, External, SelectAttributes

T = TypeVar("T", bound=DBObject)

MOST_ATTEMPTS = 2000
"""Applications of definitions that one request may try; only definitions that need each other in circles come near."""

statements.declare("External", "AttributeCalculatorDefinition")

# Words joined by dots, the first of which is a class of the UCD vocabulary; names of attributes have no dots.
_UCD = re.compile(r"(arith|em|instr|meta|obs|phot|phys|pos|spect|src|stat|time)(\.[\w-]+)+(;[\w.-]+)*", re.IGNORECASE)


class _Tried(Exception):
    """An attribute could not be had. lines : what was tried, each a sentence or what a part of it came to."""

    def __init__(self, lines: Sequence[str | _Tried], cause: Exception | None = None, *, name: str = "") -> None:
        super().__init__(name)
        self.lines = tuple(lines)
        self.cause = cause
        self.name = name

    def tree(self, indent: str = "", told: set[int] | None = None) -> list[str]:
        """As indented text, each part once."""
        told = set() if told is None else told
        if id(self) in told and len(self.lines) > 1:
            return [f"{indent}- {self.name} cannot be had, as said above"]
        told.add(id(self))
        found = []
        for line in self.lines:
            found += line.tree(indent + "  ", told) if isinstance(line, _Tried) else [indent + line]
        return found


class Resolver:
    """Resolves one request. Reads the graph, writes nothing: what it creates is unstored until the caller stores it."""

    def __init__(self, mapper: Mapper, ranking: Ranking = MOST_GENERAL, store: BulkStore | None = None) -> None:
        self.mapper = mapper
        self.known = Known(mapper, store)
        self.ranking = ranking
        self.choices: list[Choice] = []
        self._introducers: dict[str, list[SourceCollection]] = {}
        self._definitions: dict[str, list[AttributeCalculatorDefinition]] = {}
        self._made: dict[str, SourceCollection] = {}
        self._providers: dict[tuple[str, str], SourceCollection] = {}
        self._failed: dict[tuple[str, str], _Tried] = {}
        self._guards: set[str] = set()  # names in whose derivation we are, and that were met again on the way
        self._attempts = 0
        self._invalid: dict[str, str] = {}
        self.request: Request | None = None
        self.overruled: set[tuple[str, str]] = set()

    def pull(self, request: Request) -> Resolution:
        """Algorithm 1: the sources first, then each attribute, in the most general form that serves."""
        self.request = request
        start = request.start
        wanted = list(dict.fromkeys(self.by_ucd(name, start) for name in request.attributes))
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
        self._all_overruled(request)
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
            match tried.cause:
                case LanguageError() | OperatorError(code="attribute_ambiguous"):
                    raise tried.cause from None
            tree = "\n".join(tried.tree())
            raise CannotDerive(
                f"Attribute {name!r} cannot be had for the sources of {start.label}. Tried:\n{tree}",
                name=name, tried=tried.tree(),
            ) from None  # fmt: skip

    def _provider(
        self, name: str, start: SourceCollection, wanted: SourceSet, stack: tuple[str, ...]
    ) -> SourceCollection:
        """As `provider`; stack : the names that are being derived. What did not depend on these is remembered."""
        memo = (name, wanted.key)
        if memo in self._providers:
            return self._providers[memo]
        if memo in self._failed:
            raise self._failed[memo]
        outer, self._guards = self._guards, set()
        try:
            found = self._find(name, start, wanted, stack)
        except _Tried as tried:
            if not self._guards:
                self._failed[memo] = tried
            raise
        else:
            if not self._guards:
                self._providers[memo] = found
            return found
        finally:
            self._guards |= outer

    def _find(self, name: str, start: SourceCollection, wanted: SourceSet, stack: tuple[str, ...]) -> SourceCollection:
        used = self._use(name)
        if name in start.attributes() and used is None and self.holds(start.sources(), wanted):
            return start
        if isinstance(used, SourceCollection):
            return self._used(name, used, start, wanted)
        lines: list[str | _Tried] = []
        candidates = []
        for candidate in () if used is not None else self.introducers(name):
            reason = self._unusable(name, candidate, start, wanted)
            if reason:
                lines.append(f"- {candidate.label} has {name}, but {reason}")
                self.choices.append(Choice("rejected", f"{name} of {candidate.label}", reason))
            else:
                candidates.append(candidate)
        stored = {c.lineage_key for c in candidates}
        made: list[SourceCollection] = []
        if not candidates:
            made = self._derive(name, start, wanted, stack, lines)
        elif any(not c.definition.per_source for one in candidates for c in self._calculators(one)):
            # Its values depend on which sources it was calculated of, and must not depend on what was made before.
            with suppress(_Tried):
                made = [m for m in self._derive(name, start, wanted, stack, []) if m.lineage_key not in stored]
        best = self._best(name, [*candidates, *made], lines)
        if best.lineage_key in stored:
            self.note("found", best, f"represents {name} for all of these sources{self._because(best, wanted)}")
        else:
            assert isinstance(best, AttributeCalculator)
            self._made[best.lineage_key] = best
            self.note(
                "created", best,
                f"no collection represents {name} for these sources; calculated from "
                f"{', '.join(best.definition.requires)} on the largest set that has them",
            )  # fmt: skip
        return best

    def _used(self, name: str, used: SourceCollection, start: SourceCollection, wanted: SourceSet) -> SourceCollection:
        """The collection that the request says to use, if it can be."""
        reason = self._unusable(name, used, start, wanted, asked_for=True)
        if name not in used.attributes():
            reason = f"it has no attribute {name!r}; {nearest(name, used.attributes())}".rstrip(".")
        if reason:
            raise OperatorError(
                f"{name} cannot be taken from {used.label} as use= asks: {reason}.", code="use_impossible", name=name
            )
        self.note("found", used, f"represents {name} for all of these sources, and the request says to use it")
        return used

    def _because(self, found: SourceCollection, wanted: SourceSet) -> str:
        """The proof that a collection has all of the wanted sources, where the symbols alone do not say it."""
        larger = found.sources()
        if larger.atoms <= wanted.atoms:
            return ""
        start = [] if self.request is None else [self.request.start]
        for key, word in words_for([found, *start], lambda one: one.label).items():
            self.known.words.setdefault(key, word)
        return f": {self.known.about(wanted, larger).subset(wanted.atoms, larger.atoms).reason}"

    def _unusable(self, name: str, candidate: SourceCollection, start: SourceCollection, wanted: SourceSet, *,
                  asked_for: bool = False) -> str:  # fmt: skip
        """Why a collection that has attribute `name` cannot serve; '' when it can. asked_for : by the user, whatever made it."""
        if candidate.id_space != start.id_space:
            return "its sources are of another id space"
        if self.is_avoided(candidate) and not asked_for:
            return "the request says to avoid it"
        calculators = self._calculators(candidate)
        for calculator in calculators:
            reason = self._not_today(calculator, candidate, asked_for=asked_for)
            if reason:
                return reason
        for calculator in () if asked_for else calculators:
            reason = self._other_input(calculator, calculators)
            if reason:
                return reason
        if not self.holds(candidate.sources(), wanted):
            return (
                "nothing proves that it represents all of the wanted sources; to join them by hand, start from "
                f"{start.label}.concatenate({candidate.label})"
            )
        return ""

    def _not_today(self, calculator: AttributeCalculator, candidate: SourceCollection, *, asked_for: bool) -> str:
        """Why what `candidate` rests on would not be calculated like this today, '' when it would."""
        definition = calculator.definition
        label = f"{definition.name}@{definition.version}"
        newest = self._newest(definition)
        if definition.object_id in self._invalid:
            return f"it rests on {label}, which was declared invalid: {self._invalid[definition.object_id]}"
        if asked_for:
            return ""
        if self.is_avoided(definition):
            return f"it rests on {label}, which the request says to avoid"
        what = "it was calculated" if calculator is candidate else "what it was calculated from was calculated"
        if newest.object_id != definition.object_id:
            return f"{what} by {label}, superseded by @{newest.version}"
        numbers, catalogs = self._numbers(definition), self._catalogs(definition)
        if calculator.process_params.as_dict() != definition.process_params(numbers).as_dict():
            return f"{what} with other process parameters than {'those asked for' if numbers else 'the defaults'}"
        wholes = definition.with_catalogs(catalogs) if catalogs else definition.catalogs or ()
        if [c.dependency_key for c in calculator.catalogs or ()] != [c.dependency_key for c in wholes]:
            return f"{what} beside other catalogs than {'those asked for' if catalogs else 'the defaults'}"
        return ""

    def _other_input(self, calculator: AttributeCalculator, rests_on: Sequence[AttributeCalculator]) -> str:
        """Why a calculation has another input than the request means by its name, '' when it has not."""
        if self.request is None:
            return ""
        begin = self.request.start.attributes()
        inputs = calculator.parent.attributes()
        for name in calculator.definition.requires:
            origin, used = inputs[name].origin, self._use(name)
            if isinstance(used, AttributeCalculatorDefinition):
                makers = [c for c in rests_on if name in c.attributes() and c.attributes()[name].origin == origin]
                if not any(c.definition.object_id == used.object_id for c in makers):
                    return f"it was calculated from another {name} than {used.name}@{used.version} gives"
                continue
            meant = used if isinstance(used, SourceCollection) else self.request.start
            known = meant.attributes() if isinstance(used, SourceCollection) else begin
            if name in known and known[name].origin != origin:
                return f"it was calculated from another {name} than that of {meant.label}"
        return ""

    def _calculators(self, candidate: SourceCollection) -> list[AttributeCalculator]:
        """The calculations that a collection rests on, itself first."""
        if isinstance(candidate, External):
            return []
        self.mapper.cone([candidate])
        return list({c.object_id: c for c in candidate.ancestry() if isinstance(c, AttributeCalculator)}.values())

    def _newest(self, definition: AttributeCalculatorDefinition) -> AttributeCalculatorDefinition:
        return max(
            (d for d in self.definitions(definition.provides[0])
             if d.identity == definition.identity and d.object_id not in self._invalid),
            key=lambda d: d.version, default=definition,
        )  # fmt: skip

    # -- Algorithm 4 -------------------------------------------------------------------------------------------------

    def _derive(self, name: str, start: SourceCollection, wanted: SourceSet, stack: tuple[str, ...],
                lines: list[str | _Tried]) -> list[SourceCollection]:  # fmt: skip
        """Each calculator definition that can be, applied to the largest known set of sources on which its inputs can be had."""
        if name in stack:
            self._guards.add(name)
            raise _Tried([*lines, f"- {name} needs itself"], name=name)
        definitions = self.definitions(name)
        usable = self._usable(name, definitions, lines)
        if not definitions:
            lines.append(f"- no calculator provides {name}")
        cause: Exception | None = None
        found: list[SourceCollection] = []
        for definition in usable:
            self._prefetch(definition.requires)
            attempts: str | _Tried = "- nothing is known to have all of these sources"
            for general in self._general_sets(definition, start, wanted):
                try:
                    made = self._apply(definition, start, general, (*stack, name))
                except _Tried as tried:
                    attempts = tried
                    cause = tried.cause or cause
                except (LanguageError, OperatorError) as error:
                    if error.code == "derivation_too_wide":
                        raise
                    attempts = f"  - {error.message}"
                    cause = error
                else:
                    found.append(made)
                    break
            else:
                lines.append(f"- {definition.name}@{definition.version} needs {', '.join(definition.requires)}:")
                lines.append(attempts)
        self._guards.discard(name)  # above us nobody depends on its being derived
        if not found:
            raise _Tried(lines, cause if len(usable) == 1 else None, name=name)
        return found

    def _usable(
        self, name: str, definitions: Sequence[AttributeCalculatorDefinition], lines: list[str | _Tried]
    ) -> list[AttributeCalculatorDefinition]:
        """The newest valid version of each definition that the request does not rule out, the last made first."""
        used = self._use(name)
        usable: dict[str, AttributeCalculatorDefinition] = {}
        for definition in definitions:
            label = f"{definition.name}@{definition.version}"
            reason = ""
            if definition.object_id in self._invalid:
                reason = f"was declared invalid: {self._invalid[definition.object_id]}"
            elif self.is_avoided(definition):
                reason = "is to be avoided, the request says"
            if reason:
                lines.append(f"- {label} {reason}")
                choice = Choice("rejected", f"{name} by {label}", f"it {reason}")
                if choice not in self.choices:
                    self.choices.append(choice)
            elif isinstance(used, AttributeCalculatorDefinition) and definition.object_id != used.object_id:
                lines.append(f"- {label} is not the one that the request says to use")
            elif usable.get(definition.identity, definition).version <= definition.version:
                usable[definition.identity] = definition
        return sorted(usable.values(), key=lambda d: (d.created, d.lineage_key), reverse=True)

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
        holding = sorted((s for s in sets.values() if self.holds(s, wanted)), key=lambda s: (len(s.atoms), s.key))
        largest = holding[0]
        for one in holding[1:]:  # fewer conditions mostly are more sources, but a union has none
            if self.holds(one, largest) and not self.holds(largest, one):
                largest = one
        return [largest, *(s for s in holding if s is not largest)]

    def _apply(self, definition: AttributeCalculatorDefinition, start: SourceCollection, general: SourceSet,
               stack: tuple[str, ...]) -> SourceCollection:  # fmt: skip
        self._attempts += 1
        if self._attempts > MOST_ATTEMPTS:
            raise OperatorError(
                f"There are more than {MOST_ATTEMPTS} ways to try to calculate {stack[0]!r}, because calculators need each "
                f"other in circles; say with use= where {', '.join(stack[1:3]) or definition.requires[0]} should come from.",
                code="derivation_too_wide", name=stack[0],
            )  # fmt: skip
        context = self._at(start, general)
        parents: dict[str, tuple[SourceCollection, list[str]]] = {}
        for name in definition.requires:
            provider = self._as_start_means(name, self._provider(name, context, general, stack), general)
            parents.setdefault(provider.dependency_key, (provider, []))[1].append(name)
        if len(parents) == 1:
            ((parent, _),) = parents.values()
        else:
            parent = ConcatenateAttributes(parents=[self.only(p, names) for p, names in parents.values()])
        if not self.holds(parent.sources(), general):
            raise _Tried([f"- {', '.join(definition.requires)} are not all known for one set of sources"], name=name)
        return AttributeCalculator.of(parent, definition, {**self._numbers(definition), **self._catalogs(definition)})

    def _as_start_means(self, name: str, provider: SourceCollection, general: SourceSet) -> SourceCollection:
        """What the request starts from says what a name means; only where it has no such name others do."""
        start = self.request.start if self.request is not None else None
        if start is None or name not in start.attributes() or name in (self.request.use if self.request else ()):
            return provider
        if provider.attributes()[name].origin == start.attributes()[name].origin:
            return provider
        if not self.holds(start.sources(), general):
            raise _Tried(
                [f"- {provider.label} has another {name} than {start.label}, where the request starts"], name=name
            )
        return start

    def _at(self, start: SourceCollection, general: SourceSet) -> SourceCollection:
        """The collection to prefer attributes of when deriving on `general`: the most general one under `start`."""
        for candidate in _externals(start):
            if self.holds(candidate.sources(), general):
                return candidate
        return start

    # -- what the user overrules, and who wins -------------------------------------------------------------------------

    def _use(self, name: str) -> DBObject | None:
        used = self.request.use.get(name) if self.request is not None else None
        if used is not None:
            self.overruled.add(("use", name))
        return used

    def is_avoided(self, thing: DBObject) -> bool:
        return self.request is not None and any(thing.object_id == one.object_id for one in self.request.avoid)

    def rests_on_avoided(self, collection: SourceCollection) -> bool:
        """Whether it, or something it is derived from and the start of the request is not, is to be avoided."""
        if self.request is None or not self.request.avoid:
            return False
        self.mapper.cone([collection, self.request.start])
        start = {one.object_id for one in self.request.start.ancestry()}
        return any(self.is_avoided(one) for one in collection.ancestry() if one.object_id not in start)

    def _numbers(self, definition: AttributeCalculatorDefinition) -> dict[str, float]:
        """The process parameters that the request changes."""
        asked = self._parameters(definition)
        return {name: value for name, value in asked.items() if not isinstance(value, SourceCollection)}

    def _catalogs(self, definition: AttributeCalculatorDefinition) -> dict[str, SourceCollection]:
        """The whole catalogs that the request gives."""
        asked = self._parameters(definition)
        return {name: value for name, value in asked.items() if isinstance(value, SourceCollection)}

    def _parameters(self, definition: AttributeCalculatorDefinition) -> dict[str, float | SourceCollection]:
        """Process parameters that the request changes, by the calculator's name or by what it provides."""
        found: dict[str, float | SourceCollection] = {}
        for name in (definition.name, *definition.provides):
            if self.request is not None and name in self.request.parameters:
                self.overruled.add(("parameters", name))
                found.update(self.request.parameters[name])
        return found

    def _all_overruled(self, request: Request) -> None:
        """What nobody needed is a mistake of who asked: silently ignored it would look as if it had been obeyed."""
        for word, asked in (("use", request.use), ("parameters", request.parameters)):
            for name in asked:
                if (word, name) not in self.overruled:
                    raise InvalidInput(
                        f"{word}= speaks of {name!r}, but this request needs no {'attribute' if word == 'use' else 'calculation'} "
                        f"of that name; it asks for {', '.join(request.attributes)}.", code=f"{word}_unused", name=name,
                    )  # fmt: skip

    def _best(self, name: str, candidates: list[SourceCollection], lines: list[str | _Tried]) -> SourceCollection:
        """The candidate of highest rank; OperatorError ``attribute_ambiguous`` where several origins share it.

        lines : what was tried, for when the ranking takes none of them.
        """
        origins = sorted({c.attributes()[name].origin for c in candidates})
        rows = self.mapper.read("segments_holding", origins=origins) if len(candidates) > 1 else []
        held = {o for r in rows for o in r["properties"]["columns"]}
        number = Counter(c.sources() for c in candidates)
        contains = {s: sum(n for other, n in number.items() if self.holds(s, other)) for s in number}
        ranked: list[tuple[tuple[Any, ...], SourceCollection]] = []
        for one in candidates:
            standing = Standing(
                name,
                contains[one.sources()],
                float(one.attributes()[name].origin in held),
                max((c.definition.version for c in self._calculators(one)), default=0),
                one.project in (self.mapper.context.project, ""),
            )
            rank = self.ranking.rank(one, standing)
            if rank is None:
                reason = f"the ranking {self.ranking} does not take it"
                lines.append(f"- {_label(one)} has {name}, but {reason}")
                self.choices.append(Choice("rejected", f"{name} of {_label(one)}", reason))
            else:
                ranked.append((rank, one))
        if not ranked:
            raise _Tried(lines, name=name)
        try:
            highest = max(rank for rank, _ in ranked)
        except TypeError as error:
            raise InvalidInput(
                f"Ranking {self.ranking} gives tuples that cannot be compared, for {name!r}: {error}.", code="ranking_failed",
                ranking=str(self.ranking),
            ) from None  # fmt: skip
        first = sorted((c for rank, c in ranked if rank == highest), key=lambda c: (c.created or "~", c.lineage_key))
        meant = {c.attributes()[name].origin: c for c in first}
        if len(meant) > 1:
            labels = [_label(c) for c in meant.values()]
            how = (
                "can be calculated by" if all(not c.is_stored for c in meant.values()) else "means different things in"
            )
            raise OperatorError(
                f"{name!r} {how} {', '.join(labels[:-1])} and {labels[-1]}, which rank the same ({self.ranking}); say which "
                f"with use={{{name!r}: ...}} or avoid=[...].", code="attribute_ambiguous", name=name,
                candidates=[c.object_id if c.is_stored else c.definition.object_id for c in meant.values()],  # type: ignore[attr-defined]
            )  # fmt: skip
        for rank, loser in ranked:
            if loser is not first[0]:
                why = "is older and the same" if rank == highest else f"ranks higher ({self.ranking})"
                self.choices.append(Choice("rejected", f"{name} of {_label(loser)}", f"{_label(first[0])} {why}"))
        return first[0]

    def by_ucd(self, asked: str, start: SourceCollection) -> str:
        """The name of the one attribute with a UCD, where a UCD was asked for; other names as they are.

        Raises OperatorError ``attribute_ambiguous`` where several have it, UnknownAttribute where none has.
        """
        if asked in start.attributes() or not _UCD.fullmatch(asked):
            return asked
        wanted = asked.lower()
        here = [a.name for a in start.attributes().values() if a.ucd.lower() == wanted]
        elsewhere: list[str] = []
        if not here:
            elsewhere = sorted(self._with_ucd(asked) | self._with_ucd(wanted))
        found = here or elsewhere
        if len(found) > 1:
            raise OperatorError(
                f"Several attributes have the UCD {asked}: {', '.join(found)}; ask for one of them by name.",
                code="attribute_ambiguous", name=asked, candidates=found,
            )  # fmt: skip
        if not found:
            raise UnknownAttribute(f"No attribute here has the UCD {asked}, and none has this name.", name=asked)
        self.choices.append(Choice("found", found[0], f"is the attribute with the UCD {asked}"))
        return found[0]

    def _with_ucd(self, ucd: str) -> set[str]:
        """Names of attributes of catalogs and calculators that have this UCD."""
        found: set[str] = set()
        for label, named in (("External", "attribute_names"), ("AttributeCalculatorDefinition", "provides")):
            for row in self.mapper.read("entities_with_ucd", slots={"label": label}, ucd=ucd):
                one = row["properties"]
                found.update(n for n, u in zip(one[named], one["ucds"], strict=True) if u == ucd)
        return found

    def holds(self, larger: SourceSet, smaller: SourceSet) -> bool:
        """Whether all sources of `smaller` are provably in `larger`. Equal atoms settle most without any knowledge."""
        if larger.atoms <= smaller.atoms:
            return True
        return self.known.about(smaller, larger).subset(smaller.atoms, larger.atoms).answer is Answer.YES

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

    def with_sources(self, source_sets: Sequence[str]) -> list[SourceCollection]:
        """Stored collections that represent exactly one of these sets."""
        rows = self.mapper.read("collections_by_source_set", keys=list(source_sets))
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
        provided = [o for o in objects.values() if isinstance(o, AttributeCalculatorDefinition)]
        self._invalid.update(invalid(self.mapper, provided))
        for name in missing:
            self._introducers[name] = _newest_first(introducing, name, objects, SourceCollection)
            self._definitions[name] = _newest_first(providing, name, objects, AttributeCalculatorDefinition)

    def _provided_names(self) -> list[str]:
        rows = self.mapper.read("attribute_names")
        return [r["name"] for r in rows]


def _label(one: SourceCollection) -> str:
    """What a candidate is called where several are weighed: by name, by definition when it is not stored, else in notation."""
    if isinstance(one, AttributeCalculator) and not one.is_stored:
        return f"{one.definition.name}@{one.definition.version}"
    return one.label if one.name else repr(one)


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
