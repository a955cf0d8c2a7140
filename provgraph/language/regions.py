"""Regions of the sky that criteria select by: cones, boxes and polygons; what is in them, and which lie in which.

Positions are right ascension and declination in degrees. A right ascension counts modulo 360; a declination beyond ±90 is no
position and in no region. `contains` and `apart` say yes only where that is certain, the rounding of `holds` included.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any, Final, Protocol

import numpy as np

Array = np.ndarray[Any, Any]
Limits = tuple[float, float] | None

# More than rounding moves a position or the haversine of it, in degrees; far from the centre the haversine says less.
ROUNDING: Final = 3e-9
ROUNDING_FAR: Final = 1e-4
_EDGE: Final = 1e-14  # radians from an edge of a polygon that rounding cannot tell from being on it
_NARROWEST: Final = 1e-12  # radians: sides of a polygon that are shorter, or corners that are flatter, mean nothing
WIDEST: Final = 88.0


class Region(Protocol):
    """A part of the sky."""

    def holds(self, ra: Array, dec: Array) -> Array:
        """Which positions are in it; ra, dec : ndarray, shape (n,), float64 [deg]. What is NaN is not."""
        ...

    def contains(self, other: Region) -> bool:
        """Whether what `other` holds this one certainly holds too."""
        ...

    def apart(self, other: Region) -> bool:
        """Whether certainly no position is in both."""
        ...

    def limits(self) -> tuple[Limits, Limits]:
        """Between which values right ascension and declination are for certain, as they are written."""
        ...


def contains(outer: Region, inner: Region) -> bool | None:
    """True where `outer` provably holds all that `inner` holds, False where it provably does not, None where nobody knows."""
    if outer.contains(inner):
        return True
    return False if outer.apart(inner) else None  # a region is never empty


def separate(one: Region, other: Region) -> bool | None:
    """True where no position is in both, False where one lies in the other, None where nobody knows."""
    if one.apart(other):
        return True
    return False if one.contains(other) or other.contains(one) else None


@dataclass(frozen=True)
class Cone:
    """within(ra, dec, ra0, dec0, radius): at most `radius` from a position."""

    ra: float
    dec: float
    radius: float

    def holds(self, ra: Array, dec: Array) -> Array:
        # A cheap band first: most of a catalog is outside of it.
        inside = np.abs(dec - self.dec) <= self.radius + 1e-9
        near = np.flatnonzero(inside)
        ra, dec = ra[near], dec[near]
        inside[near] = in_cone(ra, dec, self.ra, self.dec, self.radius) & (np.abs(dec) <= 90)
        return inside

    def contains(self, other: Region) -> bool:
        if isinstance(other, Cone):
            if (self.ra, self.dec) == (other.ra, other.dec):
                return other.radius <= self.radius and (
                    self.radius >= 180 or _haversine(other.radius) <= _haversine(self.radius)
                )
            reach = separation(self.ra, self.dec, other.ra, other.dec) + other.radius
        elif isinstance(other, Box):
            reach = other.farthest(self.ra, self.dec)
        elif isinstance(other, Polygon):
            reach = separation(self.ra, self.dec, *other.centre) + other.reach
            if self.radius < WIDEST:  # such a cone is convex: it holds the edges between vertices that it holds
                reach = min(reach, max(separation(self.ra, self.dec, *v) for v in other.vertices))
        else:
            return False
        return self.radius >= 180 or reach + _margin(self.radius) <= self.radius

    def apart(self, other: Region) -> bool:
        if isinstance(other, Cone):
            reach = self.radius + other.radius
            return separation(self.ra, self.dec, other.ra, other.dec) > reach + _margin(reach)
        if isinstance(other, Box):
            return other.nearest(self.ra, self.dec) > self.radius + _margin(self.radius)
        return other.apart(self)

    def limits(self) -> tuple[Limits, Limits]:
        reach = self.radius + ROUNDING
        return None, (max(self.dec - reach, -90.0), min(self.dec + reach, 90.0))


@dataclass(frozen=True)
class Box:
    """box(ra, dec, ra_min, ra_max, dec_min, dec_max): from one right ascension eastward to another, between two declinations.

    Across 0 where ``ra_min > ra_max``; all around from 0 to 360. Coordinates are compared as they are, at a pole too; the limits
    belong to it.
    """

    west: float
    east: float
    south: float
    north: float

    @classmethod
    def of(cls, ra_min: float, ra_max: float, south: float, north: float) -> Box:
        """With right ascensions in their one spelling: between 0 and 360."""
        if ra_max - ra_min >= 360:
            return cls(0.0, 360.0, south, north)
        return cls(turned(ra_min), turned(ra_max), south, north)

    @property
    def width(self) -> float:
        """From west to east."""
        return self.east - self.west + (360.0 if self.east < self.west else 0.0)

    @property
    def is_all_around(self) -> bool:
        return self.width >= 360

    @property
    def _pieces(self) -> list[tuple[float, float]]:
        """Right ascensions between 0 and 360."""
        return [(self.west, self.east)] if self.west <= self.east else [(self.west, 360.0), (0.0, self.east)]

    def holds(self, ra: Array, dec: Array) -> Array:
        inside = (dec >= self.south) & (dec <= self.north)
        near = np.flatnonzero(inside)
        turn = np.mod(ra[near], 360.0)
        turn[turn == 360.0] = 0.0  # what is a little less than a multiple rounds up to it
        if self.west <= self.east:
            inside[near] = (turn >= self.west) & (turn <= self.east)
        else:
            inside[near] = (turn >= self.west) | (turn <= self.east)
        return inside

    def contains(self, other: Region) -> bool:
        if isinstance(other, Box):
            return self.south <= other.south and other.north <= self.north and all(
                any(w <= west and east <= e for w, e in self._pieces) for west, east in other._pieces
            )  # fmt: skip
        if isinstance(other, Cone):
            south, north, west, width = _bounds_of_cone(other)
        elif isinstance(other, Polygon):
            south, north, west, width = other.bounds
        else:
            return False
        if not (self.south <= max(south, -90.0) and min(north, 90.0) <= self.north):
            return False
        return self.is_all_around or (width < 360 and turned(west - self.west) + width <= self.width)

    def apart(self, other: Region) -> bool:
        if isinstance(other, Box):
            return self.north < other.south or other.north < self.south or not any(
                west <= e and w <= east for w, e in self._pieces for west, east in other._pieces
            )  # fmt: skip
        return other.apart(self)

    def limits(self) -> tuple[Limits, Limits]:
        return None, (self.south, self.north)  # a right ascension of 370 is one of 10

    def farthest(self, ra: float, dec: float) -> float:
        """The largest angle between a position and one in the box."""
        if self.is_all_around or turned(ra + 180 - self.west) <= self.width:
            along = 180.0
        else:
            along = max(_turn(ra - self.west), _turn(ra - self.east))
        return max(_angle(along, dec, d) for d in self._declinations(along, dec, largest=True))

    def nearest(self, ra: float, dec: float) -> float:
        """The smallest angle between a position and one in the box."""
        if self.is_all_around or turned(ra - self.west) <= self.width:
            along = 0.0
        else:
            along = min(_turn(ra - self.west), _turn(ra - self.east))
        return min(_angle(along, dec, d) for d in self._declinations(along, dec, largest=False))

    def _declinations(self, along: float, dec: float, *, largest: bool) -> list[float]:
        """Where on a meridian of the box the angle to a position, `along` from it, can be largest or smallest."""
        up, out = math.sin(math.radians(dec)), math.cos(math.radians(dec)) * math.cos(math.radians(along))
        turning = math.degrees(math.atan2(-up, -out) if largest else math.atan2(up, out))
        return [self.south, self.north, *([turning] if self.south < turning < self.north else [])]


@dataclass(frozen=True)
class Polygon:
    """polygon(ra, dec, lon1, lat1, lon2, lat2, lon3, lat3, ...): between great circles from each vertex to the next.

    It lies within `WIDEST` degrees of some position, so that there is no doubt which side is meant, and its edges do not cross. An
    edge belongs to it, to about 1e-12 degrees. vertices : from east over north to west around it, beginning with the one that
    sorts first, so that a polygon has one spelling.
    """

    vertices: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, numbers: tuple[float, ...]) -> Polygon:
        """Raises ValueError with a sentence about what is wrong with the vertices."""
        given = [(turned(lon), lat) for lon, lat in zip(numbers[::2], numbers[1::2], strict=True)]
        vertices = [v for k, v in enumerate(given) if separation(*v, *given[k - 1]) > math.degrees(_NARROWEST)]
        if len(vertices) < 3:
            raise ValueError("A polygon has at least three different vertices")
        made = cls(tuple(vertices))
        if made.reach > WIDEST:
            raise ValueError("A polygon lies within a hemisphere; make several of a larger one")
        if made._crosses_itself():
            raise ValueError("The edges of the polygon cross or touch; name the vertices in order along its border")
        if made._area < 0:
            vertices.reverse()
        first = vertices.index(min(vertices))
        return cls(tuple(vertices[first:] + vertices[:first]))

    # -- geometry

    @cached_property
    def points(self) -> Array:
        """Unit vectors of the vertices, shape (n, 3)."""
        lon, lat = np.deg2rad(np.array(self.vertices)).T
        return directions(lon, lat)

    @cached_property
    def _centre(self) -> Array:
        """A direction from which the farthest vertex is about as near as can be: the centre of the smallest ball around them."""
        centre = self.points.mean(axis=0)
        for step in range(2, 400):
            away = self.points[np.argmax(((self.points - centre) ** 2).sum(axis=1))]
            centre = centre + (away - centre) / step
        length = float(np.linalg.norm(centre))
        return centre / length if length > 1e-9 else self.points[0]

    @cached_property
    def centre(self) -> tuple[float, float]:
        x, y, z = self._centre.tolist()
        return math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))

    @cached_property
    def reach(self) -> float:
        """From the centre to the farthest vertex."""
        return max(separation(*self.centre, *v) for v in self.vertices)

    @cached_property
    def _plane(self) -> tuple[Array, Array]:
        """Two directions at right angles to the centre and to each other: east and north of it."""
        pole = np.array([0.0, 0.0, 1.0]) if abs(self._centre[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
        east = np.cross(pole, self._centre)
        east /= np.linalg.norm(east)
        return east, np.cross(self._centre, east)

    def _flat(self, points: Array) -> tuple[Array, Array]:
        """Points in the plane that touches the sphere at the centre, where great circles are straight lines."""
        east, north = self._plane
        depth = points @ self._centre
        return points @ east / depth, points @ north / depth

    @cached_property
    def _corners(self) -> tuple[list[float], list[float]]:
        x, y = self._flat(self.points)
        return x.tolist(), y.tolist()

    @cached_property
    def _area(self) -> float:
        """In the plane; positive when the vertices turn from east to north."""
        x, y = self._corners
        return sum(x[k - 1] * y[k] - x[k] * y[k - 1] for k in range(len(x))) / 2

    def _crosses_itself(self) -> bool:
        n = len(self.vertices)
        x, y = self._corners
        for k in range(n):
            if abs(_left(x, y, k - 1, k, (k + 1) % n)) <= _NARROWEST**2:
                folded = (x[k] - x[k - 1]) * (x[(k + 1) % n] - x[k]) + (y[k] - y[k - 1]) * (y[(k + 1) % n] - y[k]) < 0
                if folded:
                    return True
        ends = [(k, (k + 1) % n) for k in range(n)]
        return abs(self._area) < _NARROWEST or any(
            _meet(x, y, a, b, c, d) for i, (a, b) in enumerate(ends) for c, d in ends[i + 1 :] if len({a, b, c, d}) == 4
        )

    @cached_property
    def normals(self) -> Array:
        """For each edge, from a vertex to the next, the direction at right angles to its great circle, on the inner side at it."""
        crossed = np.cross(self.points, np.roll(self.points, -1, axis=0))
        return crossed / np.linalg.norm(crossed, axis=1)[:, None]

    @cached_property
    def is_convex(self) -> bool:
        return bool(((self.points @ self.normals.T) >= -1e-12).all())

    @cached_property
    def bounds(self) -> tuple[float, float, float, float]:
        """(south, north, west, width) of what holds it with room for rounding; the width is 360 at a pole."""
        lats = [lat for _, lat in self.vertices]
        for k, normal in enumerate(self.normals):
            for top in (1.0, -1.0):  # the northernmost and the southernmost point of a great circle
                point = top * np.array([-normal[2] * normal[0], -normal[2] * normal[1], 1 - normal[2] ** 2])
                size = float(np.linalg.norm(point))
                if size > 1e-12 and self._on_edge(k, point / size):
                    lats.append(math.degrees(math.asin(max(-1.0, min(1.0, float(point[2]) / size)))))
        poles = [k for k in (90.0, -90.0) if self.distance(0.0, k) < 1e-6 or self._inside(0.0, k)]
        if poles:
            return min([*lats, *poles]) - ROUNDING, max([*lats, *poles]) + ROUNDING, 0.0, 360.0
        place, places = 0.0, [0.0]
        lons = [lon for lon, _ in self.vertices]
        for before, after in pairwise(lons):
            place += math.remainder(after - before, 360)
            places.append(place)
        slack = ROUNDING / max(math.cos(math.radians(max(map(abs, lats)))), 1e-9)
        west, width = min(places) - slack, max(places) - min(places) + 2 * slack
        return min(lats) - ROUNDING, max(lats) + ROUNDING, turned(lons[0] + west), width

    def _on_edge(self, k: int, point: Array) -> bool:
        """Whether a point of the great circle of an edge lies between its ends."""
        a, b, normal = self.points[k], self.points[(k + 1) % len(self.points)], self.normals[k]
        return bool(np.cross(normal, a) @ point >= 0 and np.cross(b, normal) @ point >= 0)

    def distance(self, ra: float, dec: float) -> float:
        """The smallest angle between a position and an edge."""
        point = directions(math.radians(ra), math.radians(dec))
        found = [separation(ra, dec, *v) for v in self.vertices]
        for k, normal in enumerate(self.normals):
            across = point - (point @ normal) * normal
            size = float(np.linalg.norm(across))
            if size > 1e-12 and self._on_edge(k, across / size):
                found.append(math.degrees(abs(math.atan2(float(point @ normal), size))))
        return min(found)

    def _inside(self, ra: float, dec: float) -> bool:
        return bool(self.holds(np.array([float(ra)]), np.array([float(dec)]))[0])

    # -- what is in it

    def holds(self, ra: Array, dec: Array) -> Array:
        reach = self.reach + ROUNDING
        inside = (np.abs(dec - self.centre[1]) <= reach) & (np.abs(dec) <= 90)
        near = np.flatnonzero(inside)
        points = directions(np.deg2rad(ra[near]), np.deg2rad(dec[near]))
        close = points @ self._centre >= math.cos(math.radians(reach)) - 1e-12
        found = np.zeros(len(near), bool)
        found[close] = self._winds(points[close])
        inside[near] = found
        return inside

    def _winds(self, points: Array) -> Array:
        """Whether the border goes around points, or through them; points : shape (n, 3), on the side of the centre."""
        px, py = self._flat(points)
        x, y = self._corners
        turns, on = np.zeros(len(px), np.int64), np.zeros(len(px), bool)
        for k in range(len(x)):
            ax, ay, bx, by = x[k - 1], y[k - 1], x[k], y[k]
            left = (bx - ax) * (py - ay) - (px - ax) * (by - ay)
            turns += ((ay <= py) & (py < by) & (left > 0)).astype(np.int64)
            turns -= ((by <= py) & (py < ay) & (left < 0)).astype(np.int64)
            length = math.hypot(bx - ax, by - ay)
            ahead = (px - ax) * (bx - ax) + (py - ay) * (by - ay)
            tiny = _EDGE * (1 + px * px + py * py) * length
            on |= (np.abs(left) <= tiny) & (ahead >= -tiny) & (ahead <= length * length + tiny)
        return on | (turns != 0)

    # -- relations

    def contains(self, other: Region) -> bool:
        if isinstance(other, Cone):
            if other.radius >= WIDEST or not self._inside(other.ra, other.dec):
                return False
            return self.distance(other.ra, other.dec) >= other.radius + ROUNDING
        if isinstance(other, Polygon):
            if self == other:
                return True
            if not all(self._inside(*v) for v in other.vertices):
                return False
            if self.is_convex:
                return bool((other.points @ self.normals.T >= math.radians(ROUNDING)).all())
            return self._borders_apart(other)
        if isinstance(other, Box):
            return self.is_convex and all(other.farthest(*_position(n)) <= 90 - ROUNDING for n in self.normals)
        return False

    def apart(self, other: Region) -> bool:
        if isinstance(other, Cone):
            if self._inside(other.ra, other.dec):
                return False
            return self.distance(other.ra, other.dec) > other.radius + _margin(other.radius)
        if isinstance(other, Polygon):
            if separation(*self.centre, *other.centre) > self.reach + other.reach + ROUNDING:
                return True
            if any(self._inside(*v) for v in other.vertices) or any(other._inside(*v) for v in self.vertices):
                return False
            return self._borders_apart(other)
        if isinstance(other, Box):
            south, north, west, width = self.bounds
            if north < other.south or other.north < south:
                return True
            beside = turned(west - other.west) > other.width and turned(other.west - west) > width
            if beside and width < 360 and not other.is_all_around:
                return True
            if other.nearest(*self.centre) > self.reach + ROUNDING:
                return True
            return self.is_convex and any(other.farthest(*_position(-n)) <= 90 - ROUNDING for n in self.normals)
        return other.apart(self)

    def _borders_apart(self, other: Polygon) -> bool:
        """Whether no edge of one comes near an edge of the other."""
        if min(self.distance(*v) for v in other.vertices) <= ROUNDING:
            return False
        if min(other.distance(*v) for v in self.vertices) <= ROUNDING:
            return False
        return not any(
            _arcs_cross(self.points[i - 1], self.points[i], other.points[k - 1], other.points[k])
            for i in range(len(self.points)) for k in range(len(other.points))
        )  # fmt: skip

    def limits(self) -> tuple[Limits, Limits]:
        south, north, _, _ = self.bounds
        return None, (max(south, -90.0), min(north, 90.0))


REGIONS: Final[dict[str, Callable[[tuple[float, ...]], Region]]] = {
    "within": lambda numbers: Cone(*numbers),
    "box": lambda numbers: Box(*numbers),
    "polygon": lambda numbers: Polygon(tuple(zip(numbers[::2], numbers[1::2], strict=True))),
}
"""What reads a right ascension, a declination and numbers in their one spelling, by function."""


@lru_cache(maxsize=256)
def region(function: str, numbers: tuple[float, ...]) -> Region:
    """The region of a call, from its numbers."""
    return REGIONS[function](numbers)


def spelled(function: str, numbers: tuple[float, ...]) -> tuple[float, ...]:
    """The numbers of a box or a polygon in their one spelling. Raises ValueError with a sentence about what is wrong."""
    if not all(math.isfinite(n) for n in numbers):
        raise ValueError(f"The numbers of {function} are finite")
    for dec in numbers[2:] if function == "box" else numbers[1::2]:
        if not -90 <= dec <= 90:
            raise ValueError(f"The declination {dec:g} is not between -90 and 90 degrees")
    if function == "polygon":
        return tuple(n for vertex in Polygon.of(numbers).vertices for n in vertex)
    west, east, south, north = numbers
    if south > north:
        raise ValueError(f"The declinations of box go from south to north, and {south:g} is above {north:g}")
    box = Box.of(west, east, south, north)
    return (box.west, box.east, box.south, box.north)


# -- angles ------------------------------------------------------------------------------------------------------------


def in_cone(ra: Any, dec: Any, ra0: Any, dec0: Any, radius: Any) -> Any:
    """The haversine formula, which is exact for small angles, and wraps and poles need no care."""
    up = np.sin(np.deg2rad(dec - dec0) / 2) ** 2
    along = np.sin(np.deg2rad(ra - ra0) / 2) ** 2
    found = up + np.cos(np.deg2rad(dec)) * np.cos(np.deg2rad(dec0)) * along
    # radius >= 180 degrees is the whole sky, also where rounding makes the haversine exceed 1.
    return found <= np.where(radius < 180, np.sin(np.deg2rad(radius) / 2) ** 2, 2.0)


def separation(ra: float, dec: float, ra2: float, dec2: float) -> float:
    """Angle between two positions, all in degrees."""
    up = math.sin(math.radians(dec - dec2) / 2) ** 2
    along = math.sin(math.radians(ra - ra2) / 2) ** 2
    found = up + math.cos(math.radians(dec)) * math.cos(math.radians(dec2)) * along
    return math.degrees(2 * math.asin(math.sqrt(min(1.0, found))))


def directions(lon: Any, lat: Any) -> Array:
    """Unit vectors, shape (n, 3), of positions in radians."""
    flat = np.cos(lat)
    return np.stack([flat * np.cos(lon), flat * np.sin(lon), np.sin(lat)], axis=-1)


def turned(angle: float) -> float:
    """The angle between 0 and 360, 360 left out."""
    found = angle % 360.0
    return 0.0 if found == 360.0 else found + 0.0


def _turn(angle: float) -> float:
    """Between two right ascensions, the short way."""
    return abs(math.remainder(angle, 360))


def _angle(along: float, dec: float, dec2: float) -> float:
    return separation(0.0, dec, along, dec2)


def _haversine(radius: float) -> float:
    """As the evaluation of a cone has it."""
    return float(np.sin(np.deg2rad(radius) / 2) ** 2)


def _margin(angle: float) -> float:
    return ROUNDING if angle < 170 else ROUNDING_FAR


def _position(direction: Array) -> tuple[float, float]:
    x, y, z = direction.tolist()
    return math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))


def _bounds_of_cone(cone: Cone) -> tuple[float, float, float, float]:
    """(south, north, west, width) of what holds a cone with room for rounding."""
    reach = cone.radius + _margin(cone.radius)
    if abs(cone.dec) + reach >= 90:
        return cone.dec - reach, cone.dec + reach, 0.0, 360.0
    along = math.asin(min(1.0, math.sin(math.radians(reach)) / math.cos(math.radians(cone.dec))))
    half = math.degrees(along) + ROUNDING
    return cone.dec - reach, cone.dec + reach, turned(cone.ra - half), 2 * half


def _left(x: list[float], y: list[float], a: int, b: int, c: int) -> float:
    return (x[b] - x[a]) * (y[c] - y[a]) - (x[c] - x[a]) * (y[b] - y[a])


def _meet(x: list[float], y: list[float], a: int, b: int, c: int, d: int) -> bool:
    """Whether two straight edges cross or touch."""
    one, two = _left(x, y, a, b, c), _left(x, y, a, b, d)
    three, four = _left(x, y, c, d, a), _left(x, y, c, d, b)
    if one == two == 0:  # in one line
        return max(min(x[a], x[b]), min(x[c], x[d])) <= min(max(x[a], x[b]), max(x[c], x[d])) and max(
            min(y[a], y[b]), min(y[c], y[d])
        ) <= min(max(y[a], y[b]), max(y[c], y[d]))
    return one * two <= 0 and three * four <= 0


def _arcs_cross(a: Array, b: Array, c: Array, d: Array) -> bool:
    """Whether two arcs of great circles, each shorter than half of one, have a point in common; to rounding."""
    one, two = np.cross(a, b), np.cross(c, d)
    along = np.cross(one, two)
    size = float(np.linalg.norm(along))
    if size < 1e-15:
        return False  # one great circle: then the vertices decide
    for point in (along / size, -along / size):
        if all(float(np.cross(n, s) @ point) >= -1e-12 and float(np.cross(e, n) @ point) >= -1e-12
               for n, s, e in ((one, a, b), (two, c, d))):  # fmt: skip
            return True
    return False
