"""Code of others within limits: it hangs, eats memory, or takes the process with it."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import pytest

from provgraph.calculators import Limits
from provgraph.calculators.method import Catalog, Inputs, Method
from provgraph.calculators.run import calculate
from provgraph.errors import CalculatorError, InvalidInput
from tests.installed import Site, site  # noqa: F401
from tests.surveys import catalog, galaxies, nearby, open_survey, survey  # noqa: F401

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")


def test_the_same_bits_as_without_limits(nearby: Any, site: Site) -> None:
    nearby.define_calculator("direction", entry_point="direction")
    nearby.define_calculator(entry_point="crowd", catalogs={"among": "A"})
    here = nearby.pull("A", ["xyz", "octant", "side", "crowd"], where="redshift < 0.5").data()
    nearby.calculator_limits = Limits(seconds=60)
    for name in ("direction", "crowd"):
        made = nearby.calculate(nearby["A"].filter("redshift < 0.5"), name)
        method = made.definition.method
        assert method.limits.seconds == 60
        table, _ = nearby.process(nearby["A"].filter("redshift < 0.5").select("id", *made.definition.requires))
        catalogs = {}
        for parameter, collection in made.whole_catalogs().items():
            whole, _ = nearby.process(collection)
            catalogs[parameter] = Catalog(whole.ids, {n: np.ma.MaskedArray(c.values, c.null) if c.null is not None else c.values
                                                      for n, c in whole.columns.items()})  # fmt: skip
        columns = {n: table.columns[n] for n in made.definition.requires}
        apart = calculate(method, Inputs(len(table), columns, made.definition.defaults(), catalogs, table.ids))
        for attribute, (values, null) in apart.items():
            assert (
                np.asarray(values).tobytes()
                == np.asarray(here.columns[attribute].values).astype(values.dtype).tobytes()
            )
            assert null is None


def test_what_hangs_is_ended(nearby: Any, site: Site) -> None:
    nearby.define_calculator(entry_point="forever")
    nearby.calculator_limits = Limits(seconds=1.5)
    started = time.monotonic()
    with pytest.raises(
        CalculatorError, match=r"forever@1 did not end within 1.5 s for \d+ sources \(\d+ to \d+\)"
    ) as caught:
        nearby.pull("A", ["forever"]).data()
    assert caught.value.code == "calculator_time"
    assert time.monotonic() - started < 30


@LINUX
def test_what_eats_memory_is_ended(nearby: Any, site: Site) -> None:
    nearby.define_calculator(entry_point="hog")
    nearby.calculator_limits = Limits(memory=200 << 20)
    with pytest.raises(CalculatorError, match="hog@1 needs more than the 209,715,200 bytes allowed") as caught:
        nearby.pull("A", ["hog"]).data()
    assert caught.value.code == "calculator_memory"


def test_what_ends_the_process_ends_only_its_own(nearby: Any, site: Site) -> None:
    nearby.define_calculator(entry_point="quits")
    nearby.calculator_limits = Limits(seconds=60)
    with pytest.raises(CalculatorError, match="process of calculator quits@1 ended with status 3") as caught:
        nearby.pull("A", ["quits"]).data()
    assert caught.value.code == "calculator_failed"


def test_errors_come_out_of_the_child_as_they_are(nearby: Any, site: Site) -> None:
    nearby.define_calculator("broken", entry_point="raises")
    nearby.calculator_limits = Limits(seconds=60)
    with pytest.raises(
        CalculatorError, match=r"broken@1 .* failed at source \d+ with redshift=.*no table beyond"
    ) as caught:
        nearby.pull("A", ["broken"]).data()
    assert len(caught.value.details["sources"]) == 1  # type: ignore[arg-type]


def test_limits_of_a_survey_are_settings(open_survey: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not open_survey().calculator_limits
    found = open_survey(calculator_seconds=5, calculator_memory="1GiB").calculator_limits
    assert found == Limits(5.0, 1 << 30)
    monkeypatch.setenv("PROVGRAPH_CALCULATOR_SECONDS", "7.5")
    assert open_survey().calculator_limits == Limits(7.5)
    with pytest.raises(InvalidInput):
        open_survey(calculator_seconds=-1)


def test_a_method_survives_json() -> None:
    import json

    method = Method("python", "a", 2, ("x",), ("y", "z"), catalogs={"c": ("x", "y")}, parameters={"H0": 70.0},
                    limits=Limits(1.0, 2), shapes=("", "3x2"), dtypes=("f8", "U"))  # fmt: skip
    assert Method.from_dict(json.loads(json.dumps(method.as_dict()))) == method
    assert method.declared() == {"y": ("f8", ()), "z": ("U", (3, 2))}
