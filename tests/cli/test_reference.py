from __future__ import annotations

from provgraph.cli import reference
from tests.conftest import ROOT


def test_the_page_in_docs_is_what_the_commands_say() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert page == reference.markdown(), "run: python -m provgraph.cli.reference > docs/cli.md"
