"""What a command prints: JSON or text of the same dictionary, tables, messages, hints, a progress bar."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

PATIENCE = 2.0  # seconds before a progress bar shows
GAP = "  "


def emit(data: Any, as_json: bool, render: Callable[[Any], str]) -> None:
    """Print `data` on stdout, as JSON or as `render` writes it."""
    print(to_json(data) if as_json else render(data))


def to_json(data: Any) -> str:
    return json.dumps(_plain(data), ensure_ascii=False, indent=2, allow_nan=False)


def _plain(value: Any) -> Any:
    """What JSON can say: of what it cannot, NaN becomes null, and infinities the text "inf" and "-inf"."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, str | bool | int | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v) for v in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return str(value)


def message(text: str) -> None:
    """Something to know, on stderr."""
    print(text, file=sys.stderr)


def hint(text: str) -> None:
    """What could come next; only for somebody who looks."""
    if sys.stderr.isatty():
        print(_styled(f"next: {text}", "2", sys.stderr), file=sys.stderr)


def count(n: int | None, noun: str) -> str:
    """``1 source``, ``46,420 sources``, ``? sources``."""
    return f"{'?' if n is None else f'{n:,}'} {noun}{'' if n == 1 else 's'}"


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]], *, right: Sequence[str] = (), cut: str = "") -> str:
    """Aligned columns.

    right : headers of columns that are aligned to the right. cut : the column to shorten to fit into a terminal.
    """
    cells = [[_cell(v) for v in row] for row in rows]
    widths = [max([len(h), *(len(row[i]) for row in cells)]) for i, h in enumerate(headers)]
    if cut in headers and sys.stdout.isatty():
        over = sum(widths) + len(GAP) * (len(widths) - 1) - shutil.get_terminal_size().columns
        at = headers.index(cut)
        if over > 0:
            widths[at] = max(12, widths[at] - over)
            for row in cells:
                if len(row[at]) > widths[at]:
                    row[at] = row[at][: widths[at] - 1] + "…"

    def line(row: Sequence[str]) -> str:
        fit = [c.rjust(w) if h in right else c.ljust(w) for h, c, w in zip(headers, row, widths, strict=True)]
        return GAP.join(fit).rstrip()

    return "\n".join([_styled(line(headers), "1", sys.stdout), *(line(row) for row in cells)])


def fields(pairs: Mapping[str, Any]) -> str:
    """``name  value`` lines; what has no value is left out."""
    shown = {k: cell for k, v in pairs.items() if (cell := _cell(v))}
    width = max(map(len, shown), default=0)
    return "\n".join(f"{k.ljust(width)}{GAP}{v}" for k, v in shown.items())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.8g}"
    if isinstance(value, list | tuple):
        return ", ".join(cell for v in value if (cell := _cell(v)))
    return " ".join(str(value).split())  # one line each, whatever a description holds


def _styled(text: str, style: str, stream: Any) -> str:
    plain = not stream.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return text if plain else f"\x1b[{style}m{text}\x1b[0m"


@contextmanager
def progress(what: str) -> Iterator[Callable[[float], None] | None]:
    """A function to tell the fraction done to, shown on stderr after two seconds; None where nobody looks."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    bar = _Bar(what)
    try:
        yield bar
    finally:
        bar.stop()


class _Bar:
    def __init__(self, what: str) -> None:
        self.what = what
        self.started = time.monotonic()
        self.shown: Any = None
        self.task: Any = None

    def __call__(self, fraction: float) -> None:
        if self.shown is None:
            if time.monotonic() - self.started < PATIENCE:
                return
            from rich.console import Console
            from rich.progress import Progress

            self.shown = Progress(console=Console(stderr=True), transient=True)
            self.task = self.shown.add_task(self.what, total=1.0)
            self.shown.start()
        self.shown.update(self.task, completed=fraction)

    def stop(self) -> None:
        if self.shown is not None:
            self.shown.stop()
