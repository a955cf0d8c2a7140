"""The metaclass of persistent classes: collects declarations, refuses reserved names, keeps the class registry. No more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from provgraph.errors import InvalidInput
from provgraph.schema import calls
from provgraph.schema.properties import Link, Persistent, Property

if TYPE_CHECKING:
    from provgraph.schema.paths import Path

RESERVED = frozenset(
    [
        "object_id",
        "identity",
        "self",
        "is_stored",
        "version",
        "class_name",
        "class_version",
        "class_form",
        "deleted",
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
_FRAMEWORK = frozenset({"provgraph.schema.objects", "provgraph.schema.target"})
registry: dict[str, DBObjectMeta] = {}


# Earlier names of classes, and the class that has them now.
renamed: dict[str, DBObjectMeta] = {}


class _Namespace(dict[str, Any]):
    """The body of a class as it is written: a reserved name is refused at the line that uses it."""

    def __init__(self, class_name: str, bases: tuple[type, ...]) -> None:
        super().__init__()
        self.class_name = class_name
        self.bases = bases

    def __setitem__(self, key: str, value: Any) -> None:
        if isinstance(value, Property):
            if key in RESERVED or key.startswith("_"):
                why = "begins with an underscore" if key.startswith("_") else "is kept by every persistent object"
                raise InvalidInput(f"{self.class_name}.{key}: this name {why}; choose another.", code="reserved_name")
            bases = (c for b in self.bases for c in b.__mro__ if c.__module__ in _FRAMEWORK)
            there = next((c for c in bases if key in vars(c) and not isinstance(vars(c)[key], Property)), None)
            if there is not None:
                raise InvalidInput(
                    f"{self.class_name}.{key}: {there.__name__} has a method or value of this name; choose another.",
                    code="reserved_name",
                )
        super().__setitem__(key, value)


class DBObjectMeta(type):
    """Collects ``persistents`` and ``links`` of a class and its bases, in order of declaration.

    was : names that the class had before, so that what was stored under them is found and read.
    traced : whether calls of its methods are recorded; as its bases unless said.
    """

    persistents: dict[str, Persistent[Any]]
    links: dict[str, Link[Any]]
    class_version: int
    was: tuple[str, ...]
    is_traced: bool | None  # None: a class of the library, which says nothing about those made from it

    @classmethod
    def __prepare__(cls, name: str, bases: tuple[type, ...], /, **kwargs: Any) -> _Namespace:
        return _Namespace(name, bases)

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *,
                was: str | Iterable[str] = (), traced: bool | None = None) -> DBObjectMeta:  # fmt: skip
        body = dict(namespace)
        if traced is None:
            traced = all(b.is_traced is not False for b in bases if isinstance(b, DBObjectMeta)) and not _is_ours(body)
        if traced:
            calls.hook_class(body, name)
            inherited = next((getattr(b, "__init__") for b in bases if isinstance(b, DBObjectMeta)), None)  # noqa: B009
            if "__init__" not in body and inherited is not None and not hasattr(inherited, calls.TRACED):
                body["__init__"] = calls.hooked(inherited, name, "__init__")
        made = super().__new__(cls, name, bases, body)
        made.is_traced = traced if traced or not _is_ours(body) else None
        made.was = (was,) if isinstance(was, str) else tuple(was)
        made.persistents, made.links = {}, {}
        for base in reversed(made.__mro__):
            for key, value in vars(base).items():
                made.persistents.pop(key, None)  # what a subclass declares anew, or takes away
                made.links.pop(key, None)
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
        for earlier in made.was:
            other = renamed.get(earlier)
            if other is not None and other.__name__ != name:
                raise InvalidInput(
                    f"{other.__name__} and {name} both say that they were {earlier}, and an object that was stored as one is "
                    "read as one class; leave it out of one of them.", code="class_name_taken",
                )  # fmt: skip
        registry[name] = made
        renamed.update(dict.fromkeys(made.was, made))
        return made

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(name, bases, namespace)

    def inverse(cls, link: Path) -> Path:
        """The objects that have an object of this class as `link`: ``RawFrame.inverse(ReducedFrame.raw).zeropoint > 24``."""
        from provgraph.schema import paths

        return paths.Path(cls, (cls,)).inverse(link)

    def __getitem__(cls, name: str) -> Path:
        """What can be asked of every object but is something else of the class: ``ReducedFrame["class_version"] == 1``."""
        from provgraph.schema import paths

        return paths.of_class(cls, name)

    if not TYPE_CHECKING:  # so that checkers of types still find words that are misspelt

        def __getattr__(cls, name: str) -> Path:
            if name.startswith("_"):
                raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
            return cls[name]

    @property
    def labels(cls) -> tuple[str, ...]:
        """``Entity`` and every persistent class inherited, most general first: a query for a class finds its subclasses."""
        return ("Entity", *(c.__name__ for c in reversed(cls.__mro__) if isinstance(c, DBObjectMeta)))


def _is_ours(body: dict[str, Any]) -> bool:
    """Whether the body is one of a class of this library: its work is recorded as what it is, not call by call."""
    return str(body.get("__module__", "")).partition(".")[0] == "provgraph"


def of_now(cls: Any) -> Any:
    """A class as it was defined last: a cell of a notebook that is run again, or a module that is loaded again, makes another."""
    known = registry.get(cls.__name__)
    return (
        known
        if known is not None and (known.__module__, known.__qualname__) == (cls.__module__, cls.__qualname__)
        else cls
    )


def class_called(name: str) -> DBObjectMeta | None:
    """The class of this name, also of an earlier name of it."""
    return registry.get(name) or renamed.get(name)
