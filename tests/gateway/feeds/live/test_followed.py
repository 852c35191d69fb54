"""One followed market against a naive twin: whatever comes, steps are dense and tell the book."""

import random

import msgspec
import pytest

from gateway.feeds.api.reading import Known
from gateway.feeds.live.followed import CROSSED_S, STALE_S, TRADES_MAX, Followed, Step
from gateway.feeds.model import ListedStatus, TakenSide, VenueBook, VenueTrade
from gateway.feeds.venue import (
    BookChange,
    BookSnapshot,
    LifeChanged,
    Lost,
    Printed,
    StreamEvent,
    TopChanged,
)
from persistence.repositories.feeds.markets import MarketRow
from tests.gateway.feeds.fake_venue import market
from tests.lengths import length
from tests.venues.book_flow import BookFlow

Sides = tuple[dict[int, int], dict[int, int]]


def known(at: int = 1_000, **changes: object) -> Known:
    made = market(1, last_price=None, **changes)
    row = MarketRow(1, "fake", "M1", b"", at, at, None)
    return Known(row, made, at)


def followed() -> Followed:
    return Followed(known(), 7, 0.0)


def book(bids: dict[int, int], asks: dict[int, int]) -> BookSnapshot:
    best_first = sorted(bids.items(), reverse=True), sorted(asks.items())
    return BookSnapshot(
        VenueBook(
            platform="fake", external_id="M1", bids=tuple(best_first[0]), asks=tuple(best_first[1])
        )
    )


def printed(number: int = 1) -> Printed:
    return Printed(
        VenueTrade(
            platform="fake", external_id="M1", trade_id=f"t{number}", yes_price=4_200,
            quantity=100, taken=TakenSide.YES, venue_at=number,
        )
    )  # fmt: skip


def told(sides: Sides, step: Step, one: Followed) -> None:
    """Do to a reader's book what a step tells it."""
    if step.is_whole:
        for side, levels in zip(sides, one.levels(10_000), strict=True):
            side.clear()
            side.update(levels)
        return
    for side, changes in zip(sides, (step.bids, step.asks), strict=True):
        for price, quantity in changes.items():
            if quantity:
                side[price] = quantity
            else:
                side.pop(price, None)


@pytest.mark.parametrize("seed", range(length(20, long=2_000)))
def test_readers_have_the_venues_book_whatever_comes(seed: int) -> None:
    randomness = random.Random(seed)
    flow = BookFlow({4_000: 100}, {6_000: 100}, 100, randomness)
    one, seq, trades = followed(), 0, 0
    sides: Sides = ({}, {})
    is_lost = True
    now = 0.0
    for step_of_flow in flow.steps(300):
        now += 0.01
        events: list[StreamEvent] = [
            BookChange(
                "M1",
                tuple((p, q) for is_bid, p, q in step_of_flow.levels if is_bid),
                tuple((p, q) for is_bid, p, q in step_of_flow.levels if not is_bid),
            )
        ]
        chance = randomness.random()
        if chance < 0.05:
            events = [Lost(("M1",), "gap")]
            is_lost = True
        elif chance < 0.15:
            events = [book(flow.bids, flow.asks)]
            is_lost = False
        elif chance < 0.25:
            trades += 1
            events.append(printed(trades))
        for event in events:
            one.take(event, int(now * 1e6), now)
        assert one.in_sync is not is_lost
        if randomness.random() < 0.4 and (made := one.step(now)) is not None:
            seq += 1
            assert made.seq == seq
            told(sides, made, one)
        if not one.is_dirty and one.in_sync:
            assert sides == (flow.bids, flow.asks), seed
    while (made := one.step(now)) is not None:
        told(sides, made, one)
    assert one.trade_no == trades


def test_a_change_behind_a_loss_changes_nothing() -> None:
    one = followed()
    one.take(book({4_000: 100}, {6_000: 100}), 1, 0.0)
    assert one.step(0.0) is not None
    one.take(Lost(("M1",), "gap"), 2, 0.0)
    one.take(BookChange("M1", ((4_100, 5),), ()), 3, 0.0)
    assert (one.step(0.0), one.levels(5)) == (None, (((4_000, 100),), ((6_000, 100),)))
    one.take(book({4_000: 100}, {6_000: 100}), 4, 0.0)
    made = one.step(0.0)
    assert made is not None
    assert (made.is_whole, made.seq, one.in_sync) == (True, 2, True)


def test_staleness_is_told_once_and_taken_back_once() -> None:
    one = followed()
    one.take(book({4_000: 100}, {}), 1, 0.0)
    assert one.step(0.0) is not None
    one.lose(10.0)
    for now, is_told in ((10.0, False), (10.0 + STALE_S, True), (20.0, False)):
        one.look(now)
        assert ((made := one.step(now)) is not None and made.is_market) is is_told
    assert one.is_stale
    one.take(book({4_000: 100}, {}), 2, 21.0)
    one.look(21.0)
    made = one.step(21.0)
    assert made is not None
    assert (made.is_whole, made.is_market, one.is_stale) == (True, True, False)


def test_a_crossed_book_is_held_back_and_asked_for_again() -> None:
    one = followed()
    one.take(book({4_000: 100}, {4_200: 100}), 1, 0.0)
    assert one.step(0.0) is not None
    one.take(BookChange("M1", ((4_300, 5),), ()), 2, 1.0)
    one.take(printed(), 2, 1.0)
    assert one.step(1.0) is None
    assert one.step(1.0 + CROSSED_S / 2) is None
    assert not one.wants_book
    made = one.step(1.0 + CROSSED_S)
    assert made is not None
    assert (made.bids, len(made.trades), one.wants_book) == ({4_300: 5}, 1, True)


def test_many_prints_are_not_put_off() -> None:
    one = followed()
    for number in range(TRADES_MAX):
        assert not one.is_full
        one.take(printed(number), 1, 0.0)
    assert one.is_full
    made = one.step(0.0)
    assert made is not None
    assert [number for number, _ in made.trades] == list(range(1, TRADES_MAX + 1))


def test_a_tick_size_of_the_stream_is_not_undone_by_what_was_known_before() -> None:
    one = followed()
    one.take(TopChanged(external_id="M1", tick_size=10, last_price=4_400), 2_000, 0.0)
    made = one.step(0.0)
    assert made is not None
    assert made.is_market
    one.take(LifeChanged("M1"), 2_000, 0.0)
    one.refreshed(known(at=1_500, tick_size=100))
    assert (one.market.tick_size, one.wants_refresh, one.is_dirty) == (10, False, False)
    one.refreshed(known(at=2_500, tick_size=10, status=ListedStatus.CLOSED))
    assert one.market.last_price == 4_400, "the list may not say it"
    assert one.is_dirty


def test_an_end_empties_the_book_for_good() -> None:
    one = followed()
    one.take(book({4_000: 100}, {}), 1, 0.0)
    assert one.step(0.0) is not None
    one.refreshed(known(at=2_000, status=ListedStatus.VOID))
    made = one.step(0.0)
    assert made is not None
    assert (made.is_whole, made.is_market, one.levels(5)) == (True, True, ((), ()))
    one.take(book({4_000: 100}, {}), 3_000, 0.0)
    one.take(BookChange("M1", ((4_000, 100),), ()), 3_000, 0.0)
    assert (one.step(0.0), one.levels(5)) == (None, ((), ()))
    assert msgspec.structs.replace(one.as_traded(), venue_at=None) == one.market
