"""Small ONNX models for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

Array = np.ndarray[Any, Any]


def write(
    path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: dict[str, Array] | None = None
) -> Path:
    onnx = pytest.importorskip("onnx")
    given = [onnx.numpy_helper.from_array(v, n) for n, v in (constants or {}).items()]
    graph = onnx.helper.make_graph(nodes, "model", inputs, outputs, given)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def value(name: str, shape: list[Any], kind: str = "FLOAT") -> Any:
    import onnx

    return onnx.helper.make_tensor_value_info(name, getattr(onnx.TensorProto, kind), shape)


def perceptron(path: Path, inputs: int = 3, hidden: int = 40, seed: int = 1, rows: int | None = None) -> Path:
    """A two-layer network with one value between 0 and 1 for each row: X (n, inputs) → p (n, 1)."""
    onnx = pytest.importorskip("onnx")
    rng = np.random.default_rng(seed)
    weights = {
        "w1": rng.normal(size=(inputs, hidden)).astype("f4"), "b1": rng.normal(size=hidden).astype("f4"),
        "w2": rng.normal(size=(hidden, 1)).astype("f4"), "b2": rng.normal(size=1).astype("f4"),
    }  # fmt: skip
    node = onnx.helper.make_node
    nodes = [
        node("Gemm", ["X", "w1", "b1"], ["h"]), node("Tanh", ["h"], ["t"]), node("Gemm", ["t", "w2", "b2"], ["o"]),
        node("Sigmoid", ["o"], ["p"]),
    ]  # fmt: skip
    n: Any = rows if rows is not None else "n"
    return write(path, nodes, [value("X", [n, inputs])], [value("p", [n, 1])], weights)


def classifier(path: Path) -> Path:
    """z (n,) and text kind (n, 1) → probabilities (n, 2), class (n,) whole numbers."""
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node
    nodes = [
        node("Sigmoid", ["z"], ["a"]), node("Sub", ["one", "a"], ["b"]), node("Unsqueeze", ["a", "axis"], ["a1"]),
        node("Unsqueeze", ["b", "axis"], ["b1"]), node("Concat", ["a1", "b1"], ["probabilities"], axis=1),
        node("ArgMax", ["probabilities"], ["class"], axis=1, keepdims=0),
    ]  # fmt: skip
    constants = {"one": np.array([1], "f4"), "axis": np.array([1], "i8")}
    outputs = [value("probabilities", ["n", 2]), value("class", ["n"], "INT64")]
    return write(path, nodes, [value("z", ["n"])], outputs, constants)
