"""Edits of a random market day: an admin halts the market, edits it, and lets it trade again."""

from exchange.messages.admin.commands import EditMarket
from exchange.messages.commands import Command, SetMarketStatus
from exchange.messages.terms import MarketStatus
from tests.properties.choosing import Chooser
from tests.properties.day_orders import MINUTE, DayOrders
from tests.properties.twin import Twin


class DayEdits(DayOrders):
    """Makes edits, mostly of what hasn't traded and somebody has an order in."""

    def __init__(self, twin: Twin) -> None:
        super().__init__(twin)
        self._halted: int | None = None
        """The market that was halted so that it can be edited."""

    def edit(self, choose: Chooser) -> Command:
        """Halt a market to edit it next, or edit one as it stands; now and then in a way that
        can't be.
        """
        untouched = [m.id for m in self.twin.markets.values() if not m.trade_no]
        wanted = [o.market_id for o in self.twin.orders.values() if o.market_id in untouched]
        if wanted and choose.number(0, 1):
            self._halted = choose.one_of(wanted)
            return SetMarketStatus(self._halted, MarketStatus.HALTED)
        market_id = self._any_market_id(choose)
        if untouched and choose.number(0, 3):
            market_id = choose.one_of(wanted or untouched)
        return self._edit(choose, market_id)

    def edit_of_halted(self, choose: Chooser) -> Command | None:
        """Return the edit that a market was halted for; the day lets it trade again by itself."""
        market_id, self._halted = self._halted, None
        return None if market_id is None else self._edit(choose, market_id)

    def _edit(self, choose: Chooser, market_id: int) -> Command:
        later = self.twin.now + choose.one_of((MINUTE, 9 * MINUTE))
        return EditMarket(
            market_id,
            choose.one_of((None, None, "Will it snow?", "")),
            choose.one_of((None, None, "snow", "x" * 10_001)),
            choose.one_of((None, None, "cold")),
            choose.one_of((None, None, later, later, self.twin.now, 0)),
            choose.one_of((None, None, 1, 5, 0)),
        )
