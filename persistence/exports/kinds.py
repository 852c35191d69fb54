"""What can be exported: which tables, of which columns.

Laws: numbers are integers in the exchange's units, in both formats alike, so that sums are exact
and equal; a column's name and unit say what it counts; prices are of YES unless they say otherwise.
Columns are only added, at the end.
"""

from enum import Enum
from typing import Final

import msgspec

TIME: Final = "microseconds since 1970-01-01T00:00:00Z"
PRICE: Final = "1/10000 credit"
QUANTITY: Final = "1/100 share"
MONEY: Final = "1/1000000 credit"


class Kind(Enum):
    """Which table."""

    TRADES = "trades"
    CANDLES = "candles"
    DELTAS = "deltas"
    ORDERS = "orders"


class Format(Enum):
    """How it is written; Parquet takes `pyarrow`."""

    CSV = "csv"
    PARQUET = "parquet"


class Column(msgspec.Struct, frozen=True):
    """A column: `type` is int64 or string; `unit` is empty for what counts nothing."""

    name: str
    type: str = "int64"
    unit: str = ""


class Export(msgspec.Struct, frozen=True):
    """What is wanted of one market: all from `begin` up to `end`, both included, in microseconds.

    `span` (seconds) says which candles.
    """

    kind: Kind
    market_id: int
    begin: int
    end: int
    span: int = 60

    def file_name(self, slug: str, form: Format) -> str:
        """Return the file's name, by the market's slug; candles of each span have their own."""
        span = f"-{_SPAN_NAMES[self.span]}" if self.kind is Kind.CANDLES else ""
        return f"{slug}-{self.kind.value}{span}.{form.value}"


_SPAN_NAMES: Final = {60: "1m", 3_600: "1h", 86_400: "1d"}
_AT: Final = Column("at", unit=TIME)
COLUMNS: Final[dict[Kind, tuple[Column, ...]]] = {
    Kind.TRADES: (
        Column("trade_no"),
        Column("seq"),
        _AT,
        Column("kind", "string"),
        Column("side", "string"),
        Column("outcome", "string"),
        Column("price", unit=f"{PRICE}, of the taker's outcome"),
        Column("yes_price", unit=PRICE),
        Column("quantity", unit=QUANTITY),
    ),
    Kind.CANDLES: (
        Column("start", unit=TIME),
        *(Column(name, unit=PRICE) for name in ("open", "high", "low", "close")),
        *(Column(f"bid_{name}", unit=PRICE) for name in ("open", "high", "low", "close")),
        *(Column(f"ask_{name}", unit=PRICE) for name in ("open", "high", "low", "close")),
        Column("volume", unit=QUANTITY),
        Column("turnover", unit=MONEY),
        Column("trades"),
        Column("collateral", unit=MONEY),
    ),
    Kind.DELTAS: (
        Column("seq"),
        _AT,
        Column("side", "string"),
        Column("price", unit=PRICE),
        Column("quantity", unit=f"{QUANTITY}, 0: the level is gone"),
    ),
    Kind.ORDERS: (
        Column("seq"),
        _AT,
        Column("kind", "string"),
        Column("order"),
        Column("side", "string"),
        Column("price", unit=PRICE),
        Column("quantity", unit=QUANTITY),
        Column("remaining", unit=QUANTITY),
        Column("trade_no", unit="0: none"),
    ),
}
