"""What an audit finds: a stable word, how bad it is, a sentence, and what it is about."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

ERROR, WARNING, NOTE = "error", "warning", "note"
SEVERITIES = (ERROR, WARNING, NOTE)


@dataclass(frozen=True, slots=True)
class Finding:
    """severity : error, warning, note. changed : something stored is not what was written. of : an id, a file, or a record."""

    severity: str
    code: str
    message: str
    of: str = ""
    changed: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def changed(code: str, message: str, of: str = "") -> Finding:
    return Finding(ERROR, code, message, of, True)


def gap(severity: str, code: str, message: str, of: str = "") -> Finding:
    return Finding(severity, code, message, of)
