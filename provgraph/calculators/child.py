"""Foreign code in a process of its own, which may take so long and so much memory, and no more.

Run as ``python -m provgraph.calculators.child``: one line of JSON and arrays come in, one line of JSON and arrays go out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from provgraph.calculators.method import Catalog, Inputs, Limits, Method
from provgraph.errors import CalculatorError, InvalidInput, ProvgraphError
from provgraph.language.evaluate import Values

Array = np.ndarray[Any, Any]
_COMMAND = (sys.executable, "-m", "provgraph.calculators.child")


def calculate_apart(method: Method, inputs: Inputs) -> dict[str, Values]:
    """What the kind calculates, in a child process within the limits of the method.

    Raises CalculatorError ``calculator_time``, ``calculator_memory``; InvalidInput ``limit_unsupported`` where the system
    cannot limit memory.
    """
    limits = method.limits
    if limits.memory is not None and not _can_limit_memory():
        raise InvalidInput(
            "This system cannot limit the memory of a process; leave the memory limit of calculators out.",
            code="limit_unsupported",
        )  # fmt: skip
    child = subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in _path() if p)})  # fmt: skip
    try:
        out, err = child.communicate(_message(method, inputs), timeout=limits.seconds)
    except subprocess.TimeoutExpired:
        raise CalculatorError(
            f"Calculator {method.label} did not end within {limits.seconds:g} s for {inputs.n} sources{_range(inputs)}; "
            "give it more time, or fewer sources.", code="calculator_time", calculator=method.label, seconds=limits.seconds,
        ) from None  # fmt: skip
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    stream = BytesIO(out)
    line = stream.readline()
    if not line.endswith(b"\n"):
        if limits.memory is not None and (child.returncode < 0 or b"MemoryError" in err or b"bad_alloc" in err):
            raise _memory(method, inputs)
        last = err.decode("utf-8", "replace").strip().splitlines()[-1:] or [""]
        raise CalculatorError(
            f"The process of calculator {method.label} ended with status {child.returncode} for {inputs.n} sources"
            f"{_range(inputs)} {last[0][:200]}".rstrip() + ".", code="calculator_failed", calculator=method.label,
        )  # fmt: skip
    answer = json.loads(line)
    if "error" in answer:
        error = answer["error"]
        if error["code"] == "calculator_memory":
            raise _memory(method, inputs)
        raise CalculatorError(error["message"], code=error["code"], **error["details"])
    return {name: _read_values(stream, masked) for name, masked in answer["columns"]}


def _memory(method: Method, inputs: Inputs) -> CalculatorError:
    allowed = (
        f"more than the {method.limits.memory:,} bytes allowed" if method.limits.memory else "more memory than there is"
    )
    return CalculatorError(
        f"Calculator {method.label} needs {allowed} for {inputs.n} sources{_range(inputs)}.",
        code="calculator_memory", calculator=method.label,
    )  # fmt: skip


def _range(inputs: Inputs) -> str:
    if inputs.ids is None or not inputs.n:
        return ""
    first, last = (
        i.decode("utf-8", "replace") if isinstance(i, bytes) else str(i) for i in (inputs.ids[0], inputs.ids[-1])
    )
    return f" ({first} to {last})"


def _path() -> list[str]:
    """Where we find modules, so that the child finds the same calculators."""
    package = str(Path(__file__).resolve().parents[2])
    return [package, *(str(Path(p).resolve()) if p else os.getcwd() for p in sys.path)]


def _can_limit_memory() -> bool:
    return sys.platform == "linux"


def _message(method: Method, inputs: Inputs) -> bytes:
    stream = BytesIO()
    head = {
        "method": method.as_dict(), "n": inputs.n, "parameters": dict(inputs.parameters), "ids": inputs.ids is not None,
        "columns": [[name, null is not None] for name, (_, null) in inputs.columns.items()],
        "catalogs": [[name, list(catalog.columns), [isinstance(c, np.ma.MaskedArray) for c in catalog.columns.values()]]
                     for name, catalog in inputs.catalogs.items()],
    }  # fmt: skip
    stream.write(json.dumps(head).encode() + b"\n")
    for values in inputs.columns.values():
        _write_values(stream, values)
    if inputs.ids is not None:
        _save(stream, inputs.ids)
    for catalog in inputs.catalogs.values():
        _save(stream, catalog.ids)
        for column in catalog.columns.values():
            masked = isinstance(column, np.ma.MaskedArray)
            _write_values(stream, (np.ma.getdata(column), np.ma.getmaskarray(column) if masked else None))
    return stream.getvalue()


def _heard(stream: IO[bytes]) -> tuple[Method, Inputs]:
    head = json.loads(stream.readline())
    columns = {name: _read_values(stream, masked) for name, masked in head["columns"]}
    ids = _load(stream) if head["ids"] else None
    catalogs = {}
    for name, names, masks in head["catalogs"]:
        own = _load(stream)
        found: dict[str, Array] = {}
        for attribute, masked in zip(names, masks, strict=True):
            values, null = _read_values(stream, masked)
            found[attribute] = values if null is None else np.ma.MaskedArray(values, null)
        catalogs[name] = Catalog(own, found)
    return Method.from_dict(head["method"]), Inputs(head["n"], columns, head["parameters"], catalogs, ids)


def _write_values(stream: IO[bytes], values: Values) -> None:
    for array in values:
        if array is not None:
            _save(stream, array)


def _read_values(stream: IO[bytes], masked: bool) -> Values:
    values = _load(stream)
    return values, _load(stream) if masked else None


def _save(stream: IO[bytes], array: Array) -> None:
    np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)


def _load(stream: IO[bytes]) -> Array:
    return np.lib.format.read_array(stream, allow_pickle=False)


def main() -> int:
    """Calculate what standard input says; the exit status is 0 whenever an answer was sent."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what foreign code prints must not get between our lines
    method, inputs = _heard(BytesIO(sys.stdin.buffer.read()))
    threading.Thread(target=_leave_when_alone, args=(os.getppid(),), daemon=True).start()
    try:
        columns = _within(method, inputs)
    except ProvgraphError as error:
        answers.write(json.dumps({"error": error.as_dict()}, default=str).encode() + b"\n")
    except MemoryError:
        answers.write(b'{"error": {"code": "calculator_memory", "message": "", "details": {}}}\n')
    else:
        answers.write(
            json.dumps({"columns": [[n, null is not None] for n, (_, null) in columns.items()]}).encode() + b"\n"
        )
        stream = BytesIO()  # to a pipe numpy would write past the buffer
        for values in columns.values():
            _write_values(stream, values)
        answers.write(stream.getvalue())
    answers.flush()
    return 0


def _leave_when_alone(parent: int) -> None:
    """When who asked is gone, nobody would end us any more."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _within(method: Method, inputs: Inputs) -> Mapping[str, Values]:
    from provgraph.calculators import kind_of

    kind = kind_of(method.kind)
    apart = replace(method, limits=Limits())
    if method.limits.memory is not None:
        kind.calculate(apart, inputs.take(slice(0, 0)))  # loads what the calculator consists of, which does not count
        _limit_memory(method.limits.memory)
    return kind.calculate(apart, inputs)


def _limit_memory(more: int) -> None:
    """At most so many bytes more than we have now."""
    import resource

    with suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + more
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    sys.exit(main())
