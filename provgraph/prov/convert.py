"""Documents of the ``prov`` package, both ways, so that code written for it keeps working (``provgraph[prov]``)."""

from __future__ import annotations

import io
import warnings
from typing import Any, Final

from provgraph.errors import InvalidInput, needs_extra
from provgraph.prov import json
from provgraph.prov.model import Document

_UNKNOWN_TO_PROV: Final = frozenset({"derivedByInsertionFrom", "derivedByRemovalFrom", "hadDictionaryMember"})


def to_prov(document: Document) -> Any:
    """A ``prov.model.ProvDocument`` that states the same.

    ``prov`` keeps values instead of texts (``1.10`` becomes ``1.1``), drops times it cannot parse and references to blank
    identifiers, and holds an attribute's values as a set.

    Raises
    ------
    MissingExtra : where ``prov`` is not installed.
    InvalidInput : ``prov_lossy`` for PROV-Dictionary, which ``prov`` does not have.
    """
    model = _model()
    if not isinstance(document, Document):
        raise InvalidInput(f"A Document is converted, not {type(document).__name__}.", code="prov_argument_invalid")
    kinds = sorted({s.kind for scope in document.scopes() for s in scope.statements} & _UNKNOWN_TO_PROV)
    if kinds:
        raise InvalidInput(
            f"The prov package has no PROV-Dictionary: {', '.join(kinds)}.", code="prov_lossy", format="prov"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return model.ProvDocument.deserialize(io.StringIO(json.dumps(document)), format="json")
        except Exception as error:  # it states no errors: what a value causes comes from wherever it is looked at first
            raise InvalidInput(
                f"The prov package does not take this document: {error}", code="prov_lossy", format="prov"
            ) from error


def from_prov(document: Any) -> Document:
    """What a ``prov.model.ProvDocument`` states.

    Raises
    ------
    MissingExtra : where ``prov`` is not installed.
    """
    model = _model()
    if not isinstance(document, model.ProvDocument):
        raise InvalidInput(f"from_prov takes a ProvDocument, not {type(document).__name__}.", code="invalid_input")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return json.read(document.serialize(format="json").encode("utf-8"))


def _model() -> Any:
    try:
        import prov.model
    except ImportError:
        raise needs_extra("prov", "A document of the prov package") from None
    return prov.model
