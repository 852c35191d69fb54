"""What is asked of research: bodies and query parameters."""

from typing import Annotated, Any, Final

import msgspec

from gateway.feeds.known import NAME_LENGTH_MAX
from gateway.http.paging import SliceQuery
from gateway.markets.lookup import MarketText
from gateway.research.inquiries.settings import Processor
from gateway.research.inquiries.views import Format, Status
from gateway.trading.order_bodies import ClientIdText
from gateway.wire.errors import ValidationFailed
from gateway.wire.strict_json import BodyStruct

QUERY_LENGTH: Final = 2_000
QUERY_LEAST: Final = 3
RESULTS_MAX: Final = 20
SEARCH_LENGTH: Final = 500

QueryText = Annotated[
    str,
    msgspec.Meta(
        min_length=QUERY_LEAST,
        max_length=QUERY_LENGTH,
        description="a question, or what to find out",
        examples=["What do forecasts say about rain in Vienna this week?"],
    ),
]
SearchText = Annotated[
    str,
    msgspec.Meta(
        min_length=QUERY_LEAST,
        max_length=SEARCH_LENGTH,
        description="what to look for",
        examples=["rain forecast Vienna"],
    ),
]
MarketIdText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=NAME_LENGTH_MAX,
        description="a market's id, as an answer names it",
        extra_json_schema={"pattern": "^[!-~]+$"},
    ),
]
ResultsNumber = Annotated[
    int, msgspec.Meta(ge=1, le=RESULTS_MAX, description="pages wanted", examples=[5])
]


FieldText = Annotated[str, msgspec.Meta(max_length=200)]


class ResearchBody(BodyStruct, frozen=True):
    """A question. `marketId` (or `market`, or `slug`) is any platform's, whose question is sent
    along; `processor` says how deep to go, and what it costs: `GET /research/budget`.

    `outputFormat` text gives a report, auto an object whose fields the service chooses.
    """

    query: QueryText
    market: MarketText | None = None
    market_id: MarketText | None = None
    slug: MarketText | None = None
    processor: Processor = "base"
    output_format: Format = "text"
    request_id: ClientIdText | None = None


class SearchBody(BodyStruct, frozen=True):
    """What to look for, and how many pages are wanted."""

    query: SearchText
    num_results: ResultsNumber = 5


class ResearchQuery(SliceQuery, frozen=True):
    """Which questions are wanted; `marketId` as an answer names it."""

    status: Status | None = None
    market_id: MarketIdText | None = None


class ServiceMessage(BodyStruct, frozen=True, forbid_unknown_fields=False):
    """What the service says by itself; what else it says is passed over."""

    type: Annotated[str, msgspec.Meta(max_length=100)]
    data: Annotated[dict[FieldText, Any], msgspec.Meta(max_length=100)]


def worded(query: str) -> str:
    """Return a question's words; raises ValidationFailed where there are none."""
    words = query.strip()
    if len(words) < QUERY_LEAST:
        raise ValidationFailed.of("query", f"must have at least {QUERY_LEAST} characters")
    return words
