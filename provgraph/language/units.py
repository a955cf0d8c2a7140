"""Units in the language: which words are units, and what the units of a tree are, found before any value is read.

Values are never converted inside a tree, so the check insists on equal scales where two terms meet; only the constant side of a
comparison in a criterion is converted, once, when the criterion is bound.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

from provgraph.errors import UnitMismatch
from provgraph.language.nodes import (
    All,
    Arithmetic,
    Call,
    Compare,
    In,
    Index,
    IsNull,
    Name,
    Negate,
    Node,
    Not,
    Null,
    Number,
    names,
    print_node,
    walk,
)  # fmt: skip
from provgraph.language.nodes import Any as AnyOf
from provgraph.language.tokens import Written
from provgraph.names import UNIT_UNDECLARED, UNITLESS

# The symbols of VOUnits 1.1 (table 1) that take SI prefixes, and those that do not. Known here so that parsing loads no astropy.
_PREFIXED: Final = frozenset(
    [
        "m",
        "g",
        "s",
        "A",
        "K",
        "mol",
        "cd",
        "rad",
        "sr",
        "Hz",
        "N",
        "Pa",
        "J",
        "W",
        "C",
        "V",
        "S",
        "F",
        "Wb",
        "T",
        "H",
        "lm",
        "lx",
        "Ohm",
        "a",
        "yr",
        "pc",
        "Jy",
        "mag",
        "eV",
        "R",
        "barn",
        "G",
        "D",
        "erg",
        "bit",
        "byte",
        "B",
        "adu",
        "count",
        "ct",
        "ph",
        "photon",
        "pix",
        "pixel",
        "electron",
    ]
)
_ALONE: Final = frozenset(
    [
        "deg",
        "arcmin",
        "arcsec",
        "mas",
        "uas",
        "min",
        "h",
        "d",
        "u",
        "au",
        "AU",
        "lyr",
        "dex",
        "dB",
        "bin",
        "beam",
        "chan",
        "voxel",
        "solMass",
        "solLum",
        "solRad",
        "Angstrom",
        "angstrom",
        "Ry",
        "Sun",
        "cy",
        "kg",
        "%",
    ]
)
_PREFIXES: Final = ("da", *"yzafpnumcdhkMGTPEZY")

# Angles are converted exactly, without astropy: they are what criteria on positions are written in.
DEGREES: Final = {
    "deg": Fraction(1), "arcmin": Fraction(1, 60), "arcsec": Fraction(1, 3600), "mas": Fraction(1, 3_600_000),
    "uas": Fraction(1, 3_600_000_000), "uarcsec": Fraction(1, 3_600_000_000),
}  # fmt: skip


def is_unit_word(word: str) -> bool:
    """Whether a word directly behind a number is a unit."""
    if word in _PREFIXED or word in _ALONE or word in DEGREES:
        return True
    return any(word.startswith(p) and word[len(p) :] in _PREFIXED for p in _PREFIXES)


@lru_cache(maxsize=1024)
def unit_of(text: str) -> Any:
    """The astropy unit of a VOUnit text; None where the text is no unit that astropy knows."""
    import warnings

    from astropy import units

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for form in ("vounit", "generic"):
            try:
                return units.Unit("uarcsec" if text == "uas" else text, format=form)
            except (ValueError, TypeError):
                continue
    return None


def converted(value: int | float, unit: str, to: str) -> int | float | None:
    """`value` in the unit `to`; None where one is not convertible into the other."""
    if unit == to:
        return value
    if unit in DEGREES and to in DEGREES:
        return float(Fraction(value) * DEGREES[unit] / DEGREES[to])
    source, target = unit_of(unit), unit_of(to)
    if source is None or target is None:
        return None
    try:
        return float(source.to(target, value))
    except Exception as problem:  # astropy's UnitConversionError, without importing it here
        if type(problem).__name__ not in ("UnitConversionError", "UnitTypeError"):
            raise
        return None


@dataclass(frozen=True, slots=True)
class Unit:
    """unit : an astropy unit, None where not known; bare : of a number without a unit, which takes any where it is compared."""

    unit: Any
    bare: bool = False


_UNKNOWN: Final = Unit(None)


class Units:
    """Finds the unit of every part of one tree; raises UnitMismatch where parts cannot meet.

    units : VOUnit text by name; '?' and what is no unit make everything they flow into unknown, which passes.
    """

    def __init__(self, written: Written, units: Mapping[str, str]) -> None:
        from astropy import units as u

        self.u = u
        self.written = written
        self.units = units
        self.mixed: UnitMismatch | None = None
        self.one = Unit(u.dimensionless_unscaled)
        self.bare = Unit(u.dimensionless_unscaled, bare=True)

    def refuse(self, message: str, node: Node) -> UnitMismatch:
        fault = self.written.fault(message, node.position, code="unit_mismatch", error=UnitMismatch)
        assert isinstance(fault, UnitMismatch)
        return fault

    def text(self, unit: Unit) -> str:
        return "?" if unit.unit is None else unit_text(unit.unit)

    def says(self, unit: Unit) -> str:
        return f"[{self.text(unit)}]" if self.text(unit) else "no unit"

    def is_logarithmic(self, unit: Unit) -> bool:
        """mag, dex, dB: they count ratios, so a plain number may be added to them or declared as one of them."""
        return unit.unit is not None and not self.is_one(unit) and unit.unit.is_equivalent(self.u.dex)

    def is_one(self, unit: Unit) -> bool:
        return unit.unit is not None and unit.unit.is_equivalent(self.u.dimensionless_unscaled)

    def factor(self, unit: Unit, to: Unit) -> float | None:
        """How many `to` one `unit` is; None where they are of different dimensions."""
        if not unit.unit.is_equivalent(to.unit):
            return None
        return float(unit.unit.to(to.unit))

    def same(self, unit: Unit, other: Unit) -> bool:
        factor = self.factor(unit, other)
        return factor is not None and math.isclose(factor, 1, rel_tol=1e-12)

    def meet(self, first: Node, second: Node, a: Unit, b: Unit, place: str, *, adding: bool = False) -> Unit:
        """The unit of two terms that are added, compared, or chosen between."""
        if a.unit is None or b.unit is None:
            return b if a.bare else a if b.bare else _UNKNOWN
        if a.bare and b.bare:
            return self.bare
        if not adding and (a.bare or b.bare):
            return b if a.bare else a
        if self.same(a, b):
            return Unit(a.unit)
        if adding and self.is_logarithmic(a) and self.is_one(b) and self.same(b, self.one):
            return a
        if adding and self.is_logarithmic(b) and self.is_one(a) and self.same(a, self.one):
            return b
        factor = self.factor(a, b)
        says = f"{print_node(first)} has {self.says(a)} and {print_node(second)} has {self.says(b)}"
        if factor is not None:
            raise self.refuse(f"{place} needs one unit: {says}, a factor of {factor:.12g}", second)
        number, other = (first, b) if a.bare else (second, a)
        hint = (
            f"; write {print_node(number)} {self.text(other)}"
            if (a.bare or b.bare) and self.text(other).isalpha()
            else ""
        )
        raise self.refuse(f"{place} needs terms of one dimension: {says}{hint}", second)

    def pure(self, node: Node, place: str, *, logarithmic: bool = False) -> None:
        """Refuses a term with a dimension, and a ratio of two scales of one dimension, such as kpc / pc."""
        unit = self.of(node)
        if unit.unit is None or (logarithmic and self.is_logarithmic(unit)):
            return
        if not self.is_one(unit):
            hint = f"; divide it by a reference such as 1 {self.text(unit)}" if self.text(unit).isalpha() else ""
            raise self.refuse(
                f"{place} needs a number without a unit, and {print_node(node)} has {self.says(unit)}{hint}", node
            )
        if not self.same(unit, self.one):
            scale = self.factor(unit, self.one)
            raise self.refuse(
                f"{place} needs a plain number, and {print_node(node)} is off by a factor of {scale:.12g}", node
            )

    def angle(self, node: Node, place: str, wanted: str) -> None:
        unit = self.of(node)
        if unit.unit is None or (self.is_one(unit) and self.same(unit, self.one)):
            return
        if not self.same(unit, Unit(self.u.Unit(wanted))):
            turn = {"rad": "deg2rad", "deg": "rad2deg"}[wanted]
            hint = f"; {turn}({print_node(node)}) is" if self.text(unit) == {"rad": "deg", "deg": "rad"}[wanted] else ""
            raise self.refuse(f"{place} takes {wanted}, and {print_node(node)} has {self.says(unit)}{hint}", node)

    def of(self, node: Node) -> Unit:
        match node:
            case Name(name):
                text = self.units.get(name, UNIT_UNDECLARED)
                return _UNKNOWN if text == UNIT_UNDECLARED else self.one if text == UNITLESS else Unit(unit_of(text))
            case Number(_, unit):
                if not unit:
                    return self.bare
                if unit_of(unit) is None:
                    raise self.refuse(f"{unit!r} is no unit", node)
                return Unit(unit_of(unit))
            case Negate(term) | Index(term, _):
                return self.of(term)
            case Arithmetic(operator, left, right):
                return self.arithmetic(operator, left, right)
            case Compare(operator, left, right):
                self.meet(left, right, self.of(left), self.of(right), repr(operator))
            case In(term, items):
                for item in items:
                    self.meet(term, item, self.of(term), self.of(item), "'in'")
            case IsNull(term) | Not(term):
                self.of(term)
            case All(terms) | AnyOf(terms):
                for term in terms:
                    self.of(term)
            case Call(function, arguments):
                return self.call(function, arguments)
            case Null():
                return self.bare
        return self.one  # conditions and texts; kinds.py keeps them apart from numbers

    def arithmetic(self, operator: str, left: Node, right: Node) -> Unit:
        a, b = self.of(left), self.of(right)
        match operator:
            case "+" | "-":
                return self.meet(left, right, a, b, repr(operator), adding=True)
            case "%":
                return self.meet(left, right, a, b, "'%'")
            case "**":
                return self.power(left, right)
        if a.unit is None or b.unit is None:
            return _UNKNOWN
        if a.bare and b.bare:
            return self.bare
        return Unit(a.unit * b.unit if operator == "*" else a.unit / b.unit)

    def power(self, base: Node, exponent: Node) -> Unit:
        unit = self.of(base)
        self.pure(exponent, "an exponent", logarithmic=True)
        if unit.unit is None:
            return _UNKNOWN
        if unit.bare or (self.is_one(unit) and self.same(unit, self.one)):
            return self.bare if unit.bare and not names(exponent) else self.one
        if names(exponent):
            raise self.refuse(f"{print_node(base)} has {self.says(unit)}, and its exponent is not a constant", exponent)
        from provgraph.language.normal import constant

        value = constant(exponent)
        return self.one if value is None else Unit(unit.unit ** Fraction(value).limit_denominator(1000))

    def call(self, name: str, arguments: tuple[Node, ...]) -> Unit:
        from provgraph.language.functions import FUNCTIONS

        first = arguments[0]
        match FUNCTIONS[name].units:
            case "keep":
                return self.together(arguments, name)
            case "array":
                return self.vector(arguments, name)
            case "where":
                self.of(first)
                return self.together(arguments[1:], name)
            case "sqrt":
                unit = self.of(first)
                return unit if unit.unit is None or unit.bare else Unit(unit.unit**0.5)
            case "power":
                return self.power(first, arguments[1])
            case "exponent":
                self.pure(first, name, logarithmic=True)
            case "pure":
                self.pure(first, name)
                return self.bare if not names(first) else self.one
            case "of_angle":
                self.angle(first, name, "rad")
            case "to_angle":
                self.pure(first, name)
                return Unit(self.u.rad)
            case "arctan2":
                self.together(arguments, name)
                return Unit(self.u.rad)
            case "deg2rad":
                self.angle(first, name, "deg")
                return Unit(self.u.rad)
            case "rad2deg":
                self.angle(first, name, "rad")
                return Unit(self.u.deg)
            case "distmod":
                self.pure(first, name)
                return Unit(self.u.mag)
            case "spread":
                return self.one
            case "distance":
                self.pure(first, name)
                return Unit(self.u.Mpc)
            case _:
                for argument in arguments:
                    self.of(argument)
        return self.one

    def vector(self, nodes: tuple[Node, ...], name: str) -> Unit:
        """Features of several dimensions may stand beside each other, as long as nobody declares one unit for them."""
        try:
            return self.together(nodes, name)
        except UnitMismatch as error:
            self.mixed = error
            return _UNKNOWN

    def together(self, nodes: tuple[Node, ...], name: str) -> Unit:
        unit, before = self.of(nodes[0]), nodes[0]
        for node in nodes[1:]:
            unit = self.meet(before, node, unit, self.of(node), name)
            before = node
        return unit


def unit_text(unit: Any) -> str:
    """A unit as VOUnit text; in astropy's own spelling where VOUnit has none."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for form in ("vounit", "generic"):
            try:
                return str(unit.to_string(form))
            except ValueError:
                continue
    return str(unit)


def united(node: Node) -> bool:
    """Whether a number in the tree has a unit."""
    return any(isinstance(part, Number) and part.unit for part in walk(node))


def quick_unit(node: Node, units: Mapping[str, str]) -> str | None:
    """The unit text of a simple tree, such as a column or a colour, without loading astropy; None where it takes more."""
    match node:
        case Name(name):
            return units.get(name, UNIT_UNDECLARED)
        case Negate(term):
            return quick_unit(term, units)
        case Arithmetic("+" | "-" | "*" | "/", left, right):
            a, b = quick_unit(left, units), quick_unit(right, units)
            if node.operator in "*/" and isinstance(right, Number) and not right.unit:
                return a
            if node.operator == "*" and isinstance(left, Number) and not left.unit:
                return b
            return a if a == b and (node.operator in "+-" or a in (UNIT_UNDECLARED, UNITLESS)) else None
        case Number(_, ""):
            return UNITLESS
    return None
