"""provgraph audit: what was done, whether it is untouched, and proofs that others check without the survey."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from provgraph.errors import EXIT_DIFFERS, EXIT_INVALID
from tests.cli.conftest import Run

pytestmark = pytest.mark.embedded


@pytest.fixture(autouse=True)
def own_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVGRAPH_AUDIT_KEY", str(folder / "key.pem"))


def test_verify(run: Run, survey: Path) -> None:
    said = run("audit", "verify")
    assert said.out.startswith("Untouched: ")
    found = run("audit", "verify", "--quick", "--json").json
    assert found["ok"]
    assert found["findings"] == []
    assert "segments" not in found
    log = survey / "audit" / "records.jsonl"
    text = log.read_bytes()
    log.write_bytes(text.replace(b'"segment', b'"Segment', 1))
    said = run("audit", "verify", status=EXIT_DIFFERS)
    assert said.out.startswith("Something was changed: ")
    assert "[record_changed]" in said.out


def test_a_log_that_is_gone(run: Run, survey: Path) -> None:
    shutil.rmtree(survey / "audit")
    assert "[log_missing]" in run("audit", "verify", status=EXIT_DIFFERS).out


def test_gaps_are_another_status(run: Run, survey: Path) -> None:
    import provgraph
    from provgraph.graph.statements import Statement

    with provgraph.open(survey) as found:
        # As a survey of old could be: the log begins with what is there, and something is missing.
        cut = Statement("cut", ("MATCH (n:Segment)-[r:WAS_GENERATED_BY]->() DELETE r",))
        found.engine.write(lambda run: run(cut))
        old = Statement("old", ("MATCH (s:Survey) SET s.log_begun = null",))
        found.engine.write(lambda run: run(old))
    shutil.rmtree(survey / "audit")
    said = run("audit", "verify", status=EXIT_INVALID)
    assert said.out.startswith("Untouched, but with gaps: ")
    assert "[not_generated]" in said.out


def test_show(run: Run, survey: Path) -> None:
    said = run("audit", "show")
    assert "provgraph ingest" in said.out
    rows = run("audit", "show", "--of", "field", "--json").json
    assert rows[0]["request"] == "provgraph ingest"
    assert rows[0]["ids"][0]["before"] == ""
    assert run("audit", "show", "--of", rows[0]["ids"][0]["id"], "--json").json == rows
    assert run("audit", "show", "--by", "nobody").out == "Nothing of that was done.\n"
    assert run("audit", "show", "--since", "2999-01-01", "--json").json == []
    assert "not a date" in run("audit", "show", "--since", "soon", status=2).err
    run("audit", "show", "--of", "nothing", status=3)


def test_checkpoints_and_proofs(run: Run, survey: Path, folder: Path) -> None:
    pytest.importorskip("cryptography")
    made = run("audit", "checkpoint", "--out", "deposited.json", "--json").json
    assert json.loads((folder / "deposited.json").read_text()) == made
    run("audit", "verify", "--checkpoint", "deposited.json", "--key", made["key"])
    run("audit", "verify", "--checkpoint", "catalog.csv", status=1)
    said = run("audit", "verify", "--checkpoint", "deposited.json", "--key", "abc", status=1)
    assert said.err.startswith("provgraph: 'abc' is no public key; give its 64 hexadecimal digits")
    run("audit", "prove", "--of", "field", "--since", "deposited.json", "--out", "proof.json")
    shutil.move(survey, folder / "elsewhere")
    proven: Any = run("audit", "check", "proof.json", "--key", made["key"], "--json").json
    assert [r["kind"] for r in proven["records"]] == ["write", "committed"]
    assert "Proven, signed by the key" in run("audit", "check", "proof.json").out
    run("audit", "check", "proof.json", "--key", "00" * 32, status=1)
    shutil.move(folder / "elsewhere", survey)
    run("audit", "prove", "--out", "proof.json", status=2)
    run("audit", "prove", "--record", "99999", "--out", "proof.json", status=3)
    log = survey / "audit" / "records.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:3]))
    shutil.rmtree(survey / "audit" / "checkpoints")
    (survey / "audit" / "head").unlink()
    assert "[log_truncated]" in run("audit", "verify", "--checkpoint", "deposited.json", status=EXIT_DIFFERS).out
