"""Recorded trades of other venues as one kind of tape: what to replay, in which order.

    file -> rows (`formats.py`) -> units -> markets of trades, oldest first

Numbers are rounded half to even: Polymarket's prices are ratios of two amounts with up to 17
decimals ("0.21999995306666104"), its sizes have 6; ours have 4 and 2. A number on our grid passes
unchanged; of a tie the even unit is taken, so that a long tape is not pushed to one side. The text
is checked against a pattern first, so a hostile exponent costs nothing; `float` never sees it.

Laws: every row is counted: it became a trade, or was skipped for a reason that has a name. A
market's rows are brought into the order of their times; rows of the same time keep the file's
order, read backwards where the file has the newest first. Nothing here talks to an exchange.
"""

import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from exchange.messages.bounds import PRICE_MAX, PRICE_MIN, PRICE_SCALE, QUANTITY_MAX, QUANTITY_SCALE
from exchange.messages.terms import Outcome, Side
from gateway.cli.replay.formats import MalformedTape, Row, read_rows

_NUMBER: Final = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_CONTEXT: Final = Context(prec=200, rounding=ROUND_HALF_EVEN)
_ONE: Final = Decimal(1)


class Rounded(NamedTuple):
    """Units, and whether the text was already a whole number of them."""

    units: int
    exact: bool


def price_units(text: str) -> Rounded | None:
    """Return the price of `text` (credits) in units of 1/10 000; None if it is no number."""
    return _units(text, PRICE_SCALE)


def quantity_units(text: str) -> Rounded | None:
    """Return the quantity of `text` (shares) in units of 1/100; None if it is no number."""
    return _units(text, QUANTITY_SCALE)


def _units(text: str, scale: int) -> Rounded | None:
    if _NUMBER.fullmatch(text) is None:
        return None
    context = _CONTEXT.copy()
    scaled = context.multiply(Decimal(text), Decimal(scale))
    units = context.quantize(scaled, _ONE)
    return Rounded(int(units), not context.flags[Inexact])


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
