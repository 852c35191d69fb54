"""A seeded flow of all kinds of commands, for tests that need a past and don't mind which."""

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

from exchange.messages.admin.commands import EditMarket
from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import (
    AmendOrder,
    BatchOrders,
    CancelAll,
    CancelOrder,
    Command,
    CreateMarket,
    CreditAccount,
    DebitAccount,
    Leg,
    NamedOrder,
    OpenAccount,
    Operation,
    PlaceOco,
    PlaceOrder,
    ResolveMarket,
    SetDeadMan,
    SetExchangeMode,
    SetMarketStatus,
    SuspendAccount,
    TransferCash,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.group_commands import ResetOrderGroup, SetOrderGroup
from exchange.messages.limit_commands import SetAccountLimits, SetMarketLimits
from exchange.messages.limits import AccountLimits, MarketLimits
from exchange.messages.terms import (
    ExchangeMode,
    FeeModel,
    MarketStatus,
    MoneyKind,
    OrderType,
    Outcome,
    Resolution,
    SelfTradePrevention,
    Side,
    TimeInForce,
    TriggerBy,
)
from persistence.clock import now_us
from tests.persistence.running import HOUR

ACCOUNTS = 6
MARKETS = 4


def opening() -> list[Command]:
    """Accounts and markets, with and without fees."""
    accounts = [OpenAccount(account, 500 * MONEY_SCALE) for account in range(1, ACCOUNTS + 1)]
    markets = [
        CreateMarket(
            slug=f"market-{number}",
            question=f"Question {number}?",
            description="",
            category="test",
            close_time=now_us() + HOUR,
            tick_size=(1, 10, 100)[number % 3],
            min_quantity=1,
            maker_fee=(0, 35)[number % 2],
            taker_fee=(0, 170)[number % 2],
            fee_model=(FeeModel.FLAT, FeeModel.QUADRATIC)[number // 2 % 2],
            draft=False,
        )
        for number in range(MARKETS)
    ]
    groups = [SetOrderGroup(account, "mm", 4_000, 1) for account in range(1, ACCOUNTS)]
    return [*accounts, *markets, *groups]


def commands(seed: int, count: int) -> Iterator[Command]:
    """Yield commands after `opening`, most of them orders that have a chance to trade."""
    dice = Random(seed)
    for number in range(count):
        yield _command(dice, number)


def _command(dice: Random, number: int) -> Command:
    kind = dice.random()
    account = dice.randint(1, ACCOUNTS)
    market = dice.randint(1, MARKETS)
    if kind < 0.06:
        return _batch(dice, number, account)
    if kind < 0.12:
        return _amend(dice, number, account)
    if kind < 0.80:
        maker = _order if kind < 0.74 else _waiting if kind < 0.78 else _pair
        return maker(dice, number, account, market)
    if kind < 0.92:
        return CancelOrder(account, dice.randint(1, max(1, number)))
    if kind < 0.95:
        side, outcome = dice.choice((None, *Side)), dice.choice((None, *Outcome))
        return CancelAll(account, dice.choice((None, market)), side, outcome)
    if kind < 0.96:
        return _of_account(dice, account)
    if kind < 0.98:
        request = dice.choice((None, f"credit-{dice.randint(1, 5)}"))
        return CreditAccount(account, dice.randint(1, 10) * MONEY_SCALE, "test", request)
    if kind < 0.985:
        return SetExchangeMode(dice.choice((ExchangeMode.OPEN, ExchangeMode.OPEN)))
    if kind < 0.995:
        return SetMarketStatus(market, dice.choice((MarketStatus.HALTED, MarketStatus.OPEN)))
    if number % 40 == 0:
        return ResolveMarket(market, dice.choice(tuple(Resolution)[:2]), None, "the sky")
    return OpenAccount(account, 0)


def _of_account(dice: Random, account: int) -> Command:
    """Do what concerns an account beside its orders; none of it comes due while a test runs."""
    kind = dice.randint(0, 9)
    if kind > 8:
        return ResetOrderGroup(account, dice.choice(("mm", "mm", "none")))
    if kind > 7:
        limit = dice.randint(1, 60) * 100
        return SetOrderGroup(account, "mm", limit, dice.choice((1, 60)), dice.choice((None, limit)))
    if kind < 2:
        return SetDeadMan(account, dice.choice((0, 60_000)))
    if kind == 2:
        return SuspendAccount(account, suspended=dice.random() < 0.3)
    if kind == 6:
        return SetAccountLimits(account, dice.choice((None, AccountLimits(open_orders=200))))
    if kind == 7:
        limits = MarketLimits(order_quantity=1_200, position=20_000)
        if dice.random() < 0.3:
            return EditMarket(dice.randint(1, MARKETS), category=dice.choice(("a", "b")))
        return SetMarketLimits(dice.randint(1, MARKETS), dice.choice((None, limits)))
    amount, request = dice.randint(1, MONEY_SCALE), dice.choice((None, f"move-{account}"))
    if kind == 3:
        return DebitAccount(account, amount, "test", request)
    others = [other for other in range(1, ACCOUNTS + 1) if other != account]
    first, last = dice.sample(others, 2)
    legs = (Leg(account, first, amount), Leg(first, last, amount // 2 + 1))
    money = dice.choice((MoneyKind.ADMIN, MoneyKind.REWARD))
    return TransferCash(account, legs, "test", request, kind=money)


def _amend(dice: Random, number: int, account: int) -> AmendOrder:
    """Change what may be one of the account's orders: less or more of it, or another price."""
    price = dice.choice((None, dice.randint(40, 60) * 100))
    quantity = dice.choice((None, dice.randint(1, 30) * 50))
    version = dice.choice((None, None, 0, 1))
    return AmendOrder(account, dice.randint(1, max(1, number)), price, quantity, None, version)


def _batch(dice: Random, number: int, account: int) -> BatchOrders:
    """Several operations, now and then under an id that comes again, or with none of them done."""
    operations: list[Operation] = []
    for _ in range(dice.randint(1, 8)):
        kind, order_id = dice.random(), dice.randint(1, max(1, number))
        if kind < 0.1:
            operations.append(CancelOrder(account, order_id))
        elif kind < 0.2:
            name = f"again-{dice.randint(1, 30)}"
            operations.append(NamedOrder(account, name, CancelOrder(account, 0)))
        elif kind < 0.3:
            operations.append(_amend(dice, number, account))
        else:
            order = _order(dice, number * 100 + len(operations), account, dice.randint(1, MARKETS))
            operations.append(order)
    request = dice.choice((None, f"batch-{number}", f"batch-{dice.randint(1, 5)}"))
    return BatchOrders(account, tuple(operations), dice.random() < 0.3, request)


def _waiting(dice: Random, number: int, account: int, market: int) -> PlaceOrder:
    """An order that waits for a price, by its last or its best."""
    kind = dice.choice((OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT))
    limited = kind is not OrderType.STOP
    reduces = dice.randint(0, 2) == 0
    return PlaceOrder(
        account,
        market,
        dice.choice(tuple(Side)),
        dice.choice(tuple(Outcome)),
        kind,
        dice.randint(40, 60) * 100 if limited else None,
        dice.randint(1, 30) * 50,
        TimeInForce.GTC if limited and not reduces else TimeInForce.IOC,
        client_order_id=dice.choice((None, f"order-{number}")),
        conditions=OrderConditions(
            worst_price=None if limited else 9_900,
            reduce_only=reduces,
            trigger_price=dice.randint(42, 58) * 100,
            trigger_by=dice.choice(tuple(TriggerBy)),
        ),
    )


def _pair(dice: Random, number: int, account: int, market: int) -> PlaceOco:
    """A stop and a limit of which one cancels the other."""
    stop = msgspec.structs.replace(_waiting(dice, number, account, market), client_order_id=None)
    limit = PlaceOrder(
        account,
        market,
        stop.side,
        stop.outcome,
        OrderType.LIMIT,
        dice.randint(40, 60) * 100,
        dice.randint(1, 30) * 50,
        TimeInForce.GTC,
    )
    request = dice.choice((None, f"pair-{dice.randint(1, 5)}"))
    first, second = dice.sample((stop, limit), 2)
    return PlaceOco(account, first, second, request)


def _order(dice: Random, number: int, account: int, market: int) -> PlaceOrder:
    side = dice.choice((Side.BUY, Side.BUY, Side.SELL))
    outcome = dice.choice(tuple(Outcome))
    prevention = dice.choice(tuple(SelfTradePrevention))
    id_ = dice.choice((None, f"order-{number}", f"again-{dice.randint(1, 30)}"))
    terms: dict[str, Any] = {"self_trade_prevention": prevention, "client_order_id": id_}
    if dice.random() < 0.25:
        terms["conditions"] = OrderConditions(group="mm")
    if dice.random() < 0.85:
        tif = dice.choice((TimeInForce.GTC,) * 6 + (TimeInForce.IOC, TimeInForce.FOK))
        if tif is TimeInForce.GTC and dice.random() < 0.2:
            # Some end while the flow is running.
            tif = TimeInForce.GTD
            ends = now_us() + dice.randint(1, 400) * 1_000
            group, passive = dice.choice((None, "mm")), dice.random() < 0.3
            terms["conditions"] = OrderConditions(expires_at=ends, post_only=passive, group=group)
        price = dice.randint(40, 60) * 100
        quantity = dice.randint(1, 30) * 50
        return PlaceOrder(
            account, market, side, outcome, OrderType.LIMIT, price, quantity, tif, **terms
        )
    if side is Side.BUY and dice.random() < 0.5:
        terms["max_cost"] = dice.randint(1, 20 * MONEY_SCALE)
        quantity_or_none = None
    else:
        quantity_or_none = dice.randint(1, 30) * 50
    if dice.random() < 0.5:
        worst = dice.randint(40, 60) * 100
        terms["conditions"] = OrderConditions(worst_price=worst, reduce_only=dice.random() < 0.3)
    return PlaceOrder(
        account,
        market,
        side,
        outcome,
        OrderType.MARKET,
        None,
        quantity_or_none,
        TimeInForce.IOC,
        **terms,
    )
