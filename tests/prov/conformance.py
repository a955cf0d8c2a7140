"""The documents of the conformance folder as its MANIFEST.csv lists them."""

from __future__ import annotations

import csv
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

#: What MANIFEST.csv calls a format, and what provgraph does.
FORMATS = {
    "prov-json": "prov-json", "malformed-json": "prov-json", "prov-n": "prov-n", "prov-xml": "prov-xml",
    "malformed-xml": "prov-xml", "prov-o-turtle": "turtle", "malformed-ttl": "turtle", "prov-o-trig": "trig",
    "prov-jsonld": "jsonld",
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One document. expected : 'valid', 'invalid', 'must-reject' or ''. prov : what the prov package does with it."""

    path: str
    format: str
    expected: str
    prov: str
    content: bytes


@cache
def cases(shared: Path) -> tuple[Case, ...]:
    """Every PROV document of the folder, read."""
    return tuple(_cases(shared / "conformance" / "prov"))


def _cases(folder: Path) -> Iterator[Case]:
    with zipfile.ZipFile(folder / "prov-suite.zip") as suite, (folder / "MANIFEST.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["format"] not in FORMATS:
                continue
            path = row["path"]
            inside = path.removeprefix("prov-suite/")
            content = suite.read(inside) if inside != path else (folder / path).read_bytes()
            yield Case(path, FORMATS[row["format"]], row["expected"], row["prov323_parse"], content)


def outcome(case: Case) -> str:
    """What reading a document gives: how much it holds, or the sentence of the error."""
    from provgraph.errors import ProvgraphError
    from provgraph.prov import FORMATS as KNOWN

    try:
        document = KNOWN[case.format].read(case.content)
    except ProvgraphError as e:
        return f"refused: {e.message}"
    count = sum(len(scope) for scope in document.scopes())
    return f"read: {count} statements, {len(document.bundles)} bundles"


def losses(case: Case) -> dict[str, int]:
    """How many things each other format cannot say of a document; what loses nothing must come back equal, and only that."""
    from provgraph.prov import FORMATS as KNOWN

    document = KNOWN[case.format].read(case.content)
    found = {}
    for name, format in KNOWN.items():
        text, lost = format.write(document)
        again = format.read(text)
        assert (again == document) == (not lost), (case.path, name, [str(one) for one in lost[:3]])
        found[name] = len(lost)
    return found


if __name__ == "__main__":  # python -m tests.prov.conformance FOLDER > tests/prov/outcomes.csv
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["path", "outcome", "lost"])
    for one in cases(Path(sys.argv[1])):
        said = outcome(one)
        lost = losses(one) if said.startswith("read") else {}
        writer.writerow([one.path, said, " ".join(f"{k}:{n}" for k, n in lost.items() if n)])
