"""Each operator: attributes, sources, keys and evaluation, from lineage alone; and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import provgraph.rewrite.relations  # proves that sets of sources share none  # noqa: F401
from provgraph.errors import InvalidInput, LanguageError, OperatorError, UnknownAttribute
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.calculator import AttributeCalculatorDefinition
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import DataFile, Segment
from provgraph.schema.operators import (
    OPERATORS,
    AttributeCalculator,
    ConcatenateAttributes,
    ConcatenateSources,
    External,
    Pass,
    SelectAttributes,
    SelectSources,
    SourceListWrapper,
    source_list_wrapper,
)
from provgraph.schema.relabelling import Relabelling
from provgraph.schema.sets import Relabelled, Union
from provgraph.schema.table import Column, Table


def external(digest: str = "sha256:a", id_space: str = "sky", names: tuple[str, ...] = ("id", "z", "mag")) -> External:
    file = DataFile(digest=digest, name="a.fits", size=1)
    made = External(
        file=file, digest=digest, id_attribute="id", declared_id_space=id_space, columns=names, declaration=""
    )
    dtypes = {"id": "i8", "name": "U"}
    units = {"mag": "mag", "z": ""}
    return made.declare(AttributeSet(Attribute(n, dtypes.get(n, "f8"), units.get(n, "?")) for n in names))


def table_of(collection: SourceCollection, **columns: list[Any]) -> Table:
    attributes = collection.attributes()
    return Table(np.array(columns["id"]), {n: Column(np.array(columns[n])) for n in attributes}, attributes)


def definition(expression: str = "mag - distmod(z)", requires: tuple[str, ...] = ("z", "mag"), **more: Any) -> Any:
    parameters: dict[str, Any] = {}
    if "distmod" in expression:
        parameters = {"parameter_names": ["H0", "Om0"], "parameter_values": [70.0, 0.3]}
    return AttributeCalculatorDefinition(
        **{"name": "M", "requires": requires, "provides": ["M"], "expression": expression, "units": ["mag"], "ucds": [""],
           **parameters, **more}
    )  # fmt: skip


A = external()
VALUES = table_of(A, id=[1, 2, 3, 4], z=[0.05, np.nan, 0.5, 0.09], mag=[20.0, 21.0, 22.0, 23.0])


def test_select_attributes() -> None:
    some = SelectAttributes(parent=A, names=["mag", "z"])
    assert some.attributes().names == ("mag", "z")
    assert some.attributes()["z"].origin == A.attributes()["z"].origin
    assert some.sources() == A.sources()
    assert list(some.evaluate(VALUES).columns) == ["mag", "z"]
    assert len(SelectAttributes(parent=A, names=[]).attributes()) == 0
    assert repr(some) == "SelectAttributes(External, mag, z)"
    with pytest.raises(UnknownAttribute, match=r"did you mean 'mag'\?"):
        SelectAttributes(parent=A, names=["magn"])


def test_filter_sources_is_kleene() -> None:
    near = A.filter("z < 0.1")
    assert near.evaluate(VALUES).ids.tolist() == [1, 4]
    assert A.filter("not z < 0.1").evaluate(VALUES).ids.tolist() == [3]
    assert A.filter("complement(z < 0.1)").evaluate(VALUES).ids.tolist() == [2, 3]
    assert near.sources().atoms > A.sources().atoms
    assert near.attributes().origins == A.attributes().origins
    with pytest.raises(UnknownAttribute):
        A.filter("redshift < 0.1")
    with pytest.raises(LanguageError):
        A.filter("rank(z) < 10")


def test_order_of_filters_does_not_matter_to_sources() -> None:
    one = A.filter("z < 0.1").filter("mag > 20")
    two = A.filter("mag > 20").filter("0.1 > z")
    both = A.filter("z < 0.1 and mag > 20")
    assert one.sources() == two.sources() == both.sources()
    assert len({one.lineage_key, two.lineage_key, both.lineage_key}) == 3


def test_concatenate_attributes_is_an_intersection() -> None:
    b = external("sha256:b", names=("id", "size", "z"))
    # One name for values from two places is refused; identifiers of one id space are the same values.
    with pytest.raises(OperatorError, match="'z'") as caught:
        ConcatenateAttributes(parents=[A, b])
    assert caught.value.code == "name_clash"
    assert A.concatenate(b.select("id", "size")).attributes().names == ("id", "z", "mag", "size")
    joined = A.concatenate(b.select("size"))
    other = table_of(b, id=[2, 3, 5], size=[1.0, 2.0, 3.0], z=[0.0, 0.0, 0.0]).only(["size"])
    result = joined.evaluate(VALUES, other)
    assert result.ids.tolist() == [2, 3]
    assert result["size"].values.tolist() == [1.0, 2.0]
    assert result["mag"].values.tolist() == [21.0, 22.0]
    assert joined.sources().atoms == A.sources().atoms | b.sources().atoms
    with pytest.raises(OperatorError) as caught:
        A.concatenate(external("sha256:c", id_space="other", names=("id", "size")).select("size"))
    assert caught.value.code == "id_spaces_differ"


def test_attribute_calculator_gives_only_the_new() -> None:
    made = AttributeCalculator.of(A, definition())
    assert made.attributes().names == ("M",)
    assert made.sources() == A.sources()
    result = made.evaluate(VALUES)
    assert len(result) == len(VALUES)  # a source without a value is not dropped
    assert result["M"].null is not None
    assert result["M"].null.tolist() == [False, True, False, False]
    assert made.process_params.as_dict() == {"H0": 70.0, "Om0": 0.3}


def test_origins_say_where_values_come_from() -> None:
    whole = AttributeCalculator.of(A, definition())
    part = AttributeCalculator.of(A.filter("z < 0.1"), definition())
    other = AttributeCalculator.of(A, definition(), {"H0": 67.0})
    assert whole.attributes()["M"].origin == part.attributes()["M"].origin
    assert whole.lineage_key != part.lineage_key
    assert other.attributes()["M"].origin != whole.attributes()["M"].origin
    assert external("sha256:b").attributes()["z"].origin != A.attributes()["z"].origin


def test_rename_attributes() -> None:
    renamed = A.rename(z="redshift", mag="z")
    assert renamed.attributes().names == ("id", "redshift", "z")
    assert renamed.attributes()["redshift"].origin == A.attributes()["z"].origin
    assert renamed.attributes()["z"].unit == "mag"
    assert renamed.sources() == A.sources()
    assert renamed.introduces() == ("z", "redshift")
    assert renamed.evaluate(VALUES)["z"].values.tolist() == [20.0, 21.0, 22.0, 23.0]
    assert list(renamed.evaluate(VALUES).columns) == ["id", "redshift", "z"]
    assert repr(A.rename(z="redshift")) == "RenameAttributes(External, z -> redshift)"
    assert A.rename({"mag": "m", "z": "r"}).lineage_key == A.rename(z="r", mag="m").lineage_key
    # What it is called makes no difference to what a criterion means.
    assert renamed.filter("redshift < 0.1").sources() == A.filter("z < 0.1").sources()


@pytest.mark.parametrize(
    ("renamed", "code", "says"),
    [
        ({"zz": "y"}, "unknown_attribute", "did you mean 'z'"),
        ({"z": "mag"}, "name_clash", "is what External has already"),
        ({"z": "m", "mag": "m"}, "name_clash", "called that twice"),
        ({"z": " "}, "name_invalid", "cannot be the name"),
        ({"z": "a\nb"}, "name_invalid", "cannot be the name"),
    ],
)
def test_rename_attributes_refuses(renamed: dict[str, str], code: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        A.rename(renamed)
    assert caught.value.code == code


def test_concatenate_sources_is_a_union() -> None:
    near, far = A.filter("z < 0.1"), A.filter("z >= 0.1")
    both = near.union(far)
    assert both.attributes()["mag"].origin == A.attributes()["mag"].origin  # of one origin, nothing can differ
    (atom,) = both.sources().atoms
    assert atom.startswith("u:")
    meaning = both.sources().definitions[atom]
    assert isinstance(meaning, Union)
    assert set(meaning.parts) == {near.sources().atoms, far.sources().atoms}
    assert far.union(near).sources() == both.sources()
    assert both.index_values()["defines"] == atom
    assert both.evaluate(near.evaluate(VALUES), far.evaluate(VALUES)).ids.tolist() == [1, 3, 4]
    assert repr(both) == "ConcatenateSources(FilterSources(External, z < 0.1), FilterSources(External, z >= 0.1))"
    # The union of one set is that set.
    assert near.union(near).sources() == near.sources()
    assert ConcatenateSources(parents=[A]).sources() == A.sources()
    assert "defines" not in near.union(near).index_values()


def test_the_first_parent_that_has_a_source_gives_its_values() -> None:
    b = external("sha256:b")
    theirs = table_of(b, id=[2, 9], z=[0.7, 0.8], mag=[1.0, 2.0])
    union = A.union(b, policy="first")
    found = union.evaluate(VALUES, theirs)
    assert found.ids.tolist() == [1, 2, 3, 4, 9]
    assert found["mag"].values.tolist() == [20.0, 21.0, 22.0, 23.0, 2.0]
    assert b.union(A, policy="first").evaluate(theirs, VALUES)["mag"].values.tolist() == [20.0, 1.0, 22.0, 23.0, 2.0]
    assert repr(union) == "ConcatenateSources(External, External, first wins)"
    assert union.introduces() == ("z", "mag")


def test_which_sources_give_a_value_is_part_of_where_it_comes_from() -> None:
    b = external("sha256:b")
    one = A.filter("id < 3").union(b.filter("id >= 3"))  # the proof that they share none: identifiers are one attribute
    two = A.filter("id >= 3").union(b.filter("id < 3"))
    assert one.attributes()["id"].origin == A.attributes()["id"].origin
    assert len({x.attributes()["mag"].origin for x in (one, two, A, b)}) == 4
    again = b.filter("id >= 3").union(A.filter("id < 3"))
    assert again.attributes()["mag"].origin == one.attributes()["mag"].origin  # nobody is first where nothing is shared
    first = [x.union(y, policy="first").attributes()["mag"].origin for x, y in ((A, b), (b, A))]
    assert first[0] != first[1]


@pytest.mark.parametrize(
    ("other", "code", "says"),
    [
        (lambda: A.select("id", "z"), "attributes_differ", r"SelectAttributes\(External, id, z\) has no 'mag'"),
        (lambda: A.rename(z="y"), "attributes_differ", "1 more differ"),
        (lambda: external("sha256:b"), "sources_overlap", "two values of 'z'.*policy='first'"),
        (lambda: external("sha256:b").filter("z < 0.1"), "sources_overlap", "nothing proves"),
        (lambda: external("sha256:b", id_space="x"), "id_spaces_differ", "id spaces"),
        (lambda: A.rename(z="mag", mag="z"), "attributes_differ", "their unit is"),
    ],
)
def test_concatenate_sources_refuses(other: Any, code: str, says: str) -> None:
    with pytest.raises(OperatorError, match=says) as caught:
        A.union(other())
    assert caught.value.code == code
    with pytest.raises(OperatorError, match="no policy"):
        A.union(A, policy="last")
    with pytest.raises(OperatorError, match="at least one"):
        ConcatenateSources(parents=[])


def test_relabel_sources() -> None:
    moved = A.filter("z < 0.1").relabel("survey B", scale=-10, offset=5)
    assert moved.id_space == "survey B"
    (atom,) = moved.sources().atoms
    meaning = moved.sources().definitions[atom]
    assert isinstance(meaning, Relabelled)
    assert (meaning.injective, meaning.preimage) == (True, A.filter("z < 0.1").sources().atoms)
    assert set(moved.attributes().origins).isdisjoint(A.attributes().origins)
    assert moved.attributes()["id"].ucd == "meta.id"  # another source's identifier is not its own any more
    assert moved.index_values()["defines"] == atom
    found = moved.evaluate(A.filter("z < 0.1").evaluate(VALUES))
    assert found.ids.tolist() == [-35, -5]
    assert found["mag"].values.tolist() == [23.0, 20.0]
    assert repr(moved) == "RelabelSources(FilterSources(External, z < 0.1), -10 * id + 5 into survey B)"
    again = A.filter("0.1 > z").relabel("survey B", scale=-10, offset=5)
    assert (again.lineage_key, again.sources()) == (moved.lineage_key, moved.sources())
    assert A.relabel("survey B", offset=5).sources() != A.relabel("survey B", offset=6).sources()
    assert moved.filter("z < 0.05").select("mag").id_space == "survey B"


@pytest.mark.parametrize(
    ("relabel", "code"),
    [
        (lambda: A.relabel("b", scale=0), "relabelling_not_injective"),
        (lambda: A.relabel("b", offset=2**63), "relabelling_overflow"),
        (lambda: A.relabel(""), "id_space_missing"),
        (lambda: A.relabel(Relabelling.linear("elsewhere", "b")), "id_spaces_differ"),
        (lambda: Relabelling(kind="explicit", from_space="a", to_space="b"), "pairs_missing"),
        (lambda: Relabelling(kind="odd", from_space="a", to_space="b"), "relabelling_kind"),
        (lambda: A.concatenate(A.relabel("b").select()), "id_spaces_differ"),
        (lambda: A.relabel("b", scale=2**62).evaluate(VALUES), "relabelling_overflow"),
    ],
)
def test_relabel_sources_refuses(relabel: Any, code: str) -> None:
    with pytest.raises(OperatorError) as caught:
        relabel()
    assert caught.value.code == code


def source_list(number: int, **more: Any) -> SourceListWrapper:
    file = DataFile(digest=f"sha256:{number}", name="list.fits", size=1)
    made = SourceListWrapper(
        file=file, digest=file.digest, id_attribute="slid_sid", columns=("", "sid", "flux"), declaration="",
        source_list=number, **more,
    )  # fmt: skip
    return made.declare(AttributeSet(Attribute(n, t) for n, t in (("slid_sid", "i8"), ("sid", "i4"), ("flux", "f4"))))  # type: ignore[return-value]


def test_source_lists_have_sources_of_their_own() -> None:
    one, two = source_list(1), source_list(2)
    assert one.id_space == two.id_space
    assert one.attributes()["slid_sid"].origin == two.attributes()["slid_sid"].origin
    assert one.attributes()["flux"].origin != two.attributes()["flux"].origin
    assert one.union(two).attributes().names == ("slid_sid", "sid", "flux")  # no policy: they share no source
    with pytest.raises(OperatorError, match="nothing proves"):
        one.union(source_list(1, frames=[DataFile(digest="sha256:f", name="frame.fits", size=1)]))
    numbers = np.array([0, 5, 2**32 - 1])
    ids = two.identifiers(numbers)
    assert ids.tolist() == [2 * 2**32, 2 * 2**32 + 5, 3 * 2**32 - 1]
    assert [n.tolist() for n in source_list_wrapper.numbers(ids)] == [[2, 2, 2], numbers.tolist()]
    for wrong in (np.array([-1]), np.array([2**32]), np.array([1.5]), np.array([b"a"])):
        with pytest.raises(OperatorError) as caught:
            two.identifiers(wrong)
        assert caught.value.code == "source_number"
    for number in (-1, 2**31):
        with pytest.raises(OperatorError):
            source_list(number)
    assert repr(one) == "SourceListWrapper(slid_sid, sid, flux)"


def test_frames_are_lineage() -> None:
    frame = DataFile(digest="sha256:f", name="frame.fits", size=1)
    with_frame = source_list(1, frames=[frame])
    assert with_frame.lineage_key != source_list(1).lineage_key
    assert ("frame", 0, frame) in list(with_frame.dependencies())


def test_a_strict_list_has_to_be_there() -> None:
    segment = Segment(
        file="s", digest="", size=0, mtime_ns=0, inode=0, n=2, id_space="sky", id_dtype="i8", id_digest="d", info=""
    )
    kept = SelectSources(parent=A, source_list=segment, sources_digest="d")
    strict = SelectSources(parent=A, source_list=segment, sources_digest="d", strict=True)
    assert kept.evaluate(VALUES, ids=[2, 77]).ids.tolist() == [2]
    with pytest.raises(OperatorError, match="1 of 2 identifiers are not in External, 77 for one"):
        strict.evaluate(VALUES, ids=[2, 77])
    assert kept.lineage_key != strict.lineage_key
    assert kept.sources() == strict.sources()


def test_operators_compose_lazily() -> None:
    b = external("sha256:b")
    made = (
        A.filter("z < .1").select("id", "z").rename(z="redshift").union(b.select("id", "z").rename(z="redshift"), policy="first")
        .relabel("merged", offset=1).filter("redshift > 0")
    )  # fmt: skip
    renamed = (
        "RenameAttributes(SelectAttributes(...), z -> redshift)"  # what has no name is spelled out, as far as one reads
    )
    assert repr(made) == (
        f"FilterSources(RelabelSources(ConcatenateSources({renamed}, {renamed}, first wins), id + 1 into merged), redshift > 0.0)"
    )
    assert made.attributes().names == ("id", "redshift")
    kinds = [a.split(":")[0] for a in sorted(made.sources().definitions)]
    assert sorted(kinds) == ["c", "c", "r", "u"]
    assert len(list(made.ancestry())) == 10


def test_pass_is_its_parent() -> None:
    passed = Pass(parent=A)
    assert passed.sources() == A.sources()
    assert passed.attributes() is A.attributes()
    assert passed.evaluate(VALUES) is VALUES


def test_equal_construction_is_an_equal_key() -> None:
    assert A.filter("z<.1").select("z").lineage_key == A.filter("0.1 > z").select("z").lineage_key
    assert A.select("z").lineage_key != A.select("mag").lineage_key


def test_every_operator_is_registered() -> None:
    def below(one: type) -> set[str]:
        return {c.__name__ for c in one.__subclasses__()}.union(*(below(c) for c in one.__subclasses__()))

    # What is asked for before its source list exists is no operator: it is never stored.
    assert set(OPERATORS) == below(SourceCollection) - {"WantedCatalog"}
