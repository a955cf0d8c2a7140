"""All figures in one run: ``python -m benchmarks``; a Markdown table on stdout, what it is doing on stderr."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks import catalog, ingest, processing, selection, startup
from benchmarks.figure import HEADER, Figure

ROWS = 10_000_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"sources of the large catalog (default: {ROWS})")
    parser.add_argument("--directory", type=Path, help="where the temporary files go (default: the system's)")
    options = parser.parse_args()
    figures = measure(options.rows, options.directory)
    if options.rows != ROWS:  # what is asked for holds at full size
        figures = [replace(f, bar="", reached=None) for f in figures]
    print(f"{_machine()}\n\n{HEADER}")
    for figure in figures:
        print(figure.row())
    return 1 if any(f.reached is False for f in figures) else 0


def measure(rows: int, directory: Path | None = None) -> list[Figure]:
    """Every figure; rows : sources of the large catalog, a tenth of them in the selection job, of which 1 % are selected."""
    with tempfile.TemporaryDirectory(prefix="provgraph-bench-", dir=directory) as folder:
        fits, survey = Path(folder) / "catalog.fits", Path(folder) / "survey"
        _say(f"writing a catalog of {rows:,} sources")
        catalog.write_fits(fits, rows)
        _say("ingest")
        ingested = ingest.measure(fits, survey, rows)
        _say("processing")
        processed = processing.measure(survey, rows)
        _say("selection")
        selected = selection.measure(Path(folder) / "selection", rows // 10, rows // 1000)
    _say("start-up")
    return [*processed[:2], *selected, *processed[2:], *ingested, *startup.measure()]


def _machine() -> str:
    cpu = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    packages = ", ".join(f"{p} {version(p)}" for p in ("numpy", "h5py", "arcadedb", "polars", "duckdb"))
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, `{' '.join(['python -m benchmarks', *sys.argv[1:]])}`: {os.cpu_count()} cores of {cpu}, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {packages}. Page cache warm, medians."
    )


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []


def _say(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
