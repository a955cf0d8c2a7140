"""Samples to learn from: provably disjoint parts of a collection, and its values in shuffled batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from provgraph.errors import InvalidInput, MissingExtra
from provgraph.language.nodes import print_name
from provgraph.schema.collection import SourceCollection
from provgraph.schema.operators import External
from provgraph.schema.table import Table
from provgraph.schema.text import decode_text

Array = np.ndarray[Any, Any]


def part_criteria(collection: SourceCollection, fractions: Mapping[str, float], seed: int) -> dict[str, str]:
    """The criterion of each part: ranges of one fixed place in [0, 1) that every source has, so no source is in two parts.

    InvalidInput ``fractions`` (not positive, or together more than 1), ``identifiers_missing``.
    """
    if not fractions or any(not f > 0 for f in fractions.values()) or sum(fractions.values()) > 1 + 1e-9:
        said = ", ".join(f"{n}={f:g}" for n, f in fractions.items()) or "none"
        raise InvalidInput(
            f"The fractions of a split are positive and at most 1 together, such as train=0.8, test=0.2; here: {said}.",
            code="fractions",
        )
    place = f"spread({print_name(identifiers_of(collection))}, {int(seed)})"
    found, begin = {}, 0.0
    for name, fraction in fractions.items():
        end = begin + fraction
        parts = [f"{place} >= {begin!r}"] if begin > 0 else []
        if end < 1 - 1e-9:
            parts.append(f"{place} < {end!r}")
        found[name] = " and ".join(parts) or f"{place} >= 0"
        begin = end
    return found


def identifiers_of(collection: SourceCollection) -> str:
    """The name of the attribute that holds the identifiers: of this collection, else of a catalog it comes from."""
    roots = [one for one in collection.ancestry() if isinstance(one, External)]
    known = {root.attributes()[root.id_attribute].origin for root in roots}
    for attribute in collection.attributes().values():
        if attribute.origin in known or attribute.ucd == "meta.id;meta.main":
            return str(attribute.name)
    if roots:
        return str(roots[0].id_attribute)
    raise InvalidInput(
        f"{collection.label} has no attribute that holds its identifiers, by which it could be split; it has "
        f"{', '.join(collection.attributes())}.", code="identifiers_missing",
    )  # fmt: skip


def batches(table: Table, names: Sequence[str], size: int, *, seed: int | None = None,
            tensors: Literal["numpy", "torch"] = "numpy", last: bool = True) -> Iterator[dict[str, Any]]:  # fmt: skip
    """The values of `names` for `size` sources at a time: arrays of shape (size, ...) by name.

    seed : the order of the sources, the same for the same seed; None: that of their identifiers.
    last : whether a smaller rest comes too. tensors : ``"torch"`` gives tensors. Missing real numbers are NaN.

    Raises
    ------
    InvalidInput : ``batch_size``; ``values_missing`` for missing values of whole numbers, truth values or text;
        ``tensors_unknown``; ``tensor_text`` where text should be a tensor.
    MissingExtra : torch is not installed.
    """
    if size < 1:
        raise InvalidInput(f"A batch has at least one source, not {size}.", code="batch_size")
    if tensors not in ("numpy", "torch"):
        raise InvalidInput(f"Batches come as 'numpy' or as 'torch', not as {tensors!r}.", code="tensors_unknown")
    columns = {}
    for name in names:
        values, null = table[name]
        if values.dtype.kind in "SUT":
            if tensors == "torch":
                raise InvalidInput(f"{name} is text, and a tensor has only numbers.", code="tensor_text", name=name)
            values = decode_text(values) if values.dtype.kind == "S" else values
        if null is not None and null.any():
            if values.dtype.kind != "f":
                raise InvalidInput(
                    f"{name} is missing for {int(null.sum())} of {len(table)} sources, and {values.dtype} has no NaN to say so; "
                    f"select where {name} is not null, or use coalesce() in a calculator.", code="values_missing", name=name,
                )  # fmt: skip
            values = np.where(null.reshape(-1, *(1,) * (values.ndim - 1)), values.dtype.type(np.nan), values)
        columns[name] = values
    convert = _torch() if tensors == "torch" else None
    n = len(table)
    order = np.arange(n) if seed is None else np.random.default_rng(seed).permutation(n)
    for first in range(0, n if last else n - size + 1, size):
        rows = order[first : first + size]
        taken = {name: np.ascontiguousarray(values[rows]) for name, values in columns.items()}
        yield taken if convert is None else {name: convert(values) for name, values in taken.items()}


def _torch() -> Any:
    try:
        import torch  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise MissingExtra("Tensors need PyTorch; install it with: pip install torch") from None
    return torch.from_numpy
