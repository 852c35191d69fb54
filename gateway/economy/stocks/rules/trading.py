"""What a purchase, a sale and a day's interest do to a stock: decided here, carried out elsewhere.

A purchase raises the supply and so the price. One by which more people would owe than may pays back
the least loan of another, if its own is larger: as many of that one's shares are sold as that
takes, at the price that it has made. So whoever would keep a loan out has to owe more by all the
others. A sale lowers the price, and is cut at each supply where a
loan would no longer be covered (`loans`): who is first in line is sold out, then it goes on.
Interest is added to the loans; first in line are sold until the others can bear it.

Laws: pure; whole numbers only. What is decided is a list of `Step`s, and a stock is the sum of its
steps (`after`). After each of them
    cash of the reserve + loans >= what buying back the supply takes
    every loan is covered, and the cash of the reserve is not negative
Loans are no cash: the reserve takes less from who buys, and keeps more of what a sale brings. What
a sale brings pays the seller's own loan first.
"""

import enum
from collections.abc import Iterable, Mapping

import msgspec

from exchange.messages.errors import InvariantViolated
from exchange.messages.units import format_money, format_quantity
from gateway.economy.stocks.rules.curve import COST_MAX, PARTS, SUPPLY_MAX
from gateway.economy.stocks.rules.loans import (
    LOANS_MAX,
    Holding,
    Place,
    Terms,
    interest_on,
    is_covered,
    line_of,
    room_before,
)


class StepKind(enum.StrEnum):
    """What a step does."""

    BUY = "BUY"
    SELL = "SELL"
    LIQUIDATION = "LIQUIDATION"
    INTEREST = "INTEREST"


class Step(msgspec.Struct, frozen=True):
    """One account's change: shares gained, money gained, and how much more is owed.

    `supply_after` is the stock's. What its shares cost or brought is `total`.
    """

    kind: StepKind
    account_id: int
    shares: int
    amount: int
    loan: int
    supply_after: int

    @property
    def total(self) -> int:
        """Return what the shares brought (money), below 0 what they cost, loans apart."""
        return self.amount - self.loan


class Stock(msgspec.Struct, frozen=True):
    """A stock as it stands. Of the holdings those with a loan matter, and the one who trades."""

    terms: Terms
    supply: int
    holdings: Mapping[int, Holding]

    @property
    def loans(self) -> int:
        """Return all that is owed (money)."""
        return sum(one.loan for one in self.holdings.values())


class TradeRefused(Exception):
    """What can't be done: `code` says why for machines, `field` of what was asked for."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


def after(stock: Stock, steps: Iterable[Step]) -> Stock:
    """Return a stock after steps."""
    supply, holdings = stock.supply, dict(stock.holdings)
    for step in steps:
        there = holdings.pop(step.account_id, None) or Holding(step.account_id, 0)
        changed = Holding(step.account_id, there.shares + step.shares, there.loan + step.loan)
        if changed.shares < 0 or changed.loan < 0 or (changed.loan and not changed.shares):
            raise InvariantViolated(f"a step leaves account {step.account_id} with {changed}")
        if changed.shares:
            holdings[step.account_id] = changed
        supply += step.shares
        if supply != step.supply_after or not 0 <= supply <= SUPPLY_MAX:
            raise InvariantViolated(f"a step leads to a supply of {supply}")
    return Stock(stock.terms, supply, holdings)


def money_of(steps: Iterable[Step]) -> dict[int, int]:
    """Return what each account gains by steps (money), without those to whom it is nothing."""
    gained: dict[int, int] = {}
    for step in steps:
        gained[step.account_id] = gained.get(step.account_id, 0) + step.amount
    return {account_id: amount for account_id, amount in gained.items() if amount}


def check(stock: Stock, cash: int) -> None:
    """Raise InvariantViolated unless a stock whose reserve has `cash` keeps the laws above."""
    if cash < 0 or (cash + stock.loans) * PARTS < stock.terms.curve.area(stock.supply):
        raise InvariantViolated(f"a reserve of {cash} does not cover a supply of {stock.supply}")
    if not is_covered(stock.terms, stock.holdings.values(), stock.supply):
        raise InvariantViolated("a loan is not covered")


def buy(stock: Stock, account_id: int, shares: int, leverage: int) -> list[Step]:
    """Decide a purchase of `shares`, of whose cost the buyer pays one part in `leverage`.

    Raises TradeRefused with SUPPLY_EXHAUSTED, TOO_MANY_LOANS or NOT_COVERED.
    """
    curve = stock.terms.curve
    cost = curve.cost(stock.supply, shares)
    if stock.supply + shares > SUPPLY_MAX or cost > COST_MAX:
        raise TradeRefused("SUPPLY_EXHAUSTED", "shares", "is more than there may be")
    own = -(-cost // leverage)
    supply = stock.supply + shares
    step = Step(StepKind.BUY, account_id, shares, -own, cost - own, supply)
    steps = [step]
    bought = after(stock, steps)
    if step.loan:
        if sum(one.loan > 0 for one in bought.holdings.values()) > LOANS_MAX:
            steps.append(_least_repaid(bought, step))
        moments = [bought, after(bought, steps[1:])]
        if not all(is_covered(one.terms, one.holdings.values(), one.supply) for one in moments):
            message = "is more than can be lent here now: too much is owed on this stock"
            raise TradeRefused("NOT_COVERED", "leverage", message)
    return steps


def _least_repaid(stock: Stock, bought: Step) -> Step:
    """Return the step that pays back the least loan of all but the buyer's, by a sale of as few of
    its shares as bring it; raises TradeRefused unless the loan of what was `bought` is larger.
    """
    others = (one for one in stock.holdings.values() if one.account_id != bought.account_id)
    least = min((one for one in others if one.loan), key=lambda one: (one.loan, one.account_id))
    if bought.loan <= least.loan:
        message = f"{LOANS_MAX} others owe {format_money(least.loan)} or more on this stock each"
        raise TradeRefused("TOO_MANY_LOANS", "leverage", f"{message}; a larger loan has room")
    shares = stock.terms.curve.shares_bringing(stock.supply, least.loan)
    # One that is covered is less than its shares bring.
    return _sold(stock, least, shares or least.shares, StepKind.LIQUIDATION)


def shares_for(stock: Stock, amount: int, leverage: int) -> int:
    """Return the most shares of which `amount` (money) pays one part in `leverage`.

    Raises TradeRefused with AMOUNT_TOO_SMALL if it is none.
    """
    shares = stock.terms.curve.shares_for(stock.supply, amount * leverage)
    if not shares:
        raise TradeRefused("AMOUNT_TOO_SMALL", "amount", "doesn't pay for 0.01 shares")
    return shares


def sell(
    stock: Stock, account_id: int, shares: int | None = None, amount: int | None = None
) -> list[Step]:
    """Decide a sale of `shares`, or of the fewest that bring `amount` (money, loan and all).

    Raises TradeRefused with INSUFFICIENT_SHARES, or AMOUNT_TOO_SMALL for what brings nothing.
    """
    seller = stock.holdings.get(account_id) or Holding(account_id, 0)
    left = seller.shares if shares is None else shares
    if amount is None and (left > seller.shares or not left):
        message = f"are more than the {format_quantity(seller.shares)} that you have"
        raise TradeRefused("INSUFFICIENT_SHARES", "shares", message)
    steps: list[Step] = []
    brought = sold_out = 0
    line: list[Place] | None = None
    while left and (amount is None or brought < amount):
        if line is None:
            line = _ahead_of(account_id, line_of(stock.terms, stock.holdings.values()))
            sold_out = 0
        # The line counts those who are sold out of it since it was made.
        room = room_before(line, stock.supply + sold_out)
        if room is not None and room <= 0:
            first = line.pop(0).holding
            step = _sold(stock, first, first.shares, StepKind.LIQUIDATION)
            sold_out += first.shares
        else:
            piece = left if room is None else min(left, room)
            if amount is not None:
                enough = stock.terms.curve.shares_bringing(stock.supply, amount - brought)
                piece = piece if enough is None else min(piece, enough)
            step = _sold(stock, stock.holdings[account_id], piece, StepKind.SELL)
            left -= piece
            brought += step.total
            if step.loan:
                line = None  # The seller's own place may be another one.
        steps.append(step)
        stock = after(stock, (step,))
    if amount is not None and brought < amount:
        raise TradeRefused("INSUFFICIENT_SHARES", "amount", "is more than all your shares bring")
    if not brought:
        raise TradeRefused("AMOUNT_TOO_SMALL", "shares", "bring nothing")
    return steps


def add_interest(stock: Stock) -> list[Step]:
    """Decide a day's interest on every loan, and who is sold out because of it.

    First in line are sold, by the line of before: there each brings its bound, which the interest
    doesn't reach. So nobody owes more than is brought, and what stays is covered with its interest.
    """
    steps = [
        Step(
            StepKind.INTEREST,
            one.account_id,
            0,
            0,
            interest_on(stock.terms, one.loan),
            stock.supply,
        )
        for one in sorted(stock.holdings.values(), key=lambda one: one.account_id)
        if one.loan
    ]
    line = line_of(stock.terms, stock.holdings.values())
    stock = after(stock, steps)
    for place in line:
        if is_covered(stock.terms, stock.holdings.values(), stock.supply):
            break
        holding = stock.holdings[place.holding.account_id]
        step = _sold(stock, holding, holding.shares, StepKind.LIQUIDATION)
        steps.append(step)
        stock = after(stock, (step,))
    return steps


def _ahead_of(account_id: int, line: list[Place]) -> list[Place]:
    """Return the part of the line before an account's own loan; all of it where it has none."""
    for number, place in enumerate(line):
        if place.holding.account_id == account_id:
            return line[:number]
    return line


def _sold(stock: Stock, holding: Holding, shares: int, kind: StepKind) -> Step:
    """Return the step of selling shares now, whose proceeds pay the holder's loan first."""
    proceeds = stock.terms.curve.proceeds(stock.supply, shares)
    repaid = min(holding.loan, proceeds)
    if shares == holding.shares and repaid < holding.loan:
        raise InvariantViolated(f"{holding} brings {proceeds}, which doesn't pay its loan")
    if kind is StepKind.LIQUIDATION and shares == holding.shares and proceeds <= repaid:
        raise InvariantViolated(f"{holding} brings {proceeds} and leaves nothing")
    return Step(
        kind, holding.account_id, -shares, proceeds - repaid, -repaid, stock.supply - shares
    )
