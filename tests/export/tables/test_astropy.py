from __future__ import annotations

import numpy as np
from astropy import units
from astropy.table import MaskedColumn

from provgraph.export.tables import to_astropy, to_numpy
from provgraph.schema.attribute import Attribute, AttributeSet
from provgraph.schema.table import Column, Table
from tests.export.tables.sample import META, sample


def test_astropy_table() -> None:
    table = sample()
    found = to_astropy(table, META)
    assert found.colnames == list(table.attributes)
    for name, attribute in table.attributes.items():
        values, null = table[name]
        column = found[name]
        assert isinstance(column, MaskedColumn)
        assert np.array_equal(column.mask.reshape(len(null), -1).all(axis=1), null)
        expected = np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
        assert np.array_equal(column.data.data[~null], expected[~null], equal_nan=values.dtype.kind == "f")
        assert (column.description or "") == attribute.description
        assert (column.meta or {}).get("ucd", "") == attribute.ucd
    assert found["magnitude"].unit == units.mag
    assert found["odd"].unit == units.dimensionless_unscaled
    assert found["f8"].unit is None
    assert found.meta["provgraph"] == META.iri
    assert found.meta["survey"] == "s1"


def test_a_column_without_gaps_is_not_masked() -> None:
    found = to_astropy(sample(gaps=False), META)
    assert not found.has_masked_columns
    found["i4"][0] = 7  # the user's own copy
    found["f4"][0] = np.nan


def test_units_of_all_kinds() -> None:
    texts = ["deg", "km.s**-1", "photon/cm**2/s", "km s^-1", "quokka"]
    attributes = AttributeSet([Attribute(t, "f8", t, origin=t) for t in texts])
    found = to_astropy(Table(np.arange(1), {t: Column(np.zeros(1)) for t in texts}, attributes))
    assert found["km.s**-1"].unit == units.km / units.s
    assert found["photon/cm**2/s"].unit == units.photon / units.cm**2 / units.s
    assert found["km s^-1"].unit == units.km / units.s
    assert str(found["quokka"].unit) == "quokka"


def test_structured_array() -> None:
    table = sample()
    found = to_numpy(table)
    assert isinstance(found, np.ma.MaskedArray)
    for name in table.attributes:
        values, null = table[name]
        assert np.array_equal(np.ma.getmaskarray(found[name]).reshape(len(null), -1).all(axis=1), null)
        assert found[name].shape == values.shape
    plain = to_numpy(sample(gaps=False))
    assert type(plain) is np.ndarray
    assert plain["script"][0] == "é0"
    assert plain["i8"].tolist() == sample(gaps=False)["i8"].values.tolist()
