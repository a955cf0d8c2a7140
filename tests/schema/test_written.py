"""Conditions as text: what they mean is what the same means in Python, and nothing else can be said."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from provgraph.errors import InvalidInput, LanguageError, ProvgraphError
from provgraph.schema.conditions import Condition
from provgraph.schema.objects import DBObject
from provgraph.schema.properties import link, persistent
from provgraph.schema.written import condition, terms


class WrittenRaw(DBObject):
    filter = persistent(str)
    exposure = persistent(float, unit="s")
    taken = persistent(datetime, default=None)
    good = persistent(bool, default=None)
    words = persistent(list[str], default=())
    count = persistent(int, default=None)


class WrittenWide(WrittenRaw):
    chip = persistent(int)


class WrittenReduced(DBObject):
    raw = link(WrittenRaw)
    zeropoint = persistent(float, default=None)


class WrittenCoadd(DBObject):
    frames = link(list[WrittenReduced])


R, W, C = WrittenReduced, WrittenRaw, WrittenCoadd


@pytest.mark.parametrize(("cls", "text", "wanted"), [
    (R, "raw.filter == 'g'", lambda: R.raw.filter == "g"),
    (R, "raw.filter = 'g' and zeropoint > 24.5", lambda: (R.raw.filter == "g") & (R.zeropoint > 24.5)),
    (R, "(WrittenReduced.raw.filter == 'g') & (zeropoint > 24.5)", lambda: (R.raw.filter == "g") & (R.zeropoint > 24.5)),
    (R, "not raw.good or ~(zeropoint < -1)", lambda: ~R.raw.good | ~(R.zeropoint < -1)),
    (R, "24 < zeropoint <= 25", lambda: (R.zeropoint > 24) & (R.zeropoint <= 25)),
    (R, "zeropoint is None or raw.filter is not null", lambda: (R.zeropoint == None) | (R.raw.filter != None)),  # noqa: E711
    (R, "raw.filter in ('g', 'r')", lambda: R.raw.filter.isin(["g", "r"])),
    (R, "raw.filter not in ['g']", lambda: ~R.raw.filter.isin(["g"])),
    (W, "'flat' in words", lambda: W.words.contains("flat")),
    (W, "words[-1] = 'a=b'", lambda: W.words[-1] == "a=b"),
    (W, "filter.like('NGC*') and filter.matches(r'\\w+ \\d')", lambda: W.filter.like("NGC*") & W.filter.matches(r"\w+ \d")),
    (W, "exposure.between(1, 2)", lambda: W.exposure.between(1, 2)),
    (W, "isnull(exposure)", W.exposure.isnull),
    (W, "taken >= '2026-11'", lambda: W.taken >= "2026-11"),
    (W, "good", lambda: W.good == True),  # noqa: E712
    (W, "count > 3 and words.count() > 3", lambda: (W["count"] > 3) & (W.words.count() > 3)),
    (W, "inverse(WrittenReduced.raw).zeropoint > 24", lambda: W.inverse(R.raw).zeropoint > 24),
    (W, "WrittenRaw.inverse(WrittenReduced.raw).count() == 0", lambda: W.inverse(R.raw).count() == 0),
    (W, "name == 'x' and tag == 'y'", lambda: (W.name == "x") & (W.tag == "y")),
    (C, "frames[0].raw.chip == 3", lambda: C.frames[0].raw.chip == 3),
    (C, "frames.raw.of(WrittenWide).chip == 3", lambda: C.frames.raw.of(WrittenWide).chip == 3),
    (C, "frames.any(zeropoint > 24 and raw.filter == 'g')",
     lambda: C.frames.any((R.zeropoint > 24) & (R.raw.filter == "g"))),
    (C, "frames.count() >= 3 and created > frames[0].created", lambda: (C.frames.count() >= 3) & (C.created > C.frames[0].created)),
])  # fmt: skip
def test_a_text_says_what_python_says(cls: Any, text: str, wanted: Any) -> None:
    found = condition(cls, text)
    assert isinstance(found, Condition)
    assert _bare(found) == _bare(wanted())


def _bare(found: Any) -> Any:
    """A condition as data: its objects are not compared, they make conditions."""
    if isinstance(found, Condition):
        return type(found), {k: _bare(v) for k, v in vars(found).items() if k not in ("shown",)}
    if isinstance(found, tuple):
        return tuple(map(_bare, found))
    return repr(found)


@pytest.mark.parametrize(("text", "code", "says"), [
    ("raw.fliter == 'g'", "unknown_property", "did you mean 'filter'"),
    ("zeropiont > 3", "unknown_property", "did you mean 'zeropoint'"),
    ("WrittenRedused.raw.filter == 'g'", "condition_refused", "did you mean 'WrittenReduced'"),
    ("WrittenCoadd.frames.count() > 1", "", ""),
    ("zeropoint >", "condition_syntax", "invalid syntax"),
    ("zeropoint > (1", "condition_syntax", "no condition"),
    ("", "condition_syntax", "no condition"),
    ("(" * 500 + "zeropoint" + ")" * 500 + " > 1", "condition_syntax", "no condition"),
    ("zeropoint > 1; x", "condition_syntax", "invalid syntax"),
    ("x := 3", "condition_syntax", "invalid syntax"),
    ("zeropoint > 1 and " * 200 + "zeropoint > 1", "condition_syntax", "2000"),
    ("zeropoint", "not_a_condition", "no condition"),
    ("zeropoint > 'deep'", "wrong_type", "a number"),
    ("3", "not_a_condition", "conditions"),
    ("zeropoint + 1 > 2", "condition_refused", "cannot be asked"),
    ("zeropoint ** 99999999 > 2", "condition_refused", "cannot be asked"),
    ("zeropoint is 3", "condition_refused", "only None"),
    ("__import__('os').system('true')", "condition_refused", "cannot be called"),
    ("raw.__class__ == 'x'", "unknown_property", "__class__"),
    ("raw._to('filter') == 'g'", "condition_refused", "cannot be called"),
    ("raw.filter.isin(['g'], 3)", "condition_refused", "not how this method is called"),
    ("raw.filter.like(**{'pattern': 'g'})", "condition_refused", "arguments"),
    ("raw.filter.isin(*['g'])", "condition_refused", "arguments"),
    ("[x for x in raw]", "condition_refused", "cannot be asked"),
    ("lambda: 3", "condition_refused", "cannot be asked"),
    ("'a'.upper() == 'A'", "condition_refused", "cannot be called"),
    ("'a'.like('b')", "condition_refused", "no path"),
    ("f'{zeropoint}' == 'A'", "condition_refused", "cannot be asked"),
])  # fmt: skip
def test_nothing_else_can_be_said(text: str, code: str, says: str) -> None:
    if not code:  # of another class: the survey refuses that
        assert condition(R, text).root is C
        return
    with pytest.raises(ProvgraphError) as caught:
        condition(R, text)
    assert caught.value.code == code, str(caught.value)
    assert says in str(caught.value)
    assert isinstance(caught.value, LanguageError | InvalidInput)


def test_paths_are_separated_by_commas() -> None:
    found = terms(R, "zeropoint, raw.filter, raw.words.count(), inverse(WrittenCoadd.frames).count()")
    assert [repr(t) for t in found] == [
        "WrittenReduced.zeropoint", "WrittenReduced.raw.filter", "WrittenReduced.raw.words.count()",
        "WrittenReduced.inverse(WrittenCoadd.frames).count()",
    ]  # fmt: skip
    assert [repr(t) for t in terms(R, "zeropoint")] == ["WrittenReduced.zeropoint"]
    for wrong in ("zeropoint > 3", "zeropoint, 3", "WrittenRaw"):
        with pytest.raises(LanguageError, match="no path"):
            terms(R, wrong)
