"""Where several things are wrong at once, the one with the lowest number is named (RULEBOOK 11).

Each command is sent with everything wrong that can be wrong together; then one thing after the
other is put right, and the numbers only grow.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from exchange.messages.bounds import CREDIT_MAX, ISSUANCE_MAX
from exchange.messages.command_bases import Prior
from exchange.messages.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    CreditAccount,
    OpenAccount,
    PlaceOrder,
    ResolveMarket,
    SetExchangeMode,
    SetMarketStatus,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.limit_commands import SetMarketLimits
from exchange.messages.limits import MarketLimits
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    BUY,
    FOK,
    GTC,
    GTD,
    LIMIT,
    STOP_LIMIT,
    YES,
    ExchangeMode,
    MarketStatus,
    Resolution,
)
from tests.exchange.worlds import ANN, BOB, World, market_command, reason_of

NOBODY = 99
Repair = Callable[[World, Command], Command]


def with_(**changes: Any) -> Repair:
    """Send it with these fields."""
    return lambda _, command: replace(command, **changes)


def after(*commands: Command) -> Repair:
    """Send it after these commands."""

    def run(world: World, command: Command) -> Command:
        for one in commands:
            world.send(one)
        return command

    return run


HALT = (SetExchangeMode(ExchangeMode.HALTED), SetMarketStatus(1, MarketStatus.FULL_HALT))
TRADE_AGAIN = SetExchangeMode(ExchangeMode.OPEN)
OPEN_AGAIN = SetMarketStatus(1, MarketStatus.OPEN)
AT_MOST = MarketLimits(order_quantity=10**7)


def placing() -> PlaceOrder:
    """An order of nobody, in no market, with terms that can't be, that nothing could pay for."""
    return PlaceOrder(
        *(NOBODY, 7, BUY, YES, LIMIT, 0, 1, GTD),
        client_order_id="a",
        prior=Prior(1, b"x"),
        conditions=OrderConditions(expires_at=1),
    )


WAYS: dict[str, tuple[Command, Sequence[tuple[Reason, Repair]]]] = {
    "place": (
        placing(),
        (
            (Reason.CONFLICT, with_(prior=None, client_order_id=None)),
            (Reason.ACCOUNT_NOT_FOUND, with_(account_id=ANN)),
            (Reason.MARKET_NOT_FOUND, with_(market_id=1)),
            (Reason.EXCHANGE_HALTED, after(SetExchangeMode(ExchangeMode.CANCEL_ONLY))),
            (Reason.EXCHANGE_CANCEL_ONLY, after(SetExchangeMode(ExchangeMode.POST_ONLY))),
            (Reason.EXCHANGE_POST_ONLY, after(TRADE_AGAIN)),
            (Reason.MARKET_NOT_OPEN, after(SetMarketStatus(1, MarketStatus.POST_ONLY))),
            (Reason.MARKET_POST_ONLY, after(OPEN_AGAIN)),
            (Reason.INVALID_ORDER, with_(price=5_001)),
            (Reason.OFF_TICK, with_(price=5_000)),
            (Reason.BELOW_MIN_QUANTITY, with_(quantity=10**8)),
            (Reason.EXPIRY_PASSED, with_(conditions=None, time_in_force=FOK)),
            (Reason.INSUFFICIENT_BALANCE, with_(quantity=100)),
            (Reason.FOK_NOT_FILLABLE, with_()),
        ),
    ),
    "amend": (
        AmendOrder(NOBODY, 9, 5_001, 0, 1, 9),
        (
            (Reason.ACCOUNT_NOT_FOUND, with_(account_id=ANN)),
            (Reason.ORDER_NOT_FOUND, with_(order_id=1)),
            (Reason.NOT_ORDER_OWNER, with_(account_id=BOB)),
            (Reason.EXCHANGE_HALTED, after(TRADE_AGAIN)),
            (Reason.MARKET_NOT_OPEN, after(OPEN_AGAIN)),
            (Reason.INVALID_ORDER, with_(quantity=1, expires_at=None)),
            (Reason.OFF_TICK, with_(price=9_900)),
            (Reason.BELOW_MIN_QUANTITY, with_(quantity=10**8)),
            (Reason.VERSION_CHANGED, with_(expected_version=0)),
            (Reason.INSUFFICIENT_BALANCE, with_()),
        ),
    ),
    "amend what waits": (
        AmendOrder(NOBODY, 9, 5_001, 0, 1, 9, 9_000),
        (
            (Reason.ACCOUNT_NOT_FOUND, with_(account_id=ANN)),
            (Reason.ORDER_NOT_FOUND, with_(order_id=3)),
            (Reason.NOT_ORDER_OWNER, with_(account_id=BOB)),
            (Reason.EXCHANGE_HALTED, after(TRADE_AGAIN)),
            (Reason.MARKET_NOT_OPEN, after(OPEN_AGAIN, SetMarketLimits(1, AT_MOST))),
            (Reason.INVALID_ORDER, with_(quantity=1)),
            (Reason.OFF_TICK, with_(price=9_900)),
            (Reason.BELOW_MIN_QUANTITY, with_(quantity=10**8)),
            (Reason.ORDER_TOO_LARGE, with_(quantity=10**7)),
            (Reason.EXPIRY_PASSED, with_(expires_at=50)),
            (Reason.VERSION_CHANGED, with_(expected_version=0)),
            (Reason.INSUFFICIENT_BALANCE, with_()),
        ),
    ),
    "cancel": (
        CancelOrder(NOBODY, 9),
        (
            (Reason.ACCOUNT_NOT_FOUND, with_(account_id=ANN)),
            (Reason.ORDER_NOT_FOUND, with_(order_id=1)),
            (Reason.NOT_ORDER_OWNER, with_(account_id=BOB)),
            (Reason.EXCHANGE_HALTED, after(TRADE_AGAIN)),
            (Reason.MARKET_NOT_OPEN, with_()),
        ),
    ),
    "cancel what has ended": (
        CancelOrder(NOBODY, 2),
        (
            (Reason.ACCOUNT_NOT_FOUND, with_(account_id=ANN)),
            (Reason.ORDER_NOT_OPEN, with_()),
        ),
    ),
    "cancel all": (
        CancelAll(NOBODY, 7),
        (
            (Reason.ACCOUNT_NOT_FOUND, with_(account_id=ANN)),
            (Reason.MARKET_NOT_FOUND, with_(market_id=1)),
            (Reason.EXCHANGE_HALTED, after(TRADE_AGAIN)),
            (Reason.MARKET_NOT_OPEN, with_()),
        ),
    ),
    "open an account": (
        OpenAccount(NOBODY, CREDIT_MAX + 1),
        (
            (Reason.INVALID_AMOUNT, with_(starting_credits=CREDIT_MAX)),
            (Reason.ISSUANCE_EXHAUSTED, with_()),
        ),
    ),
    "credit": (
        CreditAccount(NOBODY, CREDIT_MAX + 1, "gift", "a", Prior(1, b"x")),
        (
            (Reason.CONFLICT, with_(prior=None, request_id=None)),
            (Reason.ACCOUNT_NOT_FOUND, with_(account_id=ANN)),
            (Reason.INVALID_AMOUNT, with_(amount=CREDIT_MAX)),
            (Reason.ISSUANCE_EXHAUSTED, with_()),
        ),
    ),
    "list a market": (
        market_command(close_time=-1),
        (
            (Reason.INVALID_MARKET, with_(close_time=1)),
            (Reason.SLUG_TAKEN, with_(slug="another")),
            (Reason.CLOSE_TIME_PASSED, with_()),
        ),
    ),
    "change a status": (
        SetMarketStatus(7, MarketStatus.VOID),
        (
            (Reason.MARKET_NOT_FOUND, with_(market_id=2)),
            (Reason.MARKET_ALREADY_RESOLVED, with_(market_id=1)),
            (Reason.ILLEGAL_STATUS_CHANGE, with_()),
        ),
    ),
    "resolve": (
        ResolveMarket(7, Resolution.SPLIT, None, ""),
        (
            (Reason.MARKET_NOT_FOUND, with_(market_id=2)),
            (Reason.MARKET_ALREADY_RESOLVED, with_(market_id=1)),
            (Reason.INVALID_PAYOUT, with_()),
        ),
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_lowest_number_is_named(way: str) -> None:
    world = World(min_quantity=100)
    world.send(market_command(slug="snow"))
    world.send(ResolveMarket(2, Resolution.YES, None, ""))
    for _ in range(2):
        world.send(PlaceOrder(BOB, 1, BUY, YES, LIMIT, 1_000, 100, GTC))
    world.send(CancelOrder(BOB, 2))
    waits = OrderConditions(trigger_price=8_000, expires_at=100)
    world.send(PlaceOrder(BOB, 1, BUY, YES, STOP_LIMIT, 1_000, 100, GTD, conditions=waits))
    for one in HALT:
        world.send(one)
    world.state.issued, world.state.now = ISSUANCE_MAX, 1
    command, steps = WAYS[way]
    for reason, repair in steps:
        assert reason_of(world.send(command)) is reason
        command = repair(world, command)
    numbers = [reason.value for reason, _ in steps]
    assert numbers == sorted(set(numbers))
