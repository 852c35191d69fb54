"""Why an order was refused, or ended: docs/trading.md tells all, and each example is refused so."""

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from exchange.messages.commands import (
    PlaceOrder,
    RefuseUnstorable,
    SetExchangeMode,
    SuspendAccount,
)
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, GTC, LIMIT, YES, CancelReason, ExchangeMode
from exchange.model.idempotency import fingerprint
from exchange.rules import preview as previews
from exchange.rules.groups import administering
from gateway.engine_side.refusals import STATUS
from tests.conftest import SetBound
from tests.gateway.trading_desk import PEOPLE, Desk

ANN = PEOPLE["ann"][0]
BASE = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.54", "quantity": "10"}
GROUP = {"groupId": "quotes", "maxFilled": "1", "windowSeconds": 60}
OF_ADMINS = {
    *(Reason.EXPIRED, Reason.ACCOUNT_CLOSED, Reason.MARKET_ALREADY_RESOLVED, Reason.SLUG_TAKEN),
    *(Reason.MARKET_TRADED, Reason.MARKET_NOT_HALTED),
    *(Reason.ILLEGAL_STATUS_CHANGE, Reason.INVALID_MARKET, Reason.CLOSE_TIME_PASSED),
    *(Reason.INVALID_PAYOUT, Reason.INVALID_AMOUNT, Reason.ACCOUNT_NOT_EMPTY),
    Reason.ISSUANCE_EXHAUSTED,
}
"""What no order, amend or cancel is refused with."""
TEXT = Path("docs/trading.md").read_text()
ROWS = re.findall(r"^\| `([A-Z_]+)` \| ([0-9]{3}) \| (yes|no) \| `(.*)` \| ", TEXT, re.MULTILINE)


async def halted(desk: Desk, mode: ExchangeMode) -> None:
    desk.run(SetExchangeMode(mode))


async def turned(desk: Desk, status: str) -> None:
    reply = await desk.call("PATCH", "/markets/rain/status", "root", {"status": status})
    assert reply.status == 200


async def limited(desk: Desk, **limits: object) -> None:
    reply = await desk.call("PUT", "/admin/markets/rain/limits", "root", limits)
    assert reply.status == 200


async def traded(desk: Desk) -> None:
    await desk.rest("cat", "BUY YES 1 @ 0.50")
    await desk.rest("ben", "BUY NO 1 @ 0.50")


async def near_the_last_price(desk: Desk) -> None:
    await traded(desk)
    await limited(desk, priceBand="0.10")


async def cancelled(desk: Desk) -> None:
    await desk.call("DELETE", f"/orders/{await desk.rest('ann', 'BUY YES 1 @ 0.50')}", "ann")


async def over_the_group(desk: Desk) -> None:
    await desk.call("POST", "/order-groups", "ann", GROUP)
    await desk.rest("ann", "BUY YES 1 @ 0.55", groupId="quotes")
    await desk.rest("ben", "BUY NO 1 @ 0.45")


async def full(desk: Desk) -> None:
    await limited(desk, openOrders=1)
    await desk.rest("ann", "BUY YES 1 @ 0.50")


async def suspended(desk: Desk) -> None:
    desk.run(SuspendAccount(ANN, True))


async def not_stored(desk: Desk) -> None:
    """The store refused it, and it is sent again."""
    order = PlaceOrder(ANN, 1, BUY, YES, LIMIT, 5_400, 1_000, GTC, client_order_id="odd")
    desk.engine.run(RefuseUnstorable(ANN, "PlaceOrder", "odd", fingerprint(order)))


BEFORE: dict[str, Callable[[Desk], Awaitable[object]]] = {
    "CONFLICT": lambda desk: desk.rest("ann", "BUY YES 1 @ 0.53", clientOrderId="mine-1"),
    "ORDER_NOT_OPEN": cancelled,
    "NOT_ORDER_OWNER": lambda desk: desk.rest("ben", "BUY NO 1 @ 0.40"),
    "ACCOUNT_SUSPENDED": suspended,
    "EXCHANGE_HALTED": lambda desk: halted(desk, ExchangeMode.HALTED),
    "EXCHANGE_CANCEL_ONLY": lambda desk: halted(desk, ExchangeMode.CANCEL_ONLY),
    "EXCHANGE_POST_ONLY": lambda desk: halted(desk, ExchangeMode.POST_ONLY),
    "MARKET_NOT_OPEN": lambda desk: turned(desk, "HALTED"),
    "MARKET_POST_ONLY": lambda desk: turned(desk, "POST_ONLY"),
    "OUTSIDE_BAND": near_the_last_price,
    "ORDER_TOO_LARGE": lambda desk: limited(desk, orderQuantity="5"),
    "POSITION_LIMIT": lambda desk: limited(desk, position="5"),
    "VERSION_CHANGED": lambda desk: desk.rest("ann", "BUY YES 10 @ 0.50"),
    "MAX_COST_TOO_SMALL": lambda desk: desk.rest("ben", "BUY NO 1 @ 0.46"),
    "POST_ONLY_WOULD_CROSS": lambda desk: desk.rest("ben", "BUY NO 1 @ 0.46"),
    "TRIGGER_REACHED": traded,
    "TOO_MANY_OPEN_ORDERS": full,
    "GROUP_LIMIT": over_the_group,
    "TOO_MANY_GROUPS": lambda desk: desk.call("POST", "/order-groups", "ann", GROUP),
    "NOT_STORED": not_stored,
    "PREVIEW_TOO_LARGE": lambda desk: desk.rest("ben", "BUY NO 1 @ 0.46"),
}


def example_of(code: str, example: str) -> tuple[str, str, dict[str, Any] | None]:
    """Return the method, path and body that a row shows."""
    market = "large" if code == "BELOW_MIN_QUANTITY" else "rain"
    if example.startswith("{"):
        return "POST", f"/orders/{market}", BASE | json.loads(example)
    method, path, *body = example.split(" ", 2)
    if body:
        return method, path, json.loads(body[0])
    here = {"market": market} if path == "/orders/preview" else {}
    return method, path, BASE | here if method == "POST" else None


@pytest.mark.parametrize(("code", "status", "transient", "example"), ROWS, ids=[r[0] for r in ROWS])
async def test_each_example_is_refused_as_it_says(
    desk: Desk, set_bound: SetBound, code: str, status: str, transient: str, example: str
) -> None:
    set_bound(administering, "GROUPS_PER_ACCOUNT", 1)
    set_bound(previews, "PREVIEW_ORDERS", 0 if code == "PREVIEW_TOO_LARGE" else 5_000)
    desk.list_market("large", min_quantity=100)
    if code in BEFORE:
        await BEFORE[code](desk)
    method, path, body = example_of(code, example)
    who = "dan" if code == "ACCOUNT_NOT_FOUND" else "ann"
    reply = await desk.call(method, path, who, body)
    assert (reply.status, reply.error["code"]) == (int(status), code)
    assert reply.error.get("transient", False) is (transient == "yes")


def test_every_refusal_a_trader_meets_is_explained() -> None:
    told = {code: (int(status), transient == "yes") for code, status, transient, _ in ROWS}
    for reason in set(Reason) - OF_ADMINS - {Reason.INVALID_ORDER}:
        assert told[reason.name] == (STATUS[reason], reason.transient)
    assert len(told) == len(ROWS)


def test_every_end_of_an_order_is_explained() -> None:
    section = TEXT[TEXT.index("## Why an order ended") :].split("\n## ")[0]
    named = [
        name
        for row in re.findall(r"^\| (`.*`) \|", section, re.MULTILINE)
        for name in re.findall(r"`([A-Z_]+)`", row)
    ]
    assert sorted(named) == sorted(reason.name for reason in CancelReason)
