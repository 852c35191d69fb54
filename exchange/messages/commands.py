"""What can be asked of the engine: frozen messages, named as imperatives.

A command has been parsed (integers in the units of `messages/units.py`, enumerations of
`messages/terms.py`) but not yet judged: everything in it may still be refused.  It carries no time
and no sequence; both are stamped on it when it runs.  Timers are commands too (`CloseMarket`).
Those about order groups are in `group_commands`.
Commands are journaled as msgpack arrays, so a field is never moved, only added at the end with a
default. How they are built is in `command_bases`, those about limits in `limit_commands`, those
about others' orders and markets in `admin`.
"""

from typing import ClassVar

import msgspec

from exchange.messages.admin.commands import EditMarket, ForceCancel
from exchange.messages.command_bases import AccountCommand, ExchangeCommand, Prior, Timer
from exchange.messages.conditions import OrderConditions
from exchange.messages.group_commands import ResetOrderGroup, SetOrderGroup
from exchange.messages.limit_commands import (
    BeginPostOnly,
    EndHalt,
    EndPostOnly,
    HaltMarket,
    SetAccountLimits,
    SetMarketLimits,
)
from exchange.messages.terms import (
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
)
from exchange.messages.units import Boxed


class OpenAccount(AccountCommand, frozen=True):
    """Open the account of a user and issue its starting credits; a second time changes nothing."""

    starting_credits: int


class CreditAccount(AccountCommand, frozen=True):
    """Issue `amount` (money) to an account.  With a `request_id` it takes effect once, for ever."""

    amount: int
    reason: str
    request_id: str | None = None
    prior: Prior | None = None
    kind: MoneyKind = MoneyKind.ADMIN
    valid_until: int | None = None
    """Stamped later (microseconds since the epoch), it is refused."""


class CreateMarket(ExchangeCommand, frozen=True):
    """List a question.  `close_time` in microseconds since the epoch; rates in 1/10 000."""

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
    draft: bool


class SetMarketStatus(ExchangeCommand, frozen=True):
    """Open a market, make it post-only, halt, fully halt or close it."""

    market_id: int
    status: MarketStatus


class ResolveMarket(ExchangeCommand, frozen=True):
    """End a market and pay its holders.  `yes_payout` (price units) goes with SPLIT and only with
    it.

    With `in_slices` more than PAYOUT_HOLDERS of them are paid by commands that follow
    (`PayHolders`); without, as in journals of before there were slices, all by this one.
    """

    market_id: int
    outcome: Resolution
    yes_payout: int | None
    source: str
    in_slices: bool = False


class SetExchangeMode(ExchangeCommand, frozen=True):
    """Say what the whole exchange takes from now on."""

    mode: ExchangeMode


class PlaceOrder(AccountCommand, frozen=True):
    """Trade: `price` of the order's own outcome for LIMIT; `quantity`, or `max_cost` for a MARKET
    BUY.
    """

    market_id: int
    side: Side
    outcome: Outcome
    type: OrderType
    price: int | None
    quantity: int | None
    time_in_force: TimeInForce
    self_trade_prevention: SelfTradePrevention = SelfTradePrevention.CANCEL_TAKER
    max_cost: int | None = None
    client_order_id: str | None = None
    prior: Prior | None = None
    conditions: OrderConditions | None = None


PlaceOrderFields = tuple[
    Boxed,
    Boxed,
    Side,
    Outcome,
    OrderType,
    int | None,
    int | None,
    TimeInForce,
    SelfTradePrevention,
    int | None,
    str | None,
    Prior | None,
    OrderConditions | None,
]
"""What `astuple` makes of one; see `events`."""


class PlaceOco(AccountCommand, frozen=True):
    """Place two orders of which one cancels the other, both or none, once for a `request_id`.

    They are of the same account, market, outcome and side. The first one is entered first.
    """

    first: PlaceOrder
    second: PlaceOrder
    request_id: str | None = None
    prior: Prior | None = None


class AmendOrder(AccountCommand, frozen=True):
    """Change an open order of the account; what is None stays as it is.

    `quantity` is the new total, what is filled included. With an `expected_version` that isn't the
    order's nothing happens.
    """

    order_id: int
    price: int | None = None
    quantity: int | None = None
    expires_at: int | None = None
    expected_version: int | None = None
    trigger_price: int | None = None


AmendOrderFields = tuple[Boxed, Boxed, int | None, int | None, int | None, int | None, int | None]


class CancelOrder(AccountCommand, frozen=True):
    """Take one open order of the account out of its book."""

    urgent: ClassVar[bool] = True

    order_id: int


class CancelAll(AccountCommand, frozen=True):
    """Take every open order of the account out, in one market or (None) wherever cancelling is
    allowed; of one side, one outcome, or one order group, if that is given.
    """

    urgent: ClassVar[bool] = True

    market_id: int | None
    side: Side | None = None
    outcome: Outcome | None = None
    group: str | None = None


class CloseMarket(Timer, frozen=True):
    """The market's close time has come."""

    market_id: int


class ExpireOrder(Timer, frozen=True):
    """The time has come at which a GTD order ends."""

    order_id: int


class PayHolders(Timer, frozen=True):
    """The next holders of a market that is RESOLVING are to be paid."""

    market_id: int


class SetDeadMan(AccountCommand, frozen=True):
    """End all open orders of the account in `timeout_ms` unless this comes again; 0 lifts it."""

    urgent: ClassVar[bool] = True

    timeout_ms: int


class FireDeadMan(Timer, frozen=True):
    """The deadline of an account's dead-man switch has come."""

    account: int


class RenewLease(ExchangeCommand, frozen=True):
    """A gateway is there: its sessions live for LEASE_US more."""

    gateway: int


class EndSession(AccountCommand, frozen=True):
    """A session of a gateway has ended, and with it those orders of the account that are tied to
    it.
    """

    urgent: ClassVar[bool] = True

    gateway: int
    session: int


class EndLease(Timer, frozen=True):
    """Nothing was heard of a gateway for LEASE_US: its sessions have ended, one by one."""

    gateway: int


class DebitAccount(AccountCommand, frozen=True):
    """Take `amount` (money) out of an account's available cash, back to the issuance."""

    amount: int
    reason: str
    request_id: str | None = None
    prior: Prior | None = None
    kind: MoneyKind = MoneyKind.ADMIN
    valid_until: int | None = None


class Leg(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One step of a transfer: `amount` (money) goes from available to available."""

    payer_id: int
    payee_id: int
    amount: int


class TransferCash(AccountCommand, frozen=True):
    """Move cash between accounts, all legs or none, each judged on what those before it left.

    The command's account is the payer of the first leg, in whose name it is sent.
    """

    legs: tuple[Leg, ...]
    reason: str
    request_id: str | None = None
    prior: Prior | None = None
    kind: MoneyKind = MoneyKind.ADMIN
    valid_until: int | None = None


class SuspendAccount(AccountCommand, frozen=True):
    """Take an account's orders out and let it send no further ones; or let it trade again."""

    urgent: ClassVar[bool] = True

    suspended: bool


class CloseAccount(AccountCommand, frozen=True):
    """End an account in which nothing is left, for good."""

    urgent: ClassVar[bool] = True


class TriggerOrder(Timer, frozen=True):
    """An order that waits has been reached: it becomes what it is to become."""

    order_id: int


class RefuseUnstorable(AccountCommand, frozen=True):
    """Stands in the journal where a command stood that the store refused; it is answered
    NOT_STORED.
    """

    command_tag: str
    client_order_id: str | None = None
    fingerprint: bytes | None = None
    prior: Prior | None = None
    """That of the command it stands for: an id that was used before isn't used up again."""
    space: int | None = None
    """Of which kind the id is; None in journals of before, where the tag says it."""


class NamedOrder(AccountCommand, frozen=True):
    """An operation of a batch: amend or cancel the open order that was placed under an id of its
    owner's; the `order_id` in it is 0.
    """

    client_order_id: str
    operation: AmendOrder | CancelOrder


Operation = PlaceOrder | AmendOrder | CancelOrder | NamedOrder


class BatchOrders(AccountCommand, frozen=True):
    """Run 1 to BATCH_OPERATIONS operations of the account as one command, in their order.

    With `all_or_none` the first refusal undoes all of them. With a `request_id` it takes effect
    once, for ever.
    """

    operations: tuple[Operation, ...]
    all_or_none: bool = False
    request_id: str | None = None
    prior: Prior | None = None


Command = (
    OpenAccount
    | CreditAccount
    | CreateMarket
    | SetMarketStatus
    | ResolveMarket
    | SetExchangeMode
    | PlaceOrder
    | AmendOrder
    | CancelOrder
    | CancelAll
    | CloseMarket
    | ExpireOrder
    | RefuseUnstorable
    | PayHolders
    | SetDeadMan
    | FireDeadMan
    | RenewLease
    | EndSession
    | EndLease
    | DebitAccount
    | TransferCash
    | SuspendAccount
    | CloseAccount
    | BatchOrders
    | PlaceOco
    | TriggerOrder
    | SetOrderGroup
    | ResetOrderGroup
    | SetMarketLimits
    | SetAccountLimits
    | HaltMarket
    | EndHalt
    | EndPostOnly
    | BeginPostOnly
    | ForceCancel
    | EditMarket
)


def operations_of(command: Command) -> int:
    """Return as how many commands one counts where work is bounded."""
    return len(command.operations) if type(command) is BatchOrders else 1
