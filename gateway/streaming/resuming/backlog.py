"""What a reader missed of a market, from its journal and its tape.

Laws: a backlog is exactly what was told of the seqs in (after, until], in the order in which it was
told: a command's trades, then its book. It is made off the event loop where it has to be computed,
and bounded in messages and in what is read for it; what lies further back is `TooFarBack`, and a
snapshot is cheaper for everybody.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from exchange.messages.terms import Outcome
from exchange.model.state import State
from gateway.engine_side.ports import TapeHistory
from gateway.engine_side.replays import ReplayPool
from gateway.markets.past.books import FindsStretches
from gateway.markets.past.replaying import moves
from gateway.markets.views import CHECKSUM_LEVELS, checksum, seen_from, trade_fields, wire_changes
from gateway.sockets.framing.frames import Message
from gateway.streaming.announcer import TradeMessage
from gateway.streaming.book_messages import EVENT, BookUpdate
from gateway.wire.errors import Unavailable
from persistence.repositories.past_books import Stretch

MESSAGES_MOST: Final = 20_000
STRETCHES_MOST: Final = 20
"""Looks into the journal for one backlog, each at a few thousand commands."""
_TRADES_AT_ONCE: Final = 1_000
_encode: Final = msgspec.json.Encoder().encode

Missed = list[tuple[int, Message]]
"""(seq, message), in order."""


class TooFarBack(Exception):
    """It would be more than one is given: begin with a snapshot."""


class Backlog(Protocol):
    """Whoever knows one kind of what was missed."""

    async def missed(
        self, market_id: int, outcomes: Sequence[Outcome], epoch: int, after: int, until: int
    ) -> Missed:
        """Return the messages of the seqs in (after, until].

        Raises:
            TooFarBack: there are too many, or they lie too far back.
            Unavailable: the past isn't written so far yet, or too many ask for it.
        """


class MissedTrades:
    """The tape: `trade_executed`, whatever outcomes are followed."""

    def __init__(self, view: State, tape: TapeHistory) -> None:
        self._view = view
        self._tape = tape

    async def missed(
        self,
        market_id: int,
        outcomes: Sequence[Outcome],  # noqa: ARG002 - a trade is the market's
        epoch: int,
        after: int,
        until: int,
    ) -> Missed:
        """Return the trades; raises TooFarBack."""
        market = self._view.markets[market_id]
        found: Missed = []
        last: int | None = None
        while True:
            trades = await self._tape.trades_after(market_id, after, last, _TRADES_AT_ONCE)
            for trade in trades:
                if trade.market_seq <= until:
                    fields = (*trade_fields(trade, market, trade.at), epoch)
                    message = Message("trade_executed", TradeMessage(*fields))
                    found.append((trade.market_seq, message))
            if len(found) > MESSAGES_MOST:
                raise TooFarBack
            if len(trades) < _TRADES_AT_ONCE or trades[-1].market_seq > until:
                return found
            last = trades[-1].trade_no


class MissedBooks:
    """The books: one `orderbook_update` for each seq and outcome."""

    def __init__(self, stretches: FindsStretches, replays: ReplayPool) -> None:
        self._stretches = stretches
        self._replays = replays

    async def missed(
        self, market_id: int, outcomes: Sequence[Outcome], epoch: int, after: int, until: int
    ) -> Missed:
        """Return the deltas; raises TooFarBack and Unavailable."""
        if (until - after) * len(outcomes) > MESSAGES_MOST:
            raise TooFarBack
        found: Missed = []
        for _ in range(STRETCHES_MOST):
            if after == until:
                return found
            stretch = await self._stretches.from_seq(market_id, after)
            updates = await self._replays.run(
                book_updates, stretch, tuple(outcomes), epoch, after, until
            )
            if not updates:
                raise Unavailable("the past is not written so far yet; try again in a moment")
            found += [(seq, Message(EVENT, msgspec.Raw(update))) for seq, update in updates]
            after = updates[-1][0]
        if after == until:
            return found
        raise TooFarBack


def book_updates(
    stretch: Stretch, outcomes: tuple[Outcome, ...], epoch: int, after: int, until: int
) -> list[tuple[int, bytes]]:
    """Return what was told of the seqs in (after, until] that a stretch holds, as JSON; runs in the
    process that replays.
    """
    market_id = str(stretch.market_id)
    found: list[tuple[int, bytes]] = []
    for book in moves(stretch, after):
        changes = book.changes()
        levels = book.bids.depth(CHECKSUM_LEVELS), book.asks.depth(CHECKSUM_LEVELS)
        for outcome in outcomes:
            sides = wire_changes(outcome, *changes)
            total = checksum(*seen_from(outcome, *levels))
            seqs = (book.seq, book.seq - 1)
            update = BookUpdate(market_id, outcome, epoch, *seqs, "delta", *sides, total)
            found.append((book.seq, _encode(update)))
        if book.seq == until:
            break
    return found
