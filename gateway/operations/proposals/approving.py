"""Proposing, approving, carrying out, and finishing what a process that died had begun.

Laws: nobody approves what they proposed, by whichever session; of two who decide at once one is
told that it was decided. What was approved is carried out exactly once: it is stored as APPROVED
before anything happens, carried out by whoever holds the claim, and noted as DONE or REFUSED after.
A process that dies in between leaves it APPROVED, which the watch of the engine's process takes
over. That nothing happened for certain puts it back to OPEN. Both names are in the audit log.
"""

import contextlib
import secrets
from typing import Final

from exchange.model.state import State
from gateway.access.principals import Actor
from gateway.accounts.roles import Roles
from gateway.engine_side.audited import OK, AuditedCommands
from gateway.engine_side.refusals import EngineRefused
from gateway.jobs.looking import look_again
from gateway.jobs.supervisor import CheckIn
from gateway.operations.proposals.deeds import Action, Deeds, audit_target
from gateway.operations.proposals.settings import ProposalSettings
from gateway.wire.errors import (
    ApiError,
    Conflict,
    Forbidden,
    LimitReached,
    NotFound,
    UnknownOutcome,
)
from persistence.clock import MICROSECONDS, now_us
from persistence.errors import BoundReached, CommandNotTaken, OutcomeUnknown
from persistence.postgres.database import OUTAGES
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.proposals import FINISH, NewProposal, Proposal, Proposals

OPEN_MAX: Final = 100
"""Proposals that wait for a second admin at the same time."""
INTERVAL_SECONDS: Final = 5.0
_AT_ONCE: Final = 10
_WATCH: Final = "proposals"
"""What stands for a request where none was."""
_ASK: Final = "Whether it was done is not known yet; GET /admin/proposals/{} will say"


class Approving:
    """The service, and the watch (`run`) of the engine's process."""

    NAME: Final = "proposals"

    def __init__(
        self,
        rows: Proposals,
        deeds: Deeds,
        commands: AuditedCommands,
        roles: Roles,
        audit: AuditLog,
        view: State,
        settings: ProposalSettings,
    ) -> None:
        self._rows = rows
        self._deeds = deeds
        self._commands = commands
        self._roles = roles
        self._audit = audit
        self._view = view
        self._expires_us = settings.expires_in * MICROSECONDS

    async def propose(
        self,
        actor: Actor,
        action: Action,
        target: str | None,
        body: bytes,
        reason: str,
        client_id: str | None,
    ) -> Proposal:
        """Store a proposal; a repeat under its client's id gets the first one.

        Raises ValidationFailed and EngineRefused for what can't be, Conflict for another one under
        that id, LimitReached.
        """
        number = self._deeds.check(action, target, body)
        now = now_us()
        new = NewProposal(
            actor.user_id,
            client_id,
            action.value,
            number,
            body.decode(),
            reason,
            f"proposal-{secrets.token_hex(16)}",
            now,
            now + self._expires_us,
        )
        try:
            proposal, is_repeat = await self._rows.add(new, OPEN_MAX)
        except BoundReached:
            raise LimitReached.of("proposals", OPEN_MAX) from None
        if is_repeat:
            if _content(proposal) != (new.action, new.target, new.body, new.reason):
                raise Conflict("requestId: another proposal has it")
            return proposal
        await self._note(actor, "proposal.create", proposal, OK)
        return proposal

    async def approve(self, actor: Actor, proposal_id: int) -> Proposal:
        """Approve a proposal, carry it out, and return what came of it.

        Raises NotFound, Forbidden for one's own, Conflict for what isn't open any more,
        UnknownOutcome where it is not known whether it was done.
        """
        now = now_us()
        proposal, is_approved = await self._rows.approve(
            proposal_id, actor.user_id, now, self._view.seq
        )
        if proposal is None:
            raise NotFound("There is no such proposal")
        if not is_approved:
            refusal = _not_approved(proposal, actor)
            outcome = "own" if proposal.status == "OPEN" else proposal.status.lower()
            await self._note(actor, "proposal.approve", proposal, outcome)
            raise refusal
        await self._note(actor, "proposal.approve", proposal, OK)
        return await self._carry_out(actor, proposal)

    async def reject(self, actor: Actor, proposal_id: int, reason: str) -> Proposal:
        """Reject a proposal, or take one's own back; raises NotFound, Conflict."""
        proposal, is_rejected = await self._rows.reject(
            proposal_id, actor.user_id, now_us(), reason
        )
        if proposal is None:
            raise NotFound("There is no such proposal")
        outcome = OK if is_rejected else proposal.status.lower()
        await self._note(actor, "proposal.reject", proposal, outcome)
        if not is_rejected:
            raise _decided(proposal)
        return proposal

    async def _carry_out(
        self, actor: Actor, proposal: Proposal, *, is_first: bool = True
    ) -> Proposal:
        """Do what was approved; the claim is ours, `is_first` if nobody's was before."""
        status, outcome = "DONE", OK
        try:
            if proposal.action == Action.ROLE:
                await self._give_role(actor, proposal)
            else:
                target, command = self._deeds.command(proposal)
                await self._commands.run(actor, proposal.action, target, command)
        except EngineRefused as refusal:
            status, outcome = "REFUSED", refusal.reason.name
        except CommandNotTaken:
            if is_first:
                await self._rows.reopen(proposal.id)
            raise
        except (UnknownOutcome, OutcomeUnknown, *OUTAGES) as error:
            raise UnknownOutcome(_ASK.format(proposal.id)) from error
        except ApiError as refusal:
            status, outcome = "REFUSED", refusal.message
        try:
            await self._rows.finish(proposal.id, status, outcome)
            return await self._told(proposal.id)
        except OUTAGES as error:
            raise UnknownOutcome(_ASK.format(proposal.id)) from error

    async def _give_role(self, actor: Actor, proposal: Proposal) -> None:
        # The proposal is DONE in the transaction that changes the role.
        await self._roles.set_role(
            actor,
            int(proposal.target),
            self._deeds.role(proposal),
            note=f" proposal:{proposal.id} of user:{proposal.proposer_id}",
            done=(FINISH, proposal.id, "DONE", OK),
        )

    async def _told(self, proposal_id: int) -> Proposal:
        found = await self._rows.by_id(proposal_id, now_us())
        if found is None:
            raise NotFound("There is no such proposal")
        return found

    async def _note(self, actor: Actor, action: str, proposal: Proposal, outcome: str) -> None:
        what = f"proposal:{proposal.id} of user:{proposal.proposer_id} {proposal.action}"
        target = f"{what} {audit_target(proposal).partition(' ')[0]}"
        await AuditTrail(self._audit, actor.request_id).note(actor.user_id, action, target, outcome)

    async def finish_left(self) -> int:
        """Carry out what was approved and nobody finishes any more; return how many those were."""
        left = await self._rows.claim(now_us(), _AT_ONCE)
        for proposal in left:
            actor = Actor(proposal.decided_by or proposal.proposer_id, _WATCH)
            if await self._deeds.is_done(proposal):
                await self._note(actor, "proposal.finish", proposal, "done before")
                await self._rows.finish(proposal.id, "DONE", OK)
                continue
            with contextlib.suppress(UnknownOutcome, CommandNotTaken):
                await self._carry_out(actor, proposal, is_first=False)
        return len(left)

    async def run(self, check_in: CheckIn) -> None:
        """Finish what is left, again and again, until cancelled."""
        await look_again(self.finish_left, check_in, pause_s=INTERVAL_SECONDS)


def _content(proposal: Proposal) -> tuple[str, str, str, str]:
    return proposal.action, proposal.target, proposal.body, proposal.reason


def _not_approved(proposal: Proposal, actor: Actor) -> ApiError:
    if proposal.status != "OPEN":
        return _decided(proposal)
    if proposal.proposer_id == actor.user_id:
        return Forbidden("Another admin has to approve what you proposed")
    return Forbidden()


def _decided(proposal: Proposal) -> Conflict:
    why = {
        "EXPIRED": "its time is over",
        "LAPSED": "whoever proposed it is no admin any more",
    }.get(proposal.status, f"it is {proposal.status}")
    return Conflict(f"The proposal isn't open: {why}")
