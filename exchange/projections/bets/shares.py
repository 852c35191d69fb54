"""Whose shares leave an account first, and at what price the two halves of a pair go.

    sold    of a bet's own sale: that bet, then the oldest; of any other order: the oldest bet first
    netted  what the same command bought, then the oldest bet first, then what is no bet's

A pair is worth one credit. The half that was bought later goes at what it cost, the other one has
the rest: so whoever bets on the other side at p closes the earlier bet at 1 - p. Where the other
half is no bet's, and was bought before, what it cost isn't known: then the bet goes at its own.

Laws: shares leave an account's bets at least as fast as they leave the account; no money is made or
lost by how it is divided.
"""

from collections.abc import Iterator, Sequence

from exchange.messages.bounds import PRICE_SCALE
from exchange.projections.bets.records import Bet

Part = tuple[Bet, int, int, int]
"""A bet, so many of its shares, and of what they brought the money and the fee that are theirs."""


class Bought:
    """Shares that a command bought, beside those of its own bet, and what they cost (money)."""

    __slots__ = ("cost", "quantity")

    def __init__(self, quantity: int, cost: int) -> None:
        self.quantity = quantity
        self.cost = cost

    def take(self, quantity: int) -> int:
        """Take some away; return what they cost."""
        cost = self.cost * quantity // self.quantity
        self.quantity -= quantity
        self.cost -= cost
        return cost


class Half:
    """Shares of one outcome that go together: a bet's, or with it None others.

    `cost` is what they cost if that was in this command, or they are a bet's. `age` is the command
    that bought them, 0 if it isn't known.
    """

    __slots__ = ("age", "bet", "cost", "quantity")

    def __init__(self, bet: Bet | None, quantity: int, cost: int | None, age: int) -> None:
        self.bet = bet
        self.quantity = quantity
        self.cost = cost
        self.age = age

    def cut(self, quantity: int) -> "Half":
        """Take some of it away and return them."""
        cost = None if self.cost is None else self.cost * quantity // self.quantity
        if self.cost is not None and cost is not None:
            self.cost -= cost
        self.quantity -= quantity
        return Half(self.bet, quantity, cost, self.age)


def parts_sold(
    bets: Sequence[Bet], own: Bet | None, quantity: int, money: int, fee: int
) -> Iterator[Part]:
    """Yield what each bet has of a sale; `bets` are an outcome's, oldest first, `own` the one that
    is to be sold.
    """
    order = bets if own is None else (own, *(bet for bet in bets if bet is not own))
    for bet in order:
        taken = min(quantity, bet.shares)
        if taken:
            its_money, its_fee = money * taken // quantity, fee * taken // quantity
            quantity, money, fee = quantity - taken, money - its_money, fee - its_fee
            yield bet, taken, its_money, its_fee
        if not quantity:
            return


def halves(
    bets: Sequence[Bet], own: Bet | None, bought: Bought | None, quantity: int, seq: int
) -> list[Half]:
    """Return of which shares of an outcome so many go with those of the other."""
    found: list[Half] = []

    def take(bet: Bet) -> None:
        nonlocal quantity
        taken = min(quantity, bet.shares)
        if taken:
            found.append(Half(bet, taken, bet.cost_of(taken), bet.placed_seq))
            quantity -= taken

    if own is not None:
        take(own)
    if bought is not None and (taken := min(quantity, bought.quantity)):
        found.append(Half(None, taken, bought.take(taken), seq))
        quantity -= taken
    for bet in bets:
        if not quantity:
            break
        if bet is not own:
            take(bet)
    if quantity:
        found.append(Half(None, quantity, None, 0))
    return found


def pairs(yes: list[Half], no: list[Half]) -> Iterator[tuple[Half, int, Half, int]]:
    """Yield the pairs that the halves make, with what each half brings (money)."""
    ours, theirs = iter(yes), iter(no)
    one, other = next(ours, None), next(theirs, None)
    while one is not None and other is not None:
        quantity = min(one.quantity, other.quantity)
        first = one if one.quantity == quantity else one.cut(quantity)
        second = other if other.quantity == quantity else other.cut(quantity)
        yield first, price_of(first, second), second, price_of(second, first)
        one = next(ours, None) if first is one else one
        other = next(theirs, None) if second is other else other


def price_of(half: Half, other: Half) -> int:
    """Return what a half brings beside the other one; the two together bring a credit a share."""
    whole = PRICE_SCALE * half.quantity
    if _goes_at_cost(half, other):
        return half.cost or 0
    return whole - (other.cost or 0)


def _goes_at_cost(half: Half, other: Half) -> bool:
    """Whether a half was bought later, or is the only one whose cost is known."""
    if (half.cost is None) is not (other.cost is None):
        return half.cost is not None
    return half.age > other.age
