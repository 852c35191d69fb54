"""Recorded trades of other venues as one kind of tape: what to replay, in which order.

    file -> rows (`cli/replay/formats.py`) -> units (`cli/replay/tape_units.py`) -> markets of
    trades, oldest first

Laws: every row is counted: it became a trade, or was skipped for a reason that has a name. A
market's rows are brought into the order of their times; rows of the same time keep the file's
order, read backwards where the file has the newest first. Nothing here talks to an exchange.
"""

import gzip
import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from exchange.messages.bounds import PRICE_MAX, PRICE_MIN, QUANTITY_MAX
from exchange.messages.terms import Outcome, Side
from gateway.cli.replay.formats import MalformedTape, Row, read_rows
from gateway.cli.replay.tape_units import price_units, quantity_units

TAPE_BYTES_MAX: Final = 256 * 2**20
"""Of a tape's text, so that a small file of zeros can't fill the memory."""

NOT_A_TRADE: Final = "a field is missing or malformed"
PRICE_OUTSIDE: Final = "price leaves 0.0001..0.9999"
SIZE_ZERO: Final = "size rounds to zero"
SIZE_TOO_LARGE: Final = "size is larger than any order here"


class TapeTrade(NamedTuple):
    """One recorded trade in our units: the taker's outcome, side and own price."""

    outcome: Outcome
    side: Side
    price: int
    quantity: int


class TapeMarket(msgspec.Struct):
    """One recorded market and its trades, oldest first."""

    name: str
    title: str
    trades: list[TapeTrade]


class Tape(msgspec.Struct):
    """One file: `read` rows = trades of all markets + the sum of `skipped`."""

    path: Path
    format: str
    read: int
    rounded: int
    """Trades whose price or size was not on our grid."""
    skipped: Counter[str]
    markets: list[TapeMarket]

    @property
    def trade_count(self) -> int:
        """Return how many trades are there to replay."""
        return sum(len(market.trades) for market in self.markets)


def load_tape(path: Path) -> Tape:
    """Read a tape, whose format is found by its content, gzip or not.

    Raises MalformedTape for what can't be read as one.
    """
    try:
        found = read_rows(_text(path))
    except MalformedTape as error:
        raise MalformedTape(f"{path}: {error}") from None
    return build_tape(path, found.format, found.rows)


def build_tape(path: Path, format_name: str, rows: Iterable[Row | None]) -> Tape:
    """Round, skip, group and order rows; None stands for one that was no trade."""
    tape = Tape(path, format_name, 0, 0, Counter(), [])
    groups: dict[str, tuple[str, list[tuple[int, TapeTrade]]]] = {}
    for row in rows:
        tape.read += 1
        trade = NOT_A_TRADE if row is None else _trade(row, tape)
        if row is None or isinstance(trade, str):
            tape.skipped[str(trade)] += 1
        else:
            groups.setdefault(row.market, (row.title, []))[1].append((row.at, trade))
    for name, (title, timed) in groups.items():
        if timed[0][0] > timed[-1][0]:
            timed.reverse()
        timed.sort(key=lambda pair: pair[0])
        tape.markets.append(TapeMarket(name, title, [trade for _, trade in timed]))
    return tape


def _trade(row: Row, tape: Tape) -> TapeTrade | str:
    """Return the trade in our units, or why it is skipped."""
    price, quantity = price_units(row.price), quantity_units(row.size)
    if price is None or quantity is None:
        return NOT_A_TRADE
    if not PRICE_MIN <= price.units <= PRICE_MAX:
        return PRICE_OUTSIDE
    if quantity.units < 1:
        return SIZE_ZERO
    if quantity.units > QUANTITY_MAX:
        return SIZE_TOO_LARGE
    tape.rounded += not (price.exact and quantity.exact)
    own_price = PRICE_MAX + PRICE_MIN - price.units if row.price_is_complement else price.units
    return TapeTrade(row.outcome, row.side, own_price, quantity.units)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(TAPE_BYTES_MAX + 1)
        if content[:2] == b"\x1f\x8b":
            with gzip.open(path) as unpacked:
                content = unpacked.read(TAPE_BYTES_MAX + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise MalformedTape(f"can't be read: {error}") from None
    if len(content) > TAPE_BYTES_MAX:
        raise MalformedTape(f"is larger than {TAPE_BYTES_MAX // 2**20} MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedTape("is not UTF-8 text") from None
