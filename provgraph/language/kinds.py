"""What kind of value each part of a tree has, found without any data: text never meets a number later on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from provgraph.language.functions import FUNCTIONS
from provgraph.language.nodes import (
    All,
    Any,
    Arithmetic,
    Call,
    Compare,
    In,
    Index,
    IsNull,
    Name,
    Negate,
    Node,
    Not,
    Null,
    Number,
    Text,
    Truth,
    print_node,
)  # fmt: skip
from provgraph.language.tokens import Written

INTEGER, FLOAT, BOOLEAN, TEXT, NULL, UNKNOWN = "integer", "float", "boolean", "text", "null", "unknown"

_OF_DTYPE: Final = {"i": INTEGER, "u": INTEGER, "f": FLOAT, "b": BOOLEAN, "S": TEXT, "U": TEXT, "T": TEXT, "O": TEXT}
_SAYS: Final = {
    INTEGER: "a number",
    FLOAT: "a number",
    BOOLEAN: "true or false",
    TEXT: "text",
    NULL: "null",
    UNKNOWN: "unknown",
}
_NUMBERS: Final = (INTEGER, FLOAT)


def kind_of_dtype(dtype: str) -> str | None:
    """The kind of the values of a column; None for what the language cannot use (complex numbers, times)."""
    return _OF_DTYPE.get(np.dtype(dtype).kind)


class Kinds:
    """Finds the kind of every part of one tree, given those of its names; raises LanguageError (``criterion_types``)."""

    def __init__(self, written: Written, kinds: Mapping[str, str]) -> None:
        self.written = written
        self.kinds = kinds

    def refuse(self, message: str, node: Node) -> Exception:
        return self.written.fault(message, node.position, code="criterion_types")

    def number(self, node: Node, place: str) -> str:
        kind = self.of(node)
        if kind in (TEXT, BOOLEAN):
            raise self.refuse(f"{place} needs a number, and {print_node(node)} is {_SAYS[kind]}", node)
        return kind

    def boolean(self, node: Node, place: str) -> None:
        kind = self.of(node)
        if kind not in (BOOLEAN, UNKNOWN, NULL):
            raise self.refuse(f"{place} needs a condition, and {print_node(node)} is {_SAYS[kind]}", node)

    def common(self, nodes: tuple[Node, ...], place: str, at: Node) -> str:
        """The one kind that all of them have; integers become floats beside floats."""
        found = {k: n for n in nodes if (k := self.of(n)) not in (NULL, UNKNOWN)}
        numbers = [k for k in found if k in _NUMBERS]
        if len(found) > len(numbers) and (numbers or len(found) > 1):
            (first, one), (second, two), *_ = found.items()
            if _SAYS[first] == _SAYS[second]:
                first, one = next((k, n) for k, n in found.items() if k not in _NUMBERS)
            raise self.refuse(
                f"{place} mixes {_SAYS[first]} ({print_node(one)}) with {_SAYS[second]} ({print_node(two)})", at
            )
        if numbers:
            return FLOAT if FLOAT in found else INTEGER
        return next(iter(found), UNKNOWN)

    def of(self, node: Node) -> str:
        match node:
            case Name(name):
                return self.kinds.get(name, UNKNOWN)
            case Number(value, _):
                return INTEGER if isinstance(value, int) else FLOAT
            case Text():
                return TEXT
            case Null():
                return NULL
            case Truth():
                return BOOLEAN
            case Negate(term):
                return self.number(term, "'-'")
            case Arithmetic(operator, left, right):
                both = {self.number(left, f"{operator!r}"), self.number(right, f"{operator!r}")}
                if operator in ("/", "**"):
                    return FLOAT
                return INTEGER if both == {INTEGER} else FLOAT
            case Compare(operator, left, right):
                self.comparison(operator, left, right, node)
            case In(term, items):
                self.common((term, *items), "'in'", node)
            case IsNull(term):
                self.of(term)
            case Index(term, _):
                return self.of(term)
            case Not(term):
                self.boolean(term, "'not'")
            case All(terms) | Any(terms):
                for term in terms:
                    self.boolean(term, "'and'" if isinstance(node, All) else "'or'")
            case Call(function, arguments):
                return self.call(function, arguments, node)
        return BOOLEAN

    def comparison(self, operator: str, left: Node, right: Node, node: Node) -> None:
        for side in (left, right):
            if isinstance(side, Null):
                raise self.refuse("Nothing equals or exceeds null; write 'is null' or 'is not null'", side)
        kind = self.common((left, right), f"{operator!r}", node)
        if kind == BOOLEAN and operator not in ("=", "!="):
            raise self.refuse(f"true and false have no order for {operator!r}", node)

    def spread(self, of: Node, seed: Node) -> None:
        if self.of(of) not in (INTEGER, TEXT, UNKNOWN):
            raise self.refuse(
                f"spread needs whole numbers or text that name sources, and {print_node(of)} is neither", of
            )
        if not (isinstance(seed, Number) and isinstance(seed.value, int) and 0 <= seed.value < 2**63):
            raise self.refuse("the seed of spread is a whole number from 0 up, such as spread(id, 42)", seed)

    def call(self, name: str, arguments: tuple[Node, ...], node: Node) -> str:
        if name == "where":
            self.boolean(arguments[0], "where")
            return self.common(arguments[1:], "where", node)
        if name in ("coalesce", "array"):
            kind = self.common(arguments, name, node)
            if name == "array" and kind == TEXT:
                raise self.refuse("A vector holds numbers or conditions, not text", node)
            return kind
        if name == "complement":
            self.boolean(arguments[0], "complement")
            return BOOLEAN
        if name == "spread":
            self.spread(*arguments)
            return FLOAT
        kinds = {self.number(argument, name) for argument in arguments}
        function = FUNCTIONS[name]
        if function.gives != "same":
            return function.gives
        return INTEGER if kinds == {INTEGER} else FLOAT
