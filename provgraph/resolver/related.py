"""Collections whose sources provably are those of another, contain them, or are among them; found among many.

Fingerprints leave few sets to be proved. They know definitions, and by the statistics of the catalogs which virtual sources
cannot exist; sets that could be equal by their numbers alone are tried as well. What relabelled sets have in common only because
of statistics is not looked for. Nothing here takes more statements because there are more collections.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from provgraph.graph.mapper import Mapper
from provgraph.language import implication
from provgraph.language.implication import Either
from provgraph.resolver.knowledge import Known
from provgraph.rewrite.encoding import bounds_say
from provgraph.rewrite.fingerprints import ALL, Simulation, fingerprint, where
from provgraph.rewrite.sets import Answer, Bounds, Counted
from provgraph.schema.collection import SourceCollection
from provgraph.schema.sets import Atoms, SourceSet

Question = Literal["same_sources_as", "containing", "contained_in"]
CATALOG = "s:"


def related(mapper: Mapper, known: Known, wanted: SourceCollection, question: Question, *,
            most: int | None = None) -> list[str]:  # fmt: skip
    """Keys of the sets of sources, of stored collections, for which the answer is YES.

    most : try to prove it of so many only, those whose fingerprints are most like that of the wanted one.
    """
    this = wanted.sources()
    every = {str(r["key"]): frozenset(r["atoms"]) for r in mapper.read("source_sets_in_space", space=wanted.id_space)}
    found = [key for key, atoms in every.items() if _plainly(this.atoms, atoms, question)]
    candidates = _candidates(mapper, known, wanted, every, question)
    open_ = [(key, atoms) for key, atoms in candidates.items() if not _plainly(this.atoms, atoms, question)]
    undecided = dict(open_[:most])
    if undecided:
        reasoner = known.about(this, *undecided.values())
        for key, atoms in undecided.items():
            match question:
                case "same_sources_as":
                    proof = reasoner.equal(atoms, this.atoms)
                case "containing":
                    proof = reasoner.subset(this.atoms, atoms)
                case "contained_in":
                    proof = reasoner.subset(atoms, this.atoms)
            if proof.answer is Answer.YES:
                found.append(key)
    return sorted(found)


def _plainly(this: Atoms, other: Atoms, question: Question) -> bool:
    """Whether the symbols say so: an intersection of more is part of an intersection of less."""
    match question:
        case "same_sources_as":
            return this == other
        case "containing":
            return other <= this
        case "contained_in":
            return this <= other


def _candidates(mapper: Mapper, known: Known, wanted: SourceCollection, every: dict[str, Atoms], question: Question
                ) -> dict[str, Atoms]:  # fmt: skip
    """The sets among `every` for which there may be a proof; those first that share most virtual sources with the wanted one."""
    this, space = wanted.sources(), wanted.id_space
    marks = {str(r["key"]): int.from_bytes(bytes.fromhex(r["fingerprint"]), "little")
             for r in mapper.read("source_set_marks", space=space)}  # fmt: skip
    unmarked = {key: atoms for key, atoms in every.items() if key not in marks}
    known.define(this, *unmarked.values())
    marks |= {key: _mark(atoms, known) for key, atoms in unmarked.items()}
    mine = _mark(this.atoms, known)
    exist = _possible(mapper, known, this, every.values())
    same_number = _of_one_number(mapper, known, this, space)
    found = {}
    for key, atoms in every.items():
        lacking, more = mine & ~marks[key] & exist, marks[key] & ~mine & exist
        match question:
            case "same_sources_as":
                may_be = not lacking and not more
            case "containing":
                may_be = not lacking
            case "contained_in":
                may_be = not more
        if may_be or key in same_number:
            found[key] = atoms
    return dict(sorted(found.items(), key=lambda item: ((mine ^ marks[item[0]]).bit_count(), item[0])))


def _mark(atoms: Atoms, known: Known) -> int:
    return int.from_bytes(fingerprint(atoms, known.knowledge), "little")


def _possible(mapper: Mapper, known: Known, this: SourceSet, every: Iterable[Atoms]) -> int:
    """The virtual sources, as bits, that are not against the statistics of the catalogs."""
    catalogs = {a for atoms in (this.atoms, *every) for a in atoms if a.startswith(CATALOG)}
    origins = {str(r["origin"]) for r in mapper.read("origins_in_criteria")}
    known.measure(catalogs, origins)
    simulation, bits = Simulation(known.knowledge), ALL
    for fact in known.knowledge.facts:
        if isinstance(fact, Bounds):
            outside = ALL & ~simulation.atoms((), fact.over)
            for clause in bounds_say(fact, implication.column(fact.origin)):
                bits &= outside | where((), Either(clause))
        elif not fact.n:
            bits &= ~simulation.atoms((), fact.atoms)
    return bits


def _of_one_number(mapper: Mapper, known: Known, this: SourceSet, space: str) -> set[str]:
    """Keys of the sets that have no source, or as many as this one, as far as that is known."""
    known.count(this.atoms)
    n = next((f.n for f in known.knowledge.facts if isinstance(f, Counted) and f.atoms == this.atoms), 0)
    return {str(r["key"]) for r in mapper.read("source_sets_counted", space=space, n=n)}
