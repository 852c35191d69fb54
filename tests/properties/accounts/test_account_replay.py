"""One account from events alone is the engine's account, command by command, and so are the private
messages made of it; wherever it was put away as bytes and taken up again.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

import msgspec
import pytest

from exchange import engine
from exchange.messages.events import Event, TradeExecuted
from exchange.messages.execution import Execution
from exchange.model.accounts import Account
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.projections import account_replay
from exchange.projections.account_replay import AccountReplay
from exchange.projections.touches import WaitingOrders, by_account
from exchange.rules import settlement
from exchange.rules.groups import administering
from exchange.rules.limits import judging
from exchange.transitions import transitions
from gateway.observability.tallies import Tally
from gateway.sockets.rooms import Everybody, UserRooms
from gateway.streaming.announcer import Announcer
from gateway.streaming.resuming.past_messages import NamelessMarkets, messages_of
from gateway.streaming.rooms import Rooms
from tests.conftest import SetBound
from tests.gateway.streaming.test_account_sequence import MESSAGES
from tests.gateway.streaming.test_book_messages import Reader
from tests.lengths import length
from tests.properties.choosing import Dice
from tests.properties.market_day import MarketDay
from tests.properties.pair import Pair
from tests.properties.test_seeded_runs import GROUPS_MAX, OPEN_ORDERS_MAX, TRIGGERS_BETWEEN
from tests.properties.twin import Twin

SEED = int(os.environ.get("PROBITY_SEED", "20261135"))
EPOCH = 7
OF_THE_BOOK = {"key", "listed", "level", "previous", "next", "place", "resting"}
ORDER_FIELDS = [field.name for field in fields(Order) if field.name not in OF_THE_BOOK]


read_order = attrgetter(*ORDER_FIELDS)


def laid_out(account: Account) -> dict[str, Any]:
    """An account as it is, markets in which it never had anything left out."""
    return {
        "cash": (account.opened_seq, account.available, account.locked, account.seq),
        "orders": {order.id: read_order(order) for order in account.orders.values()},
        "positions": {
            market_id: (
                position.realised,
                *((h.free, h.locked, h.cost) for h in (position.yes, position.no)),
            )
            for market_id, position in account.positions.items()
        },
    }


class Following:
    """The committed view with an announcer, and every account replayed beside it."""

    def __init__(self, dice: Dice) -> None:
        self.view = State()
        self.replays: dict[int, AccountReplay] = {}
        self.waiting = WaitingOrders()
        self.kinds: Counter[str] = Counter()
        self.loads = 0
        self._dice = dice
        self._users = UserRooms[Reader]()
        self._readers: dict[int, Reader] = {}
        self._announcer = Announcer(Rooms(EPOCH), self._users, Everybody(), Tally())

    def take(self, execution: Execution) -> None:
        transitions.begin(self.view, execution.seq, execution.at)
        for event in execution.events:
            transitions.apply(self.view, event)
        for account in self.view.accounts.values():
            if account.id not in self._readers:
                self._readers[account.id] = reader = Reader()
                self._users.join(reader, account.id)
        self._announcer.on_execution(execution, self.view)
        touched = {account.id for account in self.view.dirty.accounts}
        parts = by_account(execution.events, self.waiting)
        assert touched <= parts.keys()
        for account_id in self.view.accounts:
            self._take_one(account_id, execution, parts.get(account_id, ()))
        assert self.waiting.owners == {
            order.id: order.account_id
            for market in self.view.markets.values()
            if market.waiting is not None
            for order in market.waiting.orders.values()
        }
        self.view.dirty.clear()

    def _take_one(self, account_id: int, execution: Execution, own: Sequence[Event]) -> None:
        replay = self.replays.setdefault(account_id, AccountReplay(account_id))
        if self._dice.number(0, 9) == 0:
            replay = self.replays[account_id] = AccountReplay.load(replay.dump())
            self.loads += 1
        # What concerns it is enough, and the rest of the command does no harm.
        events = own if self._dice.number(0, 1) else execution.events
        before = replay.account.seq
        touched = replay.take(execution.seq, execution.at, events)
        expected = self.view.accounts[account_id]
        assert laid_out(replay.account) == laid_out(expected)
        assert touched == (expected.seq != before)
        told = messages_of(replay, execution, EPOCH, _Named(self.view)) if touched else []
        live = self._readers[account_id].messages()
        assert [(one.event, in_json(one.data)) for one in told] == live
        self.kinds.update(name for name, _ in live)


class _Named(NamelessMarkets):
    """The stand-ins of replayed messages, with the names that the view knows."""

    def __init__(self, view: State) -> None:
        super().__init__()
        self._view = view

    def __missing__(self, market_id: int) -> Any:
        market = super().__missing__(market_id)
        market.slug = self._view.markets[market_id].slug
        return market


def in_json(data: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(data))


@pytest.mark.timeout(300)
def test_every_account_of_random_days_is_the_engines_and_is_told_the_same(
    set_bound: SetBound,
) -> None:
    set_bound(judging, "OPEN_ORDERS_PER_ACCOUNT", OPEN_ORDERS_MAX)
    set_bound(engine, "TRIGGERS_BETWEEN", TRIGGERS_BETWEEN)
    set_bound(settlement, "PAYOUT_HOLDERS", 1)
    set_bound(administering, "GROUPS_PER_ACCOUNT", GROUPS_MAX)
    kinds: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    loads = 0
    for seed in range(SEED, SEED + length(2, long=40)):
        print(f"seed {seed}")
        twin = Twin(
            open_orders_max=OPEN_ORDERS_MAX,
            payout_holders=1,
            triggers_between=TRIGGERS_BETWEEN,
            groups_max=GROUPS_MAX,
        )
        pair, dice = Pair(twin), Dice(seed)
        day, following = MarketDay(twin), Following(Dice(seed + 1))
        for _ in range(length(2_000, long=12_000)):
            command = day.any_command(dice)
            for execution in pair.run(day.next_time(dice), command, compare=False):
                following.take(execution)
                seen.update(type(event).__name__ for event in execution.events)
        kinds += following.kinds
        loads += following.loads
    print(f"{loads} loads; told {dict(kinds)}; events {dict(seen)}")
    assert kinds.keys() == MESSAGES
    assert {kind.__name__ for kind in account_replay._APPLY} - seen.keys() == set()
    assert seen[TradeExecuted.__name__] > 300
