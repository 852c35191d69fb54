"""The admin's commands on the exchange: credits, the mode, figures, and their audit lines."""

import pytest

from exchange.messages.reasons import Reason
from tests.gateway.trading_desk import Desk

CREDIT = "/admin/users/2/credit"


async def test_a_credit_with_a_request_id_is_given_once(desk: Desk) -> None:
    body = {"amount": "12.5", "reason": "prize", "requestId": "p-1"}
    first = await desk.call("POST", CREDIT, "root", body)
    assert first.data == {
        "userId": "2",
        "amount": "12.500000",
        "balance": {"available": "1012.500000", "locked": "0.000000", "total": "1012.500000"},
    }
    await desk.rest("ann", "BUY YES 10 @ 0.5")
    again = await desk.call("POST", CREDIT, "root", body | {"amount": 12.50})
    assert again.data == first.data | {"replayed": True}
    other = await desk.call("POST", CREDIT, "root", body | {"amount": "13"})
    assert (other.status, other.error["code"]) == (409, Reason.CONFLICT.name)
    assert (await desk.get("/user/balance", "ann"))["total"] == "1012.500000"
    assert desk.audit.lines == [
        (1, "user.credit", "user:2 12.500000", "ok"),
        (1, "user.credit", "user:2 12.500000", "replayed"),
        (1, "user.credit", "user:2 13.000000", "CONFLICT"),
    ]


async def test_a_credit_without_one_is_given_each_time(desk: Desk) -> None:
    for total in ("1001.000000", "1002.000000"):
        reply = await desk.call("POST", CREDIT, "root", {"amount": 1, "reason": "gift"})
        assert reply.data["balance"]["total"] == total


async def test_what_became_of_a_command_is_audited_when_nobody_knows(desk: Desk) -> None:
    body = {"amount": "1", "reason": "gift"}
    desk.engine.loses_answers = True
    assert (await desk.call("POST", CREDIT, "root", body)).status == 504
    desk.engine.is_open = False
    assert (await desk.call("POST", CREDIT, "root", body)).status == 503
    assert [outcome for *_, outcome in desk.audit.lines] == ["unknown", "unavailable"]


async def test_a_lost_audit_line_is_not_told_as_if_nothing_happened(desk: Desk) -> None:
    body = {"amount": "1", "reason": "gift", "requestId": "g"}
    desk.audit.is_away = True
    reply = await desk.call("POST", CREDIT, "root", body)
    assert (reply.status, reply.error["code"]) == (504, "UNKNOWN_OUTCOME")
    desk.engine.is_open = False
    assert (await desk.call("POST", CREDIT, "root", body)).status == 503
    desk.engine.is_open, desk.audit.is_away = True, False
    again = await desk.call("POST", CREDIT, "root", body)
    assert (again.data["replayed"], again.data["balance"]["total"]) == (True, "1001.000000")


@pytest.mark.parametrize("user_id", ["0", "x", "-1", "9" * 30])
async def test_a_credit_to_what_is_no_user(desk: Desk, user_id: str) -> None:
    path = f"/admin/users/{user_id}/credit"
    reply = await desk.call("POST", path, "root", {"amount": "1", "reason": "gift"})
    assert reply.status == 404


async def test_the_mode_holds_for_everybody_at_once(desk: Desk) -> None:
    order_id = await desk.rest("ann", "BUY YES 1 @ 0.5")
    for mode in ("post-only", "cancel-only", "halted"):
        reply = await desk.call("POST", "/admin/exchange/mode", "root", {"mode": mode})
        assert reply.data == {"mode": mode}
        assert (await desk.place("ann", "BUY YES 1 @ 0.5")).status == 422
    assert (await desk.call("DELETE", f"/orders/{order_id}", "ann")).status == 422
    await desk.call("POST", "/admin/exchange/mode", "root", {"mode": "open"})
    assert (await desk.call("DELETE", f"/orders/{order_id}", "ann")).status == 200
    assert desk.audit.lines[0] == (1, "exchange.mode", "exchange post-only", "ok")
    assert len(desk.audit.lines) == 4


async def test_figures(desk: Desk) -> None:
    desk.list_market("hail", taker_fee=100, draft=True)
    await desk.rest("ann", "BUY YES 3 @ 0.6")
    await desk.rest("ben", "BUY NO 2 @ 0.4")
    assert await desk.get("/admin/stats", "root") == {
        "mode": "open",
        "epoch": 7,
        "seq": 8,
        "time": "2026-01-01T00:00:00.008Z",
        "accounts": 4,
        "markets": {
            "DRAFT": 1,
            "OPEN": 1,
            "POST_ONLY": 0,
            "HALTED": 0,
            "FULL_HALT": 0,
            "CLOSED": 0,
            "RESOLVING": 0,
            "RESOLVED": 0,
            "VOID": 0,
        },
        "openOrders": 1,
        "trades": 1,
        "issued": "4000.000000",
        "collateral": "2.000000",
        "fees": "0.000000",
    }
