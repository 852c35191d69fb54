"""A Merkle-sum tree: each node is a hash and the sums of what lies below it.

    leaf   SHA-256(0x00 || salt || account || sums)
    node   SHA-256(0x01 || left hash || left sums || right hash || right sums); sums: left + right
    empty  SHA-256(0x02); sums: 0

Numbers are 8 bytes, the highest first; sums are available, locked and collateral, in that order, in
1/1 000 000 of a credit; a salt is 32 bytes.

Laws: a node's hash binds the sums of both its children one by one, not only their total: with the
total alone, as in Maxwell's first scheme, an exchange could show each of two children a smaller
sum for the other ("Broken Proofs of Solvency in Blockchain Custodial Wallets and Exchanges", 2022).
No sum is negative: it couldn't be written. What is hashed begins with another byte for each kind,
so none can stand for another. The tree is full: places without an account are empty leaves.
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

PART_LEVELS: Final = 10
PART_LEAVES: Final = 2**PART_LEVELS
"""Leaves that are kept in one row."""
_LEAF: Final = struct.Struct(">c32s4Q")
_PAIR: Final = struct.Struct(">c32s3Q32s3Q")
_NODE: Final = struct.Struct(">32s3Q")
NODE_BYTES: Final = _NODE.size


class Node(NamedTuple):
    """A node: its hash, and the sums below it in money."""

    hash: bytes
    available: int
    locked: int
    collateral: int


EMPTY: Final = Node(hashlib.sha256(b"\x02").digest(), 0, 0, 0)


def leaf(salt: bytes, account_id: int, available: int, locked: int, collateral: int) -> Node:
    """Return an account's leaf; raises struct.error for what is negative."""
    text = _LEAF.pack(b"\x00", salt, account_id, available, locked, collateral)
    return Node(hashlib.sha256(text).digest(), available, locked, collateral)


def joined(left: Node, right: Node) -> Node:
    """Return the node above two."""
    return Node(
        hashlib.sha256(_PAIR.pack(b"\x01", *left, *right)).digest(),
        left.available + right.available,
        left.locked + right.locked,
        left.collateral + right.collateral,
    )


def levels(nodes: Sequence[Node], empty: Node) -> list[list[Node]]:
    """Return the levels above some nodes and themselves, the root's last; filled up with `empty`
    to a power of two.
    """
    size = 1 << max(len(nodes) - 1, 0).bit_length()
    found = [[*nodes, *[empty] * (size - len(nodes))]]
    while len(found[-1]) > 1:
        below = found[-1]
        found.append([joined(*below[place : place + 2]) for place in range(0, len(below), 2)])
    return found


def part_levels(leaves: Sequence[Node]) -> list[list[Node]]:
    """Return the levels of a part, which is filled up to `PART_LEAVES`."""
    return levels([*leaves, *[EMPTY] * (PART_LEAVES - len(leaves))], EMPTY)


def path(found: Sequence[Sequence[Node]], place: int) -> list[Node]:
    """Return the siblings on the way from a place of the lowest level up to the root."""
    return [level[(place >> height) ^ 1] for height, level in enumerate(found[:-1])]


def root_of(node: Node, place: int, siblings: Sequence[Node]) -> Node:
    """Return the root that a node at a place of the lowest level leads to."""
    for height, other in enumerate(siblings):
        node = joined(other, node) if place >> height & 1 else joined(node, other)
    return node


def packed(nodes: Sequence[Node]) -> bytes:
    """Return nodes as they are kept."""
    return b"".join(_NODE.pack(*node) for node in nodes)


def unpacked(kept: bytes) -> Iterator[Node]:
    """Yield nodes that were kept."""
    return (Node(*values) for values in _NODE.iter_unpack(kept))


def empty_part() -> Node:
    """Return the root of a part without any account."""
    node = EMPTY
    for _ in range(PART_LEVELS):
        node = joined(node, node)
    return node
