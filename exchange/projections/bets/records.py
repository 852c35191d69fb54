"""A bet and what becomes of it, in the units of the rules.

    bought ──> shares ──> sold, netted or paid out, each an `Exit`
    cost   ──> left   ──> the part of the cost that went with them

Laws: `shares` is what of it is still held; it is OPEN as long as there are any. Profit is what its
shares brought less what they cost, all fees taken off; it is known once it has ended.
"""

from enum import Enum
from typing import NamedTuple

from exchange.messages.terms import Outcome


class BetStatus(Enum):
    """How a bet stands: SOLD if its shares left before the market was decided (sold, or given back
    with shares of the other side); VOID if the market was.
    """

    OPEN = "OPEN"
    WON = "WON"
    LOST = "LOST"
    SOLD = "SOLD"
    VOID = "VOID"


class ExitKind(Enum):
    """How shares left a bet: by an order that sold them, as half of a pair, or paid out."""

    SALE = "SALE"
    NETTING = "NETTING"
    PAYOUT = "PAYOUT"


class Bet:
    """One bet; `number` is its row's. `shares` and `left` (money) are what of it is still held and
    what that had cost; `brought` (money) is what the others brought, before `exit_fees`.

    Times are microseconds since the epoch, `placed_seq`, `changed_seq` commands.
    """

    __slots__ = (
        "account_id",
        "bought",
        "brought",
        "changed_seq",
        "cost",
        "ended_at",
        "exit_fees",
        "fee",
        "left",
        "market_id",
        "number",
        "outcome",
        "placed_at",
        "placed_seq",
        "shares",
        "status",
    )

    def __init__(
        self,
        number: int,
        account_id: int,
        market_id: int,
        outcome: Outcome,
        placed_seq: int,
        placed_at: int,
    ) -> None:
        self.number = number
        self.account_id = account_id
        self.market_id = market_id
        self.outcome = outcome
        self.placed_seq = placed_seq
        self.placed_at = placed_at
        self.bought = 0
        self.cost = 0
        self.fee = 0
        self.shares = 0
        self.left = 0
        self.brought = 0
        self.exit_fees = 0
        self.status = BetStatus.OPEN
        self.ended_at: int | None = None
        self.changed_seq = placed_seq

    @property
    def profit(self) -> int:
        """What it brought beyond what it cost; of an open one what its shares that left did."""
        return self.brought - self.exit_fees - (self.cost - self.left) - self.fee

    def buy(self, quantity: int, cost: int, fee: int) -> None:
        """Take shares that the bet's own order bought."""
        self.bought += quantity
        self.shares += quantity
        self.cost += cost
        self.left += cost
        self.fee += fee

    def cost_of(self, quantity: int) -> int:
        """Return what so many of its shares cost, rounded down; all of it for all of them."""
        return self.left * quantity // self.shares

    def give(self, quantity: int, brought: int, fee: int) -> None:
        """Let shares leave it for `brought` (money), of which `fee` is taken off."""
        self.left -= self.cost_of(quantity)
        self.shares -= quantity
        self.brought += brought
        self.exit_fees += fee


class Exit(NamedTuple):
    """Shares that left a bet by one command: how many, what they brought before the fee (money).

    `by_bet` is the bet on the other side with whose shares they were given back, 0 for none.
    """

    bet: int
    seq: int
    at: int
    kind: ExitKind
    by_bet: int
    quantity: int
    brought: int
    fee: int
