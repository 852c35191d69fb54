"""What is asked of bets: bodies, query parameters, and what they say in units.

Laws: what can be known wrong without the exchange's state is refused here, with a 400 that names
the field and uses up no id. THIS is the first of a market's two outcomes, which is YES; THAT is NO.
"""

import functools
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Final, Literal

import msgspec

from exchange.messages.errors import MalformedNumber
from exchange.messages.units import parse_money, parse_price, parse_quantity
from gateway.economy.settings import EconomySettings
from gateway.http.paging import SliceQuery
from gateway.http.reading.query_strings import words_text
from gateway.markets.lookup import MarketText
from gateway.trading.order_bodies import ClientIdText
from gateway.wire import strict_json
from gateway.wire.errors import ValidationFailed
from gateway.wire.strict_json import (
    NUMBER_TEXT_LENGTH,
    BodyStruct,
    CreditText,
    MoneyText,
    PriceText,
    QuantityText,
    QueryStruct,
    not_given,
)

Side = Literal["THIS", "THAT", "YES", "NO"]


class BetState(Enum):
    """How a bet stands: PENDING while its answer isn't known, REFUSED if nothing was bought."""

    PENDING = "PENDING"
    OPEN = "OPEN"
    WON = "WON"
    LOST = "LOST"
    SOLD = "SOLD"
    VOID = "VOID"
    REFUSED = "REFUSED"


def _number(description: str, pattern: str, example: str) -> msgspec.Meta:
    return msgspec.Meta(
        max_length=NUMBER_TEXT_LENGTH,
        description=description,
        extra_json_schema={"pattern": pattern, "examples": [example]},
    )


_NOT_ZERO: Final = r"^(?!0(\.0*)?$)"
AmountParameter = Annotated[
    str,
    _number(
        "credits, at most 6 decimals, from MIN_BET_AMOUNT to MAX_BET_AMOUNT",
        rf"{_NOT_ZERO}(0|[1-9][0-9]{{0,8}})(\.[0-9]{{1,6}})?$",
        "100.00",
    ),
]
PriceParameter = Annotated[
    str,
    _number(
        "credits for one share, 0.0001 to 0.9999, at most 4 decimals",
        rf"{_NOT_ZERO}0(\.[0-9]{{1,4}})?$",
        "0.5500",
    ),
]
SharesParameter = Annotated[
    str,
    _number(
        "shares, at most 2 decimals; unset: all of the bet",
        rf"{_NOT_ZERO}(0|[1-9][0-9]{{0,7}})(\.[0-9]{{1,2}})?$",
        "10.00",
    ),
]
StatesText = Annotated[str, words_text(BetState, "OPEN,WON")]


class BetBody(BodyStruct, frozen=True):
    """A bet: at most `amount` credits, fees included, on one side of a market, at `maxPrice` a
    share or better. Of what nobody trades with now nothing is charged. `clientBetId` makes a repeat
    find the first one.
    """

    market_id: MarketText
    side: Side
    amount: CreditText
    max_price: PriceText = not_given()
    client_bet_id: ClientIdText | None = None


class BetQuoteQuery(QueryStruct, frozen=True):
    """The bet that is looked at, as `POST /bets` takes it."""

    market_id: MarketText
    side: Side
    amount: AmountParameter
    max_price: PriceParameter | None = None


class SaleBody(BodyStruct, frozen=True):
    """How much of a bet is sold, all of it if `shares` isn't given. With `minProceeds` (credits,
    the fee taken off) it is all or nothing, and each share brings its part of that at least.
    """

    shares: QuantityText = not_given()
    min_proceeds: MoneyText = not_given()
    request_id: ClientIdText | None = None


class SaleQuoteQuery(QueryStruct, frozen=True):
    """How much of a bet is looked at."""

    shares: SharesParameter | None = None


class BetsQuery(SliceQuery, frozen=True):
    """Which bets; what is unset matches all."""

    status: StatesText | None = None
    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None


def body_amount(raw: msgspec.Raw, settings: EconomySettings) -> int:
    """Return a bet's credits (money); raises ValidationFailed, which names what a bet may be."""
    return asked_amount(strict_json.number_text(raw, "amount"), settings)


def asked_amount(text: str, settings: EconomySettings) -> int:
    """Return the same of a parameter."""
    bounded = functools.partial(parse_money, maximum=settings.bet_max, minimum=settings.bet_min)
    return _parsed(text, "amount", bounded)


def body_price(raw: msgspec.Raw) -> int | None:
    """Return `maxPrice`, None if it isn't given; raises ValidationFailed."""
    return strict_json.price(raw, "maxPrice") if strict_json.is_given(raw) else None


def asked_price(text: str | None) -> int | None:
    """Return a parameter's price, None for none; raises ValidationFailed."""
    return None if text is None else _parsed(text, "maxPrice", parse_price)


def asked_shares(text: str | None) -> int | None:
    """Return a parameter's quantity, None for none; raises ValidationFailed."""
    return None if text is None else _parsed(text, "shares", parse_quantity)


def _parsed(text: str, field: str, parse: Callable[[str], int]) -> int:
    try:
        return parse(text)
    except MalformedNumber as error:
        raise ValidationFailed.of(field, str(error)) from None
