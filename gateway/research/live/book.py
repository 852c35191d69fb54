"""The book of one market as its socket tells it, in YES terms, and what others have of it."""

from collections.abc import Mapping
from typing import Any, Final
from zlib import crc32

from gateway.research.strategy import Level

SHOWN: Final = 5
"""Levels of a side that a strategy sees, as in a backtest of our own market."""
_CHECKED: Final = 10
PRICE, SHARES, CASH = 4, 2, 6
"""Decimal places."""


class LiveBook:
    """`seq` is None while a snapshot is awaited."""

    def __init__(self) -> None:
        self.seq: int | None = None
        self._epoch = 0
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}

    def apply(self, update: Mapping[str, Any]) -> bool:
        """Take a snapshot, or the delta that follows; False: something is missing or wrong."""
        if update["kind"] == "snapshot":
            self._bids, self._asks = {}, {}
        elif self.seq is None:
            return True
        elif (update["epoch"], update["prevSeq"]) != (self._epoch, self.seq):
            self.seq = None
            return False
        for side, levels in ((self._bids, update["bids"]), (self._asks, update["asks"])):
            for price, quantity in levels:
                at, left = units(price, PRICE), units(quantity, SHARES)
                if left:
                    side[at] = left
                else:
                    side.pop(at, None)
        self._epoch, self.seq = update["epoch"], update["seq"]
        if self._checksum() != update["checksum"]:
            self.seq = None
            return False
        return True

    def others(
        self, own_bids: Mapping[int, int], own_asks: Mapping[int, int]
    ) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Return the best levels without what is one's own, by price."""
        return (
            _best(self._bids, own_bids, descending=True),
            _best(self._asks, own_asks, descending=False),
        )

    def _checksum(self) -> int:
        bids = [(price, self._bids[price]) for price in sorted(self._bids, reverse=True)]
        asks = [(price, self._asks[price]) for price in sorted(self._asks)]
        text = "|".join(
            ",".join(f"{price}:{quantity}" for price, quantity in side[:_CHECKED])
            for side in (bids, asks)
        )
        return crc32(text.encode())


def units(text: str, places: int) -> int:
    """Return 5500 for "0.55" and 4 places, and -5500 for "-0.55": what the exchange says."""
    whole, _, rest = text.removeprefix("-").partition(".")
    number = int(whole + rest.ljust(places, "0"))
    return -number if text.startswith("-") else number


def _best(
    side: Mapping[int, int], own: Mapping[int, int], *, descending: bool
) -> tuple[Level, ...]:
    found = []
    for price in sorted(side, reverse=descending):
        quantity = side[price] - own.get(price, 0)
        if quantity > 0:
            found.append(Level(price, quantity))
            if len(found) == SHOWN:
                break
    return tuple(found)
