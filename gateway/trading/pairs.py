"""Two orders of which one cancels the other (OCO): from the body on the wire to the command, and
from its answer back to the wire, for REST and Socket.IO alike.

Laws: those of `order_bodies.py` and `results.py`, for each of the two; a refusal names the order,
the one that was sent first being `orders[0]`. The engine enters what waits for a price before a
LIMIT order; what is told is in the order in which it was sent.
"""

from collections.abc import Callable
from typing import Annotated, Final

import msgspec

from exchange.messages.commands import PlaceOco, PlaceOrder
from exchange.messages.conditions import SessionKey
from exchange.messages.events import OrderPlaced
from exchange.model.market import Market
from exchange.rules.waiting.oco import pair_problem
from gateway.engine_side.refusals import accepted
from gateway.markets.lookup import MarketText, market_name
from gateway.trading.order_bodies import (
    ClientIdText,
    OrderBody,
    check_client_id,
    place_command,
    tied,
)
from gateway.trading.results import fills_of, followed_order
from gateway.trading.views import BalanceView, FillView, OrderView, balance_view, order_view
from gateway.wire.errors import ValidationFailed
from gateway.wire.strict_json import AnswerStruct, BodyStruct
from persistence.loop.ports import Answer

_LEGS: Final = 2


class LegBody(OrderBody, frozen=True, kw_only=True):
    """One of the two; its market (id or slug) may be given once for both instead."""

    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None


Legs = Annotated[list[LegBody], msgspec.Meta(min_length=_LEGS, max_length=_LEGS)]


class OcoBody(BodyStruct, frozen=True):
    """Two orders of one market, side and outcome, placed together; one at least waits for a price.

    The other may be a LIMIT order that rests (GTC or GTD). What `requestId` names takes effect
    once, for ever.
    """

    orders: Legs
    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None
    request_id: ClientIdText | None = None


class OcoView(AnswerStruct, frozen=True):
    """Both orders right after their placing, in the order sent; what the LIMIT one traded at once,
    and the balance then.
    """

    orders: list[OrderView]
    trades: list[FillView]
    balance: BalanceView
    replayed: bool | msgspec.UnsetType = msgspec.UNSET
    """True if the request's id was used before and this is the first answer, given again."""


def pair_market(body: OcoBody, named: Callable[[str], Market]) -> Market:
    """Return the market of both orders; raises ValidationFailed, and what `named` raises."""
    whole = market_name(body)
    found: Market | None = None
    for number, leg in enumerate(body.orders):
        name = market_name(leg) or whole
        if name is None:
            raise ValidationFailed.of(f"orders[{number}].market", "is required")
        market = named(name)
        if found is not None and market is not found:
            raise ValidationFailed.of(f"orders[{number}].market", "must be the same in both")
        found = market
    if found is None:
        raise ValidationFailed.of("orders", f"must be {_LEGS}")
    return found


def pair_command(body: OcoBody, account_id: int, market_id: int) -> PlaceOco:
    """Return the command that a pair's body stands for.

    Raises ValidationFailed naming the field.
    """
    if body.request_id is not None:
        check_client_id(body.request_id, "requestId")
    first, second = (
        _leg_command(leg, number, account_id, market_id) for number, leg in enumerate(body.orders)
    )
    problem = pair_problem(first, second)
    if problem is not None:
        raise ValidationFailed.of(*problem)
    return PlaceOco(account_id, first, second, body.request_id)


def tied_pair(command: PlaceOco, session: SessionKey | None) -> PlaceOco:
    """Return the pair as one that ends with its session, if it has one."""
    if session is None:
        return command
    first, second = tied(command.first, session), tied(command.second, session)
    return msgspec.structs.replace(command, first=first, second=second)


def pair_view(answer: Answer, command: PlaceOco, market: Market) -> OcoView:
    """Return the answer to a PlaceOco; raises EngineRefused."""
    events, replayed = accepted(answer)
    orders = [
        followed_order(event, events, answer.seq, answer.at)
        for event in events
        if type(event) is OrderPlaced
    ]
    first = command.first.conditions
    if first is None or first.trigger_price is None:
        orders.reverse()
    return OcoView(
        [order_view(order, market) for order in orders],
        fills_of(answer, events, market),
        balance_view(answer.available, answer.locked),
        True if replayed else msgspec.UNSET,
    )


def _leg_command(leg: LegBody, number: int, account_id: int, market_id: int) -> PlaceOrder:
    try:
        return place_command(leg, account_id, market_id)
    except ValidationFailed as error:
        (detail,) = error.details
        raise ValidationFailed.of(f"orders[{number}].{detail.field}", detail.message) from None
