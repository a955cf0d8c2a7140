"""How often things were made, reused and delivered, from the graph and from uses that outlive a kill; what making will take."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import provgraph
from provgraph import link, persistent
from provgraph.bulk import processes
from provgraph.cli import main
from provgraph.errors import InvalidInput, ProvgraphError
from provgraph.store.uses import DELIVERED, REUSED, Uses
from provgraph.targets.prediction import line
from tests.surveys import OpenSurvey, address, open_survey  # noqa: F401


class UsageRaw(provgraph.DataObject):
    filter = persistent(str)
    night = persistent(int)


class UsageFlat(provgraph.DataObject, provgraph.ProcessTarget):
    ccd = persistent(int)
    raws = link(list[UsageRaw])

    def make(self) -> None:
        self.attach(b"".join(r.retrieve().read_bytes() for r in self.raws))


class UsageReduced(provgraph.DataObject, provgraph.ProcessTarget):
    raw = link(UsageRaw)
    flat = link(UsageFlat)

    def make(self) -> None:
        self.attach(self.raw.retrieve().read_bytes() + self.flat.retrieve().read_bytes())


class UsageSlow(provgraph.DataObject, provgraph.ProcessTarget):
    raws = link(list[UsageRaw])

    def make(self) -> None:
        data = b"".join(r.retrieve().read_bytes() for r in self.raws)
        time.sleep(0.05 + len(data) / 1e5)
        self.attach(data)


class UsageTop(provgraph.ProcessTarget):
    slow = link(UsageSlow)

    def make(self) -> None:
        time.sleep(0.1)


@pytest.fixture
def survey(open_survey: OpenSurvey) -> Any:
    with open_survey() as survey:
        yield survey


def night(survey: Any, n: int = 4) -> list[UsageRaw]:
    return [survey.store(UsageRaw(filter="gr"[i % 2], night=i, file=bytes([65 + i]) * 1000)) for i in range(n)]


def reduced(survey: Any) -> list[UsageReduced]:
    raws = night(survey)
    flats = [UsageFlat(ccd=50, raws=raws[:2]), UsageFlat(ccd=51, raws=raws[2:])]
    return [survey.make(UsageReduced(raw=raw, flat=flats[i // 2])) for i, raw in enumerate(raws)]


def test_what_was_made_reused_and_delivered(survey: Any, tmp_path: Path) -> None:
    made = reduced(survey)
    assert survey.make(made[0]) is made[0]  # up to date
    again = survey.make(UsageReduced(raw=made[1].raw, flat=made[1].flat))  # found
    assert again.object_id == made[1].object_id
    made[0].retrieve()
    made[2].retrieve(to=tmp_path / "out")
    with made[2].open() as file:
        assert file.read(1) == b"C"
    usage = survey.usage()
    assert [r.group for r in usage] == ["UsageFlat", "UsageRaw", "UsageReduced"]
    one = usage["UsageReduced"]
    assert (one.objects, one.made, one.found, one.used, one.reused, one.delivered) == (4, 4, 2, 0, 2, 3)
    assert (one.bytes, one.dropped) == (4 * 3000, 0)
    assert 0 < one.seconds < 60
    flat, raw = usage["UsageFlat"], usage["UsageRaw"]
    # What a make() reads is used, not delivered; the flats were found when the second frame of each was made.
    assert (flat.made, flat.used, flat.delivered) == (2, 4, 0)
    assert (raw.made, raw.used, raw.delivered, raw.bytes) == (0, 8, 0, 4000)
    assert survey.make(made[0], force=True) is made[0]
    assert survey.usage(UsageReduced)[f"UsageReduced {made[0].object_id[-8:]}"].made == 2
    assert repr(usage).splitlines()[0].split() == [
        "class",
        "objects",
        "made",
        "reused",
        "delivered",
        "time",
        "kept",
        "dropped",
    ]


def test_by_a_property_and_since(survey: Any, tmp_path: Path) -> None:
    made = reduced(survey)
    by_ccd = survey.usage(UsageFlat, by="ccd")
    assert [(r.group, r.made, r.used) for r in by_ccd] == [("50", 1, 2), ("51", 1, 2)]
    assert survey.usage("UsageFlat", by=UsageFlat.ccd).rows == by_ccd.rows
    survey.new_version(made[0].flat.raws[0], night=9)
    survey.make(made[0])  # and its flat
    assert survey.usage(UsageFlat, by="ccd")[50].made == 2
    by_filter = survey.usage(UsageReduced, by="raw.filter")
    assert {r.group: r.objects for r in by_filter} == {"g": 3, "r": 2}
    assert all(r.made == r.delivered == r.reused == 0 for r in survey.usage(since="2999-01-01"))
    assert survey.usage(since="2020-01-01").rows == survey.usage().rows
    picture = ElementTree.parse(by_filter.plot(tmp_path / "made.svg")).getroot()
    assert {"g", "r"} <= {t.text for t in picture.iter("{http://www.w3.org/2000/svg}text")}
    by_ccd.plot(tmp_path / "reused.svg", "reused")
    for wrong, code in (
        (lambda: survey.usage(UsageFlat, by="cdc"), "unknown_property"), (lambda: survey.usage("UsageFlot"), "class_unknown"),
        (lambda: survey.usage(since="soon"), "date_invalid"), (lambda: by_ccd.plot(tmp_path / "x.svg", "lost"), "count_unknown"),
        (lambda: survey.usage(by="ccd"), "class_missing"), (lambda: by_ccd[52], "not_found"),
    ):  # fmt: skip
        with pytest.raises(ProvgraphError) as caught:
            wrong()
        assert caught.value.code == code


def test_a_catalog_that_was_written_was_delivered(survey: Any, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("id,x\n1,2.5\n2,3.5\n")
    catalog = survey.ingest(tmp_path / "c.csv", name="C", id="id")
    survey.write(catalog, tmp_path / "out.fits")
    (row,) = survey.usage("External")
    assert (row.group, row.delivered) == ("C", 1)


def test_named_things_and_what_is_not_there(survey: Any) -> None:
    assert str(survey.usage()) == "Nothing of targets and data objects is stored."
    flat = survey.make(UsageFlat(ccd=50, raws=night(survey)))
    survey.annotate(flat, name="flat_50")
    assert [r.group for r in survey.usage(UsageFlat)] == ["flat_50"]
    with pytest.raises(InvalidInput):
        survey.usage(3)


USING = """
import os, signal, sys
import provgraph
from tests.test_usage import UsageRaw
survey = provgraph.open(sys.argv[1], graph=sys.argv[2])
frame = survey.store(UsageRaw(filter="g", night=1, file=b"x"))
for _ in range(3):
    frame.retrieve()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_uses_outlive_a_kill(tmp_path: Path, address: str) -> None:
    done = subprocess.run([sys.executable, "-c", USING, str(tmp_path / "survey"), address], check=False)
    assert done.returncode == -signal.SIGKILL
    with provgraph.open(tmp_path / "survey", graph=address) as survey:
        assert survey.usage()["UsageRaw"].delivered == 3


def test_uses_are_lines_that_several_write_and_a_month_becomes_short(tmp_path: Path) -> None:
    uses, other = Uses(tmp_path), Uses(tmp_path)
    for n in range(100):
        (uses, other)[n % 2].write(REUSED, f"id-{n % 3}")
    (path,) = tmp_path.iterdir()
    assert sum(u.times for u in uses.read()) == 100
    with path.open("ab") as file:
        file.write(b"2026-11-21T00:00:00.000000Z\treused\tid-")  # a full disk
    assert sum(u.times for u in uses.read()) == 100
    uses.close()
    uses.write(DELIVERED, "id-0")  # opens it again
    assert sum(u.times for u in uses.read()) in (100, 101)
    old = tmp_path / f"2025-01.{processes.host()}.uses"
    old.write_text(
        "".join(f"2025-01-{1 + n % 28:02}T10:00:00.000000Z\tdelivered\tid-{n % 2}\t1\n" for n in range(1000))
    )
    before = sorted((u.at[:10], u.object_id) for u in uses.read("2025-01-10") if u.at < "2026" for _ in range(u.times))
    assert not old.exists()
    assert len(before) == sum(u.times for u in uses.read("2025-01-10") if u.at < "2026") > 500
    assert len(old.with_suffix(".days").read_text().splitlines()) <= 56
    old.write_text("2025-01-01T10:00:00.000000Z\tdelivered\tid-0\t1\n")  # killed between folding it and removing it
    assert sum(u.times for u in uses.read() if u.at < "2026") == 1000
    (tmp_path / "file").write_text("")
    Uses(tmp_path / "file").write(REUSED, "id-1")  # cannot be written: nothing fails


@pytest.mark.parametrize(("overhead", "rate"), [(0.0, 0.2), (0.5, 0.01), (1.0, 0.0)])
def test_a_line_through_a_few_runs(overhead: float, rate: float) -> None:
    xs = [1.0, 4.0]
    told = line(xs, [overhead + rate * x for x in xs])
    for x in (0.5, 2.0, 10.0):
        assert told(x) == pytest.approx(overhead + rate * x)
    noisy = line([*xs, 8.0, 9.0], [*(overhead + rate * x for x in (*xs, 8.0)), 100.0])
    assert noisy(6.0) < 3 * (overhead + rate * 6.0)


def test_the_third_run_is_told_within_a_factor_of_two(survey: Any) -> None:
    raws = night(survey, 20)
    for n, run in ((2, 0), (5, 1), (20, 2)):
        plan = survey.plan(UsageTop(slow=UsageSlow(raws=raws[:n])))
        data = plan.as_dict()
        if run == 0:
            assert (data["seconds"], data["not_timed"]) == (None, 2)
            assert "expected" not in str(plan)
        if run == 2:
            assert re.fullmatch(r"expected together: (< 1|[\d.]+) s, 20 kB", str(plan).splitlines()[-1])
            seconds, bytes_ = data["seconds"], data["bytes"]
            assert [s["bytes"] for s in data["steps"]] == [20_000, 0]
        made = survey.make(plan.steps[-1].one)
    took = sum(c.seconds for thing in (made, made.slow) for c in survey.calls(thing) if c.method == "make")
    assert took / 2 < seconds < took * 2
    assert bytes_ == 20_000


def test_a_plan_is_told_in_two_statements(survey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = reduced(survey)
    raws = [survey.store(UsageRaw(filter="g", night=7, file=b"seven" * 200)) for _ in range(3)]
    plan = survey.plan(*(UsageReduced(raw=raws[0], flat=UsageFlat(ccd=i, raws=raws)) for i in range(20)))
    asked: list[str] = []
    read = type(survey.engine).read

    def told(self: Any, statement: Any, **parameters: Any) -> Any:
        asked.append(statement.name)
        return read(self, statement, **parameters)

    monkeypatch.setattr(type(survey.engine), "read", told)
    assert plan.expected.unknown == 0
    assert asked == ["queries/runs_of_code", "queries/sizes_around"]
    assert plan.as_dict()["bytes"] == pytest.approx(20 * (3000 + 4000), rel=0.5)
    assert made


def test_the_command(
    tmp_path: Path, address: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with provgraph.open(tmp_path / "survey", graph=address) as survey:
        reduced(survey)
    monkeypatch.setenv("PROVGRAPH_SURVEY", str(tmp_path / "survey"))
    assert main(["usage", "UsageReduced", "--by", "raw.filter", "--json", "--plot", "made.svg"]) == 0
    said = capsys.readouterr()
    assert [(r["group"], r["made"]) for r in json.loads(said.out)["rows"]] == [("g", 2), ("r", 2)]
    assert said.err == "Wrote made.svg.\n"
    assert (tmp_path / "made.svg").read_text().startswith("<svg")
    assert main(["usage"]) == 0
    assert capsys.readouterr().out.startswith("class ")
    assert main(["usage", "--since", "yesterday"]) == 1
    assert os.sep not in capsys.readouterr().err


def test_what_a_class_that_is_not_here_was_used_for(tmp_path: Path, address: str) -> None:
    with provgraph.open(tmp_path / "survey", graph=address) as survey:
        reduced(survey)
    code = "import sys, provgraph; s = provgraph.open(sys.argv[1], graph=sys.argv[2]); print(s.usage('UsageFlat', by='ccd'))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "survey"), address], capture_output=True, text=True, check=True
    )
    assert [line.split()[:3] for line in done.stdout.splitlines()[1:]] == [["50", "1", "1"], ["51", "1", "1"]]
