"""Filter 1 % and calculate an absolute magnitude through a pull, against a plain read of the same bytes; and the pull again."""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

import provgraph
from benchmarks.figure import Figure, shown, timed, typical

ROUNDS = 7
READ = ("id", "z", "mag_r")  # what the request needs of the catalog


def measure(directory: Path, n: int) -> list[Figure]:
    """On the survey in `directory`, whose collection ``catalog`` has `n` sources."""
    with provgraph.open(directory) as survey:
        catalog = survey["catalog"]
        redshift = np.sort(survey.process(catalog.select("z"))[0]["z"].values)
        processing, whole, rows = [], [], 0
        for turn in range(ROUNDS):
            # Another cosmology and a slightly larger selection each time: nothing that is stored can serve.
            name, limit = f"absmag_{turn}", float(redshift[n // 100 + turn])
            survey.define_calculator(
                name,
                requires=["mag_r", "z"],
                expression="mag_r - distmod(z)",
                unit="mag",
                parameters={"H0": 70.0 + turn},
            )
            began = perf_counter()
            pull = survey.pull(catalog, ["id", "z", name], where=f"z < {limit!r}")
            rows = len(pull.data())
            whole.append(perf_counter() - began)
            assert pull.measured is not None
            assert list(pull.measured.calculated.values()) == [rows], "something stored was used"
            processing.append(pull.measured.seconds)
        ranges = _byte_ranges(survey, catalog)
        plain = typical(timed(lambda: _read(ranges)) for _ in range(ROUNDS))
        again, measured = _again(survey, pull)
    with provgraph.open(directory) as survey:
        reopened, _ = _again(survey, pull, rounds=1)
    size = sum(length for _, _, length in ranges) / 1e6
    ratio = typical(processing) / plain
    nothing = measured.filtered == 0 and not any(measured.calculated.values())
    return [
        Figure(
            f"filter 1 % of {n:,} sources and `mag - distmod(z)`, processing part", shown(typical(processing)),
            f"plain read of the {size:,.0f} MB it needs: {shown(plain)}", f"{ratio:.2f}x", "<= 2.0x", ratio <= 2.0,
        ),
        Figure("the same, whole pull with its results stored", shown(typical(whole)), "", f"{rows:,} sources"),
        Figure(
            "the same pull again, with its table", shown(again), f"the first after the survey is opened again: {shown(reopened)}",
            f"criteria on {measured.filtered:,}, calculators on {sum(measured.calculated.values()):,} sources",
            "no source, <= 50 ms each", nothing and max(again, reopened) <= 0.05,
        ),
    ]  # fmt: skip


def _again(survey: Any, pull: Any, rounds: int = ROUNDS) -> tuple[float, Any]:
    request = pull.resolution.request
    seconds = []
    for _ in range(rounds):
        began = perf_counter()
        repeated = survey.pull("catalog", request.attributes, where=request.where)
        repeated.table()
        seconds.append(perf_counter() - began)
    return typical(seconds), repeated.measured


def _byte_ranges(survey: Any, catalog: Any) -> list[tuple[Path, int, int]]:
    """Where the needed columns stand: file, offset, length."""
    copied, done = survey.processor.optimised(catalog)
    order, _ = survey.processor.order(copied, done.plan)
    found = []
    for name in READ:
        attribute = catalog.attributes()[name]
        identifier = attribute.origin in order.identifiers
        (segment, *_) = order.sources[catalog.sources().key] if identifier else order.columns[attribute.origin]
        info = order.segments[segment]
        offset = info.ids_offset if identifier else info.column(attribute.origin).offset
        found.append((survey.store_.path(segment), offset, info.n * np.dtype(attribute.dtype).itemsize))
    return found


def _read(ranges: list[tuple[Path, int, int]], buffer: memoryview = memoryview(bytearray(1 << 20))) -> None:
    """Every byte once, into one buffer that stays in the cache: nothing reads faster."""
    for path, offset, length in ranges:
        file = os.open(path, os.O_RDONLY)
        try:
            at = 0
            while at < length:
                at += os.preadv(file, [buffer[: min(len(buffer), length - at)]], offset + at)
        finally:
            os.close(file)
