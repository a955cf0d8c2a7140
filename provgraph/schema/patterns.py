"""Patterns of text: shell wildcards and Python's regular expressions, as the graph engines (which are Java) understand them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Final, NoReturn

from provgraph.errors import InvalidInput

# As in Python: only \n ends a line, and \w, \d and case are those of all scripts.
_AS_PYTHON: Final = "(?dU)"
_NAMED = re.compile(r"\(\?P<([^>]+)>")
_REPEATED = re.compile(r"\{(\d*)(?:(,)(\d*))?\}")
_FLAGS = re.compile(r"\(\?([aiLmsux]*)(?:-([imsx]+))?([:)])")
_ESCAPES: Final = {"Z": r"\z", "v": r"\x0B"}


def from_shell(pattern: str) -> tuple[str, str, bool]:
    """A pattern with wildcards as a regular expression of the engines; how text that fits begins; whether it has no wildcard."""
    found, beginning, plain, at = "", "", True, 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character in "*?":
            plain = False
            found += ".*" if character == "*" else "."
        elif character == "[" and (end := pattern.find("]", at + 1 + (pattern[at : at + 1] == "!"))) > 0:
            plain = False
            found += _class(pattern[at:end])
            at = end + 1
        else:
            found += re.escape(character)
            if plain:
                beginning += character
    return f"(?s){found}", beginning, plain


def _class(inside: str) -> str:
    """What stands in the brackets of a shell pattern; a range whose ends are swapped has nothing in it, as with fnmatch."""
    unlike, inside = inside[:1] == "!", inside.removeprefix("!")
    parts = []
    while inside:
        if len(inside) > 2 and inside[1] == "-":
            if inside[0] <= inside[2]:
                parts.append(f"{re.escape(inside[0])}-{re.escape(inside[2])}")
            inside = inside[3:]
        else:
            parts.append(re.escape(inside[0]))
            inside = inside[1:]
    if not parts:
        return "." if unlike else "(?!)"
    return f"[{'^' * unlike}{''.join(parts)}]"


def java_regex(pattern: str) -> str:
    """A regular expression of Python as one of Java.

    Raises InvalidInput ``pattern_invalid`` where Python refuses it, or Java has nothing like it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of what Python will once read otherwise
            re.compile(pattern)
    except re.error as error:
        raise InvalidInput(f"{pattern!r} is no regular expression: {error}.", code="pattern_invalid") from None
    names = {name: f"g{i}" for i, name in enumerate(_NAMED.findall(pattern))}
    return _AS_PYTHON + "".join(_translated(pattern, names))


def _translated(pattern: str, names: dict[str, str]) -> Iterator[str]:
    at = 0
    while at < len(pattern):
        rest = pattern[at:]
        if rest[0] == "\\":
            text, length = _escaped(rest, in_class=False)
        elif rest[0] == "[":
            text, length = _brackets(rest)
        elif named := _NAMED.match(rest):
            text, length = f"(?<{names[named[1]]}>", named.end()
        elif rest.startswith("(?P="):
            end = rest.index(")")
            text, length = rf"\k<{names[rest[4:end]]}>", end + 1
        elif rest.startswith("(?#"):
            text, length = "", rest.index(")") + 1
        elif rest.startswith("(?("):
            _refuse(pattern, "a group that depends on another one, (?(...)...)")
        elif flags := _FLAGS.match(rest):
            if set(flags[1]) & set("aLx"):
                _refuse(pattern, f"the flags of {flags[0]}")
            text, length = flags[0].replace("u", ""), flags.end()
            text = "" if text == "(?)" else text
        elif rest[0] == "{":
            repeated = _REPEATED.match(rest)
            if repeated is None or not (repeated[1] or repeated[2]):
                text, length = r"\{", 1  # only a character, to Python
            else:
                text, length = f"{{{repeated[1] or '0'}{repeated[2] or ''}{repeated[3] or ''}}}", repeated.end()
        else:
            text, length = rest[0], 1
        yield text
        at += length


def _brackets(rest: str) -> tuple[str, int]:
    """A set of characters; ``[`` and ``&&`` inside are nothing special in Python."""
    at = 2 if rest.startswith("[^") else 1
    found = rest[:at]
    first = True
    while first or rest[at] != "]":
        first = False
        if rest[at] == "\\":
            text, length = _escaped(rest[at:], in_class=True)
        else:
            text, length = (f"\\{rest[at]}" if rest[at] in "[]&" else rest[at]), 1
        found += text
        at += length
    return f"{found}]", at + 1


def _escaped(rest: str, *, in_class: bool) -> tuple[str, int]:
    kind = rest[1]
    if in_class and kind == "b":
        return r"\x08", 2
    if kind == "U":
        return rf"\x{{{rest[2:10]}}}", 10
    if kind == "0":  # octal
        digits = re.match(r"[0-7]{1,3}", rest[1:])
        assert digits is not None
        return rf"\x{int(digits[0], 8) & 0xFF:02X}", 1 + digits.end()
    if octal := re.match(r"[0-3][0-7]{2}", rest[1:]):
        return rf"\x{int(octal[0], 8):02X}", 4
    return _ESCAPES.get(kind, rest[:2]), 2


def _refuse(pattern: str, what: str) -> NoReturn:
    raise InvalidInput(f"{pattern!r} has {what}, which graph engines do not know.", code="pattern_invalid")
