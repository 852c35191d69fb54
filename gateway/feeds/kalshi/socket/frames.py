"""What goes over Kalshi's socket, one JSON object a frame; both number forms.

A frame's `sid` says to which subscription it belongs, `seq` counts within that, `id` names the
command that it answers. Channels and commands: docs.kalshi.com/websockets.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from gateway.feeds.kalshi.answers import Answer, BookSides, TradeAnswer, decoder
from gateway.feeds.kalshi.numbers import Number

BOOKS: Final = "orderbook_delta"
TICKER: Final = "ticker"
TRADE: Final = "trade"
LIFECYCLE: Final = "market_lifecycle_v2"

_EMPTY: Final = msgspec.Raw(b"{}")


class Frame(Answer, frozen=True, kw_only=True):
    """One frame, its content unread."""

    type: str
    id: int | None = None
    sid: int | None = None
    seq: int | None = None
    msg: msgspec.Raw = _EMPTY


class Subscribed(Answer, frozen=True, kw_only=True):
    """A channel's subscription has this id."""

    channel: str
    sid: int


class Snapshot(BookSides, frozen=True, kw_only=True):
    """A whole book."""

    market_ticker: str


class Delta(Answer, frozen=True, kw_only=True):
    """By how much the contracts bid at a price of one side have changed."""

    market_ticker: str
    side: str
    price: Number = None
    price_dollars: Number = None
    delta: Number = None
    delta_fp: Number = None
    ts: str | int | float | None = None
    ts_ms: Number = None


class Ticker(Answer, frozen=True, kw_only=True):
    """Best prices and sums."""

    market_ticker: str
    price: Number = None
    price_dollars: Number = None
    yes_bid: Number = None
    yes_bid_dollars: Number = None
    yes_bid_size_fp: Number = None
    yes_ask: Number = None
    yes_ask_dollars: Number = None
    yes_ask_size_fp: Number = None
    volume: Number = None
    volume_fp: Number = None
    open_interest: Number = None
    open_interest_fp: Number = None
    ts: str | int | float | None = None
    ts_ms: Number = None


class Lifecycle(Answer, frozen=True, kw_only=True):
    """A market's life went on; of all markets, whether watched or not."""

    market_ticker: str
    event_type: str = ""


class Failure(Answer, frozen=True, kw_only=True):
    """A command that was refused."""

    code: int = 0
    msg: str = ""


FRAME: Final = decoder(Frame)
SUBSCRIBED: Final = decoder(Subscribed)
SNAPSHOT: Final = decoder(Snapshot)
DELTA: Final = decoder(Delta)
TICKERS: Final = decoder(Ticker)
TRADES: Final = decoder(TradeAnswer)
LIFE: Final = decoder(Lifecycle)
FAILURE: Final = decoder(Failure)


class _Named(Answer, frozen=True, kw_only=True):
    market_ticker: str


NAMED: Final = decoder(_Named)
"""Of a frame whose content can't be read: the market, if it says one."""


def command(number: int, cmd: str, **params: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    """Return the text of a command."""
    return msgspec.json.encode({"id": number, "cmd": cmd, "params": params}).decode()


def subscribe(number: int, channel: str, tickers: Iterable[str]) -> str:
    """Listen to a channel, of these markets; of none named: of all there are."""
    params: dict[str, Any] = {"channels": [channel]}
    if named := list(tickers):
        params["market_tickers"] = named
    if channel == BOOKS:
        # One price scale for both sides. It is to become the only one there; saying so is the
        # only way to know which is in force.
        params["use_yes_price"] = True
    return command(number, "subscribe", **params)


def unsubscribe(number: int, sid: int) -> str:
    """Listen no longer."""
    return command(number, "unsubscribe", sids=[sid])


def update(number: int, sid: int, action: str, tickers: Iterable[str]) -> str:
    """Change a subscription's markets, or ask for their snapshots."""
    return command(
        number, "update_subscription", sids=[sid], action=action, market_tickers=list(tickers)
    )
