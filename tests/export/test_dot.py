"""The language of Graphviz: quoting is all there is to get wrong."""

from __future__ import annotations

import re
import shutil
import subprocess

from provgraph.export.dot import serialize
from tests.export.lineages import evil, pulled

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|[0-9.]+|->|[{}\[\]=,;]|\s+', re.DOTALL)


def tokens(text: str) -> list[str]:
    """The tokens of a DOT text; what is none is an error."""
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        assert match, text[at : at + 40]
        if match[0].strip():
            found.append(match[0])
        at = match.end()
    return found


def test_hostile_names_stay_inside_their_quotes() -> None:
    for lineage in (pulled(), evil()):
        text = serialize(lineage)
        found = tokens(text)
        assert found[:3] == ["digraph", "lineage", "{"]
        assert found.count("{") == found.count("}") == 1
        assert found.count("[") == found.count("]")
        if dot := shutil.which("dot"):
            done = subprocess.run([dot, "-Tcanon"], input=text, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, "")


def test_boxes_and_arrows_of_the_picture_are_there() -> None:
    text = serialize(pulled())
    assert 'n0 [shape=box, style="rounded,filled"' in text
    assert 'label="SelectAttributes\\nbright\\nSDSS, z, absmag\\n6,450 sources"' in text
    assert len(re.findall(r"^  n\d+ -> n\d+ \[", text, re.MULTILINE)) == 39 - 13 - 1 - 3
    assert len(re.findall(r"^  n\d+ \[", text, re.MULTILINE)) == 17
    assert "shape=house" in text
    assert "rankdir=BT" in text
