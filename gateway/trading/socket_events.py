"""Trading over the socket: `order:place`, `order:cancel`, `order:cancel_all`.

Laws: a command is on the engine's queue when its handler returns, so one client's orders keep the
order it sent them in, however many are in flight. Bodies, answers and refusals are REST's own
(`trading/order_bodies.py`, `trading/results.py`).
"""

from collections.abc import Awaitable
from typing import Final

import msgspec

from exchange.messages.commands import CancelAll, CancelOrder
from exchange.model.order_book import Order
from gateway.sockets.events import EVENTS, MARKET_LENGTH, SocketEvent
from gateway.sockets.session import SocketSession
from gateway.trading.desk import cancelled_order
from gateway.trading.order_bodies import OrderBody, named_market, place_command
from gateway.trading.results import (
    AllCancelledView,
    CancelledView,
    accepted,
    all_cancelled_view,
    cancelled_view,
    placed_view,
)
from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import parse_id
from gateway.wire.strict_json import BodyStruct
from persistence.loop.ports import Answer


class PlaceBody(OrderBody, frozen=True, kw_only=True):
    """An order and the market (id or slug) it goes to."""

    market: str


class CancelBody(BodyStruct, frozen=True):
    """Which order."""

    order_id: str


class CancelAllBody(BodyStruct, frozen=True):
    """Where (id or slug); everywhere if not given."""

    market: str | None = None


def place(session: SocketSession, body: PlaceBody, ack_id: int | None) -> None:
    """Place an order."""
    user_id, services = session.user_id(), session.services
    market = named_market(services.view, body.market[:MARKET_LENGTH])
    future = services.commands.submit(place_command(body, user_id, market.id))
    session.answer_later(ack_id, future, lambda answer: placed_view(answer, market))


def cancel(session: SocketSession, body: CancelBody, ack_id: int | None) -> None:
    """Cancel an open order of the caller."""
    user_id, services = session.user_id(), session.services
    order_id = parse_id(body.order_id)
    if order_id is None:
        raise ValidationFailed.of("orderId", "must be an order's id")
    order = services.view.orders.get(order_id)
    future = services.commands.submit(CancelOrder(user_id, order_id))
    if order is None:
        # Hardly ever: the order's placing was still on its way to the view.
        session.run(ack_id, _cancel_unseen(session, order_id, future))
    else:
        session.answer_later(ack_id, future, lambda answer: _cancelled(session, answer, order))


def _cancelled(session: SocketSession, answer: Answer, order: Order) -> CancelledView:
    accepted(answer)
    return cancelled_view(answer, order, session.services.view.markets[order.market_id])


async def _cancel_unseen(
    session: SocketSession, order_id: int, answered: Awaitable[Answer]
) -> CancelledView:
    answer = await answered
    accepted(answer)
    order = await cancelled_order(session.services.history, order_id)
    return _cancelled(session, answer, order)


def cancel_all(session: SocketSession, body: CancelAllBody | None, ack_id: int | None) -> None:
    """Cancel every open order of the caller, in one market or everywhere."""
    user_id, services = session.user_id(), session.services
    market_id = None
    if body is not None and body.market is not None:
        market_id = named_market(services.view, body.market[:MARKET_LENGTH]).id
    future = services.commands.submit(CancelAll(user_id, market_id))
    session.answer_later(ack_id, future, _all_cancelled)


def _all_cancelled(answer: Answer) -> AllCancelledView:
    return all_cancelled_view(answer)


ALL_EVENTS: Final[dict[str, SocketEvent]] = {
    **EVENTS,
    "order:place": SocketEvent(msgspec.json.Decoder(PlaceBody), place),
    "order:cancel": SocketEvent(msgspec.json.Decoder(CancelBody), cancel),
    "order:cancel_all": SocketEvent(
        msgspec.json.Decoder(CancelAllBody), cancel_all, payload_required=False
    ),
}
"""Every event a client may send."""
