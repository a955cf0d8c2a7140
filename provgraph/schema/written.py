"""Conditions on paths written as text, ``filter == 'g' and raw.exposure > 10``: the Python of docs/select.md, never run."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Callable
from functools import reduce
from operator import and_, eq, ge, gt, le, lt, ne, or_
from typing import Any, Final, NoReturn

from provgraph.errors import LanguageError, ProvgraphError, nearest
from provgraph.schema.conditions import Condition, as_condition
from provgraph.schema.meta import DBObjectMeta, registry
from provgraph.schema.paths import Count, Path, Term

LONGEST: Final = 2000  # characters
_METHODS: Final = ("isin", "between", "like", "matches", "contains", "isnull", "any", "count", "inverse", "of")
_COMPARED: Final[dict[type, Callable[[Any, Any], Any]]] = {
    ast.Eq: eq, ast.NotEq: ne, ast.Lt: lt, ast.LtE: le, ast.Gt: gt, ast.GtE: ge,
}  # fmt: skip


def condition(cls: DBObjectMeta, text: str) -> Condition:
    """What a text asks of the objects of a class: properties by name, other classes by theirs.

    ``and or not`` may stand for ``& | ~``, ``=`` for ``==``; ``x in [...]``, ``x is None`` and ``a < x < b`` are understood.

    Raises
    ------
    LanguageError : ``condition_syntax``, with `position`. UnknownProperty, InvalidInput : as the same in Python.
    """
    reader = _Reader(cls, text)
    return as_condition(reader.value(reader.tree, cls), repr(text))


def terms(cls: DBObjectMeta, text: str) -> list[Term]:
    """The paths and counts in a text, separated by commas: ``zeropoint, raw.filter``."""
    reader = _Reader(cls, text)
    nodes = reader.tree.elts if isinstance(reader.tree, ast.Tuple) else [reader.tree]
    found = [reader.value(node, cls) for node in nodes]
    for node, one in zip(nodes, found, strict=True):
        if not isinstance(one, Path | Count):
            reader.refuse(node, "is no path to a value, such as raw.exposure")
    return found


class _Reader:
    """One text. scope : the class whose properties are meant by name where the reader is."""

    def __init__(self, cls: DBObjectMeta, text: str) -> None:
        self.text = text
        if len(text) > LONGEST:
            raise LanguageError(
                f"A condition has at most {LONGEST} characters, not {len(text)}.", code="condition_syntax"
            )
        try:
            self.tree: ast.expr = ast.parse(_doubled(text.strip()), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
            why = getattr(error, "msg", "") or "it is too deep"
            at = (getattr(error, "offset", None) or 1) - 1
            raise LanguageError(
                f"{text!r} is no condition: {why}; write it as filter == 'g' and raw.exposure > 10.",
                position=at, text=text, code="condition_syntax",
            ) from None  # fmt: skip

    def value(self, node: ast.expr, scope: DBObjectMeta) -> Any:
        match node:
            case ast.BoolOp(op=operator, values=parts):
                joined = and_ if isinstance(operator, ast.And) else or_
                return reduce(joined, (self.asked(part, scope) for part in parts))
            case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr() as operator, right=right):
                joined = and_ if isinstance(operator, ast.BitAnd) else or_
                return joined(self.asked(left, scope), self.asked(right, scope))
            case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=inner):
                return ~self.asked(inner, scope)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return -number
            case ast.Compare(left=left, ops=operators, comparators=others):
                ends = [left, *others]
                found = [self.compared(*three, scope) for three in zip(ends[:-1], operators, ends[1:], strict=True)]
                return reduce(and_, found) if len(found) > 1 else found[0]
            case ast.Constant(value=str() | int() | float() | None as constant):
                return constant
            case ast.List(elts=parts) | ast.Tuple(elts=parts):
                return [self.value(part, scope) for part in parts]
            case ast.Name(id=name):
                return self.named(node, name, scope)
            case ast.Attribute(value=inner, attr=name):
                return self.path(inner, scope)._to(name)
            case ast.Subscript(value=inner, slice=key):
                return self.path(inner, scope)[self.value(key, scope)]
            case ast.Call():
                return self.called(node, scope)
        self.refuse(node, "cannot be asked; comparisons, and, or, not, and the methods of paths can")

    def asked(self, node: ast.expr, scope: DBObjectMeta) -> Condition:
        return as_condition(self.value(node, scope), ast.unparse(node))

    def compared(self, left: ast.expr, operator: ast.cmpop, right: ast.expr, scope: DBObjectMeta) -> Any:
        one, other = self.value(left, scope), self.value(right, scope)
        match operator:
            case ast.In() | ast.NotIn():
                is_path = isinstance(other, Path)
                found = other.contains(one) if is_path else self.path(left, scope).isin(other)
                return ~found if isinstance(operator, ast.NotIn) else found
            case ast.Is() | ast.IsNot():
                if other is not None:
                    self.refuse(right, "does not stand behind 'is'; only None does")
                return self.path(left, scope) == None if isinstance(operator, ast.Is) else one != None  # noqa: E711
        return _COMPARED[type(operator)](one, other)

    def named(self, node: ast.expr, name: str, scope: DBObjectMeta) -> Any:
        path = Path(scope, (scope,))
        if name in path._names():
            return path._to(name)
        if name in registry:
            return registry[name]
        if name == "null":
            return None
        if name[0].isupper():
            self.refuse(node, f"is no class; {nearest(name, registry, most=40).rstrip('.')}")
        return path._to(name)  # says which names are near

    def path(self, node: ast.expr, scope: DBObjectMeta) -> Any:
        """What is gone on from: a path, a count, or a class, of which a path begins."""
        found = self.value(node, scope)
        if isinstance(found, DBObjectMeta):
            return Path(found, (found,))
        if not isinstance(found, Path | Count):
            self.refuse(node, "is no path such as raw.exposure")
        return found

    def called(self, node: ast.Call, scope: DBObjectMeta) -> Any:
        match node.func:
            case ast.Attribute(value=inner, attr=name) if name in _METHODS:
                path = self.path(inner, scope)
            case ast.Name(id="inverse" as name):
                path = Path(scope, (scope,))
            case ast.Name(id="isnull") if len(node.args) == 1:
                return self.path(node.args[0], scope).isnull()
            case _:
                self.refuse(node.func, f"cannot be called; what can is {', '.join(f'.{m}()' for m in _METHODS)}")
        if node.keywords or any(isinstance(one, ast.Starred) for one in node.args):
            self.refuse(node, "names its arguments; write them without names")
        within = path._classes[0] if name == "any" and len(path._classes) == 1 else scope
        given = [self.value(one, within) for one in node.args]
        try:
            return getattr(path, name)(*given)
        except (TypeError, AttributeError) as error:
            if isinstance(error, ProvgraphError):
                raise
            self.refuse(node, "is not how this method is called")

    def refuse(self, node: ast.expr, says: str) -> NoReturn:
        raise LanguageError(
            f"{ast.unparse(node)} {says}.", position=node.col_offset, text=self.text, code="condition_refused"
        )


def _doubled(text: str) -> str:
    """With ``==`` where it has ``=``, which says the same in other languages and nothing here."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    at = [t.start[1] for t in tokens if t.type == tokenize.OP and t.string == "=" and t.start[0] == 1]
    for place in reversed(at):
        text = f"{text[:place]}=={text[place + 1 :]}"
    return text
