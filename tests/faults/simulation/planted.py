"""Bugs that the simulator has to find: each is put into the product for the length of a block.

Laws: a bug is planted by replacing one thing, in a test and nowhere else; it is of the kind that
every other test might miss, since nothing goes wrong as long as nothing fails. The fence stands in
SQL: what is replaced of it is what stands for that here.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final
from unittest import mock

from exchange.messages.events import Event, OrderCancelled
from exchange.messages.terms import CancelReason
from exchange.model.accounts import Account
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.state import State
from exchange.model.timers import DEAD_MAN, TimerKind, Timers
from exchange.rules import expiring
from exchange.transitions import order_transitions
from gateway.engine_side.progress import Progress
from persistence.loop.lead_watch import LeadWatch
from persistence.loop.open_batch import Batch
from persistence.loop.sequencer import Sequencer
from persistence.relay.commands.adding import Adding
from persistence.relay.commands.reader import CommandReader
from persistence.relay.follower import Follower
from persistence.relay.messages import FAILURES
from tests.faults.simulation.stored_tables import Tables

Planted = Callable[[], AbstractContextManager[object]]


def skip_the_fence() -> AbstractContextManager[object]:
    """The procedure writes whatever comes, as `commit_batch` would without its WHERE."""
    return mock.patch.object(Tables, "holds_the_fence", return_value=True)


def publish_before_commit() -> AbstractContextManager[object]:
    """A batch is made visible when it is sent to the database, and not when that has answered."""

    async def eager(self: Sequencer) -> None:
        while len(self._batch):
            batch, self._batch = self._batch, Batch()
            self._in_flight = batch
            sealed = batch.sealed or self._seal(batch)
            self._committed.append(batch)
            self._wakeup.set()
            await self._journal.write(sealed)
            self._note_commit(sealed)
            self._in_flight = None

    return mock.patch.object(Sequencer, "_commit_batches", eager)


def forget_escrow_on_expiry() -> AbstractContextManager[object]:
    """What an order had locked stays locked when its time has come."""

    def forgetful(
        state: State,
        account: Account,
        market: Market,
        order: Order,
        reason: CancelReason,
        events: list[Event],
    ) -> None:
        ended = OrderCancelled(order.key, account.key, market.key, order.side, reason, 0)
        events.append(ended)
        order_transitions.cancel_order(state, account, market, order, reason, 0)

    return mock.patch.object(expiring, "end_order", forgetful)


@contextmanager
def resend_a_stream_entry() -> Iterator[None]:
    """A writer sends what had no answer once more, and a reader takes whatever it is shown."""
    add = Adding.add

    async def stubborn(self: Adding, key: str, bodies: list[bytes]) -> list[bytes]:
        try:
            return await add(self, key, bodies)
        except FAILURES:
            return await add(self, key, bodies)

    with (
        mock.patch.object(Adding, "add", stubborn),
        mock.patch.object(CommandReader, "_is_next", return_value=True),
    ):
        yield


def drop_a_dead_man_deadline() -> AbstractContextManager[object]:
    """A switch that was set never fires."""
    following = Timers._next

    def without(self: Timers, kinds: tuple[TimerKind, ...]) -> int | None:
        return following(self, tuple(kind for kind in kinds if kind is not DEAD_MAN))

    return mock.patch.object(Timers, "_next", without)


def follow_whatever_comes() -> AbstractContextManager[object]:
    """A gateway applies rows without asking whether they follow on its view."""
    return mock.patch.object(Follower, "_fits", return_value=True)


def publish_in_doubt() -> AbstractContextManager[object]:
    """An engine that stood still publishes at once, and doesn't ask whether it still leads."""
    return mock.patch.object(LeadWatch, "is_sure", return_value=True)


@contextmanager
def read_without_waiting() -> Iterator[None]:
    """A read that asks for a command is answered by a view that hasn't got it yet."""

    async def at_once(_self: Progress, _seq: int) -> None:
        return

    with mock.patch.object(Progress, "reach", at_once):
        yield


BUGS: Final[dict[str, Planted]] = {
    bug.__name__: bug
    for bug in (
        skip_the_fence,
        publish_before_commit,
        forget_escrow_on_expiry,
        resend_a_stream_entry,
        drop_a_dead_man_deadline,
        follow_whatever_comes,
        publish_in_doubt,
        read_without_waiting,
    )
}
