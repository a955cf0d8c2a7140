"""What was calculated for some sources serves whoever asks for others, too: only the rest is calculated, to the source."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import provgraph
from provgraph.errors import ProvgraphError
from provgraph.resolver import handover
from provgraph.rewrite.sets import Answer
from tests.surveys import address, census, empty_graph, open_survey, survey, write_fits  # noqa: F401
from tests.test_ingest import rubbish

N = 3000


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are kept, however fast they were calculated."""
    monkeypatch.setattr(handover, "READING", 1e18)


def columns(n: int = N) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    x = rng.random(n)
    x[::11] = np.nan
    return {"id": rng.permutation(n) * 5 + 2**53, "x": x, "y": rng.random(n)}


@pytest.fixture
def a(survey: Any, tmp_path: Path) -> Any:
    made = survey.ingest(write_fits(tmp_path / "a.fits", columns()), id="id", name="A")
    survey.define_calculator("s", requires=["x", "y"], expression="sqrt(x) + y")
    survey.define_calculator("t", requires=["s", "y"], expression="s * y")
    return made


def seen(pull: Any) -> int:
    """Sources on which the calculators were evaluated."""
    pull.data()
    return sum(pull.measured.calculated.values())


@pytest.mark.parametrize("seed", range(3))
def test_a_calculator_sees_exactly_the_sources_that_no_segment_has(survey: Any, a: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    given = columns()
    ids, x, y = (given[n] for n in ("id", "x", "y"))
    expected = dict(zip(ids.tolist(), (np.sqrt(x) + y).tolist(), strict=True))
    known: set[int] = set()
    for k in range(7):
        low, high = sorted(rng.random(2))
        column, values = ("x", x) if k % 3 else ("y", y)
        pull = survey.pull(a, ["id", "s"], where=f"{column} >= {low} and {column} < {high}")
        asked = set(ids[(values >= low) & (values < high)].tolist())
        assert seen(pull) == len(asked - known)
        known |= asked
        table = pull.data()
        assert set(table.ids.tolist()) == asked
        np.testing.assert_array_equal(table["s"].values, [expected[i] for i in table.ids.tolist()])
    assert seen(survey.pull(a, ["s"])) == N - len(known)
    assert seen(survey.pull(a, ["s"], where="x < 0.123 or y > 0.9")) == 0


def test_values_lie_with_the_general_collection(survey: Any, a: Any) -> None:
    """A second project, other operators: what holds the values is the column, not the pull that made them."""
    first = survey.pull(a, ["id", "s"], where="x < 0.5")
    assert seen(first) > 0
    origin = first.result.attributes()["s"].origin
    (holds,) = survey.mapper.read("segments_holding", origins=[origin])
    assert holds["properties"]["n"] == len(first.data())
    wider = survey.pull(a, ["s"])
    assert wider.result.attributes()["s"].origin == origin
    assert seen(wider) == N - len(first.data())
    assert len(survey.mapper.read("segments_holding", origins=[origin])) == 2  # appended; the first is as it was
    assert seen(survey.pull(survey.select_sources(a, columns()["id"][:50]), ["s"])) == 0
    assert seen(survey.pull(a.filter("y < 0.5").union(a.filter("y >= 0.5")), ["s"])) == 0


def test_of_two_calculators_in_a_row_each_sees_what_it_lacks(survey: Any, a: Any) -> None:
    some = len(survey.pull(a, ["id", "s"], where="x < 0.5").data())
    pull = survey.pull(a, ["id", "t"], where="x < 0.8")
    n = len(pull.data())
    by = {survey.pull(a, [name]).result.attributes()[name].origin: name for name in ("s", "t")}
    assert {by[o]: k for o, k in pull.measured.calculated.items()} == {"s": n - some, "t": n}


def test_whether_all_is_stored_is_known_or_unknown(survey: Any, a: Any) -> None:
    assert a.all_data_stored is Answer.YES
    pull = survey.pull(a, ["id", "s"], where="x < 0.5")
    result = pull.result
    assert result.all_data_stored is Answer.UNKNOWN  # perhaps there is no such source
    result.count()
    assert result.all_data_stored is Answer.NO
    pull.data()
    assert result.all_data_stored is Answer.YES
    wider = survey.pull(a, ["id", "s"], where="x < 0.6").result
    assert wider.all_data_stored is Answer.UNKNOWN
    wider.count()
    assert wider.all_data_stored is Answer.NO
    narrower = survey.pull(a, ["id", "s"], where="x < 0.5 and y < 0.1").result
    assert narrower.all_data_stored is Answer.UNKNOWN
    narrower.count()
    assert narrower.all_data_stored is Answer.YES  # within what was calculated before
    apart = survey.pull(a, ["id", "s"], where="x < 0.4 and y > 0.2").result
    list(apart.table()["id"])
    assert survey.all_data_stored(apart) is Answer.YES
    empty = survey.pull(a, ["id", "t"], where="x < 0.001 and y < 0.001").result
    assert empty.count() == 0
    assert empty.all_data_stored is Answer.YES
    assert survey.pull(a, ["s"]).result.all_data_stored is Answer.NO
    survey.forget(result)
    assert result.all_data_stored is Answer.UNKNOWN
    with pytest.raises(ProvgraphError, match="not known"):
        bool(result.all_data_stored)


def test_what_several_segments_have_together_is_all(survey: Any, a: Any) -> None:
    for part in ("x < 0.3", "x >= 0.3", "x is null or x != x"):
        survey.pull(a, ["id", "s"], where=part).data()
    whole = survey.pull(a, ["id", "s"])
    before = whole.result.all_data_stored
    assert before is (Answer.YES if seen(survey.pull(a, ["s"])) == 0 else Answer.NO)


KILLED = """
import os, signal, sys
import provgraph
from provgraph.graph.mapper import Mapper
from provgraph.bulk.intents import Intents
from provgraph.errors import ProvgraphError
from provgraph.resolver import handover
from provgraph.schema.files import Segment
handover.READING = 1e18
when = sys.argv[3]
def end():
    os.kill(os.getpid(), signal.SIGKILL)
plain = Mapper.write
def write(self, batch):
    ours = any(isinstance(o, Segment) for o in batch.objects)
    if ours and when == "segment":
        end()
    done = plain(self, batch)
    if ours and when == "graph":
        end()
    return done
survey = provgraph.open(sys.argv[1], graph=sys.argv[2])
Mapper.write = write
survey.pull("A", ["id", "s"], where="x < 0.5").data()
"""


@pytest.mark.parametrize("when", ["segment", "graph"])
def test_killed_after_the_segment_or_after_the_graph(tmp_path: Path, address: str, when: str) -> None:
    """What the kill left is removed or used, and the same pull gives what an undisturbed one gives."""
    catalog = write_fits(tmp_path / "a.fits", columns())

    def begin(directory: Path) -> Any:
        survey = provgraph.open(directory, graph=address)
        survey.ingest(catalog, name="A", id="id")
        survey.define_calculator("s", requires=["x", "y"], expression="sqrt(x) + y")
        return survey

    with begin(tmp_path / "undisturbed") as survey:
        pull = survey.pull("A", ["id", "s"], where="x < 0.5")
        expected, all_of_it = pull.data(), seen(pull)
        pull = survey.pull("A", ["id", "s"], where="x < 0.7")
        pull.data()
        undisturbed = census(survey)
    empty_graph(address)
    begin(tmp_path / "survey").close()
    child = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "survey"), address, when], check=False, timeout=120,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert child.returncode == -signal.SIGKILL
    written = list((tmp_path / "survey" / "segments").rglob("*.h5"))
    assert len(written) > 1  # the catalog, and what was just written
    with provgraph.open(tmp_path / "survey", graph=address) as survey:
        assert rubbish(survey) == []
        pull = survey.pull("A", ["id", "s"], where="x < 0.5")
        assert seen(pull) == (all_of_it if when == "segment" else 0)
        data = pull.data()
        for name in ("id", "s"):
            assert data[name].values.tobytes() == expected[name].values.tobytes()
        survey.pull("A", ["id", "s"], where="x < 0.7").data()
        assert census(survey) == undisturbed
        assert rubbish(survey) == []
