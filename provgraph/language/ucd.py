"""UCDs that somebody declares: whether they are words of the IVOA's UCD1+. What files state is kept as it is."""

from __future__ import annotations

from functools import cache
from typing import Any

from provgraph.errors import InvalidInput, nearest


def checked_ucd(name: str, ucd: Any) -> str:
    """A declared UCD that says something, or '' for none; `name` is what it is declared for.

    Raises
    ------
    InvalidInput : ``ucd_invalid`` with the word that is wrong, and the nearest ones.
    """
    if ucd == "":
        return ""
    if not isinstance(ucd, str):
        raise InvalidInput(f"The UCD declared for {name!r} is text, not {ucd!r}.", code="ucd_invalid", name=name)
    from astropy.io.votable.ucd import parse_ucd

    done: list[str] = []
    for word in ucd.split(";"):
        try:
            parse_ucd(";".join([*done, word]), check_controlled_vocabulary=True, has_colon=True)
        except ValueError:
            said = f"{ucd!r}, declared for {name!r}, is not a UCD: "
            raise InvalidInput(said + _why(word), code="ucd_invalid", name=name, word=word) from None
        done.append(word)
    return ucd


def _why(word: str) -> str:
    if not word:
        return "there is a ';' without a word beside it; write words as in 'phot.mag;em.opt.V'."
    if word.casefold() not in _words():
        return f"UCD1+ has no word {word!r}; {nearest(word, _words().values())}"
    if _words(first=True).get(word.casefold()):
        return f"{word!r} can only stand first."
    return f"{word!r} cannot stand first; it qualifies another word, as in 'phot.mag;em.opt.V'."


@cache
def _words(*, first: bool = False) -> dict[str, str]:
    """The words of UCD1+, as they are written, by lower case; first : those that have to stand first."""
    from astropy.utils.data import get_pkg_data_contents

    text = get_pkg_data_contents("data/ucd1p-words.txt", package="astropy.io.votable", encoding="ascii")
    lines = [line.split("|") for line in text.splitlines() if "|" in line]
    return {w.strip().casefold(): w.strip() for kind, w, _ in lines if not first or kind.strip() == "P"}
