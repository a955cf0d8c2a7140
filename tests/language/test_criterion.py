"""Criteria bound to attributes: what is refused, units, cones, texts, and what a bound criterion says of itself."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from provgraph.errors import LanguageError, UnitMismatch, UnknownAttribute
from provgraph.language import BoundCriterion, Criterion
from provgraph.schema.attribute import Attribute

ATTRIBUTES = {
    a.name: a
    for a in (
        Attribute("z", "f8", "", "src.redshift", origin="o:z"),
        Attribute("i_mag", "f4", "mag", origin="o:i"),
        Attribute("r_mag", "f4", "mag", origin="o:r"),
        Attribute("ra", "f8", "deg", "pos.eq.ra;meta.main", origin="o:ra"),
        Attribute("dec", "f8", "deg", "pos.eq.dec;meta.main", origin="o:dec"),
        Attribute("ra_rad", "f8", "rad", "pos.eq.ra", origin="o:rr"),
        Attribute("dec_rad", "f8", "rad", "pos.eq.dec", origin="o:dr"),
        Attribute("distance", "f8", "kpc", origin="o:d"),
        Attribute("parallax", "f8", "mas", origin="o:p"),
        Attribute("size", "f8", "?", origin="o:s"),
        Attribute("odd", "f8", "pixels per day", origin="o:o"),
        Attribute("n", "i2", "", origin="o:n"),
        Attribute("SDSS", "U", "", origin="o:id"),
        Attribute("good", "?", "", origin="o:g"),
        Attribute("spectrum", "f4", "", shape=(100,), origin="o:sp"),
        Attribute("phase", "c16", "", origin="o:c"),
        Attribute("two words", "f8", "", origin="o:2w"),
    )
}


def bound(text: str) -> BoundCriterion:
    return Criterion.parse(text).bind(ATTRIBUTES)


def select(text: str, **columns: Any) -> list[bool]:
    by_origin = {ATTRIBUTES[n].origin: (np.asarray(v, dtype=None), None) for n, v in columns.items()}
    return bound(text).select(by_origin).tolist()


@pytest.mark.parametrize(
    ("text", "code", "position", "says"),
    [
        ("redshift < 1", "unknown_attribute", 0, "Attribute 'redshift' is not found"),
        ("z < 1 and imag > 2", "unknown_attribute", 10, "did you mean 'i_mag'"),
        ("rownum < 10", "criterion_not_per_source", 0, "other sources"),
        ("z < 'a'", "criterion_types", 2, "a number (z) with text ('a')"),
        ("SDSS > 3", "criterion_types", 5, "text (SDSS)"),
        ("SDSS = z", "criterion_types", 5, "text (SDSS)"),
        ("z in (1, 'a')", "criterion_types", 2, "text ('a')"),
        ("SDSS between 'a' and 3", "criterion_types", 5, "text"),
        ("good = 1", "criterion_types", 5, "true or false (good)"),
        ("good < true", "criterion_types", 5, "no order"),
        ("z = null", "criterion_types", 4, "is null"),
        ("z", "criterion_types", 0, "neither"),
        ("z + 1", "criterion_types", 2, "neither"),
        ("SDSS", "criterion_types", 0, "neither"),
        ("z and good", "criterion_types", 0, "condition"),
        ("not z", "criterion_types", 4, "condition"),
        ("complement(z)", "criterion_types", 11, "condition"),
        ("log10(good) > 1", "criterion_types", 6, "needs a number"),
        ("-SDSS = 1", "criterion_types", 1, "needs a number"),
        ("spectrum > 1", "criterion_types", 0, "(100,)"),
        ("phase = 1", "criterion_types", 0, "c16"),
        ("z < 1 mag", "unit_mismatch", 4, "no unit"),
        ("i_mag < 3 deg", "unit_mismatch", 8, "[mag]"),
        ("size < 3 arcsec", "unit_mismatch", 7, "no declared unit"),
        ("3 arcsec > size", "unit_mismatch", 0, "no declared unit"),
        ("size in (3 arcsec)", "unit_mismatch", 9, "no declared unit"),
        ("odd < 3 s", "unit_mismatch", 6, "cannot be converted"),
        ("distance < ra", "unit_mismatch", 11, "[deg]"),
        ("ra < ra_rad", "unit_mismatch", 5, "factor"),
        ("i_mag < z", "unit_mismatch", 8, "no unit"),
        ("log10(distance) < 3", "unit_mismatch", 6, "[kpc]"),
        ("i_mag - distance < 3", "unit_mismatch", 8, "[kpc]"),
        ("i_mag - r_mag < 1 deg", "unit_mismatch", 16, "cannot be converted"),
        ("z < 3 [flurb]", "unit_mismatch", 4, "no unit"),
        ("within(z, 1, 2)", "criterion_syntax", 7, "numbers"),
        ("within(ra, dec, 10, 91, 1)", "criterion_syntax", 20, "-90 and 90"),
        ("within(ra, dec, 10, 20, -1 deg)", "criterion_syntax", 24, "negative"),
        ("within(ra, dec, 10, 20, 1 kpc)", "unit_mismatch", 24, "no angle"),
        ("within(distance, dec, 10, 20, 1)", "unit_mismatch", 7, "no angle"),
        ("within(SDSS, dec, 10, 20, 1)", "criterion_types", 7, "needs a number"),
        ("within(ra, dec, 'a', 20, 1)", "criterion_types", 16, "needs a number"),
    ],
)
def test_refuses(text: str, code: str, position: int, says: str) -> None:
    with pytest.raises(LanguageError) as caught:
        bound(text)
    assert caught.value.code == code
    assert caught.value.position == position
    assert says in caught.value.message
    assert caught.value.message.endswith(".")
    assert isinstance(
        caught.value, {"unknown_attribute": UnknownAttribute, "unit_mismatch": UnitMismatch}.get(code, LanguageError)
    )


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("ra < 30 arcmin", "ra < 0.5"),
        ("i_mag < 18.5 mag", "i_mag < 18.5"),
        ("i_mag < 18500 mmag", "i_mag < 18.5"),
        ("distance > 2 Mpc", "distance > 2000"),
        ("distance between 1 pc and 1 Mpc", "distance between 0.001 and 1000"),
        ("ra_rad < 180 deg", f"ra_rad < {math.pi!r}"),
        ("parallax > 0.5 arcsec", "parallax > 500"),
        ("ra in (30 arcmin, 1 deg)", "ra in (0.5, 1)"),
        ("2 * 15 arcmin > ra", "ra < 0.5"),
        ("i_mag - r_mag < 500 mmag", "i_mag - r_mag < 0.5"),
        ("distance / 1 kpc > 3", "distance / 1 > 3"),
        ("distance < 300 [km]", f"distance < {300 / 3.0856775814913674e16!r}"),
        ("within(10, 20, 36 arcsec)", "within(ra, dec, 10, 20, 0.01 deg)"),
        ("within(-350, 20, 0.01)", "within(10 deg, 20 deg, 0.6 arcmin)"),
    ],
)
def test_units_of_constants(text: str, same: str) -> None:
    one, other = bound(text), bound(same)
    if one.canonical != other.canonical:  # factors of astropy may differ in the last digit
        numbers = [
            float.fromhex(w.strip("(),"))
            for c in (one, other)
            for w in c.canonical.split()
            if w.strip("(),").startswith("0x")
        ]
        half = len(numbers) // 2
        assert numbers[:half] == pytest.approx(numbers[half:], rel=1e-15)


def test_a_pair_of_radian_columns() -> None:
    ra, dec = np.array([10.0, 10.02, 10.0]), np.array([20.0, 20.0, 20.009])
    degrees = select("within(ra, dec, 10, 20, 0.01)", ra=ra, dec=dec)
    radians = select("within(ra_rad, dec_rad, 10, 20, 36 arcsec)", ra_rad=np.deg2rad(ra), dec_rad=np.deg2rad(dec))
    assert degrees == radians == [True, False, True]


CONES = [
    (0, 0, 1),
    (359.99, 0.5, 2),
    (100, 90, 5),
    (17, -90, 3),
    (200, 45, 60),
    (0, 0, 90),
    (30, 10, 179),
    (1, 1, 180),
    (5, 5, 1e-3),
    (0, 89.9, 1),
]


def test_cones_at_poles_and_across_zero() -> None:
    rng = np.random.default_rng(3)
    ra = np.concatenate([rng.uniform(0, 360, 4000), [0, 360, 359.9999, 0.0001, 180, 12]])
    dec = np.concatenate([np.rad2deg(np.arcsin(rng.uniform(-1, 1, 4000))), [0, 0, 0, 0, 90, -90]])
    a, d = np.deg2rad(ra), np.deg2rad(dec)
    vectors = np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])
    for ra0, dec0, radius in CONES:
        a0, d0 = math.radians(ra0), math.radians(dec0)
        centre = np.array([math.cos(d0) * math.cos(a0), math.cos(d0) * math.sin(a0), math.sin(d0)])
        chord = np.linalg.norm(vectors - centre[:, None], axis=0)
        separation = np.rad2deg(2 * np.arcsin(np.minimum(chord / 2, 1)))
        found = np.array(select(f"within(ra, dec, {ra0}, {dec0}, {radius})", ra=ra, dec=dec))
        clear = np.abs(separation - radius) > 1e-6
        assert np.array_equal(found[clear], (separation <= radius)[clear])
        assert found.any() or radius < 0.01


def test_a_cone_without_positions() -> None:
    with pytest.raises(UnknownAttribute, match=r"No attribute has the UCD pos\.eq\.ra"):
        Criterion.parse("within(10, 20, 1)").bind({"z": ATTRIBUTES["z"]})
    twice = {
        n: Attribute(n, "f8", "deg", u, origin=f"o:{n}")
        for n, u in (("a", "pos.eq.ra"), ("b", "pos.eq.ra"), ("d", "pos.eq.dec"))
    }
    with pytest.raises(UnknownAttribute, match="Several attributes"):
        Criterion.parse("within(10, 20, 1)").bind(twice)
    parsed = Criterion.parse("within(10, 20, 1)")
    assert parsed.names == ()
    assert parsed.ucds == ("pos.eq.ra;meta.main", "pos.eq.dec;meta.main")
    assert parsed.bind(ATTRIBUTES).origins == ("o:ra", "o:dec")


def test_identifiers_stay_exact() -> None:
    ids = np.array([2**53, 2**53 + 1, 2**53 + 2, 2**53 + 3], dtype=np.int64)
    attributes = {"id": Attribute("id", "i8", "", origin="o:id")}
    for text, wanted in (("id = 9007199254740993", [0, 1, 0, 0]), ("id > 9007199254740993", [0, 0, 1, 1]),
                         ("id in (9007199254740993, 9007199254740995)", [0, 1, 0, 1]),
                         ("id % 2 = 1 and id + 1 > 9007199254740994", [0, 0, 0, 1]),
                         ("id < 9007199254740993.0", [0, 0, 0, 0])):  # fmt: skip
        found = Criterion.parse(text).bind(attributes).select({"o:id": (ids, None)})
        assert found.tolist() == [bool(w) for w in wanted], text


def test_long_lists() -> None:
    names = np.array([f"J{i:03d}".encode() for i in range(200)])
    wanted = ", ".join(f"'J{i:03d}'" for i in range(0, 100, 2))
    attributes = {"SDSS": ATTRIBUTES["SDSS"]}
    for text, negated in ((f"SDSS in ({wanted})", False), (f"SDSS not in ({wanted})", True)):
        criterion = Criterion.parse(text).bind(attributes)
        found = criterion.select({"o:id": (names, None)})
        assert np.flatnonzero(found != negated).tolist() == list(range(0, 100, 2))
        assert BoundCriterion.from_canonical(criterion.canonical) == criterion


def test_texts_as_bytes_and_as_characters() -> None:
    texts = np.array(["é", "e", "", "日本", "a "])
    for values in (texts, np.char.encode(texts, "utf-8")):
        assert select("SDSS = 'é' or SDSS > '日'", SDSS=values) == [True, False, False, True, False]
        assert select("SDSS = 'a'", SDSS=values) == [False] * 5
        assert select("SDSS != ''", SDSS=values) == [True, True, False, True, True]


def test_a_column_that_is_written_elsewhere_is_not_changed_here() -> None:
    good = np.array([True, False, True])
    good.flags.writeable = False
    z = np.array([0.1, 0.2, 0.9])
    criterion = bound("good and z < 0.5")
    found = criterion.select({"o:g": (good, None), "o:z": (z, None)})
    assert found.tolist() == [True, False, False]
    alone = bound("good").select({"o:g": (good, None)})
    alone[:] = False
    assert good.tolist() == [True, False, True]


def test_costly_terms_are_evaluated_on_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    from provgraph.language import functions
    from provgraph.language.functions import Function

    seen: list[int] = []

    def counted(z: Any, parameters: Any) -> Any:
        seen.append(len(z))
        return z * 100

    usual = functions.FUNCTIONS["distmod"]
    spy = Function(1, 1, counted, usual.gives, usual.units, usual.says, usual.parameters)
    monkeypatch.setitem(functions.FUNCTIONS, "distmod", spy)
    z = np.linspace(0, 1, 1000)
    found = bound("distmod(z) < 0.5 and z < 0.01").select({"o:z": (z, None)})
    assert found.tolist() == ((z * 100 < 0.5) & (z < 0.01)).tolist()
    assert seen == [10]


def test_what_a_bound_criterion_says() -> None:
    criterion = Criterion.parse("i_mag<=20.1 AND (z>0.5 or good) and `two words` = 1")
    assert criterion.names == ("i_mag", "z", "good", "two words")
    assert criterion.text == "i_mag <= 20.1 and (z > 0.5 or good) and `two words` = 1"
    found = criterion.bind(ATTRIBUTES)
    assert found.text == criterion.text
    assert found.origins == ("o:2w", "o:g", "o:z", "o:i")
    assert [c for _, c in found.conjuncts] == ["`o:2w` = 0x1p+0", "`o:g` or `o:z` > 0x1p-1", "`o:i` <= 0x1.41999ap+4"]
    assert found.key.startswith("c:")
    assert len(found.key) == 22
    names = {a.origin: a.name for a in ATTRIBUTES.values()}
    assert found.describe(names) == "`two words` = 1.0 and (good or z > 0.5) and i_mag <= 20.1"
    assert found.describe({}) == "`o:2w` = 1.0 and (`o:g` or `o:z` > 0.5) and `o:i` <= 20.1"
    assert {criterion.bind(ATTRIBUTES), found} == {found}
    assert pickle.loads(pickle.dumps(found)) == found
    one = bound("z > 0.5")
    assert one.conjuncts == ((one.key, one.canonical),)


def test_renaming_changes_nothing() -> None:
    renamed = {"photo_z": ATTRIBUTES["z"].renamed("photo_z")}
    assert Criterion.parse("photo_z < 0.5").bind(renamed) == bound("z < 0.5")


def test_a_criterion_that_reads_nothing_needs_a_count() -> None:
    criterion = bound("n = 2.5")
    assert criterion.canonical == "false"
    assert criterion.origins == ()
    assert criterion.select({}, 3).tolist() == [False] * 3
    assert criterion.select({"o:n": (np.arange(4), None)}).tolist() == [False] * 4
    with pytest.raises(ValueError, match="how many"):
        criterion.select({})


def test_null_masks_and_nan() -> None:
    z = (np.array([0.1, math.nan, 0.9, 0.2]), np.array([False, False, False, True]))
    cases = {
        "z < 0.5": [1, 0, 0, 0],
        "not z < 0.5": [0, 0, 1, 0],
        "z != 0.1": [0, 0, 1, 0],
        "z is null": [0, 1, 0, 1],
        "z is not null": [1, 0, 1, 0],
        "complement(z < 0.5)": [0, 1, 1, 1],
        "z = z": [1, 0, 1, 0],
    }
    for text, wanted in cases.items():
        assert bound(text).select({"o:z": z}).tolist() == [bool(w) for w in wanted], text


def test_simple_criteria_load_no_astropy() -> None:
    """A criterion on columns is bound and used within the first milliseconds of a command."""
    code = """
import sys
from tests.language.test_criterion import bound
bound("z < 0.5 and i_mag > 0 and i_mag - r_mag < 0.5 and i_mag < r_mag and z * 2 > 1")
bound("within(10, 20, 5 arcsec) and dec > 30 arcmin")
assert not any(m.split(".")[0] == "astropy" for m in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_one_comparison_by_numpy_for_one_threshold() -> None:
    """The mask of `x < c` is what numpy's comparison returns, and nothing else is calculated."""
    calls: list[str] = []

    class Watched(np.ndarray[Any, Any]):
        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
            calls.append(ufunc.__name__)
            return getattr(ufunc, method)(
                *(np.asarray(i) if isinstance(i, np.ndarray) else i for i in inputs), **kwargs
            )

    z = np.linspace(0, 1, 11).view(Watched)
    assert bound("z < 0.5").select({"o:z": (z, None)}).sum() == 5
    assert calls == ["less"]
