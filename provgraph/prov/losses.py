"""What a format cannot say: one entry for each thing that is lost, changed or left out."""

from __future__ import annotations

from dataclasses import dataclass, field

from provgraph.prov.model import Bundle, Scope, Statement
from provgraph.prov.source import printable


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that a format cannot say.

    where : the statement, such as ``'used ex:u1'``, the bundle or the document. reason : a sentence.
    statement : the statement it is about; None for a scope. minor : only another way to say the same is lost. whole : nothing of
    the statement is said.
    """

    where: str
    reason: str
    statement: Statement | None = field(default=None, repr=False)
    minor: bool = False
    whole: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


class Losses(list[Loss]):
    """What is lost while a document is written."""

    def add(self, scope: Scope, statement: Statement | None, reason: str, *, minor: bool = False,
            whole: bool = False) -> None:  # fmt: skip
        place = ""
        if isinstance(scope, Bundle):
            place = f"bundle {scope.id.qname or scope.id.iri}"
        if statement is not None:
            place = f"{called(statement)}{f' in {place}' if place else ''}"
        self.append(Loss(printable(place) or "the document", printable(reason), statement, minor, whole))


def called(statement: Statement) -> str:
    """How a report names a statement: its kind with its identifier, or with what it is about."""
    if statement.id is not None and not statement.id.blank:
        return f"{statement.kind} {statement.id.qname or statement.id.iri}"
    about = [getattr(a, "qname", "") or getattr(a, "iri", "") for _, a in statement.arguments[:2] if hasattr(a, "iri")]
    return f"{statement.kind} of {' and '.join(about)}" if about else statement.kind
