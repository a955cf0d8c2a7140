"""Attribute Calculator Definitions: how an attribute is calculated, apart from where it is applied (paper, Section 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from provgraph.errors import InvalidInput, LanguageError
from provgraph.language.expression import Expression
from provgraph.schema.attribute import AttributeSet
from provgraph.schema.files import ProcessParameters
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import persistent
from provgraph.schema.table import Column

T = TypeVar("T")


class AttributeCalculatorDefinition(DBObject):
    """What it needs, what it gives, and how. Per source and deterministic by contract.

    provides : names of the attributes calculated; `expression` gives the only one.
    units, ucds : of what is provided, one each.
    parameter_names, parameter_values : process parameters with their defaults.
    """

    name = persistent(str, lineage=False)
    kind = persistent(str, default="expression")
    requires = persistent(list[str])
    provides = persistent(list[str])
    expression = persistent(str, doc="normalised text; the identity of the method")
    units = persistent(list[str])
    ucds = persistent(list[str])
    description = persistent(str, default="", lineage=False)
    parameter_names = persistent(list[str], default=())
    parameter_values = persistent(list[float], default=())

    def check(self) -> None:
        if "," in self.name or not self.requires:
            what = "a name without a comma" if self.requires else "at least one attribute in requires="
            raise InvalidInput(f"Calculator {self.name!r} needs {what}.", code="calculator_invalid")
        parsed = self.parsed()
        unknown = [n for n in parsed.names if n not in self.requires]
        if unknown:
            raise InvalidInput(
                f"The expression of {self.name!r} reads {', '.join(map(repr, unknown))}, which requires= does not name; "
                f"it names {', '.join(self.requires) or 'nothing'}.",
                code="unknown_attribute", names=unknown,
            )  # fmt: skip
        if set(self.provides) & set(self.requires):
            raise InvalidInput(
                f"Calculator {self.name!r} both requires and provides {', '.join(set(self.provides) & set(self.requires))}.",
                code="calculator_invalid",
            )
        self.check_parameters(self.defaults())

    def check_parameters(self, values: Mapping[str, float]) -> None:
        """Refuse values of process parameters that the functions of the expression have no result for."""
        try:
            self.parsed().check_parameters(values)
        except InvalidInput as error:
            raise InvalidInput(f"Calculator {self.name!r}: {error.message}", code=error.code) from None

    def parsed(self) -> Expression:
        parsed = self.__dict__.get("_parsed")
        if parsed is None:
            parsed = self.__dict__["_parsed"] = Expression.parse(self.expression)
        return parsed

    def lineage(self) -> list[Any]:
        return [
            self.kind, list(self.requires), list(self.provides), self.expression, list(self.units), list(self.ucds),
            list(self.parameter_names), [float(v).hex() for v in self.parameter_values],
        ]  # fmt: skip

    def index_values(self) -> Mapping[str, Any]:
        return {"introduces": list(self.provides)}

    def defaults(self) -> dict[str, float]:
        return dict(zip(self.parameter_names, self.parameter_values, strict=True))

    def process_params(self, changed: Mapping[str, float] | None = None) -> ProcessParameters:
        """The process parameters with `changed` in place of defaults; all are recorded."""
        values = self.defaults()
        for name, value in (changed or {}).items():
            if name not in values:
                raise InvalidInput(
                    f"Calculator {self.name!r} has no process parameter {name!r}; it has {', '.join(values) or 'none'}.",
                    code="unknown_parameter",
                )
            values[name] = parameter_value(self.name, name, value)
        self.check_parameters(values)
        return ProcessParameters(names=list(values), values=list(values.values()))

    def check_units(self, inputs: AttributeSet) -> tuple[str, ...]:
        """Check dimensions before any data is read; the inputs whose unit nobody declared are returned as unchecked."""
        units = {name: inputs[name].unit for name in self.requires}
        return self._named(lambda: self.parsed().check_units(units, self.units[0]).unchecked)

    def result_dtype(self, inputs: AttributeSet) -> str:
        dtypes = {name: inputs[name].dtype for name in self.requires}
        return self._named(lambda: self.parsed().result_dtype(dtypes))

    def _named(self, check: Callable[[], T]) -> T:
        """What `check` gives; its error says which calculator it is about."""
        try:
            return check()
        except LanguageError as error:
            details = {**error.details, "calculator": self.name}
            raise type(error)(f"Calculator {self.name!r}: {error.message}", code=error.code, **details) from None  # type: ignore[arg-type]

    def calculate(self, columns: Mapping[str, Column], parameters: Mapping[str, float]) -> dict[str, Column]:
        """Calculate for the sources given.

        columns : Column by required name, shape (n_sources,).
        Returns a Column by provided name; NULL where the function has no value.
        """
        values, null = self.parsed().evaluate(columns, parameters)
        return {self.provides[0]: Column(values, null)}

    def __repr__(self) -> str:
        return f"AttributeCalculatorDefinition({self.name}@{self.version}: {self.provides[0]} = {self.expression})"


def parameter_value(calculator: str, name: str, value: Any) -> float:
    """The value given for a process parameter, which has to be a number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidInput(
            f"The process parameter {name} of calculator {calculator!r} is a number, not {value!r}.",
            code="parameter_invalid", name=name,
        ) from None  # fmt: skip
