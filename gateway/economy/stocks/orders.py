"""From what somebody asks of a stock to the order that is stored: decided, checked, and priced.

Laws: pure; what is decided here is carried out by `desk` and `jobs`. The worst price bounds what a
share costs or brings on the average, loans apart: an order is done whole within it, or not at all.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

import msgspec

from exchange.messages.bounds import CREDIT_MAX, QUANTITY_SCALE, TRANSFER_LEGS
from exchange.messages.commands import Leg, TransferCash
from exchange.messages.terms import MoneyKind
from exchange.messages.units import format_money
from gateway.economy.stocks.rules.curve import Curve
from gateway.economy.stocks.rules.loans import Holding, Terms
from gateway.economy.stocks.rules.trading import (
    Step,
    StepKind,
    Stock,
    TradeRefused,
    after,
    buy,
    check,
    money_of,
    sell,
    shares_for,
)
from persistence.repositories.economy.stocks.orders import GOES_ON, NewOrder, StepRow
from persistence.repositories.economy.stocks.stocks import HoldingRow, StockRow

INTEREST: Final = "INTEREST"


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: so many `shares` (hundredths), or as many as an `amount` (money) is for.

    `worst` is the price (money a share) beyond which nothing is to happen.
    """

    is_buy: bool
    shares: int | None = None
    amount: int | None = None
    leverage: int = 1
    worst: int | None = None

    @property
    def kind(self) -> str:
        """Return the word for it."""
        return StepKind.BUY if self.is_buy else StepKind.SELL

    def told(self, symbol: str) -> str:
        """Return it as it is compared with what is asked again under the same id."""
        values = self.kind, symbol, self.shares, self.amount, self.leverage, self.worst
        return " ".join("-" if value is None else str(value) for value in values)


def stock_of(row: StockRow, holdings: Iterable[HoldingRow]) -> Stock:
    """Return a stock as the rules see it."""
    terms = Terms(Curve(row.base, row.slope), row.interest, row.margin)
    held = {one.account_id: Holding(one.account_id, one.shares, one.loan) for one in holdings}
    return Stock(terms, row.supply, held)


def decide(stock: Stock, account_id: int, ask: Ask) -> list[Step]:
    """Decide what somebody asks for; raises TradeRefused."""
    if ask.is_buy:
        steps = _bought(stock, account_id, ask)
    else:
        steps = sell(stock, account_id, ask.shares, ask.amount)
    own = [step for step in steps if step.account_id == account_id]
    traded = sum(step.shares for step in own)
    total = sum(step.total for step in own)
    if ask.worst is not None and -total * QUANTITY_SCALE > ask.worst * traded:
        word = "cost" if ask.is_buy else "bring"
        at = format_money(total * QUANTITY_SCALE // -traded)
        field = "maxPrice" if ask.is_buy else "minPrice"
        raise TradeRefused("PRICE_MOVED", field, f"a share would {word} {at} on the average now")
    return steps


def _bought(stock: Stock, account_id: int, ask: Ask) -> list[Step]:
    if ask.shares is not None:
        return buy(stock, account_id, ask.shares, ask.leverage)
    shares = shares_for(stock, ask.amount or 0, ask.leverage)
    try:
        return buy(stock, account_id, shares, ask.leverage)
    except TradeRefused as refused:
        # What is too much was asked for by an amount.
        field = "amount" if refused.field == "shares" else refused.field
        raise TradeRefused(refused.code, field, str(refused)) from None


def payable(steps: Iterable[Step], closed: Collection[int]) -> list[Step]:
    """Leave with the reserve what is left for accounts that are closed for good, when sold out."""
    return [
        msgspec.structs.replace(step, amount=0)
        if step.kind is StepKind.LIQUIDATION and step.account_id in closed
        else step
        for step in steps
    ]


def of_one_transfer(steps: Sequence[Step], most: int = TRANSFER_LEGS) -> tuple[list[Step], bool]:
    """Return the steps of a day's interest that one transfer of `most` legs can move, and whether
    that is all of them.

    If it isn't, they are the interest and the sale of those who are sold out first: nothing is left
    of them, so what the day adds later charges nobody twice, and leads to the same as all at once.
    """
    gone = [step for step in steps if step.kind is StepKind.LIQUIDATION]
    moved, fitting = 0, 0
    for step in gone:
        moved += -(-step.amount // CREDIT_MAX)
        if moved > most:
            break
        fitting += 1
    if fitting == len(gone):
        return [*steps], True
    # One alone that is too much for a transfer stays so, and the engine says it.
    part = gone[: max(1, fitting)]
    names = {step.account_id for step in part}
    charged = (one for one in steps if one.kind is StepKind.INTEREST and one.account_id in names)
    return [*charged, *part], False


def asked_of_day(row: StockRow, *, ends: bool) -> str:
    """Return what an order of a day's interest is asked by; unless it `ends` the day goes on."""
    asked = f"{INTEREST} {row.symbol} {row.interest_day.isoformat()}"
    return asked if ends else f"{asked} {GOES_ON}"


def checked(stock: Stock, steps: Sequence[Step], cash: int) -> None:
    """Raise InvariantViolated unless a stock, whose reserve has `cash`, keeps its laws by steps."""
    check(after(stock, steps), cash - sum(step.amount for step in steps))


def require_transferable(row: StockRow, steps: Sequence[Step], field: str) -> None:
    """Raise TradeRefused for what one transfer can't move: many are sold out, or it is too much."""
    if len(list(_legs(row.reserve_id, steps))) > TRANSFER_LEGS:
        message = "moves more money than one trade may: ask for fewer"
        raise TradeRefused("SUPPLY_EXHAUSTED", field, message)


def _legs(reserve: int, steps: Iterable[Step]) -> Iterator[Leg]:
    for account_id, gained in money_of(steps).items():
        left = abs(gained)
        while left:
            amount = min(left, CREDIT_MAX)
            payer, payee = (reserve, account_id) if gained > 0 else (account_id, reserve)
            yield Leg(payer, payee, amount)
            left -= amount


def new_order(
    row: StockRow,
    steps: Sequence[Step],
    account_id: int | None,
    asked: str,
    kind: str,
    *,
    leverage: int = 1,
    request_id: str | None = None,
) -> NewOrder:
    """Return the order of what was decided."""
    own = [step for step in steps if step.account_id == account_id]
    gone = sum(step.kind is StepKind.LIQUIDATION for step in steps)
    return NewOrder(
        row.id,
        account_id,
        request_id,
        asked,
        kind,
        leverage,
        sum(step.shares for step in own),
        sum(step.amount for step in own),
        sum(step.loan for step in own),
        gone,
        row.supply + sum(step.shares for step in steps),
        tuple(StepRow(*msgspec.structs.astuple(step)) for step in steps),
    )


def transfer(row: StockRow, number: int, steps: Iterable[Step], kind: str) -> TransferCash | None:
    """Return the command that moves the money of steps, all of it at once; None if there is none.

    Who buys pays the reserve; whoever sells, or is sold out, is paid by it, by several legs where
    it is more than one may move. Its id is made of the order's number.
    """
    legs = tuple(_legs(row.reserve_id, steps))
    if not legs:
        return None
    return TransferCash(
        legs[0].payer_id,
        legs,
        f"{kind} {row.symbol}",
        f"stock:{row.id}:{number}",
        kind=MoneyKind.STOCK,
    )
