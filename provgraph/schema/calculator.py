"""Attribute Calculator Definitions: how attributes are calculated, apart from where this is applied (paper, Section 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from provgraph.calculators import Kind, Method, kind_of
from provgraph.calculators.method import Catalog, Inputs, Limits, Shape
from provgraph.errors import InvalidInput, LanguageError, OperatorError
from provgraph.schema.attribute import AttributeSet
from provgraph.schema.collection import SourceCollection
from provgraph.schema.files import ProcessParameters
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import link, persistent
from provgraph.schema.table import Column

if TYPE_CHECKING:
    from provgraph.language.assignments import Assignments

T = TypeVar("T")


class AttributeCalculatorDefinition(DBObject):
    """What it needs, what it gives, and how. Deterministic by contract, and per source unless it says otherwise.

    provides : names of the attributes calculated; units, ucds : of them, one each; dtypes, shapes : too, where the kind
    declares them, shapes as text such as ``'3x2'``. input_units : of what is required, empty where the kind finds out itself.
    parameter_names, parameter_values : process parameters with their defaults.
    catalog_parameters, catalog_attributes : parallel; parameters that are whole Source Collections and what is read of them.
    catalogs : their defaults, in the order of the parameters; without them it is applied by hand only.
    training_sample : the collection on which a model was trained.
    """

    name = persistent(str, lineage=False)
    kind = persistent(str, default="expression")
    requires = persistent(list[str])
    provides = persistent(list[str])
    expression = persistent(str, doc="normalised text; the identity of the method", default="")
    units = persistent(list[str])
    ucds = persistent(list[str])
    description = persistent(str, default="", lineage=False)
    parameter_names = persistent(list[str], default=())
    parameter_values = persistent(list[float], default=())
    input_units = persistent(list[str], default=())
    dtypes = persistent(list[str], default=())
    shapes = persistent(list[str], default=())
    entry_point = persistent(str, doc="name in the group provgraph.calculators", default="")
    distribution = persistent(str, doc="package that was installed when it was defined", default="")
    distribution_version = persistent(str, default="")
    code = persistent(str, doc="digest of the source that the entry point reaches", default="")
    model = persistent(str, doc="digest of an ONNX file", default="")
    model_inputs = persistent(list[str], doc="the model's own names, parallel to requires", default=())
    model_outputs = persistent(list[str], doc="the model's own names, parallel to provides", default=())
    batch = persistent(int, doc="sources in each call, the last one filled up; 0: all at once", default=0)
    tolerance = persistent(float, doc="relative, where results are compared", default=0.0)
    per_source = persistent(bool, doc="False: a value depends on the other sources of the catalog", default=True)
    catalog_parameters = persistent(list[str], default=())
    catalog_attributes = persistent(list[str], default=())

    catalogs = link(list[SourceCollection], role="catalog", optional=True)
    training_sample = link(SourceCollection, role="training_sample", optional=True)

    def check(self) -> None:
        if "," in self.name or not self.requires or not self.provides:
            what = "a name without a comma" if "," in self.name else "at least one attribute in requires="
            what = what if self.provides else "at least one attribute in provides="
            raise InvalidInput(f"Calculator {self.name!r} needs {what}.", code="calculator_invalid")
        for names in (self.requires, self.provides):
            twice = next((n for n in names if list(names).count(n) > 1), None)
            if twice is not None:
                raise InvalidInput(f"Calculator {self.name!r} names {twice!r} twice.", code="calculator_invalid")
        if not len(self.provides) == len(self.units) == len(self.ucds):
            raise InvalidInput(
                f"Calculator {self.name!r} needs a unit and a UCD for each of {', '.join(self.provides)}.",
                code="calculator_invalid",
            )
        unknown = [n for n in self.kind_.names(self.method) if n not in self.requires]
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
        self.kind_.check(self.method)
        self.check_parameters(self.defaults())
        if self.catalogs is not None:
            self.with_catalogs()

    def check_parameters(self, values: Mapping[str, float]) -> None:
        """Refuse values of process parameters that the functions of an expression have no result for."""
        if self.kind != "expression":
            return
        try:
            self.parsed().check_parameters(values)
        except InvalidInput as error:
            raise InvalidInput(f"Calculator {self.name!r}: {error.message}", code=error.code) from None

    @property
    def kind_(self) -> Kind:
        return kind_of(self.kind)

    @property
    def method(self) -> Method:
        """The definition as plain data, with what the survey it lives in adds: where files of models are, and limits."""
        home = self._home
        return Method(
            kind=self.kind, name=self.name, version=self.version, requires=tuple(self.requires),
            provides=tuple(self.provides), text=self.expression or self.entry_point, units=tuple(self.units),
            dtypes=tuple(self.dtypes), shapes=tuple(self.shapes), input_units=tuple(self.input_units),
            parameters=self.defaults(), catalogs=self.whole_catalogs(), distribution=self.distribution,
            distribution_version=self.distribution_version, code=self.code, model=self.model,
            model_inputs=tuple(self.model_inputs), model_outputs=tuple(self.model_outputs), batch=self.batch,
            tolerance=self.tolerance, per_source=self.per_source,
            directory=str(home.directory / "models") if home is not None else "",
            limits=home.calculator_limits if home is not None else Limits(),
        )  # fmt: skip

    @property
    def says(self) -> str:
        """How it calculates, in words for people: the expression, the function and its package, the model."""
        return self.kind_.says(self.method)

    @property
    def statement(self) -> str:
        """What it gives and how: ``absmag = mag - distmod(z)``."""
        if self.kind == "expression" and not self.parsed().single:
            return self.expression
        return f"{', '.join(self.provides)} = {self.says}"

    def parsed(self) -> Assignments:
        """An expression's results, in the order in which they are calculated."""
        from provgraph.calculators.expression import parsed

        return parsed(self.expression, tuple(self.provides))

    def lineage(self) -> list[Any]:
        found: list[Any] = [
            self.kind, list(self.requires), list(self.provides), self.expression, list(self.units), list(self.ucds),
            list(self.parameter_names), [float(v).hex() for v in self.parameter_values],
        ]  # fmt: skip
        if self.kind != "expression":
            found += [
                list(self.input_units), list(self.dtypes), list(self.shapes),
                [self.entry_point, self.distribution, self.distribution_version, self.code],
                [self.model, list(self.model_inputs), list(self.model_outputs)],
                [self.batch, float(self.tolerance).hex(), self.per_source],
                [list(self.catalog_parameters), list(self.catalog_attributes)],
                [c.dependency_key for c in self.catalogs or ()],
                self.training_sample.dependency_key if self.training_sample is not None else "",
            ]  # fmt: skip
        return found

    def index_values(self) -> Mapping[str, Any]:
        return {"introduces": list(self.provides)}

    # -- parameters ------------------------------------------------------------------------------------------------

    def defaults(self) -> dict[str, float]:
        return dict(zip(self.parameter_names, self.parameter_values, strict=True))

    def whole_catalogs(self) -> dict[str, tuple[str, ...]]:
        """Attributes read, by name of each parameter that is a whole Source Collection."""
        found: dict[str, list[str]] = {}
        for parameter, attribute in zip(self.catalog_parameters, self.catalog_attributes, strict=True):
            found.setdefault(parameter, []).append(attribute)
        return {parameter: tuple(attributes) for parameter, attributes in found.items()}

    def process_params(self, changed: Mapping[str, float] | None = None) -> ProcessParameters:
        """The process parameters with `changed` in place of defaults; all are recorded."""
        values = self.defaults()
        for name, value in (changed or {}).items():
            if name not in values:
                raise self._unknown_parameter(name)
            values[name] = parameter_value(self.name, name, value)
        self.check_parameters(values)
        return ProcessParameters(names=list(values), values=list(values.values()))

    def with_catalogs(self, changed: Mapping[str, SourceCollection] | None = None) -> list[SourceCollection]:
        """The whole catalogs, in the order of their parameters, with `changed` in place of defaults.

        Raises InvalidInput ``unknown_parameter``; OperatorError ``catalog_missing`` where there is neither; UnknownAttribute.
        """
        wanted = self.whole_catalogs()
        given = dict(zip(wanted, self.catalogs or (), strict=False)) | dict(changed or {})
        for name, collection in given.items():
            if name not in wanted:
                raise self._unknown_parameter(name)
            collection.attributes().only(wanted[name])
        missing = [name for name in wanted if name not in given]
        if missing:
            raise OperatorError(
                f"Calculator {self.name!r} needs a Source Collection as {', '.join(map(repr, missing))}; give it as a parameter "
                "where it is applied, or as catalogs= where it is defined.", code="catalog_missing", names=missing,
            )  # fmt: skip
        return [given[name] for name in wanted]

    def _unknown_parameter(self, name: str) -> InvalidInput:
        known = ", ".join([*self.defaults(), *self.whole_catalogs()])
        return InvalidInput(
            f"Calculator {self.name!r} has no process parameter {name!r}; it has {known or 'none'}.",
            code="unknown_parameter",
        )

    # -- what it gives ---------------------------------------------------------------------------------------------

    def check_units(self, inputs: AttributeSet) -> tuple[str, ...]:
        """Check dimensions before any data is read; the inputs whose unit nobody declared are returned as unchecked."""
        return self._named(lambda: self.kind_.fit(self.method, inputs))

    def results(self, inputs: AttributeSet) -> dict[str, tuple[str, Shape]]:
        """dtype and shape of one source's value, by name of what is provided."""
        return self._named(lambda: self.kind_.results(self.method, inputs))

    def _named(self, check: Callable[[], T]) -> T:
        """What `check` gives; its error says which calculator it is about."""
        try:
            return check()
        except LanguageError as error:
            details = {**error.details, "calculator": self.name}
            raise type(error)(f"Calculator {self.name!r}: {error.message}", code=error.code, **details) from None  # type: ignore[arg-type]

    def calculate(self, columns: Mapping[str, Column], parameters: Mapping[str, float],
                  catalogs: Mapping[str, Catalog] | None = None) -> dict[str, Column]:  # fmt: skip
        """Calculate for the sources given.

        columns : Column by required name, values of shape (n_sources, ...); catalogs : whole ones, by parameter.
        Returns a Column by provided name; NULL where there is no value.
        """
        from provgraph.calculators.run import calculate

        n = len(next(iter(columns.values())).values)
        done = calculate(self.method, Inputs(n, columns, parameters, catalogs or {}))
        return {name: Column(*values) for name, values in done.items()}

    def __repr__(self) -> str:
        return f"AttributeCalculatorDefinition({self.name}@{self.version}: {self.statement})"


def parameter_value(calculator: str, name: str, value: Any) -> float:
    """The value given for a process parameter, which has to be a number."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidInput(
            f"The process parameter {name} of calculator {calculator!r} is a number, not {value!r}.",
            code="parameter_invalid", name=name,
        ) from None  # fmt: skip
