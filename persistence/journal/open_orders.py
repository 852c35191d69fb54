"""Which orders are open, as the table `open_orders` has it: a row for 512 ids in turn, a bit each.

Laws: bit i of block b, counted from the left, is order 512 b + i; a block without open orders has
no row. A column of `orders` with an index would say the same, but would give every order that ends
a new place in each index of its table (docs/decisions/0003).
"""

import struct
from collections.abc import Iterable, Iterator
from typing import Final

from exchange.messages.terms import OrderStatus
from exchange.model.order_book import Order

BLOCK_IDS: Final = 512
_BYTES: Final = BLOCK_IDS // 8
_SHIFT: Final = BLOCK_IDS.bit_length() - 1
_MASK: Final = BLOCK_IDS - 1
_pack: Final = struct.Struct(f">q{_BYTES}s").pack
_OPEN: Final = OrderStatus.OPEN
_PARTIAL: Final = OrderStatus.PARTIAL
_PENDING: Final = OrderStatus.PENDING


class OpenOrders:
    """The open orders as of the last sealed batch."""

    __slots__ = ("_blocks",)

    def __init__(self, order_ids: Iterable[int]) -> None:
        self._blocks: dict[int, int] = {}
        for order_id in order_ids:
            block = order_id >> _SHIFT
            self._blocks[block] = self._blocks.get(block, 0) | _bit(order_id)

    def change(self, orders: Iterable[Order]) -> list[bytes]:
        """Note what orders have become; return each block that changed, as its row."""
        blocks = self._blocks
        changed: dict[int, None] = {}
        for order in orders:
            order_id, status = order.id, order.status
            block, bit = order_id >> _SHIFT, _bit(order_id)
            bits = blocks.get(block, 0)
            is_open = status is _OPEN or status is _PARTIAL or status is _PENDING
            if bool(bits & bit) != is_open:
                blocks[block] = bits ^ bit
                changed[block] = None
        rows = [_pack(block, blocks[block].to_bytes(_BYTES)) for block in changed]
        for block in changed:
            if not blocks[block]:
                del blocks[block]
        return rows


def ids_in(block: int, bits: bytes) -> Iterator[int]:
    """Yield the ids of a block's open orders, the lowest first."""
    left = int.from_bytes(bits)
    while left:
        place = BLOCK_IDS - left.bit_length()
        yield block * BLOCK_IDS + place
        left ^= _bit(place)


def _bit(order_id: int) -> int:
    return 1 << (_MASK - (order_id & _MASK))
