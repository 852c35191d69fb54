"""What portfolios hold and what that is worth now: the tables, the committed view and live prices
put together.

Our own portfolio is made of the view, the others of what was noted down; both come out as the same
lots, so that figures and allocations are made in one way (`valuation.py`).
"""

from collections.abc import Iterable, Sequence

from exchange.model.state import State
from gateway.feeds.known import MarketCatalogue, MarketRef
from gateway.portfolio.records.valuation import Held, Known, Lot, held_here
from gateway.trading.views import ReadMark, read_mark
from persistence.repositories.portfolio_positions import (
    ClosedSum,
    OpenShares,
    PortfolioPositions,
)


class Holdings:
    """Reads what portfolios hold."""

    def __init__(
        self, positions: PortfolioPositions, view: State, markets: MarketCatalogue
    ) -> None:
        self._positions = positions
        self._view = view
        self._markets = markets

    def mark(self, user_id: int) -> ReadMark:
        """Return how far a read of somebody's portfolios reaches that begins now."""
        return read_mark(self._view, user_id)

    def here(self, user_id: int) -> Held:
        """Return what somebody holds on the exchange."""
        return held_here(self._view.accounts.get(user_id), self._view)

    async def noted(self, portfolio_ids: Sequence[int]) -> dict[int, Held]:
        """Return what each of these portfolios holds."""
        if not portfolio_ids:
            return {}
        shares = await self._positions.open_shares(portfolio_ids)
        closed = await self._positions.closed_sums(portfolio_ids)
        return held_of(portfolio_ids, shares, closed)

    async def known(self, held: Iterable[Held]) -> Known:
        """Return what is known of the markets of all these, each platform asked once."""
        refs: dict[MarketRef, None] = {lot.ref: None for one in held for lot in one.lots}
        return await self._markets.known_many(refs) if refs else {}


def held_of(
    portfolio_ids: Iterable[int], shares: Iterable[OpenShares], closed: Iterable[ClosedSum]
) -> dict[int, Held]:
    """Return the sums of the tables by portfolio; one without positions holds nothing."""
    lots: dict[int, list[Lot]] = {number: [] for number in portfolio_ids}
    sums = {one.portfolio_id: one for one in closed}
    for one in shares:
        ref = MarketRef(one.platform, one.external_id)
        lots[one.portfolio_id].append(Lot(ref, one.side, one.positions, one.quantity, one.cost))
    return {
        number: Held(
            tuple(found),
            sums[number].positions if number in sums else 0,
            sums[number].realized_pnl if number in sums else 0,
        )
        for number, found in lots.items()
    }
