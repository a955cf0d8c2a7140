"""How much is drawn: a sample by default, everything with PROVGRAPH_TEST_WHOLE=1."""

from __future__ import annotations

import os

WHOLE = os.environ.get("PROVGRAPH_TEST_WHOLE") == "1"


def sample(most: int) -> int:
    """Of so many examples, how many are drawn."""
    return most if WHOLE else max(most // 5, 5)
