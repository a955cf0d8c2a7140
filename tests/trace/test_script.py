"""Scripts: recorded whole, with the calls in them, what they read and what they wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from provgraph.errors import NotFound
from provgraph.graph.statements import Statement
from provgraph.trace.script import run_script
from tests.surveys import OpenSurvey, open_survey  # noqa: F401

SCRIPT = """
import sys
from pathlib import Path
from tests.trace.test_calls import CalledFrame
text = Path("in.txt").read_text()
frame = CalledFrame(filename=sys.argv[1])
frame.mean([1.0, 2.0])
with open("out.txt", "w") as file:
    file.write(text.upper())
if "fail" in sys.argv:
    raise ValueError("clouds")
sys.exit(3 if "three" in sys.argv else 0)
"""
RUNS = Statement("runs", ("MATCH (a:Activity) WHERE a.class_name = 'Script' RETURN properties(a) AS run",))
INSIDE = Statement("inside", (
    "MATCH (a:Activity)-[:WAS_INFORMED_BY]->(b:Activity) WHERE b.class_name = 'Script' RETURN a.method AS method ORDER BY method",
))  # fmt: skip


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.txt").write_text("stars")
    (tmp_path / "night.py").write_text(SCRIPT)
    return Path("night.py")


def test_what_is_told_of_a_script(open_survey: OpenSurvey, script: Path) -> None:
    with open_survey() as survey:
        assert run_script(survey, script, ["a.fits"]) == 0
        assert Path("out.txt").read_text() == "STARS"
        (row,) = survey.engine.read(RUNS)
        assert row["run"]["method"] == "night.py"
        assert json.loads(row["run"]["arguments"]) == {"script": "night.py", "arguments": ["a.fits"]}
        survey.tracer.write(all_=True)
        assert [r["method"] for r in survey.engine.read(INSIDE)] == ["__init__", "mean"]
        text = survey.lineage(Path("out.txt")).text()
        assert "in.txt" in text
        (code,) = survey.find("name = 'night.py'", cls="CodeVersion")
        assert "CalledFrame" in code.text


def test_how_a_script_ends(open_survey: OpenSurvey, script: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with open_survey() as survey:
        assert run_script(survey, script, ["a", "three"]) == 3
        assert run_script(survey, script, ["a", "fail"]) == 1
        said = capfd.readouterr().err
        assert said.startswith("Traceback")
        assert "night.py" in said
        assert said.endswith("ValueError: clouds\n")
        assert "runpy" not in said
        ended = {(r["run"]["status"], r["run"]["message"]) for r in survey.engine.read(RUNS)}
        assert ended == {("done", ""), ("failed", "ValueError: clouds")}
        with pytest.raises(NotFound):
            run_script(survey, Path("nothing.py"), [])


def test_from_the_command_line(tmp_path: Path, script: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "provgraph"]
    for arguments in (["init", "survey"], ["run", "--survey", "survey", "night.py", "--quick", "three"]):
        done = subprocess.run(
            [*command, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": str(root), "PATH": ""},
        )
    assert (done.returncode, Path("out.txt").read_text()) == (3, "STARS"), done.stderr
