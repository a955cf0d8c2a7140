from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provgraph.schema.text import decode_text, encode_text, text_width

WORDS = st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8))


@given(WORDS)
def test_text_survives(words: list[str]) -> None:
    for values in (np.array(words, dtype="U8"), np.array(words, dtype=object)):
        encoded = encode_text(values)
        assert encoded.tolist() == [w.encode() for w in words]
        assert decode_text(encoded).tolist() == words
        assert text_width(encoded) == max([len(w.encode()) for w in words] + [1])


def test_vectors_of_text_and_other_orders() -> None:
    values = np.array([["a", "bc"], ["", "déf"]])
    for given_order in (values, np.asfortranarray(values), values[::-1], values.T):
        assert decode_text(encode_text(given_order)).tolist() == given_order.tolist()


def test_ascii_needs_one_byte_a_character() -> None:
    assert encode_text(np.array(["abc", "d"])).dtype == "S3"
    assert text_width(np.array([b"abc", b"d"], dtype="S20")) == 3


def test_none_is_empty_and_numbers_are_refused() -> None:
    assert encode_text(np.array([None, b"x"], dtype=object)).tolist() == [b"", b"x"]
    with pytest.raises(TypeError):
        encode_text(np.array([1, "a"], dtype=object))


def test_bytes_of_another_encoding_still_show() -> None:
    assert decode_text(np.array([b"caf\xe9", b"x"])).tolist() == ["caf�", "x"]
