"""Every event that the exchange sends of its own accord, with the types of what it carries.

Laws: the types are those that the messages are made of; an event that isn't here fails a test
(`tests/gateway/site/reference/test_socket_document.py`), which runs the sockets and compares what
comes with what is said here. What a domain tells on a topic of its own (`sockets/topics.py`) it
says itself, and `bootstrap/sockets.py` puts both together.
"""

from typing import Final

from gateway.feeds.api.views import ListedMarketView
from gateway.sockets.events import Heard, Pong
from gateway.streaming.account_messages import (
    BalanceMessage,
    FillMessage,
    OrderMessage,
    PositionMessage,
)
from gateway.streaming.announcer import ExchangeMessage, MarketMessage, TradeMessage
from gateway.streaming.book_messages import EVENT, BookUpdate
from gateway.streaming.heartbeat import HeartbeatMessage
from gateway.streaming.market_states import CandleMessage, TickerMessage
from gateway.streaming.venue_rooms import VenueTradeMessage

_ORDER: Final = (OrderMessage,)

HEARD: Final = (
    Heard(EVENT, (BookUpdate,), "Followers of the book: the whole of it, or what changed"),
    Heard(
        "trade_executed",
        (TradeMessage, VenueTradeMessage),
        "Followers of the market: a trade, ours or another venue's",
    ),
    Heard(
        "market_updated",
        (MarketMessage, ListedMarketView),
        "Followers of the market: its life went on, or it was edited",
    ),
    Heard("ticker_updated", (TickerMessage,), "Followers on the channel `ticker`: at a glance"),
    Heard("candle_updated", (CandleMessage,), "Followers on the channel `candles`: an interval"),
    Heard("order_placed", _ORDER, "Its owner: an order that is new"),
    Heard("order_updated", _ORDER, "Its owner: an order that filled or was changed"),
    Heard("order_cancelled", _ORDER, "Its owner: an order that ended unfilled"),
    Heard("order_filled", (FillMessage,), "Its owner: a fill, right behind its order's message"),
    Heard("balance_updated", (BalanceMessage,), "Its owner: cash that changed"),
    Heard("position_updated", (PositionMessage,), "Its owner: shares that changed"),
    Heard("exchange_updated", (ExchangeMessage,), "Everybody: the exchange's mode changed"),
    Heard("heartbeat", (HeartbeatMessage,), "Everybody, each second: what was queued so far"),
    Heard("pong", (Pong,), "Whoever sent a `ping`"),
)
"""All of them."""
