"""An embedded survey that another user of the machine has open: real users, told who and since when."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph.errors import SurveyLocked
from provgraph.graph import channel
from tests.conftest import ROOT
from tests.graph.other_user import USER
from tests.surveys import galaxies, write_fits

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can start a process of another user"
    ),
]
Ask = Callable[..., dict[str, Any]]
SINCE = r"(20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder everybody may enter and write in; that of pytest is its owner's only."""
    folder = Path(tempfile.mkdtemp(prefix="provgraph-users-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def other(place: Path) -> Iterator[Ask]:
    """`other_user.py` with this test at its other end."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.graph.other_user", str(place)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "USER": USER, "LOGNAME": USER, "HOME": str(place), "TMPDIR": str(place)},
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["uid"] not in (0, os.geteuid())

        def ask(**request: Any) -> dict[str, Any]:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            answer: dict[str, Any] = json.loads(process.stdout.readline())
            return answer

        yield ask
        process.stdin.close()
        process.wait(60)


def files(directory: Path) -> dict[str, tuple[int, int, str]]:
    """Owner, mode and digest of everything below a directory; in the graph its holder writes on, so of that no digest."""
    found = {}
    for path in sorted(directory.rglob("*")):
        state = path.stat()
        digests = path.is_file() and directory / "graph" not in path.parents
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if digests else ""
        found[str(path.relative_to(directory))] = (state.st_uid, state.st_mode, digest)
    return found


@pytest.mark.parametrize("writable", [False, True], ids=["readable", "writable"])
def test_somebody_else_is_told_who_has_it_open(place: Path, other: Ask, writable: bool) -> None:
    directory = place / "survey"
    with provgraph.open(directory) as survey:
        survey.ingest(write_fits(place / "a.fits", galaxies(10)), name="A", id="id")
        if writable:
            for path in (directory, *directory.rglob("*")):
                path.chmod(path.stat().st_mode | 0o666 | (0o111 if path.is_dir() else 0))
        holder, before = channel.Holder.read(directory / "graph"), files(directory)
        assert holder is not None
        sentence = (
            f"The graph in {directory / 'graph'} has been open since {holder.since} in process {os.getpid()} of the user "
            f"{holder.user} on {holder.host}; an embedded survey serves one user on one machine at a time."
        )
        assert re.fullmatch(SINCE, holder.since)
        for command in (["ls"], ["ingest", str(place / "a.fits"), "--name", "B"]):
            told = other(run=[*command, "--survey", str(directory)])
            assert told == {"status": 1, "out": "", "err": f"provgraph: {sentence}\n"}
        told = other(run=["ls", "--survey", str(directory), "--json"])
        error = json.loads(told["err"])
        assert (told["status"], told["out"], error["code"], error["message"]) == (1, "", "survey_locked", sentence)
        expected = {"user": holder.user, "since": holder.since, "pid": os.getpid(), "host": holder.host}
        assert error["details"] == expected
        assert files(directory) == before
        assert [len(one.table()) for one in survey.collections()] == [10]


def test_not_even_root_gets_in(place: Path, other: Ask) -> None:
    directory = place / "theirs"
    pid = other(hold=str(directory))["pid"]
    before = files(directory)
    with pytest.raises(SurveyLocked, match=f"open since {SINCE} in process {pid} of the user {USER} on ") as caught:
        provgraph.open(directory)
    assert (caught.value.code, caught.value.exit_status) == ("survey_locked", 1)
    assert files(directory) == before
    assert other(run=["ls", "--survey", str(directory), "--json"])["out"].strip() == "[]"
