"""Mirrors as the engine has them: made, halted, closed and resolved, as their rows say.

    MAKING, and nobody makes it       made
    its source has ended, or disputed HALTED: nothing trades on an end that isn't certain
    ENDED by an admin                 CLOSED
    decided                           resolved as its source was, and paid
    resolved, by whomever             noted

Laws: it looks at how things are, so it may begin anywhere, again and again; the engine refuses to
resolve a market twice. What fails at one mirror is said, and the others go on. What is done is a
line of the audit log; what is refused is tried again every `AGAIN_US`, and one line as long as the
reason is the same.
"""

import asyncio
import contextlib
import enum
from collections.abc import Callable
from typing import Final, NamedTuple

from exchange.messages.bounds import SOURCE_LENGTH
from exchange.messages.commands import Command, ResolveMarket, SetMarketStatus
from exchange.messages.events import CommandRejected
from exchange.messages.terms import Resolution
from exchange.model.market import CLOSED, DECIDED, HALTED, OPEN, POST_ONLY, Market
from exchange.model.state import State
from gateway.economy.mirrors.figures import MirrorMetrics
from gateway.economy.mirrors.judging import told
from gateway.economy.mirrors.making import Mirroring
from gateway.engine_side.audited import OK
from gateway.jobs.supervisor import CheckIn
from gateway.observability.logs import Logger
from gateway.wire.scalars import iso_millis
from persistence.clock import MICROSECONDS, now_us
from persistence.errors import CommandNotTaken, OutcomeUnknown
from persistence.loop.ports import CommandPort
from persistence.postgres.database import is_absence
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.economy.mirrors import Mirror, Mirrors, Said

INTERVAL_S: Final = 2.0
AGAIN_US: Final = 30 * MICROSECONDS
_SWEEP: Final = "mirrors"
"""What stands for a request where none was."""


class CarryingPoint(enum.StrEnum):
    """Where a process may die: one before and one after each step of a resolution."""

    BEFORE_RESOLVING = "before-resolving"
    AFTER_RESOLVING = "after-resolving"
    BEFORE_RESOLVED = "before-resolved"
    AFTER_RESOLVED = "after-resolved"


class _Refused(NamedTuple):
    """What the engine wouldn't do about a mirror."""

    action: str
    reason: str
    at: int


class Carrying:
    """Sees mirrors through, in the engine's process."""

    NAME: Final = "mirrors"

    def __init__(
        self,
        rows: Mirrors,
        mirroring: Mirroring,
        commands: CommandPort,
        view: State,
        audit: AuditLog,
        metrics: MirrorMetrics,
        logger: Logger,
        clock: Callable[[], int] = now_us,
    ) -> None:
        self._rows = rows
        self._mirroring = mirroring
        self._commands = commands
        self._view = view
        self._audit = audit
        self._metrics = metrics
        self._logger = logger
        self._clock = clock
        self._refused: dict[int, _Refused] = {}
        """By the mirror's id."""

    async def run(self, check_in: CheckIn) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                if self._commands.is_open:
                    await self._mirroring.finish_left()
                    await self.carry_all()
                check_in()
            except Exception as error:
                if not is_absence(error):
                    raise
            await asyncio.sleep(INTERVAL_S)

    async def carry_all(self) -> None:
        """Do what is to be done about each mirror."""
        standing = await self._rows.standing()
        ids = {mirror.id for mirror in standing}
        self._refused = {key: one for key, one in self._refused.items() if key in ids}
        for mirror in standing:
            market = self._view.markets.get(mirror.market_id or 0)
            if market is None:
                continue
            try:
                with contextlib.suppress(CommandNotTaken, OutcomeUnknown):
                    await self._carry(mirror, market)
            except Exception as error:
                if is_absence(error):
                    raise
                self._logger.exception(
                    "a mirror can't be carried on", mirror=mirror.id, exc_info=error
                )
        self._metrics.counted(await self._rows.counts())

    async def _carry(self, mirror: Mirror, market: Market) -> None:
        said = mirror.said
        if _is_decided(market):
            await self._note(mirror, market)
        elif mirror.decided_at is not None and said is not None and mirror.disputed is None:
            self.reached(CarryingPoint.BEFORE_RESOLVING)
            await self._run("mirror.resolve", mirror, market, _resolution(mirror, market, said))
            self.reached(CarryingPoint.AFTER_RESOLVING)
            if _is_decided(market):
                await self._note(mirror, market)
        elif mirror.status == "ENDED":
            if market.status in (OPEN, POST_ONLY, HALTED):
                await self._run("mirror.end", mirror, market, SetMarketStatus(market.id, CLOSED))
        elif (said is not None or mirror.disputed is not None) and market.status in (
            OPEN,
            POST_ONLY,
        ):
            await self._run("mirror.halt", mirror, market, SetMarketStatus(market.id, HALTED))

    async def _run(self, action: str, mirror: Mirror, market: Market, command: Command) -> None:
        """Send a command and note what came of it; nobody is asked, so a refusal is no failure."""
        before, now = self._refused.get(mirror.id), self._clock()
        if before is not None and before.action == action and now - before.at < AGAIN_US:
            return
        first = (await self._commands.submit(command)).events[0]
        outcome = OK
        if isinstance(first, CommandRejected):
            outcome = first.reason.name
            self._refused[mirror.id] = _Refused(action, outcome, now)
            if before is not None and (before.action, before.reason) == (action, outcome):
                return
        else:
            self._refused.pop(mirror.id, None)
        why = "disputed" if mirror.disputed is not None else _told(mirror.said)
        what = f"market:{market.id} {mirror.slug} {why}".rstrip()
        await AuditTrail(self._audit, _SWEEP).note(None, action, what, outcome)

    async def _note(self, mirror: Mirror, market: Market) -> None:
        resolution = market.resolution
        if resolution is None:
            raise TypeError("a market that is decided has no answer")
        self.reached(CarryingPoint.BEFORE_RESOLVED)
        at = market.resolved_at or self._clock()
        if await self._rows.resolved(mirror.id, resolution.value, at, self._clock()):
            self._metrics.resolved(resolution.value)
        self.reached(CarryingPoint.AFTER_RESOLVED)

    def reached(self, point: CarryingPoint) -> None:
        """Go on; tests of crashes end the process here."""


def _resolution(mirror: Mirror, market: Market, said: Said) -> ResolveMarket:
    """Return the command that ends a market as its source ended, and names it with its time."""
    at = said.at if said.source_at is None else said.source_at
    source = f"{mirror.source}: {_told(said)}, {iso_millis(at)}"[:SOURCE_LENGTH]
    return ResolveMarket(market.id, Resolution(said.outcome), said.payout, source, in_slices=True)


def _is_decided(market: Market) -> bool:
    return market.status in DECIDED


def _told(said: Said | None) -> str:
    return "" if said is None else told(said.outcome, said.payout)
