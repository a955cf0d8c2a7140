"""PROV-CONSTRAINTS: verdicts on the corpus by file, the same as a slow reading of the recommendation, and what a finding says."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from provgraph.prov.constraints import MOST, Validator, Verdict, validate
from provgraph.prov.formats import read
from provgraph.prov.instance import is_time, moment
from provgraph.prov.model import KINDS, TIMES, Document, Name, Reference, Scope, prov
from provgraph.prov.rules import ACTIVITY_PLACES, ENTITY_PLACES, IDENTIFIED, OUTSIDE, REQUIRED, RULES
from tests.conftest import ROOT
from tests.prov import reference_constraints as reference

KNOWN = [k for k in KINDS if k not in OUTSIDE]
ENTITIES, ACTIVITIES, RELATIONS = ("ex:e1", "ex:e2", "ex:e3", "_:x"), ("ex:a1", "ex:a2", "_:y"), ("ex:i", "ex:j", "_:i")
ANY = ("ex:e1", "ex:a1", "_:x", "ex:i")
FEW = (
    KNOWN,
    ["entity", "activity", "wasDerivedFrom", "specializationOf", "wasStartedBy", "wasGeneratedBy", "wasAttributedTo"],
    ["entity", "activity", "wasGeneratedBy", "wasStartedBy", "wasEndedBy", "used", "wasDerivedFrom"],
    ["entity", "specializationOf", "hadMember", "wasDerivedFrom"],
    ["wasInfluencedBy", "wasDerivedFrom", "used", "wasAttributedTo", "wasAssociatedWith"],
)


@st.composite
def documents(draw: Any, most: int = 7) -> Document:
    """Small and crowded, so that statements meet; mostly with the things in a place that belong there."""
    document = Document({"ex": "http://example.org/"})
    scopes: list[Scope] = [document, document.bundle("ex:bundle")] if draw(st.integers(0, 9)) == 9 else [document]
    kinds = draw(st.sampled_from(FEW))
    mixed, absent = draw(st.sampled_from((0, 0, 5, 15))), draw(st.sampled_from((20, 50)))
    chance = st.integers(0, 99)

    def name(kind: str, role: str) -> str:
        if role in TIMES:
            return str(draw(st.sampled_from(("2020-01-01T00:00:00", "2021-01-01T00:00:00"))))
        if draw(chance) < mixed or kind == "wasInfluencedBy":
            return str(draw(st.sampled_from(ANY)))
        names = (
            ENTITIES if role in ENTITY_PLACES.get(kind, ()) else ACTIVITIES if role in ACTIVITY_PLACES.get(kind, ())
            else RELATIONS if role in ("generation", "usage") else ("ex:e1", "ex:a1", "ex:agent")
        )  # fmt: skip
        return str(draw(st.sampled_from(names)))

    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(kinds))
        arguments = {
            role: name(kind, role)
            for role in KINDS[kind]
            if draw(chance) >= (mixed if role in REQUIRED.get(kind, ()) else absent)
        }
        own = {"entity": ENTITIES, "activity": ACTIVITIES, "agent": ("ex:e1", "ex:a1", "ex:agent")}.get(kind)
        identifier = None
        if own is not None:
            identifier = draw(st.sampled_from(own))
        elif kind in IDENTIFIED and draw(st.booleans()):
            identifier = draw(st.sampled_from(RELATIONS))
        empty = kind == "entity" and draw(chance) < 15
        attributes = [("prov:type", Reference(prov("EmptyCollection")))] if empty else []
        draw(st.sampled_from(scopes)).add(kind, identifier, arguments, attributes)
    return document


HARD = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@given(documents())
@HARD
def test_the_verdict_is_that_of_a_direct_reading(document: Document) -> None:
    assert validate(document).valid == reference.valid(document)


@given(documents(), st.data())
@HARD
def test_what_comes_bit_by_bit_is_judged_as_a_whole(document: Document, data: Any) -> None:
    validator = Validator()
    scopes = [(None, document.statements), *((b.id, b.statements) for b in document.bundles)]
    rest = [(bundle, s) for bundle, statements in scopes for s in statements]
    found = []
    while rest:
        n = data.draw(st.integers(1, len(rest)))
        for bundle, statement in rest[:n]:
            found += validator.add([statement], bundle)
        rest = rest[n:]
    verdict = validator.verdict()
    assert verdict.valid == validate(document).valid
    assert tuple(found) == verdict.findings


@given(documents())
@HARD
def test_no_statement_of_a_finding_can_be_left_out(document: Document) -> None:
    verdict = validate(document)
    assume(verdict.findings)
    for finding in verdict.findings:
        alone = Document()
        alone.statements += finding.statements
        assert (finding.constraint, finding.name) in {(f.constraint, f.name) for f in validate(alone).findings}
        for i in range(len(finding.statements)):
            fewer = Document()
            fewer.statements += [s for j, s in enumerate(finding.statements) if j != i]
            assert (finding.constraint, finding.name) not in {(f.constraint, f.name) for f in validate(fewer).findings}


# the corpus


def expected(shared: Path) -> list[tuple[str, str, str]]:
    """Path, verdict and rules of every document with a verdict."""
    with (shared / "conformance" / "prov" / "MANIFEST.csv").open(encoding="utf-8") as file:
        return [
            (row["path"], row["expected"], row["rule_or_w3c_case"])
            for row in csv.DictReader(file)
            if row["expected"] in {"valid", "invalid"}
        ]


def test_every_verdict_of_the_corpus(shared: Path) -> None:
    """By file, also those that are valid although their name says fail; found for the constraint that the manifest names."""
    wrong = {}
    cases = expected(shared)
    for path, verdict, rule in cases:
        found = validate(read(shared / "conformance" / "prov" / path))
        numbers = {int(word[1:]) for word in rule.split() if word[0] == "c" and word[1:].isdigit()}
        named = {n for f in found.findings for n in f.involved}
        if found.valid != (verdict == "valid") or not (found.valid or numbers <= named):
            wrong[path] = str(found)
        if rule.endswith("DM"):
            assert [f.rule for f in found.findings] == ["PROV-DM (required-argument)"]
    assert len(cases) == 182
    assert wrong == {}


#: Each invalid document of the folder, and the numbers of the constraints that say so; DM is PROV-DM itself.
OUTCOMES = {
    "type-collection-fail1": "50 56", "type-fail2": "50 55", "type-fail3": "54", "type-fail4": "53", "type-fail5": "50 55",
    "association-fail4": "23", "attribution-fail2": "DM", "communication-fail1": "DM", "communication-fail2": "DM",
    "delegation-fail1": "23", "delegation-fail3": "23", "derivation-fail1": "23", "derivation-fail2": "23", "end-fail1": "23",
    "end-fail4": "27", "end-fail5": "23 29", "generation-fail2": "23", "generation-fail6": "23 24", "invalidation-fail1": "25",
    "invalidation-fail4": "23", "invalidation-fail5": "23 25", "invalidation-fail6": "23 25", "membership-fail1": "DM",
    "specialization-fail1": "DM", "specialization-fail3": "52", "start-fail1": "23", "start-fail2": "23", "start-fail6": "23 28",
    "unification-activity-f1-FAIL-c22": "22", "unification-entity-activity-f1-FAIL-c55": "50 55",
    "unification-object-relation-f1-FAIL-c54": "54", "unification-relation-kind-f1-FAIL-c53": "53",
}  # fmt: skip


def test_the_outcome_of_every_invalid_document(shared: Path) -> None:
    found = {}
    for path, verdict, _ in expected(shared):
        findings = validate(read(shared / "conformance" / "prov" / path)).findings
        numbers = sorted({n for f in findings for n in f.involved})
        said = "DM" if any(f.constraint is None for f in findings) else " ".join(map(str, numbers))
        if verdict == "invalid":
            found.setdefault(Path(path).stem, said)
            assert found[Path(path).stem] == said  # the same in each format
        else:
            assert findings == ()
    assert {k: v for k, v in found.items() if not k.startswith("type-") or k in OUTCOMES} == OUTCOMES


def test_real_documents_are_valid_or_say_why_not(shared: Path) -> None:
    verdicts = {}
    for path in sorted((shared / "conformance" / "prov" / "realworld").iterdir()):
        if path.suffix in {".json", ".provn"}:
            verdicts[path.name] = str(validate(read(path))).splitlines()[0]
    assert verdicts


# what a finding says


def document(*statements: tuple[Any, ...]) -> Document:
    made = Document({"ex": "http://example.org/"})
    for kind, identifier, *rest in statements:
        made.add(kind, identifier, dict(zip(KINDS[kind], rest, strict=False)))
    return made


def only(verdict: Verdict) -> Any:
    assert verdict.valid is False
    assert len(verdict.findings) == 1
    return verdict.findings[0]


def test_a_cycle_is_told_step_by_step() -> None:
    made = document(
        ("entity", "ex:raw"), ("entity", "ex:reduced"), ("entity", "ex:other"),
        ("wasDerivedFrom", None, "ex:reduced", "ex:raw"),
        ("wasGeneratedBy", None, "ex:raw", "ex:observe"), ("wasStartedBy", None, "ex:observe", "ex:reduced"),
    )  # fmt: skip
    finding = only(validate(made))
    assert str(finding) == (
        "constraint 42 (derivation-generation-generation-ordering): the generation of ex:reduced would come before itself.\n"
        "  because the generation of ex:raw comes strictly before the generation of ex:reduced"
        " (42: wasDerivedFrom(ex:reduced, ex:raw))\n"
        "  because the generation of ex:reduced comes before or together with the start of ex:observe"
        " (43: wasStartedBy(ex:observe, ex:reduced))\n"
        "  because the start of ex:observe comes before or together with the generation of ex:raw"
        " (34: wasGeneratedBy(ex:raw, ex:observe))\n"
        "  wasDerivedFrom(ex:reduced, ex:raw)\n"
        "  wasGeneratedBy(ex:raw, ex:observe)\n"
        "  wasStartedBy(ex:observe, ex:reduced)"
    )
    assert (finding.positions, finding.involved) == ((3, 4, 5), (34, 42, 43))
    assert len(finding.as_dict()["cycle"]) == 3


def test_a_loop_of_derivations_contradicts_only_where_generations_are_known() -> None:
    """Inference 7 speaks of declared entities only."""
    loop = [("wasDerivedFrom", None, "ex:a", "ex:b"), ("wasDerivedFrom", None, "ex:b", "ex:a")]
    assert validate(document(*loop)).valid is True
    finding = only(validate(document(*loop, ("entity", "ex:a"), ("entity", "ex:b"), ("entity", "ex:c"))))
    assert len(finding.statements) == 4


def test_specializations_take_part_in_cycles_and_in_circles() -> None:
    finding = only(validate(document(
        ("entity", "ex:v1"), ("specializationOf", None, "ex:v1", "ex:work"), ("entity", "ex:work"),
        ("wasDerivedFrom", None, "ex:work", "ex:v1"),
    )))  # fmt: skip
    assert finding.involved == (42, 45)
    circle = [("specializationOf", None, a, b) for a, b in (("ex:a", "ex:b"), ("ex:b", "ex:c"), ("ex:c", "ex:a"))]
    finding = only(validate(document(*circle)))
    assert (finding.constraint, finding.involved, len(finding.statements)) == (52, (19, 52), 3)


def test_names_that_are_not_known_become_known() -> None:
    """A blank activity is the one of the generation with the same identifier, and so has two start times."""
    finding = only(validate(document(
        ("wasGeneratedBy", "ex:g", "ex:e", "_:a"), ("wasGeneratedBy", "ex:g", "ex:e", "ex:run"),
        ("activity", "_:a", "2020-01-01T00:00:00Z"), ("activity", "ex:run", "2021-01-01T00:00:00Z"),
    )))  # fmt: skip
    assert (finding.constraint, len(finding.statements)) == (22, 4)
    assert (
        finding.sentence
        == "activity ex:run has two values of startTime: 2020-01-01T00:00:00Z and 2021-01-01T00:00:00Z."
    )


def test_a_chain_of_many_names_does_not_nest_calls() -> None:
    made = Document({"ex": "http://example.org/"})
    for i in range(3000):
        made.add("wasGeneratedBy", f"_:g{i}", {"entity": f"_:e{i}", "activity": "ex:a"})
        made.add("wasGeneratedBy", f"_:g{i}", {"entity": f"_:e{i + 1}", "activity": "ex:a"})
        made.add("specializationOf", None, {"specificEntity": f"ex:s{i + 1}", "generalEntity": f"ex:s{i}"})
    made.add("entity", "ex:s0", {}, [("prov:type", Reference(prov("EmptyCollection")))])
    assert validate(made).valid
    made.add("hadMember", None, {"collection": "ex:s20", "entity": "ex:m"})
    assert len(only(validate(made)).statements) == 22


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", True), ("2020-01-01T00:00:00Z", "2020-01-01T00:00:00", False),
        ("2020-01-01T00:00:00.500", "2020-01-01T00:00:00.5", True), ("2019-12-31T24:00:00", "2020-01-01T00:00:00", True),
        ("-0044-03-15T12:00:00Z", "-0044-03-15T13:00:00+01:00", True), ("99999-01-01T00:00:00Z", "99999-01-01T00:00:00.0Z", True),
        ("yesterday", "yesterday", True), ("2020-02-31T24:00:00", "2020-03-02T24:00:00", False),
    ],
)  # fmt: skip
def test_times_are_compared_as_moments(one: str, other: str, same: bool) -> None:
    assert (moment(one) == moment(other)) is same
    made = document(("activity", "ex:a", one), ("activity", "ex:a", other))
    assert validate(made).valid is same


def test_bundles_are_judged_one_by_one() -> None:
    made = document(("entity", "ex:a"))
    bundle = made.bundle("ex:b")
    bundle.add("activity", "ex:a")
    assert validate(made).valid is True  # one name, two scopes
    bundle.add("entity", "ex:a")
    finding = only(validate(made))
    assert finding.scope == Name("http://example.org/b")
    assert str(finding).startswith(
        "constraint 55 (entity-activity-disjoint) in bundle ex:b: ex:a is an entity and an activity."
    )


def test_what_is_not_checked_is_said() -> None:
    made = document(("mentionOf", None, "ex:a", "ex:b", "ex:c"))
    verdict = validate(made)
    assert (verdict.valid, verdict.checked, verdict.unchecked) == (None, 0, {"mentionOf": 1})
    assert str(verdict) == (
        "not checked: 0 statements\nnot checked, PROV-CONSTRAINTS does not speak of it: 1 mentionOf"
    )
    made.add("entity", "ex:a")
    assert validate(made).valid is True
    assert validate(Document()).valid is True


@pytest.mark.parametrize(
    ("time", "meant"),
    [
        ("2026-01-31T23:59:59.5Z", True), ("2024-02-29T24:00:00-14:00", True), ("12026-01-01T00:00:00", True),
        ("-0044-03-15T12:00:00+01:30", True), (" 2026-01-01T00:00:00 ", True), ("yesterday", False),
        ("2026-13-45T25:00:00", False), ("2026-02-29T00:00:00", False), ("2026-01-01T24:00:01", False),
        ("2026-01-01T00:00:00+14:01", False), ("2026-01-01T00:60:00", False), ("2026-01-01", False),
        ("02026-01-01T00:00:00", False),
    ],
)  # fmt: skip
def test_a_time_that_is_none_is_remarked(time: str, meant: bool) -> None:
    assert is_time(time) is meant
    made = document(("activity", "ex:a", time))
    made.bundle("ex:b").add("used", None, {"activity": "ex:a", "time": time})
    verdict = validate(made)
    assert verdict.valid is True
    said = [] if meant else [
        f"startTime {time!r} of activity ex:a is no xsd:dateTime, and is not compared as a time.",
        f"time {time!r} of used of ex:a in bundle ex:b is no xsd:dateTime, and is not compared as a time.",
    ]  # fmt: skip
    assert verdict.as_dict()["remarks"] == list(verdict.remarks) == said
    assert str(verdict) == "\n".join(["valid: 2 statements", *(f"remark: {one}" for one in said)])


def test_what_is_not_prov_is_said() -> None:
    made = read('{"$schema": "https://x/y", "x:notes": [1]}', "prov-json")
    verdict = validate(made)
    assert (verdict.valid, verdict.checked, verdict.as_dict()["unknown"]) == (None, 0, {"$schema": 1, "x:notes": 1})
    assert str(verdict) == "not checked: 0 statements\nnot checked, and not PROV: $schema and x:notes"
    made.add("entity", "prov:e")
    assert str(validate(made)) == "valid: 1 statement\nnot checked, and not PROV: $schema and x:notes"


def test_many_contradictions_are_counted() -> None:
    made = Document({"ex": "http://example.org/"})
    for i in range(MOST + 20):
        made.add("entity", f"ex:{i}")
        made.add("activity", f"ex:{i}")
    verdict = validate(made)
    assert (len(verdict.findings), verdict.more) == (MOST, 20)
    assert str(verdict).splitlines()[0] == f"invalid: {2 * (MOST + 20):,} statements, {MOST + 20:,} contradictions"
    assert str(verdict).endswith("and 20 more")
    assert verdict.as_dict()["more"] == 20


def test_the_table_of_the_documentation_is_that_of_the_code() -> None:
    how = {"itself": "by itself", "cycle": "in a cycle with 42", "": ""}
    page = (ROOT / "docs" / "prov-constraints.md").read_text(encoding="utf-8")
    missing = [
        row for rule in RULES.values()
        if (row := f"| {rule.number} | {rule.name} | {rule.sentence} | {how[rule.broken]} |") not in page
    ]  # fmt: skip
    assert missing == []
    assert sorted(RULES) == list(range(1, 57))
