"""What authors of pipelines build on: objects with files, process parameters, and targets that know how to make themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from provgraph.errors import InvalidInput, a
from provgraph.schema import calls
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import Link, persistent


class Parameters(DBObject):
    """Process parameters, or the configuration of a program (data lineage paper, section 4.2): equal values are one object."""

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        for name in type(self).persistents:  # what was the default stays what it was
            if name not in self._values and (value := getattr(self, name)) is not None:
                self._values[name] = value

    def lineage(self) -> list[Any]:
        return [[n, self._plain(n)] for n, declared in sorted(type(self).persistents.items()) if declared.lineage]

    def __setattr__(self, name: str, value: Any) -> None:
        if name in type(self).persistents and calls.survey_in_use() is not None and "_constructed" in vars(self):
            _set_parameter(self, name, value)
        else:
            super().__setattr__(name, value)

    def as_dict(self) -> dict[str, Any]:
        """All parameters by name, defaults included."""
        return {name: getattr(self, name) for name in type(self).persistents}


def _set(self: Parameters, name: str, value: Any) -> None:
    DBObject.__setattr__(self, name, value)


_set_parameter = calls.hooked(_set, "Parameters", "set")


class ProcessParams(Link[Any]):
    """A link to process parameters; the defaults of their class where none are given."""

    def __init__(self, target: type[Parameters], *, doc: str = "") -> None:
        super().__init__(target, doc=doc)
        self.default = target


def process_params(target: type[Parameters], *, doc: str = "") -> Any:
    """Declare the process parameters of a target: ``params = process_params(ReduceParameters)``."""
    if not (isinstance(target, type) and issubclass(target, Parameters)):
        raise TypeError(
            f"process_params() takes a class of parameters, a subclass of provgraph.Parameters, not {target!r}"
        )
    return ProcessParams(target, doc=doc)


MAKING = ("made_from", "chosen", "made_with")  # properties of a target that are about its making


class ProcessTarget(DBObject):
    """An object that knows how to make itself (data lineage paper, section 5.1.1).

    ``make(self)`` sets what is calculated and attaches the file; links and values that are set before are what it is made from.
    ``survey.make(target)`` runs it, or finds what was made of the same before.
    """

    made_from = persistent(
        list[str], default=(), lineage=False, doc="properties that were given; the others are results"
    )
    chosen = persistent(list[str], default=(), lineage=False, doc="links that the class chose itself")
    made_with = persistent(str, default="", lineage=False, doc="digest of the code of make() that made it")

    _recipe: tuple[str, Mapping[str, Any]] | None = None
    _chosen: tuple[str, ...] = ()  # links that the class chose

    def needs(self, name: str) -> bool:
        """What make() finds is not there before."""
        return name in type(self).links

    def make(self) -> None:
        """Overridden by each class of targets."""
        raise InvalidInput(
            f"{type(self).__name__} does not say how it is made; write its make(self).", code="make_missing"
        )

    def verify(self) -> Iterable[str]:
        """Overridden where a result can be told to be doubtful: a phrase for each fault, such as ``"fewer than 5 stars"``.

        It is called after make(). What has such quality flags is stored, but no class chooses it by itself.
        """
        return ()

    @property
    def is_made(self) -> bool:
        """Whether its make() has run, now or before it was stored."""
        return bool(self._recipe) or (self.is_stored and bool(self.lineage_key))

    def given(self) -> dict[str, Any]:
        """Values and links as they are before make(): by name, as the lineage key takes them."""
        cls = type(self)
        found: dict[str, Any] = {}
        for name, declared in cls.persistents.items():
            if declared.lineage and getattr(self, name, None) is not None:
                found[name] = self._plain(name)
        for name, linked in cls.links.items():
            value = self._values.get(name)
            if value is not None and linked.lineage:
                found[name] = [one.dependency_key for one in self._linked(name)]
        return found

    def begin_making(self, code: str) -> None:
        """What it has now is what it is made from, by this code; from here on it has a lineage key."""
        found = self.given()
        self._values["made_from"] = tuple(found)
        self._values["chosen"] = tuple(
            dict.fromkeys((*(n for n in self._defaulted if n in type(self).links), *self._chosen))
        )
        self._values["made_with"] = code
        self._recipe = (code, found)
        self._lineage_key = None

    def lineage(self) -> list[Any] | None:
        if self._recipe is None:
            return None
        code, given = self._recipe
        return [code, [[name, value] for name, value in sorted(given.items())]]

    def results(self) -> dict[str, Any]:
        """What make() found: stored values by name, of what was not given; and the digest of its file."""
        found = {n: v for n, v in self.descriptors().items() if n not in self.made_from and n not in MAKING}
        if (file := getattr(self, "file", None)) is not None:
            found["file"] = file.digest
        return found

    def __repr__(self) -> str:
        shown = (n for n in type(self).persistents if n in self._values and n not in MAKING)
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n)!r}' for n in shown)})"

    def _linked(self, name: str) -> list[DBObject]:
        value = getattr(self, name)
        return list(value) if isinstance(value, tuple) else [value]


def must_be_target(one: Any) -> ProcessTarget:
    if isinstance(one, ProcessTarget):
        return one
    what = a(type(one).__name__) if isinstance(one, DBObject) else repr(one)
    raise InvalidInput(f"Only process targets are made, not {what}.", code="not_a_target")
