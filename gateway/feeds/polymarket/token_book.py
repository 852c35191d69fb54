"""The exact book of one token, as the socket keeps it: levels with the very text of the venue.

Laws: a level's text is kept because the venue's hash is of texts; in the exchange's units levels
off the grid join their neighbour, so a change of one is told as the sum. `check` says whether what
the venue tells beside a change agrees with this book:

  the hash   of the whole book after the change. It decides, but only once it has held on this
             connection: Polymarket says in different places that it is the book's and the order's,
             and the recorded changes can't tell (no book stands before them).
  the best   bid and ask after the change. Real ones disagree now and then for a message or two, so
             it takes several in a row; deeper levels it can't see.
  the time   which never goes back for one token.
"""

from decimal import Context, Decimal
from typing import Final

import msgspec
from sortedcontainers import SortedDict

from gateway.feeds import reading
from gateway.feeds.polymarket.answers import ClobBook
from gateway.feeds.polymarket.books import hash_of, level_text

IN_A_ROW: Final = 3
"""So many disagreements of the best prices in a row are a loss."""
UNPROVEN_MAX: Final = 64
"""After so many hashes that never held nobody computes one any more."""
NEVER_AGAIN: Final = 3
"""So many losses by hash in a row, without one that held between, show that it isn't one."""
FEW: Final = 10
RARE: Final = 20
"""Beyond a few, losses by hash must be rarer than one in so many, or it is no hash of the book."""


_Level = tuple[str, Decimal]
"""How the venue writes it, and its size."""
_GRID: Final = Decimal("0.0001")
_EXACT: Final = Context(prec=200)


class HashTrust(msgspec.Struct):
    """What the hashes of changes were worth on one connection so far."""

    held: int = 0
    differed: int = 0
    """Before the first that held."""
    lost: int = 0
    """After it."""
    in_a_row: int = 0

    @property
    def is_asked(self) -> bool:
        """Whether it makes sense to compute one."""
        if not self.held:
            return self.differed < UNPROVEN_MAX
        return self.in_a_row < NEVER_AGAIN and (self.lost <= FEW or self.lost * RARE <= self.held)


class Told(msgspec.Struct, frozen=True):
    """What the venue tells beside a token's changes of one message."""

    hash: str | None
    best_bid: Decimal | None
    best_ask: Decimal | None
    timestamp: str | None
    at: int | None


class TokenBook:
    """One token's levels, and what its hash is made of."""

    __slots__ = (
        "_asks",
        "_at",
        "_bids",
        "_is_off_grid",
        "_last",
        "_market",
        "_min_sizes",
        "_neg_risk",
        "_seen",
        "_suspect",
        "_tick",
        "_token",
    )  # fmt: skip

    def __init__(self, token: str, market: str, min_size: str | None) -> None:
        """Begin without levels; `min_size` is the market's smallest order, if it is known."""
        self._token = token
        self._market = market
        self._min_sizes = [min_size] if min_size else []
        self._neg_risk: bool | None = None
        # By price, asks by its negative: both as the venue lists them, with the best level last.
        self._bids: SortedDict[Decimal, _Level] = SortedDict()
        self._asks: SortedDict[Decimal, _Level] = SortedDict()
        self._is_off_grid = False
        self._tick = self._last = ""
        self._at = 0
        self._seen: tuple[str | None, str | None] | None = None
        self._suspect = 0

    def snapshot(self, book: ClobBook, at: int | None) -> None:
        """Be this book; raises Misread and leaves nothing usable for one that can't be read."""
        self._bids.clear()
        self._asks.clear()
        self._is_off_grid = False
        for is_bid, levels in ((True, book.bids), (False, book.asks)):
            for one in levels:
                self._place(one.price, one.size, is_bid=is_bid)
        self._tick = reading.text(book.tick_size) or ""
        self._last = reading.text(book.last_trade_price) or ""
        self._at, self._seen, self._suspect = at or 0, None, 0
        self._neg_risk = self._learn(book)

    def set(self, price: str, size: str, *, is_bid: bool) -> tuple[int, int] | None:
        """Set one level and return it in units, the sum of what is there; None outside the grid.

        Raises Misread.
        """
        at, left = self._place(price, size, is_bid=is_bid)
        units = reading.bid_price(at) if is_bid else reading.ask_price(at)
        if units is None:
            return None
        if self._is_off_grid:
            left = self._sum(units, is_bid=is_bid)
        return units, reading.resting_quantity(left)

    def _place(self, price: str, size: str, *, is_bid: bool) -> tuple[Decimal, Decimal]:
        """Set one level and return its price and size; raises Misread."""
        at, left = reading.decimal_of(price), reading.decimal_of(size)
        side, key = (self._bids, at) if is_bid else (self._asks, -at)
        if left > 0:
            side[key] = (level_text(price, size), left)
            self._is_off_grid = self._is_off_grid or at != at.quantize(_GRID, context=_EXACT)
        else:
            side.pop(key, None)
        return at, left

    def _sum(self, units: int, *, is_bid: bool) -> Decimal:
        """Return the size of all levels that have this place in units."""
        low, high = Decimal(units - 1) * _GRID, Decimal(units + 1) * _GRID
        if is_bid:
            near = ((at, self._bids[at]) for at in self._bids.irange(low, high))
            return sum((n for at, (_, n) in near if reading.bid_price(at) == units), Decimal(0))
        near = ((-key, self._asks[key]) for key in self._asks.irange(-high, -low))
        return sum((n for at, (_, n) in near if reading.ask_price(at) == units), Decimal(0))

    def traded(self, price: str) -> None:
        """Note the last price, which is part of the hash."""
        self._last = price

    def ticked(self, tick: str) -> None:
        """Note another tick, which is part of the hash."""
        self._tick = tick

    def is_repeat(self, told: Told) -> bool:
        """Say whether this is the very message that came last."""
        return told.hash is not None and self._seen == (told.hash, told.timestamp)

    def check(self, told: Told, trust: HashTrust) -> str | None:
        """Return why something must have been lost before or with this message, None if nothing.

        To be asked once for each message, after its changes are set.
        """
        self._seen = (told.hash, told.timestamp)
        if told.at is not None:
            if told.at < self._at:
                return "out_of_order"
            self._at = told.at
        if (has_held := self._hash_holds(told, trust)) is not None:
            if has_held:
                trust.held += 1
                trust.in_a_row = self._suspect = 0
                return None
            if trust.held:
                trust.lost += 1
                trust.in_a_row += 1
                return "hash"
            trust.differed += 1
        bid, ask = self._best()
        is_same = told.best_bid in {None, bid} and told.best_ask in {None, ask}
        is_crossed = self._bids and self._asks and bid >= ask
        self._suspect = self._suspect + 1 if is_crossed or not is_same else 0
        if self._suspect < IN_A_ROW:
            return None
        return "crossed" if is_crossed else "best_price"

    def hash(self, timestamp: str, min_size: str, *, neg_risk: bool) -> str | None:
        """Return the venue's hash of this book at a time, None where a part isn't known."""
        if not self._tick or not self._last:
            return None
        frame = ClobBook(
            asset_id=self._token,
            bids=[],
            asks=[],
            market=self._market,
            timestamp=_quoted(timestamp),
            tick_size=_quoted(self._tick),
            last_trade_price=_quoted(self._last),
        )
        return hash_of(
            frame,
            [text for text, _ in self._bids.values()],
            [text for text, _ in self._asks.values()],
            min_size=min_size,
            neg_risk=neg_risk,
        )

    def _hash_holds(self, told: Told, trust: HashTrust) -> bool | None:
        """Say whether the told hash is this book's; None where nobody can know."""
        if told.hash is None or told.timestamp is None or self._neg_risk is None:
            return None
        if not self._min_sizes or not trust.is_asked:
            return None
        made = self.hash(told.timestamp, self._min_sizes[0], neg_risk=self._neg_risk)
        return None if made is None else made == told.hash

    def _learn(self, book: ClobBook) -> bool | None:
        """Return the `neg_risk` with which a snapshot's own hash holds, None if with neither."""
        told, timestamp = reading.text(book.hash), reading.text(book.timestamp)
        if told is None or timestamp is None:
            return None
        sizes = [*self._min_sizes[:1], "5"]
        for min_size in dict.fromkeys(sizes):
            for neg_risk in (False, True):
                if self.hash(timestamp, min_size, neg_risk=neg_risk) == told:
                    self._min_sizes = [min_size]
                    return neg_risk
        return None

    @property
    def is_proven(self) -> bool:
        """Whether the last snapshot's own hash held."""
        return self._neg_risk is not None

    def _best(self) -> tuple[Decimal, Decimal]:
        """Return the best prices as the venue tells them: 0 and 1 for an empty side."""
        bid = self._bids.peekitem(-1)[0] if self._bids else Decimal(0)
        ask = -self._asks.peekitem(-1)[0] if self._asks else Decimal(1)
        return bid, ask


def _quoted(text: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(text))
