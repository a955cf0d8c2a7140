"""Which code a function is: a digest of its source and of everything of its package that it reaches.

Comments, layout and docstrings do not count, nor do versions of Python. Code of other packages does not count either: their
versions are recorded with each activity. Values that are set while the program runs, files of data and compiled modules
reached only by their names cannot be followed; a compiled module that is imported counts by its bytes.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from provgraph.errors import CalculatorError

_DOCUMENTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)


def code_digest(module: str, name: str) -> str:
    """``'sha256:…'`` of the function or class `name` of a module and all that it reaches inside its package."""
    package = module.partition(".")[0]
    reached: dict[tuple[str, str], str] = {}
    todo = [(module, name)]
    while todo:
        place = todo.pop()
        if place in reached:
            continue
        found = _module(place[0])
        if found is None:
            reached[place] = _bytes(place[0])
            continue
        nodes = found.bindings.get(place[1], []) if place[1] else found.body
        if place[1] and not nodes and _is_module(f"{place[0]}.{place[1]}"):
            todo.append((f"{place[0]}.{place[1]}", ""))
            nodes = []
        reached[place] = "\n".join(tree_text(n) for n in nodes)
        for node in nodes:
            todo.extend(p for p in _reaches(node, place[0], package))
    told = "\0".join(f"{m}\0{n}\0{text}" for (m, n), text in sorted(reached.items()))
    return "sha256:" + hashlib.sha256(told.encode()).hexdigest()


class _Module:
    """The statements of a module, and which of them give each of its names."""

    def __init__(self, tree: ast.Module, *, is_package: bool) -> None:
        self.body: list[ast.stmt] = tree.body
        self.is_package = is_package
        self.bindings: dict[str, list[ast.stmt]] = {}
        for statement in _single(tree.body):
            for name in _binds(statement):
                self.bindings.setdefault(name, []).append(statement)


@lru_cache(maxsize=256)
def _read(path: str, mtime_ns: int, *, is_package: bool) -> _Module:
    return _Module(ast.parse(Path(path).read_bytes()), is_package=is_package)


def _module(name: str) -> _Module | None:
    """The source of a module; None for a compiled one."""
    spec = _spec(name)
    if spec is None:
        raise CalculatorError(
            f"The module {name} cannot be found, so its code cannot be known.", code="calculator_missing"
        )
    origin = spec.origin or ""
    if not origin.endswith(".py"):
        return None
    return _read(origin, Path(origin).stat().st_mtime_ns, is_package=bool(spec.submodule_search_locations))


def _bytes(name: str) -> str:
    spec = _spec(name)
    path = Path(spec.origin) if spec is not None and spec.origin else None
    return hashlib.sha256(path.read_bytes()).hexdigest() if path is not None and path.is_file() else ""


def _spec(name: str) -> Any:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None


def _is_module(name: str) -> bool:
    return _spec(name) is not None


def _single(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements; of an import that names several things one for each, so that each counts by itself."""
    for node in body:
        if isinstance(node, ast.ImportFrom):
            yield from (ast.ImportFrom(node.module, [alias], node.level) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (ast.Import([alias]) for alias in node.names)
        else:
            yield node


def _binds(node: ast.stmt) -> Iterator[str]:
    """Names that a statement of a module gives; those of `if`, `try` and `with` count wherever they stand in it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0]
        return
    for inside in ast.walk(node):
        if isinstance(inside, ast.Name) and isinstance(inside.ctx, ast.Store | ast.Del):
            yield inside.id
        elif inside is not node and isinstance(inside, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield inside.name
        elif isinstance(inside, ast.Import | ast.ImportFrom):
            for alias in inside.names:
                yield alias.asname or alias.name.partition(".")[0]


def _reaches(node: ast.AST, module: str, package: str) -> Iterator[tuple[str, str]]:
    """(module, name) of what a piece of code may use of its package."""
    found = _module(module)
    assert found is not None
    for inside in ast.walk(node):
        if isinstance(inside, ast.Name) and inside.id in found.bindings:
            yield module, inside.id
        elif isinstance(inside, ast.Global):
            yield from ((module, n) for n in inside.names)
        elif isinstance(inside, ast.ImportFrom):
            source = _absolute(inside, module, is_package=found.is_package)
            if source.partition(".")[0] == package:
                for alias in inside.names:
                    yield source, "" if alias.name == "*" else alias.name
        elif isinstance(inside, ast.Import):
            for alias in inside.names:
                # A part that is imported as a module counts as a whole: which of its names are used, nobody may tell.
                if alias.name.partition(".")[0] == package and alias.name != package:
                    yield alias.name, ""


def _absolute(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    base = module.split(".")
    base = base[: len(base) - node.level + is_package]
    return ".".join([*base, *([node.module] if node.module else [])])


# Python 3.11 counts how deep it is in a tree for all threads together, so two that parse at once can make it fail; looking for
# the source of a class parses, too.
PARSING = threading.RLock()


def tree_text(node: Any) -> str:
    """A syntax tree as text that the next version of Python writes alike: what is empty is left out, and docstrings."""
    if isinstance(node, ast.AST):
        parts = []
        for name, value in ast.iter_fields(node):
            if value is None or value == [] or name in ("type_comment", "kind", "ctx"):
                continue
            documented = name == "body" and isinstance(node, _DOCUMENTED)
            parts.append(f"{name}={tree_text(_undocumented(value) if documented else value)}")
        return f"{type(node).__name__}({','.join(parts)})"
    if isinstance(node, list):
        return f"[{','.join(tree_text(n) for n in node)}]"
    return repr(node)


def _undocumented(body: list[Any]) -> list[Any]:
    first = body[0] if body else None
    documents = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return body[1:] if documents else body
