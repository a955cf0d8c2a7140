"""What is easily forgotten: the module map, who may import whom, a test for every format, a word on every setting."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "provgraph"
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p.stat().st_size)
DOCUMENTATION = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

# A module imports only from what stands to its left (docs/architecture.md, "Who imports whom").
ORDER = (
    ("names", "errors", "config"), ("language",), ("calculators",), ("schema",), ("policy",), ("graph",),
    ("bulk",), ("trace",), ("store",), ("audit",),
    ("rewrite",), ("resolver",), ("documents",), ("known_files",), ("ingest", "lineage"), ("define",),
    ("retrieval", "projection", "compare"), ("query",), ("evolution", "versions"), ("targets",), ("checks",), ("survey",),
    ("opening",), ("jobs",),
    ("api", "cli", "simulate", "demo", "__main__"),
)  # fmt: skip
# Beside the line: what they may import, and from where on they may be imported.
ASIDE = {
    "extract": ({"names", "errors", "schema"}, "resolver"),
    "prov": ({"names", "errors", "schema"}, "graph"),
    "export": ({"names", "errors", "schema", "graph", "prov"}, "rewrite"),
    "client": ({"names", "errors", "schema"}, "cli"),
}
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}


def _subject(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(module: Path) -> Iterator[tuple[str, int]]:
    """The subjects of the package that a module imports, with the line; imports for type checking only do not count."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    for_types = {
        inside for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inside in ast.walk(node)
    }  # fmt: skip
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "provgraph" and rest:
                yield rest.split(".")[0], node.lineno


def _allowed(importer: str, imported: str) -> bool:
    if importer == imported:
        return True
    if importer in ASIDE:
        return imported in ASIDE[importer][0]
    if imported in ASIDE:
        return RANK[importer] >= RANK[ASIDE[imported][1]]
    return RANK[imported] < RANK[importer] or (
        RANK[imported] == RANK[importer] and RANK[importer] in (0, len(ORDER) - 1)
    )


def test_imports_go_one_way() -> None:
    wrong = [
        f"{module.relative_to(ROOT)}:{line} imports provgraph.{imported}"
        for module in MODULES if (importer := _subject(module)) != "__init__"
        for imported, line in _imports(module)
        if (PACKAGE / imported).is_dir() or (PACKAGE / f"{imported}.py").is_file()
        if not _allowed(importer, imported)
    ]  # fmt: skip
    assert not wrong, "\n".join(wrong)


def test_every_package_has_its_place() -> None:
    assert {_subject(m) for m in MODULES} - {"__init__"} <= set(RANK) | set(ASIDE)


def test_the_module_map_is_that_of_the_tree() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "module_map.py", "--check"], check=False)
    assert done.returncode == 0, "run: python scripts/module_map.py"


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(m.relative_to(ROOT)) for m in MODULES if not ast.get_docstring(ast.parse(m.read_text(encoding="utf-8")))
    ]
    assert not silent


def test_tests_mirror_the_packages() -> None:
    packages = {m.relative_to(PACKAGE).parts[0] for m in MODULES if len(m.relative_to(PACKAGE).parts) > 1}
    untested = [
        p
        for p in packages
        if not list((ROOT / "tests" / p).glob("test_*.py")) and not (ROOT / "tests" / f"test_{p}.py").is_file()
    ]
    assert not untested


def test_every_format_that_is_read_has_a_test() -> None:
    from provgraph.extract import EXTRACTORS

    for extractor in EXTRACTORS:
        module = extractor.__name__.rpartition(".")[2]
        assert (ROOT / "tests" / "extract" / f"test_{module}.py").is_file(), extractor.format


def test_every_format_that_is_written_is_tried() -> None:
    from provgraph.export import EXPORTERS

    tests = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests").rglob("test_*.py"))
    for name in EXPORTERS:
        assert f'"{name}"' in tests or "EXPORTERS" in tests, name


def test_no_cypher_outside_its_folder() -> None:
    pattern = re.compile(r"\b(MATCH|MERGE|CREATE|DETACH DELETE|UNWIND)\s+[(\[$]")
    found = []
    for module in MODULES:
        if module == ROOT / "provgraph" / "graph" / "select.py":
            continue  # the one that composes; tests/graph/test_select.py holds it to names and parameters
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and pattern.search(node.value):
                found.append(f"{module.relative_to(ROOT)}:{node.lineno}")
    assert not found


@pytest.mark.parametrize("statement", sorted((ROOT / "cypher").rglob("*.cypher")), ids=lambda p: p.stem)
def test_every_statement_is_used(statement: Path) -> None:
    if statement.parent.name == "rewrite":
        used = (PACKAGE / "rewrite" / "strategy.py").read_text(encoding="utf-8")
    else:
        used = "\n".join(m.read_text(encoding="utf-8") for m in MODULES)
    assert f"{statement.stem}" in used


def test_every_setting_is_documented() -> None:
    said = "\n".join(p.read_text(encoding="utf-8") for p in DOCUMENTATION)
    read = set()
    for module in MODULES:
        read |= set(re.findall(r"(?<!_)PROVGRAPH_[A-Z_]*[A-Z]", module.read_text(encoding="utf-8")))
    assert {name for name in read if name not in said} == set()


def test_every_command_is_documented() -> None:
    from provgraph.cli.commands import COMMANDS

    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert {c for c in COMMANDS if f"provgraph {c}" not in page} == set()


def test_every_page_is_listed() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert {p.name for p in (ROOT / "docs").glob("*.md")} - {"index.md"} == set(re.findall(r"\(([\w-]+\.md)\)", index))


def test_every_change_is_a_sentence() -> None:
    for fragment in (ROOT / "changes").glob("*.md"):
        if fragment.name == "README.md":
            continue
        name, kind, _ = fragment.name.split(".")
        assert name
        assert kind in {"feature", "fix", "change", "removal"}
        text = fragment.read_text(encoding="utf-8").strip()
        assert text.endswith(".")
        assert "\n" not in text
