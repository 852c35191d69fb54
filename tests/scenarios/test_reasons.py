"""Every reason for a refusal has a scenario that yields it, and refusals are asked in the order of
their numbers.
"""

import re
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from exchange.messages.bounds import CREDIT_MAX
from exchange.messages.commands import PlaceOrder, RefuseUnstorable, SetExchangeMode
from exchange.messages.conditions import OrderConditions
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    BUY,
    FOK,
    GTC,
    GTD,
    LIMIT,
    SELL,
    YES,
    ExchangeMode,
    MarketStatus,
)
from exchange.proof.state_hash import state_hash
from exchange.rules.accounts import funding
from exchange.rules.groups import administering
from exchange.rules.limits import judging
from tests.conftest import SetBound
from tests.exchange.worlds import ANN, World, reason_of
from tests.properties.twin import Twin
from tests.scenarios.table import Play, play

START = """
        open ann 100                 | opened, ann +100
        open bob 100                 | opened, bob +100
        list rain                    | rain OPEN
        ann buy 1 YES 0.50 id=a1     | #1 rests
        ann buy 1 YES 0.50           | #2 rests
        ann cancel #2                | #2 ends USER
"""
# The lines that lead to a reason; the last one is refused with it.
WAYS: dict[Reason, str] = {
    Reason.CONFLICT: "ann buy 2 YES 0.50 id=a1",
    Reason.EXPIRED: "time 60\ndebit ann 1 until=59",
    Reason.ACCOUNT_NOT_FOUND: "nobody buy 1 YES 0.50",
    Reason.MARKET_NOT_FOUND: "ann buy 1 YES 0.50 on=nowhere",
    Reason.ORDER_NOT_FOUND: "ann cancel #3",
    Reason.ORDER_NOT_OPEN: "ann cancel #2",
    Reason.NOT_ORDER_OWNER: "bob cancel #1",
    Reason.ACCOUNT_SUSPENDED: "suspend ann\nann buy 1 YES 0.50",
    Reason.ACCOUNT_CLOSED: "open cem\nclose cem\ncredit cem 1",
    Reason.GROUP_NOT_FOUND: "ann buy 1 YES 0.50 group=mm",
    Reason.EXCHANGE_HALTED: "mode halted\nann cancel #1",
    Reason.EXCHANGE_CANCEL_ONLY: "mode cancel-only\nann buy 1 YES 0.50",
    Reason.EXCHANGE_POST_ONLY: "mode post-only\nann buy 1 YES 0.50",
    Reason.MARKET_NOT_OPEN: "status rain HALTED\nann buy 1 YES 0.50",
    Reason.MARKET_TRADED: "bob buy 1 NO 0.50\nedit rain question=Snow?",
    Reason.MARKET_NOT_HALTED: "edit rain question=Snow?",
    Reason.MARKET_ALREADY_RESOLVED: "resolve rain YES\nresolve rain YES",
    Reason.ILLEGAL_STATUS_CHANGE: "status rain OPEN",
    Reason.MARKET_POST_ONLY: "status rain POST_ONLY\nann buy 1 YES 0.50",
    Reason.INVALID_ORDER: "ann buy 1 YES 0.50 maxCost=5",
    Reason.OFF_TICK: "ann buy 1 YES 0.555",
    Reason.BELOW_MIN_QUANTITY: "list snow min=5\nann buy 1 YES 0.50 on=snow",
    Reason.INVALID_MARKET: "list no",
    Reason.SLUG_TAKEN: "list rain",
    Reason.CLOSE_TIME_PASSED: "time 60\nlist snow close=60",
    Reason.INVALID_PAYOUT: "resolve rain SPLIT",
    Reason.INVALID_AMOUNT: "credit ann 1000000000.000001",
    Reason.OUTSIDE_BAND: "limits rain price_band=0.01\nbob buy 1 NO 0.51\nbob buy 1 YES 0.52",
    Reason.ORDER_TOO_LARGE: "limits rain order_quantity=1\nann buy 1.01 YES 0.50",
    Reason.POSITION_LIMIT: "limits ann position=2\nann buy 1.01 YES 0.50",
    Reason.EXPIRY_PASSED: "time 60\nann buy 1 YES 0.50 GTD until=60",
    Reason.VERSION_CHANGED: "ann amend #1 quantity=0.50 version=1",
    Reason.INSUFFICIENT_BALANCE: "ann buy 1000 YES 0.50",
    Reason.INSUFFICIENT_SHARES: "ann sell 1 YES 0.50",
    Reason.REDUCE_ONLY: "ann sell 1 YES 0.50 IOC reduceOnly=yes",
    Reason.ACCOUNT_NOT_EMPTY: "close ann",
    Reason.FOK_NOT_FILLABLE: "bob buy 2 NO 0.50 FOK",
    Reason.MAX_COST_TOO_SMALL: "bob buy NO market maxCost=0.004999",
    Reason.POST_ONLY_WOULD_CROSS: "bob buy 1 NO 0.50 postOnly=yes",
    Reason.TRIGGER_REACHED: ("bob buy 1 NO 0.50\nann sell 0.50 YES 0.40 trigger=0.50"),
    Reason.TOO_MANY_OPEN_ORDERS: "ann buy 1 YES 0.50\nann buy 1 YES 0.50",
    Reason.ISSUANCE_EXHAUSTED: "credit ann 1000",
    Reason.GROUP_LIMIT: (
        "ann group mm filled=1\nann buy 1 YES 0.55 group=mm\nbob buy 1 NO 0.45\n"
        "ann buy 1 YES 0.50 group=mm"
    ),
    Reason.TOO_MANY_GROUPS: "ann group mm filled=1\nann group nn filled=1",
    Reason.NOT_STORED: "unstorable",
}


MAKES_ROOM = {Reason.OUTSIDE_BAND, Reason.POSITION_LIMIT}


@pytest.fixture
def low_bounds(set_bound: SetBound) -> Twin:
    set_bound(judging, "OPEN_ORDERS_PER_ACCOUNT", 2)
    set_bound(funding, "ISSUANCE_MAX", 10**9)
    set_bound(administering, "GROUPS_PER_ACCOUNT", 1)
    return Twin(open_orders_max=2, issuance_max=10**9, groups_max=1)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_way_to_it_and_changes_nothing(reason: Reason, low_bounds: Twin) -> None:
    run = play(START, low_bounds)
    *before, last = WAYS[reason].splitlines()
    for line in before:
        assert not hasattr(Reason, run.line(line)), line
    state = run.pair.state
    account_seqs = [account.seq for account in state.accounts.values()]
    untouched = hash_but_for_seq(run)
    assert refused(run, last) == reason.name
    assert hash_but_for_seq(run) == untouched
    assert [account.seq for account in state.accounts.values()] == account_seqs


def refused(run: Play, line: str) -> str:
    if line == "unstorable":
        (execution,) = run.pair.run(run.clock, RefuseUnstorable(ANN, "PlaceOrder"))
        return reason_of(execution.events).name
    return run.line(line)


def hash_but_for_seq(run: Play) -> bytes:
    """Hash the state as if no command had been stamped."""
    state = run.pair.state
    stamp = state.seq, state.now
    state.seq = state.now = 0
    digest = state_hash(state, with_ids=False)
    state.seq, state.now = stamp
    return digest


def test_numbers_are_unique_and_in_bands() -> None:
    assert [reason.value for reason in Reason] == sorted({reason.value for reason in Reason})
    assert {reason.band for reason in Reason} == {1, 2, 3, 4, 5, 6, 7, 9}


def test_what_may_be_gone_later_is_transient() -> None:
    for reason in Reason:
        # A group can't be taken away, so there never are fewer.
        if reason.band in {5, 6, 7} and reason is not Reason.TOO_MANY_GROUPS:
            assert reason.transient, reason
        if reason.band in {1, 4, 9}:
            # What others trade, and what one sells, makes room.
            assert reason.transient is (reason in MAKES_ROOM), reason


def test_the_rulebook_lists_the_reasons_as_they_are() -> None:
    text = (Path(__file__).parents[2] / "docs" / "rulebook.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (\d{3}) \| ([A-Z_]+) \| (\w+) \|$", text, re.MULTILINE)
    assert listed == [
        (str(reason.value), reason.name, "transient" if reason.transient else "final")
        for reason in Reason
    ]


# One command that is wrong in every way at once, mended one way at a time, in the order of the
# numbers: each mending must uncover the next reason.
def test_placing_asks_in_the_order_of_the_numbers(set_bound: SetBound) -> None:
    set_bound(judging, "OPEN_ORDERS_PER_ACCOUNT", 0)
    world = World(min_quantity=50)
    world.send(SetExchangeMode(ExchangeMode.OPEN), at=1)
    command = PlaceOrder(99, 99, BUY, YES, LIMIT, 5_055, 10, FOK, max_cost=1, client_order_id="a")
    world.send(PlaceOrder(99, 99, SELL, YES, LIMIT, 5_000, 10, GTC, client_order_id="a"))
    seen = [reason_of(world.send(command))]

    def mend(**changes: object) -> None:
        nonlocal command
        command = msgspec.structs.replace(command, **changes)
        seen.append(reason_of(world.send(command)))

    def admin(mode: ExchangeMode = ExchangeMode.OPEN) -> None:
        world.state.mode = mode
        mend()

    mend(client_order_id=None)
    mend(account_id=ANN)
    world.market.status = MarketStatus.HALTED
    world.state.mode = ExchangeMode.HALTED
    mend(market_id=1)
    admin(ExchangeMode.CANCEL_ONLY)
    admin(ExchangeMode.POST_ONLY)
    admin()
    world.market.status = MarketStatus.OPEN
    mend()
    mend(max_cost=None)
    mend(price=5_100, time_in_force=GTD, conditions=OrderConditions(expires_at=1))
    mend(quantity=10**9)
    mend(conditions=None, time_in_force=FOK)
    mend(quantity=100)
    mend(time_in_force=GTC)
    assert seen == [
        Reason.CONFLICT,
        Reason.ACCOUNT_NOT_FOUND,
        Reason.MARKET_NOT_FOUND,
        Reason.EXCHANGE_HALTED,
        Reason.EXCHANGE_CANCEL_ONLY,
        Reason.EXCHANGE_POST_ONLY,
        Reason.MARKET_NOT_OPEN,
        Reason.INVALID_ORDER,
        Reason.OFF_TICK,
        Reason.BELOW_MIN_QUANTITY,
        Reason.EXPIRY_PASSED,
        Reason.INSUFFICIENT_BALANCE,
        Reason.FOK_NOT_FILLABLE,
        Reason.TOO_MANY_OPEN_ORDERS,
    ]
    assert all(one < other for one, other in pairwise(seen))


def test_selling_asks_for_shares_before_the_book() -> None:
    world = World()
    assert reason_of(world.limit(ANN, SELL, YES, 5_000, 1, FOK)) is Reason.INSUFFICIENT_SHARES


def test_cancelling_asks_in_the_order_of_the_numbers() -> None:
    run = play(START)
    for line in ("mode halted", "status rain FULL_HALT"):
        run.line(line)
    assert run.line("bob cancel #3") == "ORDER_NOT_FOUND"
    assert run.line("bob cancel #2") == "ORDER_NOT_OPEN"
    assert run.line("bob cancel #1") == "NOT_ORDER_OWNER"
    assert run.line("nobody cancel all nowhere") == "ACCOUNT_NOT_FOUND"
    assert run.line("ann cancel all nowhere") == "MARKET_NOT_FOUND"
    for line in ("ann cancel #1", "ann cancel all rain", "ann cancel all"):
        assert run.line(line) == "EXCHANGE_HALTED"
    run.line("mode open")
    assert run.line("ann cancel #1") == "MARKET_NOT_OPEN"


def test_administration_asks_in_the_order_of_the_numbers() -> None:
    run = play(START)
    run.line("time 60")
    assert run.line("list rain close=60 min=0.01 question=") == "INVALID_MARKET"
    assert run.line("list rain close=60") == "SLUG_TAKEN"
    assert run.line("list snow close=60") == "CLOSE_TIME_PASSED"
    assert run.line("status nowhere DRAFT") == "MARKET_NOT_FOUND"
    assert run.line("resolve nowhere SPLIT") == "MARKET_NOT_FOUND"
    assert run.line("status rain DRAFT") == "ILLEGAL_STATUS_CHANGE"
    run.line("resolve rain NO")
    assert run.line("status rain DRAFT") == "MARKET_ALREADY_RESOLVED"
    assert run.line("resolve rain SPLIT") == "MARKET_ALREADY_RESOLVED"


def test_issuing_asks_for_the_account_then_the_amount_then_the_bound(
    set_bound: SetBound,
) -> None:
    world = World()
    set_bound(funding, "ISSUANCE_MAX", 1)
    assert reason_of(world.credit(99, CREDIT_MAX + 1)) is Reason.ACCOUNT_NOT_FOUND
    assert reason_of(world.credit(ANN, CREDIT_MAX + 1)) is Reason.INVALID_AMOUNT
    assert reason_of(world.credit(ANN, CREDIT_MAX)) is Reason.ISSUANCE_EXHAUSTED
