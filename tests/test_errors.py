from __future__ import annotations

import pytest

from provgraph.errors import a


@pytest.mark.parametrize(("word", "said"), [
    ("External", "an External"), ("AttributeCalculator", "an AttributeCalculator"), ("Segment", "a Segment"), ("", "a "),
])  # fmt: skip
def test_words_have_their_article(word: str, said: str) -> None:
    assert a(word) == said
