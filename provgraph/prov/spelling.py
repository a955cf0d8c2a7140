"""How names are spelled in a format: with the prefixes of their scope, and with new ones where none fits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from provgraph.prov.model import WELL_KNOWN, Document, Name, Scope

#: Blank identifiers in formats that have none: names in this namespace, which read back as blank ones.
BLANKS: Final = "tag:provgraph,2026:blank:"
# The characters of names in Turtle, SPARQL and PROV-N (PN_CHARS_BASE).
BASE: Final = (
    "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef"
    "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
LETTERS: Final = f"_{BASE}"
CHARS: Final = f"\\-{LETTERS}0-9\u00b7\u0300-\u036f\u203f-\u2040"
PREFIX: Final = re.compile(f"[{BASE}](?:[{CHARS}.]*[{CHARS}])?")
#: What stands between < and > without escapes.
IRI: Final = re.compile(r"[^\x00-\x20<>\"{}|^`\\\ud800-\udfff]*")
_BREAKS: Final = re.compile(r"[/#:?]")


class Speller:
    """Spells the names of one scope.

    escape : how a local name is written, None where it cannot be. reserved : prefixes that mean the same everywhere.
    prefix_ok : what a prefix may look like. namespace_ok : what a namespace may look like. default : whether names without a
    prefix exist. colons : whether they may hold a colon, as where it is escaped.
    """

    def __init__(self, scope: Scope, escape: Callable[[str], str | None], *, outer: Speller | None = None,
                 reserved: Mapping[str, str] = WELL_KNOWN, prefix_ok: re.Pattern[str] = PREFIX,
                 namespace_ok: re.Pattern[str] = IRI, default: bool = True, colons: bool = False) -> None:  # fmt: skip
        self.outer = outer
        self.escape = escape
        self.namespace_ok = namespace_ok
        self.reserved = reserved
        self.colons = colons
        self.taken: set[str] = outer.taken if outer is not None else set(reserved)
        if isinstance(scope, Document):  # what is added must not be redefined in a bundle
            self.taken |= {p for s in scope.scopes() for p in s.prefixes}
        self.prefixes: dict[str, str] = {}
        renamed: list[tuple[str, str]] = []
        for prefix in scope.prefixes:
            namespace = scope.namespace(prefix) or ""
            if not namespace_ok.fullmatch(namespace) or (prefix == "default" and not default):
                continue
            if prefix != "default" and (
                not prefix_ok.fullmatch(prefix) or reserved.get(prefix, namespace) != namespace
            ):
                renamed.append((prefix, namespace))
                continue
            self.prefixes[prefix] = namespace
        self.taken |= set(self.prefixes)
        for prefix, namespace in renamed:
            spare = prefix if prefix_ok.fullmatch(prefix) else "ns"
            while spare in self.taken:
                spare += "_"
            self.taken.add(spare)
            self.prefixes[spare] = namespace
        self._visible: list[tuple[str, str]] = sorted(self._all().items(), key=lambda p: -len(p[1]))
        self._known: dict[str, str | None] = {}

    def _all(self) -> dict[str, str]:
        outer = self.outer._all() if self.outer is not None else dict(self.reserved)
        return outer | self.prefixes

    def declared(self) -> Iterator[tuple[str, str]]:
        """The prefixes to declare in this scope, ``'default'`` among them, without the reserved ones."""
        return ((p, ns) for p, ns in self.prefixes.items() if p not in self.reserved)

    def spell(self, name: Name) -> str | None:
        """A name as prefix and local name, None where the format cannot say it; a prefix is added where it needs one."""
        iri = name.iri
        if iri not in self._known:
            self._known[iri] = self._spell(name)
        return self._known[iri]

    def _spell(self, name: Name) -> str | None:
        iri = BLANKS + name.iri[2:] if name.blank else name.iri
        if name.qname and not name.blank:
            prefix, colon, _ = name.qname.partition(":")
            namespace = self._all().get(prefix if colon else "default")
            if namespace is not None and iri.startswith(namespace):
                local = self.escape(iri[len(namespace) :])
                if local is not None and (colon or self._bare(local)):
                    return f"{prefix}:{local}" if colon else local
        for prefix, namespace in self._visible:
            if iri.startswith(namespace):
                local = self.escape(iri[len(namespace) :])
                if local is not None and (prefix != "default" or self._bare(local)):
                    return local if prefix == "default" else f"{prefix}:{local}"
        return self._declare(iri)

    def _bare(self, local: str) -> bool:
        """Whether a local name can stand without a prefix."""
        return local not in {"", "-"} and not local.startswith(("//", "/*")) and (self.colons or ":" not in local)

    def _declare(self, iri: str) -> str | None:
        places = [m.end() for m in _BREAKS.finditer(iri)]
        for at in (*reversed(places), *range(len(iri), -1, -1)) if len(iri) < 10_000 else places:
            local = self.escape(iri[at:])
            if local is not None and self.namespace_ok.fullmatch(iri, 0, at) and (at or local):
                prefix = self.add(iri[:at], "blank" if iri[:at] == BLANKS else "ns")
                return f"{prefix}:{local}"
        return None

    def add(self, namespace: str, wish: str) -> str:
        """Declare a namespace in the outermost scope under a prefix that no scope uses."""
        chain = [self]
        while chain[-1].outer is not None:
            chain.append(chain[-1].outer)
        prefix, number = wish, 0
        while prefix in self.taken:
            number += 1
            prefix = f"{wish}{number}"
        self.taken.add(prefix)
        chain[-1].prefixes[prefix] = namespace
        for one in chain:
            one._visible = sorted((*one._visible, (prefix, namespace)), key=lambda p: -len(p[1]))
        return prefix


def unblank(name: Name) -> Name:
    """A name as it is meant: those of the namespace of blank identifiers are blank."""
    return Name("_:" + name.iri[len(BLANKS) :]) if name.iri.startswith(BLANKS) else name
