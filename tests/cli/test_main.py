from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from provgraph import errors
from provgraph.cli import commands, version
from tests.cli.conftest import Run, process

HEAVY = {"numpy", "astropy", "arcadedb", "strawberry", "h5py", "pyarrow", "rich", "neo4j", "starlette"}


def leaves(command: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    inside = getattr(command, "commands", None)
    if not inside:
        return [(path, command)]
    return [leaf for name, one in inside.items() for leaf in leaves(one, (*path, name))]


ALL = [leaf for name in commands.COMMANDS for leaf in leaves(commands.load(name), (name,))]


def test_help_names_every_command(run: Run) -> None:
    said = run("--help")
    assert said.err == ""
    for name, summary in commands.COMMANDS.items():
        assert f"  {name} " in said.out
        assert summary in said.out
    assert run("-h") == said


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(p) for p, _ in ALL])
def test_every_command_has_help_and_the_common_options(path: tuple[str, ...], command: Any, run: Run) -> None:
    said = run(*path, "-h")
    assert run(*path, "--help") == said
    for option in ("--survey", "--graph", "--json"):
        assert option in said.out
    assert command.help
    assert all(p.help for p in command.params), f"an option of {path} says nothing"


@pytest.mark.parametrize("words", [["--help"], ["pull", "--help"], ["--version"], ["nonsense"]])
def test_help_imports_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    look = (
        "import sys; from provgraph.cli import main; main(sys.argv[1:]); "
        "sys.stderr.write('|'.join(m.split('.')[0] for m in sys.modules))"
    )
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", look, *words], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert set(done.stderr.splitlines()[-1].split("|")) & HEAVY == set()


def test_a_mistyped_command_is_answered_with_the_nearest(run: Run) -> None:
    said = run("pul", "x", status=errors.EXIT_USAGE)
    assert said.out == ""
    assert said.err == "provgraph: no such command 'pul'. Did you mean 'pull'? see 'provgraph --help'.\n"


@pytest.mark.parametrize("words", [[], ["calculator"]])
def test_no_words_print_help_as_a_usage_error(words: list[str], run: Run) -> None:
    said = run(*words, status=errors.EXIT_USAGE)
    assert said.out == ""
    assert "Commands:" in said.err


@pytest.mark.parametrize(
    "words",
    [
        ["ls", "--limit", "many"],
        ["ls", "--bad"],
        ["pull", "start"],
        ["annotate", "x"],
        ["ingest", "f", "--unit", "mag"],
    ],
)
def test_usage_errors_are_one_line(words: list[str], run: Run) -> None:
    said = run(*words, status=errors.EXIT_USAGE)
    assert said.out == ""
    assert said.err.startswith("provgraph: ")
    assert said.err.count("\n") == 1
    shape = json.loads(run(*words, "--json", status=errors.EXIT_USAGE).err)
    assert set(shape) == {"code", "message", "details"}
    assert shape["code"] == "usage"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.ProvgraphError("It is so."), 1), (errors.UsageError("It is so."), 2), (errors.NotFound("It is so."), 3),
        (errors.Denied("It is so."), 6), (errors.StorageError("It is so.", code="disk_full", path="x"), 1),
    ],
)  # fmt: skip
def test_errors_are_a_sentence_or_json_and_a_status(
    error: errors.ProvgraphError, status: int, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise error

    monkeypatch.setattr(version, "installed", fail)
    said = run("version", status=status)
    assert (said.out, said.err) == ("", "provgraph: It is so.\n")
    said = run("version", "--json", status=status)
    assert said.out == ""
    assert json.loads(said.err) == error.as_dict()


def test_an_unexpected_error_says_how_to_report_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise ValueError("two\nlines")

    monkeypatch.setattr(version, "installed", fail)
    said = run("version", status=errors.EXIT_ERROR)
    assert said.err.startswith("provgraph: unexpected ValueError: two lines (")
    assert "/issues" in said.err
    assert said.err.count("\n") == 1
    assert json.loads(run("version", "--json", status=errors.EXIT_ERROR).err)["code"] == "internal_error"
    monkeypatch.setenv("PROVGRAPH_DEBUG", "1")
    with pytest.raises(ValueError, match="two"):
        run("version")


def test_an_interrupted_command_says_so_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(version, "installed", interrupt)
    assert run("version", status=130).err == "provgraph: interrupted; nothing is half stored.\n"


def test_version(run: Run) -> None:
    from importlib.metadata import version as installed

    assert run("--version").out == f"provgraph {installed('provgraph')}\n"
    assert run("version", "--json").json["provgraph"] == installed("provgraph")
    assert run("version").out.startswith(f"provgraph {installed('provgraph')} (Python 3.")


def test_words_after_a_double_dash_are_not_options(run: Run) -> None:
    said = run("show", "--", "--json", status=errors.EXIT_NOT_FOUND)
    assert said.err.startswith("provgraph: There is no survey")


def test_a_closed_pipe_is_no_error(folder: Path) -> None:
    import subprocess

    done = subprocess.run(
        f"{sys.executable} -m provgraph --help | head -1; echo ${{PIPESTATUS[0]}}", shell=True, executable="/bin/bash",
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.startswith("Usage: provgraph")


def test_statuses_of_real_processes(folder: Path) -> None:
    assert process("version").returncode == 0
    assert process("ls").returncode == 3
    assert process("ls", "--bad").returncode == 2
    done = process("ls", "--survey", "nowhere", "--json")
    assert done.returncode == 3
    assert done.stdout == ""
    assert json.loads(done.stderr)["code"] == "survey_missing"


def test_a_shell_can_complete_commands(folder: Path) -> None:
    words = {"_PROVGRAPH_COMPLETE": "complete_bash", "COMP_WORDS": "provgraph in", "COMP_CWORD": "1"}
    done = process(env=os.environ | words)
    assert done.stdout.split() == ["init", "ingest"]
    words |= {"COMP_WORDS": "provgraph pull --wh", "COMP_CWORD": "2"}
    assert process(env=os.environ | words).stdout.split() == ["--where"]
