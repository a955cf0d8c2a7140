"""Identifiers that other programs write into files of ours and theirs: an HDF5 attribute, a FITS keyword, an INFO of a VOTable."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from provgraph.export.tables.meta import FITS_KEY, KEY

_UUID: Final = re.compile(r"(?:urn:uuid:)?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
#: What such an attribute is called: of KM3NeT (``kid``), and as programs commonly say it. An IRI counts under any of them.
KEYS: Final = frozenset(
    {
        "kid",
        "uuid",
        "id",
        "identifier",
        "uri",
        "iri",
        "obs_id",
        "obsid",
        "dataid",
        "file_id",
        "fileid",
        KEY,
        FITS_KEY.lower(),
    }
)
_IRI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"]+")
_INFO: Final = re.compile(rb"<INFO\b[^>]*>")
_PART: Final = re.compile(r"""\b(name|value)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_BEGINNING: Final = 1 << 16


def embedded(path: Path) -> list[str]:
    """The IRIs that a file says it has, in order: ``urn:uuid:…`` for a UUID. Anybody may have written them; [] where none can
    be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_BEGINNING)
        return list(dict.fromkeys(_iris(_attributes(path, head))))
    except (OSError, ValueError, KeyError, RuntimeError):  # damaged, or another kind of file after all
        return []


def _iris(attributes: Iterable[tuple[str, Any]]) -> Iterator[str]:
    for key, value in attributes:
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        if isinstance(text, str) and key.lower() in KEYS:
            if found := _UUID.fullmatch(text.strip()):
                yield f"urn:uuid:{found[1].lower()}"
            elif _IRI.fullmatch(text.strip()):
                yield text.strip()


def _attributes(path: Path, head: bytes) -> Iterator[tuple[str, Any]]:
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        import h5py

        with h5py.File(path, "r", locking=False) as file:
            for key in file.attrs:
                value = file.attrs[key]
                yield str(key), value.item() if getattr(value, "shape", None) == () else value
    elif head.startswith(b"SIMPLE  ="):
        from astropy.io import fits

        with fits.open(path, lazy_load_hdus=True) as units:
            for card in units[0].header.cards:
                yield card.keyword, card.value
    elif b"<VOTABLE" in head:
        for info in _INFO.findall(head):
            words = {k: a or b for k, a, b in _PART.findall(info.decode("utf-8", "replace"))}
            yield words.get("name", ""), words.get("value", "")
