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


def measure(directory: Path, n: int) -> list[Figure]:
    """On the survey in `directory`, whose collection ``catalog`` has `n` sources."""
    with provgraph.open(directory) as survey:
        catalog = survey["catalog"]
        indexes, survey.store_.indexes = survey.store_.indexes, None  # a column that is asked for often gets one: below
        redshift = np.sort(survey.process(catalog.select("z"))[0]["z"].values)
        done = {}
        for number, expression in enumerate(("", "mag_r - distmod(z)", "mag_r - distmod(z) + 2.5*log10(1+z)")):
            done[expression] = _jobs(survey, catalog, redshift[n // 100 + ROUNDS * number :], expression, number)
        ranges = {e: _byte_ranges(survey, catalog, ("id", "z", "mag_r") if e else ("id", "z")) for e in done}
        plain = {e: typical(timed(lambda r=r: _read(r)) for _ in range(ROUNDS)) for e, r in ranges.items()}
        (_, _, pull) = done["mag_r - distmod(z)"]
        again, measured = _again(survey, pull)
        survey.store_.indexes = indexes
    with provgraph.open(directory) as survey:
        reopened, _ = _again(survey, pull, rounds=1)
    nothing = measured.filtered == 0 and not any(measured.calculated.values())
    figures = []
    for expression, (processing, whole, _) in done.items():
        size = sum(length for _, _, length in ranges[expression]) / 1e6
        ratio = processing / plain[expression]
        with_it = f" and `{expression}`" if expression else ""
        figures.append(Figure(
            f"filter 1 % of {n:,} sources{with_it}, processing part",
            f"{shown(processing)}; whole pull with its results stored {shown(whole)}",
            f"plain read of the {size:,.0f} MB it needs: {shown(plain[expression])}", f"{ratio:.2f}x",
            *(("<= 1.6x", ratio <= 1.6) if expression == "mag_r - distmod(z)" else ()),
        ))  # fmt: skip
    figures.append(Figure(
        "the same pull again, with its table", shown(again), f"the first after the survey is opened again: {shown(reopened)}",
        f"criteria on {measured.filtered:,}, calculators on {sum(measured.calculated.values()):,} sources",
        "no source, <= 50 ms each", nothing and max(again, reopened) <= 0.05,
    ))  # fmt: skip
    return figures


def _jobs(survey: Any, catalog: Any, limits: Any, expression: str, number: int) -> tuple[float, float, Any]:
    """Typical seconds of the processing part and of the whole pull, and the last pull."""
    processing, whole = [], []
    for turn in range(ROUNDS):
        # Another cosmology and a slightly larger selection each time: nothing that is stored can serve.
        names = ["id", "z"]
        if expression:
            names.append(f"absmag_{number}_{turn}")
            survey.define_calculator(
                names[-1], requires=["mag_r", "z"], expression=expression, unit="mag", parameters={"H0": 70.0 + turn},
            )  # fmt: skip
        began = perf_counter()
        pull = survey.pull(catalog, names, where=f"z < {float(limits[turn])!r}")
        rows = len(pull.data())
        whole.append(perf_counter() - began)
        assert pull.measured.filtered == len(catalog), "something stored was used"
        assert list(pull.measured.calculated.values()) == ([rows] if expression else [])
        processing.append(pull.measured.seconds)
    return typical(processing), typical(whole), pull


def _again(survey: Any, pull: Any, rounds: int = ROUNDS) -> tuple[float, Any]:
    request = pull.resolution.request
    seconds = []
    for _ in range(rounds):
        began = perf_counter()
        repeated = survey.pull("catalog", request.attributes, where=request.where)
        repeated.table()
        seconds.append(perf_counter() - began)
    return typical(seconds), repeated.measured


def _byte_ranges(survey: Any, catalog: Any, names: tuple[str, ...]) -> list[tuple[Path, int, int]]:
    """Where the needed columns stand: file, offset, length."""
    copied, done = survey.processor.optimised(catalog)
    order, _ = survey.processor.order(copied, done.plan)
    found = []
    for name in names:
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
