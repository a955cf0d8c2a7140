"""Who asks for the same thing gets the same thing: at once in many processes and threads, and after an upgrade."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from threading import Barrier
from typing import Any

import provgraph
from provgraph.graph.statements import Statement
from tests.surveys import EXPRESSION, address, census, galaxies, write_fits  # noqa: F401

ASKERS = 8
ROOT = Path(provgraph.__file__).resolve().parents[1]
ASK = """
import json, sys
import provgraph
from importlib import metadata
from provgraph.trace import environment
survey = provgraph.open(sys.argv[1], graph=sys.argv[2])
print("open", flush=True)
sys.stdin.readline()
pull = survey.pull("A", ["id", "mag_u", "absmag_u"], where="redshift < 0.1 and mag_u < 20", name="near")
ids = sorted([pull.result.object_id, *(one.object_id for one in pull.result.ancestry())])
data = pull.data()
print(json.dumps({"ids": ids, "n": len(data), "bytes": data["absmag_u"].values.tobytes().hex()[:200],
                  "created": [c.what for c in pull.choices() if c.outcome == "created"],
                  "version": environment.software().properties()["version"]}))
"""
TWINS = Statement("twins", (
    "MATCH (n:Entity) WHERE n.lineage_key IS NOT NULL "
    "WITH n.project AS project, n.lineage_key AS key, n.repeat AS repeat, count(*) AS n WHERE n > 1 RETURN key AS key, n AS n",
))  # fmt: skip


def begun(directory: Path, address: str, catalog: Path) -> Any:
    survey = provgraph.open(directory, graph=address)
    survey.ingest(catalog, name="A", id="id", units={"redshift": ""})
    survey.define_calculator("absmag_u", requires=["redshift", "mag_u"], expression=EXPRESSION, unit="mag")
    return survey


def asking(directory: Path, address: str, *path: Path) -> subprocess.Popen[str]:
    paths = [*map(str, path), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.Popen(
        [sys.executable, "-c", ASK, str(directory), address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


def told(process: subprocess.Popen[str]) -> Any:
    """What one says after it was let go."""
    out, _ = process.communicate("go\n", timeout=120)
    assert process.returncode == 0
    return json.loads(out)


def made_once(survey: Any, n_before: dict[str, int]) -> None:
    """What one asker would have left is there, once, with one statement about it and one name."""
    assert survey.engine.read(TWINS) == []
    near = survey["near"]
    kinds = [note["kind"] for note in survey.notes(near)]
    assert sorted(kinds) == ["name", "pulled"]
    new = {
        kind: n - n_before.get(kind, 0)
        for kind, n in census(survey).items()
        if "SourceCollection" in kind and n != n_before.get(kind, 0)
    }
    assert sorted((kind.split(":"), n) for kind, n in new.items()) == [
        (sorted(["DBObject", "Entity", "SourceCollection", operator]), 1)
        for operator in ("AttributeCalculator", "ConcatenateAttributes", "FilterSources", "SelectAttributes")
    ]


def test_processes_that_ask_at_once_make_one(tmp_path: Path, address: str) -> None:
    survey = begun(tmp_path / "survey", address, write_fits(tmp_path / "a.fits", galaxies()))
    before = census(survey)
    if address == "embedded":  # the first opener serves the others; here one of them may be that
        survey.close()
    askers = [asking(tmp_path / "survey", address) for _ in range(ASKERS)]
    try:
        for one in askers:
            assert one.stdout is not None
            assert one.stdout.readline() == "open\n"
        for one in askers:  # all are open; now they go
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        answers = [told(one) for one in askers]
    finally:
        for one in askers:
            one.kill()
            one.wait()
    assert len({json.dumps([a["ids"], a["n"], a["bytes"]]) for a in answers}) == 1
    with provgraph.open(tmp_path / "survey", graph=address) as survey:
        made_once(survey, before)
        assert survey["near"].object_id in answers[0]["ids"]


def test_threads_that_ask_at_once_make_one(tmp_path: Path, address: str) -> None:
    with begun(tmp_path / "survey", address, write_fits(tmp_path / "a.fits", galaxies())) as survey:
        before = census(survey)
        together = Barrier(ASKERS)

        def ask(number: int) -> tuple[list[str], bytes]:
            together.wait(60)
            where = "redshift < 0.1 and mag_u < 20" if number % 2 else "mag_u < 20 and 0.1 > redshift"
            pull = survey.pull("A", ["id", "mag_u", "absmag_u"], where=where, name="near")
            ids = sorted({one.object_id for one in pull.result.ancestry()})
            return ids, pull.data()["absmag_u"].values.tobytes()

        with ThreadPoolExecutor(ASKERS) as pool:
            answers = list(pool.map(ask, range(ASKERS)))
        assert all(answer == answers[0] for answer in answers)
        assert survey.engine.read(TWINS) == []
        assert [n["kind"] for n in survey.notes(survey["near"])].count("name") == 1
        made = {kind: n - before.get(kind, 0) for kind, n in census(survey).items() if "SourceCollection" in kind}
        assert sum(made.values()) == 4


def test_threads_that_define_and_calculate_at_once_make_one(tmp_path: Path, address: str) -> None:
    with begun(tmp_path / "survey", address, write_fits(tmp_path / "a.fits", galaxies())) as survey:
        together = Barrier(ASKERS)

        def ask(number: int) -> tuple[str, int, str]:
            together.wait(60)
            made = survey.define_calculator("double", requires=["mag_u"], expression="2 * mag_u", unit="mag")
            stored = survey.store(survey.calculate(survey["A"].filter("dec > 0"), made))
            return made.object_id, made.version, stored.object_id

        with ThreadPoolExecutor(ASKERS) as pool:
            assert len(set(pool.map(ask, range(ASKERS)))) == 1
        assert survey.engine.read(TWINS) == []


def test_an_upgrade_of_the_package_makes_nothing_again(tmp_path: Path, address: str) -> None:
    """Another version of provgraph is installed, as pip leaves it; the same pull then finds everything."""
    survey = begun(tmp_path / "survey", address, write_fits(tmp_path / "a.fits", galaxies()))
    survey.close()
    first = asking(tmp_path / "survey", address)
    assert first.stdout is not None
    assert first.stdout.readline() == "open\n"
    made = told(first)
    assert made["version"] == metadata.version("provgraph")
    assert made["created"]
    with provgraph.open(tmp_path / "survey", graph=address) as survey:
        before = census(survey)
    info = tmp_path / "site" / "provgraph-99.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: provgraph\nVersion: 99.1\n")
    (info / "RECORD").write_text("")
    upgraded = asking(tmp_path / "survey", address, tmp_path / "site")
    assert upgraded.stdout is not None
    assert upgraded.stdout.readline() == "open\n"
    again = told(upgraded)
    assert again["version"] == "99.1"
    assert (again["ids"], again["bytes"], again["created"]) == (made["ids"], made["bytes"], [])
    with provgraph.open(tmp_path / "survey", graph=address) as survey:
        assert census(survey) == before
