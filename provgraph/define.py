"""Defining a calculator of any kind: what the user says, and what the expression, the package or the model says of itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provgraph.bulk import contents
from provgraph.calculators import model as models
from provgraph.calculators import python as functions
from provgraph.errors import FileUnreadable, InvalidInput, UsageError, nearest
from provgraph.ingest import checked_unit
from provgraph.language.assignments import Assignments
from provgraph.language.ucd import checked_ucd
from provgraph.names import UNIT_UNDECLARED
from provgraph.schema.calculator import AttributeCalculatorDefinition, parameter_value
from provgraph.schema.collection import SourceCollection

Expressions = str | Mapping[str, str]


@dataclass(frozen=True)
class Wish:
    """What the user says of a calculator; see `Survey.define_calculator`."""

    name: str = ""
    requires: Sequence[str] = ()
    provides: Sequence[str] = ()
    expression: Expressions = ""
    entry_point: str = ""
    model: str | Path = ""
    inputs: Mapping[str, str | Sequence[str]] | None = None
    outputs: Mapping[str, str | Sequence[str]] | None = None
    unit: str = UNIT_UNDECLARED
    ucd: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    ucds: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)
    catalogs: Mapping[str, SourceCollection] = field(default_factory=dict)
    trained_on: SourceCollection | None = None
    batch: int = 0
    tolerance: float = 0.0


def definition(wish: Wish, directory: Path) -> AttributeCalculatorDefinition:
    """The definition, unstored; the file of a model is kept in `directory`.

    Raises
    ------
    UsageError : ``usage`` nothing says how to calculate, or several things do. LanguageError, InvalidInput, NotFound,
    CalculatorError : as the kinds do.
    """
    if type(wish.batch) is not int or wish.batch < 0:
        raise InvalidInput(f"batch= is a number of sources, not {wish.batch!r}.", code="batch_invalid")
    if not isinstance(wish.tolerance, int | float) or not 0 <= wish.tolerance < math.inf:
        raise InvalidInput(
            f"tolerance= is a relative error from 0 on, not {wish.tolerance!r}.", code="tolerance_invalid"
        )
    said = [word for word in ("expression", "entry_point", "model") if getattr(wish, word)]
    if len(said) != 1:
        what = " and ".join(said) + " exclude each other" if said else "Nothing says how to calculate"
        raise UsageError(f"{what}; give one of expression=, entry_point=, model=.")
    make = {"expression": _expression, "entry_point": _python, "model": _model}[said[0]]
    fields = make(wish, directory)
    defaults = dict(fields.pop("parameters", {}))
    name = fields.pop("name")
    for parameter, value in wish.parameters.items():
        if parameter not in defaults:
            raise InvalidInput(
                f"The {'expression' if wish.expression else 'calculator'} of {name!r} takes no process parameter "
                f"{parameter!r}; {nearest(parameter, defaults)}", code="unknown_parameter",
            )  # fmt: skip
        defaults[parameter] = parameter_value(name, parameter, value)
    whole = [(p, a) for p, attributes in dict(fields.pop("catalogs", {})).items() for a in attributes]
    links: dict[str, Any] = {}
    if wish.trained_on is not None:
        links["training_sample"] = wish.trained_on
    if wish.catalogs:
        names = list(dict.fromkeys(p for p, _ in whole))
        foreign = [c for c in wish.catalogs if c not in names]
        if foreign or set(wish.catalogs) != set(names):
            missing = ", ".join(map(repr, foreign or [n for n in names if n not in wish.catalogs]))
            raise InvalidInput(
                f"catalogs= gives the Source Collections of {', '.join(names) or 'none'}; it is wrong about {missing}.",
                code="unknown_parameter",
            )
        links["catalogs"] = [wish.catalogs[n] for n in names]
    return AttributeCalculatorDefinition(
        **{
            "name": name, "description": wish.description, "parameter_names": list(defaults),
            "parameter_values": list(defaults.values()), "catalog_parameters": [p for p, _ in whole],
            "catalog_attributes": [a for _, a in whole], **fields, **links,
        }
    )  # fmt: skip


def _expression(wish: Wish, directory: Path) -> dict[str, Any]:
    text, provides = wish.expression, list(wish.provides)
    if isinstance(text, Mapping):
        provides = provides or list(text)
        text = "; ".join(f"{_quoted(n)} = {part}" for n, part in text.items())
    provides = provides or [wish.name]
    name = wish.name or provides[0]
    parsed = Assignments.parse(text, provides)
    return {
        "name": name, "kind": "expression", "requires": list(wish.requires) or list(parsed.names), "provides": provides,
        "expression": parsed.text, **_about(wish, provides), "parameters": parsed.parameters,
    }  # fmt: skip


def _quoted(name: str) -> str:
    from provgraph.language.nodes import print_name

    return print_name(name)


def _python(wish: Wish, directory: Path) -> dict[str, Any]:
    fields = functions.fields_of(wish.entry_point)
    for word in ("requires", "provides", "units", "ucds", "batch", "tolerance"):
        if getattr(wish, word):
            raise UsageError(f"{word}= is said by the package that declares {wish.entry_point!r}.")
    for name, unit in zip(
        (*fields["requires"], *fields["provides"]), (*fields["input_units"], *fields["units"]), strict=True
    ):
        checked_unit(name, unit)
    description = wish.description or fields["description"]
    return {**fields, "name": wish.name or wish.entry_point, "kind": "python", "description": description}


def _model(wish: Wish, directory: Path) -> dict[str, Any]:
    path = Path(wish.model)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileUnreadable(f"The model {path} cannot be read: {error.strerror}.", path=str(path)) from None
    name = wish.name or path.stem
    provides = list(wish.provides)
    if not provides and not wish.outputs and models.number_of_outputs(data) == 1:
        provides = [name]
    fields = models.fields_of(
        data, inputs=_listed(wish.inputs), requires=wish.requires, outputs=_listed(wish.outputs), provides=provides,
        batch=wish.batch,
    )  # fmt: skip
    required = fields["requires"]
    input_units = [checked_unit(n, wish.units.get(n, UNIT_UNDECLARED)) for n in required]
    about = _about(wish, fields["provides"], also=required)
    contents.put(directory, models.file_name(fields["model"]), data)
    return {
        **fields,
        **about,
        "name": name,
        "kind": "model",
        "input_units": input_units,
        "tolerance": float(wish.tolerance),
    }


def _listed(ports: Mapping[str, str | Sequence[str]] | None) -> dict[str, list[str]] | None:
    if ports is None:
        return None
    return {port: [names] if isinstance(names, str) else list(names) for port, names in ports.items()}


def _about(wish: Wish, provides: Sequence[str], also: Sequence[str] = ()) -> dict[str, Any]:
    """Units and UCDs of what is provided: those of one name, else those of all."""
    for word, given in (("units", wish.units), ("ucds", wish.ucds)):
        unknown = [n for n in given if n not in (*provides, *also)]
        if unknown:
            raise InvalidInput(
                f"{word}= speaks of {unknown[0]!r}; {nearest(unknown[0], provides)}", code="unknown_attribute"
            )
    return {
        "units": [checked_unit(n, wish.units.get(n, wish.unit)) for n in provides],
        "ucds": [checked_ucd(n, wish.ucds.get(n, wish.ucd)) for n in provides],
    }


def names(given: Iterable[str] | str) -> tuple[str, ...]:
    """Names of attributes; one by itself is a name, not its letters."""
    return (given,) if isinstance(given, str) else tuple(given)
