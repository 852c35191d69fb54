"""What the twin remembers, and its arithmetic, as plainly as RULEBOOK says it.

Nothing here comes from the engine but the messages and their enumerations.  Fees are kept as the
exact sum of all that an order owes, in 1/10^8 of a money unit for both fee models, and rounded up
only where they are read.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from exchange.messages.conditions import OrderConditions
from exchange.messages.events import OrderPlaced
from exchange.messages.limits import AccountLimits, MarketLimits
from exchange.messages.terms import (
    CancelReason,
    FeeModel,
    MarketStatus,
    OrderStatus,
    OrderType,
    Outcome,
    Resolution,
    SelfTradePrevention,
    Side,
    Standing,
    TimeInForce,
)

RecordT = TypeVar("RecordT")

ONE = 10_000
"""Price units of one credit."""
FEE_PARTS = 10**8
"""Parts of a money unit in which exact fees are counted."""

DRAFT = MarketStatus.DRAFT
OPEN = MarketStatus.OPEN
POST_ONLY = MarketStatus.POST_ONLY
HALTED = MarketStatus.HALTED
FULL_HALT = MarketStatus.FULL_HALT
CLOSED = MarketStatus.CLOSED
RESOLVING = MarketStatus.RESOLVING


@dataclass
class TwinAccount:
    """Cash of one user, in money units, and the count of private messages."""

    id: int
    opened_seq: int
    available: int = 0
    locked: int = 0
    seq: int = 0
    dead_man: int | None = None
    standing: Standing = Standing.ACTIVE
    limits: AccountLimits | None = None


@dataclass
class TwinHolding:
    """Shares of one account in one outcome, and what they cost."""

    free: int = 0
    locked: int = 0
    cost: int = 0

    def remove_cost(self, quantity: int) -> int:
        """Take away and return the cost that goes with `quantity`, before the shares go."""
        held = self.free + self.locked
        gone = self.cost if quantity == held else self.cost * quantity // held
        self.cost -= gone
        return gone


@dataclass
class TwinMarket:
    """One question."""

    id: int
    slug: str
    question: str
    description: str
    category: str
    close_time: int
    tick_size: int
    min_quantity: int
    maker_fee: int
    taker_fee: int
    fee_model: FeeModel
    status: MarketStatus
    created_at: int
    collateral: int = 0
    seq: int = 0
    trade_no: int = 0
    volume: int = 0
    last_price: int | None = None
    resolution: Resolution | None = None
    yes_payout: int | None = None
    source: str | None = None
    resolved_at: int | None = None
    next_payout: int | None = None
    limits: MarketLimits | None = None
    resumes_at: int | None = None
    tape: tuple[tuple[int, int], ...] = ()
    """(when, YES price) of trades since it opened last or its halts were set, if it has any."""

    @property
    def extremes(self) -> tuple[tuple[int, int, int], ...]:
        """The lowest and the highest price of each sixtieth of the window before the last trade."""
        if self.limits is None or self.limits.volatility_halt is None or not self.tape:
            return ()
        length = self.limits.volatility_halt.window * 1_000_000
        slices: dict[int, list[int]] = {}
        for at, price in self.tape:
            slices.setdefault(at * 60 // length, []).append(price)
        seen = [number for number in sorted(slices) if number > max(slices) - 60]
        return tuple((number, min(slices[number]), max(slices[number])) for number in seen)

    @property
    def is_volatile(self) -> bool:
        """Whether it has to halt."""
        if self.limits is None or self.limits.volatility_halt is None or not self.extremes:
            return False
        lows, highs = [low for _, low, _ in self.extremes], [high for _, _, high in self.extremes]
        return max(highs) - min(lows) > self.limits.volatility_halt.move

    def exact_fee(self, rate: int, price: int, quantity: int) -> int:
        """Return the unrounded fee in FEE_PARTS."""
        if self.fee_model is FeeModel.FLAT:
            return rate * price * quantity * 10_000
        return rate * price * (ONE - price) * quantity


@dataclass
class TwinOrder:
    """One order from its placing to its end."""

    id: int
    account_id: int
    market_id: int
    side: Side
    outcome: Outcome
    type: OrderType
    price: int | None
    quantity: int | None
    time_in_force: TimeInForce
    self_trade_prevention: SelfTradePrevention
    max_cost: int | None
    client_order_id: str | None
    conditions: OrderConditions | None
    placed_seq: int
    created_at: int
    seq: int
    updated_at: int
    place: int = 0
    version: int = 0
    locked: int = 0
    in_book: bool = False
    status: OrderStatus = OrderStatus.OPEN
    cancel_reason: CancelReason | None = None
    filled: int = 0
    filled_cash: int = 0
    fees_exact: int = 0
    cap: int | None = None
    """The most that a reduce-only order may trade."""
    furthest: Fraction | None = None
    """The price of YES up to, or down to which the market's band lets it walk."""

    @property
    def buys(self) -> bool:
        return self.side is Side.BUY

    @property
    def expires_at(self) -> int | None:
        return self.conditions.expires_at if self.conditions else None

    @property
    def session(self) -> tuple[int, int] | None:
        return self.conditions.session if self.conditions else None

    @property
    def group(self) -> str | None:
        return self.conditions.group if self.conditions else None

    @property
    def post_only(self) -> bool:
        return self.conditions is not None and self.conditions.post_only

    @property
    def worst_price(self) -> int | None:
        return self.conditions.worst_price if self.conditions else None

    @property
    def reduce_only(self) -> bool:
        return self.conditions is not None and self.conditions.reduce_only

    @property
    def trigger_price(self) -> int | None:
        return self.conditions.trigger_price if self.conditions else None

    @property
    def waits(self) -> bool:
        """Whether it is to wait for a price, as its sender wants it."""
        return self.trigger_price is not None and self.waits_by_kind

    @property
    def waits_by_kind(self) -> bool:
        return self.type not in {OrderType.LIMIT, OrderType.MARKET}

    @property
    def has_limit(self) -> bool:
        """Whether it trades as a LIMIT order, at once or later."""
        if self.type is OrderType.TAKE_PROFIT:
            return self.price is not None
        return self.type in {OrderType.LIMIT, OrderType.STOP_LIMIT}

    @property
    def is_pending(self) -> bool:
        return self.status is OrderStatus.PENDING

    @property
    def is_due(self) -> bool:
        return self.conditions is not None and self.conditions.due

    @property
    def may_rest(self) -> bool:
        return self.time_in_force in {TimeInForce.GTC, TimeInForce.GTD}

    @property
    def is_bid(self) -> bool:
        """BUY YES and SELL NO are bids of the YES leg."""
        return (self.side, self.outcome) in {
            (Side.BUY, Outcome.YES),
            (Side.SELL, Outcome.NO),
        }

    @property
    def yes_price(self) -> int:
        if self.price is None:
            return 0
        return self.price if self.outcome is Outcome.YES else ONE - self.price

    @property
    def remaining(self) -> int:
        return 0 if self.quantity is None else self.quantity - self.filled

    @property
    def fees_paid(self) -> int:
        return rounded_up(self.fees_exact)

    def fee_carry(self, market: TwinMarket) -> int:
        """Return how much was paid ahead by rounding, in the event's parts of a money unit."""
        ahead = self.fees_paid * FEE_PARTS - self.fees_exact
        return ahead // 10_000 if market.fee_model is FeeModel.FLAT else ahead

    def fee_of(self, market: TwinMarket, rate: int, price: int, quantity: int) -> int:
        """Return ceil(sum after) - ceil(sum before) if this quantity were filled at this price."""
        after = self.fees_exact + market.exact_fee(rate, price, quantity)
        return rounded_up(after) - self.fees_paid

    def placed(self, *, resting: bool) -> OrderPlaced:
        """Return the event by which the order comes."""
        return OrderPlaced(
            order_id=self.id,
            account_id=self.account_id,
            market_id=self.market_id,
            side=self.side,
            outcome=self.outcome,
            type=self.type,
            price=self.price,
            quantity=self.quantity,
            time_in_force=self.time_in_force,
            self_trade_prevention=self.self_trade_prevention,
            max_cost=self.max_cost,
            client_order_id=self.client_order_id,
            locked=self.locked,
            resting=resting,
            conditions=self.conditions,
        )

    @property
    def wanted(self) -> int:
        """Return what is left to trade: of a reduce-only order no more than its cap."""
        if self.cap is None or self.quantity is None:
            return self.remaining
        return min(self.quantity, self.cap) - self.filled

    def wanted_after_group(self, budget: int | None) -> bool:
        """Return whether an order whose group ends it now had more to trade, or to spend."""
        if self.quantity is None:
            return budget != self.filled_cash + self.fees_paid
        return self.remaining > 0

    def reservation(self, market: TwinMarket, rate: int) -> int:
        """Return what a BUY LIMIT needs for all that is wanted yet at its limit."""
        if self.price is None:
            return 0
        fee = self.fee_of(market, rate, self.price, self.wanted)
        return self.price * self.wanted + fee

    def would_meet(self, resting: "TwinOrder") -> bool:
        """Return whether a resting order faces this one at an acceptable price."""
        if not resting.in_book or resting.market_id != self.market_id:
            return False
        if resting.is_bid is self.is_bid:
            return False
        if self.price is None and self.furthest is not None and self.is_beyond(resting.yes_price):
            return False
        own_limit = self.worst_price if self.price is None else self.price
        if own_limit is None:
            return True
        limit = own_limit if self.outcome is Outcome.YES else ONE - own_limit
        return resting.yes_price <= limit if self.is_bid else resting.yes_price >= limit

    def is_beyond(self, yes_price: int) -> bool:
        """Return whether a price of YES lies past what the band lets it reach."""
        assert self.furthest is not None
        return yes_price > self.furthest if self.is_bid else yes_price < self.furthest


def copy_of(record: RecordT) -> RecordT:
    """Return a copy of a record; much faster than `copy.copy`, and there are many."""
    made: RecordT = object.__new__(type(record))
    made.__dict__.update(record.__dict__)
    return made


def rounded_up(fee_parts: int) -> int:
    """Return the smallest money amount that covers an exact fee."""
    whole, rest = divmod(fee_parts, FEE_PARTS)
    return whole + 1 if rest else whole
