"""Merkle trees over records, as RFC 6962 hashes them: roots, and proofs that a record or an older tree is in a tree."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

_BLOCK = 1024  # records whose hashes are put together at once: a power of two


def leaf(record: bytes) -> bytes:
    """The hash of one record; leaves and inner nodes are told apart by their first byte."""
    return sha256(b"\x00" + record).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """Takes records one after the other and knows the root of what it has; keeps one hash for each height."""

    def __init__(self) -> None:
        self._full: list[
            bytes
        ] = []  # roots of full trees of blocks, the largest first; their sizes are the bits of `_blocks`
        self._blocks = 0
        self._last: list[bytes] = []  # leaves of the block that is not full

    @property
    def size(self) -> int:
        return self._blocks * _BLOCK + len(self._last)

    def add(self, record: bytes) -> None:
        self._last.append(sha256(b"\x00" + record).digest())
        if len(self._last) == _BLOCK:
            hash_, count = root(self._last), self._blocks
            while count & 1:  # two trees of one size become one
                hash_ = node(self._full.pop(), hash_)
                count >>= 1
            self._full.append(hash_)
            self._blocks += 1
            self._last = []

    def root(self) -> bytes:
        trees = [*self._full, root(self._last)] if self._last or not self._full else self._full
        hash_ = trees[-1]
        for left in reversed(trees[:-1]):
            hash_ = node(left, hash_)
        return hash_


def root(leaves: Sequence[bytes]) -> bytes:
    """The root over hashes of records (RFC 6962, 2.1)."""
    if not leaves:
        return sha256(b"").digest()
    row = list(leaves)
    while len(row) > 1:  # what has no neighbour goes up as it is: the same tree as that of largest powers of two
        paired = [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=False)]
        row = paired + row[len(row) & ~1 :]
    return row[0]


def inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes that lead from a record to the root (RFC 6962, 2.1.1)."""
    n = len(leaves)
    if n == 1:
        return []
    k = _split(n)
    if index < k:
        return [*inclusion(leaves[:k], index), root(leaves[k:])]
    return [*inclusion(leaves[k:], index - k), root(leaves[:k])]


def consistency(leaves: Sequence[bytes], older: int) -> list[bytes]:
    """The hashes that show that the tree of the first `older` records is the start of this one (RFC 6962, 2.1.2)."""
    return _consistency(leaves, older, True) if 0 < older < len(leaves) else []


def _consistency(leaves: Sequence[bytes], m: int, whole: bool) -> list[bytes]:
    n = len(leaves)
    if m == n:
        return [] if whole else [root(leaves)]
    k = _split(n)
    if m <= k:
        return [*_consistency(leaves[:k], m, whole), root(leaves[k:])]
    return [*_consistency(leaves[k:], m - k, False), root(leaves[:k])]


def _split(n: int) -> int:
    """The largest power of two below n."""
    return 1 << (n - 1).bit_length() - 1


def includes(record: bytes, index: int, size: int, path: Sequence[bytes], root_: bytes) -> bool:
    """Whether `path` proves that a record is number `index` of the `size` records with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, hash_ = index, size - 1, leaf(record)
    for other in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            hash_ = node(other, hash_)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            hash_ = node(hash_, other)
        at, last = at >> 1, last >> 1
    return last == 0 and hash_ == root_


def is_start(older: int, older_root: bytes, size: int, root_: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` proves that the older tree is the start of the newer one (RFC 9162, 2.1.4.2)."""
    if older == size:
        return not path and older_root == root_
    if older == 0:
        return not path and older_root == sha256(b"").digest()
    if not 0 < older < size or not path:
        return False
    hashes = [older_root, *path] if older & (older - 1) == 0 else list(path)
    at, last = older - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = hashes[0]
    for other in hashes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = node(other, first), node(other, second)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            second = node(second, other)
        at, last = at >> 1, last >> 1
    return last == 0 and first == older_root and second == root_
