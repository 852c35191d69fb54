"""The shapes in which venues' trades were recorded, each turned into the same rows of text.

    jsonl  taker_side yes/no    Kalshi: `price` is YES's; a "no" taker bought NO at its complement
    jsonl  taker_side buy/sell  Polymarket: the outcome was not kept, so every trade counts as YES
    csv    title,...,outcome    Polymarket's outcome tokens; Eastern time, newest first
    json   {"trades": [...]}    Kalshi's GET /markets/trades, in cents, dollars or both
    json   [...]                Polymarket's Data API GET /trades

Laws: found by content, never by the file's name; numbers stay the text they are; a row that has
not what a trade needs is None, so that it is counted; a file that is none of these is refused.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from exchange.messages.terms import BUY, NO, SELL, YES, Outcome, Side

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECONDS_FROM: Final = 10**11
"""Unix times from here on count milliseconds: as seconds it is the year 5138."""
_UNIX_DIGITS: Final = 15
_YES_NAMES: Final = ("yes", "up", "over")
_NO_NAMES: Final = ("no", "down", "under")
_SIDES: Final[Mapping[object, Side]] = {"BUY": BUY, "SELL": SELL, "buy": BUY, "sell": SELL}
_OUTCOMES: Final[Mapping[object, Outcome]] = {"yes": YES, "no": NO}
_INDICES: Final[Mapping[object, Outcome]] = {"0": YES, "1": NO}
_CSV_COLUMNS: Final = {"timestamp", "title", "size", "price", "side", "conditionId", "outcome"}


class MalformedTape(Exception):
    """The file is no tape of a kind we read; the message is one line that names it."""


class Row(NamedTuple):
    """One recorded trade as text; `at` in microseconds, for the order alone.

    `price` is the taker's own outcome's, or with `price_is_complement` the other one's.
    """

    market: str
    title: str
    at: int
    price: str
    size: str
    outcome: Outcome
    side: Side
    price_is_complement: bool = False


class Rows(NamedTuple):
    """The rows of a file in its order, None for what is no trade."""

    format: str
    rows: Iterator[Row | None]


def read_rows(text: str) -> Rows:
    """Find out what `text` is and return its rows; raises MalformedTape."""
    first = text.lstrip()[:1]
    if first in {"{", "["}:
        return _read_json(text)
    reader = csv.DictReader(io.StringIO(text))
    if set(reader.fieldnames or ()) >= _CSV_COLUMNS:
        return Rows("Polymarket csv", _csv_rows(reader))
    raise MalformedTape("is neither JSON, JSON lines nor a csv of Polymarket trades")


def _read_json(text: str) -> Rows:
    lines = [line for line in text.splitlines() if line.strip()]
    head = _decode(lines[0])
    if isinstance(head, dict) and "taker_side" in head and "market" in head:
        return Rows(_jsonl_name(head), (_recorded(_decode(line)) for line in lines))
    whole = head if len(lines) == 1 else _decode(text)
    if isinstance(whole, dict) and isinstance(whole.get("trades"), list):
        return Rows("Kalshi GET /markets/trades", map(_guarded(_kalshi), whole["trades"]))
    if isinstance(whole, list) and whole and isinstance(whole[0], dict):
        if "conditionId" in whole[0]:
            return Rows("Polymarket GET /trades", map(_guarded(_data_api), whole))
        if "ticker" in whole[0]:
            return Rows("Kalshi GET /markets/trades", map(_guarded(_kalshi), whole))
    raise MalformedTape("is JSON, but no list of trades we know")


def _decode(text: str) -> Any:  # noqa: ANN401 - JSON of unknown shape
    """Return JSON with its numbers as the text they are, None for what is none."""
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _jsonl_name(head: Mapping[str, Any]) -> str:
    return "Kalshi jsonl" if head["taker_side"] in _OUTCOMES else "Polymarket jsonl"


def _guarded(parse: Callable[[Mapping[str, Any]], Row]) -> Callable[[Any], Row | None]:
    """Return `parse` with None for whatever it finds missing or malformed."""

    def guarded(row: Any) -> Row | None:  # noqa: ANN401 - JSON of unknown shape
        try:
            return parse(row)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None

    return guarded


@_guarded
def _recorded(row: Mapping[str, Any]) -> Row:
    """Both venues' jsonl; which of them, says `taker_side`."""
    market, taker = str(row["market"]), row["taker_side"]
    at, price, size = _time(row["traded_at"]), str(row["price"]), str(row["size"])
    if taker in _OUTCOMES:
        return Row(market, market, at, price, size, _OUTCOMES[taker], BUY, taker == "no")
    return Row(market, market, at, price, size, YES, _SIDES[taker])


def _kalshi(row: Mapping[str, Any]) -> Row:
    taker = row["taker_side"]
    outcome = _OUTCOMES[taker]
    price = str(row[f"{taker}_price_dollars"]) if f"{taker}_price_dollars" in row else None
    if price is None:
        price = f"{row[f'{taker}_price']}e-2"
    size = str(row["count_fp"] if "count_fp" in row else row["count"])
    ticker = str(row["ticker"])
    return Row(ticker, ticker, _time(row["created_time"]), price, size, outcome, BUY)


def _data_api(row: Mapping[str, Any]) -> Row:
    return Row(
        str(row["conditionId"]),
        str(row["title"]),
        _time(row["timestamp"]),
        str(row["price"]),
        str(row["size"]),
        _INDICES[str(row["outcomeIndex"])],
        _SIDES[row["side"]],
    )


def _csv_rows(reader: "csv.DictReader[str]") -> Iterator[Row | None]:
    """The csv names outcomes without numbering them, so the whole of it is looked at first."""
    try:
        records = list(reader)
    except csv.Error as error:
        raise MalformedTape(f"is no csv: {error}") from None
    names: dict[str, set[str]] = {}
    for record in records:
        names.setdefault(record["conditionId"], set()).add(record["outcome"] or "")
    outcomes = {condition: _name_outcomes(found) for condition, found in names.items()}

    @_guarded
    def parse(record: Mapping[str, Any]) -> Row:
        condition = record["conditionId"]
        return Row(
            str(condition),
            str(record["title"]),
            _time(record["timestamp"]),
            str(record["price"]),
            str(record["size"]),
            outcomes[condition][record["outcome"]],
            _SIDES[record["side"]],
        )

    return map(parse, records)


def _name_outcomes(names: set[str]) -> dict[str, Outcome]:
    """Return which of a market's (at most two) outcomes is YES: the well-known one, else the
    first by alphabet.
    """
    ordered = sorted(names, key=_yes_first)[:2]
    if len(ordered) == 1:
        return {ordered[0]: NO if ordered[0].lower() in _NO_NAMES else YES}
    return dict(zip(ordered, (YES, NO), strict=True))


def _yes_first(name: str) -> tuple[int, str]:
    known = 0 if name.lower() in _YES_NAMES else 2 if name.lower() in _NO_NAMES else 1
    return known, name


def _time(value: object) -> int:
    """Return microseconds for ISO text (a time without a zone counts as UTC) or a Unix time."""
    text = str(value)
    if text.isascii() and text.isdigit() and len(text) <= _UNIX_DIGITS:
        number = int(text)
        return number * (1_000 if number >= _MILLISECONDS_FROM else 1_000_000)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
