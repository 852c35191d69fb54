"""Replay: the orders it makes of a tape give that tape, by the rules of the real core."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.engine import Engine
from exchange.messages.commands import Command, CreateMarket, CreditAccount, OpenAccount, PlaceOrder
from exchange.messages.events import CommandRejected, Event, TradeExecuted
from exchange.messages.terms import BUY, GTC, LIMIT, NO, SELL, YES, FeeModel, TradeKind
from exchange.model.state import State
from exchange.proof.invariants import check
from gateway.cli.replay.run import (
    Leg,
    Report,
    cash_needed,
    compare,
    legs,
    seed_trades,
    shares_needed,
)
from gateway.cli.replay.tapes import Tape, TapeMarket, TapeTrade, load_tape

ACCOUNTS = {YES: 1, NO: 2}


def market_of(*trades: TapeTrade) -> TapeMarket:
    return TapeMarket("m", "M?", list(trades))


def report_of(market: TapeMarket, found: list[TapeTrade], problem: str | None = None) -> Report:
    report = Report(Tape(Path("tape"), "hand-written", 0, 0, Counter(), [market]))
    compare(market, found, report, problem)
    return report


def printed_by_the_core(market: TapeMarket) -> list[TapeTrade]:
    """Send the legs of all trades through the core and return what it prints, seeds left out."""
    engine = Engine(State())
    setup: list[Command] = [OpenAccount(account, 0) for account in ACCOUNTS.values()]
    cash = cash_needed([market])
    setup += [CreditAccount(account, cash, "test") for account in ACCOUNTS.values() if cash]
    setup.append(CreateMarket("m-1", "M?", "", "", 10**15, 1, 1, 0, 0, FeeModel.FLAT, False))
    run(engine, setup)
    seeds = seed_trades(market.trades)
    orders = [leg for trade in (*seeds, *market.trades) for leg in legs(trade)]
    events = run(engine, map(order, orders))
    check(engine.state)
    assert not engine.state.orders, "nothing is left in the book"
    trades = [event for event in events if isinstance(event, TradeExecuted)]
    return [TapeTrade(t.outcome, t.side, t.price, t.quantity) for t in trades][len(seeds) :]


def order(leg: Leg) -> PlaceOrder:
    account = ACCOUNTS[leg.holder]
    return PlaceOrder(account, 1, leg.side, leg.outcome, LIMIT, leg.price, leg.quantity, GTC)


def run(engine: Engine, commands: Iterable[Command]) -> list[Event]:
    events = [event for done in engine.run(1, commands) for event in done.events]
    assert not [event for event in events if isinstance(event, CommandRejected)]
    return events


def test_a_buy_is_a_mint_and_a_sell_a_transfer() -> None:
    assert legs(TapeTrade(NO, BUY, 6200, 100)) == (
        Leg(YES, BUY, YES, 3800, 100),
        Leg(NO, BUY, NO, 6200, 100),
    )
    assert legs(TapeTrade(YES, SELL, 6200, 100)) == (
        Leg(NO, BUY, YES, 6200, 100),
        Leg(YES, SELL, YES, 6200, 100),
    )


def test_shares_are_made_first_for_what_is_sold_before_it_is_bought() -> None:
    trades = [
        TapeTrade(YES, BUY, 5000, 100),
        TapeTrade(NO, SELL, 5000, 250),
        TapeTrade(YES, BUY, 5000, 900),
        TapeTrade(YES, SELL, 5000, 1000),
    ]
    assert shares_needed(trades) == 250
    assert seed_trades(trades) == [TapeTrade(YES, BUY, 5000, 250)]
    assert seed_trades(trades[:1]) == []


@given(
    st.lists(
        st.builds(
            TapeTrade,
            st.sampled_from([YES, NO]),
            st.sampled_from([BUY, SELL]),
            st.integers(1, 9999),
            st.integers(1, 10_000),
        ),
        max_size=30,
    )
)
def test_any_tape_comes_out_as_it_went_in(trades: list[TapeTrade]) -> None:
    market = market_of(*trades)
    assert printed_by_the_core(market) == trades


@pytest.mark.parametrize(
    "path",
    [
        "kalshi/tape/trades_multi_market_2026-07_08.jsonl.gz",
        "polymarket/tape/trades_multi_market_2026-07_08.jsonl.gz",
        "polymarket/tape/updown_15m_and_dota_trades_2026-01-08.csv.gz",
    ],
)
def test_recorded_tapes_come_out_of_the_core_as_they_went_in(recordings: Path, path: str) -> None:
    for market in load_tape(recordings / path).markets:
        assert printed_by_the_core(market) == market.trades, market.name


def test_equal_tapes_have_no_differences() -> None:
    market = market_of(TapeTrade(YES, BUY, 5000, 100), TapeTrade(NO, SELL, 4000, 200))
    report = report_of(market, list(market.trades))
    assert (report.compared, report.differences, report.shown) == (2, 0, [])


@pytest.mark.parametrize(
    ("found", "differences"),
    [
        ([], 2),
        ([TapeTrade(YES, BUY, 5000, 100)], 1),
        ([TapeTrade(YES, BUY, 5001, 100), TapeTrade(NO, SELL, 4000, 200)], 1),
        ([TapeTrade(YES, BUY, 5000, 101), TapeTrade(NO, SELL, 4000, 200)], 1),
        ([TapeTrade(NO, BUY, 5000, 100), TapeTrade(NO, SELL, 4000, 200)], 1),
        ([TapeTrade(YES, SELL, 5000, 100), TapeTrade(NO, SELL, 4000, 200)], 1),
        ([TapeTrade(NO, SELL, 4000, 200), TapeTrade(YES, BUY, 5000, 100)], 2),
        ([*2 * [TapeTrade(YES, BUY, 5000, 100)], TapeTrade(NO, SELL, 4000, 200)], 2),
    ],
)
def test_price_size_outcome_side_and_order_count(found: list[TapeTrade], differences: int) -> None:
    market = market_of(TapeTrade(YES, BUY, 5000, 100), TapeTrade(NO, SELL, 4000, 200))
    report = report_of(market, found)
    assert report.differences == differences
    assert len(report.shown) == differences


def test_trade_kinds_are_those_promised() -> None:
    engine = Engine(State())
    setup: list[Command] = [OpenAccount(account, 10**9) for account in ACCOUNTS.values()]
    setup.append(CreateMarket("m-1", "M?", "", "", 10**15, 1, 1, 0, 0, FeeModel.FLAT, False))
    run(engine, setup)
    trades = [TapeTrade(YES, BUY, 5000, 100), TapeTrade(NO, SELL, 4000, 100)]
    events = run(engine, [order(leg) for trade in trades for leg in legs(trade)])
    kinds = [event.kind for event in events if isinstance(event, TradeExecuted)]
    assert kinds == [TradeKind.MINT, TradeKind.TRANSFER]


def test_a_problem_is_told_beside_the_differences() -> None:
    report = report_of(market_of(TapeTrade(YES, BUY, 5000, 100)), [], "422 MARKET_NOT_OPEN")
    assert report.shown == [
        "422 MARKET_NOT_OPEN",
        "m trade 1: recorded BUY YES 1.00 at 0.5000, the exchange has nothing",
    ]
