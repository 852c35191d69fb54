"""Tapes in every shape we read, hand-written after the recordings; nothing recorded is in here."""

import gzip
from collections import Counter
from pathlib import Path
from textwrap import dedent

import pytest

from exchange.messages.terms import BUY, NO, SELL, YES
from gateway.cli.replay.formats import MalformedTape
from gateway.cli.replay.tapes import (
    NOT_A_TRADE,
    PRICE_OUTSIDE,
    SIZE_TOO_LARGE,
    SIZE_ZERO,
    Tape,
    TapeTrade,
    load_tape,
    price_units,
    quantity_units,
)

KALSHI_JSONL = """\
{"market":"KXA","traded_at":"2026-07-31 02:07","price":"0.0500","size":"2.00","taker_side":"yes"}
{"market":"KXA","traded_at":"2026-07-31 02:07","price":"0.0600","size":"475.27","taker_side":"no"}
"""
POLYMARKET_JSONL = """\
{"market":"27","traded_at":"2026-07-30","price":"0.38999","size":"102.564101","taker_side":"buy"}
{"market":"27","traded_at":"2026-07-30 22:43","price":"0.007","size":"168.7","taker_side":"sell"}
"""
CSV = """\
timestamp,title,size,price,side,asset,conditionId,proxyWallet,outcome
2026-01-08 12:31:09,Up or Down,1,0.60,SELL,1,0xa,0xp,Down
2026-01-08 12:31:08,Up or Down,4.0405,0.21999995306666104,BUY,2,0xa,0xp,Up
2026-01-08 12:31:08,Up or Down,2,0.50,BUY,2,0xa,0xp,Up
2026-01-08 12:30:00,Lynx vs Reasons,5,0.999,BUY,3,0xb,0xp,Reasons
2026-01-08 12:29:00,Lynx vs Reasons,6,0.5,BUY,4,0xb,0xp,Lynx
"""


def load(tmp_path: Path, text: str | bytes, name: str = "tape") -> Tape:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_tape(path)


@pytest.mark.parametrize(
    ("text", "units", "exact"),
    [
        ("0.55", 5500, True),
        ("0.5500000", 5500, True),
        ("0.21999995306666104", 2200, False),
        ("0.99996", 10_000, False),
        ("0.00005", 0, False),
        ("0.00015", 2, False),
        ("0.00025", 2, False),
        ("5e-05", 0, False),
        ("1", 10_000, True),
        ("-0.5", -5000, True),
    ],
)
def test_prices_round_half_to_even(text: str, units: int, exact: bool) -> None:
    assert price_units(text) == (units, exact)


def test_sizes_have_two_places() -> None:
    assert quantity_units("102.564101") == (10_256, False)
    assert quantity_units("168.7") == (16_870, True)
    assert quantity_units("0.005") == (0, False)
    assert quantity_units("0.015") == (2, False)


@pytest.mark.parametrize(
    "text", ["", "NaN", "1E+1000000", "1_0", "\uff11", "0.5\n", ".5", "9" * 400]
)
def test_what_is_no_plain_number_is_none(text: str) -> None:
    assert price_units(text) is None


def test_kalshi_jsonl_takers_buy_their_side(tmp_path: Path) -> None:
    tape = load(tmp_path, KALSHI_JSONL)
    assert tape.format == "Kalshi jsonl"
    assert [market.name for market in tape.markets] == ["KXA"]
    assert tape.markets[0].trades == [
        TapeTrade(YES, BUY, 500, 200),
        TapeTrade(NO, BUY, 9400, 47_527),
    ]
    assert (tape.read, tape.rounded, tape.skipped) == (2, 0, Counter())


def test_polymarket_jsonl_counts_as_yes_and_is_rounded(tmp_path: Path) -> None:
    tape = load(tmp_path, POLYMARKET_JSONL)
    assert tape.format == "Polymarket jsonl"
    assert tape.markets[0].trades == [
        TapeTrade(YES, BUY, 3900, 10_256),
        TapeTrade(YES, SELL, 70, 16_870),
    ]
    assert tape.rounded == 1


def test_csv_is_read_backwards_and_its_outcomes_get_sides(tmp_path: Path) -> None:
    tape = load(tmp_path, CSV)
    assert tape.format == "Polymarket csv"
    assert [(market.name, market.title) for market in tape.markets] == [
        ("0xa", "Up or Down"),
        ("0xb", "Lynx vs Reasons"),
    ]
    assert tape.markets[0].trades == [
        TapeTrade(YES, BUY, 5000, 200),
        TapeTrade(YES, BUY, 2200, 404),
        TapeTrade(NO, SELL, 6000, 100),
    ]
    assert tape.markets[1].trades == [
        TapeTrade(YES, BUY, 5000, 600),
        TapeTrade(NO, BUY, 9990, 500),
    ]


def test_pages_joined_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    rows = dedent("""\
        timestamp,title,size,price,side,asset,conditionId,proxyWallet,outcome
        2026-01-08 12:00:02,T,2,0.5,BUY,1,0xa,p,No
        2026-01-08 12:00:03,T,3,0.5,BUY,1,0xa,p,No
        2026-01-08 12:00:01,T,1,0.5,BUY,1,0xa,p,No
        """)
    trades = load(tmp_path, rows).markets[0].trades
    assert trades == [TapeTrade(NO, BUY, 5000, number * 100) for number in (1, 2, 3)]


def test_answers_of_kalshi_in_cents_and_in_dollars(tmp_path: Path) -> None:
    text = """{"cursor":"","trades":[
        {"count_fp":"12.61","created_time":"2026-07-25T05:51:39.5Z","no_price_dollars":"0.6200",
         "yes_price_dollars":"0.3800","taker_side":"no","ticker":"KXA"},
        {"count":3,"created_time":"2026-07-25T05:51:38.54321Z","no_price":94,"yes_price":6,
         "price":0.06,"taker_side":"yes","ticker":"KXA"}]}"""
    tape = load(tmp_path, text)
    assert tape.format == "Kalshi GET /markets/trades"
    assert tape.markets[0].trades == [
        TapeTrade(YES, BUY, 600, 300),
        TapeTrade(NO, BUY, 6200, 1261),
    ]


def test_answer_of_the_data_api(tmp_path: Path) -> None:
    text = """[{"side":"SELL","conditionId":"0xa","size":13.636362,"price":0.21999995306666104,
        "timestamp":1770479519,"title":"Genoa?","outcome":"No","outcomeIndex":1}]"""
    tape = load(tmp_path, text)
    assert tape.format == "Polymarket GET /trades"
    assert tape.markets[0].title == "Genoa?"
    assert tape.markets[0].trades == [TapeTrade(NO, SELL, 2200, 1364)]


def test_rows_are_skipped_for_a_named_reason(tmp_path: Path) -> None:
    def row(**fields: str) -> str:
        values = {"price": "0.5", "size": "1", "taker_side": "buy"} | fields
        pairs = ",".join(f'"{name}":"{value}"' for name, value in values.items())
        return f'{{"market":"m","traded_at":"2026-01-01 00:00:00",{pairs}}}'

    lines = [
        row(),
        row(price="0.99996"),
        row(price="0.00004"),
        row(price="1"),
        row(size="0.004"),
        row(size="1e9"),
        row(size="many"),
        row(taker_side="unknown"),
        row(traded_at="yesterday"),
        "{broken",
    ]
    tape = load(tmp_path, "\n".join(lines))
    assert tape.skipped == {PRICE_OUTSIDE: 3, SIZE_ZERO: 1, SIZE_TOO_LARGE: 1, NOT_A_TRADE: 4}
    assert (tape.read, tape.trade_count) == (10, 1)


def test_packed_files_are_found_by_their_content(tmp_path: Path) -> None:
    packed = load(tmp_path, gzip.compress(CSV.encode()), "tape.txt")
    assert packed.markets == load(tmp_path, CSV).markets


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,b\n1,2\n",
        b"{}",
        b'{"trades":5}',
        b"[1]",
        b"\xff\xfe",
        b"\x1f\x8bbroken",
        b"[" * 9_000,
    ],
)
def test_what_is_no_tape_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(MalformedTape, match=r"^[^\n]+$"):
        load(tmp_path, content)


def test_recorded_tapes_are_read_whole(recordings: Path) -> None:
    kalshi = load_tape(recordings / "kalshi/tape/trades_multi_market_2026-07_08.jsonl.gz")
    tokens = load_tape(recordings / "polymarket/tape/trades_multi_market_2026-07_08.jsonl.gz")
    table = load_tape(recordings / "polymarket/tape/updown_15m_and_dota_trades_2026-01-08.csv.gz")
    found = [(tape.format, tape.read, len(tape.markets)) for tape in (kalshi, tokens, table)]
    assert found == [
        ("Kalshi jsonl", 1350, 27),
        ("Polymarket jsonl", 950, 18),
        ("Polymarket csv", 2406, 15),
    ]
    for tape in (kalshi, tokens, table):
        assert tape.read == tape.trade_count + tape.skipped.total()
