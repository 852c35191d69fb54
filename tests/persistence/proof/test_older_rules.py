"""Rows of rules of before: what goes otherwise today is applied as it went, all else run again."""

import pytest

from exchange.engine import ALTERED, RULES_VERSION, Engine
from exchange.messages.admin.commands import EditMarket
from exchange.messages.commands import OpenAccount, PlaceOrder, SetMarketStatus
from exchange.messages.execution import Execution
from exchange.messages.terms import BUY, GTC, LIMIT, YES, MarketStatus
from exchange.model.state import State
from exchange.transitions import transitions
from persistence.journal.rows import GENESIS_HASH, JournalRow, encode_execution, join_payload
from persistence.proof.rerun import Rerun
from tests.exchange.worlds import ANN, market_command

EDIT = EditMarket(1, question="Does it snow?")
BEFORE = (
    OpenAccount(ANN, 10**8),
    market_command(),
    PlaceOrder(ANN, 1, BUY, YES, LIMIT, 5_000, 100, GTC),
)
COMMANDS = len(BEFORE) + 2


def edited_while_it_trades() -> list[Execution]:
    """Return what the rules of version 1 made of an edit that comes while a market takes orders."""
    engine, halted = Engine(State()), Engine(State())
    done = [engine.execute(1_000, command) for command in BEFORE]
    for command in (*BEFORE, SetMarketStatus(1, MarketStatus.HALTED)):
        halted.execute(1_000, command)
    events = halted.execute(1_000, EDIT).events
    assert [type(event).__name__ for event in events] == ["MarketEdited", "OrderCancelled"]
    done.append(Execution(engine.state.seq + 1, 1_000, EDIT, events))
    for event in events:
        transitions.apply(engine.state, event)
    engine.state.seq += 1
    return [*done, engine.execute(1_000, BEFORE[-1])]


@pytest.mark.parametrize(
    ("version", "reruns", "problem"),
    [
        (1, COMMANDS - 1, None),
        (0, 0, None),
        (RULES_VERSION, len(BEFORE), "command 4 gives other events when run again"),
    ],
)
def test_an_edit_of_before_is_applied(version: int, reruns: int, problem: str | None) -> None:
    executions = edited_while_it_trades()
    payload = join_payload([encode_execution(one) for one in executions])
    rerun = Rerun()
    rerun.run(JournalRow(1, len(executions), 1, 1_000, version, payload, GENESIS_HASH, b""))
    assert (rerun.event_problem, rerun.command_problem) == (None, problem)
    assert rerun.reruns == reruns
    assert rerun.state.markets[1].question == "Does it snow?"


def test_of_each_older_version_it_is_said_what_was_altered() -> None:
    assert sorted(ALTERED) == [*range(1, RULES_VERSION)]
