"""provgraph: say what a catalog should contain; get the table with its whole lineage as one W3C PROV graph.

>>> import provgraph
>>> survey = provgraph.open("survey/")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provgraph.opening import open as open
    from provgraph.policy import Context as Context
    from provgraph.schema.collection import SourceCollection as SourceCollection
    from provgraph.survey import Survey as Survey

# Importing numpy and an engine takes longer than `provgraph --help` may: names are looked up when they are used.
_HOMES = {
    "open": "provgraph.opening",
    "Survey": "provgraph.survey",
    "Context": "provgraph.policy",
    "SourceCollection": "provgraph.schema.collection",
    "persistent": "provgraph.schema.properties",
    "link": "provgraph.schema.properties",
}

__all__ = ["Context", "SourceCollection", "Survey", "link", "open", "persistent"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'provgraph' has no attribute {name!r}")
