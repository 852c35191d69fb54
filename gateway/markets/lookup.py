"""Finding the market that a path, a query or a payload names by its slug or its id.

What every domain above asks of this room; it needs none of the room's rows and views. Wherever a
market is named beside a path, it is by `market` (slug or id); `marketId` and `slug` are taken too,
and either of them holds a slug or an id as well.
"""

from typing import Annotated, Final, Protocol

import msgspec

from exchange.messages.reasons import Reason
from exchange.model.market import DRAFT, Market
from exchange.model.state import State
from gateway.engine_side.refusals import EngineRefused
from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import NAME_LENGTH, parse_id

_SHOWN_ALONE: Final = " of ours: those of other venues are shown, not traded"

MarketText = Annotated[
    str, msgspec.Meta(max_length=NAME_LENGTH, description="a market's slug or id")
]


class NamesMarket(Protocol):
    """A query or a payload that names a market, or leaves it out."""

    @property
    def market(self) -> str | None: ...  # noqa: D102 - plain fields
    @property
    def market_id(self) -> str | None: ...  # noqa: D102
    @property
    def slug(self) -> str | None: ...  # noqa: D102


def market_name(asked: NamesMarket) -> str | None:
    """Return the slug or id that is given, None for none; raises ValidationFailed for several."""
    market, market_id, slug = asked.market, asked.market_id, asked.slug
    if market_id is None and slug is None:
        return market
    names = [name for name in (market, market_id, slug) if name is not None]
    if len(names) > 1:
        raise ValidationFailed.of("market", "give only one of market, marketId and slug")
    return names[0]


def required_market_name(asked: NamesMarket) -> str:
    """Return the slug or id that is given; raises ValidationFailed unless exactly one is."""
    name = market_name(asked)
    if name is None:
        raise ValidationFailed.of("market", "is required: a market's slug or id")
    return name


def asked_market(view: State, asked: NamesMarket) -> Market | None:
    """Return the market that a query asks for, None for all; raises the engine's refusal."""
    name = market_name(asked)
    return None if name is None else named_market(view, name)


def find_market(view: State, slug_or_id: str, *, drafts: bool = False) -> Market | None:
    """Return the market of a slug or an id; no slug is all digits, so the two can't be confused.

    A DRAFT is there only for whoever may see `drafts`, which are admins.
    """
    market = view.market_by_slug.get(slug_or_id)
    if market is None:
        market_id = parse_id(slug_or_id)
        if market_id is not None:
            market = view.markets.get(market_id)
    if market is not None and market.status is DRAFT and not drafts:
        return None
    return market


def named_market(
    view: State, slug_or_id: str, *, drafts: bool = False, field: str = "market"
) -> Market:
    """Return the market that a command names in `field`; raises the engine's own refusal if there
    is none.
    """
    market = find_market(view, slug_or_id, drafts=drafts)
    if market is None:
        # No slug or id of ours has a colon; an id of another platform has one.
        message = "there is no such market" + _SHOWN_ALONE * (":" in slug_or_id)
        raise EngineRefused(Reason.MARKET_NOT_FOUND, message, field)
    return market
