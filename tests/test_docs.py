"""The documentation holds: links lead somewhere, and what it shows as code runs on the data of the demonstration."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import pages
from tests.conftest import ROOT
from tests.pages import PAGES

pytest_plugins = ("tests.demonstration",)
RUN = [ROOT / "README.md", ROOT / "docs" / "tutorial.md", ROOT / "docs" / "calculators.md"]
# They make their own data, and show what they print; with what has to be installed for that.
SHOW = {
    "source-collections.md": (),
    "relations.md": (),
    "rewriting.md": (),
    "prov-constraints.md": (),
    "audit.md": ("cryptography",),
    "provenance.md": ("prov",),
    "lineage.md": (),
    "differences.md": (),
    "interchange.md": ("networkx",),
    "policies.md": (),
    "learning.md": ("onnx", "onnxruntime"),
    "classes.md": (),
    "files.md": (),
    "target-processing.md": ("ccdproc", "photutils", "reproject"),
    "recipes.md": (),
    "select.md": (),
    "tracing.md": (),
    "usage.md": (),
}


def _id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_links_lead_somewhere(page: Path) -> None:
    for link in pages.links(page):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), f"{link} leads out of the project"
        assert not anchor or anchor in pages.anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_blocks_are_of_languages_that_are_checked(page: Path) -> None:
    known = {"python", "sh", "text", "json", "graphql", "ebnf", "cypher", "sql", "console"}
    assert {b.language for b in pages.blocks(page)} <= known


@pytest.mark.embedded
@pytest.mark.parametrize("page", RUN, ids=_id)
def test_what_is_shown_runs(page: Path, demonstration: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                            capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    shutil.copytree(demonstration, tmp_path / "demo-survey")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROVGRAPH_GRAPH", raising=False)
    shown = [b for b in pages.blocks(page) if b.runs]
    assert {b.language for b in shown} == {"python", "sh"}
    names: dict[str, Any] = {}
    for block in shown:
        if block.language == "python":
            exec(compile("\n" * block.line + block.code, page, "exec"), names)
    assert "because" in capsys.readouterr().out  # an explanation was printed
    if names["survey"] is not None:
        names["survey"].close()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for block in shown:
        if block.language == "sh":
            done = subprocess.run(
                ["sh", "-eux", "-c", block.code],
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.embedded
@pytest.mark.parametrize("name", SHOW)
def test_what_is_printed_is_what_is_shown(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    for module in SHOW[name]:
        pytest.importorskip(module)
    if name in pages.FILES:
        pages.bring_files(ROOT / "docs" / name, request.getfixturevalue("shared"), tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROVGRAPH_GRAPH", raising=False)
    monkeypatch.setenv("PROVGRAPH_AUDIT_KEY", str(tmp_path / "audit-key.pem"))
    page, compared = ROOT / "docs" / name, 0
    for block, text in pages.printed(page):
        assert text == block.code, f"{name}:{block.line}; to write it anew: python -m tests.pages docs/{name}"
        compared += 1
    assert compared == sum(block.output for block in pages.blocks(page)) > 2


def test_the_rules_are_those_of_the_strategy() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "rules.py", "--check"], check=False)
    assert done.returncode == 0, "run: python scripts/rules.py"


def test_every_measure_is_argued() -> None:
    from provgraph.rewrite.strategy import PHASES

    page = (ROOT / "docs" / "rewriting.md").read_text(encoding="utf-8")
    for phase in PHASES:
        said = f"*{phase.name}* (`{phase.measure.__name__}`)." if phase.measure is not None else f"*{phase.name}*"
        assert said in page, phase.name


def test_the_example_of_the_readme_is_short() -> None:
    (example, *_) = [b for b in pages.blocks(ROOT / "README.md") if b.language == "python"]
    assert len([line for line in example.code.splitlines() if line.strip()]) <= 25
