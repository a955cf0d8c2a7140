"""Merkle trees: roots and proofs of every size agree with the definitions of RFC 6962, and prove nothing else."""

from __future__ import annotations

from hashlib import sha256

import pytest

from provgraph.audit import merkle

RECORDS = [b"", b"\x00", b"record", b'{"_n":3}', *(str(i).encode() for i in range(60))]


def defined(leaves: list[bytes]) -> bytes:
    """The root as section 2.1 of RFC 6962 says it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01" + defined(leaves[:k]) + defined(leaves[k:])).digest()


def test_roots_of_all_sizes() -> None:
    tree = merkle.Tree()
    for n in range(len(RECORDS) + 1):
        leaves = [merkle.leaf(r) for r in RECORDS[:n]]
        assert merkle.root(leaves) == defined(leaves) == tree.root()
        if n < len(RECORDS):
            tree.add(RECORDS[n])


def test_roots_beyond_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merkle, "_BLOCK", 4)
    test_roots_of_all_sizes()


def test_known_roots() -> None:
    """Test vectors that implementations of Certificate Transparency share."""
    inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    leaves = [merkle.leaf(bytes.fromhex(text)) for text in inputs]
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@pytest.mark.parametrize("size", range(1, 40))
def test_every_record_is_proven_to_be_in(size: int) -> None:
    leaves = [merkle.leaf(r) for r in RECORDS[:size]]
    root = merkle.root(leaves)
    for index in range(size):
        path = merkle.inclusion(leaves, index)
        assert merkle.includes(RECORDS[index], index, size, path, root)
        assert not merkle.includes(RECORDS[index] + b"!", index, size, path, root)
        assert not merkle.includes(RECORDS[index], index, size, path, merkle.root(leaves[:-1]))
        assert not merkle.includes(RECORDS[index], index, size, [*path, root], root)
        assert not any(
            merkle.includes(RECORDS[index], other, size, path, root) for other in range(size) if other != index
        )


@pytest.mark.parametrize("size", range(1, 40))
def test_every_older_tree_is_proven_to_be_the_start(size: int) -> None:
    leaves = [merkle.leaf(r) for r in RECORDS[:size]]
    root = merkle.root(leaves)
    for older in range(size + 1):
        path = merkle.consistency(leaves, older)
        old = merkle.root(leaves[:older])
        assert merkle.is_start(older, old, size, root, path)
        if 0 < older < size:
            changed = merkle.root([merkle.leaf(b"changed"), *leaves[1:older]])
            assert not merkle.is_start(older, changed, size, root, path)
            assert not merkle.is_start(older, old, size, merkle.leaf(root), path)
            assert not merkle.is_start(older, old, size, root, path[:-1])
