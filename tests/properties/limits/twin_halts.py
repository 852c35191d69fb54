"""The twin's volatility halts (RULEBOOK 16): after each command every trade that a window sees is
looked at again.
"""

from exchange.messages.events import CommandRejected, Event, ExchangeModeChanged
from exchange.messages.limit_commands import BeginPostOnly, EndHalt, EndPostOnly, HaltMarket
from exchange.messages.limit_events import PostOnlySet, ReopeningSet
from exchange.messages.reasons import Reason
from exchange.messages.terms import ExchangeMode, MarketStatus
from tests.properties.life.markets import TwinMarkets
from tests.properties.twin_records import HALTED, OPEN, POST_ONLY, TwinMarket


class TwinHalts(TwinMarkets):
    """Markets that stop by themselves and come back."""

    def next_halt(self) -> HaltMarket | None:
        """Return the halt that comes first, if any market has to."""
        moved = [m.id for m in self.markets.values() if m.status is OPEN and m.is_volatile]
        return HaltMarket(min(moved)) if moved else None

    def halt(self, command: HaltMarket) -> list[Event]:
        """Run a HaltMarket."""
        market = self.markets.get(command.market_id)
        if market is None or market.status is not OPEN or not market.is_volatile:
            return not_now()
        assert market.limits is not None
        assert market.limits.volatility_halt is not None
        return self._for_a_time(market, HALTED, market.limits.volatility_halt.halted)

    def end_halt(self, command: EndHalt) -> list[Event]:
        """Run an EndHalt."""
        market = self.markets.get(command.market_id)
        if market is None or not self._is_over(market, HALTED):
            return not_now()
        terms = None if market.limits is None else market.limits.volatility_halt
        seconds = 0 if terms is None else terms.post_only
        return self._for_a_time(market, POST_ONLY if seconds else OPEN, seconds)

    def end_post_only(self, command: EndPostOnly) -> list[Event]:
        """Run an EndPostOnly."""
        if command.market_id == 0:
            due = self.post_only_until
            if due is None or due > self.now:
                return [CommandRejected(Reason.ILLEGAL_STATUS_CHANGE, "mode", "")]
            return self.set_mode(ExchangeMode.OPEN)
        market = self.markets.get(command.market_id)
        if market is None or not self._is_over(market, POST_ONLY):
            return not_now()
        return self._for_a_time(market, OPEN, 0)

    def begin_post_only(self, command: BeginPostOnly) -> list[Event]:
        """Run a BeginPostOnly."""
        if not 1 <= command.seconds <= 86_400:
            return [CommandRejected(Reason.INVALID_AMOUNT, "seconds", "")]
        if self.mode is not ExchangeMode.OPEN and self.post_only_until is None:
            return [CommandRejected(Reason.ILLEGAL_STATUS_CHANGE, "mode", "")]
        changed, *others = self.set_mode(ExchangeMode.POST_ONLY)
        self.post_only_until = self.now + command.seconds * 1_000_000
        return [changed, *others, PostOnlySet(self.post_only_until)]

    def set_mode(self, mode: ExchangeMode) -> list[Event]:
        """Give the exchange a mode, whoever says so."""
        self.mode, self.post_only_until = mode, None
        return [ExchangeModeChanged(mode), *self.stood_down()]

    def _is_over(self, market: TwinMarket, status: MarketStatus) -> bool:
        due = market.resumes_at
        return market.status is status and due is not None and due <= self.now

    def _for_a_time(self, market: TwinMarket, status: MarketStatus, seconds: int) -> list[Event]:
        events = self.become(market, status)
        if seconds:
            market.resumes_at = self.now + seconds * 1_000_000
            events.append(ReopeningSet(market.id, market.resumes_at))
        return [*events, *self.stood_down()]


def not_now() -> list[Event]:
    """Return the refusal of a halt, or of its end, that isn't due."""
    return [CommandRejected(Reason.ILLEGAL_STATUS_CHANGE, "market", "")]
