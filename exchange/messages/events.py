"""What happened: frozen messages, named in the past tense, each saying what changed and by how
much.

Events carry the amounts that moved, so that `transitions.apply` needs no rule to replay them: a
journal written under older rules is applied as it stands.  A command has at least one event; a
refused command has exactly one, `CommandRejected`.  Events are journaled as msgpack arrays: a
field is never moved, only added at the end with a default.  They are built positionally on hot
paths (ten times cheaper than by keyword), and `astuple` takes them apart there: compiled code reads
a message's fields one by one ten times slower than its own.  `...Fields` are their types. What
befalls accounts beside orders is in `account_events`, what befalls orders that wait for a price in
`waiting_events`, what befalls order groups in `group_events`, limits in `limit_events`.
"""

from exchange.messages.account_events import (
    CashTransferred,
    DeadManFired,
    DeadManSet,
    EventBase,
    FundsDebited,
    LeaseEnded,
    LeaseRenewed,
    SessionEnded,
    StandingChanged,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.group_events import GroupReset, GroupSet, GroupTriggered
from exchange.messages.limit_events import (
    AccountLimitsSet,
    MarketLimitsSet,
    PostOnlySet,
    ReopeningSet,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    CancelReason,
    ExchangeMode,
    FeeModel,
    MarketStatus,
    MoneyKind,
    OrderType,
    Outcome,
    Resolution,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TradeKind,
)
from exchange.messages.units import Boxed
from exchange.messages.waiting_events import (
    LockPassed,
    OrdersReached,
    OrdersStoodDown,
    OrderTriggered,
    PendingAmended,
)


class CommandRejected(EventBase, frozen=True):
    """The command was refused and changed nothing; `field` (may be empty) is the wire's name of
    the culprit.
    """

    reason: Reason
    field: str
    message: str


class CommandReplayed(EventBase, frozen=True):
    """The same command under the same id took effect at `first_seq`; nothing else happened."""

    first_seq: int


class AccountOpened(EventBase, frozen=True):
    """An account with nothing in it exists."""

    account_id: int


class FundsCredited(EventBase, frozen=True):
    """`amount` went from the issuance to the account's available cash."""

    account_id: int
    amount: int
    reason: str
    request_id: str | None
    kind: MoneyKind = MoneyKind.ADMIN


class MarketCreated(EventBase, frozen=True):
    """A market exists, DRAFT or OPEN."""

    market_id: int
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


class MarketEdited(EventBase, frozen=True):
    """A market that hasn't traded is about this now; times and units as in MarketCreated."""

    market_id: int
    question: str
    description: str
    category: str
    close_time: int
    min_quantity: int


class MarketStatusChanged(EventBase, frozen=True):
    """The market's life went on, short of its resolution."""

    market_id: int
    status: MarketStatus


class MarketResolved(EventBase, frozen=True):
    """The question ended; a YES share pays `yes_payout` price units, a NO share the complement.

    With `paying_from` (microseconds since the epoch) the market is RESOLVING: its holders are paid
    from then on, by commands of their own. Without, they are paid in this one.
    """

    market_id: int
    outcome: Resolution
    yes_payout: int
    source: str
    paying_from: int | None = None


class PositionSettled(EventBase, frozen=True):
    """The account's shares were turned into `payout` from the market's collateral."""

    market_id: int
    account_id: int
    yes_quantity: int
    no_quantity: int
    payout: int


class ExchangeModeChanged(EventBase, frozen=True):
    """The exchange takes other commands from now on."""

    mode: ExchangeMode


class OrderPlaced(EventBase, frozen=True):
    """An order was accepted and `locked` (cash for BUY, shares for SELL) was set aside.

    With `resting` it crossed nothing and is in the book; else its trades and its end, or
    `OrderRested`, follow in the same command.
    """

    order_id: int
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
    locked: int
    resting: bool
    conditions: OrderConditions | None = None


OrderPlacedFields = tuple[
    Boxed,
    int,
    int,
    Side,
    Outcome,
    OrderType,
    int | None,
    int | None,
    TimeInForce,
    SelfTradePrevention,
    int | None,
    str | None,
    int,
    bool,
    OrderConditions | None,
]


class TradeExecuted(EventBase, frozen=True):
    """Two orders met at the resting order's price.

    `price` is the taker's own leg's, `yes_price` the YES leg's.  `*_unlocked` is what left the
    order's reservation (cash for BUY, shares for SELL): for a buyer, unlocked - price x quantity -
    fee comes back into available (for a MARKET buyer, who reserves nothing, that is negative).
    `*_fee_carry` is the part of a money unit, in the market's fee denominator, that the order has
    paid ahead (see `rules/fees.py`).
    """

    market_id: int
    trade_no: int
    market_seq: int
    kind: TradeKind
    side: Side
    outcome: Outcome
    price: int
    yes_price: int
    quantity: int
    taker_order_id: int
    taker_account_id: int
    taker_unlocked: int
    taker_fee: int
    taker_fee_carry: int
    maker_order_id: int
    maker_account_id: int
    maker_unlocked: int
    maker_fee: int
    maker_fee_carry: int


TradeExecutedFields = tuple[
    int,
    int,
    int,
    TradeKind,
    Side,
    Outcome,
    int,
    int,
    int,
    int,
    int,
    int,
    int,
    int,
    int,
    int,
    int,
    int,
    int,
]


class OrderAmended(EventBase, frozen=True):
    """An order's terms are others now; `reserved` was added to its reservation (below 0: freed).

    With `keeps_place` its quantity fell or nothing changed. Without, it left its place at
    `previous_price` (both prices are its own outcome's): with `resting` for the back of the level
    at `price`; else its trades and its end, or `OrderRested`, follow in the same command.
    """

    order_id: int
    account_id: int
    market_id: int
    side: Side
    outcome: Outcome
    previous_price: int
    price: int
    quantity: int
    reserved: int
    keeps_place: bool
    resting: bool
    conditions: OrderConditions | None = None


OrderAmendedFields = tuple[
    Boxed, Boxed, Boxed, Side, Outcome, int, int, int, int, bool, bool, OrderConditions | None
]


class OrderRested(EventBase, frozen=True):
    """What the order didn't trade went into the book; `unlocked` was no longer needed at the maker
    rate.
    """

    order_id: int
    account_id: int
    market_id: int
    side: Side
    unlocked: int


class OrderFilled(EventBase, frozen=True):
    """An order by maximal cost is done: its budget buys no further unit at the book's best
    price.
    """

    order_id: int
    account_id: int
    market_id: int


class OrderCancelled(EventBase, frozen=True):
    """The order ended before it was filled, and `unlocked` (all of its reservation) is free again;
    by its own time (`reason` EXPIRED) or by whatever else.
    """

    order_id: int
    account_id: int
    market_id: int
    side: Side
    reason: CancelReason
    unlocked: int


OrderCancelledFields = tuple[Boxed, Boxed, Boxed, Side, CancelReason, int]


class OrdersCancelled(EventBase, frozen=True):
    """A cancel-all ended this many orders, each with an event of its own before this one."""

    account_id: int
    market_id: int | None
    count: int


class PairsNetted(EventBase, frozen=True):
    """`quantity` free YES and as many free NO shares of the account became cash from the
    collateral.
    """

    account_id: int
    market_id: int
    quantity: int


class HoldersPaid(EventBase, frozen=True):
    """A slice of a market's holders was paid, and not yet the last: the next is due at
    `next_at`.
    """

    market_id: int
    next_at: int


class OperationRun(EventBase, frozen=True):
    """What follows, up to the next of these, came of this operation of a batch, counted from 0: its
    events, or its own CommandRejected or CommandReplayed. After the last one's the batch is netted.
    """

    number: int


Event = (
    CommandRejected
    | CommandReplayed
    | AccountOpened
    | FundsCredited
    | MarketCreated
    | MarketStatusChanged
    | MarketResolved
    | PositionSettled
    | ExchangeModeChanged
    | OrderPlaced
    | TradeExecuted
    | OrderAmended
    | OrderRested
    | OrderFilled
    | OrderCancelled
    | OrdersCancelled
    | PairsNetted
    | HoldersPaid
    | DeadManSet
    | DeadManFired
    | LeaseRenewed
    | SessionEnded
    | LeaseEnded
    | FundsDebited
    | CashTransferred
    | StandingChanged
    | OperationRun
    | OrderTriggered
    | PendingAmended
    | LockPassed
    | OrdersReached
    | OrdersStoodDown
    | GroupSet
    | GroupTriggered
    | GroupReset
    | MarketLimitsSet
    | AccountLimitsSet
    | ReopeningSet
    | PostOnlySet
    | MarketEdited
)
