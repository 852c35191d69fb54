"""`subscribe:market` with `afterSeq`: a reader that was away gets what it missed, then goes on.

    place held ── backlog read ── ack ── backlog queued ── what waited ── live
       └── said meanwhile: waits in the place ───────────────┘

Laws: exactly once each, in order, whatever is said meanwhile. What can't be given is told in the
ack with its reason, and a snapshot follows as for anybody else. The backlog is queued no faster
than the socket takes it, and a few sessions are told theirs at a time, the others in turn. Where
more was said than a held place takes, that is a backlog of its own, so often and no oftener. The
market counts as followed once the session sits in its rooms, so no heartbeat is ahead of what was
queued. Another subscription or unsubscription of the market by the same session ends this one.
"""

import asyncio
from collections.abc import Sequence
from enum import Enum
from typing import Final

import msgspec

from exchange.model.market import Market
from gateway.markets.views import market_view
from gateway.sockets.framing.frames import Message
from gateway.sockets.session import SocketSession
from gateway.streaming.announcer import MarketMessage
from gateway.streaming.channels.channel import Channel, Wish
from gateway.streaming.resuming.backlog import Backlog, Missed, TooFarBack
from gateway.streaming.resuming.held import HeldPlace
from gateway.streaming.rooms import Rooms
from gateway.streaming.subscriptions import Subscriptions, subscription
from gateway.wire.errors import Conflict, Unavailable

SEQS_MOST: Final = 20_000
"""Further back nobody goes on."""
AT_ONCE: Final = 16
"""Sessions that are told their backlog at the same time."""
WAITING_MOST: Final = 500
"""Of those that are on their way back; more begin with a snapshot."""
ROUNDS_MOST: Final = 5
LOOK_S: Final = 0.01
"""So often it is looked whether a slow socket takes more."""
STUCK_S: Final = 5.0
"""One that takes nothing for so long begins with a snapshot."""
SLOW_S: Final = 60.0
"""And one that lets itself be waited for so long in all: it keeps others from their turn."""
TOGETHER: Final = 100
"""Messages that are queued before others have their turn."""
_fields: Final = msgspec.structs.astuple


class NotResumed(Enum):
    """Why a reader begins with a snapshot."""

    OTHER_EPOCH = "OTHER_EPOCH"
    AHEAD = "AHEAD"
    TOO_FAR_BACK = "TOO_FAR_BACK"
    UNAVAILABLE = "UNAVAILABLE"


class Resuming:
    """Lets sessions go on where they left off."""

    def __init__(
        self, rooms: Rooms, subscriptions: Subscriptions, books: Backlog, trades: Backlog
    ) -> None:
        self._rooms = rooms
        self._subscriptions = subscriptions
        self._books = books
        self._trades = trades
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[tuple[SocketSession, int], _Resumption] = {}

    def give_up(self, session: SocketSession, market_id: int) -> None:
        """End what is under way for a market of a session, if anything is."""
        resumption = self._under_way.pop((session, market_id), None)
        if resumption is not None:
            resumption.is_wanted = False
            resumption.leave()

    def begin(
        self,
        session: SocketSession,
        market: Market,
        wish: Wish,
        after: int,
        epoch: int | None,
        ack_id: int | None,
    ) -> None:
        """Go on behind `after`, or begin anew where that can't be; the ack says which."""
        if epoch is not None and epoch != self._rooms.epoch:
            self._begin_anew(session, market, wish, NotResumed.OTHER_EPOCH, ack_id)
        elif after > market.seq:
            self._begin_anew(session, market, wish, NotResumed.AHEAD, ack_id)
        elif market.seq - after > SEQS_MOST:
            self._begin_anew(session, market, wish, NotResumed.TOO_FAR_BACK, ack_id)
        elif len(self._under_way) >= WAITING_MOST:
            self._begin_anew(session, market, wish, NotResumed.UNAVAILABLE, ack_id)
        else:
            # What the session hears of it already it hears again, behind what it missed.
            self._subscriptions.leave(session, market.id, wish)
            resumption = _Resumption(self._rooms, session, market, wish, after)
            self._under_way[session, market.id] = resumption
            session.run_acking(ack_id, self._resume(resumption, ack_id))

    async def _resume(self, one: "_Resumption", ack_id: int | None) -> None:
        session, market = one.session, one.market
        try:
            async with self._turns:
                missed, reason = await self._backlog_of(one)
                if not one.is_wanted:
                    raise Conflict("another subscription of this market took its place")
                if reason is not None:
                    one.leave()
                    self._begin_anew(session, market, one.wish, reason, ack_id)
                    return
                seqs = self._rooms.epoch, one.until, one.trade_no
                ack = subscription(str(market.id), market.slug, *seqs, one.wish)
                session.ack(ack_id, msgspec.structs.replace(ack, resumed=True))
                await self._tell(one, missed)
        finally:
            one.leave()
            if self._under_way.get((session, market.id)) is one:
                del self._under_way[session, market.id]

    async def _tell(self, one: "_Resumption", missed: Missed) -> None:
        """Queue what was missed, and behind it what was said meanwhile."""
        for _ in range(ROUNDS_MOST):
            is_told = await send_missed(one, missed)
            if not one.is_wanted:
                return
            if is_told and not one.place.is_overflown:
                one.hand_over(self._subscriptions)
                return
            after = one.until
            one.leave()
            one.hold(after)
            if not is_told:
                break
            missed, reason = await self._backlog_of(one)
            if reason is not None:
                break
        if one.is_wanted:
            # It can't be told by messages: the heartbeats say how much of the tape it lacks.
            one.leave()
            self._subscriptions.join(one.session, one.market, one.wish)

    async def _backlog_of(self, one: "_Resumption") -> tuple[Missed, NotResumed | None]:
        try:
            return await self._missed(one), None
        except TooFarBack:
            return [], NotResumed.TOO_FAR_BACK
        except Unavailable:
            return [], NotResumed.UNAVAILABLE

    async def _missed(self, one: "_Resumption") -> Missed:
        asked = one.market.id, one.wish.outcomes, self._rooms.epoch, one.after, one.until
        trades: Missed = []
        books: Missed = []
        if Channel.TRADES in one.wish.channels:
            trades = await self._trades.missed(*asked)
        if one.wish.outcomes:
            books = await self._books.missed(*asked)
        found = _merged(trades, books)
        return [*found, (one.until, one.life)] if one.life is not None else found

    def _begin_anew(
        self,
        session: SocketSession,
        market: Market,
        wish: Wish,
        reason: NotResumed,
        ack_id: int | None,
    ) -> None:
        epoch, seq, trade_no = self._rooms.epoch, market.seq, market.trade_no
        ack = subscription(str(market.id), market.slug, epoch, seq, trade_no, wish)
        told = msgspec.structs.replace(ack, resumed=False, reason=reason.value)
        session.ack(ack_id, told)
        self._subscriptions.join(session, market, wish)


class _Resumption:
    """One reader on its way back."""

    __slots__ = (
        "_rooms",
        "after",
        "is_wanted",
        "life",
        "market",
        "place",
        "session",
        "trade_no",
        "until",
        "waited",
        "wish",
    )

    def __init__(
        self, rooms: Rooms, session: SocketSession, market: Market, wish: Wish, after: int
    ) -> None:
        self._rooms = rooms
        self.session = session
        self.market = market
        self.wish = wish
        self.is_wanted = True
        self.waited = 0.0
        """How long the socket let itself be waited for, in seconds."""
        self.hold(after)

    def hold(self, after: int) -> None:
        """Hold a place, and note what lies between `after` and it."""
        market = self.market
        self.after, self.until, self.trade_no = after, market.seq, market.trade_no
        self.place = HeldPlace(self.session)
        self._rooms.hold(self.place, market, self.wish)
        self.life: Message | None = None
        if Channel.LIFECYCLE in self.wish.channels and after < market.seq:
            told = MarketMessage(*_fields(market_view(market)), epoch=self._rooms.epoch)
            self.life = Message("market_updated", told)

    def leave(self) -> None:
        """Give the place up; nothing happens if it was handed over."""
        self._rooms.leave(self.place, self.market.id, self.wish)

    def hand_over(self, subscriptions: Subscriptions) -> None:
        """Let the session sit there, behind what waits."""
        self.place.hand_over()
        subscriptions.note(self.session, self.market.id, self.wish)
        self._rooms.hand_over(self.place, self.session, self.market.id, self.wish)


async def send_missed(one: _Resumption, missed: Missed) -> bool:
    """Queue messages as fast as the socket takes them; return whether it took all."""
    session = one.session
    for number, (_, message) in enumerate(missed, start=1):
        waited = 0.0
        while not session.outbound.flowing:
            if waited > STUCK_S or one.waited > SLOW_S:
                return False
            await asyncio.sleep(LOOK_S)
            waited += LOOK_S
            one.waited += LOOK_S
        if not one.is_wanted:
            return False
        session.send(message)
        if number % TOGETHER == 0:
            await asyncio.sleep(0)
    return True


def _merged(trades: Sequence[tuple[int, Message]], books: Sequence[tuple[int, Message]]) -> Missed:
    """Return both by their seqs, of one seq the trades first."""
    return sorted([*trades, *books], key=lambda one: one[0])
