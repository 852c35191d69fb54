"""Taking credits back and suspending accounts, over REST."""

from typing import Any

import pytest

from exchange.messages.terms import Standing
from tests.gateway.trading_desk import Desk

ANN = 2
DEBIT = {"amount": "1.5", "reason": "credited twice", "requestId": "d-1"}
SUSPEND = {"suspended": True, "reason": "under review"}


async def test_a_debit_takes_credits_back_once(desk: Desk) -> None:
    reply = await desk.call("POST", f"/admin/users/{ANN}/debit", "root", DEBIT)
    assert reply.status == 200
    assert reply.data == {
        "userId": str(ANN),
        "amount": "1.500000",
        "balance": {"available": "998.500000", "locked": "0.000000", "total": "998.500000"},
    }
    again = await desk.call("POST", f"/admin/users/{ANN}/debit", "root", DEBIT)
    assert again.data == reply.data | {"replayed": True}
    other = await desk.call("POST", f"/admin/users/{ANN}/debit", "root", DEBIT | {"amount": "2"})
    assert (other.status, other.error["code"]) == (409, "CONFLICT")
    assert desk.audit.lines == [
        (1, "user.debit", f"user:{ANN} 1.500000", "ok"),
        (1, "user.debit", f"user:{ANN} 1.500000", "replayed"),
        (1, "user.debit", f"user:{ANN} 2.000000", "CONFLICT"),
    ]


async def test_what_cannot_be_taken_is_refused_with_its_numbers(desk: Desk) -> None:
    body = {"amount": "1000.000001", "reason": "r"}
    reply = await desk.call("POST", f"/admin/users/{ANN}/debit", "root", body)
    assert (reply.status, reply.error["code"]) == (422, "INSUFFICIENT_BALANCE")
    assert reply.fields == ["amount"]
    assert "1000.000001" in reply.error["message"]
    assert "1000.000000" in reply.error["message"]
    assert (await desk.call("POST", "/admin/users/99/debit", "root", DEBIT)).status == 404


async def test_a_debit_that_comes_too_late_is_refused(desk: Desk) -> None:
    late = DEBIT | {"validUntil": "2025-12-31T00:00:00Z"}
    reply = await desk.call("POST", f"/admin/users/{ANN}/debit", "root", late)
    assert (reply.status, reply.error["code"], reply.fields) == (422, "EXPIRED", ["validUntil"])


async def test_a_suspension_ends_orders_and_refuses_further_ones(desk: Desk) -> None:
    for price in ("0.50", "0.51"):
        await desk.rest("ann", f"BUY YES 1 @ {price}")
    path = f"/admin/users/{ANN}/suspend"
    reply = await desk.call("POST", path, "root", SUSPEND)
    assert reply.data == {"userId": str(ANN), "standing": "SUSPENDED", "cancelled": 2}
    refusal = await desk.place("ann", "BUY YES 1 @ 0.50")
    assert (refusal.status, refusal.error["code"]) == (422, "ACCOUNT_SUSPENDED")
    assert refusal.error["transient"] is True
    assert (await desk.get("/user/balance", "ann"))["locked"] == "0.000000"
    lifted = await desk.call("POST", path, "root", SUSPEND | {"suspended": False})
    assert lifted.data["standing"] == "ACTIVE"
    assert desk.engine.view.accounts[ANN].standing is Standing.ACTIVE
    await desk.rest("ann", "BUY YES 1 @ 0.50")
    assert [line[1:] for line in desk.audit.lines] == [
        ("user.suspend", f"user:{ANN} under review", "ok"),
        ("user.unsuspend", f"user:{ANN} under review", "ok"),
    ]


async def test_nobody_suspends_themselves(desk: Desk) -> None:
    reply = await desk.call("POST", "/admin/users/1/suspend", "root", SUSPEND)
    assert (reply.status, reply.error["code"]) == (403, "FORBIDDEN")
    assert desk.engine.view.accounts[1].standing is Standing.ACTIVE


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("debit", {"reason": "r"}, "amount"),
        ("debit", DEBIT | {"amount": "0"}, "amount"),
        ("debit", DEBIT | {"amount": "-1"}, "amount"),
        ("debit", DEBIT | {"amount": "1e3"}, "amount"),
        ("debit", DEBIT | {"amount": "1000000001"}, "amount"),
        ("debit", DEBIT | {"reason": ""}, "reason"),
        ("debit", DEBIT | {"reason": "x" * 201}, "reason"),
        ("debit", DEBIT | {"requestId": "a b"}, "requestId"),
        ("debit", DEBIT | {"validUntil": "soon"}, "validUntil"),
        ("debit", DEBIT | {"kind": "BET"}, "kind"),
        ("suspend", {"suspended": True}, "reason"),
        ("suspend", {"reason": "r"}, "suspended"),
        ("suspend", SUSPEND | {"suspended": "yes"}, "suspended"),
        ("suspend", SUSPEND | {"reason": "a\u0000b"}, "reason"),
    ],
)
async def test_what_is_wrong_is_named(
    desk: Desk, path: str, body: dict[str, Any], field: str
) -> None:
    seq = desk.engine.view.seq
    reply = await desk.call("POST", f"/admin/users/{ANN}/{path}", "root", body)
    assert (reply.status, reply.fields) == (400, [field])
    assert desk.engine.view.seq == seq


@pytest.mark.parametrize(("path", "body"), [("debit", DEBIT), ("suspend", SUSPEND)])
async def test_it_is_for_admins(desk: Desk, path: str, body: object) -> None:
    for who, status in ((None, 401), ("ann", 403)):
        reply = await desk.call("POST", f"/admin/users/{ANN}/{path}", who, body)
        assert reply.status == status
