"""What is asked of stocks: the bodies of trades and of new stocks, read into whole numbers.

Laws: as of an order's body, what can be known wrong without looking at anything is refused here
with a 400 that names the field, and uses no request id up.
"""

import re
from typing import Annotated, Final

import msgspec

from exchange.messages.bounds import CREDIT_MAX, MONEY_SCALE, RATE_MAX
from exchange.messages.errors import MalformedNumber
from exchange.messages.units import format_money, parse_rate
from gateway.economy.stocks.orders import Ask
from gateway.economy.stocks.rules.curve import BASE, SLOPE
from gateway.economy.stocks.rules.loans import LEVERAGE
from gateway.trading.order_bodies import ClientIdText, check_client_id
from gateway.wire import strict_json
from gateway.wire.errors import ValidationFailed
from gateway.wire.strict_json import (
    BodyStruct,
    CreditText,
    MoneyText,
    QuantityText,
    RateText,
    is_given,
    not_given,
    number_text,
    stored_text,
)
from persistence.repositories.economy.stocks.stocks import NewStock

SYMBOL_LENGTH: Final = 10
NAME_LENGTH: Final = 80
INTEREST: Final = 10
"""A day, in 1/10 000, where nothing is said."""
MARGIN: Final = 1_000
_SYMBOL: Final = re.compile(rf"[A-Z][A-Z0-9]{{0,{SYMBOL_LENGTH - 1}}}", re.ASCII)

SymbolText = Annotated[
    str,
    msgspec.Meta(
        max_length=SYMBOL_LENGTH,
        description="of GET /economy/stocks",
        extra_json_schema={"pattern": "^[A-Z][A-Z0-9]*$", "examples": ["ORCA"]},
    ),
]
LeverageText = Annotated[
    int,
    msgspec.Meta(
        ge=LEVERAGE[0],
        le=LEVERAGE[1],
        description="of the cost one part in so many is paid, the others are borrowed",
    ),
]
NameText = Annotated[str, msgspec.Meta(min_length=1, max_length=NAME_LENGTH)]


class TradeBody(BodyStruct, frozen=True):
    """What is traded: so many `shares`, or as many as an `amount` is for."""

    symbol: SymbolText
    shares: QuantityText = not_given()
    amount: MoneyText = not_given()
    request_id: ClientIdText | None = None


class StockBuyBody(TradeBody, frozen=True):
    """Shares to buy: `shares`, or the most of which `amount` pays the buyer's own part.

    `maxPrice` is what a share may cost on the average, what is borrowed included.
    """

    leverage: LeverageText = 1
    max_price: MoneyText = not_given()


class StockSellBody(TradeBody, frozen=True):
    """Shares to sell: `shares`, or the fewest that bring `amount`, of which a loan is paid first.

    `minPrice` is what a share has to bring on the average.
    """

    min_price: MoneyText = not_given()


class NewStockBody(BodyStruct, frozen=True):
    """A stock's terms, which never change: the first share costs `basePrice`, each further one
    `slope` more.

    `interestRate` is a day's, of what is owed; `maintenanceMargin`, no less, is by how much more
    than what is owed selling has to bring.
    """

    symbol: SymbolText
    name: NameText
    base_price: CreditText
    slope: CreditText
    interest_rate: RateText = not_given()
    maintenance_margin: RateText = not_given()


class StockStatusBody(BodyStruct, frozen=True):
    """Whether nobody may buy for now; whoever has shares may always sell."""

    halted: bool


def check_symbol(text: str, field: str = "symbol") -> str:
    """Return a symbol, or raise ValidationFailed."""
    if _SYMBOL.fullmatch(text) is None:
        raise ValidationFailed.of(
            field, f"must be 1 to {SYMBOL_LENGTH} of A-Z and 0-9, a letter first"
        )
    return text


def ask_of(body: StockBuyBody | StockSellBody) -> Ask:
    """Return what a body asks for; raises ValidationFailed naming the field."""
    check_symbol(body.symbol)
    if body.request_id is not None:
        check_client_id(body.request_id, "requestId")
    shares = strict_json.quantity(body.shares, "shares") if is_given(body.shares) else None
    amount = strict_json.money(body.amount, "amount") if is_given(body.amount) else None
    if (shares is None) == (amount is None):
        raise ValidationFailed.of("shares", "give either shares or amount")
    if amount is not None and amount > CREDIT_MAX:
        raise ValidationFailed.of("amount", f"must be at most {CREDIT_MAX // MONEY_SCALE}")
    if isinstance(body, StockBuyBody):
        worst, field, leverage = body.max_price, "maxPrice", body.leverage
    else:
        worst, field, leverage = body.min_price, "minPrice", 1
    price = strict_json.money(worst, field) if is_given(worst) else None
    is_buy = isinstance(body, StockBuyBody)
    return Ask(is_buy=is_buy, shares=shares, amount=amount, leverage=leverage, worst=price)


def new_stock(body: NewStockBody) -> NewStock:
    """Return the stock of a body; raises ValidationFailed naming the field."""
    interest = _rate(body.interest_rate, "interestRate", INTEREST)
    margin = _rate(body.maintenance_margin, "maintenanceMargin", MARGIN)
    if margin < max(interest, 1):
        raise ValidationFailed.of("maintenanceMargin", "must be no less than interestRate, above 0")
    return NewStock(
        check_symbol(body.symbol),
        stored_text(body.name, "name", NAME_LENGTH),
        _within(body.base_price, "basePrice", BASE),
        _within(body.slope, "slope", SLOPE),
        interest,
        margin,
    )


def _within(raw: msgspec.Raw, field: str, bounds: tuple[int, int]) -> int:
    money = strict_json.money(raw, field)
    if not bounds[0] <= money <= bounds[1]:
        least, most = (format_money(bound) for bound in bounds)
        raise ValidationFailed.of(field, f"must lie between {least} and {most}")
    return money


def _rate(raw: msgspec.Raw, field: str, default: int) -> int:
    if not is_given(raw):
        return default
    try:
        return parse_rate(number_text(raw, field), RATE_MAX)
    except MalformedNumber as error:
        raise ValidationFailed.of(field, str(error)) from None
