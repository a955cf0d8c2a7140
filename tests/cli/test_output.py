from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest

from provgraph.cli import output


def test_json_has_no_nan_and_keeps_the_rest() -> None:
    data = {
        "a": [1, 2.5, float("nan"), float("inf"), float("-inf")],
        "b": {"c": None, "d": True},
        "e": frozenset({"y", "x"}),
        1: "ü",
    }
    assert json.loads(output.to_json(data)) == {
        "a": [1, 2.5, None, "inf", "-inf"],
        "b": {"c": None, "d": True},
        "e": ["x", "y"],
        "1": "ü",
    }


def test_a_table_is_aligned_and_has_no_trailing_blanks() -> None:
    text = output.table(("name", "n"), [("a", 1), ("longer", 12345), ("c", None)], right=("n",))
    assert text.splitlines() == ["name        n", "a           1", "longer  12345", "c"]


def test_a_cell_is_one_line() -> None:
    assert output.table(("text",), [("a\nb",)]).splitlines()[1] == "a b"


def test_fields_leave_out_what_is_empty() -> None:
    assert (
        output.fields({"a": 1, "empty": "", "none": None, "list": ["x", "y"], "blank": [""]}) == "a     1\nlist  x, y"
    )


@pytest.mark.parametrize(
    ("n", "said"), [(0, "0 sources"), (1, "1 source"), (77429, "77,429 sources"), (None, "? sources")]
)
def test_counts(n: int | None, said: str) -> None:
    assert output.count(n, "source") == said


def test_nobody_looks_so_there_is_no_bar_and_no_hint(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress("working") as tell:
        assert tell is None
    output.hint("provgraph ls")
    assert capsys.readouterr() == ("", "")


SHOW = """
import time
from provgraph.cli import output
output.PATIENCE = {patience}
with output.progress("working") as tell:
    for i in range(5):
        tell(i / 5)
        time.sleep(0.02)
output.hint("provgraph ls")
print(output.table(("name",), [("x",)]))
"""


def on_a_terminal(code: str, **variables: str) -> str:
    """What a program writes to a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=theirs,
        stderr=theirs,
        stdin=theirs,
        env={**os.environ, "TERM": "xterm", **variables},
    ) as child:
        os.close(theirs)
        seen = b""
        try:
            while some := os.read(ours, 65536):
                seen += some
        except OSError:  # the terminal closes with its last user
            pass
        os.close(ours)
        assert child.wait(60) == 0, seen.decode()
    return seen.decode()


def test_on_a_terminal_a_slow_command_shows_a_bar_and_every_command_a_hint() -> None:
    seen = on_a_terminal(SHOW.format(patience=0.03))
    assert "working" in seen
    assert "%" in seen
    assert "next: provgraph ls" in seen
    assert "\x1b[1mname" in seen


def test_a_quick_command_shows_no_bar() -> None:
    assert "working" not in on_a_terminal(SHOW.format(patience=60))


def test_no_color_is_respected() -> None:
    seen = on_a_terminal(SHOW.format(patience=60), NO_COLOR="1")
    assert "next: provgraph ls" in seen
    assert "\x1b[" not in seen


def test_on_a_terminal_one_column_is_cut_to_fit() -> None:
    code = "from provgraph.cli import output\nprint(output.table(('a', 'b'), [('x', 'y' * 300)], cut='b'))"
    longest = max(len(line) for line in on_a_terminal(code, NO_COLOR="1", COLUMNS="60").splitlines())
    assert longest == 60
