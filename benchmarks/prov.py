"""Reading a PROV-JSON document of 100,000 records: provgraph.prov against the package prov, each in a process of its own.

Time is that of the processor: who else uses it does not count.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.figure import Figure, shown, typical

RECORDS = 100_000
ROUNDS = 3
# What is imported and what is measured; the peak of the memory is that over what the imports took.
_OURS = ("from provgraph.prov.json import read", "document = read(path); count = len(document)")
_STREAM = ("from provgraph.prov.json import statements", "count = sum(1 for _ in statements(path))")
_THEIRS = (
    "from prov.model import ProvDocument",
    "document = ProvDocument.deserialize(path); count = len(document.get_records())",
)
_RUN = """
import sys, time, warnings
from benchmarks.figure import peak
warnings.simplefilter("ignore")
path = sys.argv[1]
{imports}
before = peak()
began = time.process_time()
{work}
print(time.process_time() - began, (peak() - before) / 2**20, count)
"""


def measure(folder: Path, records: int = RECORDS) -> list[Figure]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "run.json"
    write(path, records)
    found: dict[str, list[tuple[float, float, int]]] = {"ours": [], "theirs": [], "stream": []}
    for _ in range(ROUNDS):
        for name, work in (("ours", _OURS), ("theirs", _THEIRS), ("stream", _STREAM)):
            found[name].append(_run(path, *work))
    if {count for runs in found.values() for _, _, count in runs} != {records}:
        raise AssertionError("not every record was read")
    seconds = {name: typical(s for s, _, _ in runs) for name, runs in found.items()}
    memory = {name: typical(m for _, m, _ in runs) for name, runs in found.items()}
    faster, less = seconds["theirs"] / seconds["ours"], memory["ours"] / max(memory["theirs"], 0.1)
    little = memory["stream"] / max(memory["ours"], 0.1)
    size = f"{records:,} records, {path.stat().st_size / 1e6:.0f} MB"
    return [
        Figure(f"read PROV-JSON ({size})", shown(seconds["ours"]), f"prov: {shown(seconds['theirs'])}", f"{faster:.1f}x faster",
               ">= 3x", faster >= 3),
        Figure("memory for that", f"{memory['ours']:.0f} MB", f"prov: {memory['theirs']:.0f} MB", f"{less:.2f}x",
               "<= 0.6x", less <= 0.6),
        Figure("go through it statement by statement", f"{shown(seconds['stream'])}, {memory['stream']:.0f} MB",
               f"read: {shown(seconds['ours'])}, {memory['ours']:.0f} MB", f"{little:.2f}x memory"),
    ]  # fmt: skip


def write(path: Path, records: int) -> None:
    """Entities with four attributes, activities, and the relations between them."""
    entities, activities = records * 3 // 10, records // 10
    uses, generations = records * 2 // 10, records * 2 // 10
    derivations = records - entities - activities - uses - generations
    sections = {
        "entity": (f'"ex:e{i}": {{"prov:type": {{"$": "ex:Frame", "type": "prov:QUALIFIED_NAME"}}, "ex:seeing": {i % 400 / 100}, '
                   f'"ex:size": {{"$": "{i}", "type": "xsd:long"}}, "ex:name": "frame {i}"}}' for i in range(entities)),
        "activity": (f'"ex:a{i}": {{"prov:startTime": "2026-01-01T00:00:00Z", "prov:endTime": "2026-01-01T00:01:00Z"}}'
                     for i in range(activities)),
        "used": (f'"_:u{i}": {{"prov:activity": "ex:a{i % activities}", "prov:entity": "ex:e{i}", "prov:role": "in"}}'
                 for i in range(uses)),
        "wasGeneratedBy": (f'"_:g{i}": {{"prov:entity": "ex:e{i}", "prov:activity": "ex:a{i % activities}", "prov:time": '
                           '"2026-01-01T00:01:00Z"}' for i in range(generations)),
        "wasDerivedFrom": (f'"_:d{i}": {{"prov:generatedEntity": "ex:e{i}", "prov:usedEntity": "ex:e{i + 1}"}}'
                           for i in range(derivations)),
    }  # fmt: skip
    with path.open("w", encoding="utf-8") as file:
        file.write('{"prefix": {"ex": "http://example.org/", "xsd": "http://www.w3.org/2001/XMLSchema#"}')
        for name, lines in sections.items():
            file.write(f',\n"{name}": {{\n' + ",\n".join(lines) + "}")
        file.write("}\n")


def _run(path: Path, imports: str, work: str) -> tuple[float, float, int]:
    code = _RUN.format(imports=imports, work=work)
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True)
    seconds, megabytes, count = done.stdout.split()
    return float(seconds), float(megabytes), int(count)


if __name__ == "__main__":
    import tempfile

    from benchmarks.figure import HEADER

    with tempfile.TemporaryDirectory() as directory:
        print(HEADER)
        for figure in measure(Path(directory)):
            print(figure.row())
