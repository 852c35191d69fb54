"""Polymarket's JSON as far as it is used: each field raw, read by `gateway/feeds/reading.py`.

Laws: a field that is missing, new or of another type never costs more than itself; what must be
there is checked by the converter, which gives the reason.
"""

import msgspec

from gateway.feeds.reading import Raw, absent


class GammaTag(msgspec.Struct, frozen=True, rename="camel"):
    """A tag of an event."""

    label: Raw = absent()
    slug: Raw = absent()


class GammaEvent(msgspec.Struct, frozen=True, rename="camel"):
    """An event; nested in a market it has no markets."""

    id: Raw = absent()
    title: Raw = absent()
    slug: Raw = absent()
    description: Raw = absent()
    category: Raw = absent()
    tags: Raw = absent()
    neg_risk: Raw = absent()
    enable_neg_risk: Raw = absent()
    end_date: Raw = absent()
    updated_at: Raw = absent()
    markets: Raw = absent()


class GammaMarket(msgspec.Struct, frozen=True, rename="camel"):
    """A market of Gamma."""

    condition_id: Raw = absent()
    question: Raw = absent()
    slug: Raw = absent()
    description: Raw = absent()
    category: Raw = absent()
    tags: Raw = absent()
    events: Raw = absent()
    market_type: Raw = absent()
    outcomes: Raw = absent()
    outcome_prices: Raw = absent()
    clob_token_ids: Raw = absent()
    active: Raw = absent()
    closed: Raw = absent()
    archived: Raw = absent()
    accepting_orders: Raw = absent()
    enable_order_book: Raw = absent()
    uma_resolution_status: Raw = absent()
    end_date: Raw = absent()
    end_date_iso: Raw = absent()
    created_at: Raw = absent()
    start_date: Raw = absent()
    closed_time: Raw = absent()
    uma_end_date: Raw = absent()
    updated_at: Raw = absent()
    best_bid: Raw = absent()
    best_ask: Raw = absent()
    last_trade_price: Raw = absent()
    order_price_min_tick_size: Raw = absent()
    order_min_size: Raw = absent()
    volume24hr: Raw = msgspec.field(name="volume24hr", default_factory=Raw)
    volume: Raw = absent()
    volume_num: Raw = absent()
    liquidity: Raw = absent()
    liquidity_num: Raw = absent()
    fees_enabled: Raw = absent()
    fee_schedule: Raw = absent()
    maker_base_fee: Raw = absent()
    taker_base_fee: Raw = absent()


class FeeSchedule(msgspec.Struct, frozen=True, rename="camel"):
    """What a taker pays: size x rate x (price x (1 - price)) ^ exponent."""

    rate: Raw = absent()
    exponent: Raw = absent()
    taker_only: Raw = absent()
    rebate_rate: Raw = absent()


class ClobToken(msgspec.Struct, frozen=True):
    """One outcome of a market of the CLOB."""

    token_id: Raw = absent()
    outcome: Raw = absent()
    price: Raw = absent()
    winner: Raw = absent()


class ClobMarket(msgspec.Struct, frozen=True):
    """A market of the CLOB's own list."""

    condition_id: Raw = absent()
    question: Raw = absent()
    market_slug: Raw = absent()
    description: Raw = absent()
    tags: Raw = absent()
    tokens: Raw = absent()
    active: Raw = absent()
    closed: Raw = absent()
    archived: Raw = absent()
    accepting_orders: Raw = absent()
    enable_order_book: Raw = absent()
    is_50_50_outcome: Raw = msgspec.field(name="is_50_50_outcome", default_factory=Raw)
    end_date_iso: Raw = absent()
    minimum_tick_size: Raw = absent()
    minimum_order_size: Raw = absent()
    maker_base_fee: Raw = absent()
    taker_base_fee: Raw = absent()


class ClobLevel(msgspec.Struct, frozen=True, gc=False):
    """One level, exactly as it is written."""

    price: str
    size: str


class ClobBook(msgspec.Struct, frozen=True):
    """A token's book, of the CLOB and of the socket; best levels last."""

    asset_id: str
    bids: list[ClobLevel]
    asks: list[ClobLevel]
    market: str = ""
    timestamp: Raw = absent()
    hash: Raw = absent()
    min_order_size: Raw = absent()
    tick_size: Raw = absent()
    neg_risk: Raw = absent()
    last_trade_price: Raw = absent()


class DataTrade(msgspec.Struct, frozen=True, rename="camel"):
    """A print of the Data-API."""

    condition_id: Raw = absent()
    asset: Raw = absent()
    side: Raw = absent()
    outcome_index: Raw = absent()
    price: Raw = absent()
    size: Raw = absent()
    timestamp: Raw = absent()
    transaction_hash: Raw = absent()
    proxy_wallet: Raw = absent()


class HistoryPoint(msgspec.Struct, frozen=True):
    """What a token was worth at a second."""

    t: Raw = absent()
    p: Raw = absent()


class History(msgspec.Struct, frozen=True):
    """The answer of /prices-history."""

    history: list[msgspec.Raw]


class Midpoint(msgspec.Struct, frozen=True):
    """The answer of /midpoint."""

    mid: Raw = absent()


class SearchAnswer(msgspec.Struct, frozen=True):
    """The answer of /public-search."""

    events: Raw = absent()


class ClobPage(msgspec.Struct, frozen=True):
    """A page of the CLOB's list."""

    data: list[msgspec.Raw]
    next_cursor: str = ""
