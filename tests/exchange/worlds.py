"""Builders for tests of the core: an engine with accounts and a market, and short ways to send.

Defaults are such that what a test sets matters to it: no fees, a tick of 0.01, GTC limit orders.
"""

from exchange.engine import Engine
from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import (
    CancelAll,
    CancelOrder,
    Command,
    CreateMarket,
    CreditAccount,
    OpenAccount,
    PlaceOrder,
    ResolveMarket,
)
from exchange.messages.events import CommandRejected, Event, OrderPlaced
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    BUY,
    GTC,
    LIMIT,
    MARKET,
    NO,
    SELL,
    YES,
    FeeModel,
    Outcome,
    Resolution,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from exchange.model.market import Market
from exchange.model.order_book import Order
from exchange.model.state import State

ANN, BOB, CEM = 1, 2, 3
CLOSE_TIME = 10**9


class World:
    """An engine with three accounts of 100 credits and market 1, in which nothing happened yet."""

    def __init__(
        self,
        *,
        cash: int = 100,
        tick_size: int = 100,
        min_quantity: int = 1,
        maker_fee: int = 0,
        taker_fee: int = 0,
        fee_model: FeeModel = FeeModel.FLAT,
    ) -> None:
        self.state = State()
        self.engine = Engine(self.state)
        for account_id in (ANN, BOB, CEM):
            self.send(OpenAccount(account_id, cash * MONEY_SCALE))
        self.send(
            market_command(
                tick_size=tick_size,
                min_quantity=min_quantity,
                maker_fee=maker_fee,
                taker_fee=taker_fee,
                fee_model=fee_model,
            )
        )

    @property
    def market(self) -> Market:
        return self.state.markets[1]

    def send(self, command: Command, at: int | None = None) -> list[Event]:
        """Run one command and return its events (those of timers are left out)."""
        now = self.state.now if at is None else at
        return self.engine.run(now, [command])[-1].events

    def limit(
        self,
        account_id: int,
        side: Side,
        outcome: Outcome,
        price: int,
        quantity: int,
        time_in_force: TimeInForce = GTC,
        prevention: SelfTradePrevention = SelfTradePrevention.CANCEL_TAKER,
        client_id: str | None = None,
    ) -> list[Event]:
        """Place a LIMIT order."""
        terms = (side, outcome, LIMIT, price, quantity, time_in_force, prevention, None, client_id)
        return self.send(PlaceOrder(account_id, 1, *terms))

    def take(
        self,
        account_id: int,
        side: Side,
        outcome: Outcome,
        quantity: int | None,
        time_in_force: TimeInForce = TimeInForce.IOC,
        max_cost: int | None = None,
    ) -> list[Event]:
        """Place a MARKET order."""
        prevention = SelfTradePrevention.CANCEL_TAKER
        terms = (side, outcome, MARKET, None, quantity, time_in_force, prevention, max_cost)
        return self.send(PlaceOrder(account_id, 1, *terms))

    def mint(self, buyer_of_yes: int, buyer_of_no: int, quantity: int, price: int = 5_000) -> None:
        """Make pairs: one account gets the YES shares, another the NO shares."""
        self.limit(buyer_of_yes, BUY, YES, price, quantity)
        self.limit(buyer_of_no, BUY, NO, 10_000 - price, quantity)

    def rest(
        self, account_id: int, side: Side, outcome: Outcome, price: int, quantity: int
    ) -> Order:
        """Place an order that must rest, and return it."""
        placed = self.limit(account_id, side, outcome, price, quantity)[0]
        assert isinstance(placed, OrderPlaced), placed
        assert placed.resting
        return self.state.orders[placed.order_id]

    def cancel(self, account_id: int, order_id: int) -> list[Event]:
        return self.send(CancelOrder(account_id, order_id))

    def cancel_all(self, account_id: int, market_id: int | None = None) -> list[Event]:
        return self.send(CancelAll(account_id, market_id))

    def credit(
        self, account_id: int, amount: int, request_id: str | None = None, reason: str = "gift"
    ) -> list[Event]:
        return self.send(CreditAccount(account_id, amount, reason, request_id))

    def resolve(self, outcome: Resolution, yes_payout: int | None = None) -> list[Event]:
        return self.send(ResolveMarket(1, outcome, yes_payout, ""))

    def idle(self, commands: int) -> None:
        """Let that many commands pass that change nothing."""
        self.engine.run(self.state.now, [CancelOrder(ANN, 0)] * commands)


def busy_world() -> World:
    """Return a world with fees in which every kind of record exists."""
    world = World(maker_fee=10, taker_fee=35, tick_size=1)
    world.mint(ANN, BOB, 1_000)
    world.limit(ANN, SELL, YES, 6_000, 300)
    world.limit(CEM, BUY, YES, 4_001, 333, client_id="cem-1")
    world.limit(BOB, SELL, NO, 5_500, 100)
    world.limit(CEM, BUY, NO, 3_999, 77)
    world.credit(CEM, 5, "req-1")
    return world


def market_command(
    *,
    slug: str = "rain",
    question: str = "Will it rain?",
    description: str = "",
    category: str = "",
    close_time: int = CLOSE_TIME,
    tick_size: int = 100,
    min_quantity: int = 1,
    maker_fee: int = 0,
    taker_fee: int = 0,
    fee_model: FeeModel = FeeModel.FLAT,
    draft: bool = False,
) -> CreateMarket:
    """Return a CreateMarket that is fine but for what the caller changes."""
    return CreateMarket(
        *(slug, question, description, category, close_time, tick_size, min_quantity),
        *(maker_fee, taker_fee, fee_model, draft),
    )


def reason_of(events: list[Event]) -> Reason:
    """Return why a command was refused."""
    (event,) = events
    assert isinstance(event, CommandRejected), event
    return event.reason


def field_of(events: list[Event]) -> str:
    """Return the field that a refusal names."""
    (event,) = events
    assert isinstance(event, CommandRejected), event
    return event.field
