"""Uses of objects, counted as they happen: found again where they would have been made, and handed out.

A use is a line in a file that only grows, written at once, without fsync: it outlives its process, however that ends, and takes
some microseconds. As a statement in the graph it would take a transaction of milliseconds each time that somebody looks at a file,
and there would soon be more of them than of everything that they are about. Lineage does not rest on them: lost with the survey's
directory, they take nothing else with them. A month that is over becomes one line for each day and object when it is next read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

from provgraph.bulk import processes
from provgraph.bulk.files import settle
from provgraph.schema import keys

REUSED, DELIVERED = "reused", "delivered"
DIRECTORY: Final = "uses"
_GROWING, _FOLDED = ".uses", ".days"
_SETTLED = timedelta(days=1)  # after the end of a month: a process that looked at the clock before has written by then


class Use(NamedTuple):
    """An object was used: at a time, or `times` times on a day. at : ISO 8601."""

    at: str
    how: str
    object_id: str
    times: int


class Uses:
    """What was used of one survey, in files ``<month>.<machine>.uses`` of a directory; any number of processes write."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._open: tuple[str, Any] = ("", None)  # month and file

    def write(self, how: str, object_id: str) -> None:
        """An object was used just now. Where the directory cannot be written to, the use is not counted and nothing fails."""
        at = keys.now()
        with suppress(OSError, ValueError):  # ValueError: another thread has closed it
            self._file(at[:7]).write(f"{at}\t{how}\t{object_id}\t1\n".encode("ascii"))

    def read(self, since: str = "") -> Iterator[Use]:
        """All uses since a time, in no order; a line that a full disk has cut off is left out."""
        self._fold()
        for path in sorted((*self.directory.glob(f"*{_GROWING}"), *self.directory.glob(f"*{_FOLDED}"))):
            if path.name[:7] < since[:7] or (path.suffix == _GROWING and path.with_suffix(_FOLDED).exists()):
                continue
            for one in _lines(path):
                if one.at >= since[: len(one.at)]:
                    yield one

    def close(self) -> None:
        if self._open[1] is not None:
            self._open[1].close()
        self._open = ("", None)

    def _file(self, month: str) -> Any:
        """Without a lock, which a fork could leave held: two threads may open it twice, and both append."""
        opened, file = self._open
        if opened != month:
            self.directory.mkdir(parents=True, exist_ok=True)
            # One for each machine: on a shared disk, appending is one write only for the processes of one machine.
            file = (self.directory / f"{month}.{processes.host()}{_GROWING}").open("ab", buffering=0)
            self._open = (month, file)
        return file

    def _fold(self) -> None:
        """What is over becomes short: the folded file has its name before the long one goes, and counts from then on."""
        over = (datetime.now(UTC) - _SETTLED).strftime("%Y-%m")
        for path in self.directory.glob(f"*{_GROWING}"):
            if path.name[:7] >= over:
                continue
            with suppress(OSError):
                folded = path.with_suffix(_FOLDED)
                if not folded.exists():
                    counted: Counter[tuple[str, str, str]] = Counter()
                    for one in _lines(path):
                        counted[one.at[:10], one.how, one.object_id] += one.times
                    part = path.with_name(f"{uuid4().hex[:12]}.part")
                    with part.open("wb") as file:
                        file.writelines(
                            f"{day}\t{how}\t{which}\t{n}\n".encode("ascii")
                            for (day, how, which), n in sorted(counted.items())
                        )
                        settle(file, part, folded)
                path.unlink(missing_ok=True)


def _lines(path: Path) -> Iterator[Use]:
    with suppress(FileNotFoundError), path.open(encoding="ascii", errors="replace") as file:
        for line in file:
            parts = line.rstrip("\n").split("\t")
            if len(parts) == 4 and parts[3].isdigit() and line.endswith("\n"):
                yield Use(parts[0], parts[1], parts[2], int(parts[3]))
