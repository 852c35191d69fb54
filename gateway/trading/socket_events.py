"""Trading over the socket: `order:place`, `order:oco`, `order:batch`, `order:amend`,
`order:cancel`, `order:cancel_all`, `order:preview`.

Laws: a command is on the engine's queue when its handler returns, so one client's orders keep the
order it sent them in, however many are in flight. Bodies, answers and refusals are REST's own: both
transports hand in at the same desk (`desk.py`).
"""

import msgspec

from exchange.messages.terms import Outcome, Side
from gateway.access.api_keys.standing import Scope
from gateway.access.budgets import Budget
from gateway.markets.lookup import market_name, required_market_name
from gateway.sockets.events import SocketEvent
from gateway.sockets.session import SocketSession
from gateway.trading.batches import BatchBody, BatchView
from gateway.trading.cancel_on_disconnect import CancelOnDisconnect
from gateway.trading.desk import Desk, Sent
from gateway.trading.order_bodies import (
    AmendBody,
    ClientIdText,
    GroupIdText,
    OrderBody,
    check_client_id,
)
from gateway.trading.pairs import OcoBody, OcoView
from gateway.trading.previews import PreviewBody, PreviewView
from gateway.trading.results import (
    AllCancelledView,
    AmendedView,
    CancelledView,
    PlacedView,
)
from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import parse_id
from gateway.wire.strict_json import BodyStruct


class PlaceBody(OrderBody, frozen=True, kw_only=True):
    """An order and the market (id or slug) it goes to."""

    market: str | None = None
    market_id: str | None = None
    slug: str | None = None


class CancelBody(BodyStruct, frozen=True):
    """Which order: by its id, or by the one that its sender gave it."""

    order_id: str | None = None
    client_order_id: ClientIdText | None = None


class AmendOrderBody(AmendBody, frozen=True, kw_only=True):
    """Which order, and what it is to be."""

    order_id: str


class CancelAllBody(BodyStruct, frozen=True):
    """Where (id or slug), of which side, outcome and order group; whatever isn't given: all."""

    market: str | None = None
    market_id: str | None = None
    slug: str | None = None
    side: Side | None = None
    outcome: Outcome | None = None
    group_id: GroupIdText | None = None


class OrderEvents:
    """Takes orders from sessions that are signed in."""

    def __init__(self, desk: Desk, disconnects: CancelOnDisconnect) -> None:
        self._desk = desk
        self._disconnects = disconnects

    def place(self, session: SocketSession, body: PlaceBody, ack_id: int | None) -> None:
        """Place an order."""
        user_id, tied_to = session.user_id(), self._disconnects.session_of(session)
        sent = self._desk.place(user_id, required_market_name(body), body, tied_to)
        session.answer_later(ack_id, sent.answered, sent.show)

    def batch(self, session: SocketSession, body: BatchBody, ack_id: int | None) -> None:
        """Run several operations as one command."""
        tied_to = self._disconnects.session_of(session)
        _acknowledge(session, ack_id, self._desk.batch(session.user_id(), body, tied_to))

    def preview(self, session: SocketSession, body: PreviewBody, ack_id: int | None) -> None:
        """Tell what an order or a batch would do."""
        preview = self._desk.preview(session.user_id(), body)
        if preview.is_small:
            session.ack(ack_id, preview.tell())
        else:
            session.run(ack_id, self._desk.large_previews.tell(preview))

    def place_pair(self, session: SocketSession, body: OcoBody, ack_id: int | None) -> None:
        """Place two orders of which one cancels the other."""
        tied_to = self._disconnects.session_of(session)
        sent = self._desk.place_pair(session.user_id(), body, tied_to)
        session.answer_later(ack_id, sent.answered, sent.show)

    def amend(self, session: SocketSession, body: AmendOrderBody, ack_id: int | None) -> None:
        """Change an open order of the caller."""
        order_id = _order_id(body.order_id)
        _acknowledge(session, ack_id, self._desk.amend(session.user_id(), order_id, body))

    def cancel(self, session: SocketSession, body: CancelBody, ack_id: int | None) -> None:
        """Cancel an open order of the caller."""
        user_id, client_id = session.user_id(), body.client_order_id
        if (client_id is None) == (body.order_id is None):
            raise ValidationFailed.of("orderId", "give either orderId or clientOrderId")
        if client_id is not None:
            check_client_id(client_id, "clientOrderId")
            _acknowledge(session, ack_id, self._desk.cancel_by_client_id(user_id, client_id))
            return
        order_id = _order_id(body.order_id or "")
        _acknowledge(session, ack_id, self._desk.cancel(user_id, order_id))

    def cancel_all(
        self, session: SocketSession, body: CancelAllBody | None, ack_id: int | None
    ) -> None:
        """Cancel the caller's open orders, or those of a market, a side, an outcome, a group."""
        body = body or CancelAllBody()
        group = None if body.group_id is None else check_client_id(body.group_id, "groupId")
        user_id, name = session.user_id(), market_name(body)
        sent = self._desk.cancel_all(user_id, name, body.side, body.outcome, group)
        session.answer_later(ack_id, sent.answered, sent.show)

    def events(self) -> dict[str, SocketEvent]:
        """Return the rows."""
        return {
            "order:place": SocketEvent(
                msgspec.json.Decoder(PlaceBody),
                self.place,
                budget=Budget.WRITE,
                scope=Scope.TRADE,
                answer=PlacedView,
                summary="Place an order",
            ),
            "order:oco": SocketEvent(
                msgspec.json.Decoder(OcoBody),
                self.place_pair,
                budget=Budget.WRITE,
                scope=Scope.TRADE,
                answer=OcoView,
                summary="Place two orders of which one cancels the other",
            ),
            "order:amend": SocketEvent(
                msgspec.json.Decoder(AmendOrderBody),
                self.amend,
                budget=Budget.WRITE,
                scope=Scope.TRADE,
                answer=AmendedView,
                summary="Change an open order",
            ),
            "order:batch": SocketEvent(
                msgspec.json.Decoder(BatchBody),
                self.batch,
                budget=Budget.WRITE,
                scope=Scope.TRADE,
                answer=BatchView,
                summary="Run several operations as one command",
            ),
            "order:preview": SocketEvent(
                msgspec.json.Decoder(PreviewBody),
                self.preview,
                budget=Budget.WRITE,
                scope=Scope.READ,
                answer=PreviewView,
                summary="Show what an order or a batch would do",
            ),
            "order:cancel": SocketEvent(
                msgspec.json.Decoder(CancelBody),
                self.cancel,
                budget=Budget.CANCEL,
                scope=Scope.TRADE,
                answer=CancelledView,
                summary="Cancel an order",
            ),
            "order:cancel_all": SocketEvent(
                msgspec.json.Decoder(CancelAllBody),
                self.cancel_all,
                payload_required=False,
                budget=Budget.CANCEL_ALL,
                scope=Scope.TRADE,
                answer=AllCancelledView,
                summary="Cancel all, or those of a market, a side, an outcome, a group",
            ),
        }


def _order_id(text: str) -> int:
    order_id = parse_id(text)
    if order_id is None:
        raise ValidationFailed.of("orderId", "must be an order's id")
    return order_id


def _acknowledge(session: SocketSession, ack_id: int | None, sent: Sent[object]) -> None:
    if sent.look_up is None:
        session.answer_later(ack_id, sent.answered, sent.show)
    else:
        session.run(ack_id, sent.result())
