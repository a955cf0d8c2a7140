from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.table import Table as AstropyTable

from provgraph.export.tables import stated, write
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.table import Column, Table
from tests.export.tables.sample import META, sample
from tests.extract.compare import read


def test_astropy_reads_the_same(tmp_path: Path) -> None:
    table = sample()
    write(table, META, tmp_path / "t.fits")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Column 'flag' contains NULL")  # which it does
        with fits.open(tmp_path / "t.fits", checksum=True) as file:
            file.verify("exception")
            header = file[1].header
            assert header["EXTNAME"] == "bright quasars"
            assert header["PROVGRPH"] == META.iri
            assert "FilterSources(A, z < 0.5)" in str(header["HISTORY"])
        theirs = AstropyTable.read(tmp_path / "t.fits", unit_parse_strict="silent")
    for name in table.attributes:
        values, null = table[name]
        mask = np.ma.getmaskarray(theirs[name]).reshape(len(null), -1).any(axis=1)
        if values.dtype.kind not in "fS" and name != "u8":  # there, astropy takes TNULL for the value itself
            assert np.array_equal(mask, null) or values.dtype.kind == "b", name
        found = np.ma.getdata(theirs[name])[~null]
        if values.dtype.kind == "S":
            assert [str(v) for v in found.ravel().tolist()] == [v.decode() for v in values[~null].ravel().tolist()]
        else:
            assert np.array_equal(found, values[~null], equal_nan=values.dtype.kind == "f"), name
    assert theirs["magnitude"].unit == "mag"


def test_a_value_for_null_that_nobody_uses(tmp_path: Path) -> None:
    """The lowest, else the highest, else one between; where all are in use the column becomes one size wider."""
    null = np.zeros(257, bool)
    null[-1] = True
    every = np.append(np.arange(-128, 128), 0)
    ends = np.where(every == 5, 6, every)
    columns = {
        "every": Column(every.astype("i1"), null),
        "between": Column(ends.astype("i1"), null),
        "unsigned": Column((ends + 128).astype("u1"), null),  # TNULL between
        "offset": Column((ends + 128).astype("u2"), null),  # TNULL and a zero point do not go together in astropy
        "wide": Column(np.append(np.arange(2**64 - 128, 2**64, dtype="u8"), np.arange(129, dtype="u8")), null),
        "full": Column(np.append(np.array([-(2**63), 2**63 - 1] * 128), 0), null),
    }
    table = Table(
        np.arange(257),
        columns,
        AttributeSet([Attribute(n, c.values.dtype.str[1:], origin=n) for n, c in columns.items()]),
    )
    write(table, META, tmp_path / "t.fits")
    attributes, found = read(tmp_path / "t.fits")
    assert {n: a.dtype for n, a in attributes.items()} == {
        "every": "i2",
        "between": "i2",
        "unsigned": "u1",
        "offset": "i4",
        "wide": "u8",
        "full": "i8",
    }
    for name, column in columns.items():
        assert found[name].null.tolist() == null.tolist(), name
        assert [int(v) for v in found[name].values[:-1].tolist()] == [int(v) for v in column.values[:-1].tolist()], name


def test_saved_again_by_astropy_it_still_knows_what_it_is(tmp_path: Path) -> None:
    write(sample(10), META, tmp_path / "ours.fits")
    AstropyTable.read(tmp_path / "ours.fits").write(tmp_path / "again.fits")
    assert "PROVGRPH" not in fits.getheader(tmp_path / "again.fits", 0)
    assert stated(tmp_path / "again.fits") == (META.iri, "s1")
    ours = fits.open(tmp_path / "ours.fits")[1]
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros(3)), ours]).writeto(tmp_path / "third.fits")
    assert stated(tmp_path / "third.fits") == (META.iri, "s1")
