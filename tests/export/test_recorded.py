"""What a survey recorded as PROV: valid by our own validator, all of it, the same each time, and equal after every format."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

import provgraph
from provgraph import link, persistent, process_params
from provgraph.errors import InvalidInput, NotFound, UsageError
from provgraph.names import NAMESPACE, PROV, VOPROV
from provgraph.prov import Document, Literal, Reference, Statement, dumps, loss, read, validate
from provgraph.prov.formats import FORMATS
from provgraph.trace.programs import run_program
from tests.surveys import catalog, nearby, open_survey, survey  # noqa: F401

HOME = "/home/ada/night1"


class RecordedSettings(provgraph.Parameters):
    sigma = persistent(float, default=3.0)
    masks = persistent(list[str], default=("cosmics",))


class RecordedRaw(provgraph.DataObject):
    filename = persistent(str)
    level = persistent(float, unit="adu")


class RecordedFlat(provgraph.DataObject, provgraph.ProcessTarget):
    raws = link(list[RecordedRaw])
    params = process_params(RecordedSettings)
    level = persistent(float)

    def make(self) -> None:
        self.level = self.mean(f"{HOME}/flat.conf", {"env": {"API_KEY": "abcdef"}})

    def mean(self, config: str, options: dict[str, Any]) -> float:
        return sum(r.level for r in self.raws) / len(self.raws)


@pytest.fixture
def flat(survey: Any, tmp_path: Path) -> Any:
    """A target with its calls, a file, a program that ran before, statements of all kinds."""
    with survey:
        path = tmp_path / "r0.fits"
        path.write_bytes(b"SIMPLE")
        raws = [RecordedRaw(filename=f"r{i}", level=i + 1.0) for i in range(2)]
        raws[0].attach(path)
        survey.store(raws)
        first = RecordedFlat(raws=raws)
        survey.make(first)
        survey.annotate(first, name="flat", description=f"made at {HOME} by ada@example.org")
        survey.invalidate(first, "clouds")
        second = survey.new_version(first, level=1.25)
        survey.annotate(second, name="flat2")
        yield second


def literals(statement: Statement, name: str, namespace: str = NAMESPACE) -> list[str]:
    return [v.lexical for n, v in statement.attributes if n.iri == namespace + name and isinstance(v, Literal)]


def types(statement: Statement) -> set[str]:
    return {v.name.iri for n, v in statement.attributes if n.iri == PROV + "type" and isinstance(v, Reference)}


def elements(document: Document, kind: str) -> list[Statement]:
    return [s for s in document.statements if s.kind == kind]


def by_type(document: Document, type_: str) -> list[Statement]:
    return [s for s in document.statements if s.kind in {"entity", "activity", "agent"} and type_ in types(s)]


def holds(document: Document) -> None:
    """Valid, and equal after all formats that can say it; the others name what is lost."""
    verdict = validate(document)
    assert verdict.valid, str(verdict)
    for format in FORMATS:
        if not [one for one in loss(document, format) if not one.minor]:
            assert read(dumps(document, format), format=format) == document
        else:
            assert format in {"turtle", "trig"}


@pytest.mark.parametrize("profile", ["", "ivoa"])
@pytest.mark.parametrize("redact", ["none", "private"])
def test_all_that_is_recorded_of_a_target_is_valid_and_comes_back(flat: Any, profile: str, redact: str) -> None:
    survey = flat.home()
    document = survey.as_prov(flat, redact=redact, profile=profile)
    holds(document)
    again = survey.as_prov(flat, redact=redact, profile=profile)
    assert dumps(again, "prov-json") == dumps(document, "prov-json")


@pytest.mark.parametrize("profile", ["", "ivoa"])
def test_all_that_is_recorded_of_a_catalog_is_valid_and_comes_back(nearby: Any, tmp_path: Path, profile: str) -> None:
    bright = nearby.pull("A", ["absmag_u"], where="redshift < 0.3", name="bright")
    n = len(bright.table())
    nearby.invalidate("absmag_u", "wrong band")
    out = nearby.write(nearby["bright"], tmp_path / "bright.fits")
    for thing in ("bright", str(out), "A"):
        document = nearby.as_prov(nearby.get(thing), profile=profile)
        holds(document)
    document = nearby.as_prov("bright", profile=profile)
    [collection] = [s for s in by_type(document, PROV + "Collection") if literals(s, "label", PROV) == ["bright"]]
    assert literals(collection, "n_sources") == [str(n)]
    [a] = [s for s in by_type(document, PROV + "Collection") if literals(s, "label", PROV) == ["A"]]
    assert literals(a, "n_sources") == ["1000"]
    assert by_type(document, NAMESPACE + "Environment")
    assert by_type(document, PROV + "SoftwareAgent")
    plans = {s.argument("plan") for s in elements(document, "wasAssociatedWith")} - {None}
    assert plans == {s.id for s in by_type(document, PROV + "Plan")}
    assert "wrong band" in {x for s in by_type(document, NAMESPACE + "Note") for x in literals(s, "reason")}


def test_calls_inside_constructions_revisions_and_statements_are_there(flat: Any) -> None:
    survey = flat.home()
    document = survey.as_prov(flat)
    methods = sorted(x for s in elements(document, "activity") for x in literals(s, "method"))
    assert {"make", "mean", "__init__"} <= set(methods)
    started = {(s.argument("activity"), s.argument("starter")) for s in elements(document, "wasStartedBy")}
    [make] = [s.id for s in elements(document, "activity") if literals(s, "method") == ["make"]]
    [mean] = [s.id for s in elements(document, "activity") if literals(s, "method") == ["mean"]]
    assert (mean, make) in started
    kinds = sorted(x for s in by_type(document, NAMESPACE + "Note") for x in literals(s, "kind"))
    assert {"name", "description", "validity", "place"} <= set(kinds)
    [revision] = [s for s in elements(document, "wasDerivedFrom") if PROV + "Revision" in types(s)]
    assert revision.argument("generatedEntity").iri == flat.iri  # type: ignore[union-attr]
    general = [s.argument("generalEntity") for s in elements(document, "specializationOf")]
    assert len(general) > len(set(general)), "two versions of one thing"
    for activity in elements(document, "activity"):
        assert activity.argument("startTime")
        assert activity.argument("endTime")


def test_a_derivation_names_the_call_that_stands_behind_it(flat: Any) -> None:
    document = flat.home().as_prov(flat)
    ids = {s.id: s for s in document.statements if s.kind in {"used", "wasGeneratedBy"} and s.id is not None}
    qualified = [s for s in elements(document, "wasDerivedFrom") if s.argument("activity") is not None]
    assert qualified
    for derivation in qualified:
        generation, usage = ids[derivation.argument("generation")], ids[derivation.argument("usage")]  # type: ignore[index]
        assert generation.argument("entity") == derivation.argument("generatedEntity")
        assert usage.argument("entity") == derivation.argument("usedEntity")
        assert generation.argument("activity") == usage.argument("activity") == derivation.argument("activity")


def test_what_was_deleted_is_invalidated(survey: Any) -> None:
    one = survey.store(RecordedRaw(filename="r9", level=1.0))
    survey.delete(one, reason="a test exposure")
    document = survey.as_prov(one)
    [gone] = elements(document, "wasInvalidatedBy")
    assert gone.argument("entity").iri == one.iri  # type: ignore[union-attr]
    assert gone.argument("time")
    holds(document)
    ivoa = survey.as_prov(one, profile="ivoa")
    assert [
        literals(s, "invalidatedAtTime", VOPROV) for s in elements(ivoa, "entity") if s.id and s.id.iri == one.iri
    ] == [[gone.argument("time")]]


def test_programs_are_exported_without_what_is_private(survey: Any, tmp_path: Path) -> None:
    out = tmp_path / "out.txt"
    with survey:
        code = f"import sys; open({str(out)!r}, 'w').write('x'); print('{HOME}/x', file=sys.stderr)"
        done = run_program(
            [sys.executable, "-c", code, "--token", "xyzzy", "MY_KEY=plugh", "/home/ada/cat.fits", "by ada"],
            outputs=[out],
        )
        document = survey.as_prov(done.outputs[0])
        full = dumps(document, "prov-json")
        assert "xyzzy" in full
        text = survey.export(done.outputs[0])
    for word in ("xyzzy", "plugh", "/home"):
        assert word not in text
    assert not re.search(r"\bada\b", text)  # an id may hold these letters
    assert "~/cat.fits" in text
    assert "by (user)" in text
    redacted = read(text)
    holds(redacted)
    [record] = by_type(redacted, NAMESPACE + "Redaction")
    assert literals(record, "policy") == ["private"]
    counts = {rule: int(literals(record, rule)[0]) for rule in ("environment_variables", "secrets", "home_directories")}
    assert counts["environment_variables"] >= 1
    assert counts["secrets"] >= 1
    assert counts["home_directories"] >= 2
    [program] = [s for s in elements(redacted, "activity") if literals(s, "class_name") == ["Program"]]
    assert set(literals(program, "redacted")[0].split(", ")) == {
        "environment variables",
        "home directories",
        "secrets",
        "user names",
    }


def test_a_redacted_document_has_the_same_statements_about_the_same_things(flat: Any) -> None:
    survey = flat.home()
    full, private = survey.as_prov(flat), survey.as_prov(flat, redact="private")
    assert read(survey.export(flat)) == private
    assert HOME in dumps(full, "prov-json")
    text = dumps(private, "prov-json")
    for word in ("/home", "ada@example.org", "abcdef", survey.context.agent.agent_id):
        assert word not in text
    assert [s.kind for s in private.statements[:-1]] == [s.kind for s in full.statements]
    [person] = by_type(private, PROV + "Person")
    assert literals(person, "label", PROV) == ["person 1"]
    assert {s.argument("agent") for s in elements(private, "wasAttributedTo")} == {person.id}
    things = {s.id for s in elements(full, "entity")}
    assert things <= {s.id for s in elements(private, "entity")}


def test_a_policy_is_a_file(flat: Any, tmp_path: Path) -> None:
    survey = flat.home()
    file = tmp_path / "archive.toml"
    file.write_text(
        'rules = ["home directories"]\nleave_out = ["level"]\n[[replace]]\nname = "weather"\nmatch = "cloud(s)?"\nby = "(why)"\n'
    )
    document = survey.as_prov(flat, redact=file)
    [record] = by_type(document, NAMESPACE + "Redaction")
    assert literals(record, "policy") == ["archive"]
    assert literals(record, "weather") == ["1"]
    assert int(literals(record, "attributes_left_out")[0]) == 4
    assert not [s for s in document.statements if literals(s, "level")]
    assert "(why)" in dumps(document, "prov-n")
    holds(document)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rule = []", "did you mean 'rules'"),
        ('rules = ["homes"]', "there is no rule 'homes'"),
        ("rules = 1", "rules is a list of texts"),
        ('[[replace]]\nname = "x"', "needs a name and a match"),
        ('[[replace]]\nname = "x"\nmatch = "("', "no regular expression"),
        ("rules = [", "cannot be read as TOML"),
    ],
)
def test_a_wrong_policy_is_one_sentence(flat: Any, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=said) as error:
        flat.home().export(flat, redact=file)
    assert error.value.code == "redaction_invalid"


def test_what_is_not_there_is_one_sentence(flat: Any, tmp_path: Path) -> None:
    survey = flat.home()
    with pytest.raises(NotFound, match="There is no redaction 'privat'; there are private and none") as error:
        survey.export(flat, redact="privat")
    assert error.value.code == "redaction_unknown"
    with pytest.raises(UsageError, match="There is no profile 'voprov'"):
        survey.export(flat, profile="voprov")
    with pytest.raises(InvalidInput, match="more than"):
        survey.as_prov(flat, limit=12)
    path = tmp_path / "a.provn"
    path.write_text("document\n prefix ex <http://example.org/>\n entity(ex:a)\nendDocument\n")
    kept = survey.import_prov(path)
    for more in ({"redact": "private"}, {"profile": "ivoa"}):
        with pytest.raises(UsageError, match="comes out as it came in"):
            survey.export(kept, **more)
    assert "entity(ex:a)" in survey.export(kept, format="prov-n", redact="none")


def test_the_ivoa_profile_names_classes_attributes_and_configuration(flat: Any) -> None:
    survey = flat.home()
    document = survey.as_prov(flat, profile="ivoa")
    plain = survey.as_prov(flat)
    assert len([s for s in document.statements if s.kind == "activity"]) == len(elements(plain, "activity"))
    assert all(VOPROV + "Activity" in types(s) for s in elements(document, "activity"))
    assert all(VOPROV + "Agent" in types(s) for s in elements(document, "agent"))
    descriptions = by_type(document, VOPROV + "ActivityDescription")
    assert {s.id for s in descriptions} == {s.id for s in by_type(document, PROV + "Plan")} != set()
    described = {v.name for s in elements(document, "activity") for n, v in s.attributes
                 if n.iri == VOPROV + "activityDescription" and isinstance(v, Reference)}  # fmt: skip
    assert described == {s.id for s in descriptions}
    parameters = {
        literals(s, "name", VOPROV)[0]: literals(s, "value", VOPROV)[0] for s in by_type(document, VOPROV + "Parameter")
    }
    assert parameters == {"sigma": "3.0", "masks": '["cosmics"]'}
    [make] = [s.id for s in elements(document, "activity") if literals(s, "method") == ["make"]]
    configured = [s for s in elements(document, "wasInfluencedBy") if VOPROV + "WasConfiguredBy" in types(s)]
    assert {s.argument("influencee") for s in configured} >= {make}
    makers = [s.argument("entity") for s in elements(document, "wasGeneratedBy")]
    assert len(makers) == len(set(makers)), "one generating activity for an entity"
    assert all(s.argument("time") is None for s in elements(document, "wasGeneratedBy"))
    assert all(
        literals(s, "generatedAtTime", VOPROV)
        for s in elements(document, "entity")
        if VOPROV + "Parameter" not in types(s)
    )
    assert [literals(s, "role", VOPROV) for s in elements(document, "used")] == [
        literals(s, "role", PROV) for s in elements(document, "used")
    ]
