"""The rows of the route table by which the audit log is read: a part of it, or all as a file.

Laws: nothing here writes to the log but what every call does. A file is made while it is read, in
pieces of bounded size that hold no connection in between, so it costs little memory however long
the log is; it goes as far as the log did when it began, oldest line first, and holds the hashes,
by which anybody can see that it is whole (`docs/admin.md`).
"""

from collections.abc import AsyncIterator, Callable
from enum import Enum
from typing import Annotated, Final

import msgspec

from gateway.http.paging import PageQuery, page_of
from gateway.http.request import Page, Request, Stream
from gateway.http.routing import Access, Route, Shape
from gateway.http.settings import PageLimits
from gateway.wire.csv_text import MEDIA, csv_rows, text_cell
from gateway.wire.errors import Unavailable, ValidationFailed
from gateway.wire.scalars import NAME_LENGTH, TimeText, iso_millis, parse_id, parse_range
from gateway.wire.strict_json import AnswerStruct, QueryStruct
from persistence.repositories.audit import AuditEntry, AuditFilter, AuditLog

AUDIT_LENGTH: Final = 200
"""Characters of a filter."""
AT_ONCE: Final = 2
"""Files that are being read at the same time."""
COST: Final = 50
"""Calls that a file counts as."""
_RENAMED: Final = {"request_id": "requestId", "from_time": "from", "to_time": "to"}

IdText = Annotated[str, msgspec.Meta(max_length=NAME_LENGTH, description="of the user who did it")]
ActionText = Annotated[
    str, msgspec.Meta(min_length=1, max_length=AUDIT_LENGTH, description="e.g. user.credit")
]
TargetText = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=AUDIT_LENGTH, description="what it begins with, e.g. user:7"
    ),
]
OutcomeText = Annotated[
    str, msgspec.Meta(min_length=1, max_length=AUDIT_LENGTH, description="e.g. ok")
]
RequestIdText = Annotated[
    str, msgspec.Meta(min_length=1, max_length=AUDIT_LENGTH, description="of the request's answer")
]


class LogFormat(Enum):
    """How a file of the log is written: a JSON object a line, or a table with a line of names."""

    JSONL = "jsonl"
    CSV = "csv"


class AuditView(AnswerStruct, frozen=True):
    """One line of the audit log."""

    id: str
    at: str
    actor_id: str | None
    action: str
    target: str | None
    outcome: str
    request_id: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditView":
        """Return the view of a line."""
        return cls(
            str(entry.id),
            iso_millis(entry.at),
            None if entry.actor_id is None else str(entry.actor_id),
            entry.action,
            entry.target,
            entry.outcome,
            entry.request_id,
        )


class WholeLine(AuditView, frozen=True):
    """A line of a file: as it is stored, `at` in microseconds since 1970, hashes in hexadecimal."""

    previous_hash: str
    hash: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "WholeLine":
        """Return a line as files have it."""
        shown = msgspec.structs.asdict(AuditView.of(entry)) | {"at": str(entry.at)}
        return cls(**shown, previous_hash=entry.previous_hash.hex(), hash=entry.hash.hex())


class AuditQuery(PageQuery, frozen=True, rename=_RENAMED):
    """Which lines of the audit log; what is unset matches all. Both times are included."""

    actor: IdText | None = None
    action: ActionText | None = None
    target: TargetText | None = None
    outcome: OutcomeText | None = None
    request_id: RequestIdText | None = None
    from_time: TimeText | None = None
    to_time: TimeText | None = None


class AuditFileQuery(QueryStruct, frozen=True, rename=_RENAMED):
    """Which lines, and how they are written; what is unset matches all. Both times are included."""

    actor: IdText | None = None
    action: ActionText | None = None
    target: TargetText | None = None
    outcome: OutcomeText | None = None
    request_id: RequestIdText | None = None
    from_time: TimeText | None = None
    to_time: TimeText | None = None
    format: LogFormat = LogFormat.JSONL


def wanted_by(query: AuditQuery | AuditFileQuery) -> AuditFilter:
    """Return the filter that a query asks for; raises ValidationFailed."""
    actor_id = None if query.actor is None else parse_id(query.actor)
    if query.actor is not None and actor_id is None:
        raise ValidationFailed.of("actor", "must be a user's id")
    since, until = parse_range(query.from_time, query.to_time)
    return AuditFilter(
        actor_id, query.action, query.target, query.request_id, query.outcome, since, until
    )


class AuditRoutes:
    """Shows the log."""

    def __init__(self, log: AuditLog, pages: PageLimits) -> None:
        self._log = log
        self._pages = pages
        self._under_way = 0

    async def list_lines(self, request: Request[None, AuditQuery]) -> Page[AuditView]:
        """Return one page of the audit log, newest first."""
        query = request.query
        (limit, offset), before = query.bounds(self._pages), query.number()
        wanted = wanted_by(query)
        entries, total = await self._log.page(limit + 1, offset, before, wanted)
        return page_of(entries, limit, offset, total, AuditView.of, lambda entry: str(entry.id))

    async def export(self, request: Request[None, AuditFileQuery]) -> Stream:
        """Return the log as a file that is made while it is read."""
        form, wanted = request.query.format, wanted_by(request.query)
        if self._under_way >= AT_ONCE:
            raise Unavailable("The log is taken away by others just now; try again in a minute")
        self._under_way += 1
        is_open = True

        async def close() -> None:
            nonlocal is_open
            self._under_way -= is_open
            is_open = False

        write, media, head = _FORMS[form]
        chunks = self._chunks(wanted, write, head)
        return Stream(media, f"probity-audit.{form.value}", chunks, _nothing, close)

    async def _chunks(
        self, wanted: AuditFilter, write: Callable[[list[WholeLine]], bytes], head: bytes
    ) -> AsyncIterator[bytes]:
        if head:
            yield head
        async for piece in self._log.pieces(wanted):
            yield write([WholeLine.of(entry) for entry in piece])

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="GET",
                path="/admin/audit",
                handler=self.list_lines,
                access=Access.ADMIN,
                query=AuditQuery,
                answer=AuditView,
                shape=Shape.PAGE,
                summary="Read the audit log",
                tag="admin",
            ),
            Route(
                method="GET",
                path="/admin/audit/export",
                handler=self.export,
                access=Access.ADMIN,
                query=AuditFileQuery,
                answer=None,
                shape=Shape.STREAM,
                media=tuple(media.partition(";")[0] for _, media, _ in _FORMS.values()),
                cost=COST,
                summary="Take the audit log away as a file, with its hashes",
                tag="admin",
            ),
        )


def _json_lines(lines: list[WholeLine]) -> bytes:
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def _table(lines: list[WholeLine]) -> bytes:
    return csv_rows(map(text_cell, msgspec.structs.astuple(line)) for line in lines)


def _nothing() -> None:
    """Stop nothing: a piece is read at a time, and none without a reader."""


_NAMES: Final = [field.encode_name for field in msgspec.structs.fields(WholeLine)]
_FORMS: Final[dict[LogFormat, tuple[Callable[[list[WholeLine]], bytes], str, bytes]]] = {
    LogFormat.JSONL: (_json_lines, "application/jsonl", b""),
    LogFormat.CSV: (_table, MEDIA, csv_rows([_NAMES])),
}
