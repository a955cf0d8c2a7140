"""Several results of one calculation: ``colour = g - r; red = colour > 0.8``, expressions of attributes and earlier results."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from provgraph.errors import LanguageError
from provgraph.language.evaluate import Values
from provgraph.language.expression import FAMILY, Expression
from provgraph.language.nodes import print_name
from provgraph.language.tokens import Written
from provgraph.names import UNIT_UNDECLARED

_PARTS: Final = re.compile(r"""(?:[^;'"`]|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|['"`].*)+""", re.DOTALL)
_ASSIGNMENT: Final = re.compile(r"\s*([^\W\d]\w*|`(?:[^`]|``)*`)\s*=(?!=)")
LONGEST: Final = 20_000


@dataclass(frozen=True)
class Assignments:
    """Results in the order in which they are calculated; what is not asked for is a help on the way.

    steps : name and expression; names : attributes that are read; parameters : process parameters with their defaults.
    """

    steps: tuple[tuple[str, Expression], ...]
    provides: tuple[str, ...]
    single: bool

    @classmethod
    def parse(cls, text: str, provides: Sequence[str]) -> Assignments:
        """One expression where one result is wanted; else, or where it begins with the result's name, assignments.

        Raises LanguageError as `Expression.parse`, and ``expression_syntax`` for what is assigned twice or not at all.
        """
        whole = Written(text, FAMILY)
        if len(text) > LONGEST:
            raise whole.fault(
                f"The expression has {len(text)} characters; at most {LONGEST} are allowed", LONGEST, "refused"
            )
        parts = [(m.start(), m.group()) for m in _PARTS.finditer(text) if m.group().strip()]
        first = _ASSIGNMENT.match(parts[0][1]) if parts else None
        if len(provides) == 1 and len(parts) <= 1 and (first is None or _name(first[1]) != provides[0]):
            return cls(((provides[0], Expression.parse(text)),), tuple(provides), True)
        steps: dict[str, Expression] = {}
        for start, part in parts:
            match = _ASSIGNMENT.match(part)
            at = start + len(part) - len(part.lstrip())
            if match is None:
                raise whole.fault("Each result is written 'name = expression', with ';' between two of them", at)
            name = _name(match[1])
            if name in steps:
                raise whole.fault(f"{name!r} is given twice", at)
            parsed = _parsed(whole, part[match.end() :], start + match.end())
            if name in parsed.names:
                raise whole.fault(f"{name!r} is read before it is given", at)
            steps[name] = parsed
        missing = [n for n in provides if n not in steps]
        if missing:
            raise whole.fault(f"Nothing gives {', '.join(map(repr, missing))}; write '{missing[0]} = ...'", len(text))
        return cls(tuple(steps.items()), tuple(provides), False)

    def check_parameters(self, parameters: Mapping[str, float]) -> None:
        """Raises InvalidInput ``parameter_invalid``; see `Expression.check_parameters`."""
        for _, expression in self.steps:
            expression.check_parameters(parameters)

    @property
    def text(self) -> str:
        """In the one normal spelling, the identity of the method."""
        if self.single:
            return self.steps[0][1].text
        return "; ".join(f"{print_name(name)} = {expression.text}" for name, expression in self.steps)

    @property
    def names(self) -> tuple[str, ...]:
        given: set[str] = set()
        read: dict[str, None] = {}
        for name, expression in self.steps:
            read.update(dict.fromkeys(n for n in expression.names if n not in given))
            given.add(name)
        return tuple(read)

    @property
    def parameters(self) -> dict[str, float]:
        return {k: v for _, expression in self.steps for k, v in expression.parameters.items()}

    def check_units(self, units: Mapping[str, str], declared: Mapping[str, str]) -> tuple[str, ...]:
        """Whether the units of the inputs give the `declared` ones; the inputs without a usable unit. Raises UnitMismatch."""
        known = dict(units)
        unchecked: dict[str, None] = {}
        for name, expression in self.steps:
            check = expression.check_units(known, declared.get(name, UNIT_UNDECLARED))
            unchecked.update(dict.fromkeys(n for n in check.unchecked if n in units))
            known[name] = check.unit
        return tuple(unchecked)

    def results(
        self, dtypes: Mapping[str, str], shapes: Mapping[str, tuple[int, ...]]
    ) -> dict[str, tuple[str, tuple[int, ...]]]:
        """dtype and shape by name of what is provided. Raises LanguageError ``criterion_types``, ``expression_shapes``."""
        types, forms = dict(dtypes), dict(shapes)
        for name, expression in self.steps:
            types[name] = expression.result_dtype(types)
            forms[name] = expression.result_shape(forms)
        return {name: (types[name], forms[name]) for name in self.provides}

    def evaluate(self, columns: Mapping[str, Values], parameters: Mapping[str, float], n: int) -> dict[str, Values]:
        """Values and null mask by name of what is provided; see `Expression.evaluate`."""
        known = dict(columns)
        for name, expression in self.steps:
            known[name] = expression.evaluate(known, parameters, n)
        return {name: known[name] for name in self.provides}


def _name(said: str) -> str:
    return said[1:-1].replace("``", "`") if said.startswith("`") else said


def _parsed(whole: Written, part: str, start: int) -> Expression:
    """An expression that stands at `start` of a longer text: an error says where in the whole."""
    try:
        return Expression.parse(part)
    except LanguageError as error:
        if error.position is None:
            raise
        details: dict[str, Any] = {k: v for k, v in error.details.items() if k not in ("position", "text")}
        message = error.message.partition(" (at ")[0]
        raise whole.fault(message, start + error.position, code=error.code, error=type(error), **details) from None
