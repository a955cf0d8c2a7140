"""Writes the tables of phases and rules into docs/rewriting.md, from the strategy and the headers; --check only compares."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from part import update  # noqa: E402

from provgraph.rewrite import strategy  # noqa: E402
from provgraph.rewrite.rule import load  # noqa: E402

PAGE = ROOT / "docs" / "rewriting.md"
BEGIN, END = "<!-- rules: scripts/rules.py writes them -->", "<!-- end of the rules -->"
_PHASE = re.compile(r'= Phase\("(?P<name>[^"]+)", \( *(?:# (?P<why>.*))?$', re.MULTILINE)


def tables() -> str:
    """The phases in their order; each rule once, with the numbers of its phases."""
    said = {m["name"]: m["why"] or "" for m in _PHASE.finditer(Path(strategy.__file__).read_text(encoding="utf-8"))}
    lines = ["| | phase | repeated | why here |", "|---|---|---|---|"]
    numbers: dict[str, list[int]] = {}
    for number, phase in enumerate(strategy.PHASES, 1):
        repeated = "until nothing matches" if phase.until == "unchanged" else "no"
        lines.append(f"| {number} | {phase.name} | {repeated} | {said[phase.name]} |")
        for rule in phase.rules:
            numbers.setdefault(rule, []).append(number)
    lines += ["", "| rule | phase | replaces | needs |", "|---|---|---|---|"]
    for rule, phases in numbers.items():
        header = load(rule).statement.header
        lines.append(f"| `{rule}` | {', '.join(map(str, phases))} | {header['replaces']} | {header['needs']} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(update(PAGE, BEGIN, END, f"\n{tables()}\n"))
