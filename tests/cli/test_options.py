from __future__ import annotations

import pytest

from provgraph.cli import options
from provgraph.errors import UsageError


def test_lists_take_commas_and_repetition() -> None:
    assert options.listed(["a,b", " c , ", "d"]) == ["a", "b", "c", "d"]


def test_pairs_split_at_the_first_sign() -> None:
    assert options.pairs("--description", ["z=redshift, z = 0 is here", "m="]) == {
        "z": "redshift, z = 0 is here",
        "m": "",
    }
    assert options.pairs("--missing", ["z=-9,0.5,none"], options.numbers) == {"z": [-9, 0.5, "none"]}


@pytest.mark.parametrize("text", ["mag", "=mag", ""])
def test_a_pair_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--unit takes NAME=VALUE"):
        options.pairs("--unit", [text])


def test_a_process_parameter_is_a_number() -> None:
    assert options.pairs("--parameter", ["H0=67.4"], options.real("--parameter")) == {"H0": 67.4}
    with pytest.raises(UsageError, match="NAME=NUMBER"):
        options.pairs("--parameter", ["H0=fast"], options.real("--parameter"))
