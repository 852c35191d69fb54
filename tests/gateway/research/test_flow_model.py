"""Backtests on the exchange's own past: the model that knows everybody's commands."""

from itertools import pairwise

import msgspec
import pytest

from exchange.engine import Engine
from exchange.messages.bounds import PAYOUT_PAUSE
from exchange.messages.commands import (
    BatchOrders,
    CancelOrder,
    Command,
    CreateMarket,
    ExpireOrder,
    OpenAccount,
    PayHolders,
    PlaceOrder,
    ResolveMarket,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.events import TradeExecuted
from exchange.messages.execution import Execution
from exchange.messages.terms import (
    BUY,
    GTC,
    GTD,
    LIMIT,
    NO,
    STOP_LIMIT,
    YES,
    FeeModel,
    MarketStatus,
    Resolution,
)
from exchange.model.market import ENDED
from exchange.model.state import State
from exchange.proof import invariants
from exchange.proof.state_hash import state_hash
from exchange.rules import settlement
from gateway.research.backtest.desk import BacktestDesk
from gateway.research.backtest.figures import Notes
from gateway.research.backtest.flow import NEWCOMER, FlowModel
from gateway.research.backtest.result import CASH, Setup, backtest
from gateway.research.backtest.run import Backtest
from gateway.research.strategies.market_maker import MarketMaker
from gateway.research.strategies.momentum import Momentum
from gateway.research.strategy import Book, Strategy, Terms, Trade
from gateway.research.tape.events import TapeEvent
from tests.conftest import SetBound
from tests.gateway.random_flow import random_commands
from tests.properties.choosing import Dice
from tests.properties.market_day import MarketDay
from tests.properties.pair import Pair
from tests.properties.test_seeded_runs import tighten

DAY = 3_000
SEED = 20260101


class Again(Strategy):
    """Does what its account did."""

    def on_turn(self, command: Command) -> None:
        """Send it."""
        assert isinstance(self.desk, BacktestDesk)
        self.desk.send(command)


@pytest.fixture
def random_day(set_bound: SetBound) -> tuple[list[Execution], State]:
    """Everything that can happen, and what the exchange was then."""
    pair = Pair(tighten(set_bound)())
    day, dice = MarketDay(pair.twin), Dice(SEED)
    done: list[Execution] = []
    for _ in range(DAY):
        command = day.any_command(dice)
        done += pair.run(day.next_time(dice), command, compare=False)
    return done, pair.state


def trading(
    seed: int, count: int = 4_000, *, in_slices: bool = False
) -> tuple[list[Execution], State]:
    """Return people who trade with one another in a market with fees, until it ends and all are
    paid.
    """
    engine = Engine(State())
    people = 12
    done = engine.run(1, [OpenAccount(number + 1, 10**11) for number in range(people)])
    terms = ("Will it rain?", "", "", 10**15, 100, 1, 20, 50, FeeModel.FLAT, False)
    done += engine.run(1, [CreateMarket("rain", *terms)])
    at = 1
    for command in random_commands(seed, engine.state, 1, people, count):
        at += 250_000
        done += engine.run(at, [command])
    ends = ResolveMarket(1, Resolution.YES, None, "the sky", in_slices=in_slices)
    done += engine.run(at + 1, [ends])
    while engine.state.markets[1].status not in ENDED:
        at += PAYOUT_PAUSE
        done += engine.run(at + 1, [])
    return done, engine.state


def test_the_past_without_a_strategy_ends_in_the_same_state(
    random_day: tuple[list[Execution], State],
) -> None:
    past, state = random_day
    model = FlowModel(0)
    for execution in past:
        model.take(execution)
    assert state_hash(model.ground.engine.state) == state_hash(state)


Fill = tuple[int, int, int, int, int, bool]


def fills_of(past: list[Execution], account: int) -> list[Fill]:
    """Return (time, side, price, quantity, fee, as maker) of what an account traded, from the
    events.
    """
    found: list[Fill] = []
    for execution in past:
        for event in execution.events:
            if not isinstance(event, TradeExecuted):
                continue
            is_up = (event.side is BUY) is (event.outcome is YES)
            terms = (event.yes_price, event.quantity)
            if event.taker_account_id == account:
                found.append((execution.at, is_up, *terms, event.taker_fee, False))
            elif event.maker_account_id == account:
                found.append((execution.at, not is_up, *terms, event.maker_fee, True))
    return found


def replayed(past: list[Execution], account: int) -> tuple[Backtest, Notes, FlowModel]:
    """Let an account do again what it did."""
    notes, model = Notes(), FlowModel(0, account=account)
    run = Backtest(model, lambda desk: Again(desk, None), notes, check=True)
    run.run(past)
    return run, notes, model


@pytest.mark.parametrize("account", range(1, 13))
def test_who_does_the_same_again_gets_the_same(account: int) -> None:
    past, state = trading(SEED)
    run, notes, model = replayed(past, account)
    assert state_hash(model.ground.engine.state) == state_hash(state)
    done = [
        (one.at, one.side is BUY, one.price, one.quantity, one.fee, one.is_maker)
        for one in notes.executions
    ]
    assert done == fills_of(past, account)
    assert len(done) > 20
    figures = notes.figures(fees=model.ground.fees_paid, turnover=0, ordered=0)
    cash = state.accounts[account].available
    assert (figures.end, figures.net) == (cash, cash - 10**11)
    assert figures.fees == sum(fill[4] for fill in fills_of(past, account))
    assert not model.has_diverged
    assert run.events == len(past)


def test_that_holds_on_a_day_on_which_everything_happens(
    random_day: tuple[list[Execution], State],
) -> None:
    past, state = random_day
    fills = 0
    for account in sorted(state.accounts):
        _, notes, model = replayed(past, account)
        assert state_hash(model.ground.engine.state) == state_hash(state)
        fills += notes.fills
        assert notes.fills == len(fills_of(past, account))
        assert not model.has_diverged
    assert fills > 100


class Louder(Again):
    """Does what its account did, but for every third time."""

    def on_start(self) -> None:
        """Begin to count."""
        self.turns = 0

    def on_turn(self, command: Command) -> None:
        """Send it, or leave it."""
        self.turns += 1
        if self.turns % 3:
            super().on_turn(command)


def test_who_does_otherwise_changes_the_past_and_the_books_still_add_up() -> None:
    past, state = trading(SEED + 1)
    notes, model = Notes(), FlowModel(0, account=5)
    Backtest(model, lambda desk: Louder(desk, None), notes, check=True).run(past)
    assert model.has_diverged
    invariants.check(model.ground.engine.state)
    assert notes.fills > 10
    assert state_hash(model.ground.engine.state) != state_hash(state)


@pytest.mark.parametrize("strategy", [MarketMaker, Momentum])
@pytest.mark.parametrize("seed", range(3))
def test_a_newcomer_stands_among_those_who_were_there(strategy: type[Strategy], seed: int) -> None:
    past, _ = trading(seed)
    given = {"memory_s": 5.0, "threshold": 100} if strategy is Momentum else {"half_spread": 100}
    model = FlowModel(CASH)
    result = backtest(strategy, given, model, past, Setup(check=True, latency_us=10_000))
    invariants.check(model.ground.engine.state)
    assert result.model == "book"
    assert result.figures.fills > 20
    assert result.figures.fees > 0
    assert result.figures.resolved == 1
    account = model.ground.engine.state.accounts[NEWCOMER]
    assert result.figures.end == account.available
    again = backtest(strategy, given, FlowModel(CASH), past, Setup(latency_us=10_000))
    assert msgspec.json.encode(again) == msgspec.json.encode(result)


def test_a_market_that_timers_end_is_paid_though_no_command_comes_after(
    set_bound: SetBound,
) -> None:
    """More hold it than a resolution pays: the last of the past is a timer that pays the last."""
    set_bound(settlement, "PAYOUT_HOLDERS", 3)
    past, _ = trading(SEED, in_slices=True)
    last = past[-1].command
    assert isinstance(last, PayHolders)
    model = FlowModel(CASH)
    setup = Setup(check=True, latency_us=10_000)
    result = backtest(MarketMaker, {"half_spread": 100}, model, past, setup)
    assert model.ground.engine.state.markets[1].status is MarketStatus.RESOLVED
    account = model.ground.engine.state.accounts[NEWCOMER]
    figures = result.figures
    assert (figures.resolved, figures.end) == (1, account.available)
    assert figures.fills > 20


def order(price: int, *, post_only: bool = False) -> PlaceOrder:
    """Have account 1 bid for YES."""
    terms = OrderConditions(post_only=True) if post_only else None
    return PlaceOrder(1, 1, BUY, YES, LIMIT, price, 100, GTC, conditions=terms)


def past_of(*commands: Command) -> list[Execution]:
    """Return a market in which account 1 sent this, a second after each other."""
    engine = Engine(State())
    terms = ("Will it rain?", "", "", 10**15, 100, 1, 0, 0, FeeModel.FLAT, False)
    done = engine.run(1, [OpenAccount(1, 10**11), CreateMarket("rain", *terms)])
    for second, command in enumerate(commands, 1):
        done += engine.run(second * 1_000_000, [command])
    return done


class First(Strategy):
    """Asks for less than the others bid, before they do."""

    def on_listed(self, terms: Terms) -> None:
        """Ask, once."""
        self.desk.ask(terms.market, 4_500, 1)


@pytest.mark.parametrize(
    "commands",
    [
        # 1 and 2 of the past are refused here, where 2 is the bid at 4 000 that was 3.
        (order(4_600, post_only=True), order(4_700, post_only=True), order(4_000)),
        (BatchOrders(1, (order(4_600, post_only=True), order(4_000))),),
    ],
)
def test_a_command_about_an_order_that_was_refused_here_does_nothing(
    commands: tuple[Command, ...],
) -> None:
    gone = [CancelOrder(1, 1), CancelOrder(1, 2)][: len(commands[:-1]) or 1]
    model = FlowModel(CASH)
    Backtest(model, lambda desk: First(desk, None), Notes()).run(past_of(*commands, *gone))
    open_orders = model.ground.engine.state.accounts[1].orders.values()
    assert [one.yes_price for one in open_orders] == [4_000]


class Otherwise(Strategy):
    """Sends two orders in its first turn, and cancels the first of them in its second."""

    def on_start(self) -> None:
        """Have sent nothing."""
        self.sent: list[int] = []

    def on_turn(self, command: Command) -> None:
        """Do otherwise."""
        if self.sent:
            self.desk.cancel(self.sent[0])
        else:
            self.sent = [self.desk.bid("rain", price, 100) for price in (3_000, 3_100)]


def test_an_order_of_its_own_is_cancelled_by_its_own_number() -> None:
    model = FlowModel(0, account=1)
    run = Backtest(model, lambda desk: Otherwise(desk, None), Notes())
    run.run(past_of(order(4_000), order(4_100)))
    assert [one.price for one in run.desk.open_orders("rain").values()] == [3_100]


def test_what_a_timer_ends_is_heard_of_when_it_ended() -> None:
    ends = OrderConditions(expires_at=2_500_000)
    bid = PlaceOrder(1, 1, BUY, YES, LIMIT, 4_000, 100, GTD, conditions=ends)
    past = past_of(bid)
    engine = Engine(State())
    for execution in past:
        engine.execute(execution.at, execution.command)
    past += engine.run(3_000_000, [])
    assert isinstance(past[-1].command, ExpireOrder)
    heard: list[tuple[int, int | None]] = []

    class Hears(First):
        def on_book(self, book: Book) -> None:
            heard.append((book.at, book.best_bid))

    Backtest(FlowModel(CASH), lambda desk: Hears(desk, None), Notes()).run(past)
    assert heard == [(1_000_000, 4_000), (3_000_000, None)]


def test_what_its_own_order_reaches_is_triggered_at_once() -> None:
    stop = PlaceOrder(
        *(2, 1, BUY, YES, STOP_LIMIT, 5_100, 100, GTC),
        conditions=OrderConditions(trigger_price=5_000),
    )
    asks = [PlaceOrder(1, 1, BUY, NO, LIMIT, price, 100, GTC) for price in (5_000, 4_900)]
    past = past_of(OpenAccount(2, 10**11), *asks, stop)
    engine = Engine(State())
    for execution in past:
        engine.execute(execution.at, execution.command)
    past += engine.run(60_000_000, [order(1_000)])
    heard: list[tuple[int, int]] = []

    class Reaches(Strategy):
        def on_listed(self, terms: Terms) -> None:
            self.desk.wake(5_000_000)

        def on_timer(self, at: int) -> None:
            self.desk.bid("rain", 5_000, 100)

        def on_trade(self, trade: Trade) -> None:
            heard.append((trade.at, trade.price))

    Backtest(FlowModel(CASH), lambda desk: Reaches(desk, None), Notes()).run(past)
    assert heard == [(5_000_000, 5_000), (5_000_000, 5_100)]


def test_ids_of_orders_that_are_over_are_forgotten() -> None:
    flow: list[Command] = [
        one for n in range(3_000) for one in (order(4_000), CancelOrder(1, n + 1))
    ]
    model = FlowModel(CASH)
    Backtest(model, lambda desk: First(desk, None), Notes()).run(past_of(*flow))
    assert model.ground.engine.state.accounts[1].orders == {}
    assert len(model._orders) < 1_100


def test_nothing_of_what_it_did_depends_on_what_came_later() -> None:
    past, _ = trading(7)
    cut = len(past) // 2
    now = past[cut - 1].at
    setup = Setup(latency_us=10_000)
    given = {"half_spread": 100}
    whole = backtest(MarketMaker, given, FlowModel(CASH), past, setup).executions
    part = backtest(MarketMaker, given, FlowModel(CASH), past[:cut], setup).executions
    assert [one for one in whole if one.at <= now] == [one for one in part if one.at <= now]
    assert len(part) > 20


def test_what_everybody_hears_is_what_happened() -> None:
    past, _ = trading(3, 500)
    model = FlowModel(0)
    told: list[TapeEvent] = []
    for execution in past:
        model.take(execution)
        told += model.told()
    kinds = [type(one).__name__ for one in told]
    trades = sum(isinstance(event, TradeExecuted) for one in past for event in one.events)
    assert kinds.count("Printed") == trades > 50
    assert kinds[0] == "Listed"
    assert kinds[-1] == "Ended"
    assert kinds.count("Seen") > 100
    assert all(one.at <= other.at for one, other in pairwise(told))
