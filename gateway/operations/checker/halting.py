"""What the checker found wrong is halted: its market, or the exchange where it is no market's own.

Laws: it looks at how things are, so it may begin anywhere, again and again. As long as a finding is
open, what it is about stays halted: who opens it again acknowledges first. A market that trades no
more, or an exchange that takes nothing, is left as it is. It halts by the engine's own commands,
as an admin does, and each is a line of the audit log, unless that is what is broken; one that is
refused is tried on, and is one line. Nothing is opened here.
"""

import asyncio
import contextlib
from typing import Final

import asyncpg

from exchange.messages.commands import Command, SetExchangeMode, SetMarketStatus
from exchange.messages.events import CommandRejected
from exchange.messages.terms import ExchangeMode
from exchange.model.market import HALTED, OPEN, POST_ONLY
from exchange.model.state import State
from gateway.engine_side.audited import OK
from gateway.jobs.looking import look_again
from gateway.jobs.supervisor import CheckIn
from gateway.observability.logs import Logger
from persistence.clock import now_us
from persistence.errors import CommandNotTaken, OutcomeUnknown
from persistence.loop.ports import CommandPort
from persistence.postgres.database import is_absence
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.checks.findings import REQUEST, Findings, StoredFinding

INTERVAL_S: Final = 1.0
ACTION: Final = "check.halt"


class Halting:
    """Watches for findings, in the engine's process."""

    NAME: Final = "check-halts"

    def __init__(
        self,
        findings: Findings,
        commands: CommandPort,
        view: State,
        audit: AuditLog,
        logger: Logger,
    ) -> None:
        self._findings = findings
        self._commands = commands
        self._view = view
        self._audit = audit
        self._logger = logger
        self._told: dict[int, str] = {}
        """Of each open finding how its halt went last: told once, however often it is tried."""

    async def run(self, check_in: CheckIn) -> None:
        """Look until cancelled."""
        await look_again(self.look, check_in, pause_s=INTERVAL_S)

    async def look(self) -> None:
        """Halt what open findings are about."""
        if not self._commands.is_open:
            return
        found = await self._findings.open()
        for gone in self._told.keys() - {finding.id for finding in found}:
            del self._told[gone]
        for finding in found:
            if finding.halts:
                with contextlib.suppress(CommandNotTaken, OutcomeUnknown):
                    await self._halt(finding)

    async def _halt(self, finding: StoredFinding) -> None:
        command, target = self._command(finding)
        if command is not None:
            first = (await self._commands.submit(command)).events[0]
            outcome = first.reason.name if isinstance(first, CommandRejected) else OK
            if outcome == OK or self._told.get(finding.id) != outcome:
                self._logger.error(
                    "halted for what the checker found",
                    target=target,
                    check=finding.name,
                    finding=finding.id,
                    outcome=outcome,
                )
                await self._note(finding, target, outcome)
                self._told[finding.id] = outcome
            if outcome != OK:
                # Not at once again: a rest, as whoever refused it won't think otherwise.
                await asyncio.sleep(INTERVAL_S)
                return
        if not finding.halted_at:
            await self._findings.halted(finding.id, now_us())

    async def _note(self, finding: StoredFinding, target: str, outcome: str) -> None:
        told = f"{target} finding:{finding.id} {finding.name}"
        try:
            await AuditTrail(self._audit, REQUEST).note(None, ACTION, told, outcome)
        except asyncpg.PostgresError as error:
            if is_absence(error):
                raise
            # It is the audit log that is broken; what else was found is to be halted all the more.
            self._logger.exception("a halt isn't in the audit log", target=target, exc_info=error)

    def _command(self, finding: StoredFinding) -> tuple[Command | None, str]:
        """Return what halts it, None where nothing trades there; and what it halts."""
        market = self._view.markets.get(finding.market_id)
        if market is None:
            mode = self._view.mode
            halt = SetExchangeMode(ExchangeMode.HALTED)
            return None if mode is ExchangeMode.HALTED else halt, "exchange"
        target = f"market:{market.id}"
        if market.status in (OPEN, POST_ONLY):
            return SetMarketStatus(market.id, HALTED), target
        return None, target
