"""Vector-valued terms of expressions: their shapes, found before any data, and their values, entry by entry.

A vector of k entries of n sources is treated as k * n numbers, so that every rule of the language (null, exact integers,
undefined results) holds for each entry as it holds for a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from provgraph.language.evaluate import Evaluation, Value, Values, encoded
from provgraph.language.nodes import Call, Index, Name, Node, children, names, print_node, walk, with_children
from provgraph.language.tokens import Written

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


def is_vectorial(node: Node, shapes: Mapping[str, Shape]) -> bool:
    """Whether a vector occurs anywhere in a tree."""
    return any(
        isinstance(n, Index) or (isinstance(n, Call) and n.function == "array") or (isinstance(n, Name) and shapes.get(n.name))
        for n in walk(node)
    )  # fmt: skip


class Shapes:
    """Finds the shape of one source's value of every part of a tree; raises LanguageError (``expression_shapes``)."""

    def __init__(self, written: Written, shapes: Mapping[str, Shape]) -> None:
        self.written = written
        self.shapes = shapes

    def of(self, node: Node) -> Shape:
        match node:
            case Name(name):
                return self.shapes.get(name, ())
            case Index(term, index):
                shape = self.of(term)
                if not shape:
                    raise self.refuse(f"{print_node(term)} is one value and has no entry {index}", node)
                if not -shape[0] <= index < shape[0]:
                    raise self.refuse(f"{print_node(term)} has {shape[0]} entries, the last is {shape[0] - 1}", node)
                return shape[1:]
            case Call("array", arguments):
                return (len(arguments), *self.together(arguments, node, strictly=True))
        return self.together(children(node), node)

    def together(self, parts: tuple[Node, ...], at: Node, *, strictly: bool = False) -> Shape:
        """The one shape of the parts; single values go with any, unless `strictly`."""
        found: Shape | None = None
        for part in parts:
            shape = self.of(part)
            if not shape and not strictly:
                continue
            if found is not None and found != shape:
                raise self.refuse(f"{print_node(part)} has {_says(shape)} beside one of {_says(found)}", at)
            found = shape
        return found or ()

    def refuse(self, message: str, node: Node) -> Exception:
        return self.written.fault(message, node.position, "shapes")


def _says(shape: Shape) -> str:
    return f"{' x '.join(map(str, shape))} entries" if shape else "one value"


class VectorEvaluation:
    """Evaluates one tree over one block of n sources. columns : values of shape (n, ...) and null masks of shape (n,)."""

    def __init__(self, columns: Mapping[str, Values], shapes: Shapes, parameters: Mapping[str, float], n: int) -> None:
        self.columns = columns
        self.shapes = shapes
        self.parameters = parameters
        self.n = n

    def result(self, node: Node) -> Values:
        """Values of shape (n, ...) and where all of a source's entries, or any that is no float, is null."""
        shape = self.shapes.of(node)
        values, null = self.column(node)
        if values.dtype.kind == "U":
            values = encoded(values)
        if values.dtype.kind == "f":
            values = values if null is None else np.where(null, values.dtype.type(np.nan), values)
            null = np.isnan(values)
        if not shape:
            return values, null if null is not None and null.any() else None
        values = values.reshape(self.n, *shape)
        if null is None:
            return values, None
        entries = null.reshape(self.n, prod(shape))
        missing = entries.all(axis=1) if values.dtype.kind == "f" else entries.any(axis=1)
        return values, np.asarray(missing) if missing.any() else None

    def column(self, node: Node) -> Values:
        """Values of a part, flat: n of a single value, n * k of a vector; and the mask of its nulls."""
        shape = self.shapes.of(node)
        size = self.n * prod(shape)
        match node:
            case Name(name):
                values, null = self.columns[name]
                null = None if null is None else np.repeat(null, prod(shape)) if shape else null
                return values.reshape(size), null
            case Index(term, index):
                values, null = self.column(term)
                whole = (self.n, *self.shapes.of(term))
                taken = None if null is None else null.reshape(whole)[:, index].reshape(size)
                return values.reshape(whole)[:, index].reshape(size), taken
            case Call("array", arguments):
                return self.stacked(arguments, size)
        # A part without vectors is evaluated once for each source and then repeated for each entry.
        parts, given = [], {}
        for place, part in enumerate(children(node)):
            if not names(part) and not is_vectorial(part, {}):
                parts.append(part)
                continue
            values, null = self.column(part)
            if shape and not self.shapes.of(part):
                values, null = np.repeat(values, prod(shape)), None if null is None else np.repeat(null, prod(shape))
            name = f" {place}"
            given[name] = (values, null)
            parts.append(Name(name, position=part.position))
        return flat(Evaluation(given, self.parameters).of(with_children(node, parts)), size)

    def stacked(self, arguments: tuple[Node, ...], size: int) -> Values:
        found = [self.column(a) for a in arguments]
        n = self.n
        values = np.stack([v.reshape(n, -1) for v, _ in found], axis=1)
        if all(null is None for _, null in found):
            return values.reshape(size), None
        nulls = [np.zeros(v.shape, bool) if null is None else null for v, null in found]
        stacked = np.stack([m.reshape(n, -1) for m in nulls], axis=1).reshape(size)
        if values.dtype.kind == "f":  # whole numbers, now floats beside floats, carry their nulls as NaN
            values = np.where(stacked.reshape(values.shape), np.nan, values)
        return values.reshape(size), stacked


def flat(value: Value, size: int) -> Values:
    """Values and mask of a result; a constant, once for each source."""
    if value.kind == "n":
        return np.full(size, np.nan), np.ones(size, bool)
    values = np.asarray(value.data)
    null = np.isnan(values) if value.kind == "f" else value.null
    values = values if values.ndim else np.full(size, values)
    if null is None or not np.any(null):
        return values, None
    return values, np.broadcast_to(np.asarray(null), (size,))
