"""What every extractor gives: a Source, which says what a file holds and reads it in chunks; and how it opens files
safely.
"""

from __future__ import annotations

import builtins
import gzip
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

import numpy as np

from provgraph.errors import FileUnreadable, nearest
from provgraph.schema.attribute import Attribute
from provgraph.schema.table import Column

Array = np.ndarray[Any, Any]
Metadata = dict[str, str | int | float | bool]

HEAD = 65_536
"""Bytes by which a format is recognised."""
ROWS = 131_072
"""Sources in a chunk unless said."""
GZIP = b"\x1f\x8b"


class Source(ABC):
    """One table of an open file; a context manager.

    attributes : name, type, unit (``'?'`` where the file declares none), UCD, description and shape of each column, in
    order.
    n : number of sources, None where only reading tells.
    metadata : what the file says about itself.
    skipped : columns that cannot become attributes, with the reason.
    masked : values declared as missing that the source masks itself, by column.
    """

    attributes: tuple[Attribute, ...]
    n: int | None
    metadata: Metadata
    skipped: dict[str, str]
    masked: Mapping[str, Sequence[Any]] = {}

    @abstractmethod
    def chunks(self, rows: int = ROWS) -> Iterator[dict[str, Column]]:
        """All sources from the first, at most `rows` at a time, by attribute name; may be called again.

        Values are in the byte order of the machine; text is UTF-8 bytes ('S'). Masks hold what the file declares as
        missing and nothing else: NaN and sentinels nobody declared are values. Raises FileUnreadable
        (``file_truncated``, ``row_malformed``, …).
        """

    def close(self) -> None:  # noqa: B027
        """Release the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Extractor(Protocol):
    """One format; a module with these three names is one."""

    format: str

    def matches(self, path: Path, head: bytes) -> bool:
        """Whether the file is of this format, by its first bytes (unpacked where it is gzipped), not by its name."""
        ...

    def open(
        self, path: Path, *, table: str | int | None = None, id: str | None = None,
        missing: Mapping[str, Sequence[Any]] = {},
    ) -> Source:  # fmt: skip
        """Read what the file says about itself. `table` names or numbers one of several; `id` is the column with the
        identifiers and `missing` the values that stand for none, by column: formats without types find theirs by them.
        Raises FileUnreadable (``table_missing``, …).
        """
        ...


def read_head(path: Path) -> bytes:
    """The first bytes, unpacked. FileUnreadable: ``file_missing``, ``file_empty``, ``file_unreadable``."""
    try:
        with builtins.open(path, "rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError:
        raise FileUnreadable(f"There is no file {path}.", code="file_missing", path=str(path)) from None
    except IsADirectoryError:
        raise FileUnreadable(f"{path} is a directory; name one file in it.", path=str(path)) from None
    except OSError as error:
        raise FileUnreadable(f"{path} cannot be read: {error.strerror}.", path=str(path)) from None
    if head.startswith(GZIP):
        unpacker = zlib.decompressobj(wbits=31)
        try:
            head = unpacker.decompress(head, HEAD)
        except zlib.error:
            raise FileUnreadable(
                f"{path} is named or marked as gzip, but is damaged from its start.",
                code="file_truncated",
                path=str(path),
            ) from None
        if not head and not unpacker.eof:
            raise truncated(path)
    if not head:
        raise FileUnreadable(f"{path} is empty.", code="file_empty", path=str(path))
    return head


def is_gzipped(path: Path) -> bool:
    with builtins.open(path, "rb") as file:
        return file.read(2) == GZIP


def open_bytes(path: Path) -> IO[bytes]:
    """The file from its start, unpacked where it is gzipped."""
    return gzip.open(path, "rb") if is_gzipped(path) else builtins.open(path, "rb")  # type: ignore[return-value]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns the ways in which a file can end early into one sentence."""
    try:
        yield
    except EOFError:
        raise truncated(path) from None
    except (zlib.error, gzip.BadGzipFile) as error:
        raise FileUnreadable(f"{path} is damaged: {error}.", code="file_truncated", path=str(path)) from None
    except FileNotFoundError:
        raise FileUnreadable(f"There is no file {path}.", code="file_missing", path=str(path)) from None


def truncated(path: Path, what: str = "") -> FileUnreadable:
    return FileUnreadable(
        f"{path} ends too early{': ' + what if what else ''}; it may not have been copied completely.",
        code="file_truncated",
        path=str(path),
    )


def table_missing(path: Path, wanted: str | int | None, existing: Iterable[str]) -> FileUnreadable:
    names = list(existing)
    if wanted is None:
        return FileUnreadable(f"{path} holds no table.", code="table_missing", path=str(path))
    return FileUnreadable(
        f"{path} has no table {wanted!r}; {nearest(str(wanted), names)}", code="table_missing", path=str(path)
    )


def table_ambiguous(path: Path, tables: Sequence[str], called: str = "") -> FileUnreadable:
    """tables : what can be given as ``table=``. called : the name that they share."""
    names = ", ".join(tables[:20]) + (f" and {len(tables) - 20} more" if len(tables) > 20 else "")
    return FileUnreadable(
        f"{path} holds {len(tables)} tables{f' called {called!r}' if called else ''}: {names}; say which one with table=.",
        code="table_ambiguous",
        path=str(path),
        tables=list(tables),
    )


def labels(names: Sequence[str], numbers: Sequence[int]) -> list[str]:
    """How each table is told from the others: by its name, or its number where it has none or shares it."""
    folded = [name.casefold() for name in names]
    return [
        name if name and not name.isdigit() and folded.count(name.casefold()) == 1 else str(number)
        for name, number in zip(names, numbers, strict=True)
    ]


def check_unpacked(path: Path, format: str) -> None:
    """A format that is read from several places of a file at once cannot stand in a gzipped one."""
    if is_gzipped(path):
        raise FileUnreadable(
            f"{path} is {format} in gzip, which cannot be read from where its values stand; unpack it first (gunzip).",
            code="file_packed",
            path=str(path),
        )


def unique_names(names: Iterable[str]) -> list[str]:
    """The same names; a repeated one gets a number, an empty one its place (``col3``)."""
    taken: set[str] = set()
    result = []
    for place, given in enumerate(names, start=1):
        name = base = given.strip() or f"col{place}"
        number = 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name)
        result.append(name)
    return result


def utf8(values: Array) -> Array:
    """Text as it stood in a file ('S') as valid UTF-8; what is not is taken as Latin-1."""
    if not values.size or not values.dtype.itemsize:
        return values if values.dtype.itemsize else np.zeros(values.shape, "S1")
    if np.ascontiguousarray(values).view(np.uint8).max() < 128:
        return values
    return np.array([_utf8_one(value) for value in values.ravel().tolist()], dtype="S").reshape(values.shape)


def _utf8_one(value: bytes) -> bytes:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1").encode("utf-8")
    return value
