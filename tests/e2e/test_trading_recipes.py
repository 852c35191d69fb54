"""The recipes of docs/trading.md, taken out of it and run."""

import asyncio
from typing import Any

import httpx

from tests.e2e.test_newcomer import readme_commands, shell
from tests.e2e.test_samples import blocks
from tests.gateway.socket_client import SocketClient, socket_client
from tests.server_process import ServerProcess


def test_an_ask_without_shares(server: ServerProcess, slug: str) -> None:
    """The shell of trading.md behind the README's: a bid and an ask, both filled, are a profit."""
    ann = server.trader()[1]
    join = readme_commands(server.url).splitlines()[0]
    quotes, read_back = blocks("docs/trading.md", "sh")
    given = f"{join}\nANN={ann}; MARKET={slug}\n"
    bid, ask, book, escrow = (answer["data"] for answer in shell(given + quotes + read_back))
    assert (bid["order"]["status"], ask["order"]["status"]) == ("OPEN", "OPEN")
    assert len(escrow) == 3
    assert book["bids"] == [["0.5400", "10.00"]]
    assert book["asks"] == [["0.5800", "10.00"]]
    for outcome in ("YES", "NO"):
        body = {"side": "BUY", "outcome": outcome, "type": "MARKET", "quantity": "10"}
        server.call("POST", f"/orders/{slug}", server.trader()[1], body)
    assert server.call("GET", "/user/balance", ann)["total"] == "1000.400000"
    assert server.call("GET", "/user/positions", ann) == []


def catch_up() -> Any:
    """Return the recipe's function as it stands in trading.md."""
    (text,) = blocks("docs/trading.md", "python")
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102 - the document's own code is what is tested
    return names["catch_up"]


def limit(slug: str, outcome: str, price: str, client_id: str) -> dict[str, str]:
    order = {"market": slug, "side": "BUY", "outcome": outcome, "type": "LIMIT"}
    return {**order, "price": price, "quantity": "10", "clientOrderId": client_id}


async def test_after_a_reconnect_nothing_is_unknown(server: ServerProcess, slug: str) -> None:
    """An order that was filled meanwhile, one whose answer was lost, one that never arrived."""
    _, token = await asyncio.to_thread(server.trader)
    orders: dict[str, dict[str, Any]] = {
        name: {"body": limit(slug, outcome, price, name)}
        for name, outcome, price in (
            ("answered", "YES", "0.54"),
            ("lost", "NO", "0.42"),
            ("never-sent", "NO", "0.41"),
        )
    }
    async with socket_client(server.port, token) as client:
        orders["answered"] |= await client.ok("order:place", orders["answered"]["body"])
        client.emit("order:place", orders["lost"]["body"])
        await client.until(lambda: len(client.heard("order_placed")) == 2)
    _, other = await asyncio.to_thread(server.trader)
    body = {"side": "BUY", "outcome": "NO", "type": "LIMIT", "price": "0.46", "quantity": "4"}
    await asyncio.to_thread(server.call, "POST", f"/orders/{slug}", other, body)
    server.kill()
    await asyncio.to_thread(server.start)

    headers = {"authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(base_url=f"{server.url}/api/v1", headers=headers) as api,
        socket_client(server.port, token) as client,
    ):
        balance, account_seq = await catch_up()(api, client.ok, slug, orders)
        shown = {name: sent["order"] for name, sent in orders.items()}
        assert {n: (o["status"], o["filled"], o["clientOrderId"]) for n, o in shown.items()} == {
            "answered": ("PARTIAL", "4.00", "answered"),
            "lost": ("OPEN", "0.00", "lost"),
            "never-sent": ("OPEN", "0.00", "never-sent"),
        }
        assert orders["lost"]["replayed"] is True
        stored = (await api.get("/orders")).json()["data"]
        for order in shown.values():
            # A look at one order alone tells its place in the queue, too.
            order.pop("queuePosition", None)
        assert {order["id"]: order for order in stored} == {o["id"]: o for o in shown.values()}
        # 1000 less 4 at 0.54, which are shares now; the rest is locked.
        assert (balance["total"], balance["locked"]) == ("997.840000", "11.540000")
        await private_messages_have_no_hole(client, slug, account_seq)
        cancelled = await client.ok("order:cancel", {"clientOrderId": "lost"})
        assert cancelled["order"] == (await api.get("/orders/by-client-id/lost")).json()["data"]
        await asyncio.to_thread(server.call, "POST", f"/orders/{slug}", other, body)
        await client.until(lambda: client.heard("order_filled"))
        heard = client.heard("order_filled")[-1]
        read = (await api.get(f"/user/fills?orderId={heard['orderId']}")).json()["data"]
        assert [fill["quantity"] for fill in read] == ["4.00", "4.00"]
        told = {"price": "0.5400", "outcome": "YES", "side": "BUY", "clientOrderId": "answered"}
        assert all(fill[name] == value for fill in read for name, value in told.items())
        assert heard["id"] == read[0]["id"]


async def private_messages_have_no_hole(client: SocketClient, slug: str, account_seq: int) -> None:
    """A command's messages come before its ack: orders, cash, shares, dense in `accountSeq`."""

    def last_beat() -> int:
        return int(client.heard("heartbeat")[-1]["accountSeq"])

    await client.until(lambda: client.heard("heartbeat"))
    client.events.clear()
    answer = await client.ok("order:place", limit(slug, "YES", "0.58", "taking"))
    order = answer["order"]
    assert (order["status"], order["filled"]) == ("CANCELLED", "0.00"), "own orders are not met"
    private = [(name, data) for name, data in client.events if "accountSeq" in data]
    private = [(name, data) for name, data in private if name != "heartbeat"]
    assert [name for name, _ in private] == ["order_placed", "balance_updated"]
    assert [data["accountSeq"] for _, data in private] == [account_seq + 1, account_seq + 2]
    await client.until(lambda: client.heard("heartbeat")[-1:] and last_beat() >= account_seq + 2)
    assert last_beat() == account_seq + 2
