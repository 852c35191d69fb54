"""Taking an order: from the body on the wire to the engine's command, for REST and Socket.IO alike.

Laws: a number's text is parsed by `exchange.messages.units`, never by a float; what can be known
wrong without the exchange's state is refused here with a 400 that names the field and uses up no
client id; everything else is the engine's to judge. What comes back is `trading/results.py`'s
concern.
"""

import re
from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import CLIENT_ID_LENGTH
from exchange.messages.commands import PlaceOrder
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    GTC,
    IOC,
    LIMIT,
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from exchange.model.market import Market
from exchange.model.state import State
from exchange.rules.placing import terms_problem
from gateway.engine_side.refusals import EngineRefused
from gateway.wire import strict_json as wire_json
from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import parse_id
from gateway.wire.strict_json import BodyStruct, MoneyText, PriceText, QuantityText, not_given

_CANCEL_TAKER: Final = SelfTradePrevention.CANCEL_TAKER
_CLIENT_ID: Final = re.compile(rf"[A-Za-z0-9._:-]{{1,{CLIENT_ID_LENGTH}}}", re.ASCII)

ClientIdText = Annotated[
    str,
    msgspec.Meta(
        max_length=CLIENT_ID_LENGTH,
        description="of A-Z a-z 0-9 . _ : -; what it names takes effect once, for ever",
    ),
]


class OrderBody(BodyStruct, frozen=True):
    """An order as its sender writes it; an absent and a null field are the same.

    `timeInForce` is GTC for LIMIT and IOC for MARKET unless given; `maxCost` (fees included)
    stands instead of `quantity` in a MARKET BUY.
    """

    side: Side
    outcome: Outcome
    type: OrderType
    price: PriceText = not_given()
    quantity: QuantityText = not_given()
    max_cost: MoneyText = not_given()
    time_in_force: TimeInForce | None = None
    self_trade_prevention: SelfTradePrevention | None = None
    client_order_id: ClientIdText | None = None


def place_command(body: OrderBody, account_id: int, market_id: int) -> PlaceOrder:
    """Return the command that an order's body stands for, its defaults filled in.

    Raises ValidationFailed naming the field.
    """
    client_order_id = body.client_order_id
    if client_order_id is not None:
        check_client_id(client_order_id, "clientOrderId")
    given = wire_json.is_given
    time_in_force = body.time_in_force
    if time_in_force is None:
        time_in_force = GTC if body.type is LIMIT else IOC
    command = PlaceOrder(
        account_id,
        market_id,
        body.side,
        body.outcome,
        body.type,
        wire_json.price(body.price) if given(body.price) else None,
        wire_json.quantity(body.quantity) if given(body.quantity) else None,
        time_in_force,
        body.self_trade_prevention or _CANCEL_TAKER,
        wire_json.money(body.max_cost, "maxCost") if given(body.max_cost) else None,
        client_order_id,
    )
    problem = terms_problem(command)
    if problem is not None:
        raise ValidationFailed.of(*problem)
    return command


def check_client_id(text: str, field: str) -> str:
    """Return a client's own id of an order or request, or raise ValidationFailed."""
    if _CLIENT_ID.fullmatch(text) is None:
        raise ValidationFailed.of(
            field, f"must be 1 to {CLIENT_ID_LENGTH} characters of A-Z a-z 0-9 . _ : -"
        )
    return text


def find_market(view: State, slug_or_id: str) -> Market | None:
    """Return the market of a slug or an id; no slug is all digits, so the two can't be confused."""
    market = view.market_by_slug.get(slug_or_id)
    if market is None:
        market_id = parse_id(slug_or_id)
        if market_id is not None:
            market = view.markets.get(market_id)
    return market


def named_market(view: State, slug_or_id: str) -> Market:
    """Return the market that a command names; raises the engine's own refusal if there is none."""
    market = find_market(view, slug_or_id)
    if market is None:
        raise EngineRefused(Reason.MARKET_NOT_FOUND, "there is no such market", "market")
    return market
