"""From text to tokens with positions: the only place that reads characters."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from provgraph.errors import LanguageError

KEYWORDS: Final = frozenset({"and", "or", "not", "in", "is", "between", "null", "nan", "inf", "true", "false"})

# One left-to-right scan; no alternative can backtrack over another's text. Digits are ASCII only: \d would take any script's.
_TOKEN = re.compile(
    r"""
      (?P<space>[\ \t\r\n]+)
    | (?P<hex>0[xX][0-9a-fA-F]*(?:\.[0-9a-fA-F]*)?(?:[pP][+-]?[0-9]+)?)
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    | (?P<name>[^\W\d]\w*)
    | (?P<quoted>`(?:[^`]|``)*`)
    | (?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<unit>\[[A-Za-z0-9*/.+\-()%µ ]*\])
    | (?P<op>\*\*|==|!=|<>|<=|>=|&&|\|\||[-+*/%<>=(),&|~!])
    """,
    re.VERBOSE,
)

_PLAIN_NAME = re.compile(r"[^\W\d]\w*")
_SAME_OPERATOR: Final = {"==": "=", "<>": "!=", "&": "and", "&&": "and", "|": "or", "||": "or", "~": "not", "!": "not"}


class Token(NamedTuple):
    """kind : ``name number text unit op word end``; value : what it stands for; position : index of its first character."""

    kind: str
    value: str | int | float
    position: int
    end: int


@dataclass(frozen=True, slots=True)
class Written:
    """A text that a user wrote, so that every error can say where in it."""

    text: str
    family: str  # 'criterion' or 'expression'

    def fault(self, message: str, position: int, kind: str = "syntax", *, error: type[LanguageError] = LanguageError,
              code: str | None = None, **details: object) -> LanguageError:  # fmt: skip
        """The error `message` at `position`; `kind` completes the code (``criterion_syntax``)."""
        where = self.text[position : position + 24]
        message = message if len(message) <= 400 else message[:400] + "…"
        here = f"at position {position}, {where!r}" if where else "at the end"
        return error(f"{message} ({here}).", position=position, text=self.text[:2000],
                     code=code or f"{self.family}_{kind}", **details)  # fmt: skip


def is_plain(name: str) -> bool:
    """Whether `name` can stand without backquotes."""
    return bool(_PLAIN_NAME.fullmatch(name)) and name.lower() not in KEYWORDS and not name.startswith("__")


def quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def tokens(written: Written) -> list[Token]:
    """All tokens of a text, the last of kind ``end``. Raises LanguageError where a character means nothing."""
    text = written.text
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise written.fault(_unexpected(text[at]), at)
        kind, said = str(match.lastgroup), match.group()
        if kind != "space":
            found.append(_token(written, kind, said, at, match.end()))
        at = match.end()
    found.append(Token("end", "", len(text), len(text)))
    return found


def _token(written: Written, kind: str, said: str, at: int, end: int) -> Token:
    if kind in ("number", "hex"):
        return Token("number", _number(written, kind, said, at), at, end)
    if kind == "name":
        if said.lower() in KEYWORDS:
            return Token("word", said.lower(), at, end)
        if said.startswith("__"):
            raise written.fault(
                f"The name {said!r} begins with two underscores; put it in backquotes if it is an attribute", at
            )
        return Token("name", said, at, end)
    if kind == "op":
        same = _SAME_OPERATOR.get(said, said)
        return Token("word" if same.isalpha() else "op", same, at, end)
    if kind == "unit":
        return Token("unit", said[1:-1].strip(), at, end)
    quote = said[0]
    inner = said[1:-1].replace(quote * 2, quote)
    if not inner.isprintable():
        raise written.fault("Control characters cannot be part of a name or a text", at)
    if kind == "quoted" and not inner.strip():
        raise written.fault("A name in backquotes is empty", at)
    return Token("text" if kind == "text" else "name", inner, at, end)


def _number(written: Written, kind: str, said: str, at: int) -> int | float:
    try:
        value = float.fromhex(said) if kind == "hex" else int(said) if said.isdecimal() else float(said)
        if math.isfinite(float(value)):
            return value
    except OverflowError:
        pass
    except ValueError:
        raise written.fault(f"{said[:40]!r} is not a number", at) from None
    raise written.fault(f"The number {said[:40]} is too large", at)


def _unexpected(character: str) -> str:
    if character in "'\"`":
        return f"The quote {character} is never closed"
    if character in "[]":
        return "There are no subscripts here; brackets hold a unit behind a number, as in 70 [km/s]"
    if character == ".":
        return "There is no access to parts of a name with a dot; a name with a dot in it goes in backquotes"
    if not character.isprintable():
        return f"The character U+{ord(character):04X} cannot be used"
    return f"The character {character!r} means nothing here"
