"""Writes the module map into docs/architecture.md, from the tree and the first sentence of each module; --check only compares."""

from __future__ import annotations

import ast
import sys
import textwrap
from pathlib import Path

from part import update

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- module map: scripts/module_map.py writes it -->", "<!-- end of the module map -->"
COLUMN, WIDTH = 40, 130


def module_map() -> str:
    """One line a module, packages before what stands in them."""
    return "\n".join(["```text", "provgraph/", *_lines(ROOT / "provgraph", "    "), "```"])


def _lines(folder: Path, indent: str) -> list[str]:
    lines = []
    for path in sorted(folder.iterdir(), key=lambda p: (p.is_dir(), p.name)):
        if path.is_dir() and any(p.stat().st_size for p in path.rglob("*.py")):
            lines += [f"{indent}{path.name}/", *_lines(path, indent + "    ")]
        elif path.suffix == ".py" and path.stat().st_size:
            says = _first_sentence(path)
            first, *more = textwrap.wrap(says, WIDTH - COLUMN) or [""]
            lines.append(f"{indent}{path.name}".ljust(COLUMN - 1) + f" {first}".rstrip())
            lines += [" " * COLUMN + line for line in more]
    return lines


def _first_sentence(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    return paragraph.split(". ")[0].rstrip(".")


if __name__ == "__main__":
    sys.exit(update(PAGE, BEGIN, END, module_map()))
