"""A rule that does not keep its promise is found out, and named."""

from __future__ import annotations

from typing import Any

import pytest

from provgraph.errors import RewriteError
from provgraph.graph import statements
from provgraph.rewrite import notation, replace, rule, transient
from provgraph.rewrite.plan import Plan
from provgraph.rewrite.relations import with_atoms
from provgraph.rewrite.rule import Rule
from provgraph.rewrite.transient import LAID_OUT, Transient

PLAN = with_atoms(notation.parse("""
A = External(id, ra, redshift)
B = FilterSources(A, redshift < 0.5)
C = SelectAttributes(B, ra)
D = SelectAttributes(C, ra)
"""))  # fmt: skip


def instead(step: str, operator: str, names: str = "s.names", origins: str = "s.origins", more: str = "") -> str:
    """A rule that replaces a step by a new one over the same parent."""
    return f"""
MATCH (s:Step {{plan: $plan, id: '{step}'}})-[:PARENT]->(p:Step)
CREATE (n:Step {{plan: $plan, round: $round, id: s.id + $round, operator: '{operator}', names: {names}, origins: {origins}}})
CREATE (n)-[:PARENT {{index: 0}}]->(p) {more}
RETURN s.id AS replaced, n.id AS replacement
"""


def rows(*pairs: tuple[str, str]) -> str:
    """A rule that returns just this."""
    listed = ", ".join(f"{{a: {a}, b: {b}}}" for a, b in pairs)
    return f"UNWIND [{listed}] AS x MATCH (s:Step {{plan: $plan, id: 'A'}}) RETURN x.a AS replaced, x.b AS replacement"


def made_up(body: str, keeps: str = "sources, attributes, values") -> Rule:
    text = f"// name: made_up\n{body}"
    return Rule("made_up", statements.parse("rewrite/made_up", text), (("any", ""),), frozenset(keeps.split(", ")))


def apply(body: str, plan: Plan = PLAN, engine: Any = None, keeps: str = "sources, attributes, values") -> Any:
    def work(copy: Transient) -> Any:
        copy.lay_out(plan)
        done = replace.apply(copy, made_up(body, keeps), plan, "~1")
        if done is not None:
            found = copy.read([LAID_OUT, "~1"])
            assert {n: s.dependencies for n, s in found.items()} == {s.id: s.dependencies for s in done.plan}
        return done

    return transient.on(engine, work)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (instead("B", "Pass"), "changes the sources of B: nothing known says that"),
        (instead("C", "SelectAttributes", "['id']", "[p.origins[0]]"), r"the attributes of C from \(ra\) to \(id\)"),
        (instead("C", "SelectAttributes", "['ra']", "[p.origins[0]]"), "changes the attributes of C"),
        (rows(("'C'", "'C'")), "replaces 'C' by 'C'"),
        (rows(("'C'", "'nothing'")), "replaces 'C' by 'nothing'"),
        (rows(("'C'", "null")), "replaces 'C' by 'None'"),
        (rows(("'D'", "'A'"), ("'D'", "'C'")), "replaces 'D' by 'A' and by 'C'"),
        (rows(("'C'", "'D'"), ("'D'", "'C'")), "by itself"),
    ],
)
def test_broken_promises(body: str, message: str, scratch: Any) -> None:
    with pytest.raises(RewriteError, match=f"The rewrite rule 'made_up' .*({message})") as raised:
        apply(body, engine=scratch)
    assert raised.value.code == "rewrite_broken"
    assert raised.value.details["rule"] == "made_up"


def test_values_are_kept_by_origin(scratch: Any) -> None:
    with pytest.raises(RewriteError, match=r"gives \(ra\) of C other values"):
        apply(instead("C", "SelectAttributes", "['ra']", "[p.origins[0]]"), engine=scratch, keeps="sources, values")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            instead("C", "SelectAttributes", more="CREATE (n)-[:PARENT {index: 1}]->(p)"),
            "SelectAttributes C~1 with 2 parents",
        ),
        (instead("C", "SelectSources"), r"leaves C~1 with \(ra\) over \(id, ra, redshift\)"),
        (instead("D", "SelectSources"), "leaves the SelectSources D~1 without a selection"),
        (instead("C", "AttributeCalculator"), "leaves the AttributeCalculator C~1 without a method"),
    ],
)
def test_steps_that_mean_nothing(body: str, message: str, scratch: Any) -> None:
    with pytest.raises(RewriteError, match=message):
        apply(body, engine=scratch)


def test_a_dependent_loses_what_it_reads(scratch: Any) -> None:
    body = instead("B", "SelectAttributes", "['id']", "[p.origins[0]]")
    with pytest.raises(RewriteError, match=r"lets C select \(ra\) of \(id\)"):
        apply(body, engine=scratch, keeps="values")


def test_dependents_follow_in_their_places(scratch: Any) -> None:
    plan = with_atoms(notation.parse("""
A = External(id, x)
P = Pass(A)
B = External(y)
C = ConcatenateAttributes(B, P)
S = SelectSources(C, P, except P)
"""))  # fmt: skip
    done = apply("MATCH (s:Step {plan: $plan, id: 'P'}) RETURN s.id AS replaced, 'A' AS replacement", plan, scratch)
    after = done.plan
    assert (after["C"].parents, after["S"].sources, after["S"].without) == (("B", "A"), ("A",), ("A",))
    assert done.dropped == ("P",)


def test_the_end_is_replaced(scratch: Any) -> None:
    done = apply(rows(("'D'", "'C'")), engine=scratch)
    assert done.plan.end == "C"
    assert done.dropped == ("D",)


def test_what_replaces_is_replaced_too(scratch: Any) -> None:
    plan = with_atoms(notation.parse("A = External(id, x)\nP = Pass(A)\nQ = Pass(P)\nB = FilterSources(Q, x < 1)"))

    def work(copy: Transient) -> Any:
        copy.lay_out(plan)
        return replace.apply(copy, rule.load("remove_pass"), plan, "~1")

    done = transient.on(scratch, work)
    assert done.replacements == {"P": "A", "Q": "A"}
    assert set(done.plan.steps) == {"A", "B"}


def test_no_match(scratch: Any) -> None:
    assert (
        apply("MATCH (s:Step {plan: $plan, id: 'Z'}) RETURN s.id AS replaced, s.id AS replacement", engine=scratch)
        is None
    )
