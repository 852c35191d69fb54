"""A hypothesis state machine drives the engine and its naive twin through the same commands.

After every step: the same events, books, balances, positions, orders and sequences on both, every
invariant, and a ledger whose postings sum to zero.  At the end of every run: the events alone lead
to the same state, and the entries to its balances.
"""

from collections.abc import Sequence
from itertools import product
from typing import TypeVar

import pytest
from hypothesis import event, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import Command, CreateMarket, OpenAccount, PlaceOrder
from exchange.messages.terms import FeeModel, OrderType, Outcome, Side, TimeInForce
from tests.lengths import length
from tests.properties.day_orders import ACCOUNTS, MINUTE
from tests.properties.market_day import MarketDay
from tests.properties.outcomes import outcomes
from tests.properties.pair import Pair

T = TypeVar("T")
DATA = st.data()
OPENING = (
    (1, Outcome.YES, 5_000, 60),
    (2, Outcome.NO, 5_000, 60),
    (1, Outcome.YES, 4_900, 20),
    (2, Outcome.NO, 4_900, 20),
    (3, Outcome.YES, 4_900, 20),
)


class Drawn:
    """A chooser that lets hypothesis decide, and so shrink."""

    def __init__(self, data: st.DataObject) -> None:
        self._data = data

    def number(self, low: int, high: int) -> int:
        return self._data.draw(st.integers(low, high))

    def one_of(self, options: Sequence[T]) -> T:
        return self._data.draw(st.sampled_from(options))


class EngineAgainstTwin(RuleBasedStateMachine):
    """Each rule is one command; rules choose with bias, hypothesis chooses among rules."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()
        self.day = MarketDay(self.pair.twin)

    @initialize(
        model=st.sampled_from(FeeModel),
        maker_fee=st.sampled_from((0, 7, 1_000)),
        taker_fee=st.sampled_from((0, 35, 1_000)),
        tick_size=st.sampled_from((1, 10, 100)),
        cash=st.sampled_from((1, 20, 300)),
    )
    def open_the_day(
        self, model: FeeModel, maker_fee: int, taker_fee: int, tick_size: int, cash: int
    ) -> None:
        for account_id in ACCOUNTS[:3]:
            self.send(0, OpenAccount(account_id, cash * MONEY_SCALE))
        for number, (maker, taker) in enumerate(((maker_fee, taker_fee), (taker_fee, maker_fee))):
            self.send(
                0,
                CreateMarket(
                    *(f"opening-{number}", "Will it rain?", "", "", 99 * MINUTE, tick_size, 1),
                    *(maker, taker, model, False),
                ),
            )
        # Somebody holds YES, somebody NO, and both sides of the book are there.
        for market_id, (account_id, outcome, price, quantity) in product((1, 2), OPENING):
            limit = (OrderType.LIMIT, price, quantity, TimeInForce.GTC)
            self.send(0, PlaceOrder(account_id, market_id, Side.BUY, outcome, *limit))

    @rule(data=DATA)
    def place(self, data: st.DataObject) -> None:
        self.send_drawn(data, self.day.place(Drawn(data)))

    @rule(data=DATA)
    def place_another(self, data: st.DataObject) -> None:
        # Twice among the rules, because most of a market day is orders.
        self.send_drawn(data, self.day.place(Drawn(data)))

    @rule(data=DATA)
    def cancel(self, data: st.DataObject) -> None:
        self.send_drawn(data, self.day.cancel(Drawn(data)))

    @rule(data=DATA)
    def batch(self, data: st.DataObject) -> None:
        self.send_drawn(data, self.day.batch(Drawn(data)))

    @rule(data=DATA)
    def cancel_all(self, data: st.DataObject) -> None:
        self.send_drawn(data, self.day.cancel_all(Drawn(data)))

    @rule(data=DATA)
    def cross(self, data: st.DataObject) -> None:
        self.send_drawn(data, self.day.cross(Drawn(data)))

    @rule(data=DATA)
    def cross_another(self, data: st.DataObject) -> None:
        self.send_drawn(data, self.day.cross(Drawn(data)))

    @rule(data=DATA)
    def wait_for_a_price(self, data: st.DataObject) -> None:
        choose = Drawn(data)
        maker = choose.one_of((self.day.wait, self.day.pair, self.day.amend_waiting))
        self.send_drawn(data, maker(choose))

    @rule(data=DATA)
    def limit_a_group(self, data: st.DataObject) -> None:
        choose = Drawn(data)
        self.send_drawn(data, self.day.reset_triggered(choose) or self.day.group(choose))

    @rule(data=DATA)
    def run_the_exchange(self, data: st.DataObject) -> None:
        choose = Drawn(data)
        maker = choose.one_of((self.day.administer, self.day.create_market, self.day.open_account))
        self.send_drawn(data, maker(choose))

    @rule(data=DATA)
    def bind(self, data: st.DataObject) -> None:
        self.send_drawn(data, self.day.limit(Drawn(data)))

    @rule(data=DATA)
    def anything(self, data: st.DataObject) -> None:
        self.send_drawn(data, self.day.any_command(Drawn(data)))

    def send_drawn(self, data: st.DataObject, command: Command) -> None:
        choose = Drawn(data)
        self.send(self.day.next_time(choose), self.day.grouped(choose, command))

    def send(self, at: int, command: Command) -> None:
        note(f"{at}: {command}")
        for execution in self.pair.run(at, command):
            for outcome in outcomes(execution, self.pair.state):
                event(outcome)

    def teardown(self) -> None:
        self.pair.check_replay()


TestEngineAgainstTwin = pytest.mark.timeout(900)(EngineAgainstTwin.TestCase)
TestEngineAgainstTwin.settings = settings(max_examples=length(250, long=10_000))
