"""That fingerprints of equal sets are equal is tested beside the solver, which knows what is equal (test_solver.py)."""

from __future__ import annotations

import hashlib

import numpy as np

from provgraph.language.criterion import Criterion
from provgraph.rewrite.fingerprints import SIZE, fingerprint, may_be_part
from provgraph.rewrite.sets import Knowledge
from provgraph.schema import sets
from provgraph.schema.sets import Definition, Listed
from tests.rewrite.worlds import attributes

A, B = "s:A", "s:B"


def where(text: str) -> tuple[frozenset[str], dict[str, Definition]]:
    bound = Criterion.parse(text).bind(attributes())
    return frozenset(key for key, _ in bound.conjuncts), dict(bound.conjuncts)


def bits(print_: bytes) -> int:
    return int.from_bytes(print_, "little").bit_count()


def test_they_are_the_same_everywhere() -> None:
    """They are kept in graphs, so they must not change."""
    atoms, definitions = where("x < .3 and (i > 1 or t < 'b') and within(ra, dec, 10, 20, 30)")
    union, more = sets.union([atoms | {A}, frozenset((B,))])
    found = fingerprint(union, Knowledge({**definitions, **more}))
    assert hashlib.sha256(found).hexdigest()[:16] == "88dcfe817492aad3"


def test_thresholds_are_told_apart() -> None:
    prints = []
    for text in ("x < .1", "x < .2", "x < 1", "x < 15", "x < 20", "i < 3", "i < 4", "x is null", "t < 'k'", "t < 'l'"):
        atoms, definitions = where(text)
        prints.append(fingerprint(atoms | {A}, Knowledge(definitions)))
    assert len(set(prints)) == len(prints)
    assert all(0 < bits(p) < SIZE for p in prints)


def test_an_arbitrary_set_has_half_of_all() -> None:
    assert 400 < bits(fingerprint(frozenset((A,)), Knowledge())) < 624
    assert not may_be_part(fingerprint(frozenset((A,)), Knowledge()), fingerprint(frozenset((B,)), Knowledge()))


def test_nothing_known_of_identifiers() -> None:
    """Lists look empty: whatever is in them, no virtual source is."""
    knowledge = Knowledge({"l:1": Listed(np.array([1, 2]))})
    assert bits(fingerprint(frozenset((A, "l:1")), knowledge)) == 0


def test_deeply_nested_definitions() -> None:
    definitions: dict[str, Definition] = {}
    now = frozenset((A,))
    for k in range(3000):
        now, more = sets.union([now, frozenset((f"s:{k}",))])
        definitions.update(more)
    assert bits(fingerprint(now, Knowledge(definitions))) == SIZE
