"""A naive twin of the engine, written from RULEBOOK and not from the engine's code.

Lists, dicts and `min`; no index, no cached sum, nothing shared with `exchange/` but commands,
events and enumerations.  The book is a search through all open orders; a FOK is decided by trying
it on a copy; netting looks at everything the command touched.  It is slow, short and obvious:
where it and the engine differ, one of them is wrong.

Orders and their walk are in `twin_orders.py`, their amends in `twin_amends.py`, their endings in
`twin_endings.py`, the records in `twin_records.py`.
"""

from itertools import permutations
from typing import Any

import msgspec

from exchange.messages.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    CloseMarket,
    Command,
    CreateMarket,
    CreditAccount,
    ExpireOrder,
    OpenAccount,
    PlaceOrder,
    RefuseUnstorable,
    ResolveMarket,
    SetExchangeMode,
    SetMarketStatus,
)
from exchange.messages.events import (
    AccountOpened,
    CommandRejected,
    CommandReplayed,
    Event,
    ExchangeModeChanged,
    FundsCredited,
    MarketCreated,
    MarketResolved,
    MarketStatusChanged,
    PositionSettled,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import CancelReason, MarketStatus, Outcome, Resolution
from tests.properties.twin_amends import TwinAmends
from tests.properties.twin_records import (
    CLOSED,
    DRAFT,
    FULL_HALT,
    HALTED,
    ONE,
    OPEN,
    POST_ONLY,
    TwinAccount,
    TwinMarket,
)

LIVE = (DRAFT, OPEN, POST_ONLY, HALTED, FULL_HALT)
MAY_FOLLOW = {
    (DRAFT, OPEN),
    *((before, CLOSED) for before in (DRAFT, OPEN, POST_ONLY, HALTED)),
    *permutations((OPEN, POST_ONLY, HALTED, FULL_HALT), 2),
}
RESERVED = {
    *("admin", "auth", "batch", "by-client-id", "categories", "markets", "orderbook", "orders"),
    *("random", "search", "trades", "user", "users"),
}
CREDIT_MAX = 10**15


class Twin(TwinAmends):
    """Every command of the exchange, the slow and obvious way."""

    def run(self, at: int, *commands: Command) -> list[tuple[Command, list[Event]]]:
        """Run what is due by `at` and then the commands; return each with its events."""
        at = max(at, self.now)
        done: list[tuple[Command, list[Event]]] = []
        while (timer := self._first_due(at)) is not None:
            done.append((timer, self.execute(at, timer)))
        done.extend((command, self.execute(at, command)) for command in commands)
        return done

    def _first_due(self, at: int) -> Command | None:
        """Return the next timer: of one moment closings before expiries, then by id."""
        due = [
            (market.close_time, 1, market.id)
            for market in self.markets.values()
            if market.status in LIVE
        ]
        due += [(o.expires_at, 2, o.id) for o in self.orders.values() if o.expires_at is not None]
        when, kind, number = min(due, default=(at + 1, 0, 0))
        if when > at:
            return None
        return CloseMarket(number) if kind == 1 else ExpireOrder(number)

    def execute(self, at: int, command: Command) -> list[Event]:
        """Run one command and return its events."""
        self.begin(at)
        events = self._once(command)
        self.finish()
        return events

    def _once(self, command: Command) -> list[Event]:
        """Answer an id that was used before; let every other command through."""
        key, content = id_of(command)
        if key is not None:
            if key in self.ids:
                first_seq, first_content = self.ids[key]
                if first_content == content:
                    return [CommandReplayed(first_seq)]
                field = "requestId" if isinstance(command, CreditAccount) else "clientOrderId"
                return refused(Reason.CONFLICT, field)
            self.ids[key] = (self.seq, content)
        return self._handle(command)

    def _handle(self, command: Command) -> list[Event]:  # noqa: C901, PLR0912 - a list of commands
        match command:
            case OpenAccount():
                return self._open_account(command)
            case CreditAccount():
                return self._credit(command)
            case CreateMarket():
                return self._create_market(command)
            case SetMarketStatus():
                return self._set_status(command)
            case ResolveMarket():
                return self._resolve(command)
            case CloseMarket():
                return self._close_due(command)
            case SetExchangeMode():
                self.mode = command.mode
                return [ExchangeModeChanged(command.mode)]
            case PlaceOrder():
                return self.place(command)
            case ExpireOrder():
                return self.expire(command)
            case AmendOrder():
                return self.amend(command)
            case CancelOrder():
                return self.cancel(command)
            case CancelAll():
                return self.cancel_all(command)
            case RefuseUnstorable():
                return refused(Reason.NOT_STORED, "")

    def _open_account(self, command: OpenAccount) -> list[Event]:
        known = self.accounts.get(command.account_id)
        if known is not None:
            return [CommandReplayed(known.opened_seq)]
        amount = command.starting_credits
        if command.account_id < 1 or amount < 0 or amount > CREDIT_MAX:
            return refused(Reason.INVALID_AMOUNT, "startingCredits")
        if self.issued + amount > self.issuance_max:
            return refused(Reason.ISSUANCE_EXHAUSTED, "")
        self.accounts[command.account_id] = TwinAccount(command.account_id, self.seq)
        self.cash_changed(command.account_id)
        events: list[Event] = [AccountOpened(command.account_id)]
        if amount > 0:
            self._issue(command.account_id, amount)
            events.append(FundsCredited(command.account_id, amount, "starting credits", None))
        return events

    def _credit(self, command: CreditAccount) -> list[Event]:
        if command.account_id not in self.accounts:
            return refused(Reason.ACCOUNT_NOT_FOUND, "id")
        if command.amount < 1 or command.amount > CREDIT_MAX:
            return refused(Reason.INVALID_AMOUNT, "amount")
        if len(command.reason) > 200:
            return refused(Reason.INVALID_AMOUNT, "reason")
        if self.issued + command.amount > self.issuance_max:
            return refused(Reason.ISSUANCE_EXHAUSTED, "")
        self._issue(command.account_id, command.amount)
        return [
            FundsCredited(command.account_id, command.amount, command.reason, command.request_id)
        ]

    def _issue(self, account_id: int, amount: int) -> None:
        self.accounts[account_id].available += amount
        self.issued += amount
        self.cash_changed(account_id)

    def _create_market(self, command: CreateMarket) -> list[Event]:
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

    def _set_status(self, command: SetMarketStatus) -> list[Event]:
        market = self.markets.get(command.market_id)
        if market is None:
            return refused(Reason.MARKET_NOT_FOUND, "market")
        if market.status in {MarketStatus.RESOLVED, MarketStatus.VOID}:
            return refused(Reason.MARKET_ALREADY_RESOLVED, "status")
        if (market.status, command.status) not in MAY_FOLLOW:
            return refused(Reason.ILLEGAL_STATUS_CHANGE, "status")
        if command.status is CLOSED:
            return self._close(market)
        market.status = command.status
        self.public_changed(market.id)
        return [MarketStatusChanged(market.id, command.status)]

    def _close_due(self, command: CloseMarket) -> list[Event]:
        market = self.markets.get(command.market_id)
        if market is None or market.status not in LIVE:
            return refused(Reason.MARKET_NOT_OPEN, "market")
        return self._close(market)

    def _close(self, market: TwinMarket) -> list[Event]:
        """Close for good: bids are cancelled before asks, each side best price first."""
        market.status = CLOSED
        self.public_changed(market.id)
        events: list[Event] = [MarketStatusChanged(market.id, CLOSED)]
        resting = [order for order in self.orders.values() if order.market_id == market.id]
        bids = sorted((o for o in resting if o.is_bid), key=lambda o: (-o.yes_price, o.place))
        asks = sorted((o for o in resting if not o.is_bid), key=lambda o: (o.yes_price, o.place))
        events += [self.end(order, CancelReason.MARKET_CLOSED) for order in bids + asks]
        return events + self.netting()

    def _resolve(self, command: ResolveMarket) -> list[Event]:
        market = self.markets.get(command.market_id)
        if market is None:
            return refused(Reason.MARKET_NOT_FOUND, "market")
        if market.status in {MarketStatus.RESOLVED, MarketStatus.VOID}:
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
        void = command.outcome is Resolution.VOID
        market.status = MarketStatus.VOID if void else MarketStatus.RESOLVED
        market.resolution, market.yes_payout = command.outcome, payout
        market.source, market.resolved_at = command.source, self.now
        self.public_changed(market.id)
        events.append(MarketResolved(market.id, command.outcome, payout, command.source))
        return events + self._pay_holders(market, payout)

    def _pay_holders(self, market: TwinMarket, payout: int) -> list[Event]:
        events: list[Event] = []
        for account_id in sorted(self.accounts):
            yes = self.holding(account_id, market.id, Outcome.YES)
            no = self.holding(account_id, market.id, Outcome.NO)
            if yes.free == no.free == 0:
                continue
            paid = yes.free * payout + no.free * (ONE - payout)
            events.append(PositionSettled(market.id, account_id, yes.free, no.free, paid))
            self.realised[account_id, market.id] += paid - yes.cost - no.cost
            yes.free = yes.cost = no.free = no.cost = 0
            self.accounts[account_id].available += paid
            market.collateral -= paid
            self.cash_changed(account_id)
            self.shares_changed(account_id, market.id, Outcome.YES)
            self.shares_changed(account_id, market.id, Outcome.NO)
        return events


def id_of(command: Command) -> tuple[tuple[int, str, str] | None, Any]:
    """Return under which id a command takes effect once, and its content."""
    match command:
        case PlaceOrder(client_order_id=str() as client_id):
            return (command.account_id, "order", client_id), without_prior(command)
        case CreditAccount(request_id=str() as request_id):
            return (command.account_id, "request", request_id), without_prior(command)
    return None, None


def without_prior(command: PlaceOrder | CreditAccount) -> tuple[Any, ...]:
    """Return a command's content, less what the shell wrote into it."""
    return msgspec.structs.astuple(msgspec.structs.replace(command, prior=None))


def refused(reason: Reason, field: str) -> list[Event]:
    """Return the one event of a refusal; its words are the engine's own affair."""
    return [CommandRejected(reason, field, "")]
