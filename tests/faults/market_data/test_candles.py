"""Candles and tickers of a real server, whose projector is killed, and which is killed itself."""

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any

import httpx
import psutil

from tests.faults.conftest import MakeServer
from tests.gateway.socket_client import socket_client
from tests.server_process import ServerProcess, until

SLUG = "rain"
PROCESS = "persistence.projection.process"


def read(server: ServerProcess, path: str) -> tuple[Any, int]:
    """Return the data of a GET and the command that it reaches."""
    answer = httpx.get(f"{server.url}/api/v1{path}", timeout=60).raise_for_status().json()
    return answer["data"], answer["meta"]["asOfSeq"]


class Traders:
    """Two who meet at a price."""

    def __init__(self, server: ServerProcess) -> None:
        self._server = server
        (_, self._one), (_, self._other) = server.trader(), server.trader()
        self.prices: list[str] = []
        self.seq = 0

    def trade(self, price: str) -> None:
        """Buy YES and NO for one credit together."""
        other = f"{1 - float(price):.2f}"
        for token, outcome, paid in ((self._one, "YES", price), (self._other, "NO", other)):
            body = {"side": "BUY", "outcome": outcome, "type": "LIMIT"}
            body |= {"price": paid, "quantity": "2"}
            headers = {"authorization": f"Bearer {token}"}
            url = f"{self._server.url}/api/v1/orders/{SLUG}"
            answer = httpx.post(url, json=body, headers=headers).raise_for_status().json()
            self.seq = answer["meta"]["asOfSeq"]
        self.prices.append(price)


def projectors(server: ServerProcess) -> list[psutil.Process]:
    return [p for p in server.family() if PROCESS in p.cmdline()]


def agree(server: ServerProcess, traders: Traders) -> None:
    """Look at candles of a day and the ticker, from the last trade on."""
    candles, seq = read(server, f"/markets/{SLUG}/candles?interval=1d&minSeq={traders.seq}")
    assert seq >= traders.seq
    prices = [f"{float(price):.4f}" for price in traders.prices]
    assert candles[0]["open"] == prices[0]
    assert candles[-1]["close"] == prices[-1]
    assert max(one["high"] for one in candles) == max(prices)
    assert min(one["low"] for one in candles) == min(prices)
    assert sum(one["trades"] for one in candles) == len(prices)
    assert sum(float(one["volume"]) for one in candles) == 2 * len(prices)
    assert candles[-1]["openInterest"] == f"{2 * len(prices)}.00"
    for minute in ("1m", "5m", "15m", "1h", "4h"):
        shorter, _ = read(server, f"/markets/{SLUG}/candles?interval={minute}&minSeq={traders.seq}")
        assert sum(one["trades"] for one in shorter) == len(prices)
    ticker, seq = read(server, f"/markets/{SLUG}/ticker?minSeq={traders.seq}")
    assert seq >= traders.seq
    assert ticker["lastPrice"] == prices[-1]
    assert ticker["high24h"] == max(prices)
    assert ticker["low24h"] == min(prices)
    assert ticker["trades24h"] == len(prices)
    change = round(float(prices[-1]) - float(prices[0]), 4)
    assert float(ticker["change24h"]) == change
    (listed,), _ = read(server, "/tickers")
    assert {**listed, "time": ""} == {**ticker, "time": ""}
    paid = f"{2 * sum(map(float, prices)):.6f}"
    assert ticker["volume24h"] == paid
    eventually(server, lambda market: market["volume24h"] == market["volumeTotal"] == paid)


def eventually(server: ServerProcess, holds: Callable[[Any], bool]) -> None:
    """Wait until the market of the lists is so, which are a moment behind."""
    ends = time.monotonic() + 60
    while not holds(read(server, "/markets?platform=all")[0][0]):
        assert time.monotonic() < ends
        time.sleep(0.05)


async def test_candles_go_on_exactly_whoever_is_killed(make_server: MakeServer) -> None:
    server = make_server(PROJECTOR="on", MIN_SEQ_WAIT_SECONDS="8")
    server.start()
    server.market(SLUG)
    traders = Traders(server)
    prices = itertools.cycle(("0.40", "0.55", "0.35", "0.50"))
    for price in itertools.islice(prices, 5):
        traders.trade(price)
    agree(server, traders)
    (first,) = projectors(server)
    first.kill()
    for price in itertools.islice(prices, 5):
        traders.trade(price)
    agree(server, traders)
    (second,) = projectors(server)
    assert second.pid != first.pid
    traders.trade(next(prices))
    server.kill()
    await until(lambda: not second.is_running() or second.status() == psutil.STATUS_ZOMBIE)
    server.start()
    agree(server, traders)
    traders.trade(next(prices))
    agree(server, traders)
    filled, _ = read(server, f"/markets/{SLUG}/candles?interval=1m&fill=true")
    assert all(one["close"] for one in filled)
    assert all(
        later["bid"]["open"] == before["bid"]["close"]
        for before, later in itertools.pairwise(filled)
    )
    # SIGSTOP: what waits for it is told so, nothing else waits.
    (third,) = projectors(server)
    third.suspend()
    traders.trade(next(prices))
    client = httpx.AsyncClient(base_url=f"{server.url}/api/v1", timeout=60)
    async with client:
        waits = asyncio.create_task(
            client.get(f"/markets/{SLUG}/candles", params={"minSeq": traders.seq})
        )
        behind = (await client.get(f"/markets/{SLUG}/candles")).json()
        assert behind["meta"]["asOfSeq"] < traders.seq
        answer = await waits
    assert answer.status_code == 504
    assert answer.json()["error"]["code"] == "NOT_YET_REACHED"
    third.resume()
    agree(server, traders)
    assert server.end() == 0


async def test_who_follows_is_told(make_server: MakeServer) -> None:
    server = make_server(PROJECTOR="on", MIN_SEQ_WAIT_SECONDS="8")
    server.start()
    server.market(SLUG)
    traders = Traders(server)
    async with socket_client(server.port) as client:
        body = {"market": SLUG, "channels": ["ticker", "candles"]}
        told = await client.ok("subscribe:market", body)
        assert told["channels"] == ["ticker", "candles"]
        for price in ("0.40", "0.55", "0.45"):
            await asyncio.to_thread(traders.trade, price)

        def candles() -> list[Any]:
            """Return the newest message about each interval."""
            heard = client.heard("candle_updated")
            return list({(one["interval"], one["time"]): one for one in heard}.values())

        def told_of(interval: str) -> int:
            return sum(one["trades"] for one in candles() if one["interval"] == interval)

        await client.until(lambda: told_of("1m") == told_of("1h") == told_of("1d") == 3)
        (day,) = [one for one in candles() if one["interval"] == "1d"][-1:]
        shown, _ = read(server, f"/markets/{SLUG}/candles?interval=1d")
        assert {**shown[-1], "marketId": day["marketId"], "interval": "1d"} == day
        await client.until(lambda: client.heard("ticker_updated")[-1]["trades24h"] == 3)
        ticker = client.heard("ticker_updated")[-1]
        listed, _ = read(server, f"/markets/{SLUG}/ticker")
        assert {**listed, "time": "", "epoch": ticker["epoch"]} == {**ticker, "time": ""}
        await client.until(
            lambda: any(one["markets"][0]["tickerSeq"] >= 4 for one in client.heard("heartbeat"))
        )
    assert server.end() == 0


NONSENSE = (
    ("interval=2m", "interval"),
    ("interval=", "interval"),
    ("interval=1m&interval=1h", "interval"),
    ("fill=yes", "fill"),
    ("from=yesterday", "from"),
    ("from=2099-01-01T00:00:00Z", "from"),
    ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z&interval=1d", "from"),
    ("interval=1m&from=2025-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
    ("limit=5", "limit"),
    ("minSeq=-1", "minSeq"),
)


def test_what_makes_no_sense_is_named(server: ServerProcess) -> None:
    server.market(SLUG)
    for query, field in NONSENSE:
        answer = httpx.get(f"{server.url}/api/v1/markets/{SLUG}/candles?{query}")
        assert answer.status_code == 400, (query, answer.text)
        assert answer.json()["error"]["details"][0]["field"] == field, query
    for path in ("candles", "ticker"):
        assert httpx.get(f"{server.url}/api/v1/markets/none/{path}").status_code == 404
    assert read(server, f"/markets/{SLUG}/candles?fill=true") == ([], 0)
    ticker, _ = read(server, f"/markets/{SLUG}/ticker")
    assert ticker["lastPrice"] is ticker["change24h"] is ticker["high24h"] is None
