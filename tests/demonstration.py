"""The survey of the demonstration, small, made once in a run; tests that change it take a copy."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

GALAXIES = 4000


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its directory; the three pulls have been made."""
    from rich.console import Console

    from provgraph import demo

    directory = tmp_path_factory.mktemp("demonstration") / "demo-survey"
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PROVGRAPH_GRAPH", raising=False)
        demo.run(directory, serve=False, galaxies=GALAXIES, console=Console(file=io.StringIO(), width=demo.WIDTH))
    return directory
