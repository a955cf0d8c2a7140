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

from benchmarks import catalog, graph, ingest, joins, processing, reuse, selection, startup
from benchmarks.figure import HEADER, Figure, apart

ROWS = 10_000_000
COLLECTIONS = 100_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"sources of the large catalog (default: {ROWS})")
    parser.add_argument("--directory", type=Path, help="where the temporary files go (default: the system's)")
    parser.add_argument(
        "--collections", type=int, default=COLLECTIONS, help=f"of the large graph (default: {COLLECTIONS})"
    )
    parser.add_argument(
        "--graph", default="", help="an empty Neo4j, to measure plans there too, such as bolt://localhost:7687"
    )
    options = parser.parse_args()
    figures = measure(options.rows, options.collections, options.graph, options.directory)
    if (options.rows, options.collections) != (ROWS, COLLECTIONS):  # what is asked for holds at full size
        figures = [replace(f, bar="", reached=None) for f in figures]
    print(f"{_machine()}\n\n{HEADER}")
    for figure in figures:
        print(figure.row())
    return 1 if any(f.reached is False for f in figures) else 0


def measure(rows: int, collections: int, served: str = "", directory: Path | None = None) -> list[Figure]:
    """Every figure. rows : sources of the large catalogs, of which 1 % are selected. collections : in the large graph."""
    with tempfile.TemporaryDirectory(prefix="provgraph-bench-", dir=directory) as name:
        folder = Path(name)
        fits, survey, small = folder / "catalog.fits", folder / "survey", folder / "small.fits"
        _say(f"writing a catalog of {rows:,} sources")
        catalog.write_fits(fits, rows)
        _say("ingest")
        figures = ingest.measure(fits, survey, rows)
        _say("reuse")  # first: what the others store could serve here, too
        figures += apart(reuse.measure, survey, rows)
        _say("processing")
        figures += apart(processing.measure, survey, rows)
        _say("selection")
        figures += apart(selection.measure, folder / "selection", rows, rows // 100)
        _say("joins")
        figures += apart(joins.measure, rows)
        _say("graphs")
        catalog.write_fits(small, 2000)
        figures += apart(graph.measure, folder / "graph", small, (collections // 10, collections // 2, collections))
        if served:
            figures += graph.measure(folder / "served", small, (collections // 10, 0, collections), graph=served)
    _say("start-up")
    return [*figures, *startup.measure()]


def _machine() -> str:
    cpu = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    packages = ", ".join(f"{p} {version(p)}" for p in ("numpy", "h5py", "arcadedb", "polars", "duckdb", "datafusion"))
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
