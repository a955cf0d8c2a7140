"""Which candidate wins: a named, versioned ranking that returns a tuple; the largest tuple is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from provgraph.schema.collection import SourceCollection


@dataclass(frozen=True)
class Ranking:
    """A way to choose between collections that can all serve; its name and version are recorded with the result."""

    name: str
    version: int
    key: Callable[[SourceCollection, str], tuple[Any, ...]]

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def _most_general(candidate: SourceCollection, project: str) -> tuple[Any, ...]:
    """Larger source set first (paper, Section 6.4), then our own project, then the older, so that twins cannot start."""
    return (-len(candidate.sources().atoms), candidate.project in (project, ""), _descending(candidate.created),
            _descending(candidate.lineage_key))  # fmt: skip


def _descending(text: str) -> tuple[int, ...]:
    return tuple(-ord(c) for c in text)


MOST_GENERAL = Ranking("most_general", 1, _most_general)
