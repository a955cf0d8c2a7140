"""The syntax tree that criteria and expressions share, and how it is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from provgraph.language.tokens import is_plain, quoted


@dataclass(frozen=True, slots=True)
class Node:
    """Part of a criterion or an expression; `position` is the index of its first (or its operator's) character."""

    position: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Name(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Number(Node):
    """value : of any size if int; inf is the only one that is not finite. unit : VOUnit text, '' for a bare number."""

    value: int | float
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Text(Node):
    value: str


@dataclass(frozen=True, slots=True)
class Truth(Node):
    """The constant true or false."""

    value: bool


@dataclass(frozen=True, slots=True)
class Null(Node):
    pass


@dataclass(frozen=True, slots=True)
class Negate(Node):
    term: Node


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """operator : one of + - * / % **"""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """operator : one of < <= > >= = !="""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class In(Node):
    term: Node
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class IsNull(Node):
    term: Node


@dataclass(frozen=True, slots=True)
class Not(Node):
    term: Node


@dataclass(frozen=True, slots=True)
class All(Node):
    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Any(Node):
    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Call(Node):
    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Index(Node):
    """One entry of a vector-valued term; index counts from 0, from the end where it is negative."""

    term: Node
    index: int


TRUE: Final = Truth(True)
FALSE: Final = Truth(False)

FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
NEGATED: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case Negate(term) | Not(term) | IsNull(term) | Index(term, _):
            return (term,)
        case Arithmetic(_, left, right) | Compare(_, left, right):
            return (left, right)
        case In(term, items):
            return (term, *items)
        case All(terms) | Any(terms):
            return terms
        case Call(_, arguments):
            return arguments
    return ()


def with_children(node: Node, parts: Sequence[Node]) -> Node:
    """The node over other children, as many and in the order of `children`."""
    match node:
        case Negate() | Not() | IsNull() | Index():
            return replace(node, term=parts[0])
        case Arithmetic() | Compare():
            return replace(node, left=parts[0], right=parts[1])
        case In():
            return replace(node, term=parts[0], items=tuple(parts[1:]))
        case All() | Any():
            return replace(node, terms=tuple(parts))
        case Call():
            return replace(node, arguments=tuple(parts))
    return node


def replaced(node: Node, change: Callable[[Node], Node]) -> Node:
    """The tree with every node, children first, changed."""
    return change(with_children(node, [replaced(c, change) for c in children(node)]))


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, in the order of the text."""
    yield node
    for child in children(node):
        yield from walk(child)


def names(node: Node) -> tuple[str, ...]:
    """Names in order of first use."""
    return tuple(dict.fromkeys(n.name for n in walk(node) if isinstance(n, Name)))


# How tightly each form binds; a part that binds less tightly than its place asks for goes in parentheses.
_BINDS: Final = {
    "or": 10,
    "and": 20,
    "not": 30,
    "compare": 40,
    "+": 50,
    "-": 50,
    "*": 60,
    "/": 60,
    "%": 60,
    "negate": 70,
    "**": 80,
}
_ATOM: Final = 100


def plain_number(value: int | float) -> str:
    return str(value) if isinstance(value, int) else repr(float(value))


def hex_number(value: int | float) -> str:
    """Exact and the same everywhere: integers in decimal, floats in hexadecimal without trailing zeros; -0.0 is 0.0."""
    if isinstance(value, int):
        return str(value)
    if value in (float("inf"), float("-inf")):
        return str(value)
    mantissa, exponent = (float(value) + 0.0).hex().split("p")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}p{exponent}"


def print_name(name: str) -> str:
    return name if is_plain(name) else quoted(name)


def print_node(
    node: Node, name: Callable[[str], str] = print_name, number: Callable[[int | float], str] = plain_number
) -> str:
    """The text of a tree in the one spelling that parses to the same tree again."""

    def inner(part: Node, at_least: int) -> str:
        said, binds = spell(part)
        return said if binds >= at_least else f"({said})"

    def spell(part: Node) -> tuple[str, int]:
        match part:
            case Name(said):
                return name(said), _ATOM
            case Number(value, unit):
                said = number(value)
                if unit:
                    said += f" {unit}" if unit.isalpha() else f" [{unit}]"
                return said, _BINDS["negate"] if said.startswith("-") else _ATOM
            case Text(value):
                return "'" + value.replace("'", "''") + "'", _ATOM
            case Truth(value):
                return "true" if value else "false", _ATOM
            case Null():
                return "null", _ATOM
            case Negate(term):
                return "-" + inner(term, _BINDS["negate"]), _BINDS["negate"]
            case Arithmetic("**", left, right):
                return f"{inner(left, 81)} ** {inner(right, 70)}", _BINDS["**"]
            case Arithmetic(operator, left, right):
                binds = _BINDS[operator]
                return f"{inner(left, binds)} {operator} {inner(right, binds + 1)}", binds
            case Compare(operator, left, right):
                return f"{inner(left, 41)} {operator} {inner(right, 41)}", _BINDS["compare"]
            case In(term, items):
                return f"{inner(term, 41)} in ({', '.join(inner(i, 0) for i in items)})", _BINDS["compare"]
            case Not(In(term, items)):
                return f"{inner(term, 41)} not in ({', '.join(inner(i, 0) for i in items)})", _BINDS["compare"]
            case IsNull(term):
                return f"{inner(term, 41)} is null", _BINDS["compare"]
            case Not(IsNull(term)):
                return f"{inner(term, 41)} is not null", _BINDS["compare"]
            case Not(term):
                return f"not {inner(term, _BINDS['not'])}", _BINDS["not"]
            case All(terms):
                return " and ".join(inner(t, 21) for t in terms), _BINDS["and"]
            case Any(terms):
                return " or ".join(inner(t, 11) for t in terms), _BINDS["or"]
            case Index(term, index):
                return f"{inner(term, _ATOM)}[{index}]", _ATOM
            case Call(function, arguments):
                return f"{function}({', '.join(inner(a, 0) for a in arguments)})", _ATOM
        raise TypeError(f"not a node: {part!r}")

    return inner(node, 0)
