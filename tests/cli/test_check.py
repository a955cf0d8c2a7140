"""check: policies in files, exit statuses, JSON, JUnit; and identifiers that a policy refuses."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from provgraph.checks.example import EXAMPLE
from provgraph.checks.reading import parse_policy
from provgraph.errors import EXIT_ERROR, EXIT_INVALID, EXIT_NOT_FOUND, EXIT_USAGE
from tests.cli.conftest import Run

POLICY = """\
[[rule]]
name = "no catalogs"
for = { class = "External" }
not_upstream = { class = "DataFile", name = "catalog*" }

[[rule]]
name = "files"
severity = "warning"
for = { class = "External" }
descends_from = { class = "DataFile", at_least = 2 }
"""


@pytest.fixture
def survey(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    run("init", "survey")
    monkeypatch.setenv("PROVGRAPH_SURVEY", str(folder / "survey"))
    run("ingest", "catalog.csv", "--name", "mine", "--id", "ID")
    (folder / "policy.toml").write_text(POLICY)
    return folder


def test_the_example_is_printed_and_holds(run: Run, folder: Path) -> None:
    said = run("check", "--example")
    assert said.out == EXAMPLE
    parse_policy(said.out)
    run("check", status=EXIT_USAGE)
    run("check", "policy.toml", "--as-published", status=EXIT_USAGE)
    assert not list(folder.glob("*.toml"))


@pytest.mark.embedded
def test_a_verdict_is_an_exit_status(run: Run, survey: Path) -> None:
    said = run("check", "policy.toml", "--junit", "report.xml", status=EXIT_INVALID)
    first, head, what, way, *_ = said.out.splitlines()
    assert first == "policy: violated; 1 thing, 2 rules, 1 error, 1 warning"
    assert head == "no catalogs (error): violated by 1 of 1 thing"
    assert what.startswith("  External mine …")
    assert what.endswith("is upstream")
    assert " → DataFile catalog.csv …" in way
    assert "report.xml" in said.err
    assert ElementTree.parse(survey / "report.xml").getroot().attrib["failures"] == "1"
    data = run("check", "policy.toml", "mine", "--json", "--no-record", status=EXIT_INVALID).json
    assert (data["verdict"], data["errors"], data["warnings"], data["recorded"]) == ("violated", 1, 1, None)
    assert [step["label"] for step in data["rules"][0]["violations"][0]["path"]] == ["mine", "catalog.csv"]
    (survey / "warns.toml").write_text(POLICY.replace("catalog*", "test*"))
    data = run("check", "warns.toml", "--json").json
    assert (data["verdict"], data["warnings"]) == ("holds", 1)
    assert run("show", data["recorded"], "--json").json["properties"]["verdict"] == "holds"
    run("check", "warns.toml", "--strict", status=EXIT_INVALID)
    assert run("check", "warns.toml", "--at", "2030-01-01", "--json").json["measured_at"].startswith("2030-01-01")


@pytest.mark.embedded
@pytest.mark.usefixtures("survey")
def test_mistakes(run: Run, folder: Path) -> None:
    said = run("check", "missing.toml", status=EXIT_ERROR)
    assert "missing.toml cannot be read" in said.err
    run("check", "policy.toml", "nobody", status=EXIT_NOT_FOUND)
    (folder / "typo.toml").write_text(POLICY.replace("not_upstream", "not_upstraem"))
    found = run("check", "typo.toml", "--json", status=EXIT_ERROR)
    assert (
        "typo.toml, line 4, rule 'no catalogs': 'not_upstraem' means nothing in a rule; "
        "did you mean 'not_upstream' or 'every_upstream'?" in found.err
    )
    (folder / "class.toml").write_text(POLICY.replace('"DataFile", name', '"DataFlie", name'))
    assert "did you mean 'DataFile'" in run("check", "class.toml", status=EXIT_ERROR).err
    run("check", "policy.toml", "--at", "soon", status=EXIT_ERROR)


@pytest.mark.embedded
def test_an_identifier_is_refused(run: Run, survey: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVGRAPH_PUBLICATION_POLICY", str(survey / "policy.toml"))
    said = run("annotate", "mine", "--identifier", "doi:10.1/x", status=EXIT_INVALID)
    assert "gets no identifier, by the policy policy" in said.err
    assert run("show", "mine", "--json").json["notes"][-1]["kind"] != "identifier"
    monkeypatch.delenv("PROVGRAPH_PUBLICATION_POLICY")
    assert "identifier noted" in run("annotate", "mine", "--identifier", "doi:10.1/x").out
    assert run("show", "mine", "--json").json["notes"][-1]["value"] == "doi:10.1/x"
