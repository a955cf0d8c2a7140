"""A survey of every schema version that was released stays openable: its names, lineage and values as they were.

A new sample is made with ``python -m tests.test_migrations`` when a release changes the schema version. ``schema-1-sets`` is
what the same calls made with the last version of schema 1.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph.config import EMBEDDED
from provgraph.errors import ProvgraphError
from provgraph.graph import setup
from provgraph.graph.embedded import EmbeddedEngine
from provgraph.graph.setup import SCHEMA_VERSION
from provgraph.graph.statements import Statement, parse
from provgraph.rewrite.sets import Answer
from provgraph.schema.files import place
from tests.surveys import address  # noqa: F401

SAMPLES = Path(__file__).parent / "data" / "surveys"
CSV = "id,z,mag\n" + "".join(f"{7 * n},{n / 20},{15 + n / 4}\n" for n in range(1, 21))
OTHER = "id,size\n" + "".join(f"{7 * n},{n * n % 13}\n" for n in range(4, 30))
REQUEST = ("sample", ["id", "absmag"])
WHERE = "z < 0.4 and mag > 15.5"
EXPECTED_IDS = [21, 28, 35, 42, 49]
OLD = "schema-1-sets"  # before sets of sources were indexed

KILLED = """
import os, signal, sys
import provgraph
from provgraph.graph import embedded, neo4j
from provgraph.resolver import migrations
migrations.AT_ONCE = 3
left = int(sys.argv[3])
def ending(engine):
    plain = engine.write
    def write(self, work):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(self, work)
    engine.write = write
ending(embedded.EmbeddedEngine)
ending(neo4j.Neo4jEngine)
provgraph.open(sys.argv[1], graph=sys.argv[2], create=False).close()
"""


def test_there_is_a_sample_of_this_schema() -> None:
    assert (SAMPLES / f"schema-{SCHEMA_VERSION}.zip").is_file()


@pytest.fixture
def sample(tmp_path: Path, address: str) -> Callable[[str], Path]:
    """Unpacks a sample; where its graph is to be on a server, all of it is written there as it stands in the sample."""

    def unpack(name: str) -> Path:
        directory = tmp_path / name
        with zipfile.ZipFile(SAMPLES / f"{name}.zip") as archive:
            archive.extractall(directory)
        if address != EMBEDDED:
            move(directory, address)
        return directory

    return unpack


@pytest.mark.parametrize("name", sorted(p.stem for p in SAMPLES.glob("*.zip")))
def test_a_sample_survey_opens(name: str, sample: Callable[[str], Path], address: str) -> None:
    with provgraph.open(sample(name), graph=address, create=False) as survey:
        pull = survey.pull(*REQUEST, where=WHERE, name="selected")
        table = pull.table()
        assert table["id"].tolist() == EXPECTED_IDS
        assert pull.measured is not None
        assert (pull.measured.filtered, pull.measured.calculated) == (0, {})  # stored then, found now
        assert survey["selected"].object_id == pull.result.object_id
        assert {n.class_name for n in survey.lineage("selected").nodes} >= {"External", "Segment", "DataFile"}
        assert _version(survey.engine) == SCHEMA_VERSION


def test_an_older_survey_has_the_index_that_it_would_have_now(
    sample: Callable[[str], Path], address: str, tmp_path: Path
) -> None:
    directory = sample(OLD)
    before = _records(directory, address)
    with provgraph.open(directory, graph=address, create=False) as survey:
        found = _index(survey.engine)
        _all_placed(survey.engine)
    assert _records(directory, address) == before
    with provgraph.open(tmp_path / "now", graph=EMBEDDED) as survey:
        work(survey, tmp_path)
        assert found == _index(survey.engine)
    assert all(found.values())


def test_what_was_stored_before_serves_what_is_asked_now(sample: Callable[[str], Path], address: str) -> None:
    with provgraph.open(sample(OLD), graph=address, create=False) as survey:
        narrower = survey.pull("sample", ["id", "absmag"], where="z < 0.2 and mag > 15.5 and z > 0.12")
        assert narrower.table()["id"].tolist() == [21]
        assert narrower.measured.calculated == {}  # of the wider set, all values are stored
        assert survey.relation("near", "nearer").superset is Answer.YES
        assert survey.relation("near", "far").disjoint is Answer.YES
        assert [c.name for c in survey.find(same_sources_as="near")] != []
        assert (
            survey.pull("sample", ["id"], where="not (z >= 0.5)").result.sources().key == survey["near"].sources().key
        )


def test_a_migration_that_is_killed_is_taken_up_again(sample: Callable[[str], Path], address: str) -> None:
    directory = sample(OLD)
    for writes in (0, 1, 3, 6, 9):
        child = subprocess.run(
            [sys.executable, "-c", KILLED, str(directory), address, str(writes)], timeout=120, check=False
        )
        assert child.returncode == -signal.SIGKILL, f"there are more than {writes} writes to do"
    with provgraph.open(directory, graph=address, create=False) as survey:
        assert _version(survey.engine) == SCHEMA_VERSION
        found = _index(survey.engine)
        _all_placed(survey.engine)
    shutil.rmtree(directory)
    if address != EMBEDDED:
        return  # what an undisturbed one gives there is compared above
    with provgraph.open(sample(OLD), graph=address, create=False) as survey:
        assert found == _index(survey.engine)


@pytest.mark.embedded
def test_a_survey_without_a_way_to_this_schema_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(SAMPLES / f"{OLD}.zip") as archive:
        archive.extractall(tmp_path)
    with EmbeddedEngine(tmp_path / "graph") as engine, pytest.raises(ProvgraphError) as caught:
        setup.prepare(engine)
    assert caught.value.code == "schema_too_old"


# -- what stands in a graph ------------------------------------------------------------------------------------------------


def _rows(engine: Any, text: str) -> list[dict[str, Any]]:
    return list(engine.read(Statement("test", (text,))))


def _version(engine: Any) -> int:
    return int(_rows(engine, "MATCH (s:Survey) RETURN s.schema_version AS version")[0]["version"])


def _index(engine: Any) -> dict[str, list[str]]:
    """The index of sets of sources, without the ids of objects, which differ from survey to survey."""
    questions = {
        "atoms": "MATCH (a:SourceAtom) WHERE a.kind <> 'list' RETURN a.atom AS a, a.kind AS b, a.meaning AS c, a.space AS d",
        "lists": "MATCH (a:SourceAtom) WHERE a.kind = 'list' RETURN a.atom AS a",
        "reads": "MATCH (a:SourceAtom)-[:READS]->(c:Column) RETURN a.atom AS a, c.origin_key AS b",
        "parts": "MATCH (a:SourceAtom)-[:SUBSET_OF]->(b:SourceAtom) RETURN a.atom AS a, b.atom AS b",
        "apart": "MATCH (a:SourceAtom)-[:DISJOINT_FROM]->(b:SourceAtom) RETURN a.atom AS a, b.atom AS b",
        "sets": "MATCH (s:SourceSet) RETURN s.source_set AS a, s.atoms AS b, s.space AS c, s.fingerprint AS d",
    }
    return {
        name: sorted(json.dumps(row, sort_keys=True) for row in _rows(engine, text)) for name, text in questions.items()
    }


def _all_placed(engine: Any) -> None:
    rows = _rows(
        engine,
        "MATCH (n:Segment) MATCH (s:SourceSet {source_set: n.source_set_key}) "
        "RETURN n.atoms AS atoms, n.within AS within, s.atoms AS known",
    )
    assert rows
    for row in rows:
        assert {"atoms": row["atoms"], "within": row["within"]} == place(row["known"])


def _records(directory: Path, address: str) -> list[str]:
    """Everything recorded, without what the index adds."""
    engine = EmbeddedEngine(directory / "graph") if address == EMBEDDED else _served(address)
    with engine:
        rows = _rows(engine, "MATCH (n) RETURN labels(n) AS labels, properties(n) AS properties")
        edges = _rows(
            engine,
            "MATCH (n:Entity)-[r]->(m) RETURN n.object_id AS a, type(r) AS b, properties(r) AS c, properties(m) AS d",
        )
    kept = [
        [sorted(row["labels"]), {k: v for k, v in row["properties"].items() if k not in ("atoms", "within")}]
        for row in rows if not {"SourceAtom", "SourceSet", "Survey", "Column"} & set(row["labels"])
    ]  # fmt: skip
    ends = [{**row, "d": {k: v for k, v in row["d"].items() if k not in ("atoms", "within")}} for row in edges]
    return sorted(json.dumps(one, sort_keys=True, default=str) for one in (*kept, *ends))


def _served(address: str) -> Any:
    from provgraph.config import Settings
    from provgraph.graph.neo4j import Neo4jEngine

    return Neo4jEngine(address, Settings.from_environment().graph_auth)


def move(directory: Path, address: str) -> None:
    """The graph of an embedded sample, node by node, on the empty server at `address`, with the indexes of its schema."""
    with EmbeddedEngine(directory / "graph") as old:
        nodes = _rows(old, "MATCH (n) RETURN toString(id(n)) AS id, labels(n) AS labels, properties(n) AS properties")
        edges = _rows(
            old,
            "MATCH (n)-[r]->(m) RETURN toString(id(n)) AS a, type(r) AS b, properties(r) AS c, toString(id(m)) AS d",
        )
        version = _version(old)
    with _served(address) as new:
        constraints = (Path(setup.__file__).parents[2] / "cypher" / "schema" / "constraints_neo4j.cypher").read_text()
        added = ("SourceAtom", "SourceSet", "entity_within") if version == 1 else ()
        for part in parse("schema/constraints_neo4j", constraints).parts:
            name = part.split()[2]
            if any(word in part for word in added):
                new.write(lambda run: run(Statement("drop", (f"DROP {part.split()[1]} {name} IF EXISTS",))))  # noqa: B023
            else:
                new.write(lambda run: run(Statement("make", (part,))))  # noqa: B023
        for node in nodes:
            text = f"CREATE (n:{':'.join(node['labels'])} {{moved: $id}}) SET n += $properties"
            new.write(lambda run: run(Statement("node", (text,)), id=node["id"], properties=node["properties"]))  # noqa: B023
        for edge in edges:
            text = f"MATCH (n {{moved: $a}}) MATCH (m {{moved: $d}}) CREATE (n)-[r:{edge['b']}]->(m) SET r += $c"
            new.write(lambda run: run(Statement("edge", (text,)), a=edge["a"], d=edge["d"], c=edge["c"]))  # noqa: B023
        new.write(lambda run: run(Statement("done", ("MATCH (n) REMOVE n.moved",))))
    shutil.rmtree(directory / "graph")
    file = directory / "survey.toml"
    file.write_text(file.read_text().replace(f'graph = "{EMBEDDED}"', f'graph = "{address}"'))


# -- how a sample is made ----------------------------------------------------------------------------------------------------


def work(survey: Any, folder: Path) -> None:
    """A little of everything that schema 1 knows."""
    (folder / "sample.csv").write_text(CSV)
    (folder / "other.csv").write_text(OTHER)
    first = survey.ingest(folder / "sample.csv", name="sample", id="id", id_space="sources")
    other = survey.ingest(folder / "other.csv", name="other", id="id", id_space="sources")
    survey.define_calculator("absmag", requires=["z", "mag"], expression="mag - distmod(z)", unit="mag")
    survey.pull(*REQUEST, where=WHERE, name="selected").table()
    survey.pull("sample", ["id", "z"], where="z < 0.5", name="near").table()
    survey.pull("near", ["id", "mag"], where="z < 0.3", name="nearer").table()
    survey.store(first.filter("z >= 0.5").select("z"), name="far")
    survey.store(first.filter("z < 0.3 or mag > 18"), name="some")
    survey.store(survey.select_sources(first, [7, 21, 49, 1000]), name="listed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the sources of one are not those of the other
        survey.store(first.concatenate(other).filter("size > 3 and z < 0.6"), name="both")


def make(target: Path) -> None:
    """Write a sample of the present schema."""
    folder = Path(tempfile.mkdtemp())
    try:
        with provgraph.open(folder / "survey") as survey:
            work(survey, folder)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted((folder / "survey").rglob("*")):
                if path.is_file() and path.suffix not in (".lck", ".wal", ".sock"):
                    archive.write(path, path.relative_to(folder / "survey"))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    SAMPLES.mkdir(parents=True, exist_ok=True)
    make(SAMPLES / f"schema-{SCHEMA_VERSION}.zip")
