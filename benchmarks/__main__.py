"""All figures in one run: ``python -m benchmarks``, or some of them: ``python -m benchmarks select``; a Markdown table on stdout,
what it is doing on stderr.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import (
    audit,
    calls,
    catalog,
    constraints,
    difference,
    documents,
    graph,
    ingest,
    joins,
    lineage,
    objects,
    processing,
    prov,
    reuse,
    select,
    selection,
    startup,
    targets,
)
from benchmarks.figure import HEADER, Figure, apart

ROWS = 10_000_000
COLLECTIONS = 100_000
_OF_PIPELINES: dict[str, Any] = {"objects": objects, "targets": targets, "calls": calls}
PARTS = (
    "ingest",
    "reuse",
    "processing",
    "selection",
    "joins",
    "graph",
    "lineage",
    "difference",
    "select",
    "objects",
    "targets",
    "calls",
    "documents",
    "constraints",
    "audit",
    "startup",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"only these: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--rows", type=int, default=ROWS, help=f"sources of the large catalog (default: {ROWS})")
    parser.add_argument("--directory", type=Path, help="where the temporary files go (default: the system's)")
    parser.add_argument(
        "--collections", type=int, default=COLLECTIONS, help=f"of the large graph (default: {COLLECTIONS})"
    )
    parser.add_argument(
        "--objects", type=int, default=select.OBJECTS, help=f"of a pipeline (default: {select.OBJECTS})"
    )
    parser.add_argument(
        "--graph",
        default="",
        help="an empty Neo4j, to measure plans and searches there too, such as bolt://localhost:7687",
    )
    options = parser.parse_args()
    wrong = [part for part in options.parts if part not in PARTS]
    if wrong:
        parser.error(f"there is no part {', '.join(wrong)}; there are {', '.join(PARTS)}")
    figures = measure(
        options.rows, options.collections, options.objects, options.graph, options.directory, options.parts or PARTS
    )
    sizes = (options.rows, options.collections, options.objects)
    if sizes != (ROWS, COLLECTIONS, select.OBJECTS):  # what is asked for holds at full size
        figures = [replace(f, bar="", reached=None) for f in figures]
    print(f"{_machine()}\n\n{HEADER}")
    for figure in figures:
        print(figure.row())
    return 1 if any(f.reached is False for f in figures) else 0


def measure(rows: int, collections: int, pipeline: int, served: str = "", directory: Path | None = None,
            parts: Sequence[str] = PARTS) -> list[Figure]:  # fmt: skip
    """The figures of these parts.

    rows : sources of the large catalogs, of which 1 % are selected. collections : in the large graph. pipeline : objects of one,
    in a graph of their own.
    """
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="provgraph-bench-", dir=directory) as name:
        folder = Path(name)
        fits, survey, small = folder / "catalog.fits", folder / "survey", folder / "small.fits"
        if {"ingest", "reuse", "processing"} & set(parts):
            _say(f"writing a catalog of {rows:,} sources")
            catalog.write_fits(fits, rows)
            _say("ingest")
            ingested = ingest.measure(fits, survey, rows)
            figures += ingested if "ingest" in parts else []
        if "reuse" in parts:
            _say("reuse")  # first: what the others store could serve here, too
            figures += apart(reuse.measure, survey, rows)
        if "processing" in parts:
            _say("processing")
            figures += apart(processing.measure, survey, rows)
        if "selection" in parts:
            _say("selection")
            figures += apart(selection.measure, folder / "selection", rows, rows // 100)
        if "joins" in parts:
            _say("joins")
            figures += apart(joins.measure, rows)
        if "graph" in parts:
            _say("graphs")
            catalog.write_fits(small, 2000)
            figures += apart(graph.measure, folder / "graph", small, (collections // 10, collections // 2, collections))
            if served:
                figures += graph.measure(folder / "served", small, (collections // 10, 0, collections), graph=served)
        if "difference" in parts:
            _say("difference")
            figures += apart(difference.measure, folder / "two")
            if served:
                figures += difference.measure(folder / "served", graph=served)
        if "lineage" in parts:
            _say("lineage")
            figures += apart(lineage.measure, folder / "layers", pipeline)
            if served:
                figures += lineage.measure(folder / "served", pipeline, graph=served)
        if "select" in parts:
            _say("searches")
            figures += apart(select.measure, folder / "objects", pipeline)
            if served:  # in the survey that is there already
                figures += select.measure(folder / "served", pipeline, graph=served)
        for part, what in _OF_PIPELINES.items():
            if part in parts:
                _say(part)
                figures += apart(what.measure, folder / part)
                if served:
                    figures += what.measure(folder / "served", graph=served)
        if "documents" in parts:
            _say("PROV documents")
            figures += prov.measure(folder / "prov")
            figures += apart(documents.measure, folder / "documents")
            if served:
                figures += documents.measure(folder / "served", graph=served)
        if "constraints" in parts:
            _say("PROV-CONSTRAINTS")
            figures += constraints.measure()
        if "audit" in parts:
            _say("audit")
            figures += audit.measure(folder / "audit")
    if "startup" in parts:
        _say("start-up")
        figures += startup.measure()
    return figures


def _machine() -> str:
    cpu = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.machine())
    packages = ", ".join(
        f"{p} {version(p)}" for p in ("numpy", "h5py", "arcadedb", "polars", "duckdb", "datafusion", "prov")
    )
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
