"""provgraph version"""

from __future__ import annotations

import platform

from provgraph.cli.options import GraphOption, JsonOption, SurveyOption
from provgraph.cli.output import emit


def installed() -> str:
    """The version of the installed package."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("provgraph")
    except PackageNotFoundError:  # a checkout on the path, not installed
        return "unknown"


def run(survey: SurveyOption = None, graph: GraphOption = "", as_json: JsonOption = False) -> None:
    """Print the version of provgraph."""
    data = {"provgraph": installed(), "python": platform.python_version(), "platform": platform.platform()}
    emit(data, as_json, lambda d: f"provgraph {d['provgraph']} (Python {d['python']}, {d['platform']})")
