"""What the sockets hear of each command, right after its commit.

    m:{id}         trade_executed, market_updated; ticker and candles are told by others
    m:{id}:YES/NO  orderbook_update
    u:{id}         order_placed / order_updated / order_cancelled, order_filled,
                   balance_updated, position_updated
    everybody      exchange_updated

Laws: `on_execution` never waits and is called once per command, in order, with the view moved and
`view.dirty` describing exactly that command. A message is built only if somebody listens, and
encoded once. Public messages carry (epoch, seq) of their market; private ones, which
`account_messages` makes, the account's sequence.

A fault of ours in making a message doesn't reach the engine, which would stop
(`sockets/untold.py`).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from exchange.messages.account_events import StandingChanged
from exchange.messages.commands import PlaceOrder
from exchange.messages.events import (
    ExchangeModeChanged,
    MarketEdited,
    MarketResolved,
    MarketStatusChanged,
    OrderAmended,
    TradeExecuted,
)
from exchange.messages.execution import Execution
from exchange.messages.terms import ExchangeMode, Standing
from exchange.model.accounts import Holding
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.state import State
from gateway.markets.views import MarketView, TradeView, market_view, trade_fields
from gateway.observability.tallies import Tally
from gateway.sockets.framing.frames import Message, Messages
from gateway.sockets.rooms import Everybody, Room, UserRooms
from gateway.sockets.untold import Untold
from gateway.streaming.account_messages import Stamp, account_messages
from gateway.streaming.book_messages import changed_levels
from gateway.streaming.rooms import MarketRooms, Rooms, best_of
from gateway.trading.results import JustPlaced
from gateway.wire.scalars import iso_millis, time_if_known
from gateway.wire.strict_json import AnswerStruct

_fields: Final = msgspec.structs.astuple


class TradeMessage(TradeView, frozen=True, gc=False):
    """A print of the tape; `seq` is the market's."""

    epoch: int


class MarketMessage(MarketView, frozen=True, kw_only=True):
    """A market whose life went on."""

    epoch: int


class ExchangeMessage(AnswerStruct, frozen=True):
    """What the exchange takes from now on; `seq` is the command that said so.

    `postOnlyUntil`, else null, is when it opens by itself after a restart.
    """

    mode: ExchangeMode
    post_only_until: str | None
    seq: int
    epoch: int
    timestamp: str


_OF_ITS_LIFE: Final = (MarketStatusChanged, MarketResolved, MarketEdited)
OwnedT = TypeVar("OwnedT", Order, Holding)


def _fills(execution: Execution, users: Mapping[int, object]) -> dict[int, list[TradeExecuted]]:
    """Return the trades of a command by their orders, as far as somebody listens."""
    found: dict[int, list[TradeExecuted]] = {}
    if len(execution.events) == 1:
        return found
    for event in execution.events:
        if type(event) is TradeExecuted:
            if event.taker_account_id in users:
                found.setdefault(event.taker_order_id, []).append(event)
            if event.maker_account_id in users:
                found.setdefault(event.maker_order_id, []).append(event)
    return found


def _by_account(records: Iterable[OwnedT], users: Mapping[int, object]) -> dict[int, list[OwnedT]]:
    """Return what belongs to those who listen, by account."""
    found: dict[int, list[OwnedT]] = {}
    for record in records:
        owner = record.account_id
        if owner in found:
            found[owner].append(record)
        elif owner in users:
            found[owner] = [record]
    return found


def _members(room: Room[Any] | None) -> Iterable[Any]:
    return () if room is None else room.members


class Announcer:
    """Turns committed commands into messages."""

    __slots__ = ("_everybody", "_placed", "_rooms", "_sent", "_untold", "_users")

    def __init__(
        self,
        rooms: Rooms,
        users: UserRooms[Any],
        everybody: Everybody[Any],
        sent: Tally,
        placed: JustPlaced | None = None,
    ) -> None:
        """Tell who is in these rooms; `placed` hears what was told of orders just placed."""
        self._rooms = rooms
        self._placed = placed
        self._users = users.rooms
        self._everybody = everybody
        self._sent = sent
        self._untold = Untold()

    def on_execution(self, execution: Execution, view: State) -> None:
        """Queue everything that listeners must hear of one command; never raises."""
        rooms = self._rooms
        dirty = view.dirty
        if rooms.markets:
            for market in dirty.markets:
                listened = rooms.markets.get(market.id)
                if listened is not None and market.published == view.seq:
                    try:
                        self._tell_market(listened, market, execution, view)
                    except Exception as error:  # noqa: BLE001 - the outermost boundary of the fan-out
                        self._untold.send_away(listened.members(), error)
                    listened.seq, listened.trade_no = market.seq, market.trade_no
        if self._users and dirty.accounts:
            self._tell_accounts(execution, view)
        last = execution.events[-1]
        if type(last) is StandingChanged and last.standing is Standing.SUSPENDED:
            for member in list(_members(self._users.get(last.account_id))):
                member.suspended()
        if type(execution.events[0]) is ExchangeModeChanged:
            self._tell_everybody(execution, view)

    def _tell_everybody(self, execution: Execution, view: State) -> None:
        at = iso_millis(execution.at)
        changed = ExchangeMessage(
            view.mode, time_if_known(view.post_only_until), execution.seq, self._rooms.epoch, at
        )
        message = Message("exchange_updated", changed)
        for member in self._everybody.members():
            member.outbound.push(message.frame(member.namespace))
            self._sent.count += 1

    def _tell_market(
        self, listened: MarketRooms, market: Market, execution: Execution, view: State
    ) -> None:
        epoch, tape = self._rooms.epoch, listened.trades
        amends: list[OrderAmended] = []
        for event in execution.events:
            kind = type(event)
            if kind is OrderAmended:
                amends.append(event)  # type: ignore[arg-type]
            elif kind is TradeExecuted:
                trade: TradeExecuted = event  # type: ignore[assignment]
                if tape.members and trade.market_id == market.id:
                    fields = (*trade_fields(trade, market, execution.at), epoch)
                    self._send(tape, Message("trade_executed", TradeMessage(*fields)))
        books = [book for book in listened.books.values() if book.seats]
        if books:
            bids, asks = changed_levels(market, view.dirty.orders, view.seq, amends)
            for book in books:
                book.send(market, bids, asks)
                self._sent.count += len(book.seats)
        if listened.top is not None:
            self._sent.count += listened.top.tell(market.seq, *best_of(market))
        if any(type(event) in _OF_ITS_LIFE for event in execution.events):
            listened.lifecycle_seq = market.seq
            if listened.lifecycle.members:
                told = MarketMessage(*_fields(market_view(market)), epoch=epoch)
                self._send(listened.lifecycle, Message("market_updated", told))

    def _tell_accounts(self, execution: Execution, view: State) -> None:
        users = self._users
        dirty = view.dirty
        fills = _fills(execution, users)
        placed = self._placed if type(execution.command) is PlaceOrder else None
        orders = _by_account(dirty.orders, users)
        holdings = _by_account(dirty.holdings, users) if dirty.holdings else {}
        stamp = Stamp(view.seq, view.now, self._rooms.epoch)
        for account in dirty.accounts:
            room = users.get(account.id)
            if room is None:
                continue
            theirs = orders.get(account.id, ()), holdings.get(account.id, ())
            try:
                told = account_messages(stamp, account, *theirs, fills, view.markets, placed)
                room.send_all(Messages(told))
                self._sent.count += len(told) * len(room.members)
            except Exception as error:  # noqa: BLE001 - as above
                self._untold.send_away(room.members, error)

    def _send(self, room: Room[Any], message: Message) -> None:
        room.send(message)
        self._sent.count += len(room.members)
