"""What is asked of positions that people note down, and which of it can't be."""

from typing import Annotated

import msgspec

from exchange.messages.bounds import QUESTION_LENGTH
from exchange.messages.terms import Outcome
from gateway.feeds.known import NAME_LENGTH_MAX, platform_text
from gateway.http.paging import PageQuery
from gateway.portfolio.naming import MarketIdText, PlatformText, one_line
from gateway.portfolio.records.amounts import CostIfAny, CostText, SharesIfAny, SharesText
from gateway.portfolio.records.views import PositionStatus
from gateway.wire.errors import ValidationFailed
from gateway.wire.strict_json import BodyStruct, not_given

TickerText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=NAME_LENGTH_MAX,
        description="shown in its place",
        extra_json_schema={"pattern": r"\S"},
    ),
]
PositionQuestionText = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=QUESTION_LENGTH,
        description="unset: the market's own; a market that nobody lists needs one",
        extra_json_schema={"pattern": r"\S"},
    ),
]


class PositionsOfQuery(PageQuery, frozen=True):
    """Which positions; unset: all."""

    status: PositionStatus | None = None
    platform: Annotated[str, platform_text("unset: all")] | None = None


class PositionBody(BodyStruct, frozen=True):
    """Shares of one side of a market of any platform, and what one of them cost on average."""

    market_id: MarketIdText
    side: Outcome
    quantity: SharesText
    avg_cost: CostText
    platform: PlatformText | None = None
    ticker: TickerText | None = None
    question: PositionQuestionText | None = None


class PositionChange(BodyStruct, frozen=True):
    """What of an open position is to change, at least one of these."""

    quantity: SharesIfAny = not_given()
    avg_cost: CostIfAny = not_given()
    ticker: TickerText | None = None
    question: PositionQuestionText | None = None


class CloseBody(BodyStruct, frozen=True):
    """At which price of its side a position is closed; unset: what a share is worth now."""

    price: CostIfAny = not_given()


def ticker_of(text: str | None) -> str | None:
    """Return a ticker as it is stored; raises ValidationFailed."""
    if text is None:
        return None
    ticker = one_line(text, "ticker", NAME_LENGTH_MAX)
    if not ticker:
        raise ValidationFailed.of("ticker", "must not be blank")
    return ticker


def question_of(text: str | None) -> str | None:
    """Return a question as it is stored; raises ValidationFailed."""
    if text is None:
        return None
    question = one_line(text, "question", QUESTION_LENGTH)
    if not question:
        raise ValidationFailed.of("question", "must not be blank")
    return question
