"""Fingerprints of sets of sources: which of 1024 virtual sources each has, from the definitions alone.

Equal sets have equal fingerprints and a part has no bit that the whole lacks, as far as definitions tell; so an index of
fingerprints gives all candidates for "the same sources" and "contained in", and `solver` decides among them. What a virtual
source is like (in which Externals, with which values) depends on nothing but its number and the keys: fingerprints of any two
processes can be compared. In the index all identifiers lie outside of explicit lists, id spaces are not told apart, and facts
are not used.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from itertools import product
from typing import Any, Final

import numpy as np

from provgraph.language import implication
from provgraph.language.implication import BELOW, IS, THERE, Every, Formula, Literal, Term, Variable
from provgraph.rewrite.plan import INVERSE, criterion_origins
from provgraph.rewrite.sets import Knowledge, relabelled_origin
from provgraph.schema.sets import Atoms, Complement, Listed, Relabelled, Union

Array = np.ndarray[Any, Any]
View = tuple[tuple[str, str], ...]
"""From where a source is looked at: () as it is; each further step (relabelling, witness) goes back to what was relabelled."""

SIZE: Final = 1024
ALL: Final = (1 << SIZE) - 1
_WITNESSES: Final = 2  # sources that a map which is not injective takes to one


def fingerprint(atoms: Atoms, knowledge: Knowledge) -> bytes:
    """128 bytes; see `may_be_part`."""
    return Simulation(knowledge).atoms((), atoms).to_bytes(SIZE // 8, "little")


def may_be_part(smaller: bytes, larger: bytes) -> bool:
    """False when definitions do not make one set a part of another, from their fingerprints."""
    return int.from_bytes(smaller, "little") & ~int.from_bytes(larger, "little") == 0


def home(view: View) -> tuple[View, View]:
    """Where attributes seen from a view can be named, and the steps from there, all through injective maps."""
    at = max((i + 1 for i, (_, witness) in enumerate(view) if witness), default=0)
    return view[:at], view[at:]


def back(view: View, relabelling: str, witness: str = "") -> View:
    """One step further back; back through a map and then through its inverse is where one was."""
    there_and_back = relabelling.removeprefix(INVERSE) if relabelling.startswith(INVERSE) else INVERSE + relabelling
    return view[:-1] if not witness and view and view[-1] == (there_and_back, "") else (*view, (relabelling, witness))


def simulated(view: View) -> list[View]:
    """The views in which virtual sources are looked at: by a map that is not injective, each has several that it came from."""
    choices = ([(r, str(i + 1)) for i in range(_WITNESSES)] if witness else [(r, "")] for r, witness in view)
    return [tuple(steps) for steps in product(*choices)]


def origin_at_home(origin: str, steps: View) -> str:
    """The origin that an attribute has after the maps that these steps go back through."""
    for relabelling, _ in reversed(steps):
        origin = relabelled_origin(relabelling, origin)
    return origin


def at_home(canonical: str, view: View) -> tuple[View, str]:
    """A criterion about what is seen from a view, over the attributes of its home."""
    place, steps = home(view)
    if not steps:
        return place, canonical
    names = tuple((o, origin_at_home(o, steps)) for o in criterion_origins(canonical))
    return place, implication.renamed(canonical, names)


class Simulation:
    """Virtual sources, as bits of an int.

    concrete : use the lists and id spaces that are known, as well as can be: truer, but for this knowledge only.
    """

    def __init__(self, knowledge: Knowledge, *, concrete: bool = False) -> None:
        self.knowledge = knowledge
        self._known: dict[tuple[View, str], int] = {}
        self._ids: dict[View, Array] = {}
        self._concrete = concrete
        self._spaces = sorted(set(knowledge.spaces.values())) if concrete else []
        self._listed = self._all_listed() if concrete else None

    def atoms(self, view: View, atoms: Atoms) -> int:
        """Those in all of the atoms."""
        bits = ALL
        for atom in atoms:
            known = self._known.get((view, atom))
            bits &= known if known is not None else self._find(view, atom)
        return bits

    def _find(self, view: View, atom: str) -> int:
        """Bits of an atom; definitions may be nested more deeply than Python calls."""
        todo = [(view, atom)]
        while todo:
            at = todo[-1]
            if at not in self._known:
                missing = [needed for needed in self._needs(*at) if needed not in self._known]
                if missing:
                    todo += missing
                    continue
                self._known[at] = self._evaluate(*at)
            todo.pop()
        return self._known[view, atom]

    def _needs(self, view: View, atom: str) -> list[tuple[View, str]]:
        match self.knowledge.definitions.get(atom):
            case Union(parts):
                return [(view, a) for part in parts for a in part]
            case Complement(of):
                return [(view, a) for a in of]
            case Relabelled() as image:
                return [(v, a) for v in self._witnesses(view, image) for a in image.preimage]
        return []

    @staticmethod
    def _witnesses(view: View, image: Relabelled) -> list[View]:
        if image.injective:
            return [back(view, image.relabelling)]
        return [back(view, image.relabelling, str(i + 1)) for i in range(_WITNESSES)]

    def _evaluate(self, view: View, atom: str) -> int:
        bits = 0
        match self.knowledge.definitions.get(atom):
            case str(canonical):
                place, text = at_home(canonical, view)
                bits = where(place, implication.meaning(text))
            case Union(parts):
                for part in parts:
                    bits |= self.atoms(view, part)
            case Complement(of):
                bits = ALL & ~self.atoms(view, of)
            case Relabelled() as image:
                for witness in self._witnesses(view, image):
                    bits |= self.atoms(witness, image.preimage)
            case Listed(ids):
                bits = self._in_list(view, ids)
            case _ if atom.startswith("l:") and not self._concrete:
                bits = 0
            case _:
                bits = int.from_bytes(_random("set", view, atom, size=SIZE // 8), "little")
        space = self.knowledge.spaces.get(atom)
        if self._spaces and space:
            bits &= self._in_space(view, space)
        return bits

    # -- identifiers

    def _all_listed(self) -> Array | None:
        """Identifiers of the known lists, of one kind."""
        lists = [d.ids for d in self.knowledge.definitions.values() if isinstance(d, Listed) and len(d.ids)]
        kinds = {ids.dtype.kind for ids in lists}
        return np.unique(np.concatenate(lists)) if len(kinds) == 1 else None

    def _in_list(self, view: View, ids: Array) -> int:
        if self._listed is None or not len(ids):
            return 0
        if view not in self._ids:
            raw = np.frombuffer(_random("ids", view, "", size=8 * SIZE), dtype="<u8")
            chosen = self._listed[(raw >> np.uint64(8)) % np.uint64(len(self._listed))]
            self._ids[view] = np.ma.MaskedArray(chosen, raw % 4 == 0)
        chosen = self._ids[view]
        return _bits(np.isin(chosen.data, ids) & ~np.ma.getmaskarray(chosen))

    def _in_space(self, view: View, space: str) -> int:
        raw = np.frombuffer(_random("space", view, "", size=8 * SIZE), dtype="<u8")
        return _bits(raw % np.uint64(len(self._spaces)) == self._spaces.index(space))


# -- values, which are the same whatever is known ------------------------------------------------------------------------


def where(view: View, formula: Formula) -> int:
    """The virtual sources for which a formula is true."""
    if isinstance(formula, Literal):
        bits = _proposition(view, formula.variable)
        return bits if formula.positive else ALL & ~bits
    every = isinstance(formula, Every)
    bits = ALL if every else 0
    for part in formula.parts:
        bits = bits & where(view, part) if every else bits | where(view, part)
    return bits


@lru_cache(maxsize=65536)
def _proposition(view: View, variable: Variable) -> int:
    kind, term, bound = variable
    if kind == THERE:
        bits = ALL if term.exact else ALL & ~_bits(_value(view, term, text=False)[1])
        for part in term.parts:
            bits &= _proposition(view, Variable(THERE, part))
        return bits
    if kind == IS:
        bits = _is(view, term)
    else:
        values, _ = _value(view, term, text=isinstance(bound, str))
        whole = np.floor(values) if isinstance(bound, int) else values
        bits = _bits(whole < bound if kind == BELOW else whole <= bound)
    return bits & _proposition(view, Variable(THERE, term))


def _is(view: View, term: Term) -> int:
    if term.region is not None and len(term.parts) == 2:
        (ra, _), (dec, _) = (_value(view, part, text=False) for part in term.parts)
        return _bits(term.region.holds(ra, dec))
    if term.region is not None:
        return 0  # no virtual source is there, which contradicts nothing
    return int.from_bytes(_random("condition", view, term.text, size=SIZE // 8), "little")


@lru_cache(maxsize=1024)
def _value(view: View, term: Term, *, text: bool) -> tuple[Array, Array]:
    """Values, and where there are none, of a term that is a number or a text: shape (1024,)."""
    raw = np.frombuffer(_random("values", view, term.text, size=8 * SIZE), dtype="<u8")
    return (_texts(raw) if text else _numbers(raw)), raw % 16 == 0


def _random(what: str, view: View, key: str, *, size: int) -> bytes:
    """The same bytes for the same key, everywhere and always."""
    return hashlib.shake_256("\0".join((what, *(part for step in view for part in step), key)).encode()).digest(size)


def _numbers(raw: Array) -> Array:
    """Numbers as catalogs have them, so that thresholds tell sources apart: round ones, small ones, of all magnitudes."""
    choice = (raw >> np.uint64(4)) % np.uint64(16)
    number = (raw >> np.uint64(8)).astype(np.uint64)
    tenths = (number % np.uint64(600)).astype(np.float64) / 10 - 10
    whole = (number % np.uint64(41)).astype(np.float64) - 10
    small = (number % np.uint64(4000)).astype(np.float64) / 1000
    exponent = (number % np.uint64(30)).astype(np.int64) - 10
    fraction = (number >> np.uint64(16)).astype(np.float64) / 2.0**40 + 1
    wide = np.ldexp(fraction, exponent) * np.where(number & np.uint64(1 << 10), 1, -1)
    return np.select([choice < 5, choice < 9, choice < 13], [tenths, whole, small], wide)


def _texts(raw: Array) -> Array:
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    numbers = [int(r) >> 8 for r in raw]
    return np.array(["".join(letters[(n >> 8 * i) % 62] for i in range(n % 4)) for n in numbers], dtype=object)


def _bits(mask: Array) -> int:
    return int.from_bytes(np.packbits(np.asarray(mask, dtype=bool), bitorder="little").tobytes(), "little")
