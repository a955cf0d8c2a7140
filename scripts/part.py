"""A generated part of a page, between two comments: written, or with --check only compared."""

from __future__ import annotations

import sys
from pathlib import Path


def update(page: Path, begin: str, end: str, text: str) -> int:
    """The exit status: 1 where --check finds another text than `text` between `begin` and `end`."""
    old = page.read_text(encoding="utf-8")
    before, rest = old.split(begin)
    _, after = rest.split(end)
    new = f"{before}{begin}\n{text}\n{end}{after}"
    if "--check" in sys.argv:
        return int(new != old)
    page.write_text(new, encoding="utf-8")
    return 0
