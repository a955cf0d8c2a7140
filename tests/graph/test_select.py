"""Objects found by criteria on their properties: the composed statement against the language's own evaluation."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provgraph.errors import InvalidInput, LanguageError, NotFound, UnitMismatch
from provgraph.graph import queryable
from provgraph.graph.mapper import Batch, Mapper
from provgraph.graph.select import NEWEST, page, select
from provgraph.graph.setup import prepare
from provgraph.language.criterion import Criterion
from provgraph.policy import AllowAll, Context
from provgraph.schema.agents import Agent
from provgraph.schema.attribute import Attribute
from provgraph.schema.calculator import AttributeCalculatorDefinition
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import DataFile, Segment
from provgraph.schema.objects import DBObject
from provgraph.schema.operators import External
from provgraph.schema.properties import persistent
from tests.conftest import ROOT
from tests.schema.test_operators import external


class SurveyedPlate(DBObject):
    """A photographic plate: a property of every type that can be declared, none of which has to be there."""

    exposure = persistent(float, unit="s", default=None)
    seeing = persistent(float, unit="arcsec", default=None)
    count = persistent(int, default=None)
    order = persistent(int, default=None)  # a word of Cypher
    band = persistent(str, default=None)
    good = persistent(bool, default=None)
    filters = persistent(list[str], default=None)
    levels = persistent(list[int], default=None)


nan, inf = math.nan, math.inf
PLATES: list[dict[str, Any]] = [
    {
        "exposure": 60.0,
        "seeing": 1.5,
        "count": 3,
        "order": 1,
        "band": "g",
        "good": True,
        "filters": ["g", "r"],
        "levels": [1, 2],
    },
    {"exposure": nan, "seeing": 60.0, "count": 0, "order": 0, "band": "", "good": False, "filters": [], "levels": [0]},
    {"exposure": inf, "count": 2**53 + 1, "order": -1, "band": "Sérsic", "filters": ["r"], "levels": []},
    {"exposure": 0.0, "seeing": nan, "order": 2**53, "band": "it's", "good": True, "filters": ["it's", "g"]},
    {"exposure": -2.5, "seeing": -2.5, "count": -(2**63), "good": False, "levels": [2**53 + 1]},
    {"seeing": 1.5, "count": 2**63 - 1, "order": 3, "band": "日本"},
    {},
]
NAMED: list[tuple[str, ...]] = [("bright",), ("faint", "bright"), ("bright", "faint"), (), ("it's",), (), ()]
TAGGED: list[tuple[str, ...]] = [("deep", "blue"), ("deep",), (), (), ("blue", "blue"), (), ()]

NUMBERS = ("0", "1", "-1", "2", "2.5", "-2.5", "60", "1e300", "inf", "-inf", "null", "2 * 30", "9007199254740993",
           "9223372036854775807", "99999999999999999999")  # fmt: skip
WORDS = ("'g'", "'r'", "''", "'Sérsic'", '"it\'s"', "'bright'", "'faint'", "'deep'", "'blue'", "'zz'", "null")
SCALARS: dict[str, tuple[str, Sequence[str]]] = {
    # name: (dtype, constants)
    "exposure": ("f8", NUMBERS), "seeing": ("f8", NUMBERS), "count": ("i8", NUMBERS), "order": ("i8", NUMBERS),
    "band": ("U", WORDS), "name": ("U", WORDS), "version": ("i8", NUMBERS), "creator": ("U", ("'ada'", "'ben'", "'zz'")),
}  # fmt: skip
LISTS = {"filters": WORDS[:-1], "tag": WORDS[:-1], "levels": ("0", "1", "2", "9007199254740993", "-5")}
COMPARABLE = [("count", "order"), ("order", "count"), ("count", "version"), ("band", "name"), ("exposure", "exposure")]
OPERATORS = st.sampled_from(["<", "<=", ">", ">=", "=", "!="])
Asked = tuple[
    str, str
]  # as it is asked of the survey, and of the language, to which a list is one true or false for each word


def _has(name: str, constant: str) -> str:
    return f"`{name} has {constant}`"


@st.composite
def atoms(draw: Any) -> Asked:
    kind = draw(
        st.sampled_from(
            ["compare", "flipped", "in", "null", "pair", "list", "list in", "list null", "flag", "constant"]
        )
    )
    name = draw(st.sampled_from(list(LISTS if kind.startswith("list") else SCALARS)))
    constants = st.sampled_from(LISTS[name] if kind.startswith("list") else SCALARS[name][1])
    no = draw(st.sampled_from(["", "not "]))
    known = constants.filter(lambda c: c != "null")  # nothing is compared with null but in lists
    match kind:
        case "compare":
            said = f"{name} {draw(OPERATORS)} {draw(known)}"
        case "flipped":
            said = f"{draw(known)} {draw(OPERATORS)} {name}"
        case "in":
            said = f"{name} {no}in ({', '.join(draw(st.lists(constants, min_size=1, max_size=4)))})"
        case "null":
            said = f"{name} is {no}null"
        case "pair":
            left, right = draw(st.sampled_from(COMPARABLE))
            said = f"{left} {draw(OPERATORS)} {right}"
        case "list":
            constant = draw(constants)
            return f"{name} {'!=' if no else '='} {constant}", f"{no}{_has(name, constant)}"
        case "list in":
            found = draw(st.lists(constants, min_size=1, max_size=3))
            return f"{name} {no}in ({', '.join(found)})", f"{no}({' or '.join(_has(name, c) for c in found)})"
        case "list null":
            return f"{name} is {no}null", f"{_has(name, LISTS[name][0])} is {no}null"
        case "flag":
            said = draw(
                st.sampled_from(
                    ["good", "not good", "good = true", "good != true", "good is null", "good in (false, null)"]
                )
            )
        case _:
            said = draw(st.sampled_from(["true", "false", "null", "1 < 2", "'a' = 'b'"]))
    return said, said


CRITERIA = st.recursive(
    atoms(),
    lambda inner: st.one_of(
        st.tuples(inner, inner, st.sampled_from(["and", "or"])).map(
            lambda t: (f"({t[0][0]} {t[2]} {t[1][0]})", f"({t[0][1]} {t[2]} {t[1][1]})")
        ),
        inner.map(lambda t: (f"not ({t[0]})", f"not ({t[1]})")),
        inner.map(lambda t: (f"complement({t[0]})", f"complement({t[1]})")),
    ),
    max_leaves=6,
)


def column(values: Sequence[Any], dtype: str) -> tuple[Any, Any]:
    null = np.array([v is None for v in values])
    filler: Any = {"U": "g", "f8": 1.0, "i8": 1, "?": True}[dtype]
    kept = [filler if v is None else v for v in values]
    return np.array(kept, dtype=None if dtype == "U" else dtype), null if null.any() else None


def evaluated(text: str, values: Mapping[str, Sequence[Any]]) -> Any:
    """Which of the plates the language itself selects; values : by property."""
    kinds = {name: dtype for name, (dtype, _) in SCALARS.items()} | {"good": "?"}
    columns = {name: column(values[name], kind) for name, kind in kinds.items()}
    for name, constants in LISTS.items():
        for constant in constants:
            word: Any = int(constant) if name == "levels" else constant[1:-1]
            kinds[f"{name} has {constant}"] = "?"
            has = [None if v is None else word in v for v in values[name]]
            columns[f"{name} has {constant}"] = column(has, "?")
    attributes = {n: Attribute(n, k, "", origin=n) for n, k in kinds.items()}
    return Criterion.parse(text).bind(attributes).select(columns, n=len(PLATES))


@pytest.fixture
def mapper(engine: Any) -> Mapper:
    prepare(engine)
    return Mapper(engine, Context(agent=Agent("person", "ada")))


def stored(mapper: Mapper, *objects: DBObject) -> None:
    batch = Batch()
    batch.add(*objects)
    mapper.write(batch)


def noted(mapper: Mapper, about: DBObject, kind: str, value: str) -> None:
    batch = Batch()
    batch.note(about, kind, value)
    mapper.write(batch)


def plates(mapper: Mapper) -> list[SurveyedPlate]:
    made = []
    for i, values in enumerate(PLATES):
        one = SurveyedPlate(**values)
        one.version = i % 3 + 1
        stored(Mapper(mapper.engine, Context(agent=Agent("person", "ada" if i % 2 else "ben"))), one)
        for name in NAMED[i]:
            noted(mapper, one, "name", name)
        for tag in TAGGED[i]:
            noted(mapper, one, "tag", tag)
        made.append(one)
    return made


def test_what_is_found_is_what_the_language_selects(mapper: Mapper, request: pytest.FixtureRequest) -> None:
    made = plates(mapper)
    properties = {n: [p.get(n) for p in PLATES] for n in (*SCALARS, *LISTS, "good")} | {
        "name": [names[-1] if names else None for names in NAMED], "tag": TAGGED,
        "version": [p.version for p in made], "creator": ["ada" if i % 2 else "ben" for i in range(len(made))],
    }  # fmt: skip
    newest_first = list(reversed(range(len(made))))
    examples = 400 if request.node.callspec.params["engine"] == "embedded" else 120
    counts = set()

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(CRITERIA)
    def agrees(asked: Asked) -> None:
        where, same = asked
        expected = evaluated(same, properties)
        found, more = page(mapper, select(SurveyedPlate, where), limit=100)
        assert not more
        assert [o.object_id for o in found] == [made[i].object_id for i in newest_first if expected[i]], where
        counts.add(len(found))

    agrees()
    assert counts >= {0, 1, 2, len(made)}  # the criteria drawn do decide something


def ids(found: Sequence[DBObject]) -> list[str]:
    return [o.object_id for o in found]


def find(mapper: Mapper, cls: Any, where: str) -> list[Any]:
    return page(mapper, select(cls, where), limit=100)[0]


def collections(mapper: Mapper) -> tuple[Any, Any, Any]:
    """A catalog whose sources were counted, a selection of it that nobody counted, a part of it with one attribute."""
    catalog = external()
    near = catalog.filter("z < 0.1")
    part = catalog.select("mag")
    stored(mapper, catalog)
    stored(mapper, near)
    stored(mapper, part)
    for n, name in ((5, "a"), (1500, "b")):
        key = catalog.sources().key if n == 1500 else "S:other"
        segment = {
            "file": name,
            "digest": f"sha256:{name}",
            "size": 10_000,
            "mtime_ns": 1,
            "inode": 1,
            "n": n,
            "info": "{}",
        }
        stored(mapper, Segment(**segment, id_space="sky", id_dtype="i8", id_digest="d", source_set_key=key))
    noted(mapper, near, "name", "near")
    noted(mapper, near, "description", "the near ones")
    return catalog, near, part


@pytest.mark.parametrize(("where", "wanted"), [
    ("", "catalog near part"),
    ("n_sources > 1000", "catalog part"),
    ("n_sources <= 1000", ""),
    ("n_sources is null", "near"),
    ("n_sources = 1500 or name = 'near'", "catalog near part"),
    ("n_sources = 1500 and creator = 'ada' and n_attributes = 1 and name is null and tag != 'x'", "part"),
    ("complement(n_sources > 1000)", "near"),
    ("name = 'near' and attribute = 'z'", "near"),
    ("description = 'the near ones'", "near"),
    ("attribute = 'z'", "catalog near"),
    ("attribute != 'z'", "part"),
    ("attribute = 'z' and attribute = 'mag' and operator = 'External'", "catalog"),
    ("attribute in ('q', 'mag') and n_attributes < 3", "part"),
    ("n_attributes between 2 and 3", "catalog near"),
    ("ucd = 'meta.id;meta.main'", "catalog near"),
    ("class = operator", "catalog near part"),
    ("class = 'External' and id_space = 'sky' and project = 'default'", "catalog"),
    ("version = 1 and version != 2 and created >= '2020'", "catalog near part"),
])  # fmt: skip
def test_collections_are_found(mapper: Mapper, where: str, wanted: str) -> None:
    made = dict(zip(("catalog", "near", "part"), collections(mapper), strict=True))
    found = ids(find(mapper, SourceCollection, where))
    assert found == [made[w].object_id for w in reversed(wanted.split())]


def test_classes_declare_what_can_be_asked(mapper: Mapper) -> None:
    catalog, _, _ = collections(mapper)
    assert ids(find(mapper, External, "id_attribute = 'id' and columns = 'mag'")) == [catalog.object_id]
    assert ids(find(mapper, DataFile, f"digest = '{catalog.file.digest}' and name = 'a.fits'")) == [
        catalog.file.object_id
    ]
    assert len(find(mapper, Segment, "size >= 10 kbyte and columns != 'o:1'")) == 2
    assert find(mapper, Segment, "size > 10 kbyte") == []
    shown = AttributeCalculatorDefinition(
        name="M", requires=["z", "mag"], provides=["M"], expression="mag - 5 * log10(z)", units=["mag"], ucds=[""]
    )
    stored(mapper, shown)
    asked = "kind = 'expression' and requires = 'z' and requires != 'ra' and name = 'M' and description = ''"
    assert ids(find(mapper, AttributeCalculatorDefinition, asked)) == [shown.object_id]
    # Where some objects have a name of their own and some were given one, both are names.
    assert len(find(mapper, DBObject, "name in ('M', 'near', 'a.fits')")) == 3


def test_what_an_index_finds_is_not_looked_for(mapper: Mapper) -> None:
    catalog, near, _ = collections(mapper)
    for where, one, begins in [
        (f"object_id = '{near.object_id}'", near, "MATCH (n:Entity {object_id: $p0})"),
        (f"version = 1 and '{catalog.lineage_key}' = lineage_key", catalog, "MATCH (n:Entity {lineage_key: $p0})"),
        ("n_attributes = 3 and name = 'near'", near, "MATCH (g:Note {value: $p0})"),
    ]:
        selection = select(SourceCollection, where)
        assert selection.statement.text.startswith(begins)
        assert ids(page(mapper, selection, limit=9)[0]) == [one.object_id]
    assert find(mapper, External, f"object_id = '{near.object_id}'") == []  # another class
    noted(mapper, near, "name", "renamed")
    assert find(mapper, SourceCollection, "name = 'near'") == []  # a name it had


def test_what_is_asked_does_not_change_what_is_read(mapper: Mapper) -> None:
    """On Neo4j 5.26 `n.x IS NOT NULL` made properties(n) hold true for x."""
    plates(mapper)
    fresh = Mapper(mapper.engine, Context())
    for where in (
        "filters is not null and tag is not null",
        "filters is not null",
        "(filters is null or good is not null) and name is null",
    ):
        for one in find(fresh, SurveyedPlate, where):
            values = {
                n: p.encode(v) for n, p in SurveyedPlate.persistents.items() if (v := getattr(one, n)) is not None
            }
            kept = [{n: list(v) if isinstance(v, list) else v for n, v in p.items()} for p in PLATES]
            assert str(values) in map(str, kept), where


def test_times_are_compared_as_times(mapper: Mapper) -> None:
    catalog, near, part = collections(mapper)
    for time in (near.created, near.created.replace("T", " "), near.created.replace("Z", "+00:00")):
        assert ids(find(mapper, SourceCollection, f"created = '{time}'")) == [near.object_id]
        assert ids(find(mapper, SourceCollection, f"created > '{time}'")) == [part.object_id]
    second = near.created[:19]
    assert near.object_id in ids(find(mapper, SourceCollection, f"created >= '{second}Z'"))
    assert find(mapper, SourceCollection, f"created < '{catalog.created[:4]}'") == []
    assert (
        len(find(mapper, SourceCollection, f"created between '{catalog.created[:7]}' and '2999-01-01T00:00+02:00'"))
        == 3
    )


def test_the_text_of_a_criterion_is_never_cypher(mapper: Mapper) -> None:
    made = plates(mapper)
    mischief = "g' OR true RETURN n //"
    assert find(mapper, SurveyedPlate, f'band = "{mischief}"') == []
    for where in (f'band = "{mischief}" and good', f'band in ("{mischief}", "$p0")', f'filters = "{mischief}"'):
        text = select(SurveyedPlate, where).statement.text
        assert "OR true" not in text
        assert "$p0" in text
    assert len(find(mapper, SurveyedPlate, "")) == len(made)
    one, other = select(SurveyedPlate, "count < 2 and name = 'x'"), select(SurveyedPlate, "count < 9 and name = 'y'")
    assert one.statement is other.statement
    assert one.values != other.values


def test_pages_go_on_where_the_last_ended(mapper: Mapper) -> None:
    made = list(reversed(ids(plates(mapper))))
    selection = select(SurveyedPlate, "tag != 'x'")
    for limit in (1, 3, 7, 8):
        seen: list[str] = []
        after, more = NEWEST, True
        while more:
            found, more = page(mapper, selection, limit=limit, after=after)
            seen += ids(found)
            after = (found[-1].created, found[-1].object_id)
        assert seen == made
    assert page(mapper, selection, limit=0) == ([], True)
    assert ids(page(mapper, select(SurveyedPlate, "", named="RIGH"), limit=9)[0]) == [
        made[i] for i in (4, 5, 6)
    ]  # ever given
    assert ids(page(mapper, select(SurveyedPlate, "name = 'bright'", named="fai"), limit=9)[0]) == [made[5]]


def test_what_is_hidden_does_not_shorten_a_page(mapper: Mapper) -> None:
    class Odd(AllowAll):
        def visible(self, context: Any, rows: Any) -> Any:
            return [r for r in rows if r["version"] == 2]

    made = plates(mapper)
    hiding = Mapper(mapper.engine, Context(), policy=Odd())
    found, more = page(hiding, select(SurveyedPlate, ""), limit=1)
    assert (ids(found), more) == ([made[4].object_id], True)
    found, more = page(hiding, select(SurveyedPlate, ""), limit=2)
    assert (ids(found), more) == ([made[4].object_id, made[1].object_id], False)


# -- refused, without a graph ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cls", "where", "code", "at", "says"), [
    (SourceCollection, "n_sources > 1 and naem = 'x'", "unknown_property", "naem", "did you mean 'name'?"),
    (SourceCollection, "redshift < 1", "unknown_property", "redshift", "there are: name"),
    (SourceCollection, "id_attribute = 'x'", "unknown_property", "id_attribute", "SourceListWrapper have it"),
    (SurveyedPlate, "counts + 1 > 2", "unknown_property", "counts", "did you mean 'count'"),
    (SurveyedPlate, "good and name > 5", "criterion_types", ">", "mixes text"),
    (SurveyedPlate, "count = 'three'", "criterion_types", "=", "mixes a number"),
    (SurveyedPlate, "band", "criterion_types", "band", "neither"),
    (SurveyedPlate, "filters > 'g'", "criterion_types", "filters", "is a list"),
    (SurveyedPlate, "filters = band", "criterion_types", "filters", "is a list"),
    (SurveyedPlate, "good and levels", "criterion_types", "levels", "is a list"),
    (SurveyedPlate, "filters = 3", "criterion_types", "=", "mixes text"),
    (SurveyedPlate, "created > 'yesterday'", "criterion_types", "'yesterday'", "is no time"),
    (SurveyedPlate, "created in ('2026', '2026-13')", "criterion_types", "'2026-13'", "is no time"),
    (SurveyedPlate, "created > 2026", "criterion_types", ">", "mixes"),
    (SurveyedPlate, "exposure > 1 kpc", "unit_mismatch", "1 kpc", "[s]"),
    (SurveyedPlate, "count > 1 s", "unit_mismatch", "1 s", "no unit"),
    (SurveyedPlate, "exposure > seeing", "unit_mismatch", "seeing", "dimension"),
    (SurveyedPlate, "count + 1 > 2", "criterion_refused", "+", "only be asked of sources"),
    (SurveyedPlate, "abs(count) > 2", "criterion_refused", "abs", "only be asked of sources"),
    (SurveyedPlate, "within(exposure, seeing, 1, 2, 3)", "criterion_refused", "within", "only be asked of sources"),
    (SurveyedPlate, "within(1, 2, 3)", "criterion_refused", "within", "only be asked of sources"),
    (SurveyedPlate, "where(good, count, order) = 1", "criterion_refused", "where", "only be asked of sources"),
    (SurveyedPlate, "(count > 1) is null", "criterion_refused", ">", "only be asked of sources"),
    (SurveyedPlate, "good = (count > 1)", "criterion_refused", "> 1)", "only be asked of sources"),
    (SurveyedPlate, "count >", "criterion_syntax", "", "ends"),
    (SurveyedPlate, "count > 1; MATCH (n) DETACH DELETE n", "criterion_syntax", ";", "means nothing"),
])  # fmt: skip
def test_what_cannot_be_asked(cls: Any, where: str, code: str, at: str, says: str) -> None:
    with pytest.raises(LanguageError) as caught:
        select(cls, where)
    assert caught.value.code == code, str(caught.value)
    assert says in str(caught.value)
    assert caught.value.position == (where.index(at) if at else len(where)), str(caught.value)
    assert isinstance(caught.value, UnitMismatch) == (code == "unit_mismatch")


def test_units_are_converted() -> None:
    for where, value in (("exposure > 2 min", 120.0), ("90 arcmin < seeing", 5400.0), ("exposure in (1 h)", 3600.0)):
        assert list(select(SurveyedPlate, where).values.values()) == [value], where


def test_what_is_no_class() -> None:
    assert queryable.class_of("SurveyedPlate") is SurveyedPlate
    with pytest.raises(NotFound, match="did you mean 'SourceCollection'") as caught:
        queryable.class_of("SourceColection")
    assert caught.value.code == "class_unknown"
    for wrong in (int, None, 3, SurveyedPlate()):
        with pytest.raises(InvalidInput) as refused:
            queryable.class_of(wrong)
        assert refused.value.code == "class_invalid"
    with pytest.raises(InvalidInput):
        select(SurveyedPlate, 3)  # type: ignore[arg-type]


def test_the_page_shows_the_properties_of_collections() -> None:
    section = (ROOT / "docs" / "criteria.md").read_text(encoding="utf-8").split("## Finding objects")[1].split("## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    assert {n for row in rows for n in re.findall("`(.*?)`", row)} == set(queryable.properties_of(SourceCollection))


def test_everything_declared_can_be_asked() -> None:
    """Every property of every class gives a statement that says nothing but names and parameters."""
    words = re.compile(r"[\w$`'.,:(){}<>=\[\]\-\s]*")
    for cls in list(queryable.registry.values()):
        for name in queryable.properties_of(cls):
            assert words.fullmatch(select(cls, f"`{name}` is not null").statement.text), (cls, name)
