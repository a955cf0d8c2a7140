"""Lists of plain objects, completed by a function compiled for the query instead of field by field.

A field of graphql-core costs about 3 µs, so 1,000 objects with 6 fields cost 20 ms, nearly all of it bookkeeping for what
these objects do not have: resolvers, awaitables, errors. Where a list is of Strawberry objects with plain fields only, the
selection is compiled to one function. Anything else - a resolver, a union, `__typename`, a value of the wrong type - falls
back to the normal path, which gives the same answer, and all errors.

Stands on internals of graphql-core 3.3 (`collect_subfields`) and Strawberry (`_is_default`): their minor versions are pinned
and a test compares both paths. ``PROVGRAPH_PLAIN_EXECUTOR=1`` turns it off.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from typing import Any

from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLOutputType, GraphQLResolveInfo
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

Complete = Callable[[Any], Any]


class _Unusual(Exception):
    """A value that the compiled function does not know."""


def _text(value: Any) -> Any:
    if type(value) is str:
        return value
    raise _Unusual


def _boolean(value: Any) -> Any:
    if type(value) is bool:
        return value
    raise _Unusual


def _integer(value: Any) -> Any:
    if type(value) is int and -(2**31) <= value < 2**31:
        return value
    raise _Unusual


def _number(value: Any) -> Any:
    if type(value) is float and math.isfinite(value):
        return value
    raise _Unusual


def _as_it_is(value: Any) -> Any:
    return value


# Scalars whose serialisation is the identity on these types.
_LEAVES: dict[str, Complete] = {
    "String": _text, "ID": _text, "Boolean": _boolean, "Int": _integer, "Float": _number, "JSON": _as_it_is,
}  # fmt: skip


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor with a short cut for lists."""

    def complete_iterable_value(self, item_type: GraphQLOutputType, field_details_list: Any, info: GraphQLResolveInfo,
                                path: Any, items: Iterable[Any], position_context: Any) -> Any:  # fmt: skip
        if type(items) in (list, tuple) and not self.middleware_manager.middlewares:  # type: ignore[union-attr]
            plans = self.__dict__.setdefault("_compiled", {})
            key = (item_type, id(field_details_list))
            if key not in plans:  # holds on to the list, so that its id stays its own
                plans[key] = (field_details_list, self._compile(item_type, field_details_list))
            complete = plans[key][1]
            if complete is not None:
                try:
                    return [complete(item) for item in items]
                except (_Unusual, AttributeError):
                    pass
        return super().complete_iterable_value(item_type, field_details_list, info, path, items, position_context)

    def _compile(self, kind: GraphQLOutputType, details: Any) -> Complete | None:
        """A function that completes a value of this type for this selection; None where there is none."""
        required = isinstance(kind, GraphQLNonNull)
        inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if isinstance(inner, GraphQLList):
            complete = self._compile_list(inner, details)
        elif isinstance(inner, GraphQLObjectType):
            complete = self._compile_object(inner, details)
        else:
            complete = _LEAVES.get(getattr(inner, "name", ""))
        if complete is None:
            return None
        return _never_null(complete) if required else _perhaps_null(complete)

    def _compile_list(self, kind: Any, details: Any) -> Complete | None:
        entry = self._compile(kind.of_type, details)
        if entry is None:
            return None

        def complete(value: Any) -> Any:
            if type(value) not in (list, tuple):
                raise _Unusual
            return [entry(one) for one in value]

        return complete

    def _compile_object(self, kind: GraphQLObjectType, details: Any) -> Complete | None:
        definition = kind.extensions.get("strawberry-definition")
        if definition is None:
            return None
        collected = self.collect_subfields(kind, details)
        grouped, deferred = collected[0], collected[1]
        if deferred:
            return None
        names: list[tuple[str, str]] = []
        functions: dict[str, Any] = {"origin": definition.origin, "Unusual": _Unusual}
        for key, selected in grouped.items():
            declared = kind.fields.get(selected[0].node.name.value)  # `__typename` is none
            if declared is None or not getattr(declared.resolve, "_is_default", False):
                return None
            complete = self._compile(declared.type, selected)
            if complete is None:
                return None
            functions[f"complete{len(names)}"] = complete
            names.append((key, declared.extensions["strawberry-definition"].python_name))
        assert all(name.isidentifier() for _, name in names)
        parts = ", ".join(f"{key!r}: complete{i}(one.{name})" for i, (key, name) in enumerate(names))
        exec(f"def complete(one):\n if type(one) is not origin: raise Unusual\n return {{{parts}}}", functions)
        return functions["complete"]  # type: ignore[no-any-return]


def _perhaps_null(complete: Complete) -> Complete:
    return lambda value: None if value is None else complete(value)


def _never_null(complete: Complete) -> Complete:
    if complete is not _as_it_is:
        return complete  # refuses None by its type check

    def present(value: Any) -> Any:
        if value is None:
            raise _Unusual
        return value

    return present


def executor() -> type[StrawberryGraphQLCoreExecutionContext]:
    """The executor to use."""
    return StrawberryGraphQLCoreExecutionContext if os.environ.get("PROVGRAPH_PLAIN_EXECUTOR") else Executor
