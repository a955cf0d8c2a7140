"""Regions of the sky: what is in them, against slow geometry on the sphere; which lie in which, against many positions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from provgraph.errors import LanguageError
from provgraph.language.criterion import BoundCriterion, Criterion
from provgraph.language.expression import Expression
from provgraph.language.regions import Box, Cone, Polygon, Region, contains, separate, separation
from provgraph.schema.attribute import Attribute
from tests.samples import sample

Array = np.ndarray[Any, Any]
ATTRIBUTES = {
    a.name: a
    for a in (
        Attribute("ra", "f8", "deg", ucd="pos.eq.ra;meta.main", origin="o:1"),
        Attribute("dec", "f8", "deg", ucd="pos.eq.dec;meta.main", origin="o:2"),
        Attribute("l", "f8", "rad", origin="o:3"),
        Attribute("z", "f8", "", origin="o:4"),
        Attribute("name", "U", "", origin="o:5"),
    )
}
RANDOM = np.random.default_rng(4)


# -- slow geometry -----------------------------------------------------------------------------------------------------


def vector(ra: float, dec: float) -> Array:
    a, d = math.radians(ra), math.radians(dec)
    return np.array([math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)])


def moved(ra: float, dec: float, along: float, reach: float) -> tuple[float, float]:
    """The position at an angle `reach` from another, in the direction `along` (both degrees)."""
    centre = vector(ra, dec)
    east = np.cross([0.0, 0.0, 1.0] if abs(dec) < 89 else [1.0, 0.0, 0.0], centre)
    east /= np.linalg.norm(east)
    north = np.cross(centre, east)
    a, r = math.radians(along), math.radians(reach)
    x, y, z = (math.cos(r) * centre + math.sin(r) * (math.cos(a) * east + math.sin(a) * north)).tolist()
    return math.degrees(math.atan2(y, x)) % 360, math.degrees(math.asin(max(-1.0, min(1.0, z))))


def goes_around(
    vertices: tuple[tuple[float, float], ...], centre: tuple[float, float], at: tuple[float, float]
) -> bool | None:
    """Whether a border goes around a position: the directions to its vertices turn once. None too close to tell."""
    here = vector(*at)
    if here @ vector(*centre) <= 0:
        return False
    turned = 0.0
    for one, two in zip(vertices, (*vertices[1:], vertices[0]), strict=True):
        a, b = (v - (v @ here) * here for v in (vector(*one), vector(*two)))
        if min(np.linalg.norm(a), np.linalg.norm(b)) < 1e-9 or abs(here @ np.cross(vector(*one), vector(*two))) < 1e-9:
            return None
        turned += math.atan2(float(here @ np.cross(a, b)), float(a @ b))
    return abs(turned) > math.pi


# -- drawn regions -----------------------------------------------------------------------------------------------------

angles = st.one_of(st.sampled_from([0.0, 359.9, 180.0, 90.0, 0.1, 270.0]), st.floats(0, 360, exclude_max=True))
heights = st.one_of(st.sampled_from([0.0, 90.0, -90.0, 89.5, -45.0, 60.0]), st.floats(-90, 90))
sizes = st.sampled_from([0.001, 0.1, 1.0, 5.0, 20.0, 45.0, 80.0])


@st.composite
def positions_near(draw: st.DrawFn) -> tuple[float, float]:
    return draw(angles), draw(heights)


@st.composite
def polygons(draw: st.DrawFn, where: tuple[float, float] | None = None) -> Polygon:
    """A border that goes once around a position, nearer and farther."""
    centre = where or draw(positions_near())
    size = draw(sizes)
    n = draw(st.integers(3, 8))
    shares = [draw(st.floats(0.3, 1.0)) for _ in range(n)]
    even = draw(st.booleans())
    vertices = [moved(*centre, 360 * k / n, size * (1.0 if even else s)) for k, s in enumerate(shares)]
    if draw(st.booleans()):
        vertices.reverse()
    return Polygon.of(tuple(x for v in vertices for x in v))


@st.composite
def boxes(draw: st.DrawFn, where: tuple[float, float] | None = None) -> Box:
    ra, dec = where or draw(positions_near())
    size = draw(sizes)
    south, north = max(-90.0, dec - size * draw(st.floats(0, 1))), min(90.0, dec + size * draw(st.floats(0, 1)))
    width = draw(st.sampled_from([size, size / 2, 3 * size, 360.0, 0.0]))
    return Box.of(ra - width / 2, ra + width / 2, south, north)


@st.composite
def cones(draw: st.DrawFn, where: tuple[float, float] | None = None) -> Cone:
    ra, dec = where or draw(positions_near())
    return Cone(ra, dec, draw(st.one_of(sizes, st.sampled_from([0.0, 90.0, 120.0, 179.9, 180.0, 200.0]))))


@st.composite
def two_regions(draw: st.DrawFn) -> tuple[Region, Region]:
    """Often around almost the same position, so that one may lie in the other."""
    one = draw(positions_near())
    near = moved(*one, draw(st.floats(0, 360)), draw(st.sampled_from([0.0, 0.01, 1.0, 10.0, 60.0, 170.0])))
    kinds: Any = st.sampled_from([cones, boxes, polygons])
    first: Region = draw(draw(kinds)(one))
    second: Region = draw(draw(kinds)(draw(st.sampled_from([one, near]))))
    return first, second


def border(region: Region) -> list[tuple[float, float]]:
    """Positions on the border of a region and, for a convex one, inside."""
    if isinstance(region, Cone):
        rim = [moved(region.ra, region.dec, along, min(region.radius, 180)) for along in range(0, 360, 10)]
        return [*rim, *(moved(region.ra, region.dec, along, region.radius / 2) for along in range(0, 360, 60))]
    if isinstance(region, Box):
        ras = np.linspace(0, region.width, 17) + region.west
        return [(ra % 360, dec) for ra in ras for dec in np.linspace(region.south, region.north, 9).tolist()]
    assert isinstance(region, Polygon)
    ends = zip(region.vertices, (*region.vertices[1:], region.vertices[0]), strict=True)
    found = [*region.vertices]
    for one, two in ends:
        for share in np.linspace(0, 1, 11):
            point = (1 - share) * vector(*one) + share * vector(*two)
            x, y, z = (point / np.linalg.norm(point)).tolist()
            found.append((math.degrees(math.atan2(y, x)), math.degrees(math.asin(z))))
    return found


def sky(regions: tuple[Region, ...]) -> tuple[Array, Array]:
    """Positions everywhere, and many on and around the borders."""
    ra, dec = RANDOM.uniform(-360, 720, 400), np.rad2deg(np.arcsin(RANDOM.uniform(-1, 1, 400)))
    special = np.array([p for r in regions for p in border(r)])
    shaken = special + RANDOM.normal(0, 1, special.shape) * 10.0 ** RANDOM.uniform(-13, 0, (len(special), 1))
    poles = np.array([(RANDOM.uniform(0, 360), pole) for pole in (90.0, -90.0, 95.0)])
    points = np.concatenate([np.stack([ra, dec], 1), special, shaken, poles])
    return points[:, 0], points[:, 1]


# -- what is in them ---------------------------------------------------------------------------------------------------


@given(polygons(), st.data())
@settings(max_examples=sample(150), deadline=None)
def test_polygons_hold_what_their_border_goes_around(polygon: Polygon, data: st.DataObject) -> None:
    ra, dec = sky((polygon,))
    dec = np.clip(dec, -90, 90)
    found = polygon.holds(ra, dec)
    told = [goes_around(polygon.vertices, polygon.centre, (a, d)) for a, d in zip(ra, dec, strict=True)]
    wrong = [(a, d) for a, d, f, t in zip(ra, dec, found, told, strict=True) if t is not None and f != t]
    assert not [p for p in wrong if polygon.distance(*p) > 1e-9]
    assert polygon.holds(*np.array(polygon.vertices).T).all()
    with np.errstate(invalid="ignore"):
        assert not polygon.holds(np.array([math.nan, 10.0, math.inf]), np.array([0.0, math.nan, 0.0])).any()


@given(boxes())
@settings(max_examples=sample(100), deadline=None)
def test_boxes_compare_coordinates(box: Box) -> None:
    ra, dec = sky((box,))

    def inside(a: float, d: float) -> bool:
        if not box.south <= d <= box.north:
            return False
        turn = math.fmod(a, 360)
        turn = turn + 360 if turn < 0 else turn
        turn = 0.0 if turn == 360 else turn
        return box.west <= turn <= box.east if box.west <= box.east else turn >= box.west or turn <= box.east

    assert box.holds(ra, dec).tolist() == [inside(a, d) for a, d in zip(ra.tolist(), dec.tolist(), strict=True)]
    all_around = Box.of(-100, 260, -90, 90)
    assert all_around.holds(ra, dec).tolist() == [bool(abs(d) <= 90) for d in dec]
    with np.errstate(invalid="ignore"):
        assert not all_around.holds(np.array([math.inf, math.nan]), np.zeros(2)).any()


def test_a_declination_beyond_a_pole_is_in_no_region() -> None:
    for region in (Cone(0, 90, 10), Cone(0, 0, 180), Box.of(0, 360, -90, 90), Polygon.of((0, 85, 120, 85, 240, 85))):
        assert region.holds(np.array([0.0]), np.array([90.0])).all()
        assert not region.holds(np.array([0.0, 0.0]), np.array([90.5, -91.0])).any()


@pytest.mark.parametrize(
    ("numbers", "inside", "outside"),
    [
        # Across 0, across a pole, with an edge on the equator and on a meridian, and one that is not convex.
        ((350, -5, 10, -5, 10, 5, 350, 5), [(0, 0), (359, 4), (370, 0), (-5, 1)], [(180, 0), (20, 0), (0, 6)]),
        ((0, 80, 90, 80, 180, 80, 270, 80), [(0, 90), (200, 90), (45, 86), (0, 80)], [(45, 79), (0, -90), (45, 80)]),
        (
            (0, 0, 10, 0, 10, 10, 0, 10),
            [(5, 0), (0, 5), (10, 5), (5, 10.01), (0, 0)],
            [(5, -1e-9), (-1e-9, 5), (5, 10.1)],
        ),
        ((0, 0, 20, 0, 20, 20, 10, 5, 0, 20), [(2, 10), (18, 10), (10, 4)], [(10, 10), (10, 6)]),
    ],
)
def test_named_polygons(numbers: tuple[float, ...], inside: list[Any], outside: list[Any]) -> None:
    polygon = Polygon.of(numbers)
    assert polygon.holds(*np.array(inside, float).T).all()
    assert not polygon.holds(*np.array(outside, float).T).any()


def test_one_polygon_has_one_spelling() -> None:
    one = Polygon.of((350, -5, 10, -5, 10, 5, 350, 5))
    assert one == Polygon.of((10, 5, 10, -5, -10, -5, -10, 5)) == Polygon.of((370, 5, 350, 5, 350, 5, 350, -5, 10, -5))
    assert Polygon.of(tuple(x for v in one.vertices for x in v)) == one


# -- which lie in which ------------------------------------------------------------------------------------------------


@given(two_regions())
@settings(max_examples=sample(400), deadline=None)
def test_relations_are_true_of_every_position(regions: tuple[Region, Region]) -> None:
    one, two = regions
    ra, dec = sky(regions)
    a, b = one.holds(ra, dec), two.holds(ra, dec)
    if one.contains(two):
        assert not (b & ~a).any()
    if one.apart(two):
        assert not (a & b).any()
    assert one.apart(two) == two.apart(one)
    for region, held in ((one, a), (two, b)):
        _, limits = region.limits()
        assert limits is not None
        assert (dec[held] >= limits[0]).all()
        assert (dec[held] <= limits[1]).all()
        if not (isinstance(region, Cone) and region.radius == 0):
            assert region.contains(region)
        assert not region.apart(region)


@given(two_regions())
@settings(max_examples=sample(400), deadline=None)
def test_what_is_clearly_so_is_known(regions: tuple[Region, Region]) -> None:
    """A cone well inside something is found in it, and one well outside apart from it."""
    one, _ = regions
    at = border(one)[0] if isinstance(one, Polygon) else (RANDOM.uniform(0, 360), RANDOM.uniform(-90, 90))
    if isinstance(one, Polygon):
        at = one.centre
    small = Cone(at[0] % 360, at[1], 0.0005)
    rim = np.array([moved(small.ra, small.dec, along, 0.01) for along in range(0, 360, 15)])
    inside = one.holds(rim[:, 0], rim[:, 1])
    assume(not isinstance(one, Polygon) or one.distance(*at) > 0.02)
    assume(not isinstance(one, Box) or abs(at[1]) < 80)
    if inside.all():
        assert one.contains(small)
        assert contains(one, small) is True
        assert separate(one, small) is False
    elif not inside.any() and not (isinstance(one, Cone) and separation(one.ra, one.dec, *at) <= one.radius):
        assert one.apart(small) or isinstance(one, Box)
        if one.apart(small):
            assert separate(small, one) is True
            assert contains(one, small) is False


NESTED: list[tuple[Region, Region]] = [
    (Cone(10, 10, 5), Cone(11, 10, 3)),
    (Cone(0, 90, 5), Box.of(0, 360, 86, 90)),
    (Cone(10, 10, 5), Box.of(8, 12, 8, 12)),
    (Cone(10, 10, 5), Polygon.of((8, 8, 12, 8, 12, 12, 8, 12))),
    (Box.of(350, 10, -5, 5), Box.of(355, 5, -5, 5)),
    (Box.of(350, 10, -5, 5), Cone(0, 0, 4.9)),
    (Box.of(0, 360, 80, 90), Cone(30, 88, 5)),
    (Box.of(350, 10, -5, 5), Polygon.of((355, -3, 5, -3, 0, 4))),
    (Box.of(0, 360, 79, 90), Polygon.of((0, 80, 120, 80, 240, 80))),
    (Polygon.of((0, 60, 120, 60, 240, 60)), Cone(0, 90, 15)),
    (Polygon.of((0, 60, 120, 60, 240, 60)), Box.of(0, 360, 80, 90)),
    (Polygon.of((350, -5, 10, -5, 10, 5, 350, 5)), Box.of(355, 5, -3, 3)),
    (Polygon.of((350, -5, 10, -5, 10, 5, 350, 5)), Polygon.of((355, -3, 5, -3, 0, 4))),
    (Polygon.of((0, 0, 20, 0, 20, 20, 10, 5, 0, 20)), Polygon.of((1, 1, 19, 1, 10, 3))),
    (Polygon.of((0, 0, 20, 0, 20, 20, 10, 5, 0, 20)), Cone(3, 5, 2)),
]
APART: list[tuple[Region, Region]] = [
    (Cone(10, 10, 5), Cone(20, 10, 4)),
    (Cone(0, 0, 5), Box.of(6, 20, -20, 20)),
    (Cone(0, 90, 5), Box.of(0, 360, 0, 84)),
    (Box.of(350, 10, -5, 5), Box.of(11, 349, -5, 5)),
    (Box.of(350, 10, -5, 5), Box.of(350, 10, 5.1, 6)),
    (Box.of(350, 10, -5, 5), Polygon.of((11, -3, 20, -3, 15, 4))),
    (Polygon.of((0, 0, 10, 0, 10, 10, 0, 10)), Polygon.of((11, 0, 20, 0, 15, 9))),
    (Polygon.of((0, 0, 20, 0, 20, 20, 10, 5, 0, 20)), Polygon.of((8, 12, 12, 12, 10, 8))),
    (Polygon.of((0, 0, 20, 0, 20, 20, 10, 5, 0, 20)), Cone(10, 10, 1)),
]


@pytest.mark.parametrize(("outer", "inner"), NESTED)
def test_nested(outer: Region, inner: Region) -> None:
    assert contains(outer, inner) is True
    assert contains(inner, outer) is None
    assert separate(outer, inner) is False


@pytest.mark.parametrize(("one", "other"), APART)
def test_apart(one: Region, other: Region) -> None:
    assert separate(one, other) is separate(other, one) is True
    assert contains(one, other) is False


def test_overlapping_regions_are_neither() -> None:
    for one in (Cone(0, 0, 5), Box.of(355, 5, -5, 5), Polygon.of((355, -5, 5, -5, 5, 5, 355, 5))):
        for other in (Cone(5, 0, 5), Box.of(0, 10, -5, 5), Polygon.of((0, -5, 10, -5, 10, 5, 0, 5))):
            assert contains(one, other) is separate(one, other) is None


# -- in criteria -------------------------------------------------------------------------------------------------------


def bind(text: str) -> BoundCriterion:
    return Criterion.parse(text).bind(ATTRIBUTES)


def test_one_region_has_one_canonical_text() -> None:
    assert bind("box(ra, dec, 350, 370, -5, 5)") == bind("box(-10, 10 deg, -300 arcmin, 5)")
    assert bind("box(ra, dec, 0, 400, -5, 5)") == bind("box(12, 372, -5, 5)")
    assert bind("polygon(0, 0, 10, 0, 10, 10)") == bind("polygon(ra, dec, 370, 10, 10, 0, 0, 0)")
    for text in ("box(350, 10, -5, 5)", "not polygon(ra, dec, 1, 1, 2, 1, 1, 2) and z < 1"):
        assert BoundCriterion.from_canonical(bind(text).canonical) == bind(text)


def test_regions_are_kleene() -> None:
    ra, dec = np.array([0.0, 50.0, np.nan, 0.0]), np.array([0.0, 0.0, 0.0, 0.0])
    columns = {"o:1": (ra, None), "o:2": (dec, np.array([False, False, False, True]))}
    for text in ("box(350, 10, -5, 5)", "polygon(350, -5, 10, -5, 10, 5, 350, 5)", "within(0, 0, 5)"):
        assert bind(text).select(columns).tolist() == [True, False, False, False]
        assert bind(f"not {text}").select(columns).tolist() == [False, True, False, False]
        assert bind(f"complement({text})").select(columns).tolist() == [False, True, True, True]
        assert bind(f"({text}) is null").select(columns).tolist() == [False, False, True, True]


def test_coordinates_in_other_units_are_converted() -> None:
    columns = {"o:3": (np.deg2rad([5.0, 20.0]), None), "o:2": (np.zeros(2), None)}
    assert bind("box(l, dec, 0, 10, -1, 1)").select(columns).tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("box(1, 2, 3)", "criterion_syntax", "box takes"),
        ("polygon(0, 0, 1, 1)", "criterion_syntax", "at least three vertices"),
        ("polygon(ra, dec, 0, 0, 1, 1)", "criterion_syntax", "at least three different"),
        ("polygon(0, 0, 1, 0, 1, 1, 2)", "criterion_syntax", "polygon takes"),
        ("box(0, 1, 5, 4)", "criterion_syntax", "from south to north"),
        ("box(0, 1, -91, 4)", "criterion_syntax", "between -90 and 90"),
        ("box(0, inf, 0, 4)", "criterion_syntax", "finite"),
        ("polygon(0, 0, 10, 95, 3, 4)", "criterion_syntax", "between -90 and 90"),
        ("polygon(0, 0, 10, 0, 0, 10, 10, 10)", "criterion_syntax", "cross"),
        ("polygon(0, 0, 1, 1, 2, 2, 0, 0, 1, 1)", "criterion_syntax", "cross"),
        ("polygon(0, 0, 120, 0, 240, 0)", "criterion_syntax", "hemisphere"),
        ("polygon(0, 0, 5, 0, 10, 0)", "criterion_syntax", "cross or touch"),
        ("box(ra, dec, z, 2, 3, 4)", "criterion_syntax", "are numbers"),
        ("box(0, 1 mag, 3, 4)", "unit_mismatch", "no angle"),
        ("box(name, dec, 0, 1, 3, 4)", "criterion_types", "box needs a number"),
        ("box(0, 'a', 3, 4)", "criterion_types", ""),
        ("box(z, dec, 0, 1, 3)", "criterion_syntax", "box takes"),
        ("within(1, 2, 3, 4)", "criterion_syntax", "within takes"),
    ],
)
def test_refused(text: str, code: str, says: str) -> None:
    with pytest.raises(LanguageError) as caught:
        bind(text)
    assert caught.value.code == code
    assert says in caught.value.message


def test_regions_in_expressions() -> None:
    columns = {"ra": (np.array([0.0, 20.0]), None), "dec": (np.zeros(2), None)}
    inside, _ = Expression.parse("box(ra, dec, -10, 10, -1, 1)").evaluate(columns, {})
    assert inside.tolist() == [True, False]
    where, _ = Expression.parse("where(polygon(ra, dec, 10, -5, 10, 5, 30, 0), 1, 2)").evaluate(columns, {})
    assert where.tolist() == [2, 1]
    for text in (
        "box(0, 1, 2, 3)",
        "polygon(0, 0, 1, 0, 1, 1)",
        "box(ra, dec, 0, 1 deg, 2, 3)",
        "box(ra, dec, 0, dec, 2, 3)",
    ):
        with pytest.raises(LanguageError):
            Expression.parse(text)
