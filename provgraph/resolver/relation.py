"""How the sources of two collections relate: an answer to each question, three-valued, with its reason."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from provgraph.bulk.store import BulkStore
from provgraph.errors import InvalidInput
from provgraph.graph.mapper import Mapper
from provgraph.resolver.knowledge import Known, words_for
from provgraph.rewrite.sets import Answer, Proof
from provgraph.schema.collection import SourceCollection

Question = Literal["subset", "superset", "equal", "disjoint"]
QUESTIONS: tuple[Question, ...] = ("subset", "superset", "equal", "disjoint")


class Relation:
    """What is known of the sources of `a` beside those of `b`.

    subset : all sources of a are in b; superset : the other way round. An `Answer` that is UNKNOWN is no truth value.
    """

    def __init__(self, a: SourceCollection, b: SourceCollection, known: Known) -> None:
        self.a, self.b, self._known = a, b, known
        self._reasoner = known.about(a.sources(), b.sources())

    @cached_property
    def _proofs(self) -> dict[str, Proof]:
        a, b = self.a.sources().atoms, self.b.sources().atoms
        ask = self._reasoner
        return {"subset": ask.subset(a, b), "superset": ask.subset(b, a), "equal": ask.equal(a, b),
                "disjoint": ask.disjoint(a, b)}  # fmt: skip

    @property
    def subset(self) -> Answer:
        return self._proofs["subset"].answer

    @property
    def superset(self) -> Answer:
        return self._proofs["superset"].answer

    @property
    def equal(self) -> Answer:
        return self._proofs["equal"].answer

    @property
    def disjoint(self) -> Answer:
        return self._proofs["disjoint"].answer

    def because(self, question: Question) -> str:
        """The reason for an answer, as a sentence."""
        if question not in QUESTIONS:
            raise InvalidInput(f"{question!r} is no question; ask {', '.join(QUESTIONS)}.", code="question_unknown")
        return self._proofs[question].reason

    def rules(self, question: Question) -> tuple[str, ...]:
        """The rules that an answer rests on, as docs/relations.md names them."""
        return self._proofs[question].rules

    def __repr__(self) -> str:
        said = ", ".join(f"{q}: {self._proofs[q].answer.name}" for q in QUESTIONS)
        return f"<Relation of {self.a.label} to {self.b.label}: {said}>"


def relation(mapper: Mapper, store: BulkStore, a: SourceCollection, b: SourceCollection) -> Relation:
    """Read what there is to know of two collections, and answer from it."""
    mapper.cone([a, b])
    _ = a.sources().told | b.sources().told  # which lineage then tells without reading more
    return Relation(a, b, Known(mapper, store, words_for([a, b], lambda one: one.label)))
