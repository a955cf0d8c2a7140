"""Loads `cypher/`: headers, parts, and the slots for what Cypher takes no parameter for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path

from provgraph import names
from provgraph.errors import ProvgraphError

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
_SLOT = re.compile(r"\{\{([a-z_]+)\}\}")
_HEADER = re.compile(r"// ?([a-z]+): *(.*)")
_LARGEST_NUMBER = 1_000_000  # path bounds and the like; nothing that is a value

_declared: set[str] = {*names.RELATIONS, names.PARENT, names.SOURCES, names.EXCEPT}


@dataclass(frozen=True)
class Statement:
    """Cypher of one file: `parts` run in order in one transaction, `header` is the contract in its first lines."""

    name: str
    parts: tuple[str, ...]
    header: Mapping[str, str] = field(default_factory=dict, hash=False, compare=False)

    @property
    def text(self) -> str:
        """All parts, as they are run."""
        return ";\n".join(self.parts)

    @property
    def columns(self) -> tuple[str, ...]:
        """Of a statement with many rows, what they have, where its header says so: a server answers with all of them in one row."""
        return tuple(self.header.get("columns", "").replace(",", " ").split())


def declare(*identifiers: str) -> None:
    """Allow labels, edge types and property keys as slot values; schema classes and `names` declare theirs."""
    for identifier in identifiers:
        if not _IDENTIFIER.fullmatch(identifier):
            raise ProvgraphError(f"{identifier!r} cannot be a name in the graph.", code="statement_slot")
    _declared.update(identifiers)


def load(name: str, **slots: str | int) -> Statement:
    """The statement in `cypher/<name>.cypher`, its ``{{slots}}`` filled.

    A slot takes a declared identifier (`declare`), several joined by ``|`` or ``:``, or a small non-negative integer;
    values go by ``$parameters``. The same call gives the same object, so engines see constant texts.

    Raises
    ------
    ProvgraphError : ``statement_unknown``, ``statement_header`` or ``statement_slot``.
    """
    for slot, value in slots.items():
        _check(name, slot, value)
    return _filled(name, tuple(sorted(slots.items())))


def all_statements() -> list[str]:
    """Every name that `load` knows, sorted."""
    root = folder()
    return sorted(p.relative_to(root).with_suffix("").as_posix() for p in root.rglob("*.cypher"))


@cache
def folder() -> Path:
    """Where the statements are: inside the installed package, or at the root of a checkout."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "cypher"
    return inside if inside.is_dir() else package.parent / "cypher"


def parse(name: str, text: str) -> Statement:
    """Header, comments and parts of a statement's text; slots stay open."""
    header, body = _split_header(text)
    if header.get("name") != name.rpartition("/")[2]:
        raise ProvgraphError(
            f"The statement {name!r} must begin with '// name: {name.rpartition('/')[2]}'.", code="statement_header"
        )
    parts = tuple(_split_parts(body))
    if not parts:
        raise ProvgraphError(f"The statement {name!r} is empty.", code="statement_header")
    return Statement(name, parts, header)


def _check(name: str, slot: str, value: str | int) -> None:
    if type(value) is int and 0 <= value <= _LARGEST_NUMBER:
        return
    if isinstance(value, str) and value and all(part in _declared for part in re.split("[|:]", value)):
        return
    raise ProvgraphError(
        f"The slot {slot!r} of the statement {name!r} takes declared names and small integers, not {value!r}.",
        code="statement_slot",
    )


@cache
def _template(name: str) -> Statement:
    path = folder() / f"{name}.cypher"
    if not re.fullmatch(r"[a-z0-9_]+(/[a-z0-9_]+)*", name) or not path.is_file():
        raise ProvgraphError(f"There is no statement {name!r}.", code="statement_unknown")
    return parse(name, path.read_text(encoding="utf-8"))


@lru_cache(maxsize=4096)
def _filled(name: str, slots: tuple[tuple[str, str | int], ...]) -> Statement:
    template = _template(name)
    wanted = {slot for part in template.parts for slot in _SLOT.findall(part)}
    given = dict(slots)
    if wanted != given.keys():
        raise ProvgraphError(
            f"The statement {name!r} has the slots {sorted(wanted)}, given were {sorted(given)}.", code="statement_slot"
        )
    if not given:
        return template
    parts = tuple(_SLOT.sub(lambda m: str(given[m[1]]), part) for part in template.parts)
    return Statement(name, parts, template.header)


def _split_header(text: str) -> tuple[dict[str, str], str]:
    """The leading comment lines as key and value, a line without a key continuing the one before; and the rest."""
    header: dict[str, str] = {}
    key = ""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if not line.startswith("//"):
            return header, "\n".join(lines[number:])
        match = _HEADER.fullmatch(line)
        if match:
            key = match[1]
            if key in header:
                raise ProvgraphError(f"A statement's header says {key!r} twice.", code="statement_header")
            header[key] = match[2].strip()
        elif key:
            header[key] = f"{header[key]} {line.removeprefix('//').strip()}".strip()
    return header, ""


_TOKEN = re.compile(
    r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`[^`]*`|//[^\n]*|/\*.*?\*/|;|[^'"`;/]+|/""",
    re.DOTALL,
)


def _split_parts(body: str) -> list[str]:
    """The parts between semicolons outside quotes; comments are left out."""
    parts = [""]
    for token in _TOKEN.findall(body):
        if token == ";":
            parts.append("")
        elif not token.startswith(("//", "/*")):
            parts[-1] += token
    stripped = ("\n".join(line.rstrip() for line in part.splitlines() if line.strip()).strip() for part in parts)
    return [part for part in stripped if part]
