"""A moving book in the messages of Polymarket's market channel, in both shapes, with its hashes.

The hash of a change is made as that of a book is (`generate_orderbook_summary_hash` of the venue's
client); whether the real channel does so no recording shows, which is why the client believes it
only where it has held.
"""

from functools import lru_cache
from hashlib import sha1
from typing import Any

from msgspec.json import encode

from tests.venues.book_flow import BookFlow, Step

MARKET = "0x" + "ab" * 32
YES, NO = "111", "222"


class ChannelWriter:
    """Writes one market's frames."""

    def __init__(self, flow: BookFlow, *, is_old: bool, hashes: bool = True) -> None:
        self._flow = flow
        self._is_old = is_old
        self._hashes = hashes
        self._now = 1_770_000_000_000
        self._tick = decimal(flow.tick, 10_000)
        self.last = "0.500"

    def book(self) -> str:
        """The whole book, in the shape that has all a hash is made of but two terms."""
        told = self._summary(hash_=self._hash())
        told = told.replace('"min_order_size":"5",', "").replace('"neg_risk":false,', "")
        return '{"event_type":"book",' + told[1:]

    def changes(self, step: Step) -> str:
        """A step's message; in the older shape a step has one level."""
        self._now += self._flow.randomness.randint(0, 3)
        told = [self._change(level) for level in step.levels]
        if self._is_old:
            (change,) = told
            kept = {k: v for k, v in change.items() if k not in {"best_bid", "best_ask"}}
            frame: dict[str, Any] = {"market": MARKET, "timestamp": str(self._now), **kept}
        else:
            told += [_mirrored(level) for level in step.levels]
            frame = {"market": MARKET, "price_changes": told, "timestamp": str(self._now)}
        return encode({**frame, "event_type": "price_change"}).decode()

    def trade(self) -> str:
        """A print at one of the best prices, which becomes the last price."""
        flow = self._flow
        self.last = decimal(max(flow.bids, default=0) or min(flow.asks, default=5_000), 10_000)
        return encode({
            "event_type": "last_trade_price", "market": MARKET, "asset_id": YES, "side": "BUY",
            "price": self.last, "size": "5", "timestamp": str(self._now), "fee_rate_bps": "0",
        }).decode()  # fmt: skip

    def _change(self, level: tuple[bool, int, int]) -> dict[str, Any]:
        is_bid, price, quantity = level
        flow = self._flow
        told: dict[str, Any] = {
            "asset_id": YES,
            "price": decimal(price, 10_000),
            "size": decimal(quantity, 100),
            "side": "BUY" if is_bid else "SELL",
            "best_bid": decimal(max(flow.bids, default=0), 10_000),
            "best_ask": decimal(min(flow.asks, default=10_000), 10_000),
        }
        if self._hashes:
            told["hash"] = self._hash()
        return told

    def _summary(self, hash_: str = "") -> str:
        bids = ",".join(_level(p, q) for p, q in sorted(self._flow.bids.items()))
        asks = ",".join(_level(p, q) for p, q in sorted(self._flow.asks.items())[::-1])
        return (
            f'{{"market":"{MARKET}","asset_id":"{YES}","timestamp":"{self._now}",'
            f'"hash":"{hash_}","bids":[{bids}],"asks":[{asks}],"min_order_size":"5",'
            f'"tick_size":"{self._tick}","neg_risk":false,"last_trade_price":"{self.last}"}}'
        )

    def _hash(self) -> str:
        return sha1(self._summary().encode(), usedforsecurity=False).hexdigest()


def _mirrored(level: tuple[bool, int, int]) -> dict[str, Any]:
    is_bid, price, quantity = level
    return {
        "asset_id": NO,
        "price": decimal(10_000 - price, 10_000),
        "size": decimal(quantity, 100),
        "side": "SELL" if is_bid else "BUY",
        "hash": "0" * 40,
        "best_bid": "0",
        "best_ask": "1",
    }


@lru_cache(None)
def decimal(units: int, scale: int) -> str:
    """The shortest decimal, as the venue writes them."""
    places = len(str(scale)) - 1
    whole, part = divmod(units, scale)
    text = f"{whole}.{part:0{places}d}".rstrip("0").rstrip(".")
    return text or "0"


@lru_cache(None)
def _level(price: int, quantity: int) -> str:
    return f'{{"price":"{decimal(price, 10_000)}","size":"{decimal(quantity, 100)}"}}'
