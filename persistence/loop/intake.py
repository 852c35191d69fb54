"""Commands on their way from the queue to the rules: those that may run, and behind them a chunk
whose forgotten client ids are being looked up meanwhile.

Laws: commands run in the order in which they left the queue, but cancels and admins pass what
waits here of *other* accounts, look-ups included (RULEBOOK 8); an id that may have been used before
(`client_ids.known_ids`) and that memory may have forgotten when its command runs is asked of the
store first, one query a chunk (`exchange.model.idempotency`); a store that can't be asked refuses
that chunk and nothing else; by what right a command was sent is asked again when it is taken
(`authority`). Nothing here is stamped yet.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

import asyncpg

from exchange.messages.bounds import BATCH_COMMANDS
from exchange.messages.command_bases import NO_ACCOUNT, Prior
from exchange.messages.commands import PlaceOrder, operations_of
from exchange.model.idempotency import Key, keys_of, with_priors
from exchange.model.state import State
from persistence.loop.client_ids.known_ids import KnownIds
from persistence.loop.command_queue import CommandQueue, Waiting, standing
from persistence.loop.first_answers import find_priors, refuse_untaken
from persistence.postgres.database import OUTAGES, Fetching

CHUNK_COMMANDS: Final = 512
HURRY_S: Final = 1.0
"""For so long after a cancel another one is expected."""
_MOST_BETWEEN: Final = BATCH_COMMANDS - CHUNK_COMMANDS
"""So many commands may run between the look at the memory and the taking of what was looked for."""


class Intake:
    """What left the queue and hasn't run."""

    def __init__(
        self,
        queue: CommandQueue,
        store: Fetching,
        known: KnownIds,
        wake: Callable[[object], None],
    ) -> None:
        """Take from `queue`, ask `store` for the ids that `known` doesn't call new, and call `wake`
        whenever a look-up is done.
        """
        self._queue = queue
        self._store = store
        self._known = known
        self._wake = wake
        self._ready: list[Waiting] = []
        self._ready_since = 0
        """The sequence at which the memory was looked at for them."""
        self._passed = 0
        """How many of them passed others here; they are the first."""
        self._taken = 0, 0
        """How many were taken last, and how many had passed others before that."""
        self._behind: list[Waiting] = []
        self._behind_since = 0
        self._look_up: asyncio.Task[Mapping[Key, Prior]] | None = None
        """What the store knows of those that are behind; it answers nobody by itself."""
        self._asked_at = 0.0
        self._hurried_until = 0.0

    def __len__(self) -> int:
        """Return how many may run now."""
        return len(self._ready)

    @property
    def asked_at(self) -> float | None:
        """When the store was asked what it hasn't answered yet, on the monotonic clock."""
        look_up = self._look_up
        return None if look_up is None or look_up.done() else self._asked_at

    @property
    def is_hurried(self) -> bool:
        """Whether cancels have come within `HURRY_S`."""
        return time.monotonic() < self._hurried_until

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits here."""
        return not (self._ready or self._behind)

    def fill(self, state: State) -> bool:
        """Take the next chunk from the queue if none is behind, and let run what may; False if
        nothing was taken.
        """
        self._advance()
        has_passed = self._let_pass(state.seq)
        if self._behind or not len(self._queue):
            return has_passed
        chunk = self._queue.take(CHUNK_COMMANDS)
        recent, seq = state.recent_ids, state.seq
        doubtful = self._known.may_be_used(_keys(chunk))
        self._ask(chunk, [key for key in doubtful if not recent.remembers(key, seq)], seq)
        self._advance()
        return True

    def take(self, count: int, seq: int) -> list[Waiting]:
        """Remove and return what runs next, at most `count` (a batch counts as its operations, and
        is taken whole); `seq` is the last command's. What was sent by a right that has ended is
        refused instead.

        Nothing, if thousands of markets closed since the memory was looked at: then the store is
        asked for every id that waits here. (What ran less than a batch ago isn't in the store yet;
        memory has it, unless RECENT_IDS markets close at once.)
        """
        if self._ready and seq - self._ready_since > _MOST_BETWEEN:
            if self._look_up is not None:
                self._look_up.cancel()
            waiting, self._ready, self._passed = self._ready + self._behind, [], 0
            self._ask(waiting, _keys(waiting), seq)
            self._advance()
            return []
        self._let_pass(seq)
        ready = self._ready
        part = _first_part(ready, count)
        self._ready = ready[part:]
        self._taken = part, self._passed
        self._passed = max(0, self._passed - part)
        return standing(ready[:part])

    def give_back(self, waiting: list[Waiting]) -> None:
        """Put back in front what the last `take` removed and hasn't run."""
        self._ready = waiting + self._ready
        count, passed = self._taken
        self._passed = max(0, passed - (count - len(waiting)))

    def abandon(self) -> list[Waiting]:
        """Give up what waits here and return it."""
        if self._look_up is not None:
            self._look_up.cancel()
        waiting = self._ready + self._behind
        self._ready, self._behind, self._look_up, self._passed = [], [], None, 0
        return waiting

    def _let_pass(self, seq: int) -> bool:
        """Put urgent commands of the queue before all that hasn't run; say whether there were any.

        O(what waits here), and only while one waits in the queue.
        """
        if not self._queue.has_urgent:
            return False
        barred = {waiting.command.account_id for waiting in self._ready[self._passed :]}
        barred.update([waiting.command.account_id for waiting in self._behind])
        passing = self._queue.take_urgent(barred, CHUNK_COMMANDS - self._passed)
        if any(waiting.command.account_id != NO_ACCOUNT for waiting in passing):
            self._hurried_until = time.monotonic() + HURRY_S
        if passing and not self._ready:
            self._ready_since = seq
        self._ready[self._passed : self._passed] = passing
        self._passed += len(passing)
        return bool(passing)

    def _advance(self) -> None:
        """Let what is behind run if nothing is before it and its ids are known."""
        if self._ready or (self._look_up is not None and not self._look_up.done()):
            return
        chunk, look_up = self._behind, self._look_up
        if look_up is not None:
            chunk = _with_priors(chunk, look_up)
        self._ready, self._ready_since = chunk, self._behind_since
        self._behind, self._look_up = [], None

    def _ask(self, chunk: list[Waiting], keys: list[Key], seq: int) -> None:
        """Put a chunk behind, and ask the store for its keys if there are any."""
        self._behind, self._behind_since, self._look_up = chunk, seq, None
        if keys:
            self._asked_at = time.monotonic()
            self._look_up = asyncio.create_task(find_priors(self._store, keys))
            self._look_up.add_done_callback(self._wake)


def _first_part(waiting: list[Waiting], count: int) -> int:
    """Return how many commands make up `count` operations, the last of them whole."""
    for number, item in enumerate(waiting):
        if count <= 0:
            return number
        count -= operations_of(item.command)
    return len(waiting)


def _with_priors(chunk: list[Waiting], look_up: asyncio.Task[Mapping[Key, Prior]]) -> list[Waiting]:
    """Return these commands with what the store knew of them; refuse them if it couldn't say."""
    try:
        priors = look_up.result()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, *OUTAGES) as error:
        # Nothing was stamped: the senders may ask again, and others need not suffer.
        for waiting in chunk:
            refuse_untaken(waiting.future, error)
        return []
    return [_with_prior(waiting, priors) for waiting in chunk] if priors else chunk


def _with_prior(waiting: Waiting, priors: Mapping[Key, Prior]) -> Waiting:
    command = with_priors(waiting.command, priors)
    if command is waiting.command:
        return waiting
    return Waiting(command, waiting.future, waiting.authority)


def _keys(chunk: list[Waiting]) -> list[Key]:
    """Return the client ids of these commands, each once."""
    keys: dict[Key, None] = {}
    for waiting in chunk:
        command = waiting.command
        if isinstance(command, PlaceOrder) and command.client_order_id is None:
            continue
        keys.update(dict.fromkeys(keys_of(command)))
    return list(keys)
