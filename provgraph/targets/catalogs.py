"""Catalogs among targets: a source list becomes a Source Collection, and what rests on one that was made again is derived anew."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provgraph import ingest as ingesting
from provgraph.errors import InvalidInput, OperatorError, UsageError, a
from provgraph.graph import statements
from provgraph.language.criterion import Criterion
from provgraph.resolver import index, why
from provgraph.schema.collection import SourceCollection
from provgraph.schema.objects import DBObject
from provgraph.schema.operators import AttributeCalculator, External, FilterSources, SelectSources, SourceListWrapper
from provgraph.schema.operators.source_list_wrapper import wrappers
from provgraph.schema.properties import link, persistent
from provgraph.targets.source_list import NUMBER, SourceList

statements.declare("SourceListWrapper", "SourceList")

Now = Callable[[Any], Any]  # what an object, or each of several, has become


class WantedCatalog(SourceCollection):
    """What a pull over a source list will be once the list is made. Never stored: the pulled catalog takes its place."""

    source_list = link(SourceList, role="source_list")
    wanted = persistent(list[str], doc="names of the attributes")
    criterion = persistent(str, default="", doc="for the sources")

    def is_like(self, survey: Any, catalog: Any) -> bool:
        """Whether a catalog is what this pull gives, of some version of the list."""
        if not isinstance(catalog, SourceCollection) or catalog.attributes().names != tuple(self.wanted):
            return False
        wrapper = next((w for w in wrappers(catalog) if w.delivered.identity == self.source_list.identity), None)
        if wrapper is None:
            return False
        asked = {"start": wrapper.object_id, "attributes": list(self.wanted)}
        if self.criterion:
            asked["where"] = Criterion.parse(self.criterion).text
        if any(dict(pull.request) == asked for pull in why.pulls(survey.mapper, catalog)):
            return True
        again = survey.pull(wrapper, list(self.wanted), where=self.criterion, create=False).result
        return bool(again.lineage_key == catalog.lineage_key)


def wrap(survey: Any, one: Any, name: str = "") -> SourceListWrapper:
    """See `Survey.wrap`."""
    if not isinstance(one, SourceList):
        what = a(type(one).__name__) if isinstance(one, DBObject) else repr(one)
        raise InvalidInput(f"Only source lists are wrapped, not {what}; a file is ingested.", code="not_a_source_list")
    if not one.is_stored:
        raise UsageError("This source list is not made yet; survey.make(it) first.", code="not_stored")
    before = [
        w for w in survey.mapper.restore(
            [r["properties"] for r in survey.mapper.read("source_lists_numbered", number=one.number)]
        ) if w.delivered is not None and w.delivered.identity == one.identity and w.delivered.object_id != one.object_id
    ]  # fmt: skip
    older = max((w for w in before if w.delivered.version <= one.version), key=lambda w: w.version, default=None)
    name = name or survey._name(older)

    def accept(external: External) -> None:
        if before:  # the older ones may have been wrapped later
            external.identity = before[0].identity
        external.version = one.version
        survey._check_name(name, identity=external.identity, mine=external)

    declaration = ingesting.Declaration(id=NUMBER, source_list=one.number, delivered=one)
    with tempfile.TemporaryDirectory() as folder:
        made = ingesting.ingest(
            survey.mapper, survey.store_, one.retrieve(to=Path(folder)), declaration, intent=survey.intents.declare,
            name=name, replaces=older, accept=accept,
        )  # fmt: skip
    index.add(survey.mapper, [made])
    survey._names.clear()
    if name and survey.name_of(made) != name:
        survey.annotate(made, name=name)
    assert isinstance(made, SourceListWrapper)
    return made


def number_of(survey: Any, one: SourceList) -> int:
    """The number (SLID) of a source list that says none: that of its other versions, or the next that nothing has."""
    for other in survey.versions(one):
        if other.number is not None:
            return int(other.number)
    known = [
        survey.mapper.read("source_lists_known", {"label": label})[0] for label in ("SourceListWrapper", "SourceList")
    ]
    least = 1 + max((n for row in known for n in row.values() if n is not None), default=0)
    statement = statements.load("queries/claim_source_list")
    return int(survey.engine.write(lambda run: run(statement, least=least))[0]["number"])


def is_derived(one: DBObject) -> bool:
    """Whether what stands for a collection follows from what it rests on; a file that somebody delivered does not."""
    if isinstance(one, External):
        return isinstance(one, SourceListWrapper) and one.delivered is not None
    return isinstance(one, SourceCollection)


def derive(survey: Any, one: SourceCollection, now: Now) -> SourceCollection:
    """What stands for a collection after something that it rests on became something else.

    A source list is wrapped again; what was pulled is pulled again, by the same request; of any other collection it is the same
    operator with the same parameters.
    """
    if isinstance(one, WantedCatalog):
        return _pull(survey, wrap(survey, now(one.source_list)), list(one.wanted), one.criterion)
    if isinstance(one, SourceListWrapper):
        return wrap(survey, now(one.delivered))
    asked = why.pulls(survey.mapper, one)[-1:] if one.is_stored else ()
    for request in (pull.request for pull in asked):
        start = survey.mapper.get(request["start"])
        if (begins := now(start)) is not start and not any(word in request for word in why.OVERRULING):
            return _pull(survey, begins, request["attributes"], request.get("where", ""))
    return _operator(one, now)


def _pull(survey: Any, start: SourceCollection, attributes: list[str], where: str) -> SourceCollection:
    found: SourceCollection = survey.pull(start, attributes, where=where).result
    return found


def _operator(one: SourceCollection, now: Now) -> SourceCollection:
    if isinstance(one, FilterSources):
        return FilterSources.of(now(one.parent), one.text)
    if isinstance(one, SelectSources) and any(now(w) is not w for w in wrappers(one)):
        raise OperatorError(
            f"{one.label} selects sources by their numbers in a source list, and that was made again, with other numbers; select "
            "them by a criterion, or give another catalog.", code="sources_renumbered",
        )  # fmt: skip
    if isinstance(one, AttributeCalculator) and (definition := now(one.definition)) is not one.definition:
        usual, known = one.definition.defaults(), definition.defaults()
        numbers = {k: v for k, v in one.process_params.as_dict().items() if v != usual.get(k) and k in known}
        catalogs = zip(one.definition.whole_catalogs(), now(one.catalogs or ()), strict=True)
        return AttributeCalculator.of(now(one.parent), definition, numbers | dict(catalogs))
    cls = type(one)
    values = {n: getattr(one, n) for n in cls.persistents if n in one._values}
    links = {n: now(v) for n in cls.links if (v := getattr(one, n, None)) is not None}
    return cls(**values, **links)
