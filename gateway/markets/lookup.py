"""Finding the market that a path, a query or a payload names by its slug or its id.

What every domain above asks of this room; it needs none of the room's rows and views.
"""

from typing import Annotated

import msgspec

from exchange.messages.reasons import Reason
from exchange.model.market import Market
from exchange.model.state import State
from gateway.engine_side.refusals import EngineRefused
from gateway.wire.scalars import NAME_LENGTH, parse_id

MarketText = Annotated[
    str, msgspec.Meta(max_length=NAME_LENGTH, description="a market's slug or id")
]


def find_market(view: State, slug_or_id: str) -> Market | None:
    """Return the market of a slug or an id; no slug is all digits, so the two can't be confused."""
    market = view.market_by_slug.get(slug_or_id)
    if market is None:
        market_id = parse_id(slug_or_id)
        if market_id is not None:
            market = view.markets.get(market_id)
    return market


def named_market(view: State, slug_or_id: str) -> Market:
    """Return the market that a command names; raises the engine's own refusal if there is none."""
    market = find_market(view, slug_or_id)
    if market is None:
        raise EngineRefused(Reason.MARKET_NOT_FOUND, "there is no such market", "market")
    return market
