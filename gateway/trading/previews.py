"""Previews on the wire: what an order or a batch would do, told as the batch itself would be.

Laws: nothing is sent to the engine, no id is used, nothing is remembered. Each ORDERS_A_CALL
resting orders that it looks at count as a call, so that no preview is cheaper than what it costs
everybody else. It is run by the engine's own rules on a scratch (`exchange/rules/preview.py`) of
what is committed: by the time the order itself comes the book may be another. Ids in it are those
that would be next. The event loop copies what a preview can reach; a large one is run and told by a
thread of its own.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from exchange.messages.commands import BatchOrders
from exchange.messages.terms import OrderType, Outcome, Side
from exchange.model.state import State
from exchange.rules.batching import operation_field
from exchange.rules.preview import Prepared, TooMuchToPreview, prepare
from gateway.markets.lookup import MarketText, market_name
from gateway.trading.batches import (
    BatchBody,
    OperationList,
    PlaceOperation,
    ResultView,
    batch_command,
    batch_view,
)
from gateway.trading.order_bodies import OrderBody, OrderTerms
from gateway.trading.views import BalanceView, PositionView, position_view
from gateway.wire.errors import ApiError, Detail, Refused, Unavailable, ValidationFailed
from gateway.wire.strict_json import AnswerStruct, is_given
from persistence.loop.ports import Answer

ORDERS_A_CALL: Final = 100
"""Resting orders that a preview looks at for what a call costs."""
ORDERS_AT_ONCE: Final = 250
"""As many of them are run and told within 3 ms."""
LARGE_WAITING: Final = 32
"""Larger ones that wait or run; each takes 0.1 s."""
_ORDER_FIELDS: Final = tuple(
    zip(OrderBody.__struct_fields__, OrderBody.__struct_encode_fields__, strict=True)
)


class PreviewBody(OrderTerms, frozen=True):
    """One order (its fields, and `market`, `marketId` or `slug`), or a batch's `operations`; not
    both.

    With `operations`: `market` is that of placings that name none, and `allOrNone` as in a batch.
    """

    side: Side | None = None
    outcome: Outcome | None = None
    type: OrderType | None = None
    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None
    operations: OperationList | None = None
    all_or_none: bool | None = None


class PreviewView(AnswerStruct, frozen=True):
    """What would come of each operation (of an order: the one), and what one would have after.

    `balance` is after all of them; `positions` are the shares of the markets that they touch.
    """

    results: list[ResultView]
    balance: BalanceView
    positions: list[PositionView]


class Preview:
    """A preview on its way: what it can reach is copied, the rest is told by `tell`."""

    __slots__ = ("_account_id", "_command", "_prepared")

    def __init__(self, account_id: int, command: BatchOrders, prepared: Prepared) -> None:
        self._account_id = account_id
        self._command = command
        self._prepared = prepared

    @property
    def is_small(self) -> bool:
        """Whether it may be told where it stands."""
        return self._prepared.orders <= ORDERS_AT_ONCE

    def tell(self) -> PreviewView:
        """Run it and return what is told; once, from any thread.

        Raises ApiError for a batch that would be refused whole.
        """
        scratch, events = self._prepared.run()
        account = scratch.accounts.get(self._account_id)
        cash = (0, 0) if account is None else (account.available, account.locked)
        answer = Answer(scratch.seq, scratch.now, events, *cash)
        ended = {order.id: order for order in scratch.dirty.orders}
        told = batch_view(answer, self._command, scratch.markets, ended)
        positions = [
            position_view(holding, market)
            for market in scratch.markets.values()
            if (position := market.positions.get(self._account_id)) is not None
            for holding in (position.yes, position.no)
            if holding.quantity or holding.touched
        ]
        return PreviewView(told.results, told.balance, positions)


class LargePreviews:
    """Tells large previews beside the event loop, one at a time: each takes its turns at the
    interpreter from everybody.

    Law: a turn ends with its thread, not with whoever waited for it, so those who leave and come
    back don't put several side by side.
    """

    __slots__ = ("_turn", "_waiting")

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def tell(self, preview: Preview) -> PreviewView:
        """Return what is told of a preview, in its turn.

        Raises Unavailable if too many wait, and what `Preview.tell` raises.
        """
        if self._waiting == LARGE_WAITING:
            raise Unavailable("too many large previews just now; try again in a moment")
        self._waiting += 1
        telling = asyncio.ensure_future(self._tell(preview))
        # Nobody may be left to hear why it failed.
        telling.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(telling)

    async def _tell(self, preview: Preview) -> PreviewView:
        try:
            async with self._turn:
                return await asyncio.to_thread(preview.tell)
        finally:
            self._waiting -= 1


def prepare_preview(
    body: PreviewBody,
    account_id: int,
    view: State,
    at: int,
    market_id_of: Callable[[str], int],
    charge: Callable[[int], None],
) -> Preview:
    """Return a preview at `at` (microseconds) of what is committed now.

    `charge` counts the calls that it comes to beyond one for each operation, or raises RateLimited.
    Raises ApiError for what is wrong with it.
    """
    command = preview_command(body, account_id, market_id_of)
    try:
        prepared = prepare(view, at, command, lambda orders: charge(orders // ORDERS_A_CALL))
    except TooMuchToPreview as error:
        raise Refused("PREVIEW_TOO_LARGE", str(error)) from None
    return Preview(account_id, command, prepared)


def preview_command(
    body: PreviewBody, account_id: int, market_id_of: Callable[[str], int]
) -> BatchOrders:
    """Return the batch that a preview runs; raises ApiError naming the field."""
    if body.operations is not None:
        for name, on_the_wire in _ORDER_FIELDS:
            if _is_given(getattr(body, name)):
                raise ValidationFailed.of(on_the_wire, "goes without operations only")
        batch = BatchBody(
            operations=body.operations, market=market_name(body), all_or_none=body.all_or_none
        )
        return batch_command(batch, account_id, market_id_of)
    if body.all_or_none is not None:
        raise ValidationFailed.of("allOrNone", "goes with operations only")
    for name in ("side", "outcome", "type"):
        if getattr(body, name) is None:
            raise ValidationFailed.of(name, "is required")
    given = {name: getattr(body, name) for name, _ in _ORDER_FIELDS}
    order = PlaceOperation(**given, market=market_name(body))
    try:
        return batch_command(BatchBody(operations=[order]), account_id, market_id_of)
    except ApiError as error:
        raise _of_one(error) from None


def _is_given(value: object) -> bool:
    return is_given(value) if isinstance(value, msgspec.Raw) else value is not None


def _of_one(error: ApiError) -> ApiError:
    """Return an operation's error as the single order's: its fields are named by themselves."""
    prefix = f"{operation_field(0)}."
    error.details = tuple(
        Detail(one.field.removeprefix(prefix), one.message) for one in error.details
    )
    error.message = error.message.removeprefix(prefix)
    return error
