"""Every answer says how far it reaches, and every read waits for what it is asked to hold."""

import asyncio

import pytest

from tests.gateway.trading_desk import Desk

READS = ("/markets", "/markets/rain", "/user/balance", "/orders", "/time", "/exchange/status")
WRONG = ("-1", "1.0", "1e3", "x", "", "99999999999999999999", "4611686018427387904", "0x1")


async def test_an_answer_s_mark_asks_for_what_it_did(desk: Desk) -> None:
    placed = await desk.place("ann", "BUY YES 10 @ 0.6")
    assert placed.body["meta"]["asOfSeq"] == desk.engine.view.seq
    for path in READS:
        reply = await desk.call("GET", f"{path}?minSeq={desk.engine.view.seq}", "ann")
        assert (reply.status, reply.body["meta"]["asOfSeq"]) == (200, desk.engine.view.seq), path


async def test_a_read_waits_for_the_command(desk: Desk) -> None:
    seq = desk.engine.view.seq + 1
    reading = asyncio.create_task(desk.call("GET", f"/user/balance?minSeq={seq}", "ann"))
    await asyncio.sleep(0.01)
    assert not reading.done()
    await desk.rest("ann", "BUY YES 10 @ 0.6")
    reply = await reading
    assert (reply.status, reply.body["data"]["locked"]) == (200, "6.000000")


async def test_what_is_far_ahead_is_504_with_what_is_known(desk: Desk) -> None:
    seq = desk.engine.view.seq
    reply = await desk.call("GET", f"/markets?minSeq={seq + 1}")
    assert (reply.status, reply.body["error"]["code"]) == (504, "NOT_YET_REACHED")
    (detail,) = reply.body["error"]["details"]
    assert detail["field"] == "minSeq"
    assert detail["message"].startswith(f"is {seq + 1}, but this process has come to {seq};")


@pytest.mark.parametrize("text", WRONG)
async def test_what_is_no_mark_is_400(desk: Desk, text: str) -> None:
    for path in ("/markets", "/time"):
        reply = await desk.call("GET", f"{path}?minSeq={text}")
        assert (reply.status, reply.body["error"]["details"][0]["field"]) == (400, "minSeq")


async def test_what_does_something_knows_no_mark(desk: Desk) -> None:
    reply = await desk.call("DELETE", "/orders?minSeq=1", "ann")
    assert (reply.status, reply.body["error"]["details"][0]["field"]) == (400, "minSeq")
