"""What can be proposed: each action with its body, which is that of the route that does it alone.

    market.resolve   of a market   {outcome, yesPayout?, source?}
    market.status    of a market   {status}
    exchange.mode    of nothing    {mode}
    user.credit      of a user     {amount, reason}
    user.debit       of a user     {amount, reason, validUntil?}
    user.role        of a user     {role}

Laws: a body is checked when it is proposed, as its route would check it, and made into a command
when it is carried out. Credits and debits carry the proposal's own id, which no client can know
before, so a second try does nothing; of the others `is_done` says whether a try before this one,
of which nobody heard the end, has done it.
"""

import enum
from typing import Any, Final, Protocol

import msgspec

from exchange.messages.commands import (
    Command,
    CreditAccount,
    DebitAccount,
    SetExchangeMode,
    SetMarketStatus,
)
from exchange.model.market import DECIDED
from exchange.model.state import State
from exchange.projections.lifecycle import LifeChange
from gateway.accounts.admin_routes import RoleBody
from gateway.markets.admin_routes import ResolutionBody, StatusBody, resolve_command
from gateway.markets.lookup import named_market
from gateway.operations.account_routes import CreditBody, DebitBody, credit_command, debit_command
from gateway.operations.admin_routes import ModeBody
from gateway.wire.errors import Detail, ValidationFailed
from gateway.wire.scalars import parse_id
from gateway.wire.strict_json import decode
from persistence.repositories.market_life import NUMBER_MAX, LifeMoment, Place
from persistence.repositories.proposals import Proposal

EXCHANGE: Final = "exchange"
_LOOKED_AT: Final = 100
"""Changes of a market between an approval and a second try; there are hardly any."""


class Action(enum.StrEnum):
    """What can be proposed; closed, and appended to."""

    RESOLVE = "market.resolve"
    STATUS = "market.status"
    MODE = "exchange.mode"
    CREDIT = "user.credit"
    DEBIT = "user.debit"
    ROLE = "user.role"


_OF_MARKETS: Final = (Action.RESOLVE, Action.STATUS)
_DECODERS: Final[dict[Action, msgspec.json.Decoder[Any]]] = {
    Action.RESOLVE: msgspec.json.Decoder(ResolutionBody),
    Action.STATUS: msgspec.json.Decoder(StatusBody),
    Action.MODE: msgspec.json.Decoder(ModeBody),
    Action.CREDIT: msgspec.json.Decoder(CreditBody),
    Action.DEBIT: msgspec.json.Decoder(DebitBody),
    Action.ROLE: msgspec.json.Decoder(RoleBody),
}


class Lives(Protocol):
    """Where the lives of markets are kept."""

    async def part(
        self, market_id: int, after: Place | None, until: int, limit: int
    ) -> tuple[list[LifeMoment], Place | None]:
        """Return what happened behind a place, by commands up to `until`, and where to go on."""


class Deeds:
    """Knows what each action does."""

    def __init__(self, view: State, lives: Lives) -> None:
        self._view = view
        self._lives = lives

    def check(self, action: Action, target: str | None, body: bytes) -> str:
        """Return the target's number ("3"), or "exchange"; raises ValidationFailed, EngineRefused.

        The body is looked through as when it is carried out.
        """
        if action is Action.MODE:
            if target is not None:
                raise ValidationFailed.of("target", "goes with markets and users only")
            number = EXCHANGE
        elif target is None:
            raise ValidationFailed.of("target", "is missing: a market's id or slug, a user's id")
        elif action in _OF_MARKETS:
            number = str(named_market(self._view, target, drafts=True).id)
        else:
            user_id = parse_id(target)
            if user_id is None:
                raise ValidationFailed.of("target", "must be a user's id")
            number = str(user_id)
        fields = self.read(action, body)
        if action is not Action.ROLE:
            self._made(action, number, fields)
        if isinstance(fields, CreditBody) and fields.request_id is not None:
            raise ValidationFailed.of("body.requestId", "give it beside body: it is the proposal's")
        return number

    def read(self, action: Action, body: bytes) -> Any:  # noqa: ANN401 - the action's
        """Return a body; raises ValidationFailed naming the field."""
        try:
            return decode(body, _DECODERS[action])
        except ValidationFailed as error:
            raise _within_body(error) from None

    def role(self, proposal: Proposal) -> str:
        """Return the role that a proposal gives."""
        return str(self.read(Action.ROLE, proposal.body.encode()).role)

    def command(self, proposal: Proposal) -> tuple[str, Command]:
        """Return what the audit log calls the target, and the command of a proposal."""
        action = Action(proposal.action)
        fields = self.read(action, proposal.body.encode())
        command = self._made(action, proposal.target, fields)
        if isinstance(command, CreditAccount | DebitAccount):
            command = msgspec.structs.replace(command, request_id=proposal.effect_id)
        return audit_target(proposal), command

    def _made(self, action: Action, target: str, fields: Any) -> Command:  # noqa: ANN401 - read's
        try:
            match action:
                case Action.RESOLVE:
                    return resolve_command(fields, int(target))
                case Action.STATUS:
                    return SetMarketStatus(int(target), fields.status)
                case Action.MODE:
                    return SetExchangeMode(fields.mode)
                case Action.CREDIT:
                    return credit_command(fields, int(target))
                case Action.DEBIT:
                    return debit_command(fields, int(target))
                case _:
                    raise TypeError(f"{action} is no command")
        except ValidationFailed as error:
            raise _within_body(error) from None

    async def is_done(self, proposal: Proposal) -> bool:
        """Say whether a try before this one has done it already."""
        action = Action(proposal.action)
        fields = self.read(action, proposal.body.encode())
        if action is Action.RESOLVE:
            market = self._view.markets[int(proposal.target)]
            return market.status in DECIDED and market.resolution is fields.outcome
        if action is Action.MODE:
            since = self._view.mode_since
            return since is not None and since >= (proposal.decided_at or 0)
        if action is Action.STATUS:
            place = proposal.seq_before or 0, NUMBER_MAX
            until = self._view.seq
            moments, _ = await self._lives.part(int(proposal.target), place, until, _LOOKED_AT)
            return any(_is_set_to(moment.change, fields.status) for moment in moments)
        return False


def audit_target(proposal: Proposal) -> str:
    """Return what the audit log calls what a proposal is about, and both who agreed on it."""
    kind = proposal.action.partition(".")[0]
    about = EXCHANGE if kind == EXCHANGE else f"{kind}:{proposal.target}"
    return f"{about} proposal:{proposal.id} of user:{proposal.proposer_id}"


def _is_set_to(change: LifeChange, status: object) -> bool:
    return change.kind == "STATUS" and change.by == "ADMIN" and change.status is status


def _within_body(error: ValidationFailed) -> ValidationFailed:
    details = tuple(
        Detail("body" if one.field == "body" else f"body.{one.field}", one.message)
        for one in error.details
    )
    first = details[0]
    return ValidationFailed(f"{first.field}: {first.message}", details=details)
