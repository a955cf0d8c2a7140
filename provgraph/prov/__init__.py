"""PROV documents, usable without a survey: read, write, validate, compare, and what a format cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from provgraph.prov.constraints import Finding as Finding
    from provgraph.prov.constraints import Validator as Validator
    from provgraph.prov.constraints import Verdict as Verdict
    from provgraph.prov.constraints import validate as validate
    from provgraph.prov.convert import from_prov as from_prov
    from provgraph.prov.convert import to_prov as to_prov
    from provgraph.prov.difference import Change as Change
    from provgraph.prov.difference import Difference as Difference
    from provgraph.prov.difference import diff as diff
    from provgraph.prov.formats import FORMATS as FORMATS
    from provgraph.prov.formats import dumps as dumps
    from provgraph.prov.formats import loss as loss
    from provgraph.prov.formats import read as read
    from provgraph.prov.formats import statements as statements
    from provgraph.prov.formats import write as write
    from provgraph.prov.losses import Loss as Loss
    from provgraph.prov.model import Bundle as Bundle
    from provgraph.prov.model import Document as Document
    from provgraph.prov.model import Literal as Literal
    from provgraph.prov.model import Name as Name
    from provgraph.prov.model import Reference as Reference
    from provgraph.prov.model import Statement as Statement
    from provgraph.prov.normal import equivalent as equivalent
    from provgraph.prov.normal import normal_form as normal_form

# Names are looked up when they are used: who writes one format need not load the others. A module must not have the name of a
# function here, or importing it would hide the function.
_HOMES = {
    "FORMATS": "formats", "dumps": "formats", "loss": "formats", "read": "formats", "statements": "formats", "write": "formats",
    "from_prov": "convert", "to_prov": "convert",
    "Loss": "losses",
    "Bundle": "model", "Document": "model", "Literal": "model", "Name": "model", "Reference": "model", "Statement": "model",
    "Finding": "constraints", "Validator": "constraints", "Verdict": "constraints", "validate": "constraints",
    "equivalent": "normal", "normal_form": "normal",
    "Change": "difference", "Difference": "difference", "diff": "difference",
}  # fmt: skip

__all__ = [
    "FORMATS", "Bundle", "Change", "Difference", "Document", "Finding", "Literal", "Loss", "Name", "Reference", "Statement",
    "Validator", "Verdict", "diff", "dumps", "equivalent", "from_prov", "loss", "normal_form", "read", "statements", "to_prov",
    "validate", "write",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"provgraph.prov.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'provgraph.prov' has no attribute {name!r}")
