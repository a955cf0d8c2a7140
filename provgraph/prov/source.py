"""Text of a PROV file: from a path, bytes or a string, in its encoding, whole or in parts, with lines and columns for errors."""

from __future__ import annotations

import codecs
import io
import json
import os
import re
from pathlib import Path
from typing import IO, Final

from provgraph.errors import FileUnreadable, InvalidInput

PART: Final = 1 << 20
_TEXT: Final = re.compile(r"\s*([{\[<@#]|document\s|prefix\s|base\s|_:)", re.IGNORECASE)
HALF: Final = "a text holds half of a surrogate pair, which no encoding can"
# A backslash with what belongs to it: both halves of a surrogate pair, half of one, or anything else.
_ESCAPED: Final = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
                             re.DOTALL)  # fmt: skip


class Source:
    """Text that may come in parts; what stands before a position can be let go.

    where : what errors call it. code : of the errors it causes. text : what is here now.
    """

    def __init__(self, where: str, code: str, file: IO[bytes], *, whole: bool = False) -> None:
        self.where = where
        self.code = code
        self.file = file
        self.whole = whole
        self.rewind()

    def rewind(self) -> None:
        """Begin again."""
        self.file.seek(0)
        self.text = ""
        self._line, self._column, self._bytes = 1, 1, 0
        first = self.file.read(4)
        self.file.seek(0)
        self.encoding = json.detect_encoding(first)  # by the byte order mark, else by where the zeros stand
        self._decoder = codecs.getincrementaldecoder(self.encoding)()
        self._ended = False
        if self.whole:
            self._append(self.file.read(), final=True)
        else:
            self.more(0)

    def _append(self, content: bytes, *, final: bool) -> None:
        try:
            self.text += self._decoder.decode(content, final)
        except UnicodeDecodeError as e:
            before = content[: e.start].decode(self.encoding, "ignore")
            line = self._line + self.text.count("\n") + before.count("\n")
            name = "UTF-8" if self.encoding.startswith("utf-8") else self.encoding.upper()
            raise InvalidInput(
                f"{self.where} is not {name} text: byte {self._bytes + e.start} in line {line} cannot be decoded.",
                code=self.code, pointer="", line=line, position=self._bytes + e.start,
            ) from None  # fmt: skip
        self._bytes += len(content)
        self._ended = final

    def more(self, keep: int) -> int | None:
        """Let go of the text before `keep` and read on: how many characters went, or None where nothing follows."""
        if self._ended:
            return None
        line, column = self.place(keep)
        self._line, self._column = line, column
        self.text = self.text[keep:]
        content = self.file.read(
            max(PART, len(self.text))
        )  # a value that fills all there is doubles it: no quadratic time
        self._append(content, final=not content)
        return keep

    def place(self, at: int) -> tuple[int, int]:
        """Line and column of a position, both from 1."""
        lines = self.text.count("\n", 0, at)
        if not lines:
            return self._line, self._column + at
        return self._line + lines, at - self.text.rindex("\n", 0, at)

    def check_pairs(self) -> None:
        """Refuse JSON text that escapes half of a surrogate pair, which can be neither stored nor written."""
        if (at := half_pair(self.text)) is not None:
            line, column = self.place(at)
            raise InvalidInput(f"{self.where} cannot be read: {HALF}, in line {line}, column {column}.",
                               code=self.code, line=line, column=column)  # fmt: skip

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


def half_pair(text: str, start: int = 0, end: int | None = None) -> int | None:
    """Where JSON text escapes half of a surrogate pair."""
    end = len(text) if end is None else end
    if text.find("\\u", start, end) < 0:
        return None
    return next((found.start() for found in _ESCAPED.finditer(text, start, end) if found[1]), None)


def printable(text: str) -> str:
    """A text for a message, in one line."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def ended(sentence: str) -> str:
    """A sentence in one line with one mark at its end, whatever characters of the document it quotes."""
    bare = printable(sentence).rstrip(".")
    return bare if bare.endswith("?") else f"{bare}."


def open_source(source: str | bytes | Path, *, code: str, whole: bool = False, largest: int = 0) -> Source:
    """The text of a path, or the text itself. whole : at once instead of in parts. largest : bytes of a file, 0 for any.

    Raises
    ------
    FileUnreadable : where the file cannot be read.
    InvalidInput : with `code` where it is no text; ``prov_too_large``, before anything is read.
    """
    if isinstance(source, str) and is_text(source):
        source = source.removeprefix("\ufeff").encode("utf-8", "surrogatepass")
    if isinstance(source, bytes):
        return Source("The document", code, io.BytesIO(source), whole=whole)
    path = Path(source)
    try:
        file = path.open("rb")
    except (OSError, ValueError) as e:
        raise unreadable(path, e) from None
    try:
        if largest and (size := os.fstat(file.fileno()).st_size) > largest:
            raise InvalidInput(
                f"{path} has {size >> 20:,} MiB. Statements stand anywhere in such a file, so that it is held in memory, and it "
                f"is read up to {largest >> 20:,} MiB; have it written as PROV-JSON, PROV-N or PROV-XML, which are read piece by "
                "piece.", code="prov_too_large", path=str(path), size=size, largest=largest,
            )  # fmt: skip
        return Source(str(path), code, file, whole=whole)
    except OSError as e:
        file.close()
        raise unreadable(path, e) from None
    except BaseException:
        file.close()
        raise


def unreadable(path: Path, error: Exception) -> FileUnreadable:
    reason = getattr(error, "strerror", None) or error
    return FileUnreadable(f"{path} cannot be read: {reason}.", path=str(path))


def is_text(source: str) -> bool:
    """Whether this is the text of a document and no path."""
    if "\n" in source or not source.strip():
        return True
    if not _TEXT.match(source.removeprefix("\ufeff")):
        return False
    try:
        return len(source) > 4096 or not Path(source).exists()
    except (OSError, ValueError):
        return True


def open_bytes(source: str | bytes | Path) -> tuple[str, IO[bytes]]:
    """What errors call a path or a text, and its bytes.

    Raises
    ------
    FileUnreadable : where the file cannot be opened.
    """
    if isinstance(source, str) and is_text(source):
        text = source.removeprefix("\ufeff")
        # What the text says of an encoding was about the bytes it came from.
        text = re.sub(r"^(<\?xml[^>]*?)\s+encoding\s*=\s*(\"[^\"]*\"|'[^']*')", r"\1", text, count=1)
        source = text.encode("utf-8", "surrogatepass")
    if isinstance(source, bytes):
        return "The document", io.BytesIO(source)
    path = Path(source)
    try:
        return str(path), path.open("rb")
    except (OSError, ValueError) as e:
        raise unreadable(path, e) from None
