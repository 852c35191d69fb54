"""Holds what traders were told against a naive account of it, and against the exchange's tables.

Every effect was told with the sequence of its command. Put in that order and given to a fresh
engine, the commands must bring forth the very answers that were given, order by order, trade by
trade and balance by balance; and what the server shows and stores must be what that engine ends
with: nothing lost, nothing twice.
"""

from collections.abc import Iterable
from typing import Any, Final

import httpx

from exchange.engine import Engine
from exchange.messages.bounds import TIME_MAX
from exchange.messages.commands import CancelOrder, CreateMarket, OpenAccount, PlaceOrder
from exchange.messages.events import OrderPlaced, TradeExecuted
from exchange.messages.terms import FeeModel, OrderType, Outcome, Side, TimeInForce
from exchange.messages.units import (
    format_money,
    format_price,
    format_quantity,
    parse_price,
    parse_quantity,
    parse_rate,
)
from exchange.model.state import State
from exchange.proof import invariants
from persistence.postgres.database import Connection
from tests.faults.trading_load import Placing, Told, Trader

STARTING_CREDITS: Final = 1_000 * 1_000_000


def replay(market: dict[str, Any], traders: list[Trader]) -> State:
    """Run everything that was told to have happened on a fresh engine; compare each answer."""
    engine = Engine(State())
    engine.run(0, [_listing(market), *(OpenAccount(t.id, STARTING_CREDITS) for t in traders)])
    effects: dict[int, tuple[PlaceOrder | CancelOrder, Told]] = {}
    for trader in traders:
        for placing in trader.placings.values():
            if placing.told is not None and placing.told.ok:
                order = placing.told.content["order"]
                assert order["seq"] not in effects, "two commands under one sequence"
                effects[order["seq"]] = (_place(placing, int(market["id"])), placing.told)
        for cancelling in trader.cancellings:
            if cancelling.told is not None and cancelling.told.ok:
                order = cancelling.told.content["order"]
                assert order["seq"] not in effects, "two commands under one sequence"
                cancel = CancelOrder(trader.id, int(cancelling.order_id))
                effects[order["seq"]] = (cancel, cancelling.told)
    for seq in sorted(effects):
        command, told = effects[seq]
        _run(engine, seq, command, told)
    invariants.check(engine.state)
    return engine.state


def _run(engine: Engine, seq: int, command: PlaceOrder | CancelOrder, told: Told) -> None:
    execution = engine.execute(engine.state.now + 1, command)
    content = told.content
    if isinstance(command, PlaceOrder):
        placed = execution.events[0]
        assert isinstance(placed, OrderPlaced), (seq, command, execution.events)
        assert str(placed.order_id) == content["order"]["id"], (seq, command)
        trades = [
            (event.trade_no, format_price(event.price), format_quantity(event.quantity))
            for event in execution.events
            if isinstance(event, TradeExecuted)
        ]
        shown = [(t["tradeNo"], t["price"], t["quantity"]) for t in content["trades"]]
        assert trades == shown, (seq, command)
    if "balance" in content:
        account = engine.state.accounts[command.account_id]
        assert balance(account.available, account.locked) == content["balance"], (seq, command)


def _place(placing: Placing, market_id: int) -> PlaceOrder:
    body = placing.body
    kind = OrderType(body["type"])
    default = "GTC" if kind is OrderType.LIMIT else "IOC"
    return PlaceOrder(
        placing.account_id,
        market_id,
        Side(body["side"]),
        Outcome(body["outcome"]),
        kind,
        parse_price(body["price"]) if "price" in body else None,
        parse_quantity(body["quantity"]),
        TimeInForce(body.get("timeInForce", default)),
        client_order_id=body["clientOrderId"],
    )


def _listing(market: dict[str, Any]) -> CreateMarket:
    return CreateMarket(
        market["slug"],
        market["question"],
        "",
        "",
        TIME_MAX,
        100,
        1,
        parse_rate(market["makerFee"], 1_000),
        parse_rate(market["takerFee"], 1_000),
        FeeModel(market["feeModel"]),
        draft=False,
    )


def balance(available: int, locked: int) -> dict[str, str]:
    """Return a balance as the API shows it."""
    return {
        "available": format_money(available),
        "locked": format_money(locked),
        "total": format_money(available + locked),
    }


async def compare_shown(client: httpx.AsyncClient, expected: State, traders: list[Trader]) -> None:
    """Compare what the API shows each trader, and the book, with the replayed exchange."""
    for trader in traders:
        account = expected.accounts[trader.id]
        shown = await _get(client, "/user/balance", trader)
        assert shown == balance(account.available, account.locked), trader.id
        held = {
            (p["outcome"], p["quantity"], p["locked"], p["cost"])
            for p in await _get(client, "/user/positions", trader)
        }
        assert held == set(_holdings(expected, trader.id)), trader.id
        open_orders = await _open_orders(client, trader)
        assert open_orders == {
            str(order.id): (format_quantity(order.filled), format_quantity(order.remaining))
            for order in account.orders.values()
        }, trader.id
    book = await _get(client, f"/markets/{traders[0].market}/orderbook?depth=200", traders[0])
    (market,) = expected.markets.values()
    for name, side in (("bids", market.book.bids), ("asks", market.book.asks)):
        assert book[name] == [
            [format_price(price), format_quantity(quantity)] for price, quantity in side.depth(200)
        ]


def _holdings(state: State, account_id: int) -> Iterable[tuple[str, str, str, str]]:
    for position in state.accounts[account_id].positions.values():
        for holding in (position.yes, position.no):
            if holding.quantity:
                yield (
                    holding.outcome.value,
                    format_quantity(holding.quantity),
                    format_quantity(holding.locked),
                    format_money(holding.cost),
                )


async def _open_orders(client: httpx.AsyncClient, trader: Trader) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    cursor = ""
    while True:
        path = f"/orders?status=OPEN,PARTIAL&limit=200{cursor}"
        answer = (await client.get(path, headers=trader.headers)).raise_for_status().json()
        found |= {order["id"]: (order["filled"], order["remaining"]) for order in answer["data"]}
        if answer["nextCursor"] is None:
            return found
        cursor = f"&cursor={answer['nextCursor']}"


async def _get(client: httpx.AsyncClient, path: str, trader: Trader) -> Any:
    answer = await client.get(path, headers=trader.headers)
    return answer.raise_for_status().json()["data"]


async def compare_stored(connection: Connection, traders: list[Trader]) -> None:
    """Compare the tables with what was told: each order and each trade there once, none more."""
    told_orders: dict[tuple[int, str], int] = {}
    told_trades: dict[str, tuple[int, str]] = {}
    for trader in traders:
        for client_id, placing in trader.placings.items():
            if placing.told is not None and placing.told.ok:
                order_id = int(placing.told.content["order"]["id"])
                told_orders[trader.id, client_id] = order_id
                for trade in placing.told.content["trades"]:
                    assert trade["id"] not in told_trades, "one trade told twice"
                    told_trades[trade["id"]] = (order_id, trade["quantity"])
    rows = await connection.fetch("SELECT account_id, client_order_id, id FROM orders")
    assert len(rows) == len(told_orders), "an order was stored twice, or not told, or lost"
    assert {(row[0], row[1]): row[2] for row in rows} == told_orders
    rows = await connection.fetch(
        "SELECT market_id || '-' || trade_no, taker_order_id, quantity FROM trades"
    )
    assert {row[0]: (row[1], format_quantity(row[2])) for row in rows} == told_trades
    wrong = await connection.fetch(
        "SELECT id FROM orders LEFT JOIN (SELECT order_id, sum(quantity) AS traded FROM"
        " (SELECT taker_order_id AS order_id, quantity FROM trades UNION ALL"
        "  SELECT maker_order_id, quantity FROM trades) AS sides GROUP BY order_id) AS fills"
        " ON fills.order_id = orders.id WHERE filled <> coalesce(traded, 0)"
    )
    assert wrong == [], "the fills of an order don't add up"
