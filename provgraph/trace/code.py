"""Which code a function is: the digest of its syntax tree and of the helpers that it reaches inside its package.

Comments, layout and docstrings do not count, nor where in the package something stands, nor versions of Python. Code of other
packages does not count either: their versions are in the environment of each call. Of a persistent class that is only named, what
it is counts (its properties), not what it can do. Values that are set while a program runs cannot be followed.

Of provgraph itself only the module counts that a class stands in, so that an upgrade does not make everything out of date. Where
a class inherits its make() from another package, code of both packages counts.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import subprocess
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from provgraph.calculators.source import PARSING, tree_text
from provgraph.schema.calls import TRACED
from provgraph.schema.meta import DBObjectMeta
from provgraph.schema.properties import Property

WITHOUT_SOURCE = "the source of {name} cannot be read, so its code is known by its compiled form"


@dataclass(frozen=True)
class Code:
    """The code of a function.

    name : ``Class.method`` or ``function``. digest : ``sha256:…``; equal digests, same code. text : what counts, as source.
    """

    name: str
    module: str
    digest: str
    text: str


def code_of(function: Callable[..., Any], owner: type | None = None) -> Code:
    """The code of a function, or of the method of that name of a class, as it is in this process."""
    plain = unwrapped(function)
    known = _known.get((plain, owner))
    if known is not None and all(found_again(where, name) is value for where, name, value in known[1]):
        return known[0]
    met: list[tuple[Any, str, Any]] = []
    with PARSING:
        found = _code(
            plain, owner, f"{owner.__name__}.{plain.__name__}" if owner is not None else plain.__qualname__, met
        )
    _known[plain, owner] = (found, met)
    return found


# By function and class: the code, and the names that led to helpers, with what they stood for. A cell of a notebook that
# is run again, or a module that is loaded again, puts something else there.
_known: dict[tuple[Any, type | None], tuple[Code, list[tuple[Any, str, Any]]]] = {}


def found_again(where: Any, name: str) -> Any:
    """What a name stands for now, in a namespace or in a class."""
    if isinstance(where, type):
        return next((vars(base)[name] for base in where.__mro__ if name in vars(base)), None)
    return where.get(name)


def _code(plain: Any, owner: type | None, name: str, met: list[tuple[Any, str, Any]]) -> Code:
    module = getattr(plain, "__module__", "") or ""
    reached: dict[Any, tuple[str, str]] = {}  # by what it is: (name, what counts of it)
    todo: list[tuple[Any, type | None]] = [(plain, owner)]
    texts: list[str] = []
    packages = frozenset({package_of(module), package_of(owner.__module__ if owner is not None else module)})
    while todo:
        one, of_class = todo.pop(0)
        if id(one) in reached:
            continue
        source, tree = _tree(one)
        reached[id(one)] = (_name(one), tree_text(tree) if tree is not None else _compiled(one))
        texts.append(source)
        if tree is not None:
            todo.extend(_reaches(tree, one, of_class, packages, met))
    # Where the parts stand does not count, so that code can be moved; what they are and which of them come first does.
    first, *helpers = [f"{n}\0{text}" for n, text in reached.values()]
    told = "\0".join([first, *sorted(helpers)])
    return Code(name, module, "sha256:" + hashlib.sha256(told.encode()).hexdigest(), "\n\n".join(t for t in texts if t))


def unwrapped(function: Any) -> Any:
    """The function that an author wrote, without decorators that keep it, class and static methods included."""
    function = getattr(function, "__func__", function)
    if isinstance(function, property):
        function = function.fget
    return inspect.unwrap(function)


def _name(one: Any) -> str:
    return str(getattr(one, "__name__", ""))


def _tree(one: Any) -> tuple[str, ast.AST | None]:
    """The source of a function or class and its tree; of a constant, which was given as its statement, just that."""
    if isinstance(one, _Statement):
        return ast.unparse(one.node), one.node
    try:
        source = textwrap.dedent(inspect.getsource(one))
        body = ast.parse(source).body
    except (OSError, TypeError, SyntaxError, IndentationError):
        return "", None
    node: ast.AST = body[0]
    if isinstance(one, DBObjectMeta):
        node = _declarations(node)
    return source, node


def _declarations(node: ast.AST) -> ast.AST:
    """Of a persistent class its bases and properties."""
    if isinstance(node, ast.ClassDef):
        kept: list[ast.stmt] = [s for s in node.body if isinstance(s, ast.Assign | ast.AnnAssign)]
        return ast.ClassDef(node.name, node.bases, node.keywords, kept or [ast.Pass()], node.decorator_list)
    return node


def _compiled(one: Any) -> str:
    """What is left where there is no source."""
    code = getattr(one, "__code__", None)
    if code is None:
        return repr(getattr(one, "__qualname__", type(one).__qualname__))
    consts = [
        _compiled(types.SimpleNamespace(__code__=c)) if hasattr(c, "co_code") else repr(c) for c in code.co_consts
    ]
    return f"{code.co_code.hex()} {consts} {code.co_names}"


@dataclass(frozen=True, eq=False)
class _Statement:
    """The statement that gives a name of a module its value, where that is no function and no class."""

    node: ast.stmt
    module: str
    __name__: str


def _reaches(tree: ast.AST, one: Any, owner: type | None, packages: frozenset[str],
             met: list[tuple[Any, str, Any]]) -> Iterator[tuple[Any, type | None]]:  # fmt: skip
    """What a piece of code may use of its package. met : gathers the names that lead there."""
    module = sys.modules.get(one.module if isinstance(one, _Statement) else getattr(one, "__module__", "") or "")
    globals_: dict[str, Any] = getattr(one, "__globals__", None) or (vars(module) if module is not None else {})
    names = {**globals_, **(_closure(one) if hasattr(one, "__globals__") else {})}
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    for name in sorted(used):
        if name in names:
            if name in globals_:
                met.append((globals_, name, names[name]))
            yield from _followed(names[name], name, module, packages, is_called=name in called)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls") and owner is not None:
            met.append((owner, node.attr, found_again(owner, node.attr)))
            yield from _member(owner, node.attr, packages)
        elif isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "super" and owner is not None:
            yield from _member(owner, node.attr, packages, after=one)
        elif isinstance(node.value, ast.Name) and node.value.id in names:
            holder = names[node.value.id]
            if isinstance(holder, types.ModuleType) and package_of(holder.__name__) in packages:
                found = vars(holder).get(node.attr)
                met.append((vars(holder), node.attr, found))
                yield from _followed(found, node.attr, holder, packages, is_called=True)
            elif isinstance(holder, type) and _inside(holder, packages):
                met.append((holder, node.attr, found_again(holder, node.attr)))
                yield from _member(holder, node.attr, packages)


def _closure(one: Any) -> dict[str, Any]:
    cells = getattr(one, "__closure__", None) or ()
    found = {}
    for name, cell in zip(one.__code__.co_freevars, cells, strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not set yet
            continue
    return found


def _followed(value: Any, name: str, module: Any, packages: frozenset[str], *,
              is_called: bool) -> Iterator[tuple[Any, type | None]]:  # fmt: skip
    if isinstance(value, type):
        if _inside(value, packages):
            yield value, value
            if is_called and isinstance(value, DBObjectMeta):
                yield from _member(value, "__init__", packages)
    elif isinstance(value, types.FunctionType) or hasattr(value, "__wrapped__"):
        plain = unwrapped(value)
        if _inside(plain, packages):
            yield plain, None
    elif isinstance(value, types.ModuleType):
        return
    elif module is not None and (found := _assigned(module.__name__, _stamp(module)).get(name)) is not None:
        yield found, None


def _member(
    owner: type, name: str, packages: frozenset[str], *, after: Any = None
) -> Iterator[tuple[Any, type | None]]:
    """A method or constant of a class of the packages, by the order in which classes inherit."""
    past = after is None
    for base in owner.__mro__:
        if name not in vars(base):
            continue
        value = vars(base)[name]
        if not past:
            past = unwrapped(value) is after
            continue
        if not _inside(base, packages) or isinstance(value, Property):
            return
        plain = unwrapped(value)
        if isinstance(plain, types.FunctionType):
            if _inside(plain, packages):
                yield plain, owner
        elif isinstance(value, _CONSTANTS):
            yield _Statement(ast.Expr(ast.Constant(repr(value))), base.__module__, name), None
        return


_CONSTANTS = str | bytes | int | float | complex | tuple | frozenset | None


def package_of(module: str) -> str:
    """The package whose code counts for what stands in a module; of provgraph the module alone."""
    package = module.partition(".")[0]
    return module if package == "provgraph" else package


def _inside(one: Any, packages: frozenset[str]) -> bool:
    return package_of(getattr(one, "__module__", "") or "") in packages


def _stamp(module: Any) -> tuple[str, int]:
    """Where the source of a module is, and since when: a module that is loaded again has other values."""
    file = getattr(module, "__file__", None) or ""
    try:
        return file, Path(file).stat().st_mtime_ns
    except OSError:
        return file, 0


@cache
def _assigned(module: str, _: tuple[str, int]) -> dict[str, _Statement]:
    """Names that a module sets to values, with the statement that does."""
    found: dict[str, _Statement] = {}
    there = sys.modules.get(module)
    try:
        tree = ast.parse(inspect.getsource(there)) if there is not None else ast.Module([], [])
    except (OSError, TypeError, SyntaxError):
        return found
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            if isinstance(target, ast.Name):
                found[target.id] = _Statement(node, module, target.id)
    return found


def is_traced(function: Any) -> bool:
    return hasattr(function, TRACED)


@cache
def where_from(module: str) -> dict[str, str | bool]:
    """Where a module comes from, as far as it is known: ``distribution``, and ``commit`` and ``dirty`` of its git checkout."""
    found: dict[str, str | bool] = {}
    package = module.partition(".")[0]
    names = metadata.packages_distributions().get(package, [])
    if names:
        found["distribution"] = f"{names[0]}=={metadata.version(names[0])}"
    file = getattr(sys.modules.get(module), "__file__", None)
    if file:
        folder = Path(file).resolve().parent
        commit = _git(folder, "rev-parse", "HEAD")
        if commit and _git(folder, "ls-files", "--error-unmatch", Path(file).name):
            found["commit"] = commit
            found["dirty"] = bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))
    return found


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
