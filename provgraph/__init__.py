"""provgraph: say what a catalog should contain; get the table with its whole lineage as one W3C PROV graph.

>>> import provgraph
>>> survey = provgraph.open("survey/")
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provgraph.calculators.declaration import Missing as Missing
    from provgraph.calculators.declaration import Output as Output
    from provgraph.calculators.declaration import calculator as calculator
    from provgraph.opening import open as open
    from provgraph.policy import Context as Context
    from provgraph.resolver.ranking import Ranking as Ranking
    from provgraph.schema.collection import SourceCollection as SourceCollection
    from provgraph.survey import Survey as Survey
    from provgraph.targets.source_list import SourceList as SourceList
    from provgraph.targets.source_list import SourceListParameters as SourceListParameters

# Importing numpy and an engine takes longer than `provgraph --help` may: names are looked up when they are used.
_HOMES = {
    "open": "provgraph.opening",
    "Survey": "provgraph.survey",
    "Context": "provgraph.policy",
    "Ranking": "provgraph.resolver.ranking",
    "SourceCollection": "provgraph.schema.collection",
    "persistent": "provgraph.schema.properties",
    "link": "provgraph.schema.properties",
    "DataObject": "provgraph.schema.objects",
    "Parameters": "provgraph.schema.target",
    "ProcessTarget": "provgraph.schema.target",
    "SourceList": "provgraph.targets.source_list",
    "SourceListParameters": "provgraph.targets.source_list",
    "Secret": "provgraph.schema.calls",
    "process_params": "provgraph.schema.target",
    "not_traced": "provgraph.schema.calls",
    "read_recipe": "provgraph.targets.recipe",
    "run_program": "provgraph.trace.programs",
    "untraced": "provgraph.schema.calls",
    "calculator": "provgraph.calculators.declaration",
    "Output": "provgraph.calculators.declaration",
    "Missing": "provgraph.calculators.declaration",
}

__all__ = [
    "Context",
    "Missing",
    "Output",
    "Ranking",
    "SourceCollection",
    "Survey",
    "calculator",
    "link",
    "open",
    "persistent",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'provgraph' has no attribute {name!r}")


if "PROVGRAPH_CALL" in os.environ:  # a child process that was started inside a recorded call
    from provgraph.trace.parallel import from_environment

    from_environment()
