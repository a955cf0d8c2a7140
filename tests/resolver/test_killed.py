"""A pull that is killed leaves nothing behind, and the same pull again gives the same result."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import provgraph
from tests.surveys import galaxies, write_fits
from tests.test_ingest import rubbish

PULL = """
import sys, provgraph
survey = provgraph.open(sys.argv[1])
print("open", flush=True)
pull = survey.pull("A", ["id", "absmag"], where="redshift < 0.9", name="most")
print(len(pull.data()), flush=True)
"""
EXPRESSION = "mag_u - distmod(redshift) + " + " + ".join(f"sin(ra * {n})" for n in range(1, 15))


@pytest.mark.embedded
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_while_pulling(tmp_path: Path, how: signal.Signals) -> None:
    with provgraph.open(tmp_path / "survey") as survey:
        survey.ingest(write_fits(tmp_path / "a.fits", galaxies(300_000), {}), name="A", id="id")
        survey.define_calculator("absmag", requires=["redshift", "mag_u", "ra"], expression=EXPRESSION)
    counts = set()
    for delay in (0.0, 0.1, 0.3):
        process = subprocess.Popen(
            [sys.executable, "-c", PULL, str(tmp_path / "survey")], stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(how)
        said = process.stdout.read().strip()
        process.wait()
        counts |= {int(said)} if said else set()
        with provgraph.open(tmp_path / "survey") as survey:
            assert rubbish(survey) == []
    with provgraph.open(tmp_path / "survey") as survey:
        pull = survey.pull("A", ["id", "absmag"], where="redshift < 0.9", name="most")
        counts.add(len(pull.data()))
        assert rubbish(survey) == []
        whole = survey.pull("A", ["id", "redshift"]).data()
        assert counts == {int((whole["redshift"].values < 0.9).sum())}
        assert len(survey.versions(pull.result)) == 1
