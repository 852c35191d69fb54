"""The engine's side as sockets meet it: commands wait, a whole batch commits, then all is told.

The real rules and a real view, moved batch by batch a loop turn (or a commit's time) later; each
command is published as the sequencer does it: after its events were applied, before `dirty` is
cleared, and before anybody is answered. Nothing is written anywhere.
"""

import asyncio
import time

import msgspec

from exchange.engine import Engine
from exchange.messages.commands import Command
from exchange.messages.events import CommandReplayed
from exchange.messages.execution import Execution
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.proof.invariants import check
from exchange.transitions import transitions
from persistence.errors import OutcomeUnknown, QueueFull
from persistence.loop.ports import Answer, ExecutionListener


class CommitFake:
    """A CommandPort whose commits take `commit_seconds`, with the committed view beside it."""

    def __init__(self, *, commit_seconds: float = 0.0, queue_size: int = 10_000) -> None:
        self.is_open = True
        self.loses_answers = False
        self.commit_seconds = commit_seconds
        self.queue_size = queue_size
        self.view = State()
        self.listeners: list[ExecutionListener] = []
        self.commands: list[Command] = []
        self.executions: list[Execution] = []
        self._engine = Engine(State())
        self._waiting: list[tuple[Command, asyncio.Future[Answer]]] = []
        self._work: asyncio.Task[None] | None = None
        self._ended: dict[int, Order] = {}
        self._answers: dict[int, Answer] = {}

    def submit(self, command: Command) -> asyncio.Future[Answer]:
        if not self.is_open or len(self._waiting) >= self.queue_size:
            raise QueueFull
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((command, future))
        self.commands.append(command)
        if self._work is None:
            self._work = loop.create_task(self._commit_all())
        return future

    async def _commit_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            done = [self._engine.run(_now(), [command]) for command, _ in batch]
            self._engine.state.dirty.clear()
            await asyncio.sleep(self.commit_seconds)
            answers = [self._publish(executions) for executions in done]
            for (_, future), answer in zip(batch, answers, strict=True):
                if future.done():
                    continue
                if self.loses_answers:
                    future.set_exception(OutcomeUnknown())
                else:
                    future.set_result(answer)
        self._work = None

    def _publish(self, executions: list[Execution]) -> Answer:
        view = self.view
        for execution in executions:
            transitions.begin(view, execution.seq, execution.at)
            for event in execution.events:
                transitions.apply(view, event)
            self._ended |= {order.id: order for order in view.dirty.orders}
            for listener in self.listeners:
                listener.on_execution(execution, view)
            view.dirty.clear()
            self.executions.append(execution)
        last = executions[-1]
        first = last.events[0]
        if isinstance(first, CommandReplayed) and first.first_seq in self._answers:
            return msgspec.structs.replace(self._answers[first.first_seq], replayed=True)
        account = view.accounts.get(getattr(last.command, "account_id", 0))
        cash = (0, 0) if account is None else (account.available, account.locked)
        answer = self._answers[last.seq] = Answer(last.seq, last.at, last.events, *cash)
        return answer

    def run(self, *commands: Command) -> list[Answer]:
        """Run commands past the queue and publish them at once."""
        answers = []
        for command in commands:
            done = self._engine.run(_now(), [command])
            self._engine.state.dirty.clear()
            answers.append(self._publish(done))
        return answers

    async def order(self, order_id: int) -> Order | None:
        """Return an order from the past (`History`, as far as sockets read it)."""
        return self._ended.get(order_id)

    async def order_by_client_id(self, account_id: int, client_order_id: str) -> Order | None:
        """Return an order from the past by its sender's id."""
        for order in self._ended.values():
            if (order.account_id, order.client_order_id) == (account_id, client_order_id):
                return order
        return None

    def check(self) -> None:
        check(self._engine.state)
        check(self.view)


def _now() -> int:
    return time.time_ns() // 1_000
