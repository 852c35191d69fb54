"""Admins end somebody's order: what its owner and the audit log are told of it."""

from exchange.messages.commands import PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, YES, MarketStatus
from tests.gateway.conftest import Web
from tests.gateway.portfolio.venue_fake import caller
from tests.persistence.running import listing


async def test_an_admin_ends_an_order_of_somebodys(web: Web) -> None:
    admin, ann = await caller(web, admin=True), await caller(web)
    web.engine.run(listing())
    web.engine.run(PlaceOrder(ann.id, 1, BUY, YES, LIMIT, 5_000, 100, GTC))
    told = await admin.data("DELETE", "/admin/orders/1")
    assert told == {
        "orderId": "1",
        "userId": str(ann.id),
        "marketId": "1",
        "slug": "rain",
        "cancelReason": "ADMIN",
    }
    assert web.engine.view.accounts[ann.id].locked == 0
    answer = await admin.call("DELETE", "/admin/orders/1")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "ORDER_NOT_OPEN")
    answer = await admin.call("DELETE", "/admin/orders/99")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ORDER_NOT_FOUND")
    lines = await admin.data("GET", "/admin/audit?action=order.cancel")
    assert [(line["target"], line["outcome"]) for line in lines] == [
        ("order:99", "ORDER_NOT_FOUND"),
        ("order:1", "ORDER_NOT_OPEN"),
        (f"user:{ann.id} order:1", "ok"),
    ]


async def test_in_every_status_and_by_admins_alone(web: Web) -> None:
    admin, ann = await caller(web, admin=True), await caller(web)
    auditor = await caller(web)
    await web.accounts.users.set_role(auditor.id, "AUDITOR")
    web.engine.run(listing())
    web.engine.run(PlaceOrder(ann.id, 1, BUY, YES, LIMIT, 5_000, 100, GTC))
    await admin.data("PATCH", "/markets/rain/status", {"status": MarketStatus.FULL_HALT.value})
    for other in (ann, auditor):
        assert (await other.call("DELETE", "/admin/orders/1")).status_code == 403
    assert (await admin.call("DELETE", "/admin/orders/1")).status_code == 200
