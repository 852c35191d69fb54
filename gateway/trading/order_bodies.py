"""Taking an order: from the body on the wire to the engine's command, for REST and Socket.IO alike.

Laws: a number's text is parsed by `exchange.messages.units`, never by a float; what can be known
wrong without the exchange's state is refused here with a 400 that names the field and uses up no
client id; everything else is the engine's to judge. What comes back is `trading/results.py`'s
concern.
"""

import re
from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import CLIENT_ID_LENGTH, STORED_MAX
from exchange.messages.commands import AmendOrder, PlaceOrder
from exchange.messages.conditions import OrderConditions, SessionKey
from exchange.messages.terms import (
    GTC,
    GTD,
    IOC,
    LIMIT,
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TriggerBy,
)
from exchange.rules.order_terms import amend_problem, terms_problem
from gateway.wire import strict_json
from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import TIME_PATTERN, parse_time
from gateway.wire.strict_json import BodyStruct, MoneyText, PriceText, QuantityText, not_given

_CANCEL_TAKER: Final = SelfTradePrevention.CANCEL_TAKER
_CLIENT_ID: Final = re.compile(rf"[A-Za-z0-9._:-]{{1,{CLIENT_ID_LENGTH}}}", re.ASCII)

ClientIdText = Annotated[
    str,
    msgspec.Meta(
        max_length=CLIENT_ID_LENGTH,
        description="of A-Z a-z 0-9 . _ : -; what it names takes effect once, for ever",
        extra_json_schema={"pattern": "^[A-Za-z0-9._:-]+$"},
    ),
]


GroupIdText = Annotated[
    str,
    msgspec.Meta(
        max_length=CLIENT_ID_LENGTH,
        description="of A-Z a-z 0-9 . _ : -; names one of one's own order groups",
        extra_json_schema={"pattern": "^[A-Za-z0-9._:-]+$"},
    ),
]

ExpiryText = Annotated[
    str,
    msgspec.Meta(
        max_length=40,
        description="when a GTD order ends: ISO-8601 with a zone, at most 3 decimals of a second",
        extra_json_schema={"pattern": TIME_PATTERN, "examples": ["2026-01-31T12:00:00Z"]},
    ),
]


class OrderTerms(BodyStruct, frozen=True, kw_only=True):
    """What an order says beside its kind; an absent and a null field are the same.

    `timeInForce` is GTC unless given, but IOC for an order without a `price`; `maxCost` (fees
    included) stands instead of `quantity` in a BUY without a `price`. `expiresAt` goes with GTD,
    `postOnly` with an order that may rest; `worstPrice`, of the order's own outcome, stops a MARKET
    order; `reduceOnly` goes with an order that is IOC or FOK. STOP, STOP_LIMIT and
    TAKE_PROFIT wait until the price of their outcome that `triggerBy` names (LAST unless given) has
    come to `triggerPrice`. What it fills counts in the order group `groupId`, with which it ends.
    """

    price: PriceText = not_given()
    quantity: QuantityText = not_given()
    max_cost: MoneyText = not_given()
    time_in_force: TimeInForce | None = None
    self_trade_prevention: SelfTradePrevention | None = None
    client_order_id: ClientIdText | None = None
    expires_at: ExpiryText | None = None
    post_only: bool | None = None
    worst_price: PriceText = not_given()
    reduce_only: bool | None = None
    trigger_price: PriceText = not_given()
    trigger_by: TriggerBy | None = None
    group_id: GroupIdText | None = None


class OrderBody(OrderTerms, frozen=True):
    """An order as its sender writes it."""

    side: Side
    outcome: Outcome
    type: OrderType


VersionNumber = Annotated[
    int,
    msgspec.Meta(ge=0, le=STORED_MAX, description="the order's `version`, or nothing happens"),
]


class AmendBody(BodyStruct, frozen=True):
    """What an open order is to be from now on; what isn't given stays as it is.

    `quantity` is the new total, what is filled included. `expiresAt` goes with a GTD order,
    `triggerPrice` with one that waits for a price.
    """

    price: PriceText = not_given()
    quantity: QuantityText = not_given()
    expires_at: ExpiryText | None = None
    expected_version: VersionNumber | None = None
    trigger_price: PriceText = not_given()


def amend_command(body: AmendBody, account_id: int, order_id: int) -> AmendOrder:
    """Return the command that an amend's body stands for; raises ValidationFailed."""
    given = strict_json.is_given
    command = AmendOrder(
        account_id,
        order_id,
        strict_json.price(body.price) if given(body.price) else None,
        strict_json.quantity(body.quantity) if given(body.quantity) else None,
        None if body.expires_at is None else parse_time(body.expires_at, "expiresAt"),
        body.expected_version,
        strict_json.price(body.trigger_price, "triggerPrice")
        if given(body.trigger_price)
        else None,
    )
    problem = amend_problem(
        command.price, command.quantity, command.expires_at, command.trigger_price
    )
    if problem is not None:
        field, message = problem
        raise ValidationFailed.of(field or strict_json.BODY_FIELD, message)
    return command


def place_command(body: OrderBody, account_id: int, market_id: int) -> PlaceOrder:
    """Return the command that an order's body stands for, its defaults filled in.

    Raises ValidationFailed naming the field.
    """
    client_order_id = body.client_order_id
    if client_order_id is not None:
        check_client_id(client_order_id, "clientOrderId")
    given = strict_json.is_given
    time_in_force = body.time_in_force
    if time_in_force is None:
        time_in_force = GTC if body.type is LIMIT or given(body.price) else IOC
    command = PlaceOrder(
        account_id,
        market_id,
        body.side,
        body.outcome,
        body.type,
        strict_json.price(body.price) if given(body.price) else None,
        strict_json.quantity(body.quantity) if given(body.quantity) else None,
        time_in_force,
        body.self_trade_prevention or _CANCEL_TAKER,
        strict_json.money(body.max_cost, "maxCost") if given(body.max_cost) else None,
        client_order_id,
        conditions=_conditions(body),
    )
    problem = terms_problem(command)
    if problem is not None:
        raise ValidationFailed.of(*problem)
    return command


def _conditions(body: OrderBody) -> OrderConditions | None:
    """Return an order's rare terms; None, as for nearly every order, if it has none."""
    worst_price = None
    if strict_json.is_given(body.worst_price):
        worst_price = strict_json.price(body.worst_price, "worstPrice")
    trigger_price = None
    if strict_json.is_given(body.trigger_price):
        trigger_price = strict_json.price(body.trigger_price, "triggerPrice")
    elif body.trigger_by is not None:
        raise ValidationFailed.of("triggerBy", "goes with a triggerPrice only")
    group = None if body.group_id is None else check_client_id(body.group_id, "groupId")
    is_plain = body.expires_at is None and worst_price is None and trigger_price is None
    if is_plain and not (body.post_only or body.reduce_only or group):
        return None
    return OrderConditions(
        expires_at=None if body.expires_at is None else parse_time(body.expires_at, "expiresAt"),
        post_only=bool(body.post_only),
        worst_price=worst_price,
        reduce_only=bool(body.reduce_only),
        trigger_price=trigger_price,
        trigger_by=body.trigger_by or TriggerBy.LAST,
        group=group,
    )


def tied(command: PlaceOrder, session: SessionKey | None) -> PlaceOrder:
    """Return the order as one that ends with its session, if it has one and may wait."""
    if session is None:
        return command
    terms = command.conditions or OrderConditions()
    if command.time_in_force not in (GTC, GTD) and terms.trigger_price is None:
        return command
    terms = msgspec.structs.replace(terms, session=session)
    return msgspec.structs.replace(command, conditions=terms)


def check_client_id(text: str, field: str) -> str:
    """Return a client's own id of an order or request, or raise ValidationFailed."""
    if _CLIENT_ID.fullmatch(text) is None:
        raise ValidationFailed.of(
            field, f"must be 1 to {CLIENT_ID_LENGTH} characters of A-Z a-z 0-9 . _ : -"
        )
    return text
