"""The rows of the route table under /admin/proposals."""

from typing import Annotated, Final, Literal

import msgspec

from exchange.messages.bounds import REASON_LENGTH, STORED_MAX
from gateway.accounts.sessions.fresh import FreshLogin
from gateway.http.paging import PageQuery, page_of
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.operations.proposals.approving import Approving
from gateway.operations.proposals.deeds import EXCHANGE, Action
from gateway.trading.order_bodies import ClientIdText, check_client_id
from gateway.wire.errors import (
    Conflict,
    Forbidden,
    FreshLoginRequired,
    LimitReached,
    NotFound,
    Refused,
    Unavailable,
    UnknownOutcome,
)
from gateway.wire.scalars import NAME_LENGTH, iso_millis, time_if_known
from gateway.wire.strict_json import AnswerStruct, BodyStruct, stored_text
from persistence.clock import now_us
from persistence.repositories.proposals import Proposal, Proposals

ReasonText = Annotated[str, msgspec.Meta(min_length=1, max_length=REASON_LENGTH)]
TargetText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=NAME_LENGTH,
        description="a market's id or slug, or a user's id; none for exchange.mode",
    ),
]
BodyText = Annotated[
    msgspec.Raw,
    msgspec.Meta(
        description="what the route that does it alone takes as its body",
        extra_json_schema={"type": "object"},
    ),
]
ProposalStatus = Literal["OPEN", "APPROVED", "DONE", "REFUSED", "REJECTED", "LAPSED", "EXPIRED"]
_DECISION_ERRORS: Final = (NotFound, Conflict, Forbidden, FreshLoginRequired)


class ProposalBody(BodyStruct, frozen=True):
    """What is proposed and why; under its `requestId` a repeat gets the first proposal."""

    action: Action
    body: BodyText
    reason: ReasonText
    target: TargetText | None = None
    request_id: ClientIdText | None = None


class RejectionBody(BodyStruct, frozen=True):
    """Why it is rejected."""

    reason: ReasonText


class ProposalQuery(PageQuery, frozen=True):
    """Which proposals; unset: all."""

    status: ProposalStatus | None = None


class ProposalView(AnswerStruct, frozen=True):
    """A proposal. APPROVED is being carried out, DONE has been, REFUSED couldn't be: `outcome` says
    why. LAPSED: its proposer is no admin any more. `target` is the number of a market or user.
    """

    id: str
    action: str
    target: str | None
    body: msgspec.Raw
    reason: str
    status: str
    proposer_id: str
    created_at: str
    expires_at: str
    decided_by: str | None
    decided_at: str | None
    outcome: str | None

    @classmethod
    def of(cls, proposal: Proposal) -> "ProposalView":
        """Return the view of a proposal."""
        decided_by = proposal.decided_by
        return cls(
            str(proposal.id),
            proposal.action,
            None if proposal.target == EXCHANGE else proposal.target,
            msgspec.Raw(proposal.body.encode()),
            proposal.reason,
            proposal.status,
            str(proposal.proposer_id),
            iso_millis(proposal.created_at),
            iso_millis(proposal.expires_at),
            None if decided_by is None else str(decided_by),
            time_if_known(proposal.decided_at),
            proposal.outcome,
        )


class ProposalRoutes:
    """Lets two admins do together what one may not alone."""

    def __init__(
        self, approving: Approving, rows: Proposals, fresh: FreshLogin, pages: PageLimits
    ) -> None:
        self._approving = approving
        self._rows = rows
        self._fresh = fresh
        self._pages = pages

    async def list_proposals(self, request: Request[None, ProposalQuery]) -> Page[ProposalView]:
        """Return one page of the proposals, newest first."""
        query = request.query
        (limit, offset), before = query.bounds(self._pages), query.number() or STORED_MAX
        found, total = await self._rows.page(now_us(), query.status, limit + 1, offset, before)
        return page_of(found, limit, offset, total, ProposalView.of, lambda one: str(one.id))

    async def get_proposal(self, request: Request[None, None]) -> ProposalView:
        """Return a proposal."""
        found = await self._rows.by_id(request.path_id("id"), now_us())
        if found is None:
            raise NotFound("There is no such proposal")
        return ProposalView.of(found)

    async def propose(self, request: Request[ProposalBody, None]) -> ProposalView:
        """Propose something to the other admins."""
        body = request.body
        reason = stored_text(body.reason, "reason", REASON_LENGTH)
        if body.request_id is not None:
            check_client_id(body.request_id, "requestId")
        await self._fresh.require(request.principal)
        proposal = await self._approving.propose(
            request.actor, body.action, body.target, bytes(body.body), reason, body.request_id
        )
        return ProposalView.of(proposal)

    async def approve(self, request: Request[None, None]) -> ProposalView:
        """Approve another admin's proposal and carry it out."""
        await self._fresh.require(request.principal)
        proposal = await self._approving.approve(request.actor, request.path_id("id"))
        return ProposalView.of(proposal)

    async def reject(self, request: Request[RejectionBody, None]) -> ProposalView:
        """Reject a proposal, or take one's own back."""
        reason = stored_text(request.body.reason, "reason", REASON_LENGTH)
        proposal = await self._approving.reject(request.actor, request.path_id("id"), reason)
        return ProposalView.of(proposal)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/admin/proposals",
                handler=self.list_proposals,
                access=Access.ADMIN,
                query=ProposalQuery,
                answer=ProposalView,
                shape=Shape.PAGE,
                summary="List what admins have proposed to one another",
                tag="admin",
            ),
            Route(
                method="GET",
                path="/admin/proposals/{id}",
                handler=self.get_proposal,
                access=Access.ADMIN,
                answer=ProposalView,
                errors=(NotFound,),
                summary="Show a proposal and what came of it",
                tag="admin",
            ),
            Route(
                method="POST",
                path="/admin/proposals",
                handler=self.propose,
                access=Access.ADMIN,
                body=ProposalBody,
                answer=ProposalView,
                status=201,
                errors=(NotFound, Conflict, FreshLoginRequired, LimitReached, Refused),
                summary="Propose what takes two admins",
                tag="admin",
            ),
            Route(
                method="POST",
                path="/admin/proposals/{id}/approve",
                handler=self.approve,
                access=Access.ADMIN,
                answer=ProposalView,
                errors=(*_DECISION_ERRORS, Unavailable, UnknownOutcome),
                summary="Approve another admin's proposal, which carries it out",
                tag="admin",
            ),
            Route(
                method="POST",
                path="/admin/proposals/{id}/reject",
                handler=self.reject,
                access=Access.ADMIN,
                body=RejectionBody,
                answer=ProposalView,
                errors=_DECISION_ERRORS,
                summary="Reject a proposal, or take one's own back",
                tag="admin",
            ),
        )
