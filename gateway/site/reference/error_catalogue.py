"""The error catalogue: every code that a call or an event can be answered with.

    GET /errors     {errors: [{code, number, reason, status, meaning, action, transient, origin}]}

Laws: it is made of the code (`Reason`, the tree of ApiError) and of one table of texts each;
nothing that can be told is missing (`tests/gateway/site/reference`). A code may stand there twice,
under two statuses: the engine's and the gateway's own. What the engine refuses as malformed goes
out as VALIDATION_ERROR; `reason` has its own name then, too.
"""

from enum import StrEnum
from typing import Final

from exchange.messages.reasons import Reason
from gateway.engine_side.refusals import EngineRefused
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.site.reference.error_texts import ERRORS, REFUSED
from gateway.site.reference.refusal_texts import REFUSALS
from gateway.wire.errors import Refused
from gateway.wire.strict_json import AnswerStruct


class Origin(StrEnum):
    """Who refuses: the engine, whose refusal uses the command's id up, or the gateway before it."""

    ENGINE = "engine"
    GATEWAY = "gateway"


class ErrorView(AnswerStruct, frozen=True):
    """One error; `number` and `reason` are the engine's, null of what the gateway itself says.

    `transient`: the same may succeed later, unchanged but for its client id; else it is final.
    """

    code: str
    status: int
    number: int | None
    reason: str | None
    meaning: str
    action: str
    transient: bool
    origin: Origin


class CatalogueView(AnswerStruct, frozen=True):
    """Every error there is: the gateway's by status, then the engine's by number."""

    errors: list[ErrorView]


def _of_gateway() -> list[ErrorView]:
    told = [(error.code, error.status, text) for error, text in ERRORS.items()]
    told += [(code, Refused.status, text) for code, text in REFUSED.items()]
    return [
        ErrorView(
            code, status, None, None, text.meaning, text.action, text.transient, Origin.GATEWAY
        )
        for code, status, text in sorted(told, key=lambda one: one[:2][::-1])
    ]


def _of_engine() -> list[ErrorView]:
    found = []
    for reason in Reason:
        refusal, text = EngineRefused(reason), REFUSALS[reason]
        found.append(
            ErrorView(
                refusal.code,
                refusal.status,
                reason.value,
                reason.name,
                text.meaning,
                text.action,
                reason.transient,
                Origin.ENGINE,
            )
        )
    return found


CATALOGUE: Final = CatalogueView([*_of_gateway(), *_of_engine()])


class ErrorCatalogue:
    """Shows the catalogue."""

    async def show(self, _request: Request[None, None]) -> CatalogueView:
        """Return it."""
        return CATALOGUE

    def routes(self) -> tuple[Route, ...]:
        """Return the row."""
        return (
            Route(
                method="GET",
                path="/errors",
                handler=self.show,
                access=Access.PUBLIC,
                answer=CatalogueView,
                summary="Show every error that a call or an event can be answered with",
                tag="docs",
            ),
        )


def as_markdown() -> str:
    """Return the tables of `docs/reference/errors.md`."""
    head = "| code | number | status | | meaning | what to do |\n|---|---|---|---|---|---|\n"
    parts = []
    for origin, title in ((Origin.GATEWAY, "The gateway's"), (Origin.ENGINE, "The engine's")):
        rows = [_row(view) for view in CATALOGUE.errors if view.origin is origin]
        parts.append(f"## {title}\n\n{head}{''.join(rows)}")
    return "\n".join(parts)


def _row(view: ErrorView) -> str:
    code = f"`{view.code}`"
    if view.reason is not None and view.reason != view.code:
        code += f" ({view.reason})"
    kind = "transient" if view.transient else "final"
    number = "" if view.number is None else str(view.number)
    return f"| {code} | {number} | {view.status} | {kind} | {view.meaning} | {view.action} |\n"
