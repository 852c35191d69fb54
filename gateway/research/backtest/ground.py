"""An engine with one trader in it, whose fills and whose account are read off the engine itself.

Laws: nothing here matches, reserves or charges: the engine does, and a fill is an event of its. The
only money that moves outside it is a venue's own fee, which our fee models can't say: it is debited
from the trader's account by a command, at once or as soon as there is cash, and what is owed counts
against the equity.
"""

from collections import Counter
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Final, cast

from exchange.engine import Engine
from exchange.messages.account_events import CashTransferred, FundsDebited
from exchange.messages.bounds import CREDIT_MAX, MONEY_SCALE, PRICE_SCALE, TRIGGERS_BETWEEN
from exchange.messages.commands import Command, CreditAccount, DebitAccount, OpenAccount
from exchange.messages.errors import InvariantViolated
from exchange.messages.events import (
    CommandRejected,
    Event,
    FundsCredited,
    OrderCancelled,
    TradeExecuted,
)
from exchange.messages.execution import Execution
from exchange.messages.terms import BUY, SELL, YES, TradeKind
from exchange.model.accounts import Account
from exchange.model.accounts import Position as Holdings
from exchange.model.market import Market
from exchange.model.state import State
from gateway.research.strategy import NOTHING, Fill, Position
from gateway.venues.schedules import next_fee
from gateway.venues.terms import Role

_CLEARED_EVERY: Final = 256
_OF_MONEY: Final = frozenset({FundsCredited, FundsDebited, CashTransferred})
FeeTerms = tuple[str, tuple[tuple[str, str], ...]]
"""A venue and a market's fee terms there."""


class Ground:
    """The engine, and what befell the trader in it since it was last asked."""

    def __init__(self, trader: int) -> None:
        self.engine = Engine(State())
        self.trader = trader
        self._account: Account | None = None
        self.fills: list[Fill] = []
        """New ones; whoever reads them clears them."""
        self.ended: list[tuple[int, int]] = []
        """Ids of the trader's orders that ended, and of their markets; whoever reads them clears
        them.
        """
        self.refused: Counter[str] = Counter()
        """The trader's commands that the engine refused, by reason."""
        self.owed = 0
        """Venues' fees that there was no cash for, in money."""
        self.deposited = 0
        """What came from outside, less what went there, in money."""
        self.fees_paid = 0
        """All fees of the trader, those owed too, in money."""
        self.fees_unknown = 0
        """Fills of which nobody knows what the venue charges: they count as free."""
        self.turnover = 0
        """What all fills of the trader cost or brought, fees apart, in money."""
        self.names: dict[int, str] = {}
        """Markets' names on the tape, by their id in the engine."""
        self.fee_terms: dict[int, FeeTerms] = {}
        """Of markets whose fees are a venue's, by id."""
        self._charged: dict[int, Decimal] = {}
        """What a venue makes of the fills of an order so far, by its id."""

    @property
    def account(self) -> Account | None:
        """The trader's account; None as long as it hasn't been opened."""
        if self._account is None:
            self._account = self.engine.state.accounts.get(self.trader)
        return self._account

    @property
    def commands(self) -> int:
        """How many the engine has run."""
        return self.engine.state.seq

    def fund(self, at: int, account_id: int, amount: int) -> None:
        """Open an account and give it `amount`, however much that is."""
        self.run(at, OpenAccount(account_id, min(amount, CREDIT_MAX)))
        left = amount - CREDIT_MAX
        while left > 0:
            self.run(at, CreditAccount(account_id, min(left, CREDIT_MAX), "funds"))
            left -= CREDIT_MAX

    def run(self, at: int, command: Command) -> list[Event]:
        """Run a command and note what it did to the trader."""
        return self._noted([self.engine.execute(max(at, self.engine.state.now), command)])

    def run_due(self, at: int, *commands: Command) -> list[Event]:
        """Run what is due by a time, timers and triggers, and then commands, if there are any;
        return the events of all.
        """
        at = max(at, self.engine.state.now)
        done = self.engine.run(at, commands)
        if not commands:
            done += self.engine.run_triggers(at, TRIGGERS_BETWEEN)
        return self._noted(done)

    def _noted(self, done: list[Execution]) -> list[Event]:
        events: list[Event] = []
        if not done:
            return events
        for execution in done:
            self._note(execution)
            events += execution.events
        # Behind the fills: what an order has paid is known until its last one is noted.
        if done[-1].seq // _CLEARED_EVERY != (done[0].seq - 1) // _CLEARED_EVERY:
            self.tidy()
        return events

    def _note(self, execution: Execution) -> None:
        command, trader = execution.command, self.trader
        for event in execution.events:
            kind = type(event)
            if kind is TradeExecuted:
                self._note_trade(cast("TradeExecuted", event))
            elif kind is OrderCancelled:
                cancelled = cast("OrderCancelled", event)
                if cancelled.account_id == trader:
                    self.ended.append((cancelled.order_id, cancelled.market_id))
            elif kind is CommandRejected:
                if command.account_id == trader:
                    self.refused[cast("CommandRejected", event).reason.name] += 1
            elif kind in _OF_MONEY:
                self._note_money(event)

    def tidy(self) -> None:
        """Throw away what the engine keeps for others, and nobody here asks for."""
        state = self.engine.state
        state.dirty.clear()
        state.recent_ids.added.clear()
        if self._charged:
            orders = state.orders
            self._charged = {
                order: sum_ for order, sum_ in self._charged.items() if order in orders
            }

    def must_run(self, at: int, command: Command) -> list[Event]:
        """Run a command of our own making, which can't be refused."""
        events = self.run(at, command)
        if type(events[0]) is CommandRejected:
            raise InvariantViolated(f"{type(command).__name__} was refused: {events[0]}")
        return events

    def _note_trade(self, trade: TradeExecuted) -> None:
        """Note a trade if it is the trader's; in YES terms taker and maker are on opposite sides,
        whichever legs they traded.
        """
        is_taker_up = (trade.side is BUY) is (trade.outcome is YES)
        if trade.taker_account_id == self.trader:
            self._note_fill(trade, trade.taker_order_id, is_taker_up, Role.TAKER, trade.taker_fee)
        elif trade.maker_account_id == self.trader:
            order = trade.maker_order_id
            self._note_fill(trade, order, not is_taker_up, Role.MAKER, trade.maker_fee)

    def _note_fill(
        self, trade: TradeExecuted, order: int, is_up: bool, role: Role, charged: int
    ) -> None:
        price = trade.price
        if role is Role.MAKER and trade.kind is not TradeKind.TRANSFER:
            # Pairs are made, or given up, of one leg each.
            price = PRICE_SCALE - price
        self.turnover += price * trade.quantity
        terms = self.fee_terms.get(trade.market_id)
        if terms is not None:
            before = self._charged.get(order, Decimal(0))
            told = next_fee(terms[0], role, price, trade.quantity, terms[1], before)
            if told is None:
                self.fees_unknown += 1
            else:
                exact, self._charged[order] = told
                charged = int((exact * MONEY_SCALE).to_integral_value(ROUND_CEILING))
                self.owed += charged
        self.fees_paid += charged
        self.fills.append(
            Fill(
                self.engine.state.now,
                self.names[trade.market_id],
                order,
                BUY if is_up else SELL,
                trade.yes_price,
                trade.quantity,
                charged,
                role is Role.MAKER,
            )
        )
        if order not in self.engine.state.orders:
            self.ended.append((order, trade.market_id))

    def _note_money(self, event: Event) -> None:
        trader = self.trader
        match event:
            case FundsCredited(account_id=account_id, amount=amount):
                self.deposited += amount if account_id == trader else 0
            case FundsDebited(account_id=account_id, amount=amount):
                self.deposited -= amount if account_id == trader else 0
            case CashTransferred(legs=legs):
                for leg in legs:
                    sign = (leg.payee_id == trader) - (leg.payer_id == trader)
                    self.deposited += sign * leg.amount
            case _:
                raise TypeError(f"{type(event).__name__} moves no money")

    def settle_fees(self, at: int) -> None:
        """Pay what is owed to venues, as far as there is cash."""
        if self.owed == 0 or self.account is None:
            return
        paid = min(self.owed, self.account.available)
        if paid > 0:
            self.must_run(at, DebitAccount(self.trader, paid, "fees of the venue"))
            self.owed -= paid
            self.deposited += paid

    def market(self, market_id: int) -> Market:
        """Return a market of the engine."""
        return self.engine.state.markets[market_id]

    def position(self, market_id: int) -> Position:
        """Return what the trader holds of a market."""
        held = self.holdings().get(market_id)
        if held is None:
            return NOTHING
        return Position(held.yes.quantity, held.no.quantity)

    def holdings(self) -> Mapping[int, Holdings]:
        """Return the engine's own positions of the trader, by market."""
        return {} if self.account is None else self.account.positions

    def cash(self) -> int:
        """Return all cash of the trader, set aside or not, less what it owes."""
        account = self.account
        return 0 if account is None else account.available + account.locked - self.owed
