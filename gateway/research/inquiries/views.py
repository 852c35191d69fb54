"""Questions, their answers and what is left of a budget, on the wire."""

from typing import Any, Final, Literal

import msgspec

from gateway.feeds.known import KnownMarket, MarketRef
from gateway.research.inquiries.outputs import Citation, Found, Progress, Source
from gateway.research.inquiries.settings import (
    SEARCH,
    Processor,
    ResearchSettings,
    cents_text,
)
from gateway.wire.scalars import iso_millis, time_if_known
from gateway.wire.strict_json import AnswerStruct
from persistence.repositories.research.budgets import MonthlyBudget
from persistence.repositories.research.inquiries import Inquiry, InquiryLine

Status = Literal["QUEUED", "STARTING", "RUNNING", "UNKNOWN", "COMPLETED", "FAILED"]
Format = Literal["auto", "text"]

_CONTENT_TYPES: Final[dict[str, Literal["text", "json"]]] = {"text": "text", "json": "json"}
_PROGRESS: Final = msgspec.json.Decoder(Progress)
_SOURCES: Final = msgspec.json.Decoder(list[Source])


class ProgressView(AnswerStruct, frozen=True):
    """How far the service says that it is; null for what it doesn't say."""

    percent: int | None
    sources_considered: int | None
    sources_read: int | None
    message: str | None


class ResearchView(AnswerStruct, frozen=True):
    """A question as it stands; `cost` in cents, what it holds or has cost.

    UNKNOWN is one of which nobody knows whether the service took it: it is never sent twice, may
    yet come to light, and otherwise fails within the hour, and counts as paid. `cached` says that
    its answer was known and cost nothing. One that asks what is asked already stays QUEUED until
    that has ended: its answer is taken then, and without one it is sent itself. `error` says why
    one has failed.
    """

    id: str
    query: str
    market_id: str | None
    question: str | None
    processor: Processor
    output_format: Format
    status: Status
    cached: bool
    cost: str
    progress: ProgressView
    error: str | None
    request_id: str | None
    created_at: str
    started_at: str | None
    ended_at: str | None


class CitationView(AnswerStruct, frozen=True):
    """A page that says so, as the service found it: foreign text, foreign address."""

    url: str
    title: str | None
    excerpts: list[str]


class SourceView(AnswerStruct, frozen=True):
    """What one field of an answer rests on; of a text there is one, `output`."""

    field: str
    reasoning: str
    confidence: str | None
    citations: list[CitationView]


class WholeResearchView(ResearchView, frozen=True, kw_only=True):
    """A question with its answer.

    `content` is text, or a JSON object as text where `contentType` is json; null until it is there.
    """

    content_type: Literal["text", "json"] | None
    content: str | None
    sources: list[SourceView]


class ResearchMessage(ResearchView, frozen=True, kw_only=True):
    """A question as a socket hears it: by its number on the topic, which a gap shows; `question` is
    null there.
    """

    topic: str
    topic_epoch: int
    topic_seq: int


class FoundView(AnswerStruct, frozen=True):
    """A page that a search found: foreign text, foreign address."""

    url: str
    title: str | None
    published: str | None
    excerpts: list[str]


class SearchView(AnswerStruct, frozen=True):
    """What a search found, and what it cost in cents."""

    results: list[FoundView]
    cost: str


class CostView(AnswerStruct, frozen=True):
    """What a kind of research costs, in cents."""

    processor: str
    cost: str


class ResearchBudgetView(AnswerStruct, frozen=True):
    """What one may spend this month (`2026-11`), in cents; `held` is for what is under way. Less is
    `left` where all together have nearly used up what is theirs.

    Without `available` nothing can be asked here: research isn't set up.
    """

    available: bool
    month: str
    budget: str
    held: str
    spent: str
    left: str
    costs: list[CostView]
    search_cost: str


def research_view(line: InquiryLine, market: KnownMarket | None) -> ResearchView:
    """Return what its owner is shown of a question, with what is known of its market."""
    return ResearchView(**_fields(line, market))


def whole_view(found: Inquiry, market: KnownMarket | None) -> WholeResearchView:
    """Return a question with its answer."""
    sources = [] if found.sources is None else _SOURCES.decode(found.sources)
    return WholeResearchView(
        **_fields(found, market),
        content_type=_CONTENT_TYPES.get(found.content_type or ""),
        content=found.content,
        sources=list(map(_source, sources)),
    )


def search_view(found: list[Found], cost: int) -> SearchView:
    """Return what a search found."""
    results = [FoundView(one.url, one.title, one.published, one.excerpts) for one in found]
    return SearchView(results, cents_text(cost))


def budget_view(
    settings: ResearchSettings, month: int, standing: MonthlyBudget, *, is_on: bool
) -> ResearchBudgetView:
    """Return how somebody's month stands."""
    kinds = [CostView(name, cents_text(cost)) for name, cost in settings.costs.items()]
    return ResearchBudgetView(
        is_on,
        f"{month // 100}-{month % 100:02}",
        cents_text(settings.budget),
        cents_text(standing.held),
        cents_text(standing.spent),
        cents_text(standing.left(settings.month)),
        [kind for kind in kinds if kind.processor != SEARCH],
        cents_text(settings.costs[SEARCH]),
    )


def _citation(one: Citation) -> CitationView:
    return CitationView(one.url, one.title, one.excerpts)


def _source(one: Source) -> SourceView:
    citations = list(map(_citation, one.citations))
    return SourceView(one.field, one.reasoning, one.confidence, citations)


def _fields(line: InquiryLine, market: KnownMarket | None) -> dict[str, Any]:
    market_id = line.external_id
    if line.platform is not None and line.external_id is not None:
        market_id = MarketRef(line.platform, line.external_id).id
    progress = _PROGRESS.decode(line.progress)
    return {
        "id": str(line.id),
        "query": line.query,
        "market_id": market_id,
        "question": None if market is None else market.question,
        "processor": line.processor,
        "output_format": line.format,
        "status": line.status,
        "cached": line.is_cached,
        "cost": cents_text(line.cost),
        "progress": ProgressView(
            progress.percent, progress.considered, progress.read, progress.message
        ),
        "error": line.error,
        "request_id": line.request_id,
        "created_at": iso_millis(line.created_at),
        "started_at": time_if_known(line.started_at),
        "ended_at": time_if_known(line.ended_at),
    }
