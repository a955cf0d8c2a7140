"""Makes a graph ready for a survey: keys and indexes, whose survey it is, and which version of the schema."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from provgraph.errors import ProvgraphError, SchemaTooNew, WrongSurvey
from provgraph.graph import loading, statements
from provgraph.graph.dialect import DIALECTS
from provgraph.graph.engine import GraphEngine

SCHEMA_VERSION = 1
# Looking for twins reads every object, 3 µs each: at each start of a small survey, by `find_twins` in a large one.
_LOOK_FOR_TWINS_UP_TO = 5000


class Migration(NamedTuple):
    """Statements that bring a schema from one version to the next, run in one transaction."""

    from_version: int
    statements: tuple[str, ...]


MIGRATIONS: tuple[Migration, ...] = ()


def prepare(engine: GraphEngine, survey_id: str | None = None) -> str:
    """Make the graph ready, for this survey or the one it holds; the survey's id.

    A graph that holds none gets one: `survey_id`, or a new UUID.

    Raises
    ------
    WrongSurvey : the graph holds another survey than `survey_id`.
    SchemaTooNew : a newer version of provgraph made it.
    ProvgraphError : ``graph_damaged`` when two nodes have one id.
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
    _migrate(engine, survey["schema_version"])
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


def _create(engine: GraphEngine, survey_id: str) -> list[dict[str, Any]]:
    """Keys and indexes first, the survey's node last: where it stands, the rest does."""
    dialect = DIALECTS[engine.name]
    for name in (*dialect.schema, *dialect.ready):
        engine.write(lambda run: run(statements.load(name)))  # noqa: B023
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return engine.write(
        lambda run: run(
            statements.load("schema/create_survey"), survey_id=survey_id, schema_version=SCHEMA_VERSION, created=created
        )
    )


def _migrate(engine: GraphEngine, version: int) -> None:
    for migration in MIGRATIONS:
        if migration.from_version >= version:
            engine.write(
                lambda run: (
                    [run(statements.load(name)) for name in migration.statements],  # noqa: B023
                    run(statements.load("schema/migrated"), schema_version=migration.from_version + 1),  # noqa: B023
                )
            )
