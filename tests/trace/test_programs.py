"""External programs: a real one, recorded with its version, its configuration, and its files in and out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import provgraph
from provgraph import persistent, run_program
from provgraph.errors import NotFound, ProgramFailed, UsageError
from provgraph.graph.statements import Statement
from tests.surveys import OpenSurvey, open_survey  # noqa: F401

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs the command sort")

RUNS = Statement("runs", ("MATCH (a:Activity) WHERE a.class_name = 'Program' RETURN properties(a) AS run",))
EDGES = Statement("edges", (
    "MATCH (a:Activity)-[r]->(n:Entity) WHERE a.class_name = 'Program' "
    "RETURN type(r) AS relation, r.role AS role, n.class_name AS what, n.name AS name ORDER BY relation, role",
))  # fmt: skip


class SortConfig(provgraph.Parameters):
    reverse = persistent(bool, default=False)
    key = persistent(int, default=1)


class SortedTable(provgraph.ProcessTarget):
    path = persistent(str)
    digest = persistent(str)

    def make(self) -> None:
        folder = Path(self.path)
        done = run_program(["sort", "-o", "out.txt", "in.txt"], inputs=["in.txt"], outputs=["out.txt"], cwd=folder)
        self.digest = done.outputs[0].digest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in.txt").write_text("b\na\n")
    return tmp_path


def test_what_is_told_of_a_program(open_survey: OpenSurvey, folder: Path) -> None:
    with open_survey() as survey:
        done = run_program(
            ["sort", "-k", "1", "-o", "out.txt", "in.txt"], config=SortConfig(key=1), inputs=["in.txt"], outputs=["out.txt"],
            cwd=folder,
        )  # fmt: skip
        assert (done.status, (folder / "out.txt").read_text()) == (0, "a\nb\n")
        (row,) = survey.engine.read(RUNS)
        run = row["run"]
        assert (run["method"], run["status"]) == ("sort", "done")
        assert json.loads(run["arguments"])["arguments"] == ["sort", "-k", "1", "-o", "out.txt", "in.txt"]
        assert json.loads(run["result"]) == {"status": 0, "stderr": ""}
        edges = {(e["relation"], e["role"], e["what"], e["name"]) for e in survey.engine.read(EDGES)}
        assert {("HAD_PLAN", None, "CodeVersion", "sort"), ("USED", "input", "DataFile", "in.txt"),
                ("USED", "config", "SortConfig", None)} <= edges  # fmt: skip
        (program,) = survey.find("name = 'sort'", cls="CodeVersion")
        assert program.text.startswith("sort")
        assert program.digest.startswith("sha256:")
        text = survey.lineage(folder / "out.txt").text()
        assert "in.txt" in text


def test_a_program_in_a_make_belongs_to_it(open_survey: OpenSurvey, folder: Path) -> None:
    with open_survey() as survey:
        made = survey.make(SortedTable(path=str(folder)))
        methods = [(c.class_name, c.method) for c in survey.calls(made) if c.method != "__init__"]
        assert methods == [("SortedTable", "make"), ("Program", "sort")]


def test_programs_that_fail_are_recorded(open_survey: OpenSurvey, folder: Path) -> None:
    with open_survey() as survey:
        with pytest.raises(ProgramFailed, match="status 2") as caught:
            run_program(["sort", "nothing.txt"], cwd=folder)
        assert caught.value.code == "program_failed"
        with pytest.raises(ProgramFailed) as caught:
            run_program(["sort", "in.txt"], outputs=["out.txt"], cwd=folder)
        assert caught.value.code == "output_missing"
        with pytest.raises(ProgramFailed) as caught:
            run_program(["sleep", "5"], timeout=0.1)
        assert caught.value.code == "program_timeout"
        assert run_program(["sort", "nothing.txt"], cwd=folder, check=False).status == 2
        runs = [row["run"] for row in survey.engine.read(RUNS)]
        assert sorted(r["status"] for r in runs) == ["done", "failed", "failed", "failed"]
        with pytest.raises(NotFound) as missing:
            run_program(["no-such-program"])
        assert missing.value.code == "program_missing"


def test_secrets_of_a_command_line(open_survey: OpenSurvey, folder: Path) -> None:
    with open_survey() as survey:
        run_program(["echo", "--token=hunter2"], secrets=["hunter2"])
        assert "hunter2" not in json.dumps(survey.engine.read(RUNS))


def test_a_program_needs_a_survey() -> None:
    with pytest.raises(UsageError) as caught:
        run_program(["true"])
    assert caught.value.code == "no_survey"
