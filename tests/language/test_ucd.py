from __future__ import annotations

import pytest

from provgraph.errors import InvalidInput
from provgraph.language.ucd import checked_ucd


@pytest.mark.parametrize(
    "ucd", ["", "meta.id;meta.main", "phys.magAbs;em.opt.U", "PHOT.MAG;em.opt.v", "mine:some.word"]
)
def test_words_of_ucd1_plus_pass_as_they_are(ucd: str) -> None:
    assert checked_ucd("x", ucd) == ucd


@pytest.mark.parametrize(("ucd", "why"), [
    ("pos.eq.raa", "no word 'pos.eq.raa'; did you mean 'pos.eq.ra'"),
    ("phot.mag;em.opt.Z", "no word 'em.opt.Z'"),
    ("POS_EQ_RA_MAIN", "no word 'POS_EQ_RA_MAIN'"),  # a UCD of the old kind
    ("phot mag", "no word 'phot mag'; did you mean 'phot.mag'"),
    ("phot.mag; em.opt.V", "no word ' em.opt.V'"),
    ("phot.mag;", "a ';' without a word"),
    (";phot.mag", "a ';' without a word"),
    ("em.opt.V;phot.mag", "'em.opt.V' cannot stand first"),
    ("phot.mag;meta.title", "'meta.title' can only stand first"),
    (5, "is text, not 5"),
])  # fmt: skip
def test_anything_else_is_refused_with_the_word_that_is_wrong(ucd: str, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_ucd("mag_u", ucd)
    assert caught.value.code == "ucd_invalid"
    assert why in caught.value.message
    assert "'mag_u'" in caught.value.message
