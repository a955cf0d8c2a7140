"""Makes a graph ready for a survey: keys and indexes, whose survey it is, and which version of the schema."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from provgraph.errors import ProvgraphError, SchemaTooNew, WrongSurvey
from provgraph.graph import loading, statements
from provgraph.graph.dialect import DIALECTS
from provgraph.graph.engine import GraphEngine

SCHEMA_VERSION = 2
# Looking for twins reads every object, 3 µs each: at each start of a small survey, by `find_twins` in a large one.
_LOOK_FOR_TWINS_UP_TO = 5000


class Migration(NamedTuple):
    """What brings a graph from one version of the schema to the next.

    work : may be ended at any moment, so it is done in transactions each of which leaves the graph as good as it was, and doing
    it again from the start ends where doing it once does. The version is written down after it.
    """

    from_version: int
    work: Callable[[GraphEngine], None]


def prepare(engine: GraphEngine, survey_id: str | None = None, migrations: Sequence[Migration] = ()) -> str:
    """Make the graph ready, for this survey or the one it holds; the survey's id.

    A graph that holds none gets one: `survey_id`, or a new UUID. One of an older schema is brought up by `migrations`.

    Raises
    ------
    WrongSurvey : the graph holds another survey than `survey_id`.
    SchemaTooNew : a newer version of provgraph made it.
    ProvgraphError : ``graph_damaged`` when two nodes have one id; ``schema_too_old`` where no migration leads from its version.
    """
    found = engine.read(statements.load("schema/survey"))
    if not found:
        found = _create(engine, survey_id or str(uuid.uuid4()))
    [survey] = found
    if survey["schema_version"] > SCHEMA_VERSION:
        raise SchemaTooNew(
            f"This survey has schema version {survey['schema_version']}, this provgraph knows {SCHEMA_VERSION}: "
            "upgrade it with pip install --upgrade provgraph."
        )
    if survey_id is not None and survey["survey_id"] != survey_id:
        raise WrongSurvey(
            f"The graph holds the survey {survey['survey_id']}, the directory belongs to {survey_id}: "
            "one graph database holds one survey.",
            graph=survey["survey_id"],
            directory=survey_id,
        )
    _migrate(engine, survey["schema_version"], migrations)
    if "single_process" not in engine.capabilities:  # where it is there, opening has done it
        loading.undo_unfinished(engine, older_than=timedelta(days=1))
    if engine.read(statements.load("schema/size"))[0]["n"] <= _LOOK_FOR_TWINS_UP_TO and (twins := find_twins(engine)):
        raise ProvgraphError(
            f"The graph is damaged: {len(twins)} ids belong to more than one node, {twins[0]} for one; "
            "something wrote to it around provgraph.",
            code="graph_damaged",
        )
    return str(survey["survey_id"])


def find_twins(engine: GraphEngine) -> list[str]:
    """Some of the ids that more than one object has; always none where the engine itself refuses them."""
    statement = DIALECTS[engine.name].twins
    return [str(row["id"]) for row in engine.read(statements.load(statement))] if statement else []


def make_indexes(engine: GraphEngine) -> None:
    """Keys and indexes of the present schema, as far as they are missing; returns when they answer."""
    dialect = DIALECTS[engine.name]
    for name in (*dialect.schema, *dialect.ready):
        engine.write(lambda run: run(statements.load(name)))  # noqa: B023


def _create(engine: GraphEngine, survey_id: str) -> list[dict[str, Any]]:
    """Keys and indexes first, the survey's node last: where it stands, the rest does."""
    make_indexes(engine)
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return engine.write(
        lambda run: run(
            statements.load("schema/create_survey"), survey_id=survey_id, schema_version=SCHEMA_VERSION, created=created
        )
    )


def _migrate(engine: GraphEngine, version: int, migrations: Sequence[Migration]) -> None:
    by_version = {m.from_version: m for m in migrations}
    for old in range(version, SCHEMA_VERSION):
        if old not in by_version:
            raise ProvgraphError(
                f"This survey has schema version {version}, and nothing here leads from {old} to {SCHEMA_VERSION}.",
                code="schema_too_old",
            )
        by_version[old].work(engine)
        engine.write(lambda run: run(statements.load("schema/migrated"), schema_version=old + 1))  # noqa: B023
