"""What is seen before one acts: who is paid what by a resolution, and how the engine runs."""

import asyncio
import gc
import time
from typing import Any

import pytest

from exchange.messages.terms import NO, YES
from exchange.model.accounts import Holding, Position
from exchange.model.state import State
from gateway.engine_side.readiness import ViewFeed
from gateway.observability.metrics import Metrics
from gateway.operations.figures import settlement
from gateway.operations.figures.engine import EngineRoutes
from tests.gateway.trading_desk import Desk
from tests.lengths import length

SETTLEMENT = "/admin/markets/rain/settlement"
HOLDERS = length(20_000, long=100_000)
LONGEST_S = 0.1
"""The list of all holders is copied at once; the test's own changes take the most of it."""


async def _hold(desk: Desk) -> None:
    """Ann has 3 YES at 0.6, ben 3 NO at 0.4."""
    await desk.rest("ann", "BUY YES 5 @ 0.6")
    await desk.rest("ben", "BUY NO 3 @ 0.4")


def _payee(account: int, yes: str, no: str, cost: str, payout: str, profit: str) -> dict[str, str]:
    return {
        "accountId": str(account),
        "yes": yes,
        "no": no,
        "cost": cost,
        "payout": payout,
        "profit": profit,
    }


async def test_who_would_be_paid_what(desk: Desk) -> None:
    await _hold(desk)
    ann = ("3.00", "0.00", "1.800000")
    ben = ("0.00", "3.00", "1.200000")
    assert await desk.get(f"{SETTLEMENT}?outcome=YES", "root") == {
        "outcome": "YES",
        "yesPayout": "1.0000",
        "noPayout": "0.0000",
        "holders": 2,
        "paid": "3.000000",
        "collateral": "3.000000",
        "payees": [
            _payee(2, *ann, "3.000000", "1.200000"),
            _payee(3, *ben, "0.000000", "-1.200000"),
        ],
    }
    split = await desk.get(f"{SETTLEMENT}?outcome=SPLIT&yesPayout=0.25", "root")
    assert split["payees"] == [
        _payee(3, *ben, "2.250000", "1.050000"),
        _payee(2, *ann, "0.750000", "-1.050000"),
    ]
    second = await desk.get(f"{SETTLEMENT}?outcome=VOID&limit=1&offset=1", "root")
    assert second["payees"] == [_payee(3, *ben, "1.500000", "0.300000")]
    assert (second["holders"], second["paid"]) == (2, "3.000000")


async def test_what_was_foretold_is_what_is_paid(desk: Desk) -> None:
    await _hold(desk)
    query = "outcome=SPLIT&yesPayout=0.3"
    foretold = (await desk.get(f"{SETTLEMENT}?{query}", "root"))["payees"]
    before = {name: await _total(desk, name) for name in ("ann", "ben")}
    body = {"outcome": "SPLIT", "yesPayout": "0.3", "source": "the test"}
    assert (await desk.call("POST", "/markets/rain/resolve", "root", body)).status == 200
    for name, account in (("ann", "2"), ("ben", "3")):
        [paid] = [one["payout"] for one in foretold if one["accountId"] == account]
        assert await _total(desk, name) - before[name] == pytest.approx(float(paid))
    reply = await desk.call("GET", f"{SETTLEMENT}?{query}", "root")
    assert (reply.status, reply.error["code"]) == (409, "CONFLICT")


async def _total(desk: Desk, name: str) -> float:
    """What is available and locked in orders that end with the market."""
    return float((await desk.get("/user/balance", name))["total"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "outcome"),
        ("outcome=MAYBE", "outcome"),
        ("outcome=SPLIT", "yesPayout"),
        ("outcome=SPLIT&yesPayout=x", "yesPayout"),
        ("outcome=SPLIT&yesPayout=1", "yesPayout"),
        ("outcome=YES&yesPayout=0.5", "yesPayout"),
        ("outcome=YES&limit=1000", "limit"),
        ("outcome=YES&offset=-1", "offset"),
    ],
)
async def test_what_is_wrong_is_named(desk: Desk, query: str, field: str) -> None:
    reply = await desk.call("GET", f"{SETTLEMENT}?{query}", "root")
    assert reply.status == 400
    assert [one["field"] for one in reply.error["details"]] == [field]


async def test_many_holders_keep_nobody_waiting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is of one moment: where the market moves meanwhile, it is begun anew."""
    market = desk.engine.view.markets[1]
    for account in range(1_000, 1_000 + HOLDERS):
        yes = Holding(account, 1, YES, free=1 + account % 7)
        market.positions[account] = Position(yes, Holding(account, 1, NO))
    pieces, paid = [0], settlement._paid

    def moving(*asked: Any) -> Any:
        pieces[0] += 1
        if pieces[0] == 3:
            market.seq += 1
            for account in range(1_000, 1_000 + HOLDERS):
                market.positions[account].yes.free = 1
        return paid(*asked)

    monkeypatch.setattr(settlement, "_paid", moving)
    query = f"{SETTLEMENT}?outcome=YES&limit=3&offset=1"
    asking = asyncio.ensure_future(desk.call("GET", query, "root"))
    # What thousands of tests before have left is no part of a turn.
    gc.collect()
    gc.disable()
    try:
        longest, before = 0.0, time.thread_time()
        while not asking.done():
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, before = max(longest, now - before), now
    finally:
        gc.enable()
    data = (await asking).data
    print(f"{HOLDERS} holders: the loop was kept for {longest * 1000:.0f} ms at most")
    assert (data["holders"], data["paid"]) == (HOLDERS, f"{HOLDERS / 100:.6f}")
    assert [one["accountId"] for one in data["payees"]] == ["1001", "1002", "1003"]
    assert pieces[0] == 3 + -(-HOLDERS // settlement.PIECE)
    assert longest < LONGEST_S
    market.positions.clear()
    market.seq -= 1


async def test_a_market_that_is_none_has_no_settlement(desk: Desk) -> None:
    reply = await desk.call("GET", "/admin/markets/hail/settlement?outcome=YES", "root")
    assert reply.status == 404


async def test_only_admins_see_either(desk: Desk) -> None:
    for path in (f"{SETTLEMENT}?outcome=YES", "/admin/engine"):
        assert (await desk.call("GET", path, "ann")).status == 403


async def test_how_the_engine_runs(desk: Desk) -> None:
    shown: dict[str, Any] = await desk.get("/admin/engine", "root")
    assert (shown["epoch"], shown["isStale"]) == (7, False)
    assert (shown["queue"], shown["sockets"]) == (0, 0)
    for name in ("batches", "commits", "matching", "lag"):
        spread = shown[name]
        counts = [bucket["count"] for bucket in spread["buckets"]]
        assert counts == sorted(counts), name
        assert spread["buckets"][-1] == {"upTo": None, "count": spread["count"]}


async def test_each_figure_is_of_what_it_is_called() -> None:
    metrics, view = Metrics(), State()
    view.seq = 9
    metrics.engine_queue_depth.set(1)
    metrics.connections.sockets.set(2)
    counted = metrics.orders_placed, metrics.trades_executed, metrics.messages_out
    for count, tally in enumerate(counted, 3):
        tally.count = count
    spreads = {
        "batches": metrics.engine_batch_size,
        "commits": metrics.engine_commit_duration,
        "matching": metrics.order_matching_duration,
        "lag": metrics.event_loop_lag,
    }
    for count, histogram in enumerate(spreads.values(), 1):
        for _ in range(count):
            histogram.observe(0.0)
        histogram.observe(1e9)
    request: Any = None
    shown = await EngineRoutes(view, ViewFeed(8, is_stale=True), metrics).show(request)
    assert (shown.epoch, shown.seq, shown.is_stale) == (8, 9, True)
    assert (shown.queue, shown.sockets) == (1, 2)
    assert (shown.orders, shown.trades, shown.messages_out) == (3, 4, 5)
    for count, name in enumerate(spreads, 1):
        spread = getattr(shown, name)
        assert (spread.count, spread.sum) == (count + 1, 1e9), name
        # Each bucket has all that was smaller, too; what is beyond the last bound has none.
        *bounded, unbounded = [(one.up_to, one.count) for one in spread.buckets]
        assert {one for _, one in bounded} == {count}
        assert unbounded == (None, count + 1)
