"""Sockets are told the prices of stocks, as they are and as they change, signed in or not."""

from datetime import date
from pathlib import Path
from typing import Any

from gateway.economy.stocks import telling
from persistence.errors import DatabaseUnavailable
from persistence.repositories.economy.stocks.stocks import StockRow
from tests.gateway.socket_client import SocketClient, socket_client
from tests.gateway.socket_desk import SocketDesk, open_socket_desk

DAY = date(2026, 5, 1)
ORCA = {"symbol": "ORCA", "status": "OPEN", "price": "1.000000", "supply": "0.00"} | {
    "value": "0.000000"
}


class StocksFake:
    """A database that has two stocks, and says how often it was asked."""

    def __init__(self) -> None:
        self.supplies = {"ORCA": 0, "LYNX": 0}
        self.halted: set[str] = set()
        self.asked = 0
        self.is_away = False

    async def fetch(self, _statement: str, *_: object) -> list[tuple[object, ...]]:
        self.asked += 1
        if self.is_away:
            raise DatabaseUnavailable("away")
        terms = 1_000_000, 10_000, 10, 1_000
        return [
            (n, name, name, *terms, name in self.halted, supply, 1, DAY, None)
            for n, (name, supply) in enumerate(self.supplies.items(), 1)
        ]


def told(client: SocketClient) -> list[dict[str, Any]]:
    return [one for one in client.heard(telling.EVENT) if one["symbol"] == "ORCA"]


async def heard(desk: SocketDesk, client: SocketClient, count: int) -> None:
    await client.until(lambda: len(told(client)) >= count)
    desk.sockets.heart.beat(0.0)


def test_a_row_of_the_fake_is_one_of_the_table() -> None:
    assert len(StockRow.__struct_fields__) == 12


async def test_what_counts_as_several_events_is_said() -> None:
    text = (Path(__file__).parents[4] / "docs/limits.md").read_text("utf-8")
    [line] = [line for line in text.splitlines() if line.startswith("Over a socket `session:res")]
    async with open_socket_desk(pool=StocksFake()) as desk:
        rows = desk.parts.described.events
    dear = {name: row.cost for name, row in rows.items() if row.cost > 1}
    assert dear == {"session:resume": 5, "subscribe:stocks": 5}
    assert all(f"`{name}`" in line for name in dear)


async def test_followers_hear_of_each_change_and_nobody_else_does() -> None:
    stocks = StocksFake()
    async with (
        open_socket_desk(pool=stocks) as desk,
        socket_client(desk.port) as ann,
        socket_client(desk.port, token="2") as ben,
    ):
        assert stocks.asked == 0, "nobody follows"
        first = await ann.ok("subscribe:stocks")
        assert first["stocks"][0] == ORCA
        assert [one["symbol"] for one in first["stocks"]] == ["ORCA", "LYNX"]
        stocks.supplies["ORCA"] = 10_000
        await heard(desk, ann, 1)
        [changed] = told(ann)
        del changed["timestamp"]
        assert changed == ORCA | {
            "price": "2.000000",
            "supply": "100.00",
            "value": "150.000000",
            "epoch": first["epoch"],
            "seq": first["seq"] + 1,
        }
        stocks.halted.add("ORCA")
        await heard(desk, ann, 2)
        assert told(ann)[-1]["status"] == "HALTED"
        # Heartbeats say how far it has come, to whoever follows.
        await ann.until(lambda: ann.heard("heartbeat")[-1].get("stocksSeq") == first["seq"] + 2)
        assert told(ben) == []
        assert all("stocksSeq" not in beat for beat in ben.heard("heartbeat"))
        # Whoever comes later has what was told.
        later = await ben.ok("subscribe:stocks")
        assert (later["seq"], later["stocks"][0]["status"]) == (first["seq"] + 2, "HALTED")


async def test_who_leaves_hears_no_more_and_who_comes_back_hears_what_is_now() -> None:
    stocks = StocksFake()
    async with open_socket_desk(pool=stocks) as desk, socket_client(desk.port) as ann:
        first = await ann.ok("subscribe:stocks")
        assert await ann.ok("unsubscribe:stocks") == {"epoch": first["epoch"], "seq": first["seq"]}
        await ann.ok("unsubscribe:stocks")
        assert not desk.hearers.stocks.members
        stocks.supplies["ORCA"] = 10_000
        again = await ann.ok("subscribe:stocks")
        assert again["stocks"][0]["price"] == "2.000000"
        assert again["seq"] > first["seq"]
        assert told(ann) == []
        await ann.ok("subscribe:stocks")
        assert len(desk.hearers.stocks.members) == 1
        async with socket_client(desk.port) as ben:
            await ben.ok("subscribe:stocks")
            assert len(desk.hearers.stocks.members) == 2
        await ann.until(lambda: len(desk.hearers.stocks.members) == 1)


async def test_a_database_that_is_away_is_waited_for() -> None:
    stocks = StocksFake()
    async with open_socket_desk(pool=stocks) as desk, socket_client(desk.port) as ann:
        stocks.is_away = True
        refused = await ann.refusal("subscribe:stocks")
        assert refused["code"] == "UNAVAILABLE"
        stocks.is_away = False
        await ann.ok("subscribe:stocks")
        stocks.is_away = True
        asked = stocks.asked
        await ann.until(lambda: stocks.asked > asked)
        stocks.supplies["ORCA"], stocks.is_away = 10_000, False
        await heard(desk, ann, 1)
        assert told(ann)[-1]["price"] == "2.000000"
