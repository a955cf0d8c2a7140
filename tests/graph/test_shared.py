"""Several processes on one embedded graph: real ones, killed for real."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provgraph.errors import SurveyLocked
from provgraph.graph import channel
from provgraph.graph.engine import NodeRow
from provgraph.graph.shared import SharedEngine, open_embedded
from provgraph.graph.statements import Statement
from tests.conftest import ROOT
from tests.graph.second_process import COUNT, CREATE, MERGE

pytestmark = [
    pytest.mark.embedded,
    pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and fork are POSIX"),
]
IDS = Statement("ids", ("MATCH (n:Entity) RETURN n.object_id AS id ORDER BY id",))


class Process:
    """`second_process.py` with this test at its other end."""

    def __init__(self, directory: Path) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "tests.graph.second_process", str(directory)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        self.holds = self.hear()["holds"]

    def hear(self) -> Any:
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        return json.loads(line) if line else {}

    def tell(self, do: str, **request: Any) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.write(json.dumps({"do": do, **request}) + "\n")
        self.popen.stdin.flush()

    def ask(self, do: str, **request: Any) -> Any:
        self.tell(do, **request)
        answer = self.hear()
        return answer.get("result", answer)

    def kill(self) -> None:
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "graph"


@pytest.fixture
def start(directory: Path) -> Iterator[Callable[[], Process]]:
    processes: list[Process] = []

    def one() -> Process:
        processes.append(Process(directory))
        return processes[-1]

    yield one
    for process in processes:
        process.kill()
        for pipe in (process.popen.stdin, process.popen.stdout):
            assert pipe is not None
            pipe.close()


def count(engine: SharedEngine) -> int:
    return int(engine.read(COUNT)[0]["n"])


def test_the_first_opener_serves_the_second(directory: Path, start: Callable[[], Process]) -> None:
    with open_embedded(directory) as engine:
        second = start()
        assert not second.holds
        engine.write(lambda run: run(CREATE, id="a"))
        assert second.ask("count") == 2
        assert second.ask("merge", first=0, end=3) == 0
        assert count(engine) == 5


def test_processes_starting_together_on_a_new_graph_agree(directory: Path) -> None:
    waiting = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.graph.second_process", str(directory)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )
        for _ in range(6)
    ]  # fmt: skip
    for process in waiting:
        assert process.stdin is not None
        process.stdin.write(json.dumps({"do": "merge", "first": 0, "end": 10}) + "\n")
        process.stdin.flush()
    for process in waiting:
        out, _ = process.communicate(timeout=60)
        assert [json.loads(line).get("result") for line in out.splitlines()] == [None, 0]
    with open_embedded(directory) as engine:
        assert count(engine) == 10


def test_writers_of_two_processes_make_no_twins(directory: Path, start: Callable[[], Process]) -> None:
    with open_embedded(directory) as engine:
        second, third = start(), start()
        second.tell("merge", first=0, end=40, threads=4)
        third.tell("merge", first=0, end=40, threads=4)
        for i in range(40):
            engine.write(lambda run: run(MERGE, id=f"n{i}", by="first"))  # noqa: B023
        assert second.hear() == {"result": 0}
        assert third.hear() == {"result": 0}
        assert [row["id"] for row in engine.read(IDS)] == sorted(f"n{i}" for i in range(40))


def test_when_the_holder_is_killed_one_of_the_others_takes_over(directory: Path, start: Callable[[], Process]) -> None:
    holder, second, third = start(), start(), start()
    assert [p.holds for p in (holder, second, third)] == [True, False, False]
    assert second.ask("merge", first=0, end=5) == 0
    second.tell("merge", first=0, end=300, threads=2)
    third.tell("merge", first=0, end=300, threads=2)
    time.sleep(0.3)
    holder.kill()
    assert second.hear() == {"result": 0}
    assert third.hear() == {"result": 0}
    assert sorted([second.ask("holds"), third.ask("holds")]) == [False, True]
    with open_embedded(directory) as engine:
        assert [row["id"] for row in engine.read(IDS)] == sorted(f"n{i}" for i in range(300))


def test_the_holder_ending_in_order_is_taken_over_too(directory: Path, start: Callable[[], Process]) -> None:
    engine = open_embedded(directory)
    second = start()
    second.tell("merge", first=0, end=200, threads=2)
    time.sleep(0.1)
    engine.close()
    assert second.hear() == {"result": 0}
    assert second.ask("holds") is True
    assert second.ask("count") == 200


def test_what_a_killed_client_began_is_undone(directory: Path, start: Callable[[], Process]) -> None:
    with open_embedded(directory) as engine:
        second = start()
        second.tell("stay_in_transaction")
        assert second.hear() == {"inside": True}
        assert count(engine) == 0
        second.kill()
        engine.write(lambda run: run(CREATE, id="a"))  # the lock is free again
        assert [row["id"] for row in engine.read(IDS)] == ["a", "a-of"]


def test_a_commit_nobody_was_told_of_is_not_done_twice(directory: Path, start: Callable[[], Process]) -> None:
    holder = start()
    with open_embedded(directory) as engine:
        assert engine._held is None
        holder.ask("die_after_next_commit")
        times = []

        def work(run: Any) -> str:
            times.append(1)
            run(CREATE, id="once")
            return f"done {len(times)}"

        assert engine.write(work) == "done 1"
        assert [row["id"] for row in engine.read(IDS)] == ["once", "once-of"]
        assert engine._held is not None
    holder.popen.wait()


def test_what_was_acknowledged_survives_kill_9(directory: Path, start: Callable[[], Process]) -> None:
    acknowledged: set[str] = set()
    for turn in range(3):
        process = start()
        assert process.holds
        process.tell("create_for_ever", prefix=f"{turn}-")
        kill = threading.Timer(0.15 + 0.1 * turn, process.popen.send_signal, [signal.SIGKILL])
        kill.start()
        while answer := process.hear():
            acknowledged.add(f"{turn}-{answer['acknowledged']}")
        kill.join()
        process.popen.wait()
    with open_embedded(directory) as engine:
        there = {row["id"] for row in engine.read(IDS)}
    assert len(acknowledged) > 3
    assert acknowledged <= there
    assert len(there) <= 2 * len(acknowledged) + 6  # at most one a turn that nobody was told of
    assert {i for i in there if not i.endswith("-of")} == {i.removesuffix("-of") for i in there}  # none torn


def test_an_unfinished_bulk_load_is_removed_at_the_next_start(directory: Path, start: Callable[[], Process]) -> None:
    with open_embedded(directory) as engine:
        engine.write(lambda run: run(CREATE, id="before"))
    script = (
        "import os, signal, sys\n"
        "from provgraph.graph.engine import NodeRow\n"
        "from provgraph.graph.shared import open_embedded\n"
        "def nodes():\n"
        "    for i in range(20_000):\n"
        "        yield NodeRow(('Entity',), {'object_id': f'n{i}'})\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "open_embedded(sys.argv[1]).load(nodes(), [])\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(directory)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    with open_embedded(directory) as engine:
        assert [row["id"] for row in engine.read(IDS)] == ["before", "before-of"]
        engine.load([NodeRow(("Entity",), {"object_id": "n0"})], [])
        assert count(engine) == 3


def test_a_forked_child_speaks_with_its_parent(directory: Path, start: Callable[[], Process]) -> None:
    holder = start()
    assert holder.holds
    assert holder.ask("fork") == 11  # it sees the node it wrote, and holds nothing
    assert holder.ask("merge", first=0, end=2) == 0
    assert holder.ask("count") == 3


def test_opening_twice_in_a_process_shares_the_graph(directory: Path) -> None:
    first, second = open_embedded(directory), open_embedded(directory)
    first.write(lambda run: run(CREATE, id="a"))
    assert count(second) == 2
    first.close()
    assert count(second) == 2
    second.close()
    with open_embedded(directory) as again:
        assert count(again) == 2


def test_the_holder_is_named_to_other_users(
    directory: Path, start: Callable[[], Process], monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = start()
    monkeypatch.setattr(channel.getpass, "getuser", lambda: "somebody-else")
    told = channel.Holder.read(directory)
    assert told is not None
    with pytest.raises(SurveyLocked, match=f"process {holder.popen.pid} of the user {told.user}") as caught:
        open_embedded(directory)
    assert caught.value.code == "survey_locked"
    assert caught.value.details["since"] == told.since
    assert told.since in caught.value.message


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="files of Windows have no such mode")
def test_the_channel_is_for_its_owner_only(directory: Path) -> None:
    with open_embedded(directory):
        holder = channel.Holder.read(directory)
        assert holder is not None
        assert stat.S_IMODE(Path(holder.key_file).stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(holder.address).parent.stat().st_mode) == 0o700
        Path(holder.key_file).chmod(0o644)
        assert holder.connect() is None  # a key that others may read proves nothing
        Path(holder.key_file).chmod(0o600)
        wrong = Path(holder.key_file).with_suffix(".other")
        wrong.write_bytes(b"x" * 32)
        wrong.chmod(0o600)
        stranger = channel.Holder(holder.user, holder.pid, holder.host, holder.since, holder.address, str(wrong))
        assert stranger.connect() is None
        wrong.unlink()
        with SharedEngine(directory, hold=False) as client:
            assert count(client) == 0
    assert not Path(holder.address).exists()
    assert not Path(holder.key_file).exists()
    assert not (directory / channel.HOLDER_FILE).exists()


def test_what_killed_processes_left_is_cleared_away(directory: Path, start: Callable[[], Process]) -> None:
    killed, alive = start(), Process(directory.with_name("other"))
    kept, dead = channel.Holder.read(directory.with_name("other")), channel.Holder.read(directory)
    assert kept is not None
    assert dead is not None
    killed.kill()
    for holder in (kept, dead):
        os.utime(holder.address, (0, 0))
    with open_embedded(directory.with_name("third")):
        assert not Path(dead.address).exists()
        assert not Path(dead.key_file).exists()
        assert Path(kept.key_file).exists()
    assert alive.ask("count") == 0
    alive.popen.communicate(timeout=20)


def test_a_long_directory_has_a_short_address(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-name"] * 8)
    with open_embedded(deep), SharedEngine(deep, hold=False) as client:
        assert count(client) == 0
