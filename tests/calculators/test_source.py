"""Which changes of a package are another calculator, and which are not."""

from __future__ import annotations

import pytest

from provgraph.calculators.source import code_digest
from provgraph.errors import CalculatorError
from tests.installed import Edit, Site, replacing, site  # noqa: F401


def digest() -> str:
    return code_digest("skycalc.methods", "absmag")


@pytest.mark.parametrize(
    "edit",
    [
        replacing("methods.py", "# Mpc, hence the zero point", "# in Mpc"),
        replacing("methods.py", "    No K-correction.\n", "    Without K-correction.\n"),
        replacing("methods.py", "(hubble_distance(z, H0)) - ZERO_POINT", "(hubble_distance(z,   H0)) - ZERO_POINT"),
        replacing("methods.py", "return z[1:]", "return z[2:]"),
        replacing("helpers.py", "return np.sin(x)", "return np.cos(x)"),
        replacing("methods.py", "from skycalc.helpers import unrelated", "from skycalc.helpers import unrelated as something"),
    ],
    ids=["comment", "docstring", "layout", "another function", "a helper not reached", "an import not used"],
)  # fmt: skip
def test_what_does_not_count(site: Site, edit: Edit) -> None:
    before = digest()
    site.install("1.0", edit)
    assert digest() == before


@pytest.mark.parametrize(
    "edit",
    [
        replacing("methods.py", "ZERO_POINT = 25.0", "ZERO_POINT = 25"),
        replacing("methods.py", "return m - 5 *", "return m - 5.0 *"),
        replacing("methods.py", "import distance as hubble_distance", "import unrelated as hubble_distance"),
        replacing("methods.py", 'parameters={"H0": 70.0}', 'parameters={"H0": 67.0}'),
        replacing("helpers.py", "constants.LIGHT * z / h0", "constants.LIGHT * z / h0 * 1.0"),
        replacing("constants.py", "299792.458", "3e5"),
    ],
    ids=["a constant", "the function", "what a name stands for", "the declaration", "a helper", "a module of a helper"],
)
def test_what_counts(site: Site, edit: Edit) -> None:
    before = digest()
    site.install("1.0", edit)
    assert digest() != before


def test_where_a_package_stands_does_not_count(site: Site) -> None:
    before = digest()
    site.install("2.0")
    assert digest() == before


def test_relative_imports_and_branches_are_followed(site: Site) -> None:
    usual = "from skycalc.helpers import distance as hubble_distance"
    tried = "try:\n    from .helpers import distance as hubble_distance\nexcept ImportError:\n    raise"
    relative = replacing("methods.py", usual, tried)
    site.install("1.0", relative)
    before = digest()
    site.install("1.0", lambda package: (relative(package), replacing("helpers.py", "z / h0", "z * z / h0")(package)))
    assert digest() != before


def test_code_that_is_not_there(site: Site) -> None:
    with pytest.raises(CalculatorError, match="cannot be found"):
        code_digest("skycalc.nowhere", "f")
