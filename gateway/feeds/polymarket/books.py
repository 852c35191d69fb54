"""Polymarket's books, trades and price history in the one format.

Laws: prices are of YES whichever token was asked for: a NO token's bid at p is an ask at 1 - p. A
level off the grid goes where it costs a reader nothing and joins what is there; its rest below
1/100 share is cut of the sum. A trade's price is its token's; who bought the NO token took NO, and
so did who sold the YES token.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from hashlib import sha1
from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from gateway.feeds import reading
from gateway.feeds.model import (
    Levels,
    PricePoint,
    TakenSide,
    Unrepresentable,
    VenueBook,
    VenueTrade,
)
from gateway.feeds.polymarket.answers import (
    ClobBook,
    ClobLevel,
    DataTrade,
    History,
    HistoryPoint,
)
from gateway.feeds.polymarket.markets import ID_MAX, PLATFORM, decoded
from gateway.feeds.reading import Misread, Raw, is_said

LEVELS_MAX: Final = 20_000
"""No book has more: there are 9999 prices a side."""
POINTS_MAX: Final = 100_000
_ONE: Final = Decimal(1)

_clob_book: Final = msgspec.json.Decoder(ClobBook).decode
_trade: Final = msgspec.json.Decoder(DataTrade).decode
_history: Final = msgspec.json.Decoder(History).decode
_point: Final = msgspec.json.Decoder(HistoryPoint).decode


def clob_book(raw: bytes | Raw) -> ClobBook:
    """Return a book as the CLOB and the socket write it; raises Unrepresentable."""
    found = decoded(raw, _clob_book)
    if len(found.bids) + len(found.asks) > LEVELS_MAX:
        raise Unrepresentable("too_many_levels")
    return found


def venue_book(found: ClobBook, external_id: str, *, is_no: bool = False) -> VenueBook:
    """Return a token's book in YES terms; raises Unrepresentable for one that can't be.

    A book whose best prices cross is none: the venue matches what crosses.
    """
    try:
        bids, asks = level_pairs(found.bids), level_pairs(found.asks)
        at = reading.moment(found.timestamp)
        sequence = reading.text(found.hash)
    except Misread as error:
        raise Unrepresentable("malformed", str(error)) from None
    if is_no:
        bids, asks = complement(asks), complement(bids)
    yes_bids, yes_asks = side_levels(bids, is_bid=True), side_levels(asks, is_bid=False)
    if yes_bids and yes_asks and yes_bids[0][0] >= yes_asks[0][0]:
        raise Unrepresentable("crossed", external_id)
    return VenueBook(
        platform=PLATFORM,
        external_id=external_id,
        bids=yes_bids,
        asks=yes_asks,
        venue_seq=sequence,
        venue_at=at,
    )


def level_pairs(levels: Iterable[ClobLevel]) -> list[tuple[Decimal, Decimal]]:
    """Return (price, size) exactly; raises Misread."""
    return [(reading.decimal_of(one.price), reading.decimal_of(one.size)) for one in levels]


def complement(levels: Iterable[tuple[Decimal, Decimal]]) -> list[tuple[Decimal, Decimal]]:
    """Return what one side of a token is on the other side of its counterpart."""
    return [(_ONE - price, size) for price, size in levels]


def side_levels(levels: Iterable[tuple[Decimal, Decimal]], *, is_bid: bool) -> Levels:
    """Return one side in the exchange's units, best first."""
    sums: dict[int, Decimal] = {}
    place = reading.bid_price if is_bid else reading.ask_price
    for price, size in levels:
        if size > 0 and (units := place(price)) is not None:
            sums[units] = sums.get(units, Decimal(0)) + size
    cut = ((units, reading.resting_quantity(size)) for units, size in sums.items())
    return tuple(sorted(((p, q) for p, q in cut if q), reverse=is_bid))


def hash_of(
    found: ClobBook, bids: Sequence[str], asks: Sequence[str], *, min_size: str, neg_risk: bool
) -> str | None:
    """Return the hash that the venue gives a book of these levels; None where a part isn't known.

    SHA-1 of compact JSON with the keys in this order and `hash` empty, levels as they come (best
    last), each of `bids` and `asks` as `level_text` writes it. Source: the venue's own Python
    client, `generate_orderbook_summary_hash`; it holds for the recorded REST books of 2026 and for
    all recorded books of the socket.
    """
    if not is_said(found.tick_size) or not is_said(found.last_trade_price):
        return None
    written = (
        f'{{"market":"{found.market}","asset_id":"{found.asset_id}",'
        f'"timestamp":"{reading.text(found.timestamp)}","hash":"",'
        f'"bids":[{",".join(bids)}],"asks":[{",".join(asks)}],'
        f'"min_order_size":"{min_size}","tick_size":"{reading.text(found.tick_size)}",'
        f'"neg_risk":{"true" if neg_risk else "false"},'
        f'"last_trade_price":"{reading.text(found.last_trade_price)}"}}'
    )
    return sha1(written.encode("utf-8"), usedforsecurity=False).hexdigest()


def level_text(price: str, size: str) -> str:
    """Return a level as it stands in the text that is hashed."""
    return f'{{"price":"{price}","size":"{size}"}}'


def holds(found: ClobBook) -> bool | None:
    """Say whether a book's own hash holds; None where the venue doesn't say all that is in it."""
    if not is_said(found.min_order_size) or not is_said(found.neg_risk):
        return None
    made = hash_of(
        found,
        [level_text(one.price, one.size) for one in found.bids],
        [level_text(one.price, one.size) for one in found.asks],
        min_size=reading.text(found.min_order_size) or "",
        neg_risk=bool(reading.flag(found.neg_risk)),
    )
    return None if made is None else made == reading.text(found.hash)


def venue_trade(raw: bytes | Raw) -> VenueTrade:
    """Return a print of the Data-API; raises Unrepresentable.

    Its id is made of the transaction, the token, the taker, the price and the size: one transaction
    can hold several.
    """
    found = decoded(raw, _trade)
    try:
        external_id = reading.text(found.condition_id)
        asset = reading.text(found.asset) or ""
        index = reading.decimal(found.outcome_index)
        side = reading.text(found.side)
        price, size = reading.decimal(found.price), reading.decimal(found.size)
        at = reading.moment(found.timestamp)
        transaction = reading.text(found.transaction_hash) or ""
        taker = reading.text(found.proxy_wallet) or ""
    except Misread as error:
        raise Unrepresentable("malformed", str(error)) from None
    if external_id is None or len(external_id) > ID_MAX:
        raise Unrepresentable("no_id")
    if index not in {0, 1}:
        raise Unrepresentable("not_binary", external_id)
    parts = f"{transaction}:{asset}:{taker}:{side}:{price}:{size}:{at}"
    trade_id = sha1(parts.encode("utf-8"), usedforsecurity=False).hexdigest()
    return print_of(external_id, trade_id, price, size, side, at, is_no=index == 1)


def print_of(
    external_id: str,
    trade_id: str,
    price: Decimal | None,
    size: Decimal | None,
    side: str | None,
    at: int | None,
    *,
    is_no: bool,
) -> VenueTrade:
    """Return a print of one token in YES terms; raises Unrepresentable."""
    units, quantity = reading.near_price(price), reading.quantity(size)
    if units is None:
        raise Unrepresentable("no_price", external_id)
    if quantity is None:
        raise Unrepresentable("no_quantity", external_id)
    if at is None:
        raise Unrepresentable("no_time", external_id)
    taken = None
    if side in {"BUY", "SELL"}:
        taken = TakenSide.NO if is_no == (side == "BUY") else TakenSide.YES
    return VenueTrade(
        platform=PLATFORM,
        external_id=external_id,
        trade_id=trade_id,
        yes_price=PRICE_SCALE - units if is_no else units,
        quantity=quantity,
        taken=taken,
        venue_at=at,
    )


def price_points(raw: bytes | Raw, *, is_no: bool = False) -> tuple[list[PricePoint], int]:
    """Return a token's history in YES terms, oldest first, one a time, and how many points of it
    were none: unread, or of a price that isn't strictly between 0 and 1.
    """
    found = decoded(raw, _history).history
    points: dict[int, int] = {}
    refused = max(0, len(found) - POINTS_MAX)
    for one in found[-POINTS_MAX:]:
        try:
            point = _point(one)
            at, price = reading.moment(point.t), reading.near_price(reading.decimal(point.p))
        except (Misread, msgspec.DecodeError, UnicodeDecodeError):
            at = price = None
        if at is None or price is None:
            refused += 1
        else:
            points[at] = PRICE_SCALE - price if is_no else price
    return [PricePoint(at=at, yes_price=price) for at, price in sorted(points.items())], refused
