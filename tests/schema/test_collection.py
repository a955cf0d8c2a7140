"""Collections made by hand: notation, sources that are looked at, and asking the survey they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from provgraph.errors import UsageError
from provgraph.schema.operators import External
from tests.installed import replacing, site  # noqa: F401
from tests.surveys import N, catalog, census, galaxies, nearby, open_survey, survey  # noqa: F401

COLUMNS = galaxies()
NEAR = COLUMNS["redshift"] < 0.1


@pytest.fixture
def seen(nearby: Any, site: Any) -> list[int]:
    """A calculator, ``counted``, of an installed package, and the sources of each of its calls."""
    counting = "SEEN.append(len(z))\n    return m - 5 * np.log10(hubble_distance(z, H0)) - ZERO_POINT"
    site.install(edit=lambda package: (
        replacing("methods.py", "return m - 5 * np.log10(hubble_distance(z, H0)) - ZERO_POINT", counting)(package),
        replacing("methods.py", "ZERO_POINT = 25.0", "ZERO_POINT = 25.0\nSEEN = []")(package),
    ))  # fmt: skip
    nearby.define_calculator("counted", entry_point="absmag")
    from skycalc import methods  # type: ignore[import-not-found, unused-ignore]

    found: list[int] = methods.SEEN
    return found


def test_by_hand_reads_like_the_paper(nearby: Any) -> None:
    a = nearby["A"]
    made = a.filter("redshift < .1").select("ra", "dec")
    assert repr(made) == "SelectAttributes(FilterSources(A, redshift < 0.1), ra, dec)"
    assert not made.is_stored
    assert repr(made.rename(ra="alpha")).startswith(
        "RenameAttributes(SelectAttributes(FilterSources(A, redshift < 0.1)"
    )
    magnitudes = a.calculate("absmag_u", {"H0": 67})
    assert repr(magnitudes) == "AttributeCalculator(A, absmag_u@1, H0=67)"
    assert repr(a.filter("redshift < .1").concatenate(magnitudes).select("absmag_u")) == (
        "SelectAttributes(ConcatenateAttributes(FilterSources(A, redshift < 0.1), AttributeCalculator(A, absmag_u@1, H0=67)),"
        " absmag_u)"
    )
    near, far = a.filter("redshift < .1"), a.filter("redshift >= .1")
    assert (
        repr(near.union(far))
        == "ConcatenateSources(FilterSources(A, redshift < 0.1), FilterSources(A, redshift >= 0.1))"
    )
    assert repr(a.relabel("other", offset=5)) == "RelabelSources(A, id + 5 into other)"
    assert made.table().colnames == ["ra", "dec"]
    assert len(made.head(2)) == 2
    nearby.store(made, name="places")
    assert repr(made.filter("ra > 1")) == "FilterSources(places, ra > 1.0)"


def test_notations_of_many_are_those_of_each(nearby: Any, open_survey: Any) -> None:
    a = nearby["A"]
    deep = a.filter("redshift < .5").select("id", "ra").rename(ra="b").filter("b > 1").rename(b="c").select("c")
    nearby.store(deep, name="deep")
    nearby.pull("A", ["id", "absmag_u"], where="redshift < 0.1")
    nearby.close()
    again = open_survey()
    every = again.collections()
    reads: list[str] = []
    read = again.mapper.read
    again.mapper.read = lambda query, **more: (reads.append(query), read(query, **more))[1]
    together = again.notations(every)
    assert len(reads) <= 12  # levels of parents and their names, however many collections there are
    assert together == [repr(one) for one in every]
    assert "External(id, ra, dec, redshift, mag_u)" in together
    filtered = "FilterSources(RenameAttributes(SelectAttributes(...), ra -> b), b > 1.0)"
    assert f"SelectAttributes(RenameAttributes({filtered}, b -> c), c)" in together


def test_a_calculator_sees_no_source_for_counting_and_looking_at_sources(nearby: Any, seen: list[int]) -> None:
    """Fig. 4 of the paper: only the component that is asked for is processed."""
    a = nearby["A"]
    made = a.filter("redshift < .1").concatenate(a.calculate("counted")).select("id", "absmag")
    before = census(nearby)
    assert made.attributes().names == ("id", "absmag")
    assert census(nearby) == before  # nothing was processed, nothing stored
    assert made.count() == len(made) == NEAR.sum()
    expected = np.sort(COLUMNS["id"][NEAR]).tolist()
    assert list(made.sources()) == made.sources().identifiers().tolist() == expected
    assert len(made.sources()) == len(expected)
    assert expected[0] in made.sources()
    assert 1 not in made.sources()
    assert seen == []
    made.table()
    assert seen == [NEAR.sum()]  # so it does count


def test_what_sources_there_are_is_stored_once_for_all_equal_sets(nearby: Any) -> None:
    a = nearby["A"]
    first = a.filter("redshift < .1")
    first.count()
    before = census(nearby)
    assert [h.kind for h in nearby.held()].count("sets of sources") == 1
    equal = [
        first.select("ra"), a.filter("redshift < .1").filter("redshift < .5"), first.union(a.filter("redshift < .05")),
        first.concatenate(a.calculate("absmag_u")),
    ]  # fmt: skip
    for one in equal:
        assert one.count() == NEAR.sum()
        assert list(one.sources()) == list(first.sources())
    assert census(nearby) == before
    narrower = a.filter("redshift < .05")
    assert narrower.count() == (COLUMNS["redshift"] < 0.05).sum()
    assert [h.kind for h in nearby.held()].count("sets of sources") == 2


def test_text_identifiers_are_text(survey: Any, tmp_path: Path) -> None:
    file = tmp_path / "names.csv"
    file.write_text("name,x\nNGC 1,1\nM 31,2\nÄ 3,3\n", encoding="utf-8")
    found = survey.ingest(file, name="names", id="name").filter("x > 1").sources()
    assert list(found) == ["M 31", "Ä 3"]
    assert "Ä 3" in found
    assert "NGC 1" not in found


def test_sources_of_nobody_are_a_symbol() -> None:
    alone = External.__new__(External)
    alone._home = None
    with pytest.raises(UsageError, match="not stored in a survey"):
        alone.home()


def test_sources_are_no_truth_value(nearby: Any) -> None:
    none = nearby["A"].filter("redshift > 5")
    before = census(nearby)
    assert none.sources()
    assert census(nearby) == before
    assert len(none) == 0
    assert list(none.sources()) == []
    assert N not in none.sources()
