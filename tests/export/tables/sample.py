"""A table of every type, with gaps, for all formats."""

from __future__ import annotations

import numpy as np

from provgraph.export.tables import TableMeta
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.table import Column, Table

META = TableMeta(
    name="bright quasars",
    iri="urn:uuid:01234567-89ab-7def-8123-456789abcdef",
    description='Those with z < 0.5 & "bright"',
    provenance={"survey": "s1", "notation": "A = External(id, z)\nB = FilterSources(A, z < 0.5)"},
)
NUMBERS = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")


def sample(n: int = 1000, *, gaps: bool = True, script: str = "é") -> Table:
    rng = np.random.default_rng(3)
    columns: dict[str, Column] = {}
    attributes = []

    def add(name: str, values: np.ndarray, **about: str) -> None:
        null = rng.random(n) < 0.3 if gaps else None
        kind = "U" if values.dtype.kind == "S" else ("?" if values.dtype == bool else values.dtype.str[1:])
        columns[name] = Column(values, null)
        attributes.append(Attribute(name, kind, shape=values.shape[1:], origin=f"o:{name}", **about))

    for dtype in NUMBERS:
        if dtype[0] in "iu":
            info = np.iinfo(dtype)
            add(dtype, rng.integers(info.min, info.max, n, dtype=dtype, endpoint=True))
        else:
            add(dtype, rng.normal(0, 1e5, n).astype(dtype))
    add("flag", rng.random(n) < 0.5)
    odd = rng.random(n)
    odd[::5], odd[1::5], odd[2::5] = np.nan, np.inf, -0.0
    add("odd", odd, unit="", ucd="src.redshift", description='a < b & "c"')
    add("magnitude", rng.random(n, dtype="f4"), unit="mag", ucd="phot.mag;em.opt.U", description="how bright")
    add("ascii", np.array([b"a", b"", b"a b", b"long text", b',"quoted"'] * (n // 5), dtype="S12"))
    add("script", np.array([f"{script}{i}".encode() for i in range(n)]))
    add("vector", rng.random((n, 3)), unit="Jy")
    add("matrix", rng.integers(0, 100, (n, 2, 3), dtype="i4"))
    add("words", np.array([[b"ab", b"c"]] * n))
    return Table(np.arange(n), columns, AttributeSet(attributes))
