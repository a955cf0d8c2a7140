"""Paths and conditions: checked when they are written, without a graph."""

from __future__ import annotations

import enum
import fnmatch
import re
from datetime import date, datetime
from pathlib import Path as FilePath
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from astropy import units as u
from astropy.time import Time

from provgraph.errors import InvalidInput, UnitMismatch, UnknownProperty
from provgraph.graph.starts import starts
from provgraph.schema.conditions import All, AnyOf, Condition, Leaf, Range, narrowed
from provgraph.schema.objects import DBObject
from provgraph.schema.paths import Path
from provgraph.schema.patterns import from_shell, java_regex
from provgraph.schema.properties import Property, link, persistent
from provgraph.schema.steps import labels_of

NAN = float("nan")


class Colour(enum.Enum):
    GREEN = "g"
    RED = "r"


class PathPlate(DBObject):
    """A plate with a property of every kind."""

    band = persistent(str, doc="name of the filter", index=True)
    exposure = persistent(float, unit="s", default=None)
    order = persistent(int, default=None, index=True)
    number = persistent(int, default=None, unit="s")
    taken = persistent(datetime, default=None)
    colour = persistent(Colour, default=None)
    good = persistent(bool, default=None)
    words = persistent(list[str], default=())
    key = persistent(UUID, default=None)
    place = persistent(FilePath, default=None)
    length = persistent(u.Quantity, unit="m", default=None)
    count = persistent(int, default=None)


class PathWidePlate(PathPlate):
    chip = persistent(int)
    corner = persistent(float, default=None)


class PathSmallPlate(PathPlate):
    corner = persistent(int, default=None)


class PathReduced(DBObject):
    raw = link(PathPlate)
    before = link("self", optional=True)
    zeropoint = persistent(float, unit="mag", default=None, index=True, was="zp")


class PathCoadd(DBObject, was="PathStack"):
    parts = link(list[PathReduced])
    name = persistent(str, default="")


def bounds(condition: Any) -> Any:
    assert isinstance(condition, Range)
    return condition.bounds


def refused(write: Any, code: str, *says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        write()
    assert caught.value.code == code, str(caught.value)
    for text in says:
        assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_class_gives_paths_and_knows_its_descriptors() -> None:
    assert isinstance(PathPlate.band, Path)
    assert isinstance(PathPlate.persistents["band"], Property)
    assert PathPlate(band="g").band == "g"
    assert repr(PathReduced.raw.band == "g") == "PathReduced.raw.band == 'g'"
    assert repr(~(PathCoadd.parts[0].zeropoint > 1) | (PathCoadd.parts.count() > 2)) == (
        "(~(PathCoadd.parts[0].zeropoint > 1)) | (PathCoadd.parts.count() > 2)"
    )
    assert repr(PathWidePlate.band) == "PathWidePlate.band"
    assert {"band", "isnull", "exposure", "created"} <= set(dir(PathReduced.raw))
    assert len({PathPlate.band: 1, PathPlate.order: 2}) == 2


def test_unknown_names_raise_at_once_with_the_nearest() -> None:
    for write, says in (
        (lambda: PathPlate.bant, "PathPlate has no property 'bant'; did you mean 'band'?"),
        (lambda: PathReduced.raw.bant, "PathPlate has no property 'bant'; did you mean 'band'?"),
        (lambda: PathReduced.raw["bant"], "did you mean 'band'?"),
        (lambda: PathReduced.before.before.raw.exposur, "did you mean 'exposure'?"),
        (lambda: PathPlate.chip, "PathWidePlate has it, begin with that class"),
        (lambda: PathReduced.raw.band.more, "PathReduced.raw.band is text, it has no property 'more'"),
        (lambda: PathPlate["xyzzy"], "there are: band, exposure"),
    ):
        refused(write, "unknown_property", says)
        with pytest.raises(UnknownProperty):
            write()
    assert not hasattr(PathPlate, "bant")
    assert not hasattr(PathPlate, "_bant")
    with pytest.raises(AttributeError):
        PathReduced.raw._bant  # noqa: B018


def test_paths_go_on_to_what_subclasses_have() -> None:
    assert repr(PathReduced.raw.chip == 3) == "PathReduced.raw.chip == 3"
    assert repr(PathReduced.raw.of(PathWidePlate).corner > 1.5) == "PathReduced.raw.of(PathWidePlate).corner > 1.5"
    refused(lambda: PathReduced.raw.corner, "ambiguous_property", "PathWidePlate, PathSmallPlate", ".of(PathWidePlate)")
    refused(lambda: PathReduced.raw.of(PathCoadd), "unrelated_classes", "leads to PathPlate, never to PathCoadd")
    refused(lambda: PathReduced.raw.of(3), "unrelated_classes")
    refused(lambda: PathReduced.raw.band.of(PathPlate), "wrong_type")


def test_every_object_has_some_properties() -> None:
    for name in ("object_id", "identity", "version", "class_name", "class_version", "lineage_key", "created", "creator", "project",
                 "name", "tag", "description"):  # fmt: skip
        assert isinstance(PathReduced[name], Path)
        assert isinstance(getattr(PathReduced.raw, name), Path)
    assert bounds(PathReduced.created >= "2026-11") == ((">=", "2026-11-01T00:00:00.000000Z"),)
    assert bounds(PathReduced.created >= date(2026, 11, 2)) == ((">=", "2026-11-02T00:00:00.000000Z"),)
    assert bounds(PathReduced.created < datetime.fromisoformat("2026-11-21T08:41+01:00")) == (
        ("<", "2026-11-21T07:41:00.000000Z"),
    )
    assert PathCoadd.name._value.keys == ("name",)
    assert PathReduced["class_version"]._value.name == "class_version"
    refused(lambda: PathReduced.created > "yesterday", "wrong_type", "'2026-11-21'")
    refused(lambda: PathReduced.created > 2026, "wrong_type")


@pytest.mark.parametrize(("condition", "wanted"), [
    (lambda: PathPlate.band == np.str_("g"), (("=", "g"),)),
    (lambda: PathPlate.exposure > 2, ((">", 2.0),)),
    (lambda: PathPlate.exposure > 2 * u.min, ((">", 120.0),)),
    (lambda: 2 * u.min < PathPlate.exposure, ((">", 120.0),)),
    (lambda: np.float32(1.5) >= PathPlate.exposure, (("<=", 1.5),)),
    (lambda: PathPlate.order < 3.0, (("<", 3),)),
    (lambda: PathPlate.order < 2.5, (("<=", 2),)),
    (lambda: PathPlate.order >= 2.5, ((">=", 3),)),
    (lambda: PathPlate.order > 1e300, (("<", -(2**63)),)),
    (lambda: PathPlate.order < float("inf"), (("<=", 2**63 - 1),)),
    (lambda: PathPlate.order.between(0.5, 2.5), ((">=", 1), ("<=", 2))),
    (lambda: PathPlate.number > 1.5 * u.min, ((">", 90),)),
    (lambda: PathPlate.taken > datetime(2026, 1, 2), ((">", "2026-01-02T00:00:00"),)),
    (lambda: PathPlate.taken > "2026", ((">", "2026-01-01T00:00:00"),)),
    (lambda: PathPlate.taken > Time("2026-01-02T00:00:00"), ((">", "2026-01-02T00:00:00"),)),
    (lambda: PathPlate.colour == Colour.RED, (("=", "RED"),)),
    (lambda: PathPlate.colour == "RED", (("=", "RED"),)),
    (lambda: PathPlate.key == UUID(int=5), (("=", str(UUID(int=5))),)),
    (lambda: PathPlate.place == FilePath("a/b"), (("=", "a/b"),)),
    (lambda: PathPlate.length <= 3 * u.km, (("<=", 3000.0),)),
    (lambda: PathPlate.words[1] == "a", (("=", "a"),)),
    (lambda: PathPlate.good == True, (("=", True),)),  # noqa: E712
])  # fmt: skip
def test_values_are_taken_as_they_are_stored(condition: Any, wanted: Any) -> None:
    assert bounds(condition()) == wanted


@pytest.mark.parametrize(("write", "code", "says"), [
    (lambda: PathPlate.band == 3, "wrong_type", "PathPlate.band is compared with text, not with 3"),
    (lambda: PathPlate.exposure > "long", "wrong_type", "a number, not with 'long'"),
    (lambda: PathPlate.exposure > 3 * u.m, "wrong_type", "a quantity convertible to s"),
    (lambda: PathPlate.exposure == NAN, "wrong_type", "PathPlate.exposure.isnull()"),
    (lambda: PathPlate.exposure < None, "wrong_type", "None is no value"),
    (lambda: PathPlate.order == True, "wrong_type", "an integer"),  # noqa: E712
    (lambda: PathPlate.order > 2**70, "wrong_type", "64 bits"),
    (lambda: PathPlate.order > "2", "wrong_type", "an integer"),
    (lambda: PathPlate.length > 3, "wrong_type", "convertible to m"),
    (lambda: PathPlate.colour > Colour.RED, "wrong_type", "no order"),
    (lambda: PathPlate.colour == "BLUE", "wrong_type", "one of GREEN, RED"),
    (lambda: PathPlate.good > False, "wrong_type", "no order"),
    (lambda: PathPlate.key == "not a key", "wrong_type", "a UUID"),
    (lambda: PathPlate.words == "a", "wrong_type", ".contains(x)"),
    (lambda: PathPlate.words > ["a"], "wrong_type", "is a list"),
    (lambda: PathPlate.words == [3], "wrong_type", "text, not with 3"),
    (lambda: PathPlate.words.contains(3), "wrong_type", "text"),
    (lambda: PathPlate.words.like("a"), "wrong_type", "is a list"),
    (lambda: PathPlate.words.isin(["a"]), "wrong_type", "is a list"),
    (lambda: PathPlate.band.contains("a"), "wrong_type", ".like('*part*')"),
    (lambda: PathPlate.band[0], "wrong_type", "not a list"),
    (lambda: PathPlate.words[0][0], "wrong_type", "not a list"),
    (lambda: PathPlate.words[0:2], "usage", "one element"),
    (lambda: PathPlate.order.like("1*"), "wrong_type", "not text"),
    (lambda: PathPlate.band.like(3), "wrong_type", "takes text"),
    (lambda: PathPlate.band.matches("("), "pattern_invalid", "no regular expression"),
    (lambda: PathPlate.band.matches("(a)?(?(1)b|c)"), "pattern_invalid", "depends on another"),
    (lambda: PathPlate.band.matches("(?x) a"), "pattern_invalid", "flags"),
    (lambda: PathPlate.band.isin("abc"), "wrong_type", "takes a list"),
    (lambda: PathPlate.band.isin(["a", None]), "wrong_type", ".isnull()"),
    (lambda: PathPlate.band.isin(3), "wrong_type", "takes a list"),
    (lambda: PathPlate.band.count() > 1, "wrong_type", "nothing to count"),
    (lambda: PathPlate.band("g"), "usage", "not called"),
    (lambda: PathReduced.raw > 3, "wrong_type", "no order"),
    (lambda: PathReduced.raw == 3, "wrong_type", "an object, an id or None"),
    (lambda: PathReduced.raw == [], "wrong_type", ".isin([...])"),
    (lambda: PathReduced.raw == PathPlate(band="g"), "not_stored", "survey.store(it) first"),
    (lambda: PathReduced.raw == PathCoadd(parts=[]), "wrong_type", "never is a PathCoadd"),
    (lambda: PathReduced.raw.between(1, 2), "wrong_type", "not to a value"),
    (lambda: PathReduced.raw.contains("x"), "wrong_type", "not a list"),
    (lambda: PathReduced.raw[0], "wrong_type", "no list of links"),
    (lambda: PathCoadd.parts[-1], "usage", "from the front"),
    (lambda: PathCoadd.parts[0][0], "wrong_type", "no list of links"),
    (lambda: PathReduced.raw.any(PathPlate.order > 1), "wrong_type", "several objects"),
    (lambda: PathCoadd.parts.any(PathPlate.order > 1), "unrelated_classes", "about PathPlate"),
    (lambda: PathCoadd.parts.any("x"), "not_a_condition", "takes conditions"),
    (lambda: PathPlate.inverse(PathReduced.zeropoint), "wrong_type", "takes a link"),
    (lambda: PathPlate.inverse(PathCoadd.parts), "unrelated_classes", "leads to PathReduced"),
    (lambda: PathPlate.inverse("raw"), "wrong_type", "takes a link"),
    (lambda: PathPlate.band.inverse(PathReduced.raw), "wrong_type", "nothing links to"),
    (lambda: PathPlate.band & (PathPlate.order > 1), "not_a_condition", "is text"),
    (lambda: ~PathReduced.raw, "not_a_condition", "an object"),
    (lambda: PathPlate.band == "g" & PathPlate.order, "not_a_condition", "parentheses"),
    (lambda: (PathPlate.band == "g") & False, "not_a_condition", "path['count']"),
    (lambda: (PathPlate.band == "g") | 3, "not_a_condition", "parentheses"),
    (lambda: (PathPlate.band == "g") & (PathCoadd.parts.count() > 1), "unrelated_classes", "nothing is both"),
    (lambda: PathPlate.band == PathCoadd.name, "unrelated_classes", "nothing is both"),
    (lambda: PathPlate.band == PathPlate.order, "wrong_type", "compares text with an integer"),
    (lambda: PathPlate.words == PathPlate.band, "wrong_type", "compares lists"),
    (lambda: PathReduced.raw == PathReduced.before, "unrelated_classes", "never are the same object"),
    (lambda: PathReduced.raw == PathReduced.zeropoint, "wrong_type", "an object with a value"),
    (lambda: PathReduced.before < PathReduced.before.before, "wrong_type", "no order"),
    (lambda: PathPlate.good < PathPlate.good, "wrong_type", "no order"),
    (lambda: PathCoadd.parts.count() > "2", "wrong_type", "a number"),
    (lambda: PathCoadd.parts.count() > NAN, "wrong_type", "a number"),
    (lambda: list(PathPlate.words), "usage", "survey.select"),
    (lambda: "a" in PathPlate.words, "condition_truth", ".contains('a')"),
    (lambda: setattr(PathReduced.raw, "band", "g"), "usage", "nothing is set"),
    (lambda: PathPlate.band["x"], "unknown_property", "is text"),
])  # fmt: skip
def test_what_cannot_be_asked(write: Any, code: str, says: str) -> None:
    refused(write, code, says)


def test_units_of_two_properties_are_made_one() -> None:
    condition: Any = PathPlate.exposure > PathPlate.number
    assert condition.factor is None
    with pytest.raises(UnitMismatch):
        PathReduced.zeropoint > PathReduced.raw.exposure  # noqa: B015


def test_a_condition_is_not_true_or_false() -> None:
    for use in (
        lambda: bool(PathPlate.band == "g"),
        lambda: PathPlate.band == "g" and PathPlate.order > 1,
        lambda: PathPlate.band == "g" or PathPlate.order > 1,
        lambda: not PathPlate.good,
        lambda: 1 < PathPlate.order < 3,
        lambda: bool(PathPlate.good),
        lambda: bool(PathCoadd.parts.count()),
        lambda: 1 if (PathPlate.order > 1) & (PathPlate.order < 3) else 0,
    ):
        refused(use, "condition_truth", "& for and", "between(a, b)")


def test_not_goes_down_to_the_comparisons() -> None:
    one, other = PathPlate.order > 1, PathPlate.band == "g"
    found = ~(one & ~other)
    assert isinstance(found, AnyOf)
    assert [part.opposite for part in found.parts if isinstance(part, Leaf)] == [True, False]
    again = ~found
    assert isinstance(again, All)
    assert [part.opposite for part in again.parts if isinstance(part, Leaf)] == [False, True]
    assert isinstance(~PathPlate.good, Condition)
    assert (PathPlate.good | one).root is PathPlate


def test_related_classes_can_be_asked_together() -> None:
    both = (PathPlate.order > 1) & (PathWidePlate.chip == 3)
    assert both.root is PathWidePlate
    either = (PathPlate.order > 1) | (PathWidePlate.chip == 3)
    assert either.root is PathPlate
    assert ((PathSmallPlate.corner > 1) | (PathPlate.order > 1)).root is PathPlate
    assert narrowed(PathWidePlate, PathPlate.order > 1) is PathWidePlate
    refused(lambda: narrowed(PathCoadd, PathPlate.order > 1), "unrelated_classes")
    refused(lambda: narrowed(PathCoadd, PathPlate), "unrelated_classes")


def test_labels_are_those_of_earlier_names_too() -> None:
    assert labels_of(PathCoadd) == ("PathCoadd", "PathStack")
    assert labels_of(PathPlate) == ("PathPlate",)


@pytest.mark.parametrize(("condition", "wanted"), [
    (lambda: PathPlate.band == "g", "values PathPlate.band 0"),
    (lambda: PathPlate.order.between(1, 3), "range PathPlate.order 0"),
    (lambda: (PathPlate.order > 1) & (PathPlate.order < 3) & (PathPlate.exposure > 1), "range PathPlate.order 0"),
    (lambda: PathReduced.before.before.raw.band.isin(["a", "b"]), "values PathPlate.band 3"),
    (lambda: PathReduced.raw.band.like("NGC*"), "beginning PathPlate.band 1"),
    (lambda: PathReduced.raw == "abc", "values Entity.object_id 1"),
    (lambda: PathReduced.raw.name == "abc", "notes Note.value 1"),
    (lambda: PathReduced.raw.tag == "abc", "notes Note.value 1"),
    (lambda: PathCoadd.parts.any((PathReduced.raw.band == "g") & (PathReduced.before.isnull())), "values PathPlate.band 2"),
    (lambda: PathPlate.inverse(PathReduced.raw).zeropoint > 1, "range PathReduced.zeropoint PathReduced.zp 1"),
    (lambda: (PathPlate.object_id == "x") & (PathPlate.band == "g"), "values Entity.object_id 0"),
    (lambda: (PathPlate.identity == "x"), "values Entity.identity 0"),
    (lambda: ~(PathPlate.band == "g"), ""),
    (lambda: PathPlate.band != "g", ""),
    (lambda: (PathPlate.band == "g") | (PathPlate.order > 1), ""),
    (lambda: PathPlate.band.like("*g"), ""),
    (lambda: PathPlate.band.matches("g.*"), ""),
    (lambda: PathPlate.exposure > 1, ""),
    (lambda: PathReduced.raw != "abc", ""),
    (lambda: PathReduced.raw.isin([]), ""),
    (lambda: PathPlate.words.contains("a"), ""),
    (lambda: PathCoadd.name == "a", ""),
])  # fmt: skip
def test_where_a_search_starts(condition: Any, wanted: str) -> None:
    asked = condition()
    found = [
        f"{s.kind} {' '.join(f'{i[0]}.{i[1]}' for i in s.indexes)} {len(s.hops)}" for s in starts(asked, asked.root)
    ]
    assert found == ([wanted] if wanted else [])


# -- patterns --------------------------------------------------------------------------------------------------------------------

SHELL = [
    "NGC*", "?", "*", "[abc]", "[!abc]x", "a[b", "[]a]", "[!]a]", "[a-c]?", "[c-a]", "*.fits", "a.b", "", "x[*]y", "[\\]",
    "[a&&b]", "[[]",
]  # fmt: skip
TEXTS = [
    "NGC 1", "a", "bx", "dx", "a[b", "]", "b?", "", "a.fits", "axb", "a.b", "x*y", "\\", "a\nb", "NGC\n2", "é", "&", "[", "日本",
    "a-c", "🙂",
]  # fmt: skip
REGULAR = [
    r"NGC.*", r"\w+", r"[^\d]*", r"(?s)NGC.*", r"(?i)ngc \d", r"(?P<one>.)(?P=one)", r"[[*]+", r"a{,2}", r"a{b", r"\Aa\Z", r"[\b]",
    r"\x61", r"(?#why)a", r"[]a]", r"[&&a]", r"\u65e5.", "\\U0001F642", r"(?:a|b)x", r"\0", r"[a-c-]+", r"(?i:A)\.b",
    r"(a)(\.)b|\1", r"\v", r".\n.", r"(?P<a_b>a)\.b", r"\[?", r"é|\s", r"(?u)é", r"[\]\[]",
]  # fmt: skip


def test_wildcards_say_how_text_begins() -> None:
    assert from_shell("NGC*") == ("(?s)NGC.*", "NGC", False)
    assert from_shell("a.b") == (r"(?s)a\.b", "a.b", True)
    assert from_shell("[x")[1:] == ("[x", True)
    for pattern in SHELL:
        regex, beginning, plain = from_shell(pattern)
        for text in TEXTS:
            fits = fnmatch.fnmatchcase(text, pattern)
            assert fits <= text.startswith(beginning), (pattern, text)
            assert not plain or fits == (text == beginning), (pattern, text)
            assert re.fullmatch(regex, text) is not None or not fits or "[" in pattern, (pattern, text)


def test_what_engines_would_misread_is_said_otherwise() -> None:
    assert java_regex(r"a{,2}") == "(?dU)a{0,2}"
    assert java_regex(r"a{b") == r"(?dU)a\{b"
    assert java_regex(r"[[a&&]") == r"(?dU)[\[a\&\&]"
    assert java_regex(r"(?P<a_b>x)(?P=a_b)") == r"(?dU)(?<g0>x)\k<g0>"
    assert java_regex(r"x\Z") == r"(?dU)x\z"
