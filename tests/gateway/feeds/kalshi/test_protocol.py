"""Kalshi's socket by its rules: snapshots, deltas, what is lost and how it comes back."""

import itertools
import json
from typing import Any

import pytest

from gateway.feeds.kalshi.numbers import NumberForms
from gateway.feeds.kalshi.socket.protocol import LOSSES_MAX, QUIET_S
from gateway.feeds.kalshi.socket.subscriptions import ANSWERED_S, TICKERS_AT_ONCE, SocketFailed
from gateway.feeds.model import TakenSide
from gateway.feeds.venue import (
    BookChange,
    BookSnapshot,
    LifeChanged,
    Lost,
    Printed,
    TopChanged,
)
from tests.venues.kalshi_samples import Shape
from tests.venues.kalshi_socket import BOOKS, KalshiSocket
from tests.venues.kalshi_talk import A, B, Talk, books


@pytest.mark.parametrize("shape", list(Shape))
def test_a_book_comes_first_then_what_changes(shape: Shape) -> None:
    whole = {A: {"yes": {3_600: 200, 3_700: 836_800}, "no": {6_100: 7_900}}}
    talk = Talk(KalshiSocket(whole, shape))
    [first] = talk.begin(A)
    assert isinstance(first, BookSnapshot)
    assert first.book.bids == ((3_700, 836_800), (3_600, 200))
    assert first.book.asks == ((3_900, 7_900),)
    assert first.book.venue_seq == "1"
    assert talk.settle(talk.venue.change(A, "no", 6_200, 500)) == [
        BookChange(A, (), ((3_800, 500),), "2", 1_795_683_600_500_000)
    ]
    assert talk.settle(talk.venue.change(A, "yes", 3_700, -836_800)) == [
        BookChange(A, ((3_700, 0),), (), "3", 1_795_683_600_500_000)
    ]
    assert talk.shown(A) == talk.venue.shown(A)
    expected = NumberForms(equal=7) if shape is Shape.BOTH else NumberForms()
    assert talk.client.forms == expected


def test_the_no_side_is_asked_for_by_the_price_of_yes() -> None:
    talk = Talk()
    talk.begin(A)
    [asked] = talk.commands("subscribe", BOOKS)
    assert asked["params"]["use_yes_price"] is True
    assert talk.venue.subscriptions[1].is_yes_leg


def test_a_venue_that_tells_no_by_its_own_price_is_understood_once_a_book_shows_it() -> None:
    # Of the first alone nobody can say by which price its NO side is told; of the other one can.
    whole = {
        B: {"yes": {1_000: 100}, "no": {2_000: 100}},
        A: {"yes": {6_000: 100}, "no": {3_800: 700}},
    }
    talk = Talk(KalshiSocket(whole, has_yes_price=False))
    talk.begin(B)
    assert talk.shown(B) != talk.venue.shown(B)
    talk.client.watch([A], talk.now)
    told = talk.settle()
    assert told[0] == Lost((B,), "price_scale")
    assert talk.client.counts["own_leg"] == 1
    for side, price in (("no", 2_100), ("yes", 1_100)):
        talk.settle(talk.venue.change(B, side, price, 500))
    assert (talk.shown(A), talk.shown(B)) == (talk.venue.shown(A), talk.venue.shown(B))


def test_a_book_that_is_crossed_by_either_price_is_none() -> None:
    talk = Talk()
    talk.venue.books[A] = {"yes": {9_000: 100}, "no": {9_000: 100, 1_000: 100}}
    talk.venue.withheld = {A}
    talk.begin(A)
    talk.venue.withheld = set()
    frame = talk.venue.snapshots()[0]
    talk.client.receive(frame, talk.now)
    assert talk.client.take_events() == []
    assert talk.client.refused == ["crossed"]


def test_two_markets_share_a_subscription_and_its_numbers() -> None:
    talk = Talk()
    talk.begin(A)
    talk.client.watch([B], talk.now)
    talk.settle()
    # "ok" took number 2, the snapshot 3: a detector per market would see a gap.
    snapshots = [event for event in talk.events if isinstance(event, BookSnapshot)]
    assert [event.book.venue_seq for event in snapshots] == ["1", "3"]
    for ticker in (A, B, A):
        talk.settle(talk.venue.change(ticker, "yes", 3_500, 100))
    assert talk.client.counts["gaps"] == 0
    assert (talk.shown(A), talk.shown(B)) == (talk.venue.shown(A), talk.venue.shown(B))
    assert len(talk.commands("subscribe", BOOKS)) == 1


def test_a_gap_loses_every_book_of_the_subscription_and_brings_each_back() -> None:
    talk = Talk()
    talk.begin(A, B)
    talk.venue.change(A, "yes", 3_500, 100)
    told = talk.settle(talk.venue.change(A, "yes", 3_500, 100))
    assert told[0] == Lost((A, B), "gap")
    assert [event.book.external_id for event in told[1:] if isinstance(event, BookSnapshot)] == [
        B,
        A,
    ]
    assert (talk.shown(A), talk.shown(B)) == (talk.venue.shown(A), talk.venue.shown(B))
    assert len(talk.commands("subscribe", BOOKS)) == 1


def test_no_delta_counts_before_its_snapshot() -> None:
    talk = Talk()
    talk.begin(A)
    talk.venue.change(A, "yes", 3_500, 100)
    [late] = talk.venue.change(A, "yes", 3_400, 100)
    talk.client.receive(late, talk.now)
    [early] = talk.venue.change(A, "yes", 3_300, 100)
    talk.client.receive(early, talk.now)
    assert talk.client.take_events() == [Lost((A,), "gap")]
    talk.settle()
    # The mirror wasn't told of the loss by `settle`, but the snapshot replaced it.
    assert talk.shown(A) == talk.venue.shown(A)


def test_what_comes_twice_is_passed_over_and_counted() -> None:
    talk = Talk()
    talk.begin(A)
    [frame] = talk.venue.change(A, "yes", 3_500, 100)
    assert len(talk.settle([frame, frame])) == 1
    assert talk.client.counts["repeated"] == 1
    assert talk.shown(A) == talk.venue.shown(A)


def test_without_get_snapshot_the_subscription_is_made_anew() -> None:
    talk = Talk(KalshiSocket(books(), has_snapshots=False))
    talk.begin(A, B)
    talk.venue.change(A, "yes", 3_500, 100)
    told = talk.settle(talk.venue.change(B, "yes", 3_500, 100))
    assert told[0] == Lost((A, B), "gap")
    assert (talk.shown(A), talk.shown(B)) == (talk.venue.shown(A), talk.venue.shown(B))
    assert len(talk.commands("subscribe", BOOKS)) == 2
    assert len(talk.commands("unsubscribe")) == 1
    # Frames of the old subscription that were under way mean nothing any more.
    old = {"market_ticker": A, "side": "yes", "price": 1, "delta": 1}
    frame = {"type": "orderbook_delta", "sid": 1, "seq": 99, "msg": old}
    assert talk.settle([json.dumps(frame)]) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"side": "yes", "price_dollars": "0.3700", "delta_fp": "-999999.00"}, "impossible"),
        ({"side": "maybe", "price": 37, "delta": 1}, "unreadable"),
        ({"side": "yes", "price": 37}, "unreadable"),
        ({"side": "yes", "price": 0, "delta": 1}, "unreadable"),
        ({"side": "yes", "price": 37, "delta": "one"}, "unreadable"),
        ({"side": 5, "price": 37, "delta": 1}, "unreadable"),
    ],
)
def test_a_delta_that_cant_be_is_a_loss_of_its_book(content: dict[str, Any], reason: str) -> None:
    talk = Talk()
    talk.begin(A, B)
    talk.venue.subscriptions[1].seq += 1
    frame = {"type": "orderbook_delta", "sid": 1, "seq": 3, "msg": {"market_ticker": A, **content}}
    told = talk.settle([json.dumps(frame)])
    assert told[0] == Lost((A,), reason)
    assert isinstance(told[1], BookSnapshot)
    assert talk.shown(A) == talk.venue.shown(A)
    assert len(talk.client.refused) == (reason == "unreadable")


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"type":7}', '{"sid":1}', "\ud800".encode("utf-8", "surrogatepass")]
)
def test_a_frame_that_is_none_may_have_been_anybodys(text: str | bytes) -> None:
    talk = Talk()
    talk.begin(A, B)
    talk.client.receive(text, talk.now)
    assert talk.settle()[0] == Lost((A, B), "unreadable")
    assert (talk.shown(A), talk.shown(B)) == (talk.venue.shown(A), talk.venue.shown(B))


def test_a_snapshot_that_differs_is_told_and_counted() -> None:
    talk = Talk()
    talk.begin(A)
    talk.venue.books[A]["yes"][3_000] = 100
    [event] = talk.settle(talk.venue.snapshots())
    assert isinstance(event, BookSnapshot)
    assert talk.client.counts["drifted"] == 1
    assert talk.shown(A) == talk.venue.shown(A)


def test_prints_tops_and_lives() -> None:
    talk = Talk()
    talk.begin(A)
    traded = talk.venue.say(
        "trade", A, trade_id="t1", yes_price=38, no_price=62, count=5, taker_side="no",
        ts=1_770_897_981,
    )  # fmt: skip
    [printed] = talk.settle(traded)
    assert isinstance(printed, Printed)
    trade = printed.trade
    assert (trade.trade_id, trade.yes_price, trade.quantity) == ("t1", 3_800, 500)
    assert (trade.taken, trade.venue_at) == (TakenSide.NO, 1_770_897_981_000_000)
    top = talk.venue.say(
        "ticker", A, price_dollars="0.3850", yes_bid=37, yes_ask=100, yes_ask_size_fp="0.00",
        volume_fp="531.50", open_interest=517, ts_ms=1_770_897_981_250,
    )  # fmt: skip
    assert talk.settle(top) == [
        TopChanged(
            external_id=A,
            best_bid=3_700,
            last_price=3_850,
            volume_total="531.5",
            open_interest=51_700,
            venue_at=1_770_897_981_250_000,
        )
    ]
    life = "market_lifecycle_v2"
    for ticker, kind in ((A, "determined"), ("NEW-1", "created"), ("OTHER-1", "determined")):
        talk.settle(talk.venue.say(life, ticker, event_type=kind))
    changed = [event for event in talk.events if isinstance(event, LifeChanged)]
    assert changed == [LifeChanged(A), LifeChanged("NEW-1")]


def test_gaps_of_the_tape_are_no_loss() -> None:
    talk = Talk()
    talk.begin(A)
    talk.venue.subscriptions[3].seq = 47
    traded = talk.venue.say("trade", A, trade_id="t", yes_price=38, count=1, ts=1_770_897_981)
    assert isinstance(talk.settle(traded)[0], Printed)
    assert talk.client.counts["gaps"] == 0


def test_a_market_that_isnt_known_there_costs_the_others_nothing() -> None:
    talk = Talk()
    talk.begin(A, "NOBODY-1", B)
    assert set(talk.mirror) == {A, B}
    assert list(talk.client.wanted) == [A, B]
    assert LifeChanged("NOBODY-1") in talk.events
    assert talk.client.counts["unknown"] == 1
    talk.client.watch(["NOBODY-2"], talk.now)
    assert talk.settle() == [LifeChanged("NOBODY-2")]
    talk.settle(talk.venue.change(A, "yes", 3_500, 100))
    assert talk.shown(A) == talk.venue.shown(A)


def test_the_last_market_that_goes_ends_the_subscriptions() -> None:
    talk = Talk()
    talk.begin(A, B)
    talk.client.unwatch([A], talk.now)
    talk.settle()
    assert talk.venue.subscriptions[1].tickers == {B}
    talk.client.unwatch([B], talk.now)
    talk.settle()
    assert talk.venue.subscriptions == {}
    talk.client.watch([A], talk.now)
    talk.settle()
    assert sorted(one.channel for one in talk.venue.subscriptions.values()) == [
        "market_lifecycle_v2",
        "orderbook_delta",
        "ticker",
        "trade",
    ]
    assert talk.shown(A) == talk.venue.shown(A)


def test_a_new_for_an_old_market_never_leaves_a_subscription_to_all() -> None:
    talk = Talk()
    talk.begin(A)
    talk.client.watch([B], talk.now)
    talk.client.unwatch([A], talk.now)
    talk.settle()
    for one in talk.venue.subscriptions.values():
        if one.channel != "market_lifecycle_v2":
            assert one.tickers == {B}
    for told in talk.commands("subscribe"):
        is_of_all = told["params"]["channels"] == ["market_lifecycle_v2"]
        assert ("market_tickers" in told["params"]) != is_of_all


def test_many_markets_are_named_in_several_commands() -> None:
    tickers = [f"M-{number}" for number in range(3 * TICKERS_AT_ONCE - 1)]
    talk = Talk(KalshiSocket(books(*tickers)))
    talk.begin(*tickers)
    assert set(talk.mirror) == set(tickers)
    for told in talk.venue.heard:
        assert len(told["params"].get("market_tickers", ())) <= TICKERS_AT_ONCE


def test_a_new_connection_subscribes_to_all_and_says_what_was_missed() -> None:
    talk = Talk()
    talk.begin(A, B)
    talk.client.disconnected(talk.now)
    assert talk.settle() == [Lost((A, B), "disconnected")]
    talk.client.unwatch([B], talk.now)
    assert talk.client.take_commands() == []
    talk.venue = KalshiSocket(books())
    talk.venue.books[A]["yes"][3_650] = 100
    talk.client.connected(talk.now)
    assert [type(event) for event in talk.settle()] == [BookSnapshot]
    assert talk.shown(A) == talk.venue.shown(A)
    assert len(talk.venue.subscriptions) == 4


def test_a_snapshot_that_doesnt_come_is_asked_for_by_a_new_subscription_then_given_up() -> None:
    talk = Talk()
    talk.venue.withheld = {B}
    talk.begin(A, B)
    assert talk.wait(ANSWERED_S) == []
    told = talk.wait(1)
    assert told[0] == Lost((A,), "resubscribed")
    assert len(talk.commands("subscribe", BOOKS)) == 2
    talk.wait(ANSWERED_S + 1)
    assert list(talk.client.wanted) == [A]
    assert talk.client.counts["bookless"] == 1
    talk.settle(talk.venue.change(A, "yes", 3_500, 100))
    assert talk.shown(A) == talk.venue.shown(A)


def test_a_connection_on_which_no_snapshot_comes_is_of_no_use() -> None:
    talk = Talk()
    talk.venue.withheld = {A, B}
    talk.begin(A, B)
    talk.wait(ANSWERED_S + 1)
    with pytest.raises(SocketFailed, match="no snapshot"):
        talk.wait(ANSWERED_S + 1)


def test_a_connection_that_doesnt_answer_is_of_no_use() -> None:
    talk = Talk()
    talk.venue.is_mute = True
    talk.begin(A)
    with pytest.raises(SocketFailed, match="isn't answered"):
        talk.wait(ANSWERED_S + 1)


def test_silence_is_asked_about_and_only_then_taken_for_an_end() -> None:
    talk = Talk()
    talk.begin(A)
    talk.wait(QUIET_S + 1)
    assert len(talk.commands("list_subscriptions")) == 1
    # It answered, so calm is calm.
    talk.wait(ANSWERED_S + 1)
    talk.venue.is_mute = True
    talk.wait(QUIET_S)
    assert len(talk.commands("list_subscriptions")) == 2
    with pytest.raises(SocketFailed, match="silent"):
        talk.wait(ANSWERED_S + 1)


def test_too_many_losses_ask_for_another_connection() -> None:
    talk = Talk()
    talk.begin(A)
    for _ in range(LOSSES_MAX):
        talk.venue.change(A, "yes", 3_500, 100)
        talk.settle(talk.venue.change(A, "yes", 3_500, 100))
    talk.venue.change(A, "yes", 3_500, 100)
    with pytest.raises(SocketFailed, match="too much"):
        talk.settle(talk.venue.change(A, "yes", 3_500, 100))


@pytest.mark.parametrize("code", [9, 6])
def test_a_refusal_of_everything_ends_the_connection(code: int) -> None:
    talk = Talk()
    talk.begin(A)
    error = {"type": "error", "id": 999, "msg": {"code": code, "msg": "secret"}}
    with pytest.raises(SocketFailed, match=f"code {code}") as told:
        talk.client.receive(json.dumps(error), talk.now)
    assert "secret" not in str(told.value)


def test_a_venue_without_lifecycle_is_watched_without() -> None:
    talk = Talk(KalshiSocket(books(), has_lifecycle=False))
    talk.begin(A)
    assert set(talk.mirror) == {A}
    assert len(talk.commands("subscribe", "market_lifecycle_v2")) == 1


def test_markets_that_come_and_go_in_any_order_are_agreed_on() -> None:
    names = [f"M-{number}" for number in range(4)]
    for order in itertools.permutations(names, 3):
        talk = Talk(KalshiSocket(books(*names)))
        talk.client.connected(talk.now)
        talk.client.watch(order[:2], talk.now)
        talk.client.unwatch(order[:1], talk.now)
        talk.client.watch(order[2:], talk.now)
        talk.settle()
        assert talk.venue.subscriptions
        for one in talk.venue.subscriptions.values():
            if one.channel != "market_lifecycle_v2":
                assert one.tickers == set(order[1:])
        assert set(talk.mirror) >= set(order[1:])
