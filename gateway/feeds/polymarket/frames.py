"""What the market channel says, in the one format: a pure translator, without a connection.

Laws: books and changes are those of a market's YES token; what the channel tells of the NO token is
the same seen from the other side, and left aside, but its trades are trades. A token's changes
count only behind its snapshot. Whatever shows that something was missed is `Lost`, and the token
waits for a snapshot again (`unsynced`), which its user asks for. What can't be read is counted by
reason; it may have been a change, so whatever books it may have been about are lost.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from hashlib import sha1
from typing import Final

import msgspec

from exchange.messages.bounds import PRICE_SCALE
from gateway.feeds import reading
from gateway.feeds.model import Unrepresentable, VenueMarket
from gateway.feeds.polymarket.books import clob_book, print_of, venue_book
from gateway.feeds.polymarket.markets import tick_size
from gateway.feeds.polymarket.token_book import HashTrust, TokenBook, Told
from gateway.feeds.reading import Misread, Raw, absent
from gateway.feeds.venue import (
    BookChange,
    BookSnapshot,
    LifeChanged,
    Lost,
    Printed,
    StreamEvent,
    TopChanged,
)

FRAMES_MAX: Final = 2_000
"""In one message: the first books come together."""


class Frame(msgspec.Struct, frozen=True):
    """Any event of the channel."""

    event_type: str = ""
    market: str = ""
    asset_id: str = ""
    timestamp: Raw = absent()
    hash: Raw = absent()
    price: Raw = absent()
    size: Raw = absent()
    side: Raw = absent()
    price_changes: Raw = absent()
    best_bid: Raw = absent()
    best_ask: Raw = absent()
    new_tick_size: Raw = absent()
    transaction_hash: Raw = absent()


class Change(msgspec.Struct, frozen=True):
    """One level of one token."""

    asset_id: str
    price: str
    size: str
    side: str
    hash: Raw = absent()
    best_bid: Raw = absent()
    best_ask: Raw = absent()


class _Token(msgspec.Struct):
    """A watched token: whose it is, and for YES its book, None while a snapshot is waited for."""

    external_id: str
    is_no: bool
    min_size: str | None = None
    book: TokenBook | None = None


_NOTHING_TOLD: Final = Told(None, None, None, None, None)
_frame: Final = msgspec.json.Decoder(Frame).decode
_change: Final = msgspec.json.Decoder(Change).decode
_frames: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


class MarketChannel:
    """Translates one connection's messages."""

    def __init__(self) -> None:
        """Watch nothing."""
        self.counts: Counter[str] = Counter()
        """What couldn't be used, and what was noticed, by reason."""
        self.unsynced: dict[str, None] = {}
        """The YES tokens that wait for a snapshot, in the order in which they began to."""
        self._tokens: dict[str, _Token] = {}
        self._trust = HashTrust()

    def watch(self, market: VenueMarket) -> None:
        """Translate a market's events; its book begins with its next snapshot."""
        smallest = market.min_quantity
        min_size = None if smallest is None or smallest % 100 else str(smallest // 100)
        yes, no = market.stream_keys
        self._tokens[yes] = _Token(market.external_id, is_no=False, min_size=min_size)
        self._tokens[no] = _Token(market.external_id, is_no=True)
        self.unsynced[yes] = None

    def unwatch(self, tokens: Collection[str]) -> None:
        """Translate these tokens' events no longer."""
        for token in tokens:
            self._tokens.pop(token, None)
            self.unsynced.pop(token, None)

    def disconnected(self) -> tuple[str, ...]:
        """Forget all books; return the markets that had one."""
        self._trust = HashTrust()
        return self._forget(list(self._tokens))

    def take(self, message: str) -> list[StreamEvent]:
        """Return what a message says."""
        return list(self.read(message))

    def read(self, message: str) -> Iterator[StreamEvent]:
        """Yield what a message says, frame by frame: a reader may rest between two of them."""
        try:
            text = message.encode("utf-8")
            raws: Iterable[bytes | Raw] = _frames(text) if text[:1] == b"[" else [text]
            raws = list(raws)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            yield from self._lose("malformed")
            return
        if len(raws) > FRAMES_MAX:
            yield from self._lose("too_many_frames")
            return
        for raw in raws:
            yield from self._take(raw)

    def _take(self, raw: bytes | Raw) -> list[StreamEvent]:
        try:
            frame = _frame(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._lose("malformed")
        try:
            match frame.event_type:
                case "book":
                    return self._book(frame.asset_id, raw)
                case "price_change":
                    return self._price_change(frame)
                case "last_trade_price":
                    return self._trade(frame)
                case "tick_size_change":
                    return self._tick(frame)
                case "best_bid_ask":
                    return self._top(frame)
                case "new_market" | "market_resolved":
                    return [LifeChanged(frame.market)] if frame.market else []
        except Unrepresentable as error:
            self.counts[error.reason] += 1
            return []
        except Misread:
            self.counts["malformed"] += 1
            return []
        self.counts["unknown_event"] += 1
        return []

    def _lose(self, reason: str, market: str = "", asset: str = "") -> list[StreamEvent]:
        """Forget the books of a market or a token, of neither all, and say so."""
        self.counts[reason] += 1
        lost = self._forget(
            [
                token
                for token, one in self._tokens.items()
                if not (market or asset) or one.external_id == market or token == asset
            ]
        )
        return [Lost(lost, reason)] if lost else []

    def _forget(self, tokens: Iterable[str]) -> tuple[str, ...]:
        """Wait for snapshots of these tokens; return the markets that had a book."""
        lost = []
        for token in tokens:
            one = self._tokens[token]
            if one.book is not None:
                one.book = None
                self.unsynced[token] = None
                lost.append(one.external_id)
        return tuple(lost)

    def _book(self, asset: str, raw: bytes | Raw) -> list[StreamEvent]:
        token = self._tokens.get(asset)
        if token is None or token.is_no:
            return []
        try:
            found = clob_book(raw)
            book = venue_book(found, token.external_id)
            exact = TokenBook(asset, found.market, token.min_size)
            exact.snapshot(found, book.venue_at)
        except (Unrepresentable, Misread) as error:
            reason = error.reason if isinstance(error, Unrepresentable) else "malformed"
            return self._lose(reason, asset=asset)
        self.counts["hash_held" if exact.is_proven else "hash_unproven"] += 1
        token.book = exact
        self.unsynced.pop(asset, None)
        return [BookSnapshot(book)]

    def _price_change(self, frame: Frame) -> list[StreamEvent]:
        """Take both shapes: one level beside the event, or a list of levels of both tokens."""
        try:
            changes = _changes(frame)
        except (Misread, msgspec.DecodeError, UnicodeDecodeError):
            return self._lose("malformed", frame.market, frame.asset_id)
        events: list[StreamEvent] = []
        for asset in dict.fromkeys(change.asset_id for change in changes):
            token = self._tokens.get(asset)
            if token is None or token.is_no or token.book is None:
                continue
            mine = [change for change in changes if change.asset_id == asset]
            events.append(self._changed(token, token.book, mine, frame))
        return events

    def _changed(
        self, token: _Token, book: TokenBook, changes: list[Change], frame: Frame
    ) -> StreamEvent:
        sides: dict[bool, dict[int, int]] = {True: {}, False: {}}
        try:
            told = _told(changes[-1], frame)
            if book.is_repeat(told):
                self.counts["doubled"] += 1
                return BookChange(token.external_id, (), (), told.hash, told.at)
            for change in changes:
                if change.side not in {"BUY", "SELL"}:
                    raise Misread("no side")
                is_bid = change.side == "BUY"
                if (level := book.set(change.price, change.size, is_bid=is_bid)) is not None:
                    sides[is_bid][level[0]] = level[1]
            why = book.check(told, self._trust)
        except Misread:
            told, why = _NOTHING_TOLD, "malformed"
        if why is not None:
            self.counts[f"lost_{why}"] += 1
            return Lost(self._forget([changes[0].asset_id]), why)
        bids, asks = (tuple(sides[is_bid].items()) for is_bid in (True, False))
        return BookChange(token.external_id, bids, asks, told.hash, told.at)

    def _trade(self, frame: Frame) -> list[StreamEvent]:
        token = self._tokens.get(frame.asset_id)
        if token is None:
            return []
        price, size = reading.decimal(frame.price), reading.decimal(frame.size)
        side, at = reading.text(frame.side), reading.moment(frame.timestamp)
        if token.book is not None and (told := reading.text(frame.price)) is not None:
            token.book.traded(told)
        transaction = reading.text(frame.transaction_hash) or ""
        parts = f"{transaction}:{frame.asset_id}:{side}:{price}:{size}:{at}"
        trade_id = sha1(parts.encode("utf-8"), usedforsecurity=False).hexdigest()
        trade = print_of(token.external_id, trade_id, price, size, side, at, is_no=token.is_no)
        return [Printed(trade)]

    def _tick(self, frame: Frame) -> list[StreamEvent]:
        token = self._tokens.get(frame.asset_id)
        if token is None or token.is_no:
            return []
        if token.book is not None:
            token.book.ticked(reading.text(frame.new_tick_size) or "")
        tick = tick_size(frame.new_tick_size)
        at = reading.moment(frame.timestamp)
        return [TopChanged(external_id=token.external_id, tick_size=tick, venue_at=at)]

    def _top(self, frame: Frame) -> list[StreamEvent]:
        token = self._tokens.get(frame.asset_id)
        if token is None:
            return []
        bid = reading.bid_price(reading.decimal(frame.best_bid))
        ask = reading.ask_price(reading.decimal(frame.best_ask))
        if token.is_no:
            bid, ask = _other(ask), _other(bid)
        at = reading.moment(frame.timestamp)
        return [TopChanged(external_id=token.external_id, best_bid=bid, best_ask=ask, venue_at=at)]


def _changes(frame: Frame) -> list[Change]:
    """Return the levels of a message; raises Misread and msgspec's errors."""
    if (raws := reading.items(frame.price_changes)) is not None:
        return [_change(raw) for raw in raws]
    price, size = reading.text(frame.price), reading.text(frame.size)
    if price is None or size is None:
        raise Misread("no level")
    return [Change(frame.asset_id, price, size, reading.text(frame.side) or "", frame.hash)]


def _told(change: Change, frame: Frame) -> Told:
    return Told(
        hash=reading.text(change.hash),
        best_bid=reading.decimal(change.best_bid),
        best_ask=reading.decimal(change.best_ask),
        timestamp=reading.text(frame.timestamp),
        at=reading.moment(frame.timestamp),
    )


def _other(price: int | None) -> int | None:
    return None if price is None else PRICE_SCALE - price
