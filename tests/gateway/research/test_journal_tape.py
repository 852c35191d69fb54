"""A tape from the journal of a real database: it ends where the exchange is, whole or not."""

import asyncio
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exchange.messages.commands import CreateMarket, OpenAccount
from exchange.messages.execution import Execution
from exchange.messages.terms import FeeModel
from exchange.model.state import State
from exchange.proof.state_hash import state_hash
from gateway.cli.main import main
from gateway.research.backtest.figures import Notes
from gateway.research.backtest.flow import FlowModel
from gateway.research.backtest.result import CASH, Setup, backtest
from gateway.research.backtest.run import Backtest
from gateway.research.strategies.market_maker import MarketMaker
from gateway.research.strategy import Book, Desk, Strategy, Terms, Trade
from gateway.research.tape.events import TapeRefused
from gateway.research.tape.journal import JournalTape
from gateway.wire.scalars import iso_millis
from persistence.journal.segments.segments import Segments
from persistence.postgres.database import connect
from tests.gateway.random_flow import random_commands
from tests.gateway.research.test_flow_model import Again, fills_of
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import Recorder, running

PEOPLE = 8
DOCUMENT = Path(__file__).parents[3] / "docs" / "backtesting.md"


def past_of(url: str, work: Callable[[Any], Any]) -> tuple[list[Execution], State]:
    """Let an engine run, and return what it did and where it is."""

    async def run() -> tuple[list[Execution], State]:
        recorder = Recorder()
        async with running(url, listeners=[recorder]) as engine:
            await work(engine)
            return recorder.executions, engine.view

    return asyncio.run(run())


async def everything(engine: Any) -> None:
    """Do all kinds of things."""
    await engine.send_all(*opening())
    await engine.send_all(*commands(31, 400))


async def trading(engine: Any) -> None:
    """Let people trade with one another in two markets."""
    terms = ("Will it rain?", "", "", 10**17, 100, 1, 20, 50, FeeModel.FLAT, False)
    await engine.send_all(*(OpenAccount(number + 1, 10**11) for number in range(PEOPLE)))
    await engine.send_all(CreateMarket("rain", *terms), CreateMarket("snow", *terms))
    for market_id in (1, 2):
        for command in random_commands(market_id, engine.view, market_id, PEOPLE, 300):
            await engine.send_all(command)


def tape_of(url: str) -> JournalTape:
    """Return the tape of a journal that lies in the database alone."""
    return JournalTape(url, Segments(None))


class Still(Strategy):
    """Hears everything, and does nothing."""

    def __init__(self, desk: Desk, parameters: Any) -> None:
        super().__init__(desk, parameters)
        self.heard: list[Any] = []

    def on_listed(self, terms: Terms) -> None:
        self.heard.append(terms)

    def on_book(self, book: Book) -> None:
        self.heard.append(book)

    def on_trade(self, trade: Trade) -> None:
        self.heard.append(trade)


def test_the_journal_without_a_strategy_ends_in_the_state_of_the_exchange(
    database_url: str,
) -> None:
    done, view = past_of(database_url, everything)
    with tape_of(database_url) as tape:
        model = FlowModel(0)
        for execution in tape.executions():
            model.take(execution)
        assert tape.part() == 1.0
        assert [one.seq for one in tape.executions()] == [one.seq for one in done]
    assert len(done) > 400
    # A view keeps no client ids.
    ended = state_hash(model.ground.engine.state, with_ids=False)
    assert ended == state_hash(view, with_ids=False)


def test_who_does_the_same_again_gets_the_same_from_the_journal(database_url: str) -> None:
    done, view = past_of(database_url, trading)
    fills = 0
    with tape_of(database_url) as tape:
        for account in range(1, PEOPLE + 1):
            notes, model = Notes(), FlowModel(0, account=account)
            run = Backtest(model, lambda desk: Again(desk, None), notes, check=True)
            run.run(tape.executions())
            assert state_hash(model.ground.engine.state) == state_hash(view)
            told = [(one.at, one.price, one.quantity, one.fee) for one in notes.executions]
            assert told == [(one[0], *one[2:5]) for one in fills_of(done, account)]
            fills += len(told)
    assert fills > 100


def test_one_market_from_a_time_on_is_all_that_a_strategy_hears_of(database_url: str) -> None:
    done, _ = past_of(database_url, trading)
    middle = done[len(done) // 2].at
    strategies: list[Still] = []

    def still(desk: Desk) -> Still:
        strategies.append(Still(desk, None))
        return strategies[-1]

    with tape_of(database_url) as tape:
        assert tape.market("snow").id == tape.market("2").id == 2
        whole = FlowModel(CASH, only="snow")
        Backtest(whole, still, Notes()).run(tape.executions())
        model = FlowModel(CASH, only="snow")
        run = Backtest(model, still, Notes(), check=True)
        run.run(model.lead_up(tape.executions(), middle))
    all_of_it, part = (strategy.heard for strategy in strategies)
    assert run.begun_at == middle
    assert {one.market for one in part} == {"snow"}
    assert isinstance(part[0], Terms)
    books = [one for one in all_of_it if not isinstance(one, Terms)]
    later = [one for one in part if not isinstance(one, Terms)]
    # The book as it stood then, and all that came.
    since = [one for one in books if one.at >= middle]
    assert len(since) > 50
    assert later[-len(since) :] == since
    assert len(later) - len(since) <= 1


def test_a_newcomer_makes_a_market_in_the_past(database_url: str) -> None:
    past_of(database_url, trading)
    with tape_of(database_url) as tape:
        setup = Setup(check=True, latency_us=0)
        results = [
            backtest(MarketMaker, {}, FlowModel(CASH, only="rain"), tape.executions(), setup)
            for _ in range(2)
        ]
    assert results[0] == results[1]
    assert results[0].model == "book"
    assert results[0].sent > 10


def test_a_gap_and_a_row_that_cannot_be_read_are_told(database_url: str) -> None:
    done, _ = past_of(database_url, trading)

    async def change(query: str) -> None:
        connection = await connect(database_url)
        await connection.execute(query)
        await connection.close()

    asyncio.run(
        change("DELETE FROM journal WHERE first_seq = (SELECT max(first_seq) FROM journal)")
    )
    with tape_of(database_url) as tape, pytest.raises(TapeRefused, match="has no command"):
        list(tape.executions())
    asyncio.run(change("UPDATE journal SET payload = '\\x00' WHERE first_seq = 1"))
    with tape_of(database_url) as tape, pytest.raises(TapeRefused, match="journal after 0"):
        list(tape.executions())
    assert done


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["backtest", *arguments])


def test_the_command_line_takes_a_market_of_this_exchange(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done, _ = past_of(database_url, trading)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    told = run("market-maker", "--market", "rain")
    assert told.exit_code == 0, told.output
    assert "fill model book" in " ".join(told.stdout.split())
    middle = iso_millis(done[len(done) // 2].at)
    swept = ["--sweep", "half_spread=100,200", "--from", middle, "--to", iso_millis(done[-1].at)]
    told = run("market-maker", "--market", "2", *swept)
    assert told.exit_code == 0, told.output
    documented = re.findall(
        r"^probity backtest (.* --market .*)$", DOCUMENT.read_text(), re.MULTILINE
    )
    for line in documented:
        # All of it is understood; at that time this exchange wasn't there yet.
        told = run(*shlex.split(line))
        assert (told.exit_code, "there is no event to play" in told.stderr) == (2, True), line
    assert documented
    wrong = {
        "no market 'hail'": ["--market", "hail"],
        "give one of": ["--market", "rain", "--tape", "sample"],
        "--prints-only": ["--market", "rain", "--prints-only"],
    }
    for reason, given in wrong.items():
        told = run("market-maker", *given)
        assert (told.exit_code, told.stdout) == (2, ""), reason
        assert reason in told.stderr
    assert run("market-maker").exit_code == 2
    monkeypatch.delenv("DATABASE_URL")
    told = run("market-maker", "--market", "rain")
    assert (told.exit_code, told.stdout) == (1, "")
    assert "there is no database" in told.stderr
