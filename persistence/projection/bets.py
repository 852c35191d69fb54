"""Bets, as the journal makes them (`exchange/projections/bets`), stored as it goes on.

Laws: a place (an account's bets in a market) is loaded when a command first touches it, with what
is open there; any may be dropped from memory between two steps, and all are, once memory holds
`PLACES_HELD`. How a market was decided is stored, for its holders may be paid much later.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from exchange.messages.events import PairsNetted, PositionSettled, TradeExecuted
from exchange.messages.execution import Execution
from exchange.messages.terms import Resolution
from exchange.projections.bets.fold import BetFold, Place
from exchange.projections.bets.records import Bet
from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection
from persistence.repositories.economy.bet_states import (
    STATE_COLUMNS,
    bet_of,
    decision_row,
    exit_row,
    state_row,
)

PLACES_HELD: Final = 100_000
_OPEN: Final = f"""
SELECT {STATE_COLUMNS} FROM bet_states
 WHERE shares > 0 AND (account_id, market_id) IN (
       SELECT * FROM unnest($1::bigint[], $2::bigint[]))
 ORDER BY placed_seq
"""  # noqa: S608 - a constant
_DECIDED: Final = (
    "SELECT market_id, outcome, yes_payout FROM bet_decisions WHERE market_id = ANY($1::bigint[])"
)
_PUT: Final = f"""
INSERT INTO bet_states ({STATE_COLUMNS})
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    ON CONFLICT (bet_id) DO UPDATE
   SET bought = excluded.bought, cost = excluded.cost, fee = excluded.fee,
       shares = excluded.shares, cost_left = excluded.cost_left, brought = excluded.brought,
       exit_fees = excluded.exit_fees, status = excluded.status, ended_at = excluded.ended_at,
       changed_seq = excluded.changed_seq
"""  # noqa: S608 - a constant
_EXIT: Final = (
    "INSERT INTO bet_exits (bet_id, seq, at, kind, by_bet, quantity, brought, fee)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
)
_DECIDE: Final = "INSERT INTO bet_decisions (market_id, outcome, yes_payout) VALUES ($1, $2, $3)"
_TOUCH_ONE: Final = PairsNetted | PositionSettled


class BetProjection:
    """Implements `Projection`."""

    def __init__(self) -> None:
        self._fold = BetFold()

    async def prepare(self, journal: JournalSource, executions: Sequence[Execution]) -> None:
        """Load the places that are touched and not held, and how the markets that pay were
        decided.
        """
        fold = self._fold
        places, markets = touched(executions)
        missing = [place for place in places if place not in fold.open]
        if missing:
            found: dict[Place, list[Bet]] = {place: [] for place in missing}
            accounts, of_markets = zip(*missing, strict=True)
            for row in await journal.tables.fetch(_OPEN, accounts, of_markets):
                bet = bet_of(tuple(row.values()))
                found[bet.account_id, bet.market_id].append(bet)
            for place, bets in found.items():
                fold.know(place, bets)
        undecided = [market_id for market_id in markets if market_id not in fold.decided]
        if undecided:
            for row in await journal.tables.fetch(_DECIDED, undecided):
                fold.decided[row["market_id"]] = Resolution(row["outcome"]), row["yes_payout"]

    def apply(self, execution: Execution) -> None:
        """Take one command."""
        self._fold.take(execution)

    async def store(self, connection: Connection) -> None:
        """Write the bets that changed, how shares left them, and which markets were decided."""
        fold = self._fold
        if fold.changed:
            await connection.executemany(_PUT, [state_row(bet) for bet in fold.changed.values()])
        if fold.exits:
            await connection.executemany(_EXIT, [exit_row(one) for one in fold.exits.values()])
        if fold.decisions:
            rows = [(market, *decision_row(one)) for market, one in fold.decisions.items()]
            await connection.executemany(_DECIDE, rows)
        fold.settled()
        if len(fold.open) > PLACES_HELD:
            self.forget()

    def forget(self) -> None:
        """Drop all memory."""
        self._fold = BetFold()

    async def erase(self, connection: Connection) -> None:
        """Empty the tables."""
        await connection.execute("TRUNCATE bet_states, bet_exits, bet_decisions")


def touched(executions: Iterable[Execution]) -> tuple[dict[Place, None], dict[int, None]]:
    """Return the places whose shares commands change, and the markets whose holders they pay."""
    places: dict[Place, None] = {}
    markets: dict[int, None] = {}
    for execution in executions:
        for event in execution.events:
            if isinstance(event, TradeExecuted):
                places[event.taker_account_id, event.market_id] = None
                places[event.maker_account_id, event.market_id] = None
            elif isinstance(event, _TOUCH_ONE):
                places[event.account_id, event.market_id] = None
                if isinstance(event, PositionSettled):
                    markets[event.market_id] = None
    return places, markets
