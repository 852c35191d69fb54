"""Every list has a cursor that goes on where it was, whatever is added or removed meanwhile."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from exchange.messages.commands import SetMarketStatus
from exchange.messages.terms import MarketStatus
from gateway.http.paging import SliceQuery
from gateway.http.routing import Shape
from tests.gateway.conftest import Web
from tests.gateway.trading_desk import Desk, all_tables

WHOLE_AT_ONCE = {
    "/admin/accounts",
    "/admin/jobs",
    "/feed/status",
    "/markets/categories",
    "/markets/{slug}/candles",
    "/markets/{slug}/history",
}
"""Lists as long as the code says, or the question, not as what happened."""


def test_every_list_that_grows_takes_a_cursor() -> None:
    lists = [row for row in all_tables()[0].routes if row.shape in {Shape.PAGE, Shape.SLICE}]
    assert len(lists) > 10
    for row in lists:
        if row.path not in WHOLE_AT_ONCE:
            assert row.query is not None, row.path
            assert issubclass(row.query, SliceQuery), row.path


async def walk(
    desk: Desk, path: str, who: str, meanwhile: Callable[[list[Any]], Awaitable[None]]
) -> list[Any]:
    """Go through a list by its cursor, two at a time; after each page something happens."""
    found: list[Any] = []
    cursor = ""
    while True:
        separator = "&" if "?" in path else "?"
        reply = await desk.call("GET", f"{path}{separator}limit=2{cursor}", who)
        assert reply.status == 200, reply
        found += reply.data
        if "pagination" in reply.body:
            has_more = reply.body["nextCursor"] is not None
            assert reply.body["pagination"]["hasMore"] is has_more
        if reply.body["nextCursor"] is None:
            return found
        cursor = f"&cursor={reply.body['nextCursor']}"
        await meanwhile(reply.data)


@pytest.mark.parametrize("path", ["/user/escrow", "/orders?status=OPEN"])
async def test_orders_that_are_cancelled_hide_no_others(desk: Desk, path: str) -> None:
    ids = [await desk.rest("ann", f"BUY YES 1 @ 0.1{n}") for n in range(7)]

    async def cancel(shown: list[Any]) -> None:
        for one in shown:
            order_id = one.get("orderId", one.get("id"))
            assert (await desk.call("DELETE", f"/orders/{order_id}", "ann")).status == 200

    found = await walk(desk, path, "ann", cancel)
    assert sorted(one.get("orderId", one.get("id")) for one in found) == sorted(ids)


async def test_positions_that_are_sold_hide_no_others(desk: Desk) -> None:
    slugs = [desk.list_market(f"market-{n}").slug for n in range(5)]
    for slug in slugs:
        await desk.rest("ann", "BUY YES 1 @ 0.6", slug)
        await desk.rest("ben", "BUY NO 1 @ 0.4", slug)

    async def sell(shown: list[Any]) -> None:
        for one in shown:
            await desk.rest("ann", "SELL YES 1 @ 0.5", one["slug"])
            await desk.rest("cat", "BUY YES 1 @ 0.5", one["slug"])

    found = await walk(desk, "/user/positions", "ann", sell)
    assert [one["slug"] for one in found] == slugs


async def test_markets_that_are_listed_or_halted_hide_no_others(desk: Desk) -> None:
    slugs = ["rain", *(desk.list_market(f"market-{n}").slug for n in range(5))]
    news = iter(range(100))

    async def more(shown: list[Any]) -> None:
        desk.list_market(f"news-{next(news)}")
        desk.run(SetMarketStatus(int(shown[0]["id"]), MarketStatus.HALTED))

    found = await walk(desk, "/markets?status=OPEN", "ann", more)
    assert [one["slug"] for one in found] == slugs[::-1]


async def test_users_and_the_audit_log_go_on_by_cursor(web: Web) -> None:
    admin = await web.register(admin=True)
    people = [await web.register() for _ in range(4)]
    for path, shown in (("/admin/users", "id"), ("/admin/audit", "id")):
        found: list[str] = []
        cursor = ""
        while True:
            answer = await web.client.get(f"/api/v1{path}?limit=2{cursor}", headers=admin.bearer)
            body = answer.json()
            found += [one[shown] for one in body["data"]]
            if body["nextCursor"] is None:
                break
            cursor = f"&cursor={body['nextCursor']}"
            await web.register()
        assert len(found) == len(set(found))
        if path == "/admin/users":
            assert {str(person.id) for person in people} <= set(found)
        else:
            assert found == sorted(found, key=int, reverse=True)


async def test_the_audit_log_is_filtered(web: Web) -> None:
    admin = await web.register(admin=True)
    ann, ben = await web.register(), await web.register()
    for person in (ann, ben):
        await web.client.patch(
            f"/api/v1/admin/users/{person.id}/role", headers=admin.bearer, json={"role": "ADMIN"}
        )

    async def lines(query: str) -> list[tuple[str, str]]:
        answer = await web.client.get(f"/api/v1/admin/audit?{query}", headers=admin.bearer)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["pagination"]["total"] == len(body["data"])
        return [(line["action"], line["target"]) for line in body["data"]]

    of_ben = ("user.role", f"user:{ben.id} ADMIN")
    both = [of_ben, ("user.role", f"user:{ann.id} ADMIN")]
    assert await lines("action=user.role") == both
    assert await lines(f"actor={admin.id}&action=user.role") == both
    assert await lines(f"action=user.role&target=user:{ben.id}%20") == [of_ben]
    assert await lines("action=user.roles") == []
    wrong = await web.client.get("/api/v1/admin/audit?actor=x", headers=admin.bearer)
    assert wrong.status_code == 400


async def sweep(desk: Desk, price: str, orders: int) -> None:
    """Let one order of Ben's trade with so many of Ann's: one seq."""
    for _ in range(orders):
        await desk.rest("ann", f"BUY YES 1 @ {price}")
    await desk.rest("ben", f"BUY NO {orders} @ {1 - float(price):.2f}")


async def test_a_tape_after_a_seq_goes_on_by_its_cursor_alone(desk: Desk) -> None:
    await sweep(desk, "0.55", 6)
    await sweep(desk, "0.56", 3)
    await sweep(desk, "0.57", 3)
    tape = await desk.get("/markets/rain/trades?afterSeq=0")
    assert [trade["tradeNo"] for trade in tape] == list(range(1, 13))
    for limit in (1, 2, 4, 5, 7, 11):
        found: list[Any] = []
        query = "afterSeq=0&"
        while True:
            reply = await desk.call("GET", f"/markets/rain/trades?{query}limit={limit}")
            found += reply.data
            if reply.body["nextCursor"] is None:
                break
            query = f"cursor={reply.body['nextCursor']}&"
        assert found == tape, limit


async def test_no_seq_is_cut_that_fits_into_a_page(desk: Desk) -> None:
    for price in ("0.55", "0.56", "0.57"):
        await sweep(desk, price, 3)
    tape = await desk.get("/markets/rain/trades?afterSeq=0")
    for limit in (3, 4, 5, 6, 7, 8, 9):
        found: list[Any] = []
        while page := await desk.get(
            f"/markets/rain/trades?limit={limit}&afterSeq={found[-1]['seq'] if found else 0}"
        ):
            found += page
        assert found == tape, limit


@pytest.mark.parametrize("cursor", ["after-", "after-x", "after-0", "after-1-1", "before-1"])
async def test_a_cursor_of_a_tape_that_was_never_given(desk: Desk, cursor: str) -> None:
    reply = await desk.call("GET", f"/markets/rain/trades?cursor={cursor}")
    assert (reply.status, reply.fields) == (400, ["cursor"])


async def test_cursor_and_offset_exclude_each_other(desk: Desk) -> None:
    reply = await desk.call("GET", "/markets?cursor=1&offset=1")
    assert (reply.status, reply.fields) == (400, ["offset"])
