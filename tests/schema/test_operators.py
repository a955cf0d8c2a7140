"""Each operator: attributes, sources, keys and evaluation, from lineage alone; and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from provgraph.errors import LanguageError, OperatorError, UnknownAttribute
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.calculator import AttributeCalculatorDefinition
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import DataFile
from provgraph.schema.operators import (
    OPERATORS,
    AttributeCalculator,
    ConcatenateAttributes,
    External,
    Pass,
    SelectAttributes,
)
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


def test_pass_is_its_parent() -> None:
    passed = Pass(parent=A)
    assert passed.sources() == A.sources()
    assert passed.attributes() is A.attributes()
    assert passed.evaluate(VALUES) is VALUES


def test_equal_construction_is_an_equal_key() -> None:
    assert A.filter("z<.1").select("z").lineage_key == A.filter("0.1 > z").select("z").lineage_key
    assert A.select("z").lineage_key != A.select("mag").lineage_key


def test_every_operator_is_registered() -> None:
    assert set(OPERATORS) == {c.__name__ for c in SourceCollection.__subclasses__()}
