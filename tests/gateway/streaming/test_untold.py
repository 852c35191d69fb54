"""A message that can't be made costs its readers their sockets, and trading nothing."""

import asyncio
import logging

import pytest

from exchange.messages.commands import OpenAccount, PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES, Outcome
from gateway.observability.tallies import Tally
from gateway.sockets.link import UNTOLD
from gateway.sockets.rooms import Everybody, UserRooms
from gateway.streaming.announcer import Announcer
from gateway.streaming.rooms import Rooms
from tests.gateway.commit_fake import CommitFake
from tests.gateway.socket_client import socket_client
from tests.gateway.socket_desk import CREDITS, EPOCH, create_market, open_socket_desk
from tests.gateway.streaming.test_book_messages import Reader, book_of


def bid(account_id: int, market_id: int, outcome: Outcome = YES) -> PlaceOrder:
    return PlaceOrder(account_id, market_id, BUY, outcome, LIMIT, 5_000, 100, GTC)


def fail(*_args: object) -> None:
    raise ZeroDivisionError("no such message")


@pytest.fixture
def engine() -> CommitFake:
    engine = CommitFake()
    engine.run(create_market(), create_market("snow"))
    engine.run(*(OpenAccount(number, CREDITS) for number in (1, 2)))
    return engine


def test_who_follows_a_market_that_cannot_be_told_is_sent_away(
    engine: CommitFake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)  # others have set the process's logs up
    rooms, users = Rooms(EPOCH), UserRooms[Reader]()
    engine.listeners.append(Announcer(rooms, users, Everybody(), Tally()))
    rain, both, snow, ann = readers = [Reader() for _ in range(4)]
    for reader, market_id, outcome in (
        (rain, 1, YES),
        (both, 1, NO),
        (both, 2, YES),
        (snow, 2, NO),
    ):
        rooms.join_market(reader, engine.view.markets[market_id], (outcome,))
    users.join(ann, 1)
    engine.run(bid(1, 1), bid(1, 2))
    monkeypatch.setattr("gateway.streaming.announcer.trade_fields", fail)
    engine.run(bid(2, 1, NO))
    assert [reader.sent_away for reader in readers] == [1, 1, 0, 0]
    told = [name for name, _ in ann.messages()]
    last = ["order_updated", "order_filled", "balance_updated", "position_updated"]
    assert told[-4:] == last
    engine.run(bid(2, 2, NO))
    assert [reader.sent_away for reader in readers] == [1, 2, 1, 0]
    assert engine.view.markets[2].trade_no == 1
    (said,) = caplog.records
    assert (said.levelno, said.exc_info and said.exc_info[0]) == (logging.ERROR, ZeroDivisionError)


def test_where_a_market_stands_is_known_although_it_was_not_told(
    engine: CommitFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms, users = Rooms(EPOCH), UserRooms[Reader]()
    early, late = Reader(), Reader()
    engine.listeners.append(Announcer(rooms, users, Everybody(), Tally()))
    market = engine.view.markets[1]
    rooms.join_market(early, market, (YES,))
    engine.run(bid(1, 1))
    with monkeypatch.context() as patch:
        patch.setattr("gateway.streaming.announcer.trade_fields", fail)
        engine.run(bid(2, 1, NO))
    rooms.join_market(late, market, (YES,))
    assert (rooms.markets[1].seq, rooms.markets[1].trade_no) == (market.seq, 1)
    engine.run(bid(1, 1))
    assert [(m["kind"], m["prevSeq"], m["seq"]) for m in book_of(late)] == [
        ("snapshot", None, 3),
        ("delta", 3, 4),
    ]


def test_a_user_who_cannot_be_told_is_sent_away_alone(
    engine: CommitFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms, users = Rooms(EPOCH), UserRooms[Reader]()
    ann, bob, rain = Reader(), Reader(), Reader()
    engine.listeners.append(Announcer(rooms, users, Everybody(), Tally()))
    users.join(ann, 1)
    users.join(bob, 2)
    rooms.join_market(rain, engine.view.markets[1], (YES,))
    monkeypatch.setattr("gateway.streaming.account_messages.order_fields", fail)
    engine.run(bid(1, 1))
    assert [reader.sent_away for reader in (ann, bob, rain)] == [1, 0, 0]
    assert len(book_of(rain)) == 2


async def test_a_socket_that_was_not_told_is_closed_and_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as trader:
        async with socket_client(desk.port) as client:
            await client.ok("subscribe:market", {"slug": "rain"})
            with monkeypatch.context() as patch:
                patch.setattr("gateway.streaming.rooms.book_messages.delta", fail)
                order = {"market": "rain", "side": "BUY", "outcome": "YES", "type": "LIMIT"}
                await trader.ok("order:place", order | {"price": "0.5", "quantity": "1"})
            await asyncio.wait_for(client.closed.wait(), 30)
            assert (client.close_code, client.close_reason) == (1012, UNTOLD)
        async with socket_client(desk.port) as again:
            await again.ok("subscribe:market", {"slug": "rain"})
            snapshot = again.heard("orderbook_update")[0]
            assert (snapshot["kind"], snapshot["bids"]) == ("snapshot", [["0.5000", "1.00"]])
