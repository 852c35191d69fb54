"""Markets as the CLOB lists them: fewer words than Gamma's, but each outcome with whether it won.

Laws: as in `markets.py`. A token that is marked as the winner decides, prices of a closed market
don't; a market that says of itself that it ended half and half is SPLIT.
"""

from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from exchange.messages.terms import Resolution
from gateway.feeds import reading
from gateway.feeds.model import FINAL, ListedStatus, Unrepresentable, VenueMarket
from gateway.feeds.polymarket.answers import ClobMarket, ClobToken
from gateway.feeds.polymarket.markets import (
    CURRENCY,
    ID_MAX,
    PLATFORM,
    SITE,
    Fields,
    base_fees,
    decoded,
    tick_size,
)
from gateway.feeds.reading import Raw

_BINARY: Final = 2
_TAGS_MAX: Final = 20
_NO_TOPIC: Final = "All"

_clob_market: Final = msgspec.json.Decoder(ClobMarket).decode
_clob_token: Final = msgspec.json.Decoder(ClobToken).decode


def clob_market(raw: bytes | Raw) -> tuple[VenueMarket, list[str]]:
    """Return a market and the names of fields that couldn't be read; raises Unrepresentable."""
    found = decoded(raw, _clob_market)
    fields = Fields()
    external_id = fields.read("condition_id", reading.text, found.condition_id)
    if external_id is None or len(external_id) > ID_MAX:
        raise Unrepresentable("no_id")
    question = fields.read("question", reading.text, found.question)
    if question is None:
        raise Unrepresentable("no_question", external_id)
    tokens = _tokens(found, fields, external_id)
    names = [fields.read("outcome", reading.text, token.outcome) for token in tokens]
    ids = [fields.read("token_id", reading.text, token.token_id) for token in tokens]
    status, resolution, yes_payout = _state(found, tokens, fields)
    slug = fields.read("market_slug", reading.text, found.market_slug)
    tags = fields.read("tags", reading.texts, found.tags) or []
    yes_price = None
    if status not in FINAL:
        price = fields.read("price", reading.decimal, tokens[0].price)
        yes_price = reading.near_price(price)
    minimum = fields.read("minimum_order_size", reading.decimal, found.minimum_order_size)
    market = VenueMarket(
        platform=PLATFORM,
        external_id=external_id,
        question=question,
        slug=slug,
        description=fields.read("description", _long_text, found.description) or "",
        category=next((tag for tag in tags if tag and tag != _NO_TOPIC), ""),
        tags=tuple(dict.fromkeys(tag for tag in tags[:_TAGS_MAX] if tag)),
        outcomes=(names[0] or "Yes", names[1] or "No"),
        status=status,
        close_time=fields.read("end_date_iso", reading.moment, found.end_date_iso),
        resolution=resolution,
        yes_payout=yes_payout,
        yes_price=yes_price,
        tick_size=fields.read("minimum_tick_size", tick_size, found.minimum_tick_size),
        min_quantity=reading.quantity(minimum),
        fees=base_fees(fields, found.taker_base_fee, found.maker_base_fee),
        currency=CURRENCY,
        url=f"{SITE}/market/{slug}" if slug else None,
        stream_keys=(ids[0], ids[1]) if ids[0] and ids[1] and ids[0] != ids[1] else (),
    )
    return market, fields.unread


def _long_text(raw: Raw) -> str | None:
    return reading.text(raw, reading.TEXT_MAX)


def _tokens(found: ClobMarket, fields: Fields, external_id: str) -> list[ClobToken]:
    raws = fields.read("tokens", reading.items, found.tokens)
    if raws is None:
        raise Unrepresentable("no_outcomes", external_id)
    if len(raws) != _BINARY:
        raise Unrepresentable("not_binary", external_id)
    return [decoded(raw, _clob_token) for raw in raws]


def _state(
    found: ClobMarket, tokens: list[ClobToken], fields: Fields
) -> tuple[ListedStatus, Resolution | None, int | None]:
    """Return the status, the result and YES's payout."""
    has_won = [fields.read("winner", reading.flag, token.winner) for token in tokens]
    is_closed = fields.read("closed", reading.flag, found.closed)
    is_half = fields.read("is_50_50_outcome", reading.flag, found.is_50_50_outcome)
    if is_closed and has_won == [True, False]:
        return ListedStatus.RESOLVED, Resolution.YES, None
    if is_closed and has_won == [False, True]:
        return ListedStatus.RESOLVED, Resolution.NO, None
    if is_closed and (is_half or has_won == [True, True]):
        return ListedStatus.RESOLVED, Resolution.SPLIT, PRICE_SCALE // 2
    if is_closed or fields.read("archived", reading.flag, found.archived):
        return ListedStatus.CLOSED, None, None
    if is_closed is None or fields.read("active", reading.flag, found.active) is False:
        return ListedStatus.DRAFT, None, None
    if fields.read("accepting_orders", reading.flag, found.accepting_orders):
        return ListedStatus.OPEN, None, None
    has_book = fields.read("enable_order_book", reading.flag, found.enable_order_book)
    return (ListedStatus.HALTED if has_book else ListedStatus.DRAFT), None, None
