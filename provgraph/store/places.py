"""What a user says for a place, as one: a directory, or an address of any protocol that fsspec speaks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from provgraph.errors import InvalidInput
from provgraph.store.directory import Directory
from provgraph.store.location import Here, Location
from provgraph.store.remote import Remote, There, filesystem, scheme_of

DEFAULT_PLACE = "files"  # in the directory of the survey, as the cache
CACHE = "cache"
_HERE = ("file", "local")


class Place(Protocol):
    """Where files are kept by the digest of their bytes."""

    text: str
    is_local: bool

    def at(self, digest: str) -> Location: ...
    def check(self) -> None: ...
    def unwritable(self) -> str: ...
    def put(self, source: Location, expected: str = "") -> tuple[str, int]: ...
    def delete(self, digest: str) -> None: ...


def split(text: str) -> list[str]:
    """Places as one text, as ``PROVGRAPH_STORE`` has them: separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def place(said: str | os.PathLike[str], base: Path) -> Place:
    """The place that is meant. Directories without a beginning are below `base`, and called so, that it may be moved.

    Raises
    ------
    InvalidInput : ``place_invalid``, ``place_unknown``. MissingExtra : the protocol needs a package that is not there.
    """
    text = os.fspath(said)
    _check(text)
    if (path := _path(text, base)) is not None:
        return Directory(path, _called(path, base))
    filesystem(text)
    return Remote(text)


def location(text: str, base: Path) -> Location:
    """What a dated statement says where a file is."""
    _check(text)
    path = _path(text, base)
    return Here(path, text) if path is not None else There(text)


def left_at(said: str | os.PathLike[str], base: Path) -> Location:
    """A file that somebody has, by its path, relative to where he is, or by its address."""
    text = os.fspath(said)
    _check(text)
    path = _path(text, Path.cwd())
    return Here(path, _called(path, base), watched=True) if path is not None else There(text)


def _path(text: str, base: Path) -> Path | None:
    """The path that is meant, where it is one of this machine."""
    if "://" not in text:
        return Path(os.path.abspath(base / Path(text).expanduser()))
    if scheme_of(text) in _HERE:
        return Path(os.path.abspath(url2pathname(urlsplit(text).path)))
    return None


def _called(path: Path, base: Path) -> str:
    return path.relative_to(base).as_posix() if path.is_relative_to(base) and path != base else path.as_uri()


def _check(text: str) -> None:
    if not text.strip():
        raise InvalidInput(
            "A place is a directory or an address such as s3://bucket/prefix, not ''.", code="place_invalid"
        )
    if "::" in text:
        raise InvalidInput(f"{text} is a chain of addresses; say the place itself.", code="place_invalid", place=text)
    if "://" in text and _password(text):
        raise InvalidInput(
            f"{text.partition('://')[0]}://… has a password in it, and would be recorded with it; leave it to the settings of "
            "fsspec, such as FSSPEC_SFTP_PASSWORD.",
            code="place_invalid",
        )  # fmt: skip


def _password(text: str) -> bool:
    try:
        return bool(urlsplit(text).password)
    except ValueError:
        raise InvalidInput(f"{text} is not an address.", code="place_invalid", place=text) from None
