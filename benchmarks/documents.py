"""Importing PROV documents into the graph: in one transaction on each engine, and with the bulk loader."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import provgraph
from benchmarks.figure import Figure, shown
from benchmarks.prov import write
from provgraph.documents.library import IN_ONE_TRANSACTION

RECORDS = 100_000
AT_LEAST = {"one transaction": 1200, "bulk loader": 3000}  # records a second


def measure(folder: Path, records: int = RECORDS, at_once: int = IN_ONE_TRANSACTION, **where: Any) -> list[Figure]:
    """records : of a document for the bulk loader. at_once : of one for a transaction. where : the graph, for `provgraph.open`."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = []
    with provgraph.open(folder, **where) as survey:
        write(folder / "first.json", at_once // 5)  # makes the indexes, and the server compiles
        survey.import_prov(folder / "first.json")
        embedded = survey.engine.name == "embedded"
        for way, n in (("one transaction", at_once), *([("bulk loader", records)] if embedded else [])):
            file = folder / f"{n}.json"
            write(file, n)
            began = perf_counter()
            stored = survey.import_prov(file)
            seconds = perf_counter() - began
            began = perf_counter()
            if len(survey.document(stored)) != n:
                raise AssertionError("not every record came back")
            back = perf_counter() - began
            rate, bar = n / seconds, AT_LEAST[way]
            figures.append(
                Figure(f"import {n:,} PROV records, {way}, {survey.engine.name}", shown(seconds), f"read back: {shown(back)}",
                       f"{rate:,.0f} records/s", f">= {bar:,}/s", rate >= bar)
            )  # fmt: skip
    return figures


if __name__ == "__main__":
    import sys
    import tempfile

    from benchmarks.figure import HEADER

    with tempfile.TemporaryDirectory() as directory:
        print(HEADER)
        where: dict[str, Any] = {"graph": sys.argv[1]} if len(sys.argv) > 1 else {}
        for figure in measure(Path(directory), **where):
            print(figure.row())
