"""Constraints of properties: a criterion about one value, in the language that asks for sources."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_DTYPES = {str: "U", int: "i8", float: "f8", bool: "?"}


def holds(criterion: str, name: str, value: Any, unit: str = "") -> bool:
    """Whether a criterion on the property `name` is true of one stored value.

    Raises LanguageError with the position when it does not parse, or asks about anything but `name`.
    """
    import numpy as np

    values = np.array([value], "O" if isinstance(value, str) else None)
    return bool(_bound(criterion, name, _DTYPES[type(value)], unit).select({name: (values, None)})[0])


@lru_cache(maxsize=1024)
def _bound(text: str, name: str, dtype: str, unit: str) -> Any:
    from provgraph.language.criterion import Criterion
    from provgraph.schema.attribute import Attribute

    return Criterion.parse(text).bind({name: Attribute(name, dtype, unit, origin=name)})
