"""Kalshi's side of its socket, without a connection: books, subscriptions, and what it says.

Laws: `seq` counts per subscription, all its markets and control frames together; a change of a book
is told as a delta to whoever is subscribed; what is true is `shown(ticker)`, worked out apart from
the code under test.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.venues.kalshi_samples import Shape

BOOKS = "orderbook_delta"
Levels = tuple[tuple[int, int], ...]
Side = dict[int, int]
"""Price in 1/10 000 of a dollar -> 1/100 contracts."""


@dataclass
class Subscription:
    channel: str
    tickers: set[str]
    is_yes_leg: bool = False
    seq: int = 0


@dataclass
class KalshiSocket:
    """One connection's other end."""

    books: dict[str, dict[str, Side]]
    """Of each market, what is bid for "yes" and for "no"."""
    shape: Shape = Shape.EXACT
    has_snapshots: bool = True
    """Whether it knows `get_snapshot`; it didn't before 2026."""
    has_yes_price: bool = True
    """Whether it knows `use_yes_price`: the NO side by the price of YES."""
    has_lifecycle: bool = True
    is_mute: bool = False
    """Whether it takes commands without a word."""
    withheld: set[str] = field(default_factory=set)
    """Markets whose snapshots don't come."""
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    heard: list[dict[str, Any]] = field(default_factory=list)
    _last_sid: int = 0

    def shown(self, ticker: str) -> tuple[Levels, Levels]:
        """The bids and asks of YES as anybody should have them now, best first."""
        book = self.books[ticker]
        bids = tuple(sorted(book["yes"].items(), reverse=True))
        asks = tuple(sorted((10_000 - price, count) for price, count in book["no"].items()))
        return bids, asks

    def hear(self, text: str) -> list[str]:
        """What it says to a command."""
        command = json.loads(text)
        self.heard.append(command)
        if self.is_mute:
            return []
        number, params = command["id"], command.get("params", {})
        match command["cmd"]:
            case "subscribe":
                return self._subscribe(number, params)
            case "unsubscribe":
                return [self._unsubscribe(number, sid) for sid in params["sids"]]
            case "update_subscription":
                return self._update(number, params)
            case "list_subscriptions":
                return [_frame("ok", id=number, msg=[])]
            case _:
                return [_error(number, 5)]

    def change(self, ticker: str, side: str, price: int, delta: int) -> list[str]:
        """Change a book, and say so to whoever is subscribed."""
        level = self.books[ticker][side]
        if count := level.get(price, 0) + delta:
            assert count > 0, "no venue has less than nothing"
            level[price] = count
        else:
            del level[price]
        told = []
        for sid, subscription in self.subscriptions.items():
            if subscription.channel == BOOKS and ticker in subscription.tickers:
                subscription.seq += 1
                is_turned = side == "no" and subscription.is_yes_leg
                shown = 10_000 - price if is_turned else price
                told.append(self._delta(sid, subscription.seq, ticker, side, shown, delta))
        return told

    def say(self, channel: str, ticker: str, kind: str = "", **msg: Any) -> list[str]:
        """Say something in a channel."""
        told = []
        for sid, one in self.subscriptions.items():
            if one.channel == channel and (ticker in one.tickers or channel.startswith("market_")):
                one.seq += 1
                content = {"market_ticker": ticker, **msg}
                told.append(_frame(kind or channel, sid=sid, seq=one.seq, msg=content))
        return told

    def snapshots(self, number: int | None = None) -> list[str]:
        """The books of everybody who is subscribed to one."""
        return [
            frame
            for sid, one in self.subscriptions.items()
            if one.channel == BOOKS
            for ticker in sorted(one.tickers - self.withheld)
            for frame in [self._snapshot(sid, one, ticker, number)]
        ]

    def _subscribe(self, number: int, params: Mapping[str, Any]) -> list[str]:
        tickers = set(params.get("market_tickers", ()))
        if not tickers <= self.books.keys():
            return [_error(number, 16)]
        told = []
        for channel in params["channels"]:
            if channel == "market_lifecycle_v2" and not self.has_lifecycle:
                return [_error(number, 8)]
            self._last_sid += 1
            is_yes_leg = self.has_yes_price and params.get("use_yes_price", False)
            new = Subscription(channel, tickers, is_yes_leg)
            self.subscriptions[self._last_sid] = new
            content = {"channel": channel, "sid": self._last_sid}
            told.append(_frame("subscribed", id=number, msg=content))
            if channel == BOOKS:
                told += self._some(self._last_sid, new, tickers)
        return told

    def _unsubscribe(self, number: int, sid: int) -> str:
        if (gone := self.subscriptions.pop(sid, None)) is None:
            return _error(number, 7)
        return _frame("unsubscribed", id=number, sid=sid, seq=gone.seq + 1)

    def _update(self, number: int, params: Mapping[str, Any]) -> list[str]:
        [sid] = params["sids"]
        tickers = set(params["market_tickers"])
        one = self.subscriptions.get(sid)
        if one is None or not tickers <= self.books.keys():
            return [_error(number, 7 if one is None else 16)]
        match params["action"]:
            case "get_snapshot" if self.has_snapshots:
                return self._some(sid, one, tickers & one.tickers, number)
            case "add_markets":
                new = tickers - one.tickers
                one.tickers |= tickers
                told = [self._ok(number, sid, one)]
                return told + (self._some(sid, one, new) if one.channel == BOOKS else [])
            case "delete_markets":
                one.tickers -= tickers
                return [self._ok(number, sid, one)]
            case _:
                return [_error(number, 13)]

    def _ok(self, number: int, sid: int, one: Subscription) -> str:
        one.seq += 1
        content = {"market_tickers": sorted(one.tickers)}
        return _frame("ok", id=number, sid=sid, seq=one.seq, msg=content)

    def _some(
        self, sid: int, one: Subscription, tickers: Iterable[str], number: int | None = None
    ) -> list[str]:
        named = sorted(set(tickers) - self.withheld)
        return [self._snapshot(sid, one, ticker, number) for ticker in named]

    def _snapshot(self, sid: int, one: Subscription, ticker: str, number: int | None) -> str:
        one.seq += 1
        content: dict[str, Any] = {"market_ticker": ticker, "market_id": "0"}
        for side in ("yes", "no"):
            # Both ascend by their own leg: as recorded, the NO side descends by the price of YES.
            levels = sorted(self.books[ticker][side].items())
            if side == "no" and one.is_yes_leg:
                levels = [(10_000 - price, count) for price, count in levels]
            if self.shape is not Shape.EXACT:
                content[side] = [[price // 100, count // 100] for price, count in levels]
            if self.shape is not Shape.CENTS:
                content[f"{side}_dollars_fp"] = [
                    [f"0.{price:04d}", f"{count / 100:.2f}"] for price, count in levels
                ]
        answered = {} if number is None else {"id": number}
        return _frame("orderbook_snapshot", sid=sid, seq=one.seq, msg=content, **answered)

    def _delta(self, sid: int, seq: int, ticker: str, side: str, price: int, delta: int) -> str:
        numbers = ""
        if self.shape is not Shape.EXACT:
            numbers += f'"price":{price // 100},"delta":{delta // 100},'
        if self.shape is not Shape.CENTS:
            numbers += f'"price_dollars":"0.{price:04d}","delta_fp":"{delta / 100:.2f}",'
        return (
            f'{{"type":"orderbook_delta","sid":{sid},"seq":{seq},"msg":{{"market_ticker":'
            f'"{ticker}",{numbers}"side":"{side}","ts":"2026-11-26T09:00:00.5Z"}}}}'
        )


def _frame(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields}, separators=(",", ":"))


def _error(number: int, code: int) -> str:
    return _frame("error", id=number, msg={"code": code, "msg": "no"})
