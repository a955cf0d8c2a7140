"""The act all modifications share: a rule replaces steps, their dependents follow, and its promise is checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from provgraph import names
from provgraph.errors import RewriteError
from provgraph.graph.engine import Rows
from provgraph.rewrite.grounds import Grounds
from provgraph.rewrite.plan import (
    ATTRIBUTE_CALCULATOR,
    CATALOGS,
    CONCATENATE_ATTRIBUTES,
    CONCATENATE_SOURCES,
    FILTER_SOURCES,
    PASS,
    RELABEL_SOURCES,
    RENAME_ATTRIBUTES,
    SELECT_ATTRIBUTES,
    SELECT_SOURCES,
    Plan,
    Step,
)
from provgraph.rewrite.relations import Answer, atoms_of
from provgraph.rewrite.rule import Rule
from provgraph.rewrite.transient import Transient


@dataclass(frozen=True)
class Replaced:
    """What one application of a rule did to a plan."""

    plan: Plan
    replacements: Mapping[str, str]
    made: tuple[str, ...]
    dropped: tuple[str, ...]


def apply(transient: Transient, rule: Rule, plan: Plan, round_: str, grounds: Grounds | None = None) -> Replaced | None:
    """Apply a rule to all its matches in the transient copy of `plan`; None when nothing matches.

    Parameters
    ----------
    plan : what stands in the transient copy.
    round_ : suffix that makes the ids of new steps unique.
    grounds : what the rule's questions and the proof that sources are kept rest on; of the plan alone where there are none.

    Raises
    ------
    RewriteError : naming the rule, when it replaces what it should not or breaks what its header promises.
    """
    if grounds is None:
        grounds = Grounds()
        grounds.learn(plan, plan.steps)
    answers = rule.answers(plan, grounds)
    if answers is None:
        return None
    edges = {names.SOURCES: any(s.sources for s in plan), names.EXCEPT: any(s.without for s in plan)}
    absent = [relation for relation, there in edges.items() if not there]
    rows, made = transient.apply(rule.statement, rule.reading, absent, round=round_, **answers)
    if not rows:
        return None
    everything = _with_atoms({**plan.steps, **made}, made)
    grounds.learn((everything[name] for name in made), everything)
    replacements = _replacements(rule, rows, everything)
    for old, new in replacements.items():
        _check_promise(rule, everything[old], everything[new], grounds, is_end=old == plan.end)
        if (
            new in made and everything[new].parents
        ):  # the same sources, so that they keep the words in which others know them
            everything[new] = replace(everything[new], atoms=everything[old].atoms)
    after, redirected = _redirect(plan, everything, replacements)
    for name in {*made, *redirected} & after.steps.keys():
        _check_step(rule, after[name], after.steps)
    dropped = tuple(sorted(everything.keys() - after.steps.keys()))
    transient.redirect(replacements, dropped)
    return Replaced(after, replacements, tuple(n for n in made if n in after.steps), dropped)


def _with_atoms(steps: dict[str, Step], made: Mapping[str, Step]) -> dict[str, Step]:
    """Work the atoms of new steps out, whose dependencies may be new too."""
    todo = list(made)
    while todo:
        later = []
        for name in todo:
            if any(d in made and not steps[d].atoms for d in steps[name].dependencies):
                later.append(name)
            else:
                steps[name] = replace(steps[name], atoms=atoms_of(steps[name], steps))
        if len(later) == len(todo):
            break  # in a circle, or without any source: the checks find it
        todo = later
    return steps


def _replacements(rule: Rule, rows: Rows, steps: Mapping[str, Step]) -> dict[str, str]:
    """Replacement by replaced; where a replacement was itself replaced in this round, the last one."""
    direct: dict[str, str] = {}
    for row in rows:
        old, new = str(row["replaced"]), str(row["replacement"])
        if old not in steps or new not in steps or old == new:
            raise _broken(rule, f"replaces {old!r} by {new!r}")
        if direct.setdefault(old, new) != new:
            raise _broken(rule, f"replaces {old!r} by {direct[old]!r} and by {new!r}")
    found: dict[str, str] = {}
    for old, first in direct.items():
        new, seen = first, {old}
        while new in direct:
            if new in seen:
                raise _broken(rule, f"replaces {old!r} by itself")
            seen.add(new)
            new = direct[new]
        found[old] = new
    return found


def _redirect(plan: Plan, steps: Mapping[str, Step], replacements: Mapping[str, str]) -> tuple[Plan, set[str]]:
    """The plan in which the dependents follow, without what nothing depends on; and the dependents."""
    followed: dict[str, Step] = {}
    redirected: set[str] = set()
    for name, step in steps.items():
        if replacements.keys().isdisjoint(step.dependencies):
            followed[name] = step
            continue
        redirected.add(name)
        followed[name] = replace(
            step,
            parents=tuple(replacements.get(p, p) for p in step.parents),
            sources=tuple(sorted({replacements.get(s, s) for s in step.sources})),
            without=tuple(sorted({replacements.get(s, s) for s in step.without})),
        )
    return Plan(replacements.get(plan.end, plan.end), followed).only_needed(), redirected


def _check_promise(rule: Rule, old: Step, new: Step, grounds: Grounds, *, is_end: bool) -> None:
    """What the header says the rule keeps. Values are kept when names mean the same origins: same origin, same values."""
    if "attributes" in rule.keeps and (old.attributes != new.attributes or (is_end and old.names != new.names)):
        raise _broken(rule, f"changes the attributes of {old.id} from {_list(old.names)} to {_list(new.names)}")
    if "values" in rule.keeps:
        meant = dict(old.attributes)
        wrong = sorted(name for name, origin in new.attributes if meant.get(name, origin) != origin)
        if wrong:
            raise _broken(rule, f"gives {_list(wrong)} of {old.id} other values")
    if "sources" in rule.keeps:
        proof = grounds.prove_equal(old.atoms, new.atoms)
        if proof.answer is not Answer.YES:
            raise _broken(rule, f"changes the sources of {old.id}: {proof.reason}")


def _check_step(rule: Rule, step: Step, steps: Mapping[str, Step]) -> None:
    """A new step must mean something: its operator's parents and attributes fit."""
    parents = [steps[p] for p in step.parents]
    offered = {pair for p in parents for pair in p.attributes}
    origins = {origin for _, origin in offered}
    many = (CONCATENATE_ATTRIBUTES, CONCATENATE_SOURCES)
    fits = not parents if step.operator in CATALOGS else bool(parents)
    if not fits or (len(parents) > 1 and step.operator not in many):
        raise _broken(rule, f"leaves the {step.operator} {step.id} with {len(parents)} parents")
    if len(set(step.names)) != len(step.names):
        raise _broken(rule, f"leaves {step.id} with one name twice: {_list(step.names)}")
    if step.operator in (PASS, FILTER_SOURCES, SELECT_SOURCES, CONCATENATE_ATTRIBUTES) and step.attributes != offered:
        raise _broken(rule, f"leaves {step.id} with {_list(step.names)} over {_list(sorted(n for n, _ in offered))}")
    if step.operator == SELECT_ATTRIBUTES and not step.attributes <= offered:
        raise _broken(rule, f"lets {step.id} select {_list(step.names)} of {_list(sorted(n for n, _ in offered))}")
    if step.operator == RENAME_ATTRIBUTES:
        renamed = dict(zip(step.old, step.new, strict=True))
        known = sorted(n for n, _ in offered)
        if step.attributes != {(renamed.get(n, n), o) for n, o in offered} or not renamed.keys() <= set(known):
            raise _broken(rule, f"lets {step.id} rename {_list(step.old)} to {_list(step.new)} over {_list(known)}")
    if step.operator in (CONCATENATE_SOURCES, RELABEL_SOURCES):
        for parent in parents:
            if set(parent.names) != set(step.names):
                raise _broken(rule, f"leaves {step.id} with {_list(step.names)} over {_list(parent.names)}")
    if step.operator == RELABEL_SOURCES and not step.relabelling:
        raise _broken(rule, f"leaves the RelabelSources {step.id} without a relabelling")
    if not origins.issuperset(step.reads):
        raise _broken(rule, f"takes away attributes that {step.id} reads")
    if step.operator == SELECT_SOURCES and not (step.sources or step.without or step.source_list):
        raise _broken(rule, f"leaves the SelectSources {step.id} without a selection")
    if step.operator == ATTRIBUTE_CALCULATOR and not (step.definition and step.names):
        raise _broken(rule, f"leaves the AttributeCalculator {step.id} without a method or a result")


def _list(words: Iterable[str]) -> str:
    return "(" + ", ".join(words) + ")"


def _broken(rule: Rule, what: str) -> RewriteError:
    return RewriteError(f"The rewrite rule {rule.name!r} {what}.", rule=rule.name)
