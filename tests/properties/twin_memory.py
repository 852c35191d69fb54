"""What the twin remembers between commands, and what every kind of command does to it: locking,
ending orders, netting, counting messages (RULEBOOK 2, 5 and 8).
"""

from collections import defaultdict
from typing import Any

import msgspec

from exchange.messages.events import Event, OrderCancelled, PairsNetted
from exchange.messages.terms import CancelReason, ExchangeMode, OrderStatus, Outcome
from tests.properties.twin_records import ONE, TwinAccount, TwinHolding, TwinMarket, TwinOrder


class TwinMemory:
    """Everything the twin knows."""

    def __init__(
        self,
        *,
        open_orders_max: int = 10_000,
        issuance_max: int = 10**18,
        payout_holders: int = 500,
        triggers_between: int = 100,
        groups_max: int = 100,
    ) -> None:
        self.groups_max = groups_max
        self.open_orders_max = open_orders_max
        self.triggers_between = triggers_between
        self.issuance_max = issuance_max
        self.payout_holders = payout_holders
        self.seq = self.now = self.issued = self.fees = 0
        self.mode = ExchangeMode.OPEN
        self.post_only_until: int | None = None
        self.accounts: dict[int, TwinAccount] = {}
        self.markets: dict[int, TwinMarket] = {}
        self.groups: dict[tuple[int, str], Any] = {}
        """Order groups (`groups/twin_groups.py`) by account and name."""
        self.leases: dict[int, int] = {}
        """When a gateway's sessions end, by gateway."""
        self.orders: dict[int, TwinOrder] = {}
        self.ended: dict[int, TwinOrder] = {}
        """Orders that ended in the command at hand."""
        self.last_order_id = 0
        self.last_place = 0
        self.holdings: defaultdict[tuple[int, int, Outcome], TwinHolding]
        self.holdings = defaultdict(TwinHolding)
        self.realised: defaultdict[tuple[int, int], int] = defaultdict(int)
        self.ids: dict[tuple[int, str, str], tuple[int, Any]] = {}
        self.messages: dict[tuple[int, object], None] = {}
        """Private messages of the command at hand: (account, about what)."""
        self.passed: dict[int, list[Event]] = {}
        """By an order that ended in the command at hand: what then passed to its pair's other."""
        self.public: dict[int, None] = {}
        """Markets whose public state the command at hand changed."""
        self.to_net: dict[tuple[int, int], None] = {}
        """(account, market) whose shares the command at hand changed, in order."""
        self.in_batch = False
        """Whether there is more to come in the command at hand."""

    def begin(self, at: int) -> None:
        """Start a command."""
        self.seq += 1
        self.now = at
        self.messages, self.public, self.to_net, self.ended = {}, {}, {}, {}

    def finish(self) -> None:
        """Count the messages of a command, each account, order and holding once."""
        for account_id, _ in self.messages:
            self.accounts[account_id].seq += 1
        for market_id in self.public:
            self.markets[market_id].seq += 1

    def cash_changed(self, account_id: int) -> None:
        self.messages[account_id, "cash"] = None

    def shares_changed(self, account_id: int, market_id: int, outcome: Outcome) -> None:
        self.messages[account_id, (market_id, outcome)] = None

    def order_changed(self, order: TwinOrder) -> None:
        order.seq, order.updated_at = self.seq, self.now
        self.messages[order.account_id, order.id] = None

    def public_changed(self, market_id: int) -> None:
        self.public[market_id] = None

    def holding(self, account_id: int, market_id: int, outcome: Outcome) -> TwinHolding:
        return self.holdings[account_id, market_id, outcome]

    def lock(self, order: TwinOrder, amount: int) -> None:
        """Lock more (or, if negative, less) of what the order needs."""
        if amount == 0:
            return
        order.locked += amount
        if order.buys:
            account = self.accounts[order.account_id]
            account.available -= amount
            account.locked += amount
            self.cash_changed(order.account_id)
        else:
            holding = self.holding(order.account_id, order.market_id, order.outcome)
            holding.free -= amount
            holding.locked += amount
            self.shares_changed(order.account_id, order.market_id, order.outcome)

    def end(self, order: TwinOrder, reason: CancelReason) -> Event:
        """Cancel an open order and give back all it has locked."""
        if order.in_book:
            self.public_changed(order.market_id)
        unlocked = order.locked
        self.lock(order, -unlocked)
        if order.is_pending and order.is_due and order.conditions is not None:
            order.conditions = msgspec.structs.replace(order.conditions, due=False)
        by_time = reason is CancelReason.EXPIRED
        order.status = OrderStatus.EXPIRED if by_time else OrderStatus.CANCELLED
        order.cancel_reason = reason
        self.order_changed(order)
        self.forget(order)
        self.to_net[order.account_id, order.market_id] = None
        return OrderCancelled(
            order.id, order.account_id, order.market_id, order.side, reason, unlocked
        )

    def forget(self, order: TwinOrder) -> None:
        order.in_book = False
        self.ended[order.id] = self.orders.pop(order.id)

    def netting(self) -> list[Event]:
        """Turn free pairs into cash, for everybody whose shares the command touched."""
        events: list[Event] = []
        if self.in_batch:
            return events
        for account_id, market_id in self.to_net:
            yes = self.holding(account_id, market_id, Outcome.YES)
            no = self.holding(account_id, market_id, Outcome.NO)
            pairs = min(yes.free, no.free)
            if pairs == 0:
                continue
            costs = yes.remove_cost(pairs) + no.remove_cost(pairs)
            yes.free -= pairs
            no.free -= pairs
            self.accounts[account_id].available += ONE * pairs
            self.markets[market_id].collateral -= ONE * pairs
            self.realised[account_id, market_id] += ONE * pairs - costs
            self.cash_changed(account_id)
            self.shares_changed(account_id, market_id, Outcome.YES)
            self.shares_changed(account_id, market_id, Outcome.NO)
            events.append(PairsNetted(account_id, market_id, pairs))
        return events
