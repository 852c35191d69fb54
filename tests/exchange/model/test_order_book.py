"""The book as a data structure: levels, queues and the best price, against plain lists."""

import random
import threading
from contextlib import suppress

import pytest

from exchange.messages.errors import InvariantViolated
from exchange.messages.events import OrderPlaced
from exchange.messages.terms import (
    BUY,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    NO,
    SELL,
    YES,
    CancelReason,
    OrderStatus,
    SelfTradePrevention,
)
from exchange.model.order_book import BookSide, Order, OrderBook, own_price


def order(order_id: int, yes_price: int, quantity: int = 100, *, bid: bool = True) -> Order:
    side = BUY if bid else SELL
    placed = OrderPlaced(
        *(order_id, 1, 1, side, YES, LIMIT, yes_price, quantity, GTC),
        *(SelfTradePrevention.CANCEL_TAKER, None, None, 0, True),
    )
    return Order(placed, 1, 0)


def walk(side: BookSide) -> list[tuple[int, list[int]]]:
    """Walk a side by its links, forwards and backwards, and check that they agree."""
    found = []
    for level in side.levels():
        forwards = list(level.orders())
        backwards = []
        last: Order | None = level.tail
        while last is not None:
            backwards.append(last)
            last = last.previous
        assert forwards == backwards[::-1]
        assert forwards[0] is level.head
        assert level.count == len(forwards)
        assert level.quantity == sum(one.remaining for one in forwards)
        found.append((level.price, [one.id for one in forwards]))
    assert (side.best is None) is (not found)
    if side.best is not None:
        assert side.best.price == found[0][0]
    return found


def test_own_price_mirrors_the_other_outcome() -> None:
    assert own_price(YES, 3_000) == 3_000
    assert own_price(NO, 3_000) == 7_000


def test_bids_come_dearest_first_asks_cheapest_first() -> None:
    for bids, expected in ((True, [60, 50, 40]), (False, [40, 50, 60])):
        side = BookSide(bids=bids)
        for number, price in enumerate((50, 60, 40), start=1):
            side.add(order(number, price))
        assert [price for price, _ in walk(side)] == expected
        assert side.depth(2) == [(price, 100) for price in expected[:2]]


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_any_order_of_a_queue_can_leave(gone: int) -> None:
    side = BookSide(bids=True)
    orders = [order(number, 50) for number in (1, 2, 3)]
    for one in orders:
        side.add(one)
    leaving = orders[gone - 1]
    side.remove(leaving)
    assert walk(side) == [(50, [number for number in (1, 2, 3) if number != gone])]
    assert leaving.previous is None
    assert leaving.next is None
    assert not leaving.resting


def test_the_next_level_becomes_the_best() -> None:
    side = BookSide(bids=False)
    orders = [order(1, 40), order(2, 50), order(3, 60)]
    for one in orders:
        side.add(one)
    side.remove(orders[1])
    assert walk(side) == [(40, [1]), (60, [3])]
    side.remove(orders[0])
    assert walk(side) == [(60, [3])]
    side.remove(orders[2])
    assert walk(side) == []


def test_a_reduced_order_keeps_its_place() -> None:
    side = BookSide(bids=True)
    first, second = order(1, 50), order(2, 50)
    side.add(first)
    side.add(second)
    side.reduce(first, 30)
    first.remaining -= 30
    assert walk(side) == [(50, [1, 2])]
    assert side.depth(9) == [(50, 170)]


def test_levels_that_come_and_go_behind_the_best_are_forgotten() -> None:
    side = BookSide(bids=False)
    lasting = [order(number, price) for number, price in enumerate((5, 9_000, 7_000), start=1)]
    for one in lasting:
        side.add(one)
    for price in range(100, 1_100):
        short = order(9, price)
        side.add(short)
        side.remove(short)
    assert walk(side) == [(5, [1]), (7_000, [3]), (9_000, [2])]
    for one in (lasting[0], lasting[2], lasting[1]):
        assert side.best is one.level
        side.remove(one)
    assert walk(side) == []


def test_a_level_that_went_and_came_again_is_found() -> None:
    side = BookSide(bids=True)
    near, far = order(1, 50), order(2, 40)
    for one in (near, far):
        side.add(one)
    for one in (far, near):
        side.remove(one)
        side.add(one)
    assert walk(side) == [(50, [1]), (40, [2])]
    side.remove(near)
    assert walk(side) == [(40, [2])]
    side.remove(far)
    assert walk(side) == []


def test_what_rests_nowhere_can_neither_leave_nor_shrink() -> None:
    side = BookSide(bids=True)
    with pytest.raises(InvariantViolated, match="order 1 rests in no book"):
        side.remove(order(1, 50))
    with pytest.raises(InvariantViolated, match="order 1 rests in no book"):
        side.reduce(order(1, 50), 1)


def test_a_book_knows_its_sides() -> None:
    book = OrderBook()
    assert book.own_side(order(1, 50)) is book.bids
    assert book.own_side(order(1, 50, bid=False)) is book.asks


def test_random_comings_and_goings_agree_with_plain_lists() -> None:
    seed = 7
    print(f"seed {seed}")
    dice = random.Random(seed)
    for bids in (True, False):
        side = BookSide(bids=bids)
        resting: list[Order] = []
        for number in range(1, 3_000):
            if resting and dice.random() < 0.48:
                side.remove(resting.pop(dice.randrange(len(resting))))
            else:
                resting.append(order(number, dice.randint(1, 12), dice.randint(1, 9), bid=bids))
                side.add(resting[-1])
            if number % 10 == 0:
                prices = sorted({one.yes_price for one in resting}, reverse=bids)
                assert walk(side) == [
                    (price, [one.id for one in resting if one.yes_price == price])
                    for price in prices
                ]
                assert [one.id for one in side.orders()] == [
                    one.id for price in prices for one in resting if one.yes_price == price
                ]


def test_whoever_looks_at_all_orders_changes_nothing_that_another_thread_relies_on() -> None:
    """As a standby's comparison does, which a takeover leaves where it is."""
    side, numbers = BookSide(bids=True), range(1, 2_000)
    resting = {number: order(number, number) for number in numbers}
    for one in resting.values():
        side.add(one)
    remembered = dict(side._changed), list(side._in_order)
    assert [one.id for one in side.orders()] == [*reversed(numbers)]
    assert (dict(side._changed), list(side._in_order)) == remembered

    def look() -> None:
        with suppress(KeyError):  # what is gone meanwhile
            for _ in side.orders():
                pass

    looking = threading.Thread(target=look)
    looking.start()
    while looking.is_alive():
        for number in numbers[-100:]:
            side.remove(resting[number])
            side.add(resting[number])
    looking.join()
    assert [level.price for level in side.levels()] == [*reversed(numbers)]


def told(one: Order) -> tuple[object, ...]:
    return one.status, one.remaining, one.filled, one.filled_cash, one.locked


def test_fills_add_up_until_nothing_remains() -> None:
    one = order(1, 50)
    one.locked = 5_050
    one.fill(30, 1_500, 1_515, fee=15, carry=2)
    assert told(one) == (OrderStatus.PARTIAL, 70, 30, 1_500, 3_535)
    one.fill(70, 3_500, 3_535, fee=0, carry=0)
    assert told(one) == (OrderStatus.FILLED, 0, 100, 5_000, 0)
    assert (one.fees_paid, one.fee_carry) == (15, 0)


def test_an_order_by_cost_is_partial_until_it_ends() -> None:
    terms = (1, 1, 1, BUY, YES, MARKET, None, None, IOC, SelfTradePrevention.CANCEL_TAKER, 900)
    one = Order(OrderPlaced(*terms, None, 0, resting=False), 1, 0)
    one.fill(10, 500, 0, 0, 0)
    assert told(one) == (OrderStatus.PARTIAL, 0, 10, 500, 0)
    one.end(OrderStatus.FILLED)
    assert told(one) == (OrderStatus.FILLED, 0, 10, 500, 0)
    assert one.cancel_reason is None


def test_resting_and_ending_give_up_what_is_not_needed() -> None:
    one = order(1, 50)
    one.locked = 5_050
    one.rest(50)
    assert told(one) == (OrderStatus.OPEN, 100, 0, 0, 5_000)
    one.end(OrderStatus.CANCELLED, CancelReason.USER, 5_000)
    assert told(one) == (OrderStatus.CANCELLED, 100, 0, 0, 0)
    assert one.cancel_reason is CancelReason.USER
