"""The one interface to a graph: statements in, plain rows out; transactions are functions."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

from provgraph.errors import ProvgraphError
from provgraph.graph.statements import Statement

T = TypeVar("T")
Row = dict[str, Any]
Rows = list[Row]
RunText = Callable[[str, dict[str, Any]], Rows]  # one part

# The property that identifies a node of each of our labels; edges of a bulk load name their ends by it.
KEYS: Mapping[str, str] = {
    "Entity": "object_id",
    "Activity": "activity_id",
    "Agent": "agent_id",
    "Note": "note_id",
    "Column": "origin_key",
    "AttributeName": "name",
    "SourceAtom": "atom",
    # of imported PROV documents
    "ProvDocument": "document_id",
    "ProvBundle": "scope_id",
    "Thing": "thing_id",
    "Statement": "statement_id",
}


class Run(Protocol):
    """Runs a statement inside the transaction: all parts in order, rows of the first part."""

    def __call__(self, statement: Statement, /, **parameters: Any) -> Rows: ...


class NodeRow(NamedTuple):
    """A node for `GraphEngine.load`; its first label is one of `KEYS` and `properties` holds that label's key."""

    labels: tuple[str, ...]
    properties: Mapping[str, Any]


class EdgeRow(NamedTuple):
    """An edge for `GraphEngine.load`; an end is (label of `KEYS`, value of its key), loaded now or there before."""

    source: tuple[str, str]
    target: tuple[str, str]
    relation: str
    properties: Mapping[str, Any] = {}


class GraphEngine(ABC):
    """A graph that runs our statements.

    Parameters of a statement are str, int (64 bit), float, bool, None, and lists and str-keyed dicts of these; rows
    come back as the same. No node or relationship object crosses. Engines may be used from several threads.
    """

    name: ClassVar[str]
    # What differs and may be asked for by name: "unique_constraint", "bulk_loader", "single_process", "retries".
    capabilities: ClassVar[frozenset[str]]

    @abstractmethod
    def read(self, statement: Statement, /, **parameters: Any) -> Rows:
        """Rows of the first part; sees what is committed. Refuses a statement that writes."""

    @abstractmethod
    def write(self, work: Callable[[Run], T]) -> T:
        """One transaction: committed when `work` returns, rolled back when it raises.

        `work` may be run again after a transient failure, so it must have no effect but through `run`. It must not
        call this engine itself (a transaction inside a transaction means something else on every engine).
        """

    @abstractmethod
    def scratch(self, work: Callable[[Run], T]) -> T:
        """One transaction that is always rolled back; `work` sees what it wrote itself."""

    @abstractmethod
    def load(self, nodes: Iterable[NodeRow], edges: Iterable[EdgeRow]) -> None:
        """Many nodes and edges, fast; nodes must be new. What a killed load left is removed at the next start."""

    @abstractmethod
    def close(self) -> None:
        """Give up files and connections; a second call does nothing."""

    def __enter__(self) -> GraphEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def nested() -> ProvgraphError:
    """The error of using an engine inside its own transaction."""
    return ProvgraphError("Inside a transaction only its `run` may be used, not the engine.", code="nested_transaction")


def statement_failed(statement: Statement, reason: object, *, already_there: bool = False) -> ProvgraphError:
    """The error of a statement an engine refuses: ours, since users do not write Cypher.

    already_there : a unique key exists, ``key_taken``; what wrote it first may be just what the caller meant to write.
    """
    return ProvgraphError(
        f"The graph engine refused the statement {statement.name!r}: {reason}",
        code="key_taken" if already_there else "statement_failed",
        statement=statement.name,
    )


def run_parts(statement: Statement, run_text: RunText, parameters: dict[str, Any]) -> Rows:
    """All parts in order with the same parameters; every result is consumed, the first is returned."""
    absent = _needed(statement.parts) - parameters.keys()
    if absent:  # the embedded engine would read them as null
        raise statement_failed(statement, f"no value for the parameters {', '.join(sorted(absent))}")
    first = run_text(statement.parts[0], parameters)
    for text in statement.parts[1:]:
        run_text(text, parameters)
    return first


@lru_cache(maxsize=4096)
def _needed(parts: tuple[str, ...]) -> frozenset[str]:
    """Names of the parameters in the texts; quoted text is no place for a dollar sign followed by a name."""
    return frozenset(name for part in parts for name in _PARAMETER.findall(part))


_PARAMETER = re.compile(r"\$([A-Za-z_]\w*)")
