"""A feed recorded beforehand: frames of Socket.IO as the exchange sends them, each with its moment.

Laws: made by a seed, of one market with a tick of 0.01; the books never cross and each message's
checksum is the book's (docs/market-data.md). Levels change absolutely; one message in `TRADE_EVERY`
has a trade, which is dense in `tradeNo`. Nothing is sent here: `feed_player.py` does that.
"""

import json
import random
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

EPOCH: Final = 7
TRADE_EVERY: Final = 10
UNHEARD: Final = "unheard_update"
"""An event that the page hears and has no handler for: the yardstick's."""
_SUMMED: Final = 10
_WIDE: Final = 12


@dataclass(frozen=True)
class Frame:
    """One frame: what is sent, how many milliseconds after the beginning, and what is told then."""

    at: float
    text: str
    seq: int
    trade_no: int
    account_seq: int


@dataclass
class Generator:
    """One market whose book moves; quantities are in hundredths of a share, prices in cents."""

    market_id: str
    seed: int = 5
    account_seq: int = 0
    seq: int = 1
    trade_no: int = 0
    middle: int = 50
    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        for price in range(1, 100):
            side = self.bids if price < self.middle else self.asks
            side[price] = self._random.randrange(100, 100_000)

    def snapshot(self) -> list[object]:
        """Return the whole book as an event."""
        return self._book("snapshot", self.bids, self.asks)

    def frames(self, rate: int, seconds: float, event: str | None = None) -> Iterator[Frame]:
        """Yield `rate` changes of the book a second, under another event's name if one is given."""
        for number in range(round(rate * seconds)):
            at = number * 1_000 / rate
            book = self.change()
            yield self._frame(at, [event or book[0], *book[1:]])
            if number % TRADE_EVERY == 0:
                trade = self.trade()
                yield self._frame(at, [event or trade[0], *trade[1:]])

    def burst(self, changes: int, trades: int, orders: list[dict[str, Any]]) -> Iterator[Frame]:
        """Yield changes, trades and messages of own orders, all of one moment, in any order."""
        kinds = ["change"] * changes + ["trade"] * trades + ["order"] * len(orders)
        self._random.shuffle(kinds)
        left = iter(orders)
        for kind in kinds:
            if kind == "change":
                yield self._frame(0, self.change())
            elif kind == "trade":
                yield self._frame(0, self.trade())
            else:
                self.seq += 1
                self.account_seq += 1
                stamp = {"epoch": EPOCH, "accountSeq": self.account_seq, "seq": self.seq}
                yield self._frame(0, ["order_placed", {**next(left), **stamp}])
                # An order that rests changes no book here, but its seq is the market's.
                yield self._frame(0, self._book("delta", {}, {}))

    def change(self) -> list[object]:
        """Move some levels, now and then the middle, and return the event."""
        self.seq += 1
        bids: dict[int, int] = {}
        asks: dict[int, int] = {}
        draw = self._random
        if draw.random() < 0.08:
            self._step(bids, asks)
        for _ in range(draw.randrange(1, 4)):
            is_bid = draw.random() < 0.5
            away = min(_WIDE, int(draw.expovariate(0.4)))
            price = self.middle - 1 - away if is_bid else self.middle + away
            quantity = 0 if away and draw.random() < 0.1 else draw.randrange(100, 100_000)
            (bids if is_bid else asks)[price] = quantity
            (self.bids if is_bid else self.asks)[price] = quantity
        return self._book("delta", bids, asks)

    def _step(self, bids: dict[int, int], asks: dict[int, int]) -> None:
        is_up = self.middle <= 30 or (self.middle < 70 and self._random.random() < 0.5)
        quantity = self._random.randrange(100, 100_000)
        price = self.middle if is_up else self.middle - 1
        gone, come = (asks, bids) if is_up else (bids, asks)
        gone[price], come[price] = 0, quantity
        self.bids[price], self.asks[price] = (quantity, 0) if is_up else (0, quantity)
        self.middle += 1 if is_up else -1

    def trade(self) -> list[object]:
        """Return the event of a trade at the middle; it moves no level."""
        self.trade_no += 1
        side = self._random.choice(("BUY", "SELL"))
        price = f"{self.middle / 100:.4f}"
        return [
            "trade_executed",
            {
                "id": f"{self.market_id}-{self.trade_no}",
                "marketId": self.market_id,
                "tradeNo": self.trade_no,
                "seq": self.seq,
                "epoch": EPOCH,
                "side": side,
                "outcome": "YES",
                "price": price,
                "yesPrice": price,
                "quantity": f"{self._random.randrange(100, 5_000) / 100:.2f}",
                "createdAt": "2026-01-01T00:00:00.000Z",
            },
        ]

    def _book(self, kind: str, bids: dict[int, int], asks: dict[int, int]) -> list[object]:
        stamp = {
            "marketId": self.market_id,
            "outcome": "YES",
            "epoch": EPOCH,
            "seq": self.seq,
            "prevSeq": None if kind == "snapshot" else self.seq - 1,
            "kind": kind,
            "bids": _levels(bids),
            "asks": _levels(asks),
            "checksum": self._checksum(),
        }
        return ["orderbook_update", stamp]

    def _checksum(self) -> int:
        def best(side: dict[int, int], *, is_bid: bool) -> str:
            prices = sorted((price for price, rests in side.items() if rests), reverse=is_bid)
            return ",".join(f"{price * 100}:{side[price]}" for price in prices[:_SUMMED])

        return zlib.crc32(
            f"{best(self.bids, is_bid=True)}|{best(self.asks, is_bid=False)}".encode()
        )

    def _frame(self, at: float, event: list[object]) -> Frame:
        text = f"42{json.dumps(event, separators=(',', ':'))}"
        return Frame(at, text, self.seq, self.trade_no, self.account_seq)


def _levels(side: dict[int, int]) -> list[list[str]]:
    return [[f"{price / 100:.4f}", f"{rests / 100:.2f}"] for price, rests in side.items()]


def write(path: Path, frames: Iterator[Frame]) -> None:
    """Write a recording: one frame a line."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(asdict(frame))}\n" for frame in frames)


def read(path: Path) -> list[Frame]:
    """Read a recording back."""
    return [Frame(**json.loads(line)) for line in path.read_text("utf-8").splitlines()]
