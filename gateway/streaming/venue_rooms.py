"""Who listens to which market of another venue: the same rooms and events as for ours.

    m:{id}        trade_executed, market_updated      m:{id}:YES, m:{id}:NO    orderbook_update

Laws: as for ours (`rooms.py`): joining and queuing the snapshot is one step; each seq is one book
message, an empty one if the book stayed as it was; NO is the mirror of YES. `epoch` and `seq` are
ours (`feeds/live/followed.py`); before the venue has shown a book there is none, and its snapshot
is the first book message. A market is followed for as long as it has a reader, and a little longer.
"""

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import YES, Outcome
from gateway.feeds.api.views import AnyTradeView, ListedMarketView, venue_trade_view
from gateway.feeds.live.followed import Followed, Step
from gateway.feeds.live.following import READERS, Following
from gateway.feeds.live.views import followed_view
from gateway.markets.views import CHECKSUM_LEVELS, Levels, checksum, wire_levels
from gateway.observability.tallies import Tally
from gateway.sockets.framing.frames import Message
from gateway.sockets.rooms import Member, Room
from gateway.sockets.untold import Untold
from gateway.streaming.book_messages import EVENT, BookUpdate
from gateway.streaming.channels.channel import Wish
from gateway.streaming.channels.market_rooms import ChannelRooms
from gateway.streaming.channels.top_of_book import Best, TopOfBook
from gateway.streaming.seats import Seats
from persistence.clock import now_us


class VenueTradeMessage(AnyTradeView, frozen=True, kw_only=True):
    """A print of another venue's tape; `seq` and `tradeNo` are ours, within the epoch."""

    epoch: int


def venue_levels(followed: Followed, outcome: Outcome, depth: int) -> tuple[Levels, Levels]:
    """Return (bids, asks) of the outcome's view, at most `depth` levels each."""
    bids, asks = followed.levels(depth)
    if outcome is YES:
        return list(bids), list(asks)
    turned = [[(PRICE_SCALE - price, qty) for price, qty in side] for side in (asks, bids)]
    return turned[0], turned[1]


class VenueBookRoom(Seats):
    """Those who follow the book of one outcome."""

    __slots__ = ("_followed", "_snapshot", "_snapshot_seq")

    def __init__(self, followed: Followed, outcome: Outcome) -> None:
        super().__init__(followed.id, outcome, followed.epoch)
        self._followed = followed
        self._snapshot: Message | None = None
        self._snapshot_seq = -1

    def join(self, member: Member) -> None:
        """Add a member, or start one anew, with the book if it is known."""
        self.begin(member, self._whole() if self._followed.shows_book else None)

    def send(self, step: Step) -> None:
        """Queue the book message of a step."""
        followed = self._followed
        if not followed.shows_book:
            return
        if step.is_whole:
            for member in self.seats:
                self.join(member)
            return
        total = checksum(*venue_levels(followed, self.outcome, CHECKSUM_LEVELS))
        self.tell(step.seq, step.bids, step.asks, total)

    def _whole(self) -> Message:
        followed = self._followed
        if self._snapshot is None or self._snapshot_seq != followed.seq:
            bids, asks = venue_levels(followed, self.outcome, PRICE_SCALE)
            self._snapshot_seq = followed.seq
            self._snapshot = Message(
                EVENT,
                BookUpdate(
                    followed.id, self.outcome, followed.epoch, followed.seq, None, "snapshot",
                    wire_levels(bids), wire_levels(asks), checksum(bids, asks),
                ),
            )  # fmt: skip
        return self._snapshot


class VenueMarketRooms(ChannelRooms[VenueBookRoom]):
    """The rooms of one market."""

    __slots__ = ("followed",)

    def __init__(self, followed: Followed) -> None:
        books = {outcome: VenueBookRoom(followed, outcome) for outcome in Outcome}
        super().__init__(books, followed.seq)
        self.followed = followed

    def join_book(self, member: Member, outcome: Outcome) -> None:
        """Add a reader of a whole book, with its snapshot if it is known."""
        self.leave_top(member, outcome)
        self.books[outcome].join(member)

    def join_top(self, member: Member, outcome: Outcome) -> None:
        """Add a light reader of a book, with its best levels if it is known."""
        followed = self.followed
        if self.top is None:
            self.top = TopOfBook(followed.id, followed.epoch)
        self.books[outcome].leave(member)
        if followed.shows_book:
            self.top.join(member, outcome, followed.seq, *best_of(followed))
        else:
            self.top.await_book(member, outcome)


def best_of(followed: Followed) -> tuple[Best, Best]:
    """Return the best level of each side, in YES terms."""
    bids, asks = followed.levels(1)
    return bids[0] if bids else None, asks[0] if asks else None


class VenueRooms:
    """The rooms of all markets of other venues that anybody of the process listens to, by id."""

    def __init__(self, following: Following, sent: Tally) -> None:
        self._following = following
        self._sent = sent
        self._untold = Untold()
        self.markets: dict[str, VenueMarketRooms] = {}
        following.hearers.append(self.on_step)

    def join_market(self, member: Member, followed: Followed, wish: Wish) -> None:
        """Put a member into a market's rooms and books; queues a snapshot of each that is known."""
        # Whoever was there before hears what happened; the new one begins behind it.
        self._following.flush(followed)
        rooms = self.markets.get(followed.id)
        if rooms is None:
            rooms = self.markets[followed.id] = VenueMarketRooms(followed)
        rooms.join_tape(member, wish)
        for outcome in wish.outcomes:
            if wish.is_light:
                rooms.join_top(member, outcome)
            else:
                rooms.join_book(member, outcome)

    def leave(self, member: Member, market_id: str, wish: Wish) -> None:
        """Take a member out of what is meant; the last one takes the market's rooms along."""
        rooms = self.markets.get(market_id)
        if rooms is None:
            return
        rooms.leave(member, wish)
        if rooms.is_empty:
            del self.markets[market_id]
            self._following.release(rooms.followed, READERS)

    def on_step(self, followed: Followed, step: Step) -> None:
        """Queue everything that listeners must hear of a step; never raises."""
        rooms = self.markets.get(followed.id)
        if rooms is None or rooms.followed is not followed:
            return
        try:
            self._tell(rooms, step)
        except Exception as error:  # noqa: BLE001 - the outermost boundary of the fan-out
            self._untold.send_away(rooms.members(), error)

    def _tell(self, rooms: VenueMarketRooms, step: Step) -> None:
        followed = rooms.followed
        for trade_no, trade in step.trades:
            view = venue_trade_view(trade, followed.market, seq=step.seq, trade_no=trade_no)
            fields = {name: getattr(view, name) for name in AnyTradeView.__struct_fields__}
            message = VenueTradeMessage(**fields, epoch=followed.epoch)
            self._send(rooms.trades, Message("trade_executed", message))
        for book in rooms.books.values():
            if book.seats:
                book.send(step)
                self._sent.count += len(book.seats)
        if rooms.top is not None and followed.shows_book:
            self._sent.count += rooms.top.tell(step.seq, *best_of(followed))
        if step.is_market:
            rooms.lifecycle_seq = step.seq
            self._send(rooms.lifecycle, Message("market_updated", market_message(followed)))

    def _send(self, room: Room[Member], message: Message) -> None:
        room.send(message)
        self._sent.count += len(room.members)


def market_message(followed: Followed) -> ListedMarketView:
    """Return the market as it is told: with `epoch`, `seq`, and in `asOf` whether it is stale."""
    return followed_view(followed, followed.market, now_us())
