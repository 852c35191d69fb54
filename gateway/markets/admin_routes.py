"""The rows of the route table with which admins list markets, move their life on and resolve them.

What the terms alone make impossible is refused at the edge with a 400; what depends on the state
(a slug taken, a close time past, a market resolved) is the engine's to say.
"""

import re
from collections.abc import Callable
from typing import Annotated, Final

import msgspec

from exchange.messages.admin.commands import EditMarket
from exchange.messages.bounds import (
    CATEGORY_LENGTH,
    DESCRIPTION_LENGTH,
    QUESTION_LENGTH,
    RATE_MAX,
    SLUG_LENGTH,
    SOURCE_LENGTH,
    TICK_SIZES,
)
from exchange.messages.commands import CreateMarket, ResolveMarket, SetMarketStatus
from exchange.messages.errors import MalformedNumber
from exchange.messages.events import MarketCreated
from exchange.messages.reasons import Reason
from exchange.messages.terms import FeeModel, MarketStatus, Resolution
from exchange.messages.units import format_price, parse_rate
from exchange.model.market import NEXT_STATUS, Market
from exchange.model.state import State
from exchange.rules.market_admin import RESERVED_SLUGS, edit_problem, market_problem
from exchange.rules.settlement import resolution_problem
from gateway.engine_side.audited import AuditedCommands
from gateway.engine_side.refusals import EngineRefused
from gateway.http.request import Request
from gateway.http.routing import Access, Route
from gateway.markets.lookup import named_market
from gateway.markets.outcome_names import (
    LABEL_LENGTH,
    YES_AND_NO,
    Labels,
    OutcomeNaming,
    labels_of,
)
from gateway.markets.views import MarketView, market_view
from gateway.wire import strict_json
from gateway.wire.errors import (
    Conflict,
    NotFound,
    ProposalRequired,
    Refused,
    Unavailable,
    UnknownOutcome,
    ValidationFailed,
)
from gateway.wire.plain_words import one_of
from gateway.wire.scalars import TimeText, parse_time
from gateway.wire.strict_json import (
    BodyStruct,
    PriceText,
    QuantityText,
    RateText,
    TickText,
    is_given,
    not_given,
    number_text,
    stored_text,
)

NEW_WORDS: Final = frozenset(
    {
        "category",
        "events",
        "export",
        "heartbeat",
        "ingest",
        "matches",
        "oco",
        "preview",
        "snapshots",
        "tickers",
    }
)
"""Words that came to stand in a path after markets could bear them: the rules take them, so that an
older journal runs again as it ran, and the edge doesn't. Who bears one is reached by its id.
"""
MIRROR_SLUG: Final = re.compile(r"mirror-[0-9]+", re.ASCII)
"""What a mirror's market is called, by the exchange alone."""
DEFAULT_TICK: Final = 100
DEFAULT_MIN_QUANTITY: Final = 1
_COMMAND_ERRORS: Final = (
    NotFound,
    ProposalRequired,
    Conflict,
    Refused,
    Unavailable,
    UnknownOutcome,
)

SlugText = Annotated[
    str,
    msgspec.Meta(
        min_length=SLUG_LENGTH[0],
        max_length=SLUG_LENGTH[1],
        description="of a-z 0-9 -, not digits alone, no word that stands in a path",
        extra_json_schema={
            "pattern": "^(?!(mirror-)?[0-9]+$)[a-z0-9-]*$",
            "not": {"enum": sorted(RESERVED_SLUGS | NEW_WORDS)},
        },
    ),
]
QuestionText = Annotated[str, msgspec.Meta(min_length=1, max_length=QUESTION_LENGTH)]
DescriptionText = Annotated[str, msgspec.Meta(max_length=DESCRIPTION_LENGTH)]
CategoryText = Annotated[str, msgspec.Meta(max_length=CATEGORY_LENGTH)]
SourceText = Annotated[str, msgspec.Meta(max_length=SOURCE_LENGTH)]
LabelText = Annotated[str, msgspec.Meta(min_length=1, max_length=LABEL_LENGTH)]
OutcomesText = Annotated[
    tuple[LabelText, LabelText], msgspec.Meta(description="what YES and NO are called")
]


class MarketBody(BodyStruct, frozen=True):
    """A market's terms. Defaults: tick 0.01, minimum 0.01, no fees, outcomes Yes and No; `draft`
    waits to be opened.
    """

    slug: SlugText
    question: QuestionText
    close_time: TimeText
    description: DescriptionText = ""
    category: CategoryText = ""
    tick_size: TickText = not_given()
    min_quantity: QuantityText = not_given()
    maker_fee: RateText = not_given()
    taker_fee: RateText = not_given()
    fee_model: FeeModel = FeeModel.FLAT
    draft: bool = False
    outcomes: OutcomesText | msgspec.UnsetType = msgspec.UNSET


class MarketEditBody(BodyStruct, frozen=True):
    """What a market is about from now on; what isn't given stays. Everything else of a market is
    fixed when it is listed.
    """

    question: QuestionText | msgspec.UnsetType = msgspec.UNSET
    description: DescriptionText | msgspec.UnsetType = msgspec.UNSET
    category: CategoryText | msgspec.UnsetType = msgspec.UNSET
    close_time: TimeText | msgspec.UnsetType = msgspec.UNSET
    min_quantity: QuantityText = not_given()


class StatusBody(BodyStruct, frozen=True):
    """The status a market gets: OPEN, POST_ONLY, HALTED, FULL_HALT or CLOSED."""

    status: MarketStatus


class ResolutionBody(BodyStruct, frozen=True):
    """How the question ended; `yesPayout` goes with SPLIT and only with it."""

    outcome: Resolution
    yes_payout: PriceText = not_given()
    source: SourceText = ""


def create_command(body: MarketBody) -> CreateMarket:
    """Return the command that a market's body stands for; raises ValidationFailed."""
    command = CreateMarket(
        body.slug,
        stored_text(body.question, "question", QUESTION_LENGTH),
        stored_text(body.description, "description", DESCRIPTION_LENGTH),
        stored_text(body.category, "category", CATEGORY_LENGTH),
        parse_time(body.close_time, "closeTime"),
        _tick(body.tick_size),
        strict_json.quantity(body.min_quantity, "minQuantity")
        if is_given(body.min_quantity)
        else DEFAULT_MIN_QUANTITY,
        _rate(body.maker_fee, "makerFee"),
        _rate(body.taker_fee, "takerFee"),
        body.fee_model,
        body.draft,
    )
    problem = market_problem(command)
    if problem is None and (command.slug in NEW_WORDS or MIRROR_SLUG.fullmatch(command.slug)):
        problem = "slug", "is a reserved word"
    if problem is not None:
        raise ValidationFailed.of(*problem)
    return command


def outcomes_of(body: MarketBody) -> Labels:
    """Return what YES and NO of a market are called; raises ValidationFailed."""
    given = body.outcomes
    return YES_AND_NO if given is msgspec.UNSET else labels_of(given, "outcomes")


def edit_command(body: MarketEditBody, market_id: int) -> EditMarket:
    """Return the command that an edit's body stands for; raises ValidationFailed."""
    closes, least = body.close_time, body.min_quantity
    command = EditMarket(
        market_id,
        _text_if_given(body.question, "question", QUESTION_LENGTH),
        _text_if_given(body.description, "description", DESCRIPTION_LENGTH),
        _text_if_given(body.category, "category", CATEGORY_LENGTH),
        None if closes is msgspec.UNSET else parse_time(closes, "closeTime"),
        strict_json.quantity(least, "minQuantity") if is_given(least) else None,
    )
    problem = edit_problem(command)
    if problem is not None:
        raise ValidationFailed.of(*problem)
    return command


def _text_if_given(text: str | msgspec.UnsetType, field: str, most: int) -> str | None:
    return None if text is msgspec.UNSET else stored_text(text, field, most)


def resolve_command(body: ResolutionBody, market_id: int) -> ResolveMarket:
    """Return the command that a resolution's body stands for; raises ValidationFailed."""
    payout = strict_json.price(body.yes_payout, "yesPayout") if is_given(body.yes_payout) else None
    source = stored_text(body.source, "source", SOURCE_LENGTH)
    command = ResolveMarket(market_id, body.outcome, payout, source, in_slices=True)
    problem = resolution_problem(command)
    if problem is not None:
        raise ValidationFailed.of(*problem)
    return command


def lifts_halt(before: MarketStatus, after: MarketStatus) -> bool:
    """Say whether a market takes more after a change than in the halt before it."""
    if before is MarketStatus.FULL_HALT:
        return after in (MarketStatus.OPEN, MarketStatus.POST_ONLY, MarketStatus.HALTED)
    return before is MarketStatus.HALTED and after in (MarketStatus.OPEN, MarketStatus.POST_ONLY)


def _tick(raw: msgspec.Raw) -> int:
    if not is_given(raw):
        return DEFAULT_TICK
    tick = strict_json.price(raw, "tickSize")
    if tick not in TICK_SIZES:
        names = one_of([format_price(size) for size in TICK_SIZES])
        raise ValidationFailed.of("tickSize", f"must be {names}")
    return tick


def _rate(raw: msgspec.Raw, field: str) -> int:
    if not is_given(raw):
        return 0
    try:
        return parse_rate(number_text(raw, field), RATE_MAX)
    except MalformedNumber as error:
        raise ValidationFailed.of(field, str(error)) from None


def _with_choices(refusal: EngineRefused, market: Market) -> EngineRefused:
    """Return the refusal of a status with those that would be right."""
    next_ones = [status.value for status in NEXT_STATUS[market.status]]
    can = f"what can: {one_of(next_ones)}" if next_ones else "nothing can but a resolution"
    detail = refusal.details[0]
    return EngineRefused(refusal.reason, f"{detail.message}; {can}", detail.field)


class MarketAdminRoutes:
    """Moves the life of markets."""

    def __init__(
        self,
        view: State,
        commands: AuditedCommands,
        naming: OutcomeNaming,
        labels: Callable[[Market], Labels],
    ) -> None:
        """`labels` says what YES and NO of a market of ours are called."""
        self._view = view
        self._commands = commands
        self._naming = naming
        self._labels = labels

    async def create_market(self, request: Request[MarketBody, None]) -> MarketView:
        """List a market."""
        command, labels = create_command(request.body), outcomes_of(request.body)
        async with self._naming.listing(command.slug, labels):
            _, events, _ = await self._commands.run(
                request.actor, "market.create", f"market:{command.slug}", command
            )
        created = events[0]
        if type(created) is not MarketCreated:
            raise TypeError(f"the creation of a market begins with {type(created).__name__}")
        return self._shown(self._view.markets[created.market_id])

    async def edit_market(self, request: Request[MarketEditBody, None]) -> MarketView:
        """Let a market that hasn't traded be about something else."""
        market = named_market(self._view, request.path["slug"], drafts=True)
        command = edit_command(request.body, market.id)
        names = zip(
            MarketEditBody.__struct_fields__, MarketEditBody.__struct_encode_fields__, strict=True
        )
        changed = [name for field, name in names if getattr(command, field) is not None]
        target = f"market:{market.id} {' '.join(changed)}".rstrip()
        await self._commands.run(request.actor, "market.edit", target, command)
        return self._shown(market)

    async def set_status(self, request: Request[StatusBody, None]) -> MarketView:
        """Open, halt, fully halt or close a market."""
        market = named_market(self._view, request.path["slug"], drafts=True)
        status = request.body.status
        if lifts_halt(market.status, status):
            self._commands.require_alone("market.status")
        target = f"market:{market.id} {status.value}"
        try:
            await self._commands.run(
                request.actor, "market.status", target, SetMarketStatus(market.id, status)
            )
        except EngineRefused as refusal:
            if refusal.reason is Reason.ILLEGAL_STATUS_CHANGE:
                raise _with_choices(refusal, market) from None
            raise
        return self._shown(market)

    async def resolve(self, request: Request[ResolutionBody, None]) -> MarketView:
        """End a market and pay its holders: at once, or while it is RESOLVING if they are many."""
        body = request.body
        market = named_market(self._view, request.path["slug"], drafts=True)
        self._commands.require_alone("market.resolve")
        command = resolve_command(body, market.id)
        target = f"market:{market.id} {body.outcome.value}"
        await self._commands.run(request.actor, "market.resolve", target, command)
        return self._shown(market)

    def _shown(self, market: Market) -> MarketView:
        return market_view(market, self._labels(market))

    def routes(self) -> tuple[Route, ...]:
        """Return the rows."""
        return (
            Route(
                method="POST",
                path="/markets",
                handler=self.create_market,
                access=Access.ADMIN,
                body=MarketBody,
                answer=MarketView,
                status=201,
                errors=_COMMAND_ERRORS,
                summary="List a market",
                tag="markets",
            ),
            Route(
                method="PATCH",
                path="/markets/{slug}",
                handler=self.edit_market,
                access=Access.ADMIN,
                body=MarketEditBody,
                answer=MarketView,
                errors=(NotFound, Conflict, Refused, Unavailable, UnknownOutcome),
                summary="Edit a market before its first trade; other terms end its open orders",
                tag="markets",
            ),
            Route(
                method="PATCH",
                path="/markets/{slug}/status",
                handler=self.set_status,
                access=Access.ADMIN,
                body=StatusBody,
                answer=MarketView,
                errors=_COMMAND_ERRORS,
                summary="Open, halt or close a market",
                tag="markets",
            ),
            Route(
                method="POST",
                path="/markets/{slug}/resolve",
                handler=self.resolve,
                access=Access.ADMIN,
                body=ResolutionBody,
                answer=MarketView,
                errors=_COMMAND_ERRORS,
                summary="Resolve a market and pay its holders",
                tag="markets",
            ),
        )
