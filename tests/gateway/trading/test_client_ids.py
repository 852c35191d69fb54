"""Cancelling by one's own id, which is all one has after an answer was lost."""

import asyncio

import pytest

from exchange.messages.commands import CancelOrder
from tests.gateway.socket_client import socket_client
from tests.gateway.socket_desk import open_socket_desk
from tests.gateway.trading_desk import Desk, order


async def test_an_order_is_cancelled_by_its_senders_id(desk: Desk) -> None:
    order_id = await desk.rest("ann", "BUY YES 10 @ 0.5", clientOrderId="a-1")
    await desk.rest("ben", "BUY YES 10 @ 0.5", clientOrderId="a-1")
    reply = await desk.call("DELETE", "/orders/by-client-id/a-1", "ann")
    assert (reply.status, reply.data["order"]["id"]) == (200, order_id)
    assert reply.data["order"]["status"] == "CANCELLED"
    assert len(desk.engine.view.orders) == 1
    again = await desk.call("DELETE", "/orders/by-client-id/a-1", "ann")
    assert (again.status, again.error["code"]) == (422, "ORDER_NOT_OPEN")
    assert again.fields == ["clientOrderId"]


@pytest.mark.parametrize(("name", "status"), [("never", 404), ("a b", 400), ("x" * 65, 400)])
async def test_an_id_that_names_no_order(desk: Desk, name: str, status: int) -> None:
    reply = await desk.call("DELETE", f"/orders/by-client-id/{name}", "ann")
    assert (reply.status, reply.fields) == (status, ["clientOrderId"])
    assert (await desk.call("DELETE", f"/orders/by-client-id/{name}")).status == 401


async def test_a_placing_that_is_still_on_its_way_is_found() -> None:
    """The cancel goes out before anybody has heard of the order."""
    async with (
        open_socket_desk(commit_seconds=0.05) as desk,
        socket_client(desk.port, "1") as ann,
    ):
        body = order("BUY YES 10 @ 0.5", market="rain", clientOrderId="a-1")
        placed, cancelled = await asyncio.gather(
            ann.ok("order:place", body), ann.ok("order:cancel", {"clientOrderId": "a-1"})
        )
        assert placed["order"]["status"] == "OPEN"
        assert cancelled["order"]["id"] == placed["order"]["id"]
        assert cancelled["order"]["status"] == "CANCELLED"
        assert not desk.engine.view.orders
        kinds = [type(command) for command in desk.engine.commands]
        assert kinds.count(CancelOrder) == 2


async def test_over_a_socket_too() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        placed = await ann.ok(
            "order:place", order("BUY YES 10 @ 0.5", market="rain", clientOrderId="a-1")
        )
        cancelled = await ann.ok("order:cancel", {"clientOrderId": "a-1"})
        assert cancelled["order"]["id"] == placed["order"]["id"]
        for payload, code, field in (
            ({"clientOrderId": "a-1"}, "ORDER_NOT_OPEN", "clientOrderId"),
            ({"clientOrderId": "never"}, "ORDER_NOT_FOUND", "clientOrderId"),
            ({"clientOrderId": "a b"}, "VALIDATION_ERROR", "clientOrderId"),
            ({"clientOrderId": "a-1", "orderId": "1"}, "VALIDATION_ERROR", "orderId"),
            ({}, "VALIDATION_ERROR", "orderId"),
        ):
            refusal = await ann.refusal("order:cancel", payload)
            assert (refusal["code"], refusal["details"][0]["field"]) == (code, field)
