"""Trained models: ONNX files, identified by their digest, run in batches of one size so that a source alone gets the same bits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from provgraph.calculators.method import Inputs, Method, Shape, missing, shape_text, units_fit
from provgraph.calculators.run import checked, in_batches, nothing, said_by, spread
from provgraph.errors import CalculatorError, InvalidInput, StorageError, nearest, needs_extra
from provgraph.language.criterion import AttributeLike
from provgraph.language.evaluate import Values

Array = np.ndarray[Any, Any]
SUFFIX: Final = ".onnx"
BATCH: Final = 256
_TYPES: Final = {
    "tensor(float)": "f4", "tensor(double)": "f8", "tensor(int64)": "i8", "tensor(int32)": "i4", "tensor(int16)": "i2",
    "tensor(int8)": "i1", "tensor(uint8)": "u1", "tensor(uint16)": "u2", "tensor(uint32)": "u4", "tensor(uint64)": "u8",
    "tensor(bool)": "?", "tensor(string)": "U",
}  # fmt: skip


@dataclass(frozen=True)
class Port:
    """An input or output of a model.

    shape : of one source's value, -1 where the file does not say; rows : sources a call, 0 for any number.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    rows: int


def _session(data: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise needs_extra("onnx", "A calculator that is a model") from None
    options = onnxruntime.SessionOptions()
    # How work is shared among threads may decide in which order numbers are added.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InvalidInput(
            f"The file is no ONNX model that can be run: {said_by(error)}.", code="model_unreadable"
        ) from None


def _ports(found: Sequence[Any], what: str) -> dict[str, Port]:
    ports = {}
    for one in found:
        dtype = _TYPES.get(one.type)
        if dtype is None:
            hint = "; export a classifier without ZipMap" if "map" in one.type else ""
            raise InvalidInput(
                f"The model's {what} {one.name!r} is of type {one.type}, which is no array of numbers or text{hint}.",
                code="model_unfit",
            )  # fmt: skip
        if not one.shape:
            raise InvalidInput(f"The model's {what} {one.name!r} does not go source by source.", code="model_unfit")
        rows, *shape = (d if isinstance(d, int) and d > 0 else -1 for d in one.shape)
        ports[one.name] = Port(one.name, dtype, tuple(shape), max(rows, 0))
    return ports


def fields_of(data: bytes, *, inputs: Mapping[str, Sequence[str]] | None = None, requires: Sequence[str] = (),
              outputs: Mapping[str, Sequence[str]] | None = None, provides: Sequence[str] = (),
              batch: int = 0) -> dict[str, Any]:  # fmt: skip
    """What a model says of itself, as the fields of a definition.

    inputs, outputs : attributes by the model's own names; several attributes of one input stand beside each other in it.
    Instead, `requires` or `provides` where the model has but one input or output; else attributes have the model's names.

    Raises
    ------
    InvalidInput : ``model_unreadable`` no model, ``model_unfit`` inputs or outputs that it has not, or that are of other
        shapes. MissingExtra : onnxruntime is not installed.
    """
    session = _session(data)
    takes, gives = _ports(session.get_inputs(), "input"), _ports(session.get_outputs(), "output")
    inputs = inputs or _by_port(takes, requires, "inputs")
    outputs = outputs or _by_port(gives, provides, "outputs")
    for name in inputs:
        if name not in takes:
            raise InvalidInput(
                f"The model has no input {name!r}; {nearest(name, takes)}", code="model_unfit", name=name
            )
    for name in outputs:
        if name not in gives:
            raise InvalidInput(
                f"The model has no output {name!r}; {nearest(name, gives)}", code="model_unfit", name=name
            )
    absent = [n for n in takes if n not in inputs]
    if absent:
        raise InvalidInput(
            f"The model also needs {', '.join(map(repr, absent))}; say in inputs= which attributes those are.",
            code="model_unfit", names=absent,
        )  # fmt: skip
    for name, attributes in inputs.items():
        if not attributes:
            raise InvalidInput(f"The model's input {name!r} needs an attribute.", code="model_unfit")
        shape = takes[name].shape
        if len(attributes) > 1 and (len(shape) != 1 or shape[0] not in (-1, len(attributes))):
            raise InvalidInput(
                f"The model's input {name!r} takes {_says(shape)} for a source, not {len(attributes)} attributes.",
                code="model_unfit",
            )  # fmt: skip
    sizes = {p.rows for p in (*takes.values(), *(gives[n] for n in outputs)) if p.rows}
    if len(sizes) > 1 or (sizes and batch not in (0, *sizes)):
        said = " and ".join(map(str, sorted(sizes)))
        raise InvalidInput(
            f"The model takes {said} sources at once"
            + (f", not {batch}." if len(sizes) == 1 else ", so it does not go source by source."), code="model_unfit",
        )  # fmt: skip
    size = next(iter(sizes), batch or BATCH)
    forms = _tried(session, takes, gives, inputs, outputs, size)
    required = [(model, a) for model, attributes in inputs.items() for a in attributes]
    provided = [(model, a) for model, attributes in outputs.items() for a in attributes]
    return {
        "requires": [a for _, a in required], "model_inputs": [m for m, _ in required],
        "provides": [a for _, a in provided], "model_outputs": [m for m, _ in provided],
        "dtypes": [forms[m][0] for m, _ in provided], "shapes": [shape_text(forms[m][1]) for m, _ in provided],
        "model": digest(data), "batch": size,
    }  # fmt: skip


def number_of_outputs(data: bytes) -> int:
    return len(_session(data).get_outputs())


def _by_port(ports: Mapping[str, Port], attributes: Sequence[str], word: str) -> dict[str, Sequence[str]]:
    """Attributes by the model's own names, where only the attributes were said, or nothing."""
    if not attributes:
        return {name: [name] for name in ports}
    if len(ports) == 1:
        return {next(iter(ports)): attributes}
    if len(attributes) == len(ports) and set(attributes) == set(ports):
        return {name: [name] for name in attributes}
    raise InvalidInput(
        f"The model has {len(ports)} {word}, {', '.join(ports)}; say which attributes they are: {word}={{{next(iter(ports))!r}: "
        f"{list(attributes)!r}, ...}}.", code="model_unfit", names=list(ports),
    )  # fmt: skip


def _tried(session: Any, takes: Mapping[str, Port], gives: Mapping[str, Port], inputs: Mapping[str, Sequence[str]],
           outputs: Mapping[str, Sequence[str]], size: int) -> dict[str, tuple[str, Shape]]:  # fmt: skip
    """dtype and shape of each output's share of one attribute; where the file does not say, a call with zeros does."""
    shapes = {name: gives[name].shape for name in outputs}
    if any(-1 in s for s in shapes.values()):
        feed = {}
        for name, port in takes.items():
            known = (len(inputs[name]),) if port.shape == (-1,) and len(inputs[name]) > 1 else port.shape
            if -1 in known:
                raise InvalidInput(
                    f"The model says neither the shape of its input {name!r} nor of its outputs; export it with fixed shapes.",
                    code="model_unfit",
                )  # fmt: skip
            feed[name] = np.zeros((size, *known), "O" if port.dtype == "U" else port.dtype)
            if port.dtype == "U":
                feed[name][...] = ""
        try:
            results = session.run(list(outputs), feed)
        except Exception as error:
            raise InvalidInput(f"The model cannot be run: {said_by(error)}.", code="model_unfit") from None
        shapes = {name: tuple(np.shape(r)[1:]) for name, r in zip(outputs, results, strict=True)}
    forms = {}
    for name, attributes in outputs.items():
        shape = shapes[name]
        if len(attributes) > 1 and shape != (len(attributes),):
            raise InvalidInput(
                f"The model's output {name!r} is {_says(shape)} for a source, not {len(attributes)} attributes.",
                code="model_unfit",
            )  # fmt: skip
        forms[name] = gives[name].dtype, () if len(attributes) > 1 or shape == (1,) else shape
    return forms


def _says(shape: Shape) -> str:
    return f"{' x '.join('?' if k < 0 else str(k) for k in shape)} values" if shape else "one value"


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def file_name(model: str) -> str:
    """The file of a model in the directory of a survey's models."""
    return model.removeprefix("sha256:") + SUFFIX


@lru_cache(maxsize=8)
def _loaded(path: str, model: str, mark: tuple[int, int]) -> Any:
    data = Path(path).read_bytes()
    if digest(data) != model:
        raise StorageError(f"The file {path} of a model has changed; put it back from a backup.", code="model_changed")
    return _session(data)


def session_of(method: Method) -> Any:
    path = Path(method.directory) / file_name(method.model)
    try:
        found = path.stat()
    except OSError:
        raise StorageError(
            f"The model of calculator {method.label} is not in {method.directory} any more; define it again from its file.",
            code="model_missing",
        ) from None
    return _loaded(str(path), method.model, (found.st_size, found.st_mtime_ns))


class ModelKind:
    """Per source, in batches of one size; a source that lacks an input has no value."""

    foreign = True

    def check(self, method: Method) -> None:
        """All was checked when the fields were read from the file."""

    def names(self, method: Method) -> tuple[str, ...]:
        return method.requires

    def fit(self, method: Method, inputs: Mapping[str, AttributeLike]) -> tuple[str, ...]:
        return units_fit(method, inputs)

    def results(self, method: Method, inputs: Mapping[str, AttributeLike]) -> dict[str, tuple[str, Shape]]:
        takes = _ports_of(method)
        for model, names in _grouped(method.model_inputs, method.requires).items():
            port = takes.get(model)
            if port is None:  # the file is not here: what is stored can still be read
                continue
            for name in names:
                self._fits(method, port, inputs[name], alone=len(names) == 1)
        return method.declared()

    def _fits(self, method: Method, port: Port, attribute: AttributeLike, *, alone: bool) -> None:
        shape = tuple(attribute.shape)
        wanted = port.shape if alone else ()
        single = alone and shape == () and port.shape in ((), (1,), (-1,))
        if not single and (
            len(shape) != len(wanted) or any(w not in (-1, k) for w, k in zip(wanted, shape, strict=True))
        ):
            raise InvalidInput(
                f"The model of {method.label} takes {_says(wanted)} as {port.name!r}, and {attribute.name} has "
                f"{_says(shape)} for a source.", code="model_unfit", name=attribute.name,
            )  # fmt: skip
        kinds = np.dtype(attribute.dtype).kind, "U" if port.dtype == "U" else np.dtype(port.dtype).kind
        if (kinds[0] in "SUT") != (kinds[1] == "U") or (kinds[0] == "f" and kinds[1] in "iub"):
            raise InvalidInput(
                f"The model of {method.label} takes values of type {port.dtype} as {port.name!r}, and {attribute.name} is of "
                f"type {attribute.dtype}.", code="model_unfit", name=attribute.name,
            )  # fmt: skip

    def calculate(self, method: Method, inputs: Inputs) -> dict[str, Values]:
        session = session_of(method)
        absent = missing(inputs)
        kept = None if absent is None else np.flatnonzero(~absent)
        some = inputs if kept is None else inputs.take(kept)
        if some.n == 0:
            return {name: nothing(inputs.n, *form) for name, form in method.declared().items()}
        found = in_batches(some, method.batch, lambda block: self._run(method, session, block))
        return found if kept is None else {name: spread(inputs.n, kept, v) for name, v in found.items()}

    def _run(self, method: Method, session: Any, inputs: Inputs) -> dict[str, Values]:
        takes = _ports(session.get_inputs(), "input")
        feed = {
            model: _fed(takes[model], [inputs.columns[n][0] for n in names], inputs.n)
            for model, names in _grouped(method.model_inputs, method.requires).items()
        }
        wanted = _grouped(method.model_outputs, method.provides)
        try:
            results = dict(zip(wanted, session.run(list(wanted), feed), strict=True))
        except Exception as error:
            shown = ", ".join(map(str, inputs.ids[:3])) if inputs.ids is not None else "?"
            raise CalculatorError(
                f"Calculator {method.label} ({self.says(method)}) failed for sources {shown}, ...: {said_by(error)}.",
                code="calculator_failed", calculator=method.label,
            ) from None  # fmt: skip
        columns = {}
        forms = method.declared()
        for model, names in wanted.items():
            values = np.asarray(results[model])
            for place, name in enumerate(names):
                dtype, shape = forms[name]
                own = values[:, place] if len(names) > 1 else values
                if not shape and own.shape[1:] == (1,):
                    own = own[:, 0]
                columns[name] = checked(method, name, own, inputs.n, dtype, shape)
        return columns

    def says(self, method: Method) -> str:
        return f"model {method.model[:19]}"

    def lacks(self, method: Method) -> str:
        if (Path(method.directory) / file_name(method.model)).is_file():
            return ""
        return f"{method.label} is {self.says(method)}, and its file is not in {method.directory} any more"


def _ports_of(method: Method) -> dict[str, Port]:
    try:
        return _ports(session_of(method).get_inputs(), "input")
    except (StorageError, ImportError):
        return {}


def _grouped(models: Sequence[str], names: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for model, name in zip(models, names, strict=True):
        found.setdefault(model, []).append(name)
    return found


def _fed(port: Port, columns: list[Array], n: int) -> Array:
    """One input of the model: one attribute, or single values beside each other."""
    if port.dtype == "U":
        columns = [
            np.char.decode(c, "utf-8").astype(object) if c.dtype.kind == "S" else c.astype(object) for c in columns
        ]
        joined = np.stack(columns, axis=1) if len(columns) > 1 else columns[0]
        return joined.reshape(n, 1) if joined.ndim == 1 and len(port.shape) == 1 else joined
    joined = (
        np.stack([c.astype(port.dtype) for c in columns], axis=1) if len(columns) > 1 else columns[0].astype(port.dtype)
    )
    if joined.ndim == 1 and len(port.shape) == 1:
        joined = joined.reshape(n, 1)
    return np.ascontiguousarray(joined)


KIND = ModelKind()
