"""The three steps by which every domain moves money outside the book (DESIGN 10).

    1. the intent, PENDING, stored with the domain's own row in one transaction
    2. its command, sent to the engine
    3. the answer, stored on the intent: DONE or REFUSED; what the domain notes goes with it

Laws: nothing is sent that isn't stored, and what is stored is sent again under the same id until
there is an answer, so a crash anywhere between is healed by the sweep (`finish_left`): the engine
answers a repeat with its first answer. Whoever isn't told the outcome is told that it is unknown,
and the intent stays PENDING. What the engine for certain never took is taken back whole, by whoever
stored it and if nobody else has begun to send it, unless the domain wants it done whatever happens.
A process without an engine intends nothing. Every answer goes to the audit log, by numbers alone.
"""

import asyncio
import enum
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from exchange.messages.events import CommandRejected
from exchange.messages.reasons import Reason
from exchange.messages.units import format_money
from gateway.engine_side.audited import OK
from gateway.engine_side.refusals import EngineRefused
from gateway.jobs.supervisor import CheckIn
from gateway.wire.errors import ReadsOnly, UnknownOutcome
from persistence.clock import now_us
from persistence.errors import CommandNotTaken, OutcomeUnknown
from persistence.loop.ports import Answer, CommandPort
from persistence.postgres.database import OUTAGES, DeadlinePool, absence_waited_for, is_absence
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.economy.intents import Intent, Intents, Outcome

INTERVAL_SECONDS: Final = 2.0
SHORT_PAUSE_SECONDS: Final = 0.05
"""The sweep's pause where there is more to do."""
AT_ONCE: Final = 50
"""Intents that a round of the sweep takes."""
UNDER_WAY_MAX: Final = 4
"""Of those, how many are under way together, each with a connection of the pool at most."""
_SWEEP: Final = "economy"
"""What stands for a request where none was."""


class Kind(enum.StrEnum):
    """What moves money outside the book; closed, and appended to."""

    BET = "BET"
    SALE = "SALE"
    REWARD = "REWARD"
    REFERRAL = "REFERRAL"
    PURCHASE = "PURCHASE"
    STOCK = "STOCK"
    LIQUIDATION = "LIQUIDATION"


class Point(enum.StrEnum):
    """Where a process may die: one before and one after each step."""

    BEFORE_INTENT = "before-intent"
    AFTER_INTENT = "after-intent"
    BEFORE_COMMAND = "before-command"
    AFTER_COMMAND = "after-command"
    BEFORE_ANSWER = "before-answer"
    AFTER_ANSWER = "after-answer"


Write = Callable[[Any], Awaitable[Intent]]
"""Writes the domain's row and its intent (`Intents.add`) in the transaction that it is handed."""
Note = Callable[[Any, Intent, Answer], Awaitable[None]]
"""Notes an answer on the domain's row, in the transaction that stores it."""


class Movements:
    """The steps, and the sweep (`run`) of the engine's process."""

    NAME: Final = "economy"

    def __init__(
        self,
        pool: DeadlinePool,
        commands: CommandPort,
        audit: AuditLog,
        notes: Mapping[Kind, Note] | None = None,
        *,
        takes_commands: bool = True,
    ) -> None:
        """Store by `pool`, send to `commands`; `notes` are what domains do with an answer.

        Without `takes_commands` the engine is in another process.
        """
        self._pool = pool
        self._rows = Intents(pool)
        self._commands = commands
        self._audit = audit
        self._notes = notes or {}
        self._takes_commands = takes_commands

    def require_engine(self) -> None:
        """Raise ReadsOnly in a process without an engine, which intends nothing."""
        if not self._takes_commands:
            raise ReadsOnly

    async def begin(self, kind: Kind, write: Write) -> Intent:
        """Do the first step: store what `write` writes; raises whatever it raises.

        Raises ReadsOnly in a process without an engine, whose intents nobody here could send;
        UnknownOutcome if it may be stored, and so seen through by the sweep.
        """
        self.require_engine()
        self.reached(Point.BEFORE_INTENT, kind)
        intent = None
        try:
            async with self._pool.transaction() as connection:
                intent = await write(connection)
        except OUTAGES as error:
            if intent is None:
                raise
            raise UnknownOutcome from error
        self.reached(Point.AFTER_INTENT, kind)
        return intent

    async def by_id(self, intent_id: int) -> Intent | None:
        """Return an intent as it stands."""
        return await self._rows.by_id(intent_id)

    async def carry_out(
        self,
        intent: Intent,
        *,
        request_id: str,
        is_first: bool,
        withdraws: bool = True,
        actor_id: int | None = None,
    ) -> tuple[Intent, bool]:
        """Do the other steps; return the intent as it stands, and whether it was done before.

        `is_first` says that the caller stored it (`begin`) and sends it for the first time. Without
        `withdraws` what the engine couldn't take stays, and the sweep sees it through. `actor_id`
        is who the audit log says did it, unset: the account of the intent.

        Raises:
            EngineRefused: the engine refused it, for good under this id.
            CommandNotTaken: nothing happened, nor will.
            UnknownOutcome: it may have happened, or will yet.
        """
        if not is_first and intent.status == "PENDING":
            intent = await self._taken_over(intent.id)
        if intent.status == "PENDING":
            try:
                actor_id = intent.account_id if actor_id is None else actor_id
                intent, is_repeat = await self._send(intent, actor_id, request_id)
            except CommandNotTaken:
                if is_first and withdraws and await self._is_withdrawn(intent):
                    raise
                raise UnknownOutcome from None
            except (OutcomeUnknown, *OUTAGES) as error:
                raise UnknownOutcome from error
        else:
            is_repeat = True
        if intent.status == "REFUSED":
            raise refusal_of(intent)
        return intent, is_repeat

    async def _taken_over(self, intent_id: int) -> Intent:
        """Take over what somebody else stored; return it as it stands."""
        try:
            taken = await self._rows.take_over(intent_id, now_us())
            there = taken or await self._rows.by_id(intent_id)
        except OUTAGES as error:
            raise UnknownOutcome from error
        if there is None:
            raise CommandNotTaken("whoever stored the intent took it back")
        return there

    async def _is_withdrawn(self, intent: Intent) -> bool:
        try:
            return await self._rows.withdraw(intent.id)
        except OUTAGES:
            return False

    async def _send(
        self, intent: Intent, actor_id: int | None, request_id: str
    ) -> tuple[Intent, bool]:
        """Send an intent's command and store its answer."""
        kind = Kind(intent.kind)
        self.reached(Point.BEFORE_COMMAND, kind)
        answer = await self._commands.submit(intent.command)
        self.reached(Point.AFTER_COMMAND, kind)
        self.reached(Point.BEFORE_ANSWER, kind)
        finished = await self._store(intent, answer)
        self.reached(Point.AFTER_ANSWER, kind)
        if finished is None:
            # Somebody else sent it as well, and was quicker to store the same answer.
            there = await self._rows.by_id(intent.id)
            return intent if there is None else there, True
        what = f"user:{intent.account_id} {format_money(intent.amount)} {intent.system_id}"
        action = f"economy.{kind.lower()}"
        trail = AuditTrail(self._audit, request_id)
        await trail.note(actor_id, action, what, finished.reason or OK)
        return finished, answer.replayed

    async def _store(self, intent: Intent, answer: Answer) -> Intent | None:
        first = answer.events[0]
        outcome = Outcome(answer.at, answer.seq, answer.available, answer.locked)
        if type(first) is CommandRejected:
            outcome = msgspec.structs.replace(
                outcome, reason=first.reason.name, message=first.message
            )
        async with self._pool.transaction() as connection:
            finished = await self._rows.finish(connection, intent.id, outcome)
            note = self._notes.get(Kind(intent.kind))
            if finished is not None and note is not None:
                await note(connection, finished, answer)
        return finished

    async def finish_left(self) -> int:
        """Send again what has no answer yet, and return how many those were."""
        left = await self._rows.claim(now_us(), AT_ONCE)
        room = asyncio.Semaphore(UNDER_WAY_MAX)

        async def send(intent: Intent) -> None:
            async with room:
                await self._send(intent, None, _SWEEP)

        sending = [send(intent) for intent in left]
        for done in await asyncio.gather(*sending, return_exceptions=True):
            if isinstance(done, CommandNotTaken | OutcomeUnknown):
                continue  # it is sent again
            if isinstance(done, BaseException) and not is_absence(done):
                raise done
        return len(left)

    async def run(self, check_in: CheckIn) -> None:
        """Finish what is left, again and again, until cancelled."""
        while True:
            found = 0
            with absence_waited_for():
                if self._commands.is_open:
                    found = await self.finish_left()
                check_in()
            await asyncio.sleep(pause_after(found))

    def reached(self, point: Point, kind: Kind) -> None:
        """Go on; tests of crashes end the process here."""


def pause_after(found: int) -> float:
    """Return for how long (s) the sweep rests after a round that found so many."""
    return SHORT_PAUSE_SECONDS if found == AT_ONCE else INTERVAL_SECONDS


def refusal_of(intent: Intent) -> EngineRefused:
    """Return the answer for an intent that the engine refused."""
    return EngineRefused(Reason[intent.reason or ""], intent.message or "")
