"""The one grammar of criteria and expressions: a Pratt parser from tokens to the syntax tree.

What is not in the tree cannot be said: there are no attributes, subscripts, assignments, keywords, lambdas or calls of anything
but the functions in the table. Nothing is ever handed to Python.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import Final

from provgraph.errors import nearest
from provgraph.language.functions import ALIASES, FUNCTIONS, NOT_PER_SOURCE
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
    names,
    walk,
)  # fmt: skip
from provgraph.language.tokens import Token, Written, tokens
from provgraph.language.units import is_unit_word

_INFIX: Final = {
    "or": 10, "and": 20, "=": 40, "!=": 40, "<": 40, "<=": 40, ">": 40, ">=": 40, "in": 40, "not": 40, "is": 40, "between": 40,
    "+": 50, "-": 50, "*": 60, "/": 60, "%": 60, "**": 80,
}  # fmt: skip
_NOT, _COMPARE, _SIGN, _POWER = 30, 40, 70, 80
_QUICK: Final = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
LARGEST_EXPONENT: Final = 64
REGION_FORMS: Final = {
    "within": "within takes (ra0, dec0, radius) or (ra, dec, ra0, dec0, radius)",
    "box": "box takes (ra_min, ra_max, dec_min, dec_max) or (ra, dec, ra_min, ra_max, dec_min, dec_max)",
    "polygon": "polygon takes right ascension and declination of at least three vertices, after the attributes or alone",
}
_INDEX: Final = re.compile("-?[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a text may cost: characters, nodes, and how deep parentheses and signs nest."""

    characters: int = 2000
    nodes: int = 200
    depth: int = 60


USER: Final = Limits()
# A canonical text is ours: it repeats 22-character origin keys, and spells out what `between` and `complement` stand for.
CANONICAL: Final = Limits(characters=400_000, nodes=20_000, depth=150)


def parse(written: Written, limits: Limits = USER) -> Node:
    """The syntax tree of a text. Raises LanguageError with the position of what is wrong."""
    if len(written.text) > limits.characters:
        raise written.fault(f"The {written.family} has {len(written.text)} characters; at most {limits.characters} are allowed",
                            limits.characters, "refused")  # fmt: skip
    return _Parser(written, limits).whole()


class _Parser:
    def __init__(self, written: Written, limits: Limits) -> None:
        self.written = written
        self.limits = limits
        self.tokens = tokens(written)
        self.index = 0
        self.depth = 0
        self.nodes = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def take(self) -> Token:
        token = self.tokens[self.index]
        self.index += token.kind != "end"
        return token

    def at(self, *values: str) -> bool:
        return self.token.kind in ("op", "word") and self.token.value in values

    def expect(self, value: str, after: str) -> None:
        if not self.at(value):
            raise self.written.fault(f"Expected {value!r} {after}", self.token.position)
        self.take()

    def made(self, node: Node) -> Node:
        """Counts a node against the limit."""
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            raise self.written.fault(
                f"The {self.written.family} has more than {self.limits.nodes} parts", node.position, "refused"
            )
        return node

    def whole(self) -> Node:
        if self.token.kind == "end":
            raise self.written.fault(f"The {self.written.family} is empty", 0)
        tree = self.expression(0)
        if self.token.kind != "end":
            raise self.written.fault(self.left_over(), self.token.position)
        return tree

    def left_over(self) -> str:
        token, before = self.token, self.tokens[self.index - 1]
        if token.value == ")":
            return "This parenthesis was never opened"
        if token.value == "(" and before.kind == "name":
            return f"{before.value!r} in backquotes is an attribute and cannot be called"
        if token.kind in ("name", "number", "text", "unit"):
            return "An operator such as 'and', '<' or '+' is missing here"
        return f"{token.value!r} cannot stand here"

    def expression(self, least: int) -> Node:
        """A term and all operators behind it that bind at least as tightly as `least`."""
        self.depth += 1
        if self.depth > self.limits.depth:
            raise self.written.fault(f"More than {self.limits.depth} levels are nested", self.token.position, "refused")
        left = self.indexed(self.term())
        while self.token.kind in ("op", "word"):
            said = str(self.token.value)
            binds = _INFIX.get(said, -1)
            if binds < least:
                break
            left = self.infix(left, said, binds)
        self.depth -= 1
        return left

    def infix(self, left: Node, operator: str, binds: int) -> Node:
        at = self.take().position
        if operator in ("and", "or"):
            return self.connective(left, operator, at, binds)
        if binds == _COMPARE:
            node = self.comparison(left, operator, at)
            if self.token.kind in ("op", "word") and _INFIX.get(str(self.token.value)) == _COMPARE:
                raise self.written.fault(
                    "Comparisons do not chain; join two of them with 'and', or use 'between'", self.token.position
                )
            return node
        if operator == "**":
            right = self.expression(_SIGN)
            self.check_exponent(right)
            return self.made(Arithmetic("**", left, right, position=at))
        return self.made(Arithmetic(operator, left, self.expression(binds + 1), position=at))

    def connective(self, left: Node, operator: str, at: int, binds: int) -> Node:
        kind: type[All] | type[Any] = All if operator == "and" else Any
        terms = [left, self.expression(binds + 1)]
        while self.at(operator):
            self.take()
            terms.append(self.expression(binds + 1))
        flat = [part for term in terms for part in (term.terms if isinstance(term, kind) else (term,))]
        return self.made(kind(tuple(flat), position=at))

    def comparison(self, left: Node, operator: str, at: int) -> Node:
        if operator == "is":
            negated = self.at("not") and bool(self.take())
            if not self.at("null", "nan"):
                raise self.written.fault("Expected 'null' or 'not null' behind 'is'", self.token.position)
            self.take()
            return self.negated(IsNull(left, position=at), negated)
        negated = operator == "not"
        if negated:
            if not self.at("in", "between"):
                raise self.written.fault("Expected 'in' or 'between' behind 'not'", self.token.position)
            operator = str(self.take().value)
        if operator == "between":
            low = self.expression(_COMPARE + 1)
            self.expect("and", "between the two limits of 'between'")
            high = self.expression(_COMPARE + 1)
            both = (self.made(Compare(">=", left, low, position=at)), self.made(Compare("<=", left, high, position=at)))
            return self.negated(All(both, position=at), negated)
        if operator == "in":
            return self.negated(self.listed(left, at), negated)
        return self.made(Compare(operator, left, self.expression(_COMPARE + 1), position=at))

    def negated(self, node: Node, negated: bool) -> Node:
        self.made(node)
        return self.made(Not(node, position=node.position)) if negated else node

    def listed(self, left: Node, at: int) -> Node:
        self.expect("(", "behind 'in'")
        items = [self.item()]
        while self.at(","):
            self.take()
            items.append(self.item())
        self.expect(")", "or ',' in the list")
        for item in items:
            if any(isinstance(part, Name) for part in walk(item)):
                raise self.written.fault("A list behind 'in' holds constants only", item.position)
        return In(left, tuple(items), position=at)

    def item(self) -> Node:
        """A constant of a list. Plain ones are free: the number of characters bounds them, and lists of identifiers are long."""
        before = self.nodes
        node = self.expression(0)
        if isinstance(node, Number | Text | Null):
            self.nodes = before
        return node

    def term(self) -> Node:
        token = self.take()
        at, value = token.position, token.value
        if token.kind == "number":
            return self.made(self.number(token))
        if token.kind == "text":
            return self.made(Text(str(value), position=at))
        if token.kind == "name":
            backquoted = self.written.text[at] == "`"
            return self.call(token) if self.at("(") and not backquoted else self.made(Name(str(value), position=at))
        if token.kind == "unit":
            raise self.written.fault(
                "A unit in brackets stands behind a number, as in 70 [km/s]; there are no subscripts", at
            )
        if value == "(":
            inner = self.expression(0)
            if self.at(","):
                raise self.written.fault("A list stands only behind 'in'", self.token.position)
            self.expect(")", "to close the parenthesis")
            return inner
        if value == "not":
            return self.made(Not(self.expression(_NOT), position=at))
        if value in ("-", "+"):
            return self.signed(str(value), at)
        if value in ("true", "false"):
            return self.made(Truth(value == "true", position=at))
        if value in ("null", "nan"):
            return self.made(Null(position=at))
        if value == "inf":
            return self.made(Number(float("inf"), position=at))
        if token.kind == "end":
            raise self.written.fault("The text ends where a name or a number is expected", at)
        raise self.written.fault(f"Expected a name, a number or '(', not {str(value)!r}", at)

    def indexed(self, term: Node) -> Node:
        """A term with the index behind it, as in magnitudes[2]; only expressions know vectors."""
        while (
            self.token.kind == "unit"
            and _INDEX.fullmatch(str(self.token.value))
            and self.written.family == "expression"
        ):
            token = self.take()
            term = self.made(Index(term, int(token.value), position=token.position))
        return term

    def signed(self, sign: str, at: int) -> Node:
        inner = self.expression(_SIGN)
        if sign == "+":
            return inner
        if isinstance(inner, Number):
            return Number(-inner.value, inner.unit, position=at)
        return self.made(Negate(inner, position=at))

    def number(self, token: Token) -> Number:
        """A number, and the unit word or bracketed unit that follows it directly."""
        assert isinstance(token.value, int | float)
        unit = ""
        following = self.token
        if following.kind == "unit":
            unit = str(self.take().value)
        elif following.kind == "name" and self.written.text[following.position] != "`":
            word = str(following.value)
            if not is_unit_word(word):
                raise self.written.fault(
                    f"{word!r} behind a number is neither an operator nor a unit", following.position
                )
            self.take()
            unit = word
        return Number(token.value, unit, position=token.position)

    def call(self, token: Token) -> Node:
        said, at = str(token.value), token.position
        name = ALIASES.get(said.lower(), said.lower())
        self.take()
        arguments: list[Node] = []
        if name not in FUNCTIONS and name not in ("isnull", "isnan"):
            raise self.unknown_function(said, at)
        if not self.at(")"):
            arguments.append(self.expression(0))
            while self.at(","):
                self.take()
                arguments.append(self.expression(0))
        if self.at("="):
            raise self.written.fault("Arguments have no names", self.token.position)
        self.expect(")", f"or ',' in the arguments of {said}")
        if said.lower() in ("min", "max") and len(arguments) == 1:
            raise self.not_per_source(said, at)
        if name in ("isnull", "isnan"):
            self.check_count(said, at, len(arguments), 1, 1)
            return self.made(IsNull(arguments[0], position=at))
        function = FUNCTIONS[name]
        if function.gives == "vector" and self.written.family != "expression":
            raise self.written.fault(f"{said} gives more than one value; only expressions of calculators use it", at)
        beyond = len(arguments) - function.least
        if name in REGION_FORMS and (beyond < 0 or beyond % 2 or len(arguments) > function.most):
            raise self.written.fault(REGION_FORMS[name], at)
        self.check_count(said, at, len(arguments), function.least, function.most)
        return self.made(Call(name, tuple(arguments), position=at))

    def check_count(self, said: str, at: int, given: int, least: int, most: int) -> None:
        if not least <= given <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise self.written.fault(f"{said} takes {wanted} argument{'s' * (wanted != '1')}, not {given}", at)

    def unknown_function(self, said: str, at: int) -> Exception:
        if said.lower() in NOT_PER_SOURCE:
            return self.not_per_source(said, at)
        hint = nearest(said, [*FUNCTIONS, "isnull"], most=40)
        return self.written.fault(f"There is no function {said!r}; {hint.rstrip('.')}", at, "refused")

    def not_per_source(self, said: str, at: int) -> Exception:
        return self.written.fault(f"{said} depends on other sources than the one it is asked about; only what each source decides"
                                  " by itself can be used", at, "not_per_source")  # fmt: skip

    def check_exponent(self, exponent: Node) -> None:
        if names(exponent):
            return  # of values, in floating point: never large work, as 10 ** (-0.4 * mag) is not
        value = _small_constant(exponent)
        if value is None:
            raise self.written.fault(
                "The exponent of ** must be a number or of attributes", exponent.position, "refused"
            )
        if not abs(value) <= LARGEST_EXPONENT:
            raise self.written.fault(f"The exponent of ** is at most {LARGEST_EXPONENT}", exponent.position, "refused")


def _small_constant(node: Node) -> float | None:
    """The value of numbers joined by + - * /, such as the 1/3 of x ** (1/3); None for anything else."""
    if isinstance(node, Number):
        return float(node.value) if not node.unit else None
    if not isinstance(node, Arithmetic) or node.operator not in _QUICK:
        return None
    left, right = _small_constant(node.left), _small_constant(node.right)
    if left is None or right is None or (node.operator == "/" and right == 0):
        return None
    return _QUICK[node.operator](left, right)
