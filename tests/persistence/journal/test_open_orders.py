"""Open orders as bits: memory and table hold the same ids, and a row only where it is due."""

import struct
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from exchange.messages.events import OrderPlaced
from exchange.messages.terms import BUY, GTC, LIMIT, YES, OrderStatus, SelfTradePrevention
from exchange.model.order_book import Order
from persistence.journal.open_orders import BLOCK_IDS, OpenOrders, ids_in
from persistence.postgres.database import connect
from tests.persistence.running import ANN, Running, cancel, limit, open_for_trade, running

if TYPE_CHECKING:
    from asyncpg import BitString

_IDS = st.integers(1, 4 * BLOCK_IDS)
_STATUSES = st.sampled_from(list(OrderStatus))
_OPEN = {OrderStatus.OPEN, OrderStatus.PARTIAL, OrderStatus.PENDING}


def order(order_id: int, status: OrderStatus) -> Order:
    prevention = SelfTradePrevention.CANCEL_TAKER
    terms = (BUY, YES, LIMIT, 5_000, 100, GTC, prevention, None, None, 500_000)
    made = Order(OrderPlaced(order_id, 1, 1, *terms, resting=True), 1, 1)
    made.status = status
    return made


def stored_ids(table: dict[int, bytes]) -> list[int]:
    return [order_id for block in sorted(table) for order_id in ids_in(block, table[block])]


async def read_table(engine: Running) -> dict[int, bytes]:
    rows = await engine.pool.fetch("SELECT block, bits FROM open_orders ORDER BY block")
    return {row["block"]: row["bits"].bytes for row in rows}


@given(st.sets(_IDS), st.lists(st.dictionaries(_IDS, _STATUSES, max_size=20), max_size=8))
def test_the_rows_of_all_batches_are_the_set_of_open_ids(
    first: set[int], batches: list[dict[int, OrderStatus]]
) -> None:
    none_yet = OpenOrders([])
    rows = none_yet.change([order(order_id, OrderStatus.OPEN) for order_id in first])
    table = dict(struct.iter_unpack(f">q{BLOCK_IDS // 8}s", b"".join(rows)))
    assert stored_ids(table) == sorted(first)
    kept, expected = OpenOrders(first), set(first)
    for batch in batches:
        before = set(expected)
        for order_id, status in batch.items():
            (expected.add if status in _OPEN else expected.discard)(order_id)
        rows = kept.change([order(order_id, status) for order_id, status in batch.items()])
        written = dict(struct.iter_unpack(f">q{BLOCK_IDS // 8}s", b"".join(rows)))
        assert len(written) == len(rows)
        assert set(written) >= {order_id // BLOCK_IDS for order_id in before ^ expected}
        assert set(written) <= {order_id // BLOCK_IDS for order_id in batch}
        table |= written
        assert stored_ids(table) == sorted(expected)


async def test_a_block_has_a_row_while_an_order_of_it_is_open(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        orders = [limit(ANN, 30, 1) for _ in range(BLOCK_IDS + 10)]
        await engine.send_all(*orders)
        table = await read_table(engine)
        assert list(table) == [0, 1]
        assert stored_ids(table) == list(range(1, len(orders) + 1))
        await engine.send_all(*[cancel(ANN, order_id) for order_id in range(1, BLOCK_IDS)])
        assert stored_ids(await read_table(engine)) == list(range(BLOCK_IDS, len(orders) + 1))
        assert list(await read_table(engine)) == [1]


async def test_bits_count_from_the_left_as_postgresql_counts(database_url: str) -> None:
    connection = await connect(database_url)
    bits: BitString = await connection.fetchval(
        "SELECT set_bit(set_bit(0::bit(512), 3, 1), 511, 1)"
    )
    await connection.close()
    assert list(ids_in(2, bits.bytes)) == [1027, 1535]
