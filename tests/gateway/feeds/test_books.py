"""The local book: a change says what is there, and what can't be is told."""

from gateway.feeds.books import LocalBook
from gateway.feeds.model import VenueBook
from gateway.feeds.venue import BookChange, BookSnapshot
from gateway.markets.views import checksum


def book(bids: tuple[tuple[int, int], ...], asks: tuple[tuple[int, int], ...]) -> VenueBook:
    return VenueBook(platform="test", external_id="m", bids=bids, asks=asks)


def test_it_is_what_a_snapshot_and_the_changes_behind_it_say() -> None:
    local = LocalBook()
    assert not local.is_known
    assert local.take(BookSnapshot(book(((5_000, 10), (4_000, 5)), ((6_000, 7),)))) is None
    assert local.take(BookChange("m", ((4_500, 3), (4_000, 0)), ((6_000, 8), (9_999, 1)))) is None
    assert local.levels() == (((5_000, 10), (4_500, 3)), ((6_000, 8), (9_999, 1)))
    assert local.levels(1) == (((5_000, 10),), ((6_000, 8),))
    assert (local.best_bid, local.best_ask) == (5_000, 6_000)
    assert local.checksum == checksum([(5_000, 10), (4_500, 3)], [(6_000, 8), (9_999, 1)])
    local.take(BookSnapshot(book(((1, 1),), ())))
    assert local.levels() == (((1, 1),), ())


def test_a_change_that_comes_twice_changes_nothing() -> None:
    local = LocalBook()
    local.snapshot(book(((5_000, 10),), ((6_000, 7),)))
    change = BookChange("m", ((5_000, 4),), ((6_000, 0), (7_000, 2)))
    local.take(change)
    once = local.levels()
    local.take(change)
    assert local.levels() == once


def test_an_impossible_state_is_told() -> None:
    local = LocalBook()
    assert local.snapshot(book(((6_000, 1),), ((6_000, 1),))) == "crossed"
    assert local.take(BookChange("m", ((6_000, 0),), ())) is None
    for price, quantity in ((0, 1), (10_000, 1), (5_000, -1), (5_000, 10**12)):
        assert local.take(BookChange("m", ((price, quantity),), ())) == "impossible_level"
        assert local.levels()[0] == ()


def test_what_is_lost_is_not_known() -> None:
    local = LocalBook()
    local.snapshot(book(((5_000, 10),), ()))
    local.lose()
    assert (local.is_known, local.levels(), local.best_bid) == (False, ((), ()), None)
