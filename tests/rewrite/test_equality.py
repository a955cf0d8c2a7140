"""Classes of equal sets are what comparing every two gives."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from provgraph.language.criterion import BoundCriterion
from provgraph.rewrite.equality import classes
from provgraph.rewrite.sets import Answer, Knowledge
from provgraph.rewrite.solver import Reasoner
from provgraph.schema.sets import union


@st.composite
def worlds(draw):
    """Definitions of atoms, and sets over them: thresholds on a real and a whole attribute, unions of earlier sets."""
    definitions = {}
    sets = [frozenset({"s:a"}), frozenset({"s:b"})]
    for _ in range(draw(st.integers(2, 12))):
        base = draw(st.sampled_from(sets))
        if draw(st.booleans()):
            whole = draw(st.booleans())
            operator = draw(st.sampled_from(["<=", ">="] if whole else ["<", "<=", ">", ">=", "="]))
            value = draw(st.integers(0, 3)) if whole else draw(st.sampled_from([0.0, 0.5, 1.0]))
            ((key, text),) = BoundCriterion.from_canonical(f"`{'k' if whole else 'x'}` {operator} {value!r}").conjuncts
            definitions[key] = text
            sets.append(base | {key})
        else:
            made, meaning = union([base, draw(st.sampled_from(sets))])
            definitions.update(meaning)
            sets.append(made)
    return definitions, sets


@settings(deadline=None, max_examples=150)
@given(worlds())
def test_classes_are_what_comparing_every_two_gives(world):
    definitions, sets = world
    knowledge = Knowledge(definitions)
    found = {one: number for number, members in enumerate(classes(knowledge, sets)) for one in members}
    reasoner = Reasoner(knowledge)
    for a in sets:
        for b in sets:
            if a != b:
                equal = reasoner.equal(a, b).answer is Answer.YES
                assert (a in found and b in found and found[a] == found[b]) == equal
