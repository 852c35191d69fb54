"""The twin's markets: listing, their life, and what a resolution pays (RULEBOOK 9)."""

from itertools import permutations
from typing import Any

import msgspec

from exchange.messages.admin.commands import EditMarket
from exchange.messages.commands import (
    CloseMarket,
    CreateMarket,
    PayHolders,
    ResolveMarket,
    SetMarketStatus,
)
from exchange.messages.events import (
    CommandRejected,
    Event,
    HoldersPaid,
    MarketCreated,
    MarketEdited,
    MarketResolved,
    MarketStatusChanged,
    PositionSettled,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason, MarketStatus, Outcome, Resolution
from tests.properties.twin_records import (
    CLOSED,
    DRAFT,
    FULL_HALT,
    HALTED,
    ONE,
    OPEN,
    POST_ONLY,
    RESOLVING,
    TwinMarket,
)
from tests.properties.waiting.twin_waiting import TwinWaiting

LIVE = (DRAFT, OPEN, POST_ONLY, HALTED, FULL_HALT)
DECIDED = (RESOLVING, MarketStatus.RESOLVED, MarketStatus.VOID)
MAY_FOLLOW = {
    (DRAFT, OPEN),
    *((before, CLOSED) for before in (DRAFT, OPEN, POST_ONLY, HALTED)),
    *permutations((OPEN, POST_ONLY, HALTED, FULL_HALT), 2),
}
RESERVED = {
    *("admin", "auth", "batch", "by-client-id", "categories", "markets", "orderbook", "orders"),
    *("random", "search", "trades", "user", "users"),
}


class TwinMarkets(TwinWaiting):
    """Questions, from their listing to the last payout."""

    def create_market(self, command: CreateMarket) -> list[Event]:
        """Run a CreateMarket."""
        wrong = self._wrong_with_market(command)
        if wrong is not None:
            return refused(Reason.INVALID_MARKET, wrong)
        if command.slug in [market.slug for market in self.markets.values()]:
            return refused(Reason.SLUG_TAKEN, "slug")
        if command.close_time <= self.now:
            return refused(Reason.CLOSE_TIME_PASSED, "closeTime")
        terms = {
            field: getattr(command, field)
            for field in command.__struct_fields__
            if field != "draft"
        }
        status = DRAFT if command.draft else OPEN
        market_id = len(self.markets) + 1
        self.markets[market_id] = TwinMarket(
            id=market_id, status=status, created_at=self.now, **terms
        )
        self.public_changed(market_id)
        return [MarketCreated(market_id=market_id, status=status, **terms)]

    def _wrong_with_market(self, command: CreateMarket) -> str | None:
        slug = command.slug
        letters = set("abcdefghijklmnopqrstuvwxyz0123456789-")
        wrong = {
            "slug": not 3 <= len(slug) <= 80
            or set(slug) - letters
            or slug in RESERVED
            or not set(slug) - set("0123456789"),
            "question": not 1 <= len(command.question) <= 500,
            "description": len(command.description) > 10_000,
            "category": len(command.category) > 60,
            "closeTime": not 0 < command.close_time <= 253_402_300_799_999_999,
            "tickSize": command.tick_size not in {1, 10, 100},
            "minQuantity": not 1 <= command.min_quantity <= 10**10,
            "makerFee": not 0 <= command.maker_fee <= 1_000,
            "takerFee": not 0 <= command.taker_fee <= 1_000,
        }
        return next((field for field, is_wrong in wrong.items() if is_wrong), None)

    def edit_market(self, command: EditMarket) -> list[Event]:
        """Run an EditMarket."""
        market = self.markets.get(command.market_id)
        if market is None:
            return refused(Reason.MARKET_NOT_FOUND, "market")
        if market.status is CLOSED:
            return refused(Reason.MARKET_NOT_OPEN, "market")
        if market.status in DECIDED:
            return refused(Reason.MARKET_ALREADY_RESOLVED, "market")
        if market.trade_no > 0:
            return refused(Reason.MARKET_TRADED, "market")
        changes = {
            field: getattr(command, field)
            for field in ("question", "description", "category", "close_time", "min_quantity")
            if getattr(command, field) is not None
        }
        wrong = _wrong_with(changes)
        if wrong is not None:
            return refused(Reason.INVALID_MARKET, wrong)
        if changes.get("close_time", self.now + 1) <= self.now:
            return refused(Reason.CLOSE_TIME_PASSED, "closeTime")
        before = market.question, market.description, market.close_time
        about = ("question", "description", "close_time")
        after = tuple(changes.get(field, getattr(market, field)) for field in about)
        if before != after and market.status.value in {"OPEN", "POST_ONLY"}:
            return refused(Reason.MARKET_NOT_HALTED, "market")
        for field, value in changes.items():
            setattr(market, field, value)
        self.public_changed(market.id)
        events: list[Event] = [
            MarketEdited(
                market.id,
                market.question,
                market.description,
                market.category,
                market.close_time,
                market.min_quantity,
            )
        ]
        if before != after:
            events += self._end_all(market, CancelReason.ADMIN)
        return events

    def set_status(self, command: SetMarketStatus) -> list[Event]:
        """Run a SetMarketStatus."""
        market = self.markets.get(command.market_id)
        if market is None:
            return refused(Reason.MARKET_NOT_FOUND, "market")
        if market.status in DECIDED:
            return refused(Reason.MARKET_ALREADY_RESOLVED, "status")
        kept = market.status is command.status and market.resumes_at is not None
        if (market.status, command.status) not in MAY_FOLLOW and not kept:
            return refused(Reason.ILLEGAL_STATUS_CHANGE, "status")
        if command.status is CLOSED:
            return self._close(market)
        return [*self.become(market, command.status), *self.stood_down()]

    def become(self, market: TwinMarket, status: MarketStatus) -> list[Event]:
        """Give a market its next status; what went with the one before is over."""
        market.status = status
        market.resumes_at, market.tape = None, ()
        self.public_changed(market.id)
        return [MarketStatusChanged(market.id, status)]

    def close_due(self, command: CloseMarket) -> list[Event]:
        """Run a CloseMarket."""
        market = self.markets.get(command.market_id)
        if market is None or market.status not in LIVE:
            return refused(Reason.MARKET_NOT_OPEN, "market")
        return self._close(market)

    def _close(self, market: TwinMarket) -> list[Event]:
        """Close for good: bids are cancelled before asks, each side best price first."""
        return [*self.become(market, CLOSED), *self._end_all(market, CancelReason.MARKET_CLOSED)]

    def _end_all(self, market: TwinMarket, reason: CancelReason) -> list[Event]:
        resting = [order for order in self.orders.values() if order.market_id == market.id]
        book = [order for order in resting if order.in_book]
        bids = sorted((o for o in book if o.is_bid), key=lambda o: (-o.yes_price, o.place))
        asks = sorted((o for o in book if not o.is_bid), key=lambda o: (o.yes_price, o.place))
        apart = [order for order in resting if order.is_pending]
        events = [self.end(order, reason) for order in bids + asks + apart]
        return [*events, *self.netting()]

    def resolve(self, command: ResolveMarket) -> list[Event]:
        """Run a ResolveMarket."""
        market = self.markets.get(command.market_id)
        if market is None:
            return refused(Reason.MARKET_NOT_FOUND, "market")
        if market.status in DECIDED:
            return refused(Reason.MARKET_ALREADY_RESOLVED, "market")
        payout = command.yes_payout
        if (command.outcome is Resolution.SPLIT) is (payout is None):
            return refused(Reason.INVALID_PAYOUT, "yesPayout")
        if payout is not None and not 1 <= payout <= 9_999:
            return refused(Reason.INVALID_PAYOUT, "yesPayout")
        if len(command.source) > 500:
            return refused(Reason.INVALID_PAYOUT, "source")
        events = [] if market.status is CLOSED else self._close(market)
        if payout is None:
            payout = {Resolution.YES: ONE, Resolution.NO: 0}.get(command.outcome, ONE // 2)
        market.resolution, market.yes_payout = command.outcome, payout
        market.source, market.resolved_at = command.source, self.now
        self.public_changed(market.id)
        resolved = MarketResolved(market.id, command.outcome, payout, command.source)
        if command.in_slices and len(self._holders(market)) > self.payout_holders:
            market.status = RESOLVING
            market.next_payout = self.now
            return [*events, msgspec.structs.replace(resolved, paying_from=self.now)]
        market.status = final_status(market)
        return [*events, resolved, *self._pay(market, self._holders(market))]

    def pay_holders(self, command: PayHolders) -> list[Event]:
        """Pay the next holders, some at a time."""
        market = self.markets.get(command.market_id)
        if market is None:
            return refused(Reason.MARKET_NOT_FOUND, "market")
        if market.next_payout is None or market.next_payout > self.now:
            return refused(Reason.ILLEGAL_STATUS_CHANGE, "market")
        events = self._pay(market, self._holders(market)[: min(250, self.payout_holders)])
        if self._holders(market):
            market.next_payout = self.now + 50_000
            return [*events, HoldersPaid(market.id, market.next_payout)]
        market.next_payout = None
        market.status = final_status(market)
        self.public_changed(market.id)
        return [*events, MarketStatusChanged(market.id, market.status)]

    def _holders(self, market: TwinMarket) -> list[int]:
        return [
            account_id
            for account_id in sorted(self.accounts)
            if any(
                self.holding(account_id, market.id, outcome).free
                for outcome in (Outcome.YES, Outcome.NO)
            )
        ]

    def _pay(self, market: TwinMarket, holders: list[int]) -> list[Event]:
        assert market.yes_payout is not None
        events: list[Event] = []
        for account_id in holders:
            yes = self.holding(account_id, market.id, Outcome.YES)
            no = self.holding(account_id, market.id, Outcome.NO)
            paid = yes.free * market.yes_payout + no.free * (ONE - market.yes_payout)
            events.append(PositionSettled(market.id, account_id, yes.free, no.free, paid))
            self.realised[account_id, market.id] += paid - yes.cost - no.cost
            yes.free = yes.cost = no.free = no.cost = 0
            self.accounts[account_id].available += paid
            market.collateral -= paid
            self.cash_changed(account_id)
            self.shares_changed(account_id, market.id, Outcome.YES)
            self.shares_changed(account_id, market.id, Outcome.NO)
        return events


def _wrong_with(changes: dict[str, Any]) -> str | None:
    """Return the first of the values of an edit that can't be, as it is called on the wire."""
    limits = {"question": (1, 500), "description": (0, 10_000), "category": (0, 60)}
    for field, (least, most) in limits.items():
        if field in changes and not least <= len(changes[field]) <= most:
            return field
    if not 0 < changes.get("close_time", 1) <= 253_402_300_799_999_999:
        return "closeTime"
    return None if 1 <= changes.get("min_quantity", 1) <= 10**10 else "minQuantity"


def final_status(market: TwinMarket) -> MarketStatus:
    """Return what a market with an answer is once everybody is paid."""
    return MarketStatus.VOID if market.resolution is Resolution.VOID else MarketStatus.RESOLVED


def refused(reason: Reason, field: str) -> list[Event]:
    """Return the one event of a refusal; its words are the engine's own affair."""
    return [CommandRejected(reason, field, "")]
