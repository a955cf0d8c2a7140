"""The log: one chain for all threads and processes, whole after a kill, and no single record of it can be touched unseen."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from provgraph.audit.log import ABORTED, BEGUN, COMMITTED, HEAD, RECORDS, SHORTENED, TORN, WRITE, Log, lines, read_head
from provgraph.audit.verify import verify_log

SURVEY = "7d1c3f0e-0000-4000-8000-000000000000"


def made(directory: Path, n: int) -> Log:
    log = Log(directory, SURVEY)
    log.append({"kind": BEGUN})
    for i in range(n - 1):
        log.append({"kind": "test", "ids": [["Note", f"note-{i}", "", f"{i:064x}"]], "text": "α" * (i % 7)})
    log.close()
    return log


def codes(directory: Path, **more: Any) -> set[str]:
    return {f.code for f in verify_log(directory, SURVEY, **more)[1]}


def test_what_is_appended_is_read_again(tmp_path: Path) -> None:
    log = made(tmp_path, 10)
    assert [r["_n"] for r in log.records()] == list(range(10))
    assert verify_log(tmp_path, SURVEY) == (10, [])
    again = Log(tmp_path, SURVEY)
    assert again.append({"kind": "test"}) == 10
    again.close()
    assert verify_log(tmp_path, SURVEY) == (11, [])
    head = read_head(tmp_path)
    assert head is not None
    assert head["n"] == 11
    assert head["settled"] == head["size"] == (tmp_path / RECORDS).stat().st_size


def test_the_log_of_another_survey_does_not_fit(tmp_path: Path) -> None:
    made(tmp_path, 3)
    assert "record_changed" in {f.code for f in verify_log(tmp_path, "another")[1]}


def _append(directory: Path, n: int) -> None:
    log = Log(directory, SURVEY)
    for i in range(n):
        log.append({"kind": "test", "process": os.getpid(), "i": i})
        if i % 7 == 0:
            log.sync()
    log.close()


def test_processes_and_threads_share_one_chain(tmp_path: Path) -> None:
    log = made(tmp_path, 1)
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_append, args=(tmp_path, 200)) for _ in range(2)]
    for other in others:
        other.start()

    def work(i: int) -> None:
        log.append({"kind": "test", "i": i})
        log.sync()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(200)))
    for other in others:
        other.join()
        assert other.exitcode == 0
    assert verify_log(tmp_path, SURVEY) == (601, [])
    log.close()


def test_two_logs_of_one_process_share_one_chain(tmp_path: Path) -> None:
    one, other = Log(tmp_path, SURVEY), Log(tmp_path, SURVEY)
    for i in range(20):
        (one if i % 2 else other).append({"kind": "test"})
    one.close()
    other.close()
    assert verify_log(tmp_path, SURVEY) == (20, [])


def test_half_a_record_is_cut_away_and_said(tmp_path: Path) -> None:
    made(tmp_path, 5)
    with (tmp_path / RECORDS).open("ab") as file:
        file.write(b'{"_before":"abc')
    assert codes(tmp_path) == {"record_torn"}
    log = Log(tmp_path, SURVEY)
    log.append({"kind": "test"})
    log.close()
    assert [r["kind"] for r in log.records()][-2:] == [TORN, "test"]
    assert verify_log(tmp_path, SURVEY) == (7, [])


def test_open_writes_are_known_again(tmp_path: Path) -> None:
    log = made(tmp_path, 1)
    numbers = [log.append({"kind": WRITE, "process": "", "ids": [], "edges": []}) for _ in range(3)]
    log.append({"kind": COMMITTED, "intent": numbers[0]})
    log.append({"kind": ABORTED, "intent": numbers[2]})
    log.close()
    again = Log(tmp_path, SURVEY)
    again.catch_up()
    assert list(again.open) == [numbers[1]]
    assert again.append({"kind": COMMITTED, "intent": numbers[1]}, when=lambda: numbers[1] in again.open) > 0
    assert again.append({"kind": COMMITTED, "intent": numbers[1]}, when=lambda: numbers[1] in again.open) == -1
    again.close()
    assert verify_log(tmp_path, SURVEY)[1] == []


def test_a_log_that_was_cut_says_so_when_it_goes_on(tmp_path: Path) -> None:
    log = made(tmp_path, 10)
    texts = list(lines(log.path))
    log.path.write_bytes(b"".join(t + b"\n" for t in texts[:6]))
    assert codes(tmp_path) == {"log_truncated"}
    again = Log(tmp_path, SURVEY)
    again.append({"kind": "test"})
    again.close()
    record = list(log.records())[6]
    assert (record["kind"], record["had"]) == (SHORTENED, 10)


# -- every single record of a log of a thousand -------------------------------------------------------------------------

N = 1000


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[bytes]]:
    directory = tmp_path_factory.mktemp("thousand")
    log = made(directory, N)
    return directory, list(lines(log.path))


def _write(directory: Path, texts: list[bytes]) -> None:
    (directory / RECORDS).write_bytes(b"".join(t + b"\n" for t in texts))


@pytest.mark.parametrize("how", ["edited", "deleted", "swapped", "repeated", "moved"])
def test_every_record_is_missed(thousand: tuple[Path, list[bytes]], how: str) -> None:
    directory, texts = thousand
    for i in range(N):
        changed = list(texts)
        if how == "edited":
            changed[i] = changed[i].replace(b'"kind":"', b'"kind":"x')
        elif how == "deleted":
            del changed[i]
        elif how == "swapped":
            j = (i + 1) % N
            changed[i], changed[j] = changed[j], changed[i]
        elif how == "repeated":
            changed.insert(i, changed[i])
        else:
            changed.insert((i + N // 2) % (N - 1), changed.pop(i))
        assert changed != texts
        _write(directory, changed)
        findings = verify_log(directory, SURVEY)[1]
        assert findings, f"record {i} {how}"
        assert all(f.changed for f in findings)
    _write(directory, texts)
    assert verify_log(directory, SURVEY) == (N, [])


def test_the_end_that_is_missing_is_missed(thousand: tuple[Path, list[bytes]], tmp_path: Path) -> None:
    """With a checkpoint also by whoever has taken the file away that says how much there was, or has written all anew."""
    pytest.importorskip("cryptography")
    from provgraph.audit.checkpoint import is_signed, take

    directory, texts = thousand
    _write(directory, texts)
    log = Log(directory, SURVEY)
    signed = take(log)
    log.close()
    assert is_signed(signed)
    assert verify_log(directory, SURVEY, [signed], {signed["key"]}) == (N, [])
    head = (directory / HEAD).read_bytes()
    try:
        for n in range(N):
            _write(directory, texts[:n])
            (directory / HEAD).write_bytes(head)
            assert "log_truncated" in codes(directory)
            (directory / HEAD).unlink()
            assert "log_truncated" in codes(directory, checkpoints=[signed])
        made(tmp_path / "anew", N)
        assert "checkpoint_differs" in codes(tmp_path / "anew", checkpoints=[signed])
    finally:
        _write(directory, texts)
        (directory / HEAD).write_bytes(head)
    for field, value in (("n", N - 1), ("root", "00" * 32), ("at", "2026"), ("signature", "zz"), ("key", "00" * 32)):
        assert codes(directory, checkpoints=[{**signed, field: value}]) & {"checkpoint_forged"}
    assert codes(directory, checkpoints=[signed], trusted={"00" * 32}) == {"checkpoint_untrusted"}
    assert codes(directory, checkpoints=[{**signed, "survey": "another"}]) == {"checkpoint_foreign"}
