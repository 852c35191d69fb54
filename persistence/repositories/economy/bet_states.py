"""How bets stand, row by row, as the projector stores it and everybody else reads it.

Laws: nothing is read or written here, only turned into rows and back; what a bet is, and its units,
is `exchange/projections/bets`.
"""

from collections.abc import Sequence
from typing import Any, Final

from exchange.messages.terms import Outcome, Resolution
from exchange.projections.bets.records import Bet, BetStatus, Exit

STATE_COLUMNS: Final = (
    "bet_id, account_id, market_id, outcome, placed_seq, placed_at, bought, cost, fee, shares,"
    " cost_left, brought, exit_fees, status, ended_at, changed_seq"
)


def state_row(bet: Bet) -> tuple[object, ...]:
    """Return a bet as `STATE_COLUMNS` have it."""
    return (
        *(bet.number, bet.account_id, bet.market_id, bet.outcome.value),
        *(bet.placed_seq, bet.placed_at, bet.bought, bet.cost, bet.fee, bet.shares, bet.left),
        *(bet.brought, bet.exit_fees, bet.status.value, bet.ended_at, bet.changed_seq),
    )


def exit_row(one: Exit) -> tuple[object, ...]:
    """Return a way in which shares left as the table has it."""
    return (
        *(one.bet, one.seq, one.at, one.kind.value),
        *(one.by_bet, one.quantity, one.brought, one.fee),
    )


def decision_row(decision: tuple[Resolution, int]) -> tuple[str, int]:
    """Return how a market was decided as the table has it."""
    return decision[0].value, decision[1]


def bet_of(row: Sequence[Any]) -> Bet:
    """Return the bet of a row of `STATE_COLUMNS`."""
    number, account_id, market_id, outcome, placed_seq, placed_at, *rest = row
    bet = Bet(number, account_id, market_id, Outcome(outcome), placed_seq, placed_at)
    bet.bought, bet.cost, bet.fee, bet.shares, bet.left, bet.brought, bet.exit_fees = rest[:7]
    status, bet.ended_at, bet.changed_seq = rest[7:]
    bet.status = BetStatus(status)
    return bet
