"""Loading statements: headers, parts, slots."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from provgraph.errors import ProvgraphError
from provgraph.graph import statements

TEXT = """// name: example
// reads: a thing that
//        needs two lines
// keeps: sources
MATCH (n:Entity {note: 'a;b // no comment', other: "it's; {{not}}"})  // the last; of 'these'
WHERE n.`odd;name` = 1 / 2
/* ; */
RETURN n.x AS x;

MATCH (m:Step)
RETURN m.id AS id
;
"""


def test_header_parts_and_comments() -> None:
    statement = statements.parse("queries/example", TEXT)
    assert statement.header == {"name": "example", "reads": "a thing that needs two lines", "keeps": "sources"}
    assert statement.parts == (
        "MATCH (n:Entity {note: 'a;b // no comment', other: \"it's; {{not}}\"})\n"
        "WHERE n.`odd;name` = 1 / 2\nRETURN n.x AS x",
        "MATCH (m:Step)\nRETURN m.id AS id",
    )


@pytest.mark.parametrize(
    "text",
    ["MATCH (n) RETURN 1 AS x", "// name: other\nRETURN 1 AS x", "// name: example\n// only a comment\n",
     "// name: example\n// reads: a\n// reads: b\nRETURN 1 AS x"],
)  # fmt: skip
def test_a_wrong_header_or_no_body_is_an_error(text: str) -> None:
    with pytest.raises(ProvgraphError) as caught:
        statements.parse("queries/example", text)
    assert caught.value.code == "statement_header"


@pytest.mark.parametrize("name", statements.all_statements())
def test_every_file_keeps_to_the_contract(name: str) -> None:
    path = statements.folder() / f"{name}.cypher"
    statement = statements.parse(name, path.read_text(encoding="utf-8"))
    assert {"reads", "writes", "replaces"} & statement.header.keys(), "say what it reads, writes or replaces"
    for part in statement.parts:
        engines_own = re.search(r"elementId|\bid\(|CALL \w|CREATE (CONSTRAINT|INDEX)", part)
        assert not engines_own or "engine" in statement.header


def test_slots_are_filled_and_the_same_call_gives_the_same_object() -> None:
    statements.declare("Entity")
    first = statements.load("load/undo", label="Entity")
    assert "MATCH (n:Entity {import_id: $import_id})" in first.text
    assert statements.load("load/undo", label="Entity") is first


@pytest.mark.parametrize(
    "value",
    ["NeverDeclared", "Entity) DETACH DELETE n //", "", "Entity:", "Entity|", "Entity Entity", -1, 10**9, True, 1.5, None],
)  # fmt: skip
def test_a_slot_takes_declared_names_and_small_integers_only(value: object) -> None:
    statements.declare("Entity")
    with pytest.raises(ProvgraphError) as caught:
        statements.load("load/undo", label=value)  # type: ignore[arg-type]
    assert caught.value.code == "statement_slot"


@pytest.mark.parametrize("slots", [{}, {"label": "Entity", "other": 1}])
def test_the_slots_of_the_file_and_no_others(slots: dict[str, str | int]) -> None:
    statements.declare("Entity")
    with pytest.raises(ProvgraphError, match=r"\['label'\]"):
        statements.load("load/undo", **slots)


@pytest.mark.parametrize("identifier", ["", "a b", "1a", "a-b", "a`b", "n) DELETE n", "é", "_hidden", "a" * 200])
def test_what_is_no_identifier_cannot_be_declared(identifier: str) -> None:
    with pytest.raises(ProvgraphError):
        statements.declare(identifier)


@pytest.mark.parametrize(
    "name", ["queries/nothing", "../pyproject", "queries", "/etc/passwd", "queries/../queries/cone"]
)
def test_an_unknown_statement_is_named(name: str) -> None:
    with pytest.raises(ProvgraphError, match="no statement") as caught:
        statements.load(name)
    assert caught.value.code == "statement_unknown"


def test_a_wheel_has_the_statements(tmp_path: Path) -> None:
    """`folder` finds them inside an installed package: here, unpacked as a wheel lays it out."""
    inside = tmp_path / "provgraph"
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        for path in sorted((statements.folder().parent / "provgraph").rglob("*.py")):
            archive.write(path, path.relative_to(statements.folder().parent))
        for path in sorted(statements.folder().rglob("*.cypher")):
            archive.write(path, Path("provgraph/cypher") / path.relative_to(statements.folder()))
    with zipfile.ZipFile(tmp_path / "w.zip") as archive:
        archive.extractall(tmp_path)
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from provgraph.graph import statements\n"
        "print(statements.folder()); print(statements.load('queries/cone', depth=3).text)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert told.stdout.splitlines()[0] == str(inside / "cypher")
    assert "*1..3]" in told.stdout
