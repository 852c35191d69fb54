"""Who listens to which market: the rooms of markets and of their books.

    m:{id}        trades, the market's own changes, its ticker and candles
    m:{id}:YES, m:{id}:NO    its book, all levels or the best

Laws: nothing here waits. Joining a book and queuing its snapshot is one step, so that no change
falls between the two. Rooms without members are forgotten. How a book's messages reach readers
that fall behind is `seats.py`'s, how those of a state do `sockets/state_room.py`'s.

What the ticker and the candles say is made elsewhere: whoever makes it opens the channel once
(`open_channel`) and hands in each message ready to be sent (`tell_channel`). A channel that nobody
has opened can't be followed.
"""

from collections.abc import Iterable, Mapping, Sequence

from exchange.messages.terms import Outcome
from exchange.model.market import Market
from gateway.markets.views import Changes
from gateway.sockets.framing.frames import Message
from gateway.sockets.rooms import Member
from gateway.streaming import book_messages
from gateway.streaming.channels.channel import BY_DEFAULT, STATES, Channel, Wish
from gateway.streaming.channels.market_rooms import ChannelRooms, First
from gateway.streaming.channels.top_of_book import Best, TopOfBook
from gateway.streaming.seats import Seats


class BookRoom(Seats):
    """Those who follow the book of one outcome."""

    __slots__ = ("_snapshot", "_snapshot_seq")

    def __init__(self, market_id: int, outcome: Outcome, epoch: int) -> None:
        super().__init__(market_id, outcome, epoch)
        self._snapshot: Message | None = None
        self._snapshot_seq = -1

    def join(self, member: Member, market: Market) -> None:
        """Add a member, or start one anew, and queue the snapshot everything later builds on."""
        if self._snapshot is None or self._snapshot_seq != market.seq:
            self._snapshot = book_messages.snapshot(market, self.outcome, self.epoch)
            self._snapshot_seq = market.seq
        self.begin(member, self._snapshot)

    def restart(self, market: Market) -> None:
        """Queue a snapshot for every member, whatever it has seen."""
        self._snapshot = None
        for member in self.seats:
            self.join(member, market)

    def send(self, market: Market, bids: Changes, asks: Changes) -> None:
        """Queue the change that brought the market to its seq, conflated for slow readers."""
        self._snapshot = None
        self.tell(market.seq, bids, asks, book_messages.view_checksum(market, self.outcome))


class MarketRooms(ChannelRooms[BookRoom]):
    """The rooms of one market."""

    __slots__ = ("seq", "trade_no")

    def __init__(self, market: Market, epoch: int) -> None:
        books = {outcome: BookRoom(market.id, outcome, epoch) for outcome in Outcome}
        super().__init__(books, market.seq)
        self.seq = market.seq
        """Of the last book message queued."""
        self.trade_no = market.trade_no
        """Of the last trade queued."""

    def join_top(self, member: Member, market: Market, outcome: Outcome, epoch: int) -> None:
        """Add a light reader of a book, and queue its best levels."""
        if self.top is None:
            self.top = TopOfBook(market.id, epoch)
        self.books[outcome].leave(member)
        self.top.join(member, outcome, market.seq, *best_of(market))

    def join_book(self, member: Member, market: Market, outcome: Outcome) -> None:
        """Add a reader of a whole book, and queue its snapshot."""
        self.leave_top(member, outcome)
        self.books[outcome].join(member, market)

    def begin_epoch(self, epoch: int, market: Market) -> None:
        """Queue a snapshot of each book under another epoch."""
        self.seq, self.trade_no = market.seq, market.trade_no
        for book in self.books.values():
            book.epoch = epoch
            book.restart(market)
        if self.top is not None:
            self.top.restart(epoch, market.seq, *best_of(market))


def best_of(market: Market) -> tuple[Best, Best]:
    """Return the best level of each side, in YES terms."""
    bid, ask = market.book.bids.best, market.book.asks.best
    return (
        None if bid is None else (bid.price, bid.quantity),
        None if ask is None else (ask.price, ask.quantity),
    )


class Rooms:
    """The rooms of all markets that anybody of the process follows."""

    __slots__ = ("_first", "epoch", "markets")

    def __init__(self, epoch: int = 0) -> None:
        self.epoch = epoch
        """Of the engine that leads."""
        self.markets: dict[int, MarketRooms] = {}
        self._first: dict[Channel, First] = {}

    # -- states that others make ----------------------------------------------------------------

    def open_channel(self, channel: Channel, first: First = lambda _market_id: ()) -> None:
        """Let `ticker` or `candles` be followed; called once, by whoever tells it.

        `first` gives the messages a new reader of a market's channel begins with. Raises ValueError
        for any other channel, or one that is open.
        """
        if channel not in STATES or channel in self._first:
            raise ValueError(f"the channel {channel.value} is no state, or is open already")
        self._first[channel] = first

    def is_open(self, channel: Channel) -> bool:
        """Say whether a channel can be followed."""
        return channel not in STATES or channel in self._first

    def tell_channel(
        self,
        market_id: int,
        channel: Channel,
        message: Message,
        *,
        key: object = None,
        seq: int | None = None,
    ) -> int:
        """Queue a ready message for all who follow a state of a market; return how many those are.

        For a slow reader the newest message of each `key` (for candles the interval and its
        begin, say) is kept. `seq` is the market's that the message is true of, by default where
        the market stands now; heartbeats tell it as `tickerSeq` or `candlesSeq`.
        """
        rooms = self.markets.get(market_id)
        room = None if rooms is None else rooms.states.get(channel)
        if rooms is None or room is None:
            return 0
        room.seq = rooms.seq if seq is None else seq
        room.send(message, key)
        return len(room.members)

    # -- coming and going -----------------------------------------------------------------------

    def join_market(
        self,
        member: Member,
        market: Market,
        outcomes: Iterable[Outcome],
        channels: Sequence[Channel] = BY_DEFAULT,
        *,
        is_light: bool = False,
    ) -> None:
        """Put a member into a market's rooms and books; queues a snapshot of each book, or, for a
        light reader, of its best levels.
        """
        rooms = self.markets.get(market.id)
        if rooms is None:
            rooms = self.markets[market.id] = MarketRooms(market, self.epoch)
        rooms.join_tape(member, Wish(channels=tuple(channels)))
        for outcome in outcomes:
            if is_light:
                rooms.join_top(member, market, outcome, self.epoch)
            else:
                rooms.join_book(member, market, outcome)
        for channel in channels:
            if channel in self._first:
                first = self._first[channel](market.id)
                rooms.join_state(member, channel, market.seq, *first)

    def hold(self, member: Member, market: Market, wish: Wish) -> None:
        """Let a member hear what is said from now on, without a snapshot of anything."""
        rooms = self.markets.get(market.id)
        if rooms is None:
            rooms = self.markets[market.id] = MarketRooms(market, self.epoch)
        rooms.join_tape(member, wish)
        for outcome in wish.outcomes:
            rooms.books[outcome].begin(member, None)

    def hand_over(self, member: Member, to: Member, market_id: int, wish: Wish) -> None:
        """Let another member sit where one was held, and begin the states that are wished for."""
        rooms = self.markets[market_id]
        rooms.hand_over(member, to)
        for channel in wish.channels:
            if channel in self._first:
                rooms.join_state(to, channel, rooms.seq, *self._first[channel](market_id))

    def leave(self, member: Member, market_id: int, wish: Wish) -> None:
        """Take a member out of what is meant; the last one takes the market's rooms along."""
        rooms = self.markets.get(market_id)
        if rooms is not None:
            rooms.leave(member, wish)
            if rooms.is_empty:
                del self.markets[market_id]

    def begin_epoch(self, epoch: int, markets: Mapping[int, Market]) -> None:
        """Go on under another engine: every book followed begins anew with a snapshot."""
        self.epoch = epoch
        for market_id, rooms in self.markets.items():
            market = markets.get(market_id)
            if market is not None:
                rooms.begin_epoch(epoch, market)
