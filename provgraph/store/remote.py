"""Places that fsspec reaches: an object store, a server. A file appears there whole, by one upload or by being moved."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from provgraph.errors import InvalidInput, MissingExtra, StorageError, nearest, needs_extra
from provgraph.store.location import BLOCK, CHUNK, Location, broken, hexadecimal, missing, unreachable

ONE_UPLOAD = frozenset({"s3", "s3a"})  # what is uploaded is seen when all of it is there
MOST_PARTS = 9000  # of one upload: S3 takes 10,000
READ_ONLY = frozenset({"http", "https"})
_EXTRAS = {"s3": "s3", "s3a": "s3", "http": "http", "https": "http"}
_GONE = (404, 410)


def scheme_of(text: str) -> str:
    return text.partition("://")[0]


def filesystem(text: str) -> Any:
    """The file system of an address. InvalidInput ``place_unknown``, MissingExtra with the command that installs what lacks.

    Asked for each time: fsspec keeps one for each process, also after a fork.
    """
    import fsspec

    scheme = scheme_of(text)
    try:
        fsspec.get_filesystem_class(scheme)
    except ValueError:
        raise InvalidInput(
            f"{text} cannot be reached: there is no protocol {scheme!r}; {nearest(scheme, fsspec.available_protocols())}",
            code="place_unknown", place=text,
        ) from None  # fmt: skip
    except ImportError as error:
        if scheme in _EXTRAS:
            raise needs_extra(_EXTRAS[scheme], text) from None
        raise MissingExtra(f"{text} needs another package: {error}.", place=text) from None
    with _reaching(text):
        return fsspec.core.url_to_fs(text)[0]


@dataclass(frozen=True)
class There:
    """A file at an address."""

    text: str
    path: None = None

    def size(self) -> int | None:
        fs = filesystem(self.text)
        try:
            with _reaching(self.text):
                fs.invalidate_cache()
                found = fs.info(self.text)
        except StorageError as error:
            if error.code == "bytes_missing":
                return None
            raise
        size = found.get("size")
        if found.get("type") == "directory" or size is None:
            return None
        return int(size)

    def read(self, start: int = 0, request: int = CHUNK) -> Iterator[bytes]:
        """In requests of so many bytes, so that what came before a broken connection is kept."""
        fs, begun = filesystem(self.text), False
        with _reaching(self.text, lambda: begun):
            fs.invalidate_cache()
            with fs.open(self.text, "rb", block_size=request, cache_type="none") as file:
                try:
                    file.seek(start)
                    while block := file.read(request):
                        begun, start = True, start + len(block)
                        yield block
                    return
                except ValueError:
                    if scheme_of(self.text) not in READ_ONLY:
                        raise
            with fs.open(self.text, "rb", block_size=0) as file:  # a server that gives only whole files
                while start > 0 and (block := file.read(min(BLOCK, start))):
                    start -= len(block)
                while block := file.read(BLOCK):
                    begun = True
                    yield block


class Remote:
    """Files at ``<first two hex>/<hex>`` below an address."""

    is_local = False

    def __init__(self, text: str) -> None:
        self.text = text.rstrip("/") if not text.endswith("://") else text

    def at(self, digest: str) -> There:
        name = hexadecimal(digest)
        return There(f"{self.text}{'' if self.text.endswith('/') else '/'}{name[:2]}/{name}")

    def check(self) -> None:
        """Whether it is there; a directory is made, a bucket is not. StorageError ``place_missing``, ``place_unreachable``."""
        fs = filesystem(self.text)
        scheme, _, rest = self.text.partition("://")
        bucket = rest.partition("/")[0]
        if not bucket and scheme in ONE_UPLOAD | READ_ONLY:
            raise InvalidInput(f"{self.text} names no {_holder(scheme)}.", code="place_invalid", place=self.text)
        try:
            with _reaching(self.text):
                fs.invalidate_cache()
                if scheme in ONE_UPLOAD:
                    fs.info(bucket)
                elif scheme in READ_ONLY:
                    fs.info(self.text)
                else:
                    with suppress(NotImplementedError):  # what only reads
                        fs.makedirs(_path(fs, self.text), exist_ok=True)
        except StorageError as error:
            if scheme in ONE_UPLOAD and error.code == "bytes_missing":
                raise StorageError(
                    f"{self.text} cannot be used: there is no {_holder(scheme)} {bucket!r}; make it first.",
                    code="place_missing", place=self.text,
                ) from error  # fmt: skip
            if scheme not in READ_ONLY or "status" not in error.details:  # a web server need not list what it has
                raise

    def unwritable(self) -> str:
        """Why nothing can be written here, '' where it can. An empty file is written to find out."""
        if scheme_of(self.text) in READ_ONLY:
            return "a web server is only read from"
        fs, probe = filesystem(self.text), f"{self.text}/.provgraph-probe"
        try:
            with _reaching(self.text):
                fs.pipe_file(probe, b"")
        except StorageError as error:
            return str(error.details.get("why", error.message))
        except NotImplementedError:
            return "this protocol only reads"
        with suppress(Exception):  # some may write and not remove
            fs.rm_file(_path(fs, probe))
        return ""

    def put(self, source: Location, expected: str = "") -> tuple[str, int]:
        """Keep what `source` gives, read once to digest it unless `expected` says what it is, and once to send it.

        What is there already is not sent again. StorageError: ``store_read_only``, ``place_unreachable``, ``digest_differs``.
        """
        digest, size = expected, source.size() or 0
        if not digest:
            whole, size = hashlib.sha256(), 0
            for block in source.read():
                whole.update(block)
                size += len(block)
            digest = f"sha256:{whole.hexdigest()}"
        target = self.at(digest)
        if target.size() != size:
            if scheme_of(self.text) in READ_ONLY:
                raise _refused(self.text, self.unwritable())
            with _writing(self.text):
                self._send(source, target.text, digest)
            if target.size() != size:
                raise StorageError(f"{target.text} was sent and is not there whole; send it again.", place=self.text)
        return digest, size

    def delete(self, digest: str) -> None:
        fs = filesystem(self.text)
        with _writing(self.text), suppress(FileNotFoundError):
            fs.rm_file(_path(fs, self.at(digest).text))

    def _send(self, source: Location, target: str, digest: str) -> None:
        fs = filesystem(self.text)
        if scheme_of(self.text) in ONE_UPLOAD:
            size = source.size() or 0
            if size <= CHUNK:
                data = b"".join(source.read())
                _check(source, hashlib.sha256(data), digest)
                fs.pipe_file(target, data)
                return
            file = fs.open(target, "wb", block_size=max(CHUNK, size // MOST_PARTS), autocommit=False)
            try:
                _check(source, _copy(source, file), digest)
                file.close()
                file.commit()
            except BaseException:
                with suppress(Exception):
                    file.discard()
                file.closed = True  # else it would be sent when it is forgotten
                raise
            return
        part = f"{self.text}/.{uuid4().hex[:12]}.part"
        try:
            with fs.open(part, "wb") as file:
                whole = _copy(source, file)
            _check(source, whole, digest)
            fs.makedirs(_path(fs, target.rpartition("/")[0]), exist_ok=True)
            with suppress(FileExistsError):  # somebody was faster, and this protocol does not move over what is there
                fs.mv(part, target)
        finally:
            with suppress(Exception):
                fs.rm_file(_path(fs, part))


def _path(fs: Any, text: str) -> str:
    """An address as this file system has it: that of SFTP makes folders of what it is given, protocol and host included."""
    return str(fs._strip_protocol(text))


def _copy(source: Location, file: Any) -> Any:
    whole = hashlib.sha256()
    for block in source.read():
        whole.update(block)
        file.write(block)
    return whole


def _check(source: Location, whole: Any, digest: str) -> None:
    if f"sha256:{whole.hexdigest()}" != digest:
        raise StorageError(
            f"{source.text} changed while it was sent; nothing was stored.", code="digest_differs", place=source.text
        )


def _holder(scheme: str) -> str:
    return "bucket" if scheme in ONE_UPLOAD else "host"


def _refused(text: str, why: str) -> StorageError:
    return StorageError(
        f"{text} cannot be written to ({why}); nothing was stored.", code="store_read_only", place=text, why=why
    )


@contextmanager
def _writing(text: str) -> Iterator[None]:
    try:
        with _reaching(text):
            yield
    except NotImplementedError:
        raise _refused(text, "this protocol only reads") from None
    except StorageError as error:
        if isinstance(error.__cause__, PermissionError):
            raise _refused(text, str(error.details.get("why", ""))) from error
        raise


@contextmanager
def _reaching(text: str, begun: Any = lambda: False) -> Iterator[None]:
    """What libraries of many protocols raise, as what it means here."""
    try:
        yield
    except (StorageError, InvalidInput, MissingExtra, NotImplementedError):
        raise
    except Exception as error:
        cause = error.__cause__ if isinstance(error, FileNotFoundError) else None  # HTTP: whatever happened
        status = getattr(cause, "status", None)
        if isinstance(error, FileNotFoundError) and status in (None, *_GONE) and not isinstance(cause, OSError):
            found = missing(text)
            found.details |= {"status": status} if status else {}
            raise found from error
        told = cause if cause is not None else error
        why = " ".join(str(told).split()) or type(told).__name__
        found = broken(text, why) if begun() else unreachable(text, why)
        found.details |= {"why": why} | ({"status": status} if status else {})
        raise found from error
