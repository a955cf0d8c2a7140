from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from provgraph.errors import FileUnreadable
from provgraph.extract import open_source
from tests.extract.compare import read, same, whole

REAL = [
    ("catalogs/gll_psc_v16.fit.gz", 1),
    ("catalogs/gll_psc_v16.fit.gz", "ROIs"),
    ("catalogs/gll_psc_v16.fit.gz", "GTI"),
    ("catalogs/gll_psc_v16.fit.gz", "ExtendedSources"),
    ("catalogs/gll_psch_v13.fit.gz", "LAT_Point_Source_Catalog"),
    ("catalogs/gll_psch_v13.fit.gz", "EnergyBounds"),
    ("crossmatch/gd1_photo.fits", None),
    ("crossmatch/test_dr8_trainred_gals.fit", None),
    ("crossmatch/test_dr8_trainred_spec.fit", None),
    ("dl3/hess_dl3_dr1_obs_id_023523.fits.gz", "events"),
    ("dl3/hess_dl3_dr1_obs_id_023523.fits.gz", "AEFF"),
    ("dl3/obs-index.fits.gz", None),
    ("dl3/hdu-index.fits.gz", None),
]


def check_against_astropy(path: Path, table: str | int | None = None) -> None:
    attributes, columns = read(path, table=table, rows=500)
    with fits.open(path) as file:
        hdu = file[1 if table is None else table]
        assert list(attributes) == list(hdu.columns.names)
        for column in hdu.columns:
            theirs = np.asarray(hdu.data[column.name])
            theirs = theirs.astype(theirs.dtype.newbyteorder("="))
            if column.null is not None:
                theirs = np.ma.masked_equal(theirs, column.null)
            if theirs.dtype.kind == "S":
                theirs = np.char.decode(theirs, "latin-1")
            assert same(columns[column.name], theirs), column.name
            assert attributes[column.name].unit == ("?" if column.unit is None else column.unit)


@pytest.mark.parametrize(("name", "table"), REAL)
def test_real_files(shared: Path, name: str, table: str | int | None) -> None:
    check_against_astropy(shared / "data" / name, table)


def test_what_a_real_file_says_of_itself(shared: Path) -> None:
    with open_source(shared / "data/catalogs/gll_psch_v13.fit.gz", table=1) as source:
        by_name = {a.name: a for a in source.attributes}
        assert source.n == 1556
        assert by_name["RAJ2000"].unit == "deg"
        assert by_name["Flux_Band"].shape == (5,)
        assert source.metadata["TELESCOP"] == "GLAST"
        assert not any(key.startswith(("TTYPE", "NAXIS")) for key in source.metadata)


def every_type(n: int = 300) -> fits.BinTableHDU:
    rng = np.random.default_rng(5)
    whole_range = {
        t: rng.integers(np.iinfo(t).min, np.iinfo(t).max, n, dtype=t, endpoint=True)
        for t in ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8")
    }
    gaps = rng.integers(0, 5, n)
    text = np.array(["", "a", "a b", " lead", "x" * 7] * (n // 5))
    columns = [
        fits.Column("i1", "B", array=whole_range["i1"], bzero=-128),
        fits.Column("u1", "B", array=whole_range["u1"]),
        fits.Column("i2", "I", array=whole_range["i2"]),
        fits.Column("u2", "I", array=whole_range["u2"], bzero=2**15),
        fits.Column("i4", "J", array=whole_range["i4"]),
        fits.Column("u4", "J", array=whole_range["u4"], bzero=2**31),
        fits.Column("i8", "K", array=whole_range["i8"]),
        fits.Column("u8", "K", array=whole_range["u8"], bzero=2**63),
        fits.Column("f4", "E", array=rng.random(n, dtype="f4"), unit="mag"),
        fits.Column("f8", "D", array=np.where(gaps == 1, np.nan, rng.random(n)), unit=""),
        fits.Column("gaps", "J", array=gaps, null=3),
        fits.Column("flag", "L", array=rng.random(n) < 0.5),
        fits.Column("text", "7A", array=text),
        fits.Column("scaled", "I", array=rng.integers(-100, 100, n)),
        fits.Column("vector", "3E", array=rng.random((n, 3), dtype="f4")),
        fits.Column("matrix", "6J", array=rng.integers(0, 9, (n, 2, 3)), dim="(3,2)"),
        fits.Column("words", "12A", array=np.array([["ab", "c", ""]] * n), dim="(4,3)"),
        fits.Column("bits", "11X", array=rng.random((n, 11)) < 0.5),
    ]
    return fits.BinTableHDU.from_columns(columns, name="ALL")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    hdu = every_type()
    hdu.header["TUCD9"] = "phot.mag;em.opt.U"
    hdu.header["TCOMM9"] = "how bright"
    hdu.header["HISTORY"] = "made for a test"
    hdu.header["EXPOSURE"] = 12.5
    hdu.writeto(tmp_path / "all.fits")
    fits.setval(tmp_path / "all.fits", "TSCAL14", value=0.5, ext=1)
    fits.setval(tmp_path / "all.fits", "TZERO14", value=3.0, ext=1)
    return tmp_path / "all.fits"


def test_every_type_against_astropy(file: Path) -> None:
    check_against_astropy(file)


def test_integers_are_exact_and_declarations_come_along(file: Path) -> None:
    attributes, columns = read(file)
    hdu = every_type()
    assert columns["u8"].values.tolist() == [int(v) for v in hdu.data["u8"]]
    assert columns["u8"].values.dtype == np.uint64
    assert columns["i1"].values.dtype == np.int8
    magnitude = attributes["f4"]
    assert (magnitude.unit, magnitude.ucd, magnitude.description) == ("mag", "phot.mag;em.opt.U", "how bright")
    assert attributes["u1"].unit == "?"
    assert np.isnan(columns["f8"].values).any()
    assert columns["f8"].null is None  # NaN is a value that the file gives
    assert columns["gaps"].null is not None
    with open_source(file) as source:
        assert source.metadata["EXPOSURE"] == 12.5
        assert source.metadata["HISTORY"] == "made for a test"


def test_logical_without_a_value(tmp_path: Path) -> None:
    path = tmp_path / "l.fits"
    fits.BinTableHDU.from_columns([fits.Column("flag", "L", array=[True, False, True])]).writeto(path)
    content = bytearray(path.read_bytes())
    start = content.index(b"TFTTTT"[:3], 2880 * 2)
    content[start] = 0
    path.write_bytes(content)
    _, columns = read(path)
    assert columns["flag"].null.tolist() == [True, False, False]
    assert columns["flag"].values.tolist()[1:] == [False, True]


def test_ascii_table(tmp_path: Path) -> None:
    columns = [
        fits.Column("n", "I8", array=[1, -2, 30], ascii=True, unit="m"),
        fits.Column("x", "F10.3", array=[1.5, 2.25, -3.125], ascii=True),
        fits.Column("t", "A5", array=["ab", "", "xyz"], ascii=True),
    ]
    fits.TableHDU.from_columns(columns).writeto(tmp_path / "a.fits")
    attributes, read_columns = read(tmp_path / "a.fits")
    assert attributes["n"].unit == "m"
    assert read_columns["n"].values.tolist() == [1, -2, 30]
    assert read_columns["x"].values.tolist() == [1.5, 2.25, -3.125]
    assert read_columns["t"].values.tolist() == [b"ab", b"", b"xyz"]


def test_vectors_of_unequal_length_are_left_out_and_named(tmp_path: Path) -> None:
    columns = [
        fits.Column("before", "J", array=[1, 2]),
        fits.Column("var", "PD()", array=np.array([np.arange(3.0), np.arange(5.0)], dtype=object)),
        fits.Column("after", "D", array=[0.5, 1.5]),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "v.fits")
    with open_source(tmp_path / "v.fits") as source:
        assert list(source.skipped) == ["var"]
        assert whole(source)["after"].values.tolist() == [0.5, 1.5]


def test_names_that_repeat_or_lack(tmp_path: Path) -> None:
    columns = [fits.Column(n, "J", array=[i]) for i, n in enumerate(("a", "b", "c"))]
    path = tmp_path / "n.fits"
    fits.BinTableHDU.from_columns(columns).writeto(path)
    content = path.read_bytes().replace(b"TTYPE2  = 'b  ", b"TTYPE2  = 'a  ").replace(b"TTYPE3  =", b"OTHER3  =")
    path.write_bytes(content)
    _, read_columns = read(tmp_path / "n.fits")
    assert {n: c.values.tolist() for n, c in read_columns.items()} == {"a": [0], "a_2": [1], "col3": [2]}


def test_tables_by_name_and_number(tmp_path: Path) -> None:
    one = fits.BinTableHDU.from_columns([fits.Column("x", "J", array=[1])], name="ONE")
    two = fits.BinTableHDU.from_columns([fits.Column("x", "J", array=[2])], name="two")
    image = fits.ImageHDU(np.zeros((50, 50)), name="image")
    path = tmp_path / "t.fits"
    fits.HDUList([fits.PrimaryHDU(), image, one, two]).writeto(path)
    for table, expected in (("one", 1), ("Two", 2), (2, 1), (3, 2), ("3", 2)):
        assert read(path, table=table)[1]["x"].values.tolist() == [expected]
    for table in ("three", 9, "image", 0):
        with pytest.raises(FileUnreadable) as caught:
            open_source(path, table=table)
        assert caught.value.code == "table_missing"


def test_several_tables_must_be_told_apart(tmp_path: Path) -> None:
    def table(name: str = "") -> fits.BinTableHDU:
        return fits.BinTableHDU.from_columns([fits.Column("x", "J", array=[1])], name=name)

    path = tmp_path / "t.fits"
    fits.HDUList(
        [fits.PrimaryHDU(), table("A"), fits.ImageHDU(np.zeros((9, 9))), table(), table("gti"), table("GTI")]
    ).writeto(path)
    for content in (path.read_bytes(), gzip.compress(path.read_bytes())):
        path.write_bytes(content)
        with pytest.raises(FileUnreadable, match=r"holds 4 tables: A, 3, 4, 5; say which one with table=") as caught:
            open_source(path)
        assert caught.value.code == "table_ambiguous"
        assert caught.value.details["tables"] == ["A", "3", "4", "5"]
        for name in caught.value.details["tables"]:
            assert open_source(path, table=name).n == 1
        with pytest.raises(
            FileUnreadable, match=r"holds 2 tables called 'gti': 4, 5; say which one with table="
        ) as caught:
            open_source(path, table="gti")
        assert caught.value.code == "table_ambiguous"


def test_one_table_among_images_is_the_one(tmp_path: Path) -> None:
    one = fits.BinTableHDU.from_columns([fits.Column("x", "J", array=[7])])
    image, packed = fits.ImageHDU(np.zeros((9, 9))), fits.CompImageHDU(np.zeros((9, 9), "i2"))
    fits.HDUList([fits.PrimaryHDU(np.zeros((3, 3))), image, one, image.copy(), packed]).writeto(tmp_path / "t.fits")
    assert read(tmp_path / "t.fits")[1]["x"].values.tolist() == [7]


def test_images_are_no_tables(shared: Path) -> None:
    for name in ("images/sprat/v_dark_1.fits.gz", "images/coadd/legacysurvey-0959p805-image-g.fits.fz"):
        with pytest.raises(FileUnreadable, match="images only") as caught:
            open_source(shared / "data" / name)
        assert caught.value.code == "table_missing"


def test_no_rows(tmp_path: Path) -> None:
    Table({"x": np.zeros(0)}).write(tmp_path / "z.fits")
    with open_source(tmp_path / "z.fits") as source:
        assert source.n == 0
        assert list(source.chunks()) == []


def test_a_file_without_the_last_padding(tmp_path: Path) -> None:
    path = tmp_path / "p.fits"
    Table({"x": np.arange(10)}).write(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) - 2880 + 80])
    assert read(path)[1]["x"].values.tolist() == list(range(10))
