"""Policies of surveys on both engines: what is checked, what is kept of it, and what gets no identifier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import provgraph
from provgraph import link, persistent
from provgraph.checks.example import EXAMPLE
from provgraph.checks.reading import parse_policy
from provgraph.errors import InvalidInput, NotFound, PolicyViolated
from provgraph.prov.constraints import validate
from tests.surveys import OpenSurvey, open_survey  # noqa: F401


class PolicyBias(provgraph.DataObject):
    exposure = persistent(float, unit="s")
    comment = persistent(str, default="")


class PolicyFrame(provgraph.DataObject, provgraph.ProcessTarget):
    bias = link(PolicyBias)

    def make(self) -> None:
        self.attach(self.bias.retrieve().read_bytes() * 2)


class PolicyMosaic(provgraph.DataObject, provgraph.ProcessTarget):
    frames = link(list[PolicyFrame])

    def make(self) -> None:
        self.attach(b"".join(f.retrieve().read_bytes() for f in self.frames))


@pytest.fixture
def survey(open_survey: OpenSurvey) -> Any:
    return open_survey()


def _made(survey: Any, n: int = 2) -> tuple[list[Any], list[Any], Any]:
    biases = [survey.store(PolicyBias(exposure=float(i), file=bytes([i]) * 10)) for i in range(n)]
    frames = [survey.make(PolicyFrame(bias=b)) for b in biases]
    return biases, frames, survey.make(PolicyMosaic(frames=frames))


def _policy(*lines: str, things: str = '{ class = "PolicyMosaic" }', more: str = "") -> Any:
    return parse_policy("\n".join(("[[rule]]", 'name = "rule"', f"for = {things}", more, *lines)))


def _told(survey: Any, *lines: str, **more: Any) -> list[tuple[str, str]]:
    report = survey.check(_policy(*lines, **more), record=False)
    return [(v.thing.id, v.node.id) for v in report.violations]


def test_what_is_at_fault_is_named_with_the_way_to_it(survey: Any) -> None:
    biases, frames, mosaic = _made(survey)
    report = survey.check(_policy('not_upstream = { class = "PolicyBias", where = "exposure = 1" }'))
    (violation,) = report.violations
    assert (violation.thing.id, violation.node.id) == (mosaic.object_id, biases[1].object_id)
    assert [one.id for one in violation.path] == [mosaic.object_id, frames[1].object_id, biases[1].object_id]
    assert not report.holds
    assert "PolicyMosaic …" in str(report)
    assert " → PolicyFrame …" in str(report)
    assert survey.check(_policy('not_upstream = { class = "PolicyBias", where = "exposure = 7" }')).holds
    warned = survey.check(_policy("max_depth = 1", more='severity = "warning"'), record=False)
    assert warned.holds
    assert [v.why.endswith("is more than 1 step away") for v in warned.warnings] == [True]


def test_bytes(survey: Any) -> None:
    biases, _, mosaic = _made(survey)
    for how in ("present", "verified"):
        assert _told(survey, f'stored = "{how}"') == []
    path = Path(survey.files.inside(biases[0].file.digest)[0])
    path.chmod(0o644)
    path.write_bytes(b"X" * 10)
    assert _told(survey, 'stored = "present"') == []
    assert _told(survey, 'stored = "verified"') == [(mosaic.object_id, biases[0].file.object_id)]
    path.unlink()
    assert _told(survey, 'stored = "present"') == [(mosaic.object_id, biases[0].file.object_id)]


def test_versions_and_validity(survey: Any) -> None:
    biases, frames, mosaic = _made(survey)
    assert _told(survey, "valid = true", "newest = true") == []
    newer = survey.new_version(biases[0], comment="better", file=b"other")
    survey.invalidate(frames[1], "the lamp")
    assert set(_told(survey, "newest = true")) == {(mosaic.object_id, biases[0].object_id)}
    assert _told(survey, "valid = true") == [(mosaic.object_id, frames[1].object_id)]
    assert _told(survey, "valid = true", things='{ class = "PolicyFrame" }') == [(frames[1].object_id,) * 2]
    survey.validate(frames[1], "it was not")
    assert _told(survey, "valid = true") == []
    # An earlier version is no ingredient of a later one.
    assert _told(survey, 'not_upstream = { class = "PolicyBias" }', things='{ class = "PolicyBias" }') == []
    here = {v for v, _ in _told(survey, 'max_age = "0 s"', things='{ class = "PolicyBias", newest = true }')}
    assert here == {newer.object_id, biases[1].object_id}


def test_what_a_rule_is_for(survey: Any) -> None:
    biases, frames, mosaic = _made(survey, 3)
    survey.store(frames[0], name="good 1")
    survey.store(frames[1], name="bad 1")
    survey.annotate(frames[0], identifier="doi:10.1/a")
    survey.annotate(mosaic, identifier="doi:10.1/b")

    def things(said: str, *given: Any, **more: Any) -> set[str]:
        report = survey.check(_policy('max_age = "9 y"', things=said), list(given) or None, record=False, **more)
        return {one.id for one in report.things}

    every = {one.object_id for one in frames}
    assert things('{ class = "PolicyFrame" }') == every
    assert things('{ class = ["PolicyFrame", "PolicyMosaic"] }') == {*every, mosaic.object_id}
    assert things("{ published = true }") == {frames[0].object_id, mosaic.object_id}
    assert things('{ class = "PolicyFrame", published = true }') == {frames[0].object_id}
    assert things('{ class = "PolicyFrame", published = false }') == every - {frames[0].object_id}
    assert things('{ name = "good*" }') == {frames[0].object_id}
    assert things('{ class = "PolicyFrame", where = "bias.exposure >= 1" }') == every - {frames[0].object_id}
    assert things('{ class = "PolicyFrame" }', mosaic, frames[2]) == {frames[2].object_id}
    assert things("{ published = true }", frames[2]) == set()
    assert things("{ published = true }", frames[2], as_published=True) == {frames[2].object_id}
    report = survey.check(
        _policy('max_age = "9 y"', things='{ class = "PolicyFrame" }'), ["bad 1", biases[0].object_id]
    )
    assert [one.id for one in report.things] == [frames[1].object_id]
    assert [one.id for one in report.unmatched] == [biases[0].object_id]
    assert "no rule is for it" in str(report)


def test_versions_of_software_and_agents(survey: Any) -> None:
    _made(survey)
    assert _told(survey, 'every_activity = ["software", "agent", "environment", "code"]') == []
    assert _told(survey, 'software = { provgraph = ">=0.0.1", numpy = ">=2", python = ">=3.11", nothing = ">9" }') == []
    wrong = survey.check(_policy('software = { numpy = "<1" }'), record=False).violations
    assert {v.node.class_name for v in wrong} == {"Environment"}
    assert "numpy " in wrong[0].why
    assert wrong[0].path[1].kind == "activity"
    name = survey.context.agent.name
    assert _told(survey, f'agents = ["{name[:1]}*"]') == []
    assert {node for _, node in _told(survey, 'agents = ["somebody else"]')} == {survey.context.agent.agent_id}


def test_collections(survey: Any, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("ID,ra,mag\n1,2.5,3\n2,3.5,4\n")
    one = survey.ingest(tmp_path / "c.csv", name="c", id="ID", units={"ra": "deg"}, ucds={"ra": "pos.eq.ra;meta.main"})
    survey.pull("c", ["ra"], where="ra > 3", name="d").data()
    of = '{ class = "SourceCollection" }'
    has = 'has = { attributes = ["ra"], units = { ra = "degree" }, ucds = { ra = "pos.eq.ra;meta.main" } }'
    assert _told(survey, has, things=of) == []
    report = survey.check(
        _policy('has = { attributes = ["dec"], units = { mag = "mag", ra = "rad" } }', things='{ name = "c" }')
    )
    assert [v.why for v in report.violations] == [
        "it has no attribute 'dec'; there are: ID, ra, mag", "its attribute 'mag' has no declared unit, not 'mag'",
        "its attribute 'ra' has the unit 'deg', not 'rad'",
    ]  # fmt: skip
    assert _told(survey, 'stored = "verified"', 'descends_from = { class = "DataFile" }', things=of) == []
    assert _told(survey, 'every_activity = ["software", "agent", "environment", "code"]', things=of) == []
    for segment in (survey.directory / "segments").rglob("*.h5"):
        segment.unlink()
    assert {thing for thing, _ in _told(survey, 'stored = "present"', things=of)} >= {one.object_id}


def test_it_is_kept_as_provenance(survey: Any) -> None:
    biases, _, mosaic = _made(survey)
    policy = _policy('not_upstream = { class = "PolicyBias" }')
    report = survey.check(policy)
    again = survey.check(policy)
    kept = survey.get(report.recorded)
    assert (kept.verdict, kept.n_errors, kept.n_things, kept.measured_at) == ("violated", 2, 1, report.measured_at)
    (found,) = json.loads(kept.findings)
    assert [v["node"]["id"] for v in found["violations"]] == [v.node.id for v in report.violations]
    assert again.recorded != report.recorded
    lineage = survey.lineage(kept, up=1)
    (call,) = [n for n in lineage.nodes if n.kind == "activity"]
    ends = {(e.relation, e.properties.get("role")): e.target for e in lineage.edges if e.source == call.id}
    assert ends["USED", "checked"] == mosaic.object_id
    plan = survey.get(ends["HAD_PLAN", None])
    assert (plan.digest, plan.text) == (policy.digest, policy.text)
    assert survey.context.agent.agent_id in {e.target for e in lineage.edges}
    assert {n.class_name for n in survey.lineage(mosaic, up=0, down=1).nodes} >= {"CheckReport", "Policy"}
    document = survey.as_prov(kept)
    assert validate(document).valid
    assert "provgraph:CheckReport" in survey.export(kept, format="prov-n")
    assert survey.impact(biases[0]).by_class == {"PolicyFrame": 1, "PolicyMosaic": 1}
    assert survey.audit.verify().ok
    quiet = len(survey.find(cls="CheckReport"))
    survey.check(policy, record=False)
    assert len(survey.find(cls="CheckReport")) == quiet == 2


def test_what_a_policy_forbids_gets_no_identifier(open_survey: OpenSurvey, tmp_path: Path) -> None:
    survey = open_survey()
    biases, _, mosaic = _made(survey)
    (survey.directory / "archive.toml").write_text(EXAMPLE)
    with (survey.directory / "survey.toml").open("a") as file:
        file.write('publication_policy = "archive.toml"\n')
    survey.close()
    survey = open_survey()
    assert survey.publication_policy == survey.directory / "archive.toml"
    survey.annotate(survey.get(mosaic.object_id), identifier="doi:10.1/good")
    survey.invalidate(survey.get(biases[0].object_id), "the shutter was open")
    frame = survey.select(PolicyFrame.bias.exposure == 0)[0]
    with pytest.raises(PolicyViolated) as caught:
        survey.annotate(frame, identifier="doi:10.1/bad", tags=["x"])
    assert caught.value.code == "policy_violated"
    assert "valid ancestors: PolicyBias" in caught.value.message
    assert dict(caught.value.details["report"])["verdict"] == "violated"  # type: ignore[call-overload]
    assert survey.notes(frame) == []
    assert [r.verdict for r in survey.find(cls="CheckReport")] == ["violated", "holds"]
    (survey.directory / "archive.toml").unlink()
    with pytest.raises(InvalidInput) as missing:
        survey.annotate(frame, identifier="doi:10.1/bad")
    assert missing.value.code == "policy_unreadable"
    survey.annotate(frame, tags=["x"])


def test_words_that_mean_nothing_here(survey: Any) -> None:
    _made(survey)
    for lines, code, says in (
        (['not_upstream = { class = "PolicyBiass" }'], "policy_class", "did you mean 'PolicyBias'"),
        (
            ['not_upstream = { class = "PolicyBias", where = "exposuer > 1" }'],
            "policy_condition",
            "did you mean 'exposure'",
        ),
        (['every_upstream = { class = "PolicyBias", must = "exposure >" }'], "policy_condition", "is no condition"),
        (['descends_from = { class = "PolicyBias", newer_than = "1 d", time = "takn" }'], "policy_condition", "'takn'"),
        (
            ['descends_from = { class = "PolicyBias", newer_than = "1 d", time = "exposure" }'],
            "policy_condition",
            "is no time",
        ),
        (['has = { properties = ["framse"] }'], "policy_condition", "did you mean 'frames'"),
    ):
        with pytest.raises(InvalidInput) as caught:
            survey.check(_policy(*lines))
        assert caught.value.code == code
        assert says in caught.value.message
        assert caught.value.message.startswith("policy, line 1, rule 'rule': ")
    with pytest.raises(NotFound):
        survey.check(_policy("valid = true"), ["nothing is called so"])
    assert survey.find(cls="CheckReport") == []


def test_junit(survey: Any, tmp_path: Path) -> None:
    mosaic = _made(survey)[2]
    survey.store(mosaic, name="deep & \x01 <wide>")
    policy = parse_policy(
        '[[rule]]\nname = "depth"\nfor = { class = ["PolicyMosaic", "PolicyFrame"] }\nmax_depth = 1\n'
        '[[rule]]\nname = "warned"\nseverity = "warning"\nfor = { class = "PolicyFrame" }\nmax_age = "0 s"\n'
        '[[rule]]\nname = "nothing"\nfor = { published = true }\nvalid = true\n', source="ci.toml",
    )  # fmt: skip
    path = survey.check(policy, record=False).write_junit(tmp_path / "junit.xml")
    root = ElementTree.parse(path).getroot()
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["skipped"]) == ("6", "1", "1")
    cases = {(c.attrib["classname"], bool(len(c)) and c[0].tag) for c in root.iter("testcase")}
    assert cases == {
        ("ci.depth", "failure"),
        ("ci.depth", False),
        ("ci.warned", "system-out"),
        ("ci.nothing", "skipped"),
    }
    (failure,) = root.iter("failure")
    assert (failure.attrib["type"], failure.text is not None and "→" in failure.text) == ("max_depth", True)
