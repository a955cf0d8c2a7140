"""The metaclass of persistent classes: collects declarations, refuses reserved names, keeps the class registry. No more."""

from __future__ import annotations

from typing import Any

from provgraph.errors import InvalidInput
from provgraph.schema.properties import Link, Persistent

RESERVED = frozenset(
    [
        "object_id",
        "identity",
        "version",
        "class_name",
        "class_version",
        "lineage_key",
        "repeat",
        "created",
        "creator",
        "project",
        "source_set",
        "within",
        "atoms",
        "introduces",
        "defines",
    ]
)
registry: dict[str, DBObjectMeta] = {}


class _Namespace(dict[str, Any]):
    """The body of a class as it is written: a reserved name is refused at the line that uses it."""

    def __init__(self, class_name: str) -> None:
        super().__init__()
        self.class_name = class_name

    def __setitem__(self, key: str, value: Any) -> None:
        if key in RESERVED and isinstance(value, Persistent | Link):
            raise InvalidInput(
                f"{self.class_name}.{key}: this name is kept by every persistent object; choose another.",
                code="reserved_name",
            )
        super().__setitem__(key, value)


class DBObjectMeta(type):
    """Collects ``persistents`` and ``links`` of a class and its bases, in order of declaration."""

    persistents: dict[str, Persistent[Any]]
    links: dict[str, Link[Any]]
    class_version: int

    @classmethod
    def __prepare__(cls, name: str, bases: tuple[type, ...], /, **kwargs: Any) -> _Namespace:
        return _Namespace(name)

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> DBObjectMeta:
        made = super().__new__(cls, name, bases, dict(namespace), **kwargs)
        made.persistents, made.links = {}, {}
        for base in reversed(made.__mro__):
            for key, value in vars(base).items():
                if isinstance(value, Persistent):
                    made.persistents[key] = value
                elif isinstance(value, Link):
                    made.links[key] = value
        known = registry.get(name)
        if known is not None and (known.__module__, known.__qualname__) != (made.__module__, made.__qualname__):
            raise InvalidInput(
                f"Two persistent classes are called {name!r}, in {known.__module__} and in {made.__module__}; "
                "a class is found again by its name, so rename one.",
                code="class_name_taken",
            )
        registry[name] = made
        return made

    @property
    def labels(cls) -> tuple[str, ...]:
        """``Entity`` and every persistent class inherited, most general first: a query for a class finds its subclasses."""
        return ("Entity", *(c.__name__ for c in reversed(cls.__mro__) if isinstance(c, DBObjectMeta)))
