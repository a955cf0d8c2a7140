from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test signs with the key of whoever runs it."""
    monkeypatch.setenv("PROVGRAPH_AUDIT_KEY", str(tmp_path / "config" / "audit-key.pem"))
