"""Commands that admins give: each leaves a line in the audit log, whatever comes of it.

The line is written after the outcome is known and before it is told; its outcome is "ok",
"replayed", the engine's reason, "unavailable" (never taken) or "unknown". Nothing is written of a
request that the edge refused as malformed, since nothing was tried. If the line can't be written
the admin is told 504, not that nothing happened: a repeat under the same `requestId` tells.
"""

from collections.abc import Sequence
from typing import Final

from exchange.messages.commands import Command, CreditAccount, DebitAccount, OpenAccount
from exchange.messages.events import Event
from exchange.model.state import State
from exchange.model.system_accounts import RESERVES, SYSTEM_ACCOUNTS
from exchange.rules.accounts.funding import credit_refusal
from gateway.access.principals import Actor
from gateway.engine_side.refusals import EngineRefused, accepted
from gateway.wire.errors import Forbidden, ProposalRequired, UnknownOutcome
from persistence.clock import now_us
from persistence.errors import CommandNotTaken
from persistence.loop.ports import Answer, CommandPort
from persistence.postgres.database import OUTAGES
from persistence.repositories.audit import AuditLog, AuditTrail

OK: Final = "ok"
REPLAYED: Final = "replayed"
UNAVAILABLE: Final = "unavailable"
UNKNOWN: Final = "unknown"


class AuditedCommands:
    """The engine's way in for admins."""

    def __init__(
        self, commands: CommandPort, view: State, log: AuditLog, *, two_persons: bool = False
    ) -> None:
        """Send `commands`; with `two_persons` some take a second admin."""
        self._commands = commands
        self._view = view
        self._log = log
        self._two_persons = two_persons

    def require_alone(self, action: str) -> None:
        """Raise ProposalRequired if one admin is not enough for what is dear."""
        if self._two_persons:
            raise ProposalRequired(
                f"This takes two admins: propose it by POST /admin/proposals, action {action}"
            )

    async def run(
        self, actor: Actor, action: str, target: str, command: Command
    ) -> tuple[Answer, Sequence[Event], bool]:
        """Run an admin's command; return its answer, its events, and whether it is told again.

        Raises EngineRefused, CommandNotTaken or OutcomeUnknown, audited like a success;
        UnknownOutcome when the line was lost; Forbidden for taking money out of a stock's reserve.
        """
        outcome = UNKNOWN
        if isinstance(command, DebitAccount) and command.account_id in RESERVES:
            raise Forbidden("What a reserve holds is for whoever has shares of its stock")
        try:
            if isinstance(command, CreditAccount) and self._opens(command):
                # Nobody signs in there, which opens people's accounts; again, it changes nothing.
                accepted(await self._commands.submit(OpenAccount(command.account_id, 0)))
            answer = await self._commands.submit(command)
            events, replayed = accepted(answer)
            outcome = REPLAYED if replayed else OK
        except EngineRefused as refusal:
            outcome = refusal.reason.name
            raise
        except CommandNotTaken:
            outcome = UNAVAILABLE
            raise
        finally:
            await self._audit(actor, action, target, outcome)
        return answer, events, replayed

    def _opens(self, command: CreditAccount) -> bool:
        """Say whether it is the first credit of an account of the exchange's own, which opens that
        unless it is refused.
        """
        if command.account_id not in SYSTEM_ACCOUNTS or command.account_id in self._view.accounts:
            return False
        return credit_refusal(self._view, command, now_us()) is None

    async def _audit(self, actor: Actor, action: str, target: str, outcome: str) -> None:
        trail = AuditTrail(self._log, actor.request_id)
        try:
            await trail.note(actor.user_id, action, target, outcome)
        except OUTAGES as outage:
            if outcome == UNAVAILABLE:
                raise
            raise UnknownOutcome from outage
