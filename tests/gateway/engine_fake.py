"""The engine's side without a database: the real rules, the real view, a history kept in lists.

A fast test double for everything above `CommandPort`. What it shares with the real one: a command
runs before `submit` returns, the view is moved before the answer is there, a repeat of a client's
id is answered with the first answer's events. What it can be told: to be full, to lose answers.
"""

import asyncio
from collections.abc import Sequence

import msgspec

from exchange.engine import Engine
from exchange.messages.commands import BatchOrders, Command
from exchange.messages.events import (
    CommandReplayed,
    FundsCredited,
    PositionSettled,
    TradeExecuted,
)
from exchange.messages.execution import Execution
from exchange.messages.operations import placing_of
from exchange.messages.terms import OrderStatus
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.proof.invariants import check
from exchange.proof.ledger import EntryKind, Owner, entries
from exchange.proof.state_hash import state_hash
from exchange.transitions import transitions
from persistence.errors import OutcomeUnknown, QueueFull
from persistence.loop.first_answers import Asked, repeats_in
from persistence.loop.ports import Answer, ExecutionListener
from persistence.repositories.history import (
    EntryPlace,
    PastEntry,
    PastFill,
    PastSettlement,
    PastTrade,
)
from persistence.repositories.order_life import Moment, concerns

START = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z, in microseconds."""
STEP = 1_000


class HistoryFake:
    """Everything that ever happened, in the order it did."""

    def __init__(self) -> None:
        self.placed: dict[int, Order] = {}
        self.executions: list[Execution] = []
        self.tape: list[PastTrade] = []
        self.entries: list[tuple[int, PastEntry]] = []
        self.cash: dict[int, tuple[int, int]] = {}
        self.sides: dict[tuple[int, int], TradeExecuted] = {}
        self.settled: list[tuple[int, PastSettlement]] = []

    def note(self, done: Execution, view: State) -> None:
        self.executions.append(done)
        self.placed |= {order.id: order for order in view.dirty.orders}
        for event in done.events:
            if isinstance(event, TradeExecuted):
                fields = {f: getattr(event, f) for f in PastTrade.__struct_fields__[:-1]}
                self.tape.append(PastTrade(**fields, at=done.at))
                self.sides[event.market_id, event.trade_no] = event
            if isinstance(event, PositionSettled):
                shares = (event.yes_quantity, event.no_quantity, event.payout)
                past = PastSettlement(done.seq, event.market_id, *shares, done.at)
                self.settled.append((event.account_id, past))
        reasons = [event.reason for event in done.events if isinstance(event, FundsCredited)]
        for number, entry in enumerate(entries(done.events)):
            if entry.owner is not Owner.ACCOUNT:
                continue
            before = self.cash.get(entry.owner_id, (0, 0))
            after = (before[0] + entry.available, before[1] + entry.locked)
            self.cash[entry.owner_id] = after
            kept = PastEntry(
                done.seq,
                number,
                done.at,
                entry.kind,
                entry.available,
                entry.locked,
                *after,
                entry.market_id,
                entry.order_id,
                entry.trade_no,
                reasons[0] if entry.kind is EntryKind.CREDIT else None,
            )
            self.entries.append((entry.owner_id, kept))

    async def order(self, order_id: int) -> Order | None:
        return self.placed.get(order_id)

    async def order_by_client_id(self, account_id: int, client_order_id: str) -> Order | None:
        for order in self.placed.values():
            if (order.account_id, order.client_order_id) == (account_id, client_order_id):
                return order
        return None

    async def orders(
        self,
        account_id: int,
        statuses: Sequence[OrderStatus],
        market_id: int | None,
        before: int | None,
        limit: int,
    ) -> list[Order]:
        found = [
            order
            for order in reversed(self.placed.values())
            if order.account_id == account_id
            and (not statuses or order.status in statuses)
            and market_id in (None, order.market_id)
            and (before is None or order.id < before)
        ]
        return found[:limit]

    async def order_life(
        self, order: Order, after: int, limit: int
    ) -> tuple[list[Moment], int | None]:
        moments = [
            Moment(done.seq, done.at, event)
            for done in self.executions
            for event in done.events
            if done.seq > after and concerns(event, order.id)
        ]
        seqs = list(dict.fromkeys(moment.seq for moment in moments))[:limit]
        part = [moment for moment in moments if moment.seq in seqs]
        return part, seqs[-1] if len(part) < len(moments) else None

    async def trades(self, market_id: int, before: int | None, limit: int) -> list[PastTrade]:
        found = [
            trade
            for trade in reversed(self.tape)
            if trade.market_id == market_id and (before is None or trade.trade_no < before)
        ]
        return found[:limit]

    async def trades_after(
        self, market_id: int, seq: int, after: int | None, limit: int
    ) -> list[PastTrade]:
        found = [
            trade
            for trade in self.tape
            if trade.market_id == market_id
            and trade.market_seq > seq
            and trade.trade_no > (after or 0)
        ]
        return found[:limit]

    async def price_history(
        self, market_id: int, start: int, end: int, step: int
    ) -> list[tuple[int, int]]:
        last = {
            trade.at // step * step: trade.yes_price
            for trade in self.tape
            if trade.market_id == market_id and start // step * step <= trade.at <= end
        }
        return list(last.items())

    async def ledger(
        self, account_id: int, before: EntryPlace | None, limit: int
    ) -> list[PastEntry]:
        found = [
            entry
            for owner_id, entry in reversed(self.entries)
            if owner_id == account_id and (before is None or (entry.seq, entry.entry_no) < before)
        ]
        return found[:limit]

    async def fills(
        self,
        account_id: int,
        market_id: int | None,
        order: Order | None,
        before: EntryPlace | None,
        limit: int,
    ) -> tuple[list[PastFill], EntryPlace | None]:
        trades = {(past.market_id, past.trade_no): past for past in self.tape}
        found = []
        for entry in await self.ledger(account_id, before, len(self.entries)):
            if entry.kind is not EntryKind.TRADE or market_id not in (None, entry.market_id):
                continue
            if order is not None and order.id != entry.order_id:
                continue
            side = self.sides[entry.market_id, entry.trade_no]
            is_taker = side.taker_order_id == entry.order_id
            fill = PastFill(
                **msgspec.structs.asdict(trades[entry.market_id, entry.trade_no]),
                order_id=entry.order_id,
                is_taker=is_taker,
                fee=side.taker_fee if is_taker else side.maker_fee,
                client_order_id=self.placed[entry.order_id].client_order_id,
                place=(entry.seq, entry.entry_no),
            )
            found.append(fill)
        return found[:limit], found[limit - 1].place if len(found) > limit else None

    async def settlements(
        self, account_id: int, market_id: int | None, before: int | None, limit: int
    ) -> list[PastSettlement]:
        found = [
            past
            for owner_id, past in reversed(self.settled)
            if owner_id == account_id
            and market_id in (None, past.market_id)
            and (before is None or past.seq < before)
        ]
        return found[:limit]


class EngineFake:
    """A CommandPort that runs the rules at once, with the committed view and history beside it."""

    def __init__(self) -> None:
        self.is_open = True
        self.loses_answers = False
        self.now = START
        self.view = State()
        self.history = HistoryFake()
        self.submitted: list[Command] = []
        self.listeners: list[ExecutionListener] = []
        self.live = State()
        self._engine = Engine(self.live)
        self._answers: dict[int, Answer] = {}
        self._batches: dict[int, BatchOrders] = {}

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        if not self.is_open:
            raise QueueFull
        self.submitted.append(command)
        answer = self.run(command)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        if self.loses_answers:
            future.set_exception(OutcomeUnknown())
        else:
            future.set_result(answer)
        return future

    def run(self, command: Command) -> Answer:
        """Run one command, and the timers due before it, and return what its sender is told."""
        self.now += STEP
        done = self._engine.run(self.now, [command])
        # Nothing else waits, so what the command reached is triggered at once.
        while self.live.due:
            done += self._engine.run_triggers(self.now, 100)
        self._engine.state.dirty.clear()
        for execution in done:
            transitions.begin(self.view, execution.seq, execution.at)
            for event in execution.events:
                transitions.apply(self.view, event)
            self.history.note(execution, self.view)
            for listener in self.listeners:
                listener.on_execution(execution, self.view)
            self.view.dirty.clear()
        asked = next(one for one in reversed(done) if one.command is command)
        return self._answer(asked, getattr(command, "account_id", 0))

    def _answer(self, done: Execution, account_id: int) -> Answer:
        first = done.events[0]
        if isinstance(first, CommandReplayed) and first.first_seq in self._answers:
            name = getattr(done.command, "client_order_id", None)
            return self._told_again(Asked(first.first_seq, account_id, name))
        account = self.view.accounts.get(account_id)
        cash = (0, 0) if account is None else (account.available, account.locked)
        answer = Answer(done.seq, done.at, done.events, *cash)
        self._answers[done.seq] = answer
        if isinstance(done.command, BatchOrders):
            self._batches[done.seq] = done.command
            asked = repeats_in(done.command, done.events)
            answer = msgspec.structs.replace(answer, repeats=tuple(map(self._told_again, asked)))
            self._answers[done.seq] = answer
        return answer

    def _told_again(self, asked: Asked) -> Answer:
        told = self._answers[asked.seq]
        events, batch = told.events, self._batches.get(asked.seq)
        if batch is not None and asked.client_order_id is not None:
            events = placing_of(batch, events, asked.client_order_id)
        return msgspec.structs.replace(told, events=events, replayed=True)

    def state_hash(self) -> bytes:
        """The hash of the committed view, less what every command moves: its seq and the time."""
        seq, now = self.view.seq, self.view.now
        self.view.seq = self.view.now = 0
        try:
            return state_hash(self.view, with_ids=False)
        finally:
            self.view.seq, self.view.now = seq, now

    def check(self) -> None:
        """Raise InvariantViolated if a law of the rulebook doesn't hold, live or in the view."""
        check(self._engine.state)
        check(self.view)
