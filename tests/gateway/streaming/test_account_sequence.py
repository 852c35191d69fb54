"""Private messages are numbered 1, 2, 3 ... without a hole, whatever the commands were.

The core moves `account.seq` for three kinds of change and the announcer counts the same three back:
a fourth kind that one of them doesn't know breaks the numbers here before it does at a client's.
"""

from typing import Any

import pytest

from exchange.messages.commands import (
    CancelAll,
    CreditAccount,
    OpenAccount,
    PlaceOrder,
    ResolveMarket,
    SetMarketStatus,
)
from exchange.messages.events import CommandRejected, Event, FundsCredited
from exchange.messages.terms import NO, MarketStatus, Resolution
from exchange.model.state import State
from exchange.transitions import transitions
from gateway.observability.tallies import Tally
from gateway.sockets.rooms import Everybody, UserRooms
from gateway.streaming.announcer import Announcer
from gateway.streaming.rooms import Rooms
from gateway.trading.results import JustPlaced, placed_view
from tests.gateway.commit_fake import CommitFake
from tests.gateway.random_flow import random_commands
from tests.gateway.socket_desk import CREDITS, EPOCH, create_market
from tests.gateway.streaming.test_book_messages import PEOPLE, Reader, bid

MESSAGES = {
    "order_placed",
    "order_updated",
    "order_cancelled",
    "order_filled",
    "balance_updated",
    "position_updated",
}


class Listening:
    """An engine without a past, and a reader for each of its accounts to be."""

    def __init__(self) -> None:
        users = UserRooms[Reader]()
        self.engine = CommitFake()
        self.placed = JustPlaced()
        announcer = Announcer(Rooms(EPOCH), users, Everybody(), Tally(), self.placed)
        self.engine.listeners.append(announcer)
        self.readers = {number: Reader() for number in range(1, PEOPLE + 1)}
        for number, reader in self.readers.items():
            users.join(reader, number)
        self.engine.run(create_market())
        self.engine.run(*(OpenAccount(number, CREDITS) for number in self.readers))

    def messages(self) -> dict[int, list[tuple[str, Any]]]:
        return {number: reader.messages() for number, reader in self.readers.items()}


def check_fills(messages: list[tuple[str, Any]]) -> None:
    """Fills follow their order's message under its number, and add up to what it was filled."""
    filled: dict[str, int] = {}
    order: dict[str, Any] = {}
    for place, (name, data) in enumerate(messages):
        following = messages[place + 1][0] if place + 1 < len(messages) else ""
        if name.startswith("order_") and name != "order_filled":
            order = data
        if name == "order_filled":
            assert (data["orderId"], data["accountSeq"]) == (order["id"], order["accountSeq"])
            assert (data["side"], data["outcome"]) == (order["side"], order["outcome"])
            quantity = int(data["quantity"].replace(".", ""))
            filled[order["id"]] = filled.get(order["id"], 0) + quantity
        if order and following != "order_filled":
            assert filled.get(order["id"], 0) == int(order["filled"].replace(".", ""))


@pytest.mark.parametrize("seed", range(3))
def test_everything_that_is_marked_is_announced(seed: int) -> None:
    print(f"seed {seed}")
    listening = Listening()
    engine = listening.engine
    for command in random_commands(seed, engine.view, 1, PEOPLE, 800):
        engine.run(command)
    engine.run(*(CreditAccount(number, 5, "gift") for number in listening.readers))
    engine.run(SetMarketStatus(1, MarketStatus.HALTED), CancelAll(1, None))
    engine.run(ResolveMarket(1, Resolution.YES, None, ""))
    heard = set()
    for number, messages in listening.messages().items():
        numbers = [data["accountSeq"] for name, data in messages if name != "order_filled"]
        assert numbers == list(range(1, engine.view.accounts[number].seq + 1))
        check_fills(messages)
        heard |= {name for name, _ in messages}
    assert heard == MESSAGES


def test_an_answer_tells_of_its_order_what_a_message_told_before_it() -> None:
    listening = Listening()
    engine, placed = listening.engine, listening.placed
    shown = 0
    for command in random_commands(7, engine.view, 1, PEOPLE, 800):
        (answer,) = engine.run(command)
        if not isinstance(command, PlaceOrder) or isinstance(answer.events[0], CommandRejected):
            assert placed.take(answer.seq, answer.at) is None
            continue
        kept = placed.take(answer.seq, answer.at)
        assert kept is not None
        placed.tell(answer.seq, answer.at, kept)
        market = engine.view.markets[command.market_id]
        assert placed_view(answer, market, placed) == placed_view(answer, market)
        # Once: a repeat finds what its own events say.
        assert placed.take(answer.seq, answer.at) is None
        shown += 1
    assert shown > 100


def test_an_answer_takes_nothing_that_was_told_before_the_database_was_put_back() -> None:
    """Its numbers come again, for other orders; a gateway lives through that."""
    before, after = Listening(), CommitFake()
    after.run(create_market(), *(OpenAccount(number, CREDITS) for number in before.readers))
    (told,) = before.engine.run(bid(1, 5_000, 100))
    (answer,) = after.run(bid(2, 4_000, 200, NO))
    assert answer.seq == told.seq
    market = after.view.markets[1]
    assert placed_view(answer, market, before.placed) == placed_view(answer, market)


def test_what_no_answer_takes_is_pushed_out() -> None:
    placed = JustPlaced()
    for seq in range(5_000):
        placed.tell(seq, 1, (seq,))
    assert placed.take(0, 1) is None
    kept = [seq for seq in range(5_000) if placed.take(seq, 1) == (seq,)]
    assert kept == list(range(5_000 - len(kept), 5_000))
    assert 100 < len(kept) < 2_000


def test_a_fourth_kind_that_nobody_announces_leaves_a_hole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    credited = transitions.funds_credited

    def marked_once_more(state: State, event: Event) -> None:
        assert isinstance(event, FundsCredited)
        credited(state, event)
        state.accounts[event.account_id].seq += 1

    listening = Listening()
    assert [data["accountSeq"] for _, data in listening.messages()[1]] == [1]
    table: dict[Any, Any] = transitions._APPLY
    monkeypatch.setitem(table, FundsCredited, marked_once_more)
    listening.engine.run(CreditAccount(1, 5, "gift"))
    assert [data["accountSeq"] for _, data in listening.messages()[1]] == [3]
