"""How many credits moved by what is no trade of a trader's own, by the kind of it: never by whom.

    ADMIN, REWARD, REFERRAL, PURCHASE, STOCK   what a command gave, took, or moved from account to
                                               account, all its legs together
    BET, SALE                                  what a bet cost and its sale brought, before fees

Laws: counted where commands are committed, each once, so a repeat counts nothing and what is
refused neither. Who is sold out by a trade of a stock, or by a day's interest, is STOCK.
"""

from typing import Final

from prometheus_client import CollectorRegistry

from exchange.messages.account_events import CashTransferred, FundsDebited
from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.events import FundsCredited, OrderPlaced, TradeExecuted
from exchange.messages.execution import Execution
from exchange.messages.terms import MoneyKind
from exchange.projections.bets.fold import order_of
from gateway.observability.tallies import Tallies, Tally

SALE: Final = "SALE"


class MovedCredits:
    """Counts them."""

    __slots__ = ("by_kind",)

    def __init__(self, registry: CollectorRegistry) -> None:
        self.by_kind = {kind: Tally() for kind in (*(one.value for one in MoneyKind), SALE)}
        """In money."""
        Tallies(
            "credits_moved",
            "Credits that moved by rewards, purchases, stocks, admins, bets and their sales.",
            {(kind,): tally for kind, tally in self.by_kind.items()},
            labels=("kind",),
            scale=MONEY_SCALE,
            registry=registry,
        )

    def moved(self, event: FundsCredited | FundsDebited | CashTransferred) -> None:
        """Count what went in, out, or from one account to another."""
        if isinstance(event, CashTransferred):
            amount = sum(leg.amount for leg in event.legs)
        else:
            amount = event.amount
        self.by_kind[event.kind.value].count += amount

    def traded(self, execution: Execution) -> None:
        """Count what the order of a bet, or of its sale, traded; nothing of another."""
        order, first = order_of(execution.command), execution.events[0]
        if order is None or not isinstance(first, OrderPlaced):
            return
        self.by_kind[SALE if order[1] else MoneyKind.BET.value].count += sum(
            event.price * event.quantity
            for event in execution.events
            if isinstance(event, TradeExecuted) and event.taker_order_id == first.order_id
        )
