"""The tree binds every sum in it, whoever is asked which path."""

import struct
from random import Random

import pytest

from persistence.proof.solvency.tree import (
    EMPTY,
    PART_LEAVES,
    PART_LEVELS,
    Node,
    empty_part,
    joined,
    leaf,
    levels,
    packed,
    part_levels,
    path,
    root_of,
    unpacked,
)


def some(count: int, seed: int = 7) -> list[Node]:
    random = Random(seed)
    return [
        leaf(random.randbytes(32), number, *(random.randrange(10**12) for _ in range(3)))
        for number in range(count)
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 100])
def test_each_leaf_leads_to_the_root_and_its_sums(count: int) -> None:
    nodes = some(count)
    found = levels(nodes, EMPTY)
    root = found[-1][0]
    assert root.available == sum(node.available for node in nodes)
    assert root.locked == sum(node.locked for node in nodes)
    assert root.collateral == sum(node.collateral for node in nodes)
    for place, node in enumerate(nodes):
        siblings = path(found, place)
        assert len(siblings) == len(found) - 1
        assert root_of(node, place, siblings) == root


def test_one_leaf_of_one_part_leads_up_through_all_of_its_levels() -> None:
    found = part_levels(some(1))
    assert len(found) - 1 == PART_LEVELS
    assert len(found[0]) == PART_LEAVES
    assert part_levels([])[-1][0] == empty_part()


def test_a_digit_of_any_sum_on_the_way_leads_elsewhere() -> None:
    nodes = some(6)
    found = levels(nodes, EMPTY)
    root = found[-1][0]
    siblings = path(found, 2)
    for height, node in enumerate(siblings):
        for field in ("available", "locked", "collateral"):
            changed = list(siblings)
            changed[height] = node._replace(**{field: getattr(node, field) + 1})
            assert root_of(nodes[2], 2, changed).hash != root.hash
    assert root_of(nodes[2], 3, siblings).hash != root.hash


def test_two_children_whose_total_stays_the_same_are_other_children() -> None:
    # What Maxwell's first scheme let an exchange do: show each a smaller sum for the other.
    left, right = some(2)
    moved = (
        left._replace(available=left.available - 1),
        right._replace(available=right.available + 1),
    )
    assert joined(*moved).available == joined(left, right).available
    assert joined(*moved).hash != joined(left, right).hash


def test_nothing_below_zero_can_be_in_it() -> None:
    with pytest.raises(struct.error):
        leaf(bytes(32), 1, -1, 0, 0)
    with pytest.raises(struct.error):
        joined(EMPTY, EMPTY._replace(collateral=-1))


def test_nodes_come_back_as_they_were_kept() -> None:
    nodes = some(9)
    assert list(unpacked(packed(nodes))) == nodes
