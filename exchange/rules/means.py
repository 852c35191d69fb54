"""Whether an account has what an order is to lock; the refusal says what is needed and there.

`more` is " more" where that is only the difference to what it has locked already.
"""

from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, Outcome
from exchange.messages.units import format_money, format_quantity
from exchange.model.accounts import Account
from exchange.model.market import Market
from exchange.model.order_book import Order


def cash_refusal(needed: int, available: int, more: str = "") -> CommandRejected | None:
    """Refuse what the available cash doesn't cover."""
    if needed <= available:
        return None
    message = f"needs {format_money(needed)}{more} available, has {format_money(available)}"
    return CommandRejected(Reason.INSUFFICIENT_BALANCE, "", message)


def shares_refusal(
    market: Market, account: Account, outcome: Outcome, needed: int, more: str = ""
) -> CommandRejected | None:
    """Refuse what the account's free shares don't cover."""
    position = market.positions.get(account.id)
    free = 0 if position is None else position.holding(outcome).free
    if needed <= free:
        return None
    message = f"needs {format_quantity(needed)}{more} free shares, has {format_quantity(free)}"
    return CommandRejected(Reason.INSUFFICIENT_SHARES, "quantity", message)


def means_refusal(
    market: Market, account: Account, order: Order, needed: int, more: str = ""
) -> CommandRejected | None:
    """Refuse an order whose owner hasn't got `needed` to lock: cash for BUY, shares for SELL."""
    if order.side is BUY:
        return cash_refusal(needed, account.available, more)
    return shares_refusal(market, account, order.outcome, needed, more)
