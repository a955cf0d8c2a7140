"""A mapping of texts of which memory holds only so much: beyond that it is in a file without a name, which goes with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final

IN_MEMORY: Final = 200_000  # entries; about 60 MB
_CACHE: Final = 32  # MB of the file that memory holds


class Overflow:
    """As a dict, of texts only, and nothing is taken out. most : entries that are held in memory."""

    def __init__(self, most: int = IN_MEMORY) -> None:
        self.most = most
        self._held: dict[str, str] = {}
        self._file: sqlite3.Connection | None = None

    def get(self, key: str) -> str | None:
        if self._file is None:
            return self._held.get(key)
        found = self._file.execute("SELECT value FROM entries WHERE key = ?", (_bytes(key),)).fetchone()
        return None if found is None else _text(found[0])

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __setitem__(self, key: str, value: str) -> None:
        self.update([(key, value)])

    def update(self, pairs: Iterable[tuple[str, str]]) -> None:
        if self._file is None:
            self._held.update(pairs)
            if len(self._held) <= self.most:
                return
            self._file = _opened()
            pairs, self._held = self._held.items(), {}
        rows = ((_bytes(key), _bytes(value)) for key, value in pairs)
        self._file.executemany(
            "INSERT INTO entries (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            rows,
        )

    def items(self) -> Iterator[tuple[str, str]]:
        """In the order in which they came."""
        if self._file is None:
            yield from self._held.items()
        else:
            for key, value in self._file.execute("SELECT key, value FROM entries ORDER BY place"):
                yield _text(key), _text(value)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _opened() -> sqlite3.Connection:
    file = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # in the folder for temporary files
    for setting in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE", f"cache_size = -{_CACHE * 1024}"):
        file.execute(f"PRAGMA {setting}")
    file.execute("CREATE TABLE entries (place INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, value BLOB NOT NULL)")
    return file


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")
