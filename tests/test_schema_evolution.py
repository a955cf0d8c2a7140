"""Persistent classes change while their objects stay: each change as two modules, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from provgraph.config import EMBEDDED
from tests.conftest import ENGINES

pytest_plugins: tuple[str, ...] = ()

HEAD = """
import enum, json, os, sys, warnings
from datetime import datetime
from pathlib import Path
from astropy.units import Quantity
import provgraph
from provgraph import link, persistent
from provgraph.schema.forms import ClassWarning
"""
OPENED = """
warnings.simplefilter("error", ClassWarning)
survey = provgraph.open("survey", graph=os.environ["GRAPH"])

def refused(read):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = read()
    return found, [str(w.message) for w in said if issubclass(w.category, ClassWarning)]
"""


class Pipeline:
    """A pipeline whose module is written anew between runs."""

    def __init__(self, folder: Path, graph: str) -> None:
        self.folder = folder
        self.environment = {**os.environ, "GRAPH": graph, "PYTHONPATH": str(Path(__file__).parent.parent)}

    def classes(self, text: str, module: str = "pipeline") -> None:
        for one in self.folder.glob("*.py"):
            one.unlink()
        (self.folder / f"{module}.py").write_text(HEAD + textwrap.dedent(text))

    def run(self, script: str) -> None:
        modules = [f"from {m.stem} import *" for m in self.folder.glob("*.py")]
        text = "\n".join([HEAD, *modules, OPENED, textwrap.dedent(script), "survey.close()"])
        done = self._run(sys.executable, "-B", "-c", text)
        assert done.returncode == 0, done.stderr

    def command(self, *arguments: str, status: int = 0) -> str:
        modules = [a for m in self.folder.glob("*.py") for a in ("--classes", m.stem)]
        graph = () if self.environment["GRAPH"] == EMBEDDED else ("--graph", self.environment["GRAPH"])
        done = self._run(sys.executable, "-B", "-m", "provgraph", *arguments, *modules, "--survey", "survey", *graph)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )


@pytest.fixture(params=ENGINES)
def pipeline(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    if request.param == "embedded":
        return Pipeline(tmp_path, EMBEDDED)
    from tests.surveys import empty_graph

    server = request.getfixturevalue("neo4j_server")
    monkeypatch.setenv("PROVGRAPH_GRAPH_AUTH", ":".join(server.auth))
    empty_graph(server.uri)
    return Pipeline(tmp_path, server.uri)


BEFORE = """
class Frame(provgraph.DataObject):
    filename = persistent(str, index=True)
    counts = persistent(int)
    exposure = persistent(float, unit="s")
    band = persistent(str, default="")
    chip = persistent(int)
    gain = persistent(float, default=None)
    length = persistent(float, unit="min")

class Night(provgraph.DataObject):
    date = persistent(str)
    frames = link(list[Frame])
"""
STORED = """
a = Frame(filename="a.fits", counts=3, exposure=30, band="g", chip=4, gain=2.5, length=2)
b = Frame(filename="b.fits", counts=5, exposure=60, band="w", chip=7, length=3)
survey.store(a), survey.store(b)
survey.store(Night(date="2026-11-21", frames=[a, b]))
"""


def test_properties_are_added_removed_renamed_and_widened(pipeline: Pipeline) -> None:
    pipeline.classes(BEFORE)
    pipeline.run(STORED)
    assert pipeline.command("schema", "diff") == "Nothing differs.\n"
    pipeline.classes("""
    class Band(enum.Enum):
        g = "green"
        r = "red"

    class Frame(provgraph.DataObject):
        class_version = 2
        name_there = persistent(str, index=True, was="filename")
        counts = persistent(float)
        exposure = persistent(Quantity, unit="s")
        band = persistent(Band)
        chip = persistent(list[int])
        length = persistent(float, unit="s")
        quality = persistent(int, default=None)
        observer = persistent(str)

    class Night(provgraph.DataObject):
        date = persistent(datetime)
        frames = link(list[Frame])
    """)
    told = json.loads(pipeline.command("schema", "diff", "--json", status=4))
    found = {(d["class"], d["property"], d["change"], d["what"]): (d["was"], d["now"]) for d in told}
    assert found["Frame", "", "changed", "class_version"] == (1, 2)
    assert found["Frame", "name_there", "renamed", ""] == ("filename", "name_there")
    assert found["Frame", "counts", "changed", "type"] == ("int", "float")
    assert found["Frame", "exposure", "changed", "type"] == ("float", "Quantity")
    assert found["Frame", "band", "changed", "required"] == (False, True)
    assert found["Frame", "chip", "changed", "list"] == (False, True)
    assert found["Frame", "length", "changed", "unit"] == ("min", "s")
    assert found["Frame", "gain", "removed", ""] == ("float", None)
    assert found["Frame", "observer", "added", ""] == (None, "str")
    assert found["Night", "date", "changed", "type"] == ("str", "datetime")
    assert "Frame.length: unit min -> s\n" in pipeline.command("schema", "diff", status=4)

    check = """
    a = survey.select(Frame.name_there == "a.fits").first()
    assert (a.name_there, a.counts, type(a.counts)) == ("a.fits", 3.0, float)
    assert a.exposure == Quantity(30, "s") and a.band is Band.g and a.chip == (4,) and a.length == 120
    assert a.quality is None and not hasattr(a, "observer") and not hasattr(a, "gain")
    assert (a.class_version, type(a).class_version, a.version) == (1, 2, 1)
    b, said = refused(lambda: survey.select(Frame.counts > 3.5).first())
    assert b.name_there == "b.fits" and b.band == "w" and len(said) == 1 and "Frame.band" in said[0], said
    assert survey.select(Frame.chip.contains(4)).first() is a
    assert survey.select(Frame.exposure > Quantity(0.75, "min")).first() is b
    assert survey.select(Frame.band == Band.g).first() is a
    assert survey.select(Frame["class_version"] == 1).count() == 2
    assert survey.select(Frame.quality.isnull()).count() == 2
    table = survey.select(Frame.counts > 1).order_by(Frame.name_there).table(Frame.length, Frame.exposure)
    assert list(table.columns[0]) == [120, 180] and table.columns[0].unit == "s" and list(table.columns[1]) == [30, 60]
    night = survey.select(Night.frames.name_there == "b.fits").first()
    assert night.date == datetime(2026, 11, 21) and night.frames == (a, b)
    """
    pipeline.run(check)
    recorded = pipeline.command("schema", "migrate")
    assert recorded == "Frame: recorded as version 2, from pipeline\nNight: recorded as version 2, from pipeline\n"
    assert pipeline.command("schema", "diff") == "Nothing differs.\n"
    assert "Nothing to record" in pipeline.command("schema", "migrate")
    pipeline.run(check)
    pipeline.run("""
    values = dict(counts=1.5, exposure=Quantity(1, "min"), band="r", chip=[1, 2], length=5, observer="x")
    c = survey.store(Frame(name_there="c.fits", **values))
    assert c.class_version == 2 and survey.select(Frame.length == 5).first() is c
    with_c = survey.select(Frame.chip.contains(2)).first()
    assert with_c is c and survey.select(Frame["class_version"] == 2).first() is c
    a = survey.select(Frame.name_there == "a.fits").first()
    new = survey.new_version(a, observer="y")
    assert (new.version, new.class_version, new.length) == (2, 2, 120)
    """)


def test_an_object_of_each_form_is_read_by_what_its_class_said_then(pipeline: Pipeline) -> None:
    pipeline.classes("""
    class Star(provgraph.DataObject):
        a = persistent(str)
        n = persistent(list[int])
        size = persistent(float)
    """)
    pipeline.run('survey.store(Star(a="one", n=[1, 2], size=2.5))')
    pipeline.classes("""
    class Star(provgraph.DataObject):
        a = persistent(int, default=None)
        b = persistent(str, was="a")
        n = persistent(int)
        size = persistent(float, constraint="size > 3")
    """)
    pipeline.run("""
    one, said = refused(lambda: survey.select(Star.b == "one").first())
    assert one.b == "one" and one.a is None, one
    assert one.n == (1, 2) and one.size == 2.5 and len(said) == 2, said
    assert "size > 3" in said[1] and "as it was stored, [1, 2]" in said[0], said
    two = survey.store(Star(a=7, b="two", n=3, size=4))
    """)
    pipeline.run("""
    two = survey.select(Star.b == "two").first()
    assert (two.a, two.b, two.n) == (7, "two", 3)
    """)


def test_a_class_is_split_renamed_and_moved(pipeline: Pipeline) -> None:
    pipeline.classes(BEFORE)
    pipeline.run(STORED)
    pipeline.classes(BEFORE, "elsewhere")
    pipeline.run("""
    a = survey.select(Frame.filename == "a.fits").first()
    assert type(a).__module__ == "elsewhere" and survey.schema_diff() == []
    """)
    pipeline.classes(
        BEFORE.replace("class Frame(", "class Exposure(")
        .replace("DataObject):", 'DataObject, was="Frame"):', 1)
        .replace("list[Frame]", "list[Exposure]")
        + """
class Spectrum(provgraph.DataObject):
    filename = persistent(str)
"""
    )
    pipeline.run("""
    try:
        class Picture(provgraph.DataObject, was="Frame"):
            filename = persistent(str)
    except provgraph.errors.InvalidInput as error:
        assert error.code == "class_name_taken" and "Exposure and Picture" in str(error)
    else:
        raise AssertionError("two classes cannot have been one")
    a = survey.select(Exposure.filename == "a.fits").first()
    assert type(a) is Exposure and a.class_version == 1
    assert survey.select(Night.frames.filename == "a.fits").first().frames[0] is a
    assert [str(d) for d in survey.schema_diff()][0] == "Exposure: renamed, it was Frame", survey.schema_diff()
    survey.store(Exposure(filename="c.fits", counts=3, exposure=30, chip=4, length=2))
    assert survey.select(Exposure).count() == 3
    assert [d for d in survey.schema_diff() if d.class_name == "Exposure"] == []
    """)
    pipeline.classes(
        """
    class Spectrum(provgraph.DataObject):
        filename = persistent(str)

    class Night(provgraph.DataObject):
        date = persistent(str)
        frames = link(list[provgraph.DataObject])
    """
    )
    pipeline.run("""
    night = survey.select(Night).first()
    a = night.frames[0]
    assert type(a).__name__ == "Frame" and a.filename == "a.fits" and a.class_version == 1
    absent = {(d.class_name, d.change) for d in survey.schema_diff() if not d.property}
    assert absent == {("Frame", "not here"), ("Exposure", "not here")}
    """)


def test_base_classes_change(pipeline: Pipeline) -> None:
    pipeline.classes("""
    class Bias(provgraph.DataObject):
        level = persistent(float)
    """)
    pipeline.run("survey.store(Bias(level=2))")
    pipeline.classes("""
    class Calibration(provgraph.DataObject):
        level = persistent(float)
        valid = persistent(bool, default=True)

    class Bias(Calibration):
        class_version = 2
    """)
    pipeline.run("""
    (one,) = survey.select(Calibration.level > 1)
    assert isinstance(one, Calibration) and one.valid is True and one.class_version == 1
    bases = [d for d in survey.schema_diff() if not d.property][1]
    assert (bases.what, bases.was, bases.now) == ("bases", ["DataObject"], ["Calibration"])
    """)


def test_links_change(pipeline: Pipeline) -> None:
    pipeline.classes(BEFORE)
    pipeline.run(STORED)
    pipeline.classes(
        BEFORE.replace(
            "frames = link(list[Frame])", 'first = link(Frame, role="frames")\n    log = link(Frame, optional=True)'
        )
    )
    pipeline.run("""
    night, said = refused(lambda: survey.select(Night).first())
    assert [f.filename for f in night.first] == ["a.fits", "b.fits"] and night.log is None
    assert said == ["Night.first is one link, and 2 were stored when the class was another; all of them are given."], said
    assert [(d.change, d.property) for d in survey.schema_diff()] == [
        ("renamed", "first"), ("changed", "first"), ("added", "log"),
    ], survey.schema_diff()
    """)


def test_a_class_is_recorded_once_and_in_the_transaction_of_its_first_object(pipeline: Pipeline) -> None:
    pipeline.classes(BEFORE)
    pipeline.run("""
    from provgraph.errors import ProvgraphError
    from provgraph.schema.files import ClassVersion

    class Refused(provgraph.DataObject):
        n = persistent(int)

    def no(run):
        raise ProvgraphError("no")

    from provgraph.graph.mapper import Batch
    batch = Batch()
    batch.add(Refused(n=1))
    batch.indexing = no
    try:
        survey.mapper.write(batch)
    except ProvgraphError:
        pass
    assert survey.select(ClassVersion).count() == 0
    """)
    pipeline.run(STORED)
    pipeline.run(STORED)
    pipeline.run("""
    from provgraph.schema.files import ClassVersion
    frame, night = sorted(survey.select(ClassVersion), key=lambda v: v.name)
    assert (frame.name, frame.module, frame.number, frame.bases, frame.version) == ("Frame", "pipeline", 1, ("DataObject",), 1)
    assert frame.declared()["properties"]["exposure"]["unit"] == "s" and frame.source.startswith("sha256:")
    assert night.declared()["links"]["frames"] == {
        "to": "Frame", "list": True, "optional": False, "role": "frames", "lineage": True, "doc": "",
    }
    """)
