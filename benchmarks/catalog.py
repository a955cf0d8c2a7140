"""The catalog that is measured on: 12 columns, 68 bytes a source, unsorted identifiers, as FITS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

COLUMNS = [
    ("id", ">i8"), ("ra", ">f8"), ("dec", ">f8"), ("z", ">f8"), *((f"mag_{band}", ">f4") for band in "ugriz"),
    ("run", ">i4"), ("field", ">i4"), ("htm", ">i8"),
]  # fmt: skip
UNITS = {"ra": "deg", "dec": "deg", **{f"mag_{band}": "mag" for band in "ugriz"}}
CARD, BLOCK, PART = 80, 2880, 1 << 20


def write_fits(path: Path, n: int, seed: int = 7) -> None:
    """`n` simulated sources, written in parts so that the size of the file is the only limit."""
    rng = np.random.default_rng(seed)
    identifiers = rng.permutation(n).astype(np.int64) * 3 + 2**53
    dtype = np.dtype(COLUMNS)
    with path.open("wb") as file:
        file.write(_header(n, dtype))
        for first in range(0, n, PART):
            ids = identifiers[first : first + PART]
            part = np.zeros(len(ids), dtype)
            part["id"] = ids
            part["ra"] = rng.uniform(0, 360, len(ids))
            part["dec"] = rng.uniform(-90, 90, len(ids))
            part["z"] = rng.gamma(2.2, 0.15, len(ids)) + 0.001
            for band in "ugriz":
                part[f"mag_{band}"] = rng.normal(20, 1.5, len(ids))
            part["run"] = rng.integers(0, 8000, len(ids))
            part["field"] = rng.integers(0, 1000, len(ids))
            part["htm"] = rng.integers(2**40, 2**41, len(ids))
            file.write(part.tobytes())
        file.write(b"\0" * (-file.tell() % BLOCK))


def _header(n: int, dtype: np.dtype[Any]) -> bytes:
    codes = {"i8": "K", "i4": "J", "f8": "D", "f4": "E"}
    table: list[tuple[str, Any]] = [
        ("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", dtype.itemsize), ("NAXIS2", n), ("PCOUNT", 0),
        ("GCOUNT", 1), ("TFIELDS", len(COLUMNS)),
    ]  # fmt: skip
    for number, (name, kind) in enumerate(COLUMNS, start=1):
        table += [(f"TTYPE{number}", name), (f"TFORM{number}", codes[kind[1:]])]
        if name in UNITS:
            table.append((f"TUNIT{number}", UNITS[name]))
    return _unit([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)]) + _unit(table)


def _unit(cards: list[tuple[str, Any]]) -> bytes:
    text = ""
    for key, value in cards:
        shown = (
            {True: "T", False: "F"}[value]
            if isinstance(value, bool)
            else f"'{value:<8}'"
            if isinstance(value, str)
            else str(value)
        )
        text += (f"{key:<8}= {shown:>20}" if not isinstance(value, str) else f"{key:<8}= {shown}").ljust(CARD)
    text += "END".ljust(CARD)
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii")
