"""The rows of the route table about what the checker found, and how far it has come.

Laws: acknowledging is a dear change, and an admin's word in the audit log: it lets what was halted
be opened again, and opens nothing by itself. What is still wrong is found again by the next look.
"""

from typing import Annotated, Final, Literal

import msgspec

from exchange.messages.bounds import REASON_LENGTH, STORED_MAX
from exchange.model.state import State
from gateway.accounts.sessions.fresh import FreshLogin
from gateway.http.paging import PageQuery, page_of
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.operations.checker.settings import CheckSettings
from gateway.wire.errors import Conflict, FreshLoginRequired, NotFound
from gateway.wire.scalars import iso_millis, time_if_known
from gateway.wire.strict_json import AnswerStruct, BodyStruct, stored_text
from persistence.clock import now_us
from persistence.proof.online.look import LOOK
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.checks.findings import Findings, Reached, StoredFinding

ACTION: Final = "check.acknowledge"
FindingStatus = Literal["OPEN", "ACKNOWLEDGED"]
NoteText = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=REASON_LENGTH, description="what it was, and what was done"
    ),
]


class FindingQuery(PageQuery, frozen=True):
    """Which findings; unset: all."""

    status: FindingStatus | None = None


class AcknowledgeBody(BodyStruct, frozen=True):
    """What an admin says of a finding."""

    note: NoteText


class FindingView(AnswerStruct, frozen=True):
    """A thing that isn't as it must be, as last seen at `seq`; `marketId` is null where it is the
    whole exchange's, `slug` where it is no market's that is known. As long as it isn't
    acknowledged, what it `halts` stays halted.
    """

    id: str
    check: str
    market_id: str | None
    slug: str | None
    subject: str
    expected: str
    seen: str
    halts: bool
    seq: int
    found_at: str
    seen_at: str
    times: int
    halted_at: str | None
    acknowledged_at: str | None
    note: str | None

    @classmethod
    def of(cls, finding: StoredFinding, slug: str | None) -> "FindingView":
        """Return the view of a finding, of the market of that name."""
        return cls(
            str(finding.id),
            finding.name,
            str(finding.market_id) if finding.market_id else None,
            slug,
            finding.subject,
            finding.expected,
            finding.seen,
            finding.halts,
            finding.seq,
            iso_millis(finding.found_at),
            iso_millis(finding.seen_at),
            finding.times,
            time_if_known(finding.halted_at or None),
            time_if_known(finding.acknowledged_at),
            finding.note,
        )


class CourseView(AnswerStruct, frozen=True):
    """A course through what is stored: `reached` is a key of its own (a command, an account ...),
    `completedAt` when it was at its end last.
    """

    name: str
    reached: int
    began_at: str
    completed_at: str | None


class CheckerView(AnswerStruct, frozen=True):
    """How far the checker has come; `lookedAt`, `tookMs` and `seq` are its last look's, null before
    one: when it was through, how long it took, and the last command that it saw.
    """

    looked_at: str | None
    took_ms: int | None
    seq: int | None
    open_findings: int
    round_seconds: int
    halts: bool
    courses: list[CourseView]


class CheckerRoutes:
    """Shows what was found, and takes an admin's word on it."""

    def __init__(
        self,
        findings: Findings,
        audit: AuditLog,
        fresh: FreshLogin,
        settings: CheckSettings,
        pages: PageLimits,
        view: State,
    ) -> None:
        self._findings = findings
        self._audit = audit
        self._fresh = fresh
        self._settings = settings
        self._pages = pages
        self._view = view

    async def show(self, _request: Request[None, None]) -> CheckerView:
        """Return how far the checker has come."""
        counts, courses = await self._findings.counts(), await self._findings.courses()
        look = next((one for one in courses if one.name == LOOK), None)
        return CheckerView(
            None if look is None else iso_millis(look.ended_at),
            None if look is None else (look.ended_at - look.began_at) // 1_000,
            None if look is None else look.reached,
            sum(counts.values()),
            self._settings.round,
            self._settings.halts,
            [_course(one) for one in courses if one.name != LOOK],
        )

    async def list_findings(self, request: Request[None, FindingQuery]) -> Page[FindingView]:
        """Return one page of what was found, newest first."""
        query = request.query
        (limit, offset), before = query.bounds(self._pages), query.number() or STORED_MAX
        is_open = None if query.status is None else query.status == "OPEN"
        found, total = await self._findings.page(limit + 1, offset, before, is_open=is_open)
        return page_of(found, limit, offset, total, self._shown, lambda one: str(one.id))

    async def acknowledge(self, request: Request[AcknowledgeBody, None]) -> FindingView:
        """Note what an admin says of a finding, by which it is closed."""
        note = stored_text(request.body.note, "note", REASON_LENGTH)
        finding_id = request.path_id("id")
        await self._fresh.require(request.principal)
        if await self._findings.find(finding_id) is None:
            raise NotFound("There is no such finding")
        if not await self._findings.acknowledge(finding_id, note, now_us()):
            raise Conflict("It was acknowledged before")
        trail = AuditTrail(self._audit, request.request_id)
        await trail.note(request.user_id, ACTION, f"finding:{finding_id}", "ok")
        found = await self._findings.find(finding_id)
        if found is None:
            raise NotFound("There is no such finding")
        return self._shown(found)

    def _shown(self, finding: StoredFinding) -> FindingView:
        market = self._view.markets.get(finding.market_id)
        return FindingView.of(finding, None if market is None else market.slug)

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/admin/checker",
                handler=self.show,
                access=Access.ADMIN,
                answer=CheckerView,
                summary="Show how far the on-line checker has come",
                tag="admin",
            ),
            Route(
                method="GET",
                path="/admin/findings",
                handler=self.list_findings,
                access=Access.ADMIN,
                query=FindingQuery,
                answer=FindingView,
                shape=Shape.PAGE,
                summary="List what the on-line checker found",
                tag="admin",
            ),
            Route(
                method="POST",
                path="/admin/findings/{id}/acknowledge",
                handler=self.acknowledge,
                access=Access.ADMIN,
                body=AcknowledgeBody,
                answer=FindingView,
                errors=(NotFound, Conflict, FreshLoginRequired),
                summary="Acknowledge a finding, so that what it halted may be opened again",
                tag="admin",
            ),
        )


def _course(course: Reached) -> CourseView:
    ended_at = time_if_known(course.ended_at or None)
    return CourseView(course.name, course.reached, iso_millis(course.began_at), ended_at)
