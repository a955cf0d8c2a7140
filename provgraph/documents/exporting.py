"""PROV documents out of a survey: as text, as a file, or as the bytes that were imported."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from provgraph.documents.library import Library, StoredDocument
from provgraph.errors import UsageError
from provgraph.export import ro_crate
from provgraph.export.tables.files import replacing
from provgraph.prov import formats
from provgraph.prov.model import Document
from provgraph.schema import keys

CRATE: Final = "ro-crate"
"""The format that is no text but a directory, or a ZIP file."""


def write(document: Document, format: str, out: Path | None, *, lossy: bool) -> str | Path:
    """The text of a document, or the file that it was written to.

    Raises
    ------
    InvalidInput : ``prov_lossy``, ``prov_format_unknown``. StorageError : where the file cannot be written.
    """
    if out is not None:
        formats.write(document, out, format or None, lossy=lossy)
        return out
    return formats.text(document, format or "prov-json", lossy=lossy)


def crate(document: Document, out: Path | None, *, name: str, root: str = "", license: str = "",
          files: Sequence[Path] = ()) -> Path:  # fmt: skip
    """The RO-Crate that a document was written to, a directory or a ZIP file.

    Raises
    ------
    UsageError : ``crate_out``, ``crate_exists``. StorageError : where it cannot be written.
    """
    if out is None:
        raise UsageError("A crate is a directory or a ZIP file; say out=, where it is to be.", code="crate_out")
    ro_crate.write(document, out, name=name, root=root, license=license, published=keys.now()[:10], files=files)
    return out


def original(library: Library, stored: StoredDocument, out: Path | None) -> bytes | Path:
    """The bytes of an imported document, or the file that they were written to."""
    kept = library.original(stored)
    if out is None:
        return kept.read_bytes()
    with replacing(out) as part:
        shutil.copyfile(kept, part)
    return out
