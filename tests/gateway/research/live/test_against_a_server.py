"""A strategy as a bot against a real server: it trades, loses its line, goes on, leaves nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from gateway.cli.backtest.live import EMAIL, PASSWORD
from gateway.research.live.line import Declined
from gateway.research.live.running import LiveRun, Summary
from gateway.research.live.session import Session
from gateway.research.strategy import Book, Desk, Fill, Resolved, Strategy, Terms, Trade
from tests.server_process import ServerProcess, until

WORD: Final = "correct-horse-ed"
SECONDS: Final = 30.0


class Quoter(Strategy):
    """Bids 10 shares at 0.40 and asks 10 at 0.60, each once more when it has traded."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, None)
        self.heard: list[Any] = []
        self.woken: list[int] = []

    def on_start(self) -> None:
        """Begin, once."""
        self.heard.append("start")
        self.desk.wake(self.desk.now)

    def on_listed(self, terms: Terms) -> None:
        """Hear of the market."""
        self.heard.append(terms.market)

    def on_timer(self, at: int) -> None:
        """Be woken, and quote."""
        self.woken.append(at)
        for market in self.desk.markets:
            if not self.desk.open_orders(market):
                self.desk.bid(market, 4_000, 1_000, post_only=True)
                self.desk.ask(market, 6_000, 1_000, post_only=True)
        self.desk.wake(self.desk.now + 200_000)

    def on_book(self, book: Book) -> None:
        """Remember it."""
        self.heard.append(book)

    def on_trade(self, trade: Trade) -> None:
        """Remember it."""
        self.heard.append(trade)

    def on_fill(self, fill: Fill) -> None:
        """Remember it, and what was held then."""
        self.heard.append((fill, self.desk.position(fill.market).net))

    def on_resolution(self, resolved: Resolved) -> None:
        """Remember it."""
        self.heard.append(resolved)

    def fills(self) -> list[tuple[Fill, int]]:
        """Return the fills, and what was held behind each."""
        return [one for one in self.heard if isinstance(one, tuple)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    process = ServerProcess(tmp_path_factory.mktemp("bots") / "data")
    try:
        process.start()
        yield process
        assert process.end() == 0
        assert '"level":"error"' not in process.words()
    finally:
        process.clean_up()


def bot(server: ServerProcess, name: str) -> tuple[str, str]:
    """Register somebody; return the address and a token."""
    email = f"{name}@example.com"
    made = server.call("POST", "/auth/register", body={"email": email, "password": WORD})
    return email, made["accessToken"]


@asynccontextmanager
async def live(server: ServerProcess, email: str, market: str) -> AsyncIterator[tuple[Any, ...]]:
    """Run a quoter until the block ends."""
    session, stop = Session(server.url, email, WORD), asyncio.Event()
    quoters: list[Quoter] = []

    def make(desk: Desk) -> Quoter:
        quoters.append(Quoter(desk))
        return quoters[-1]

    run = LiveRun(server.url, session, [market], make)
    running = asyncio.create_task(run.run(stop))
    try:
        yield run, quoters[0], running, stop
    finally:
        stop.set()
        await asyncio.wait_for(running, SECONDS)
        await session.close()


def resting(server: ServerProcess, token: str) -> list[dict[str, Any]]:
    """Return somebody's open orders."""
    found: list[dict[str, Any]] = server.call("GET", "/orders?status=OPEN", token)
    return found


async def test_a_strategy_trades_loses_its_line_and_goes_on(server: ServerProcess) -> None:
    market = server.market("bots")["slug"]
    email, token = bot(server, "quoter")
    _, taker = server.trader()
    sell = {"side": "BUY", "outcome": "NO", "type": "MARKET", "quantity": "4"}
    async with live(server, email, market) as (run, quoter, _, _):
        await until(lambda: len(resting(server, token)) == 2)
        assert [one["postOnly"] for one in resting(server, token)] == [True, True]
        await asyncio.to_thread(server.call, "POST", f"/orders/{market}", taker, sell)
        await until(quoter.fills)
        [(fill, held)] = quoter.fills()
        assert (fill.price, fill.quantity, fill.is_maker, held) == (4_000, 400, True, 400)
        left = [one.remaining for one in run.desk.open_orders(market).values()]
        assert sorted(left) == [600, 1_000]
        books = [one for one in quoter.heard if isinstance(one, Book)]
        assert all((one.bids, one.asks) == ((), ()) for one in books), "others have nothing there"
        assert any(isinstance(one, Trade) for one in quoter.heard)
        # The line is cut: what it had goes, and is there again behind the next connection.
        before = {one["id"] for one in resting(server, token)}
        run._line._connection.transport.abort()
        await until(lambda: not before & {one["id"] for one in resting(server, token)})
        await until(lambda: len(resting(server, token)) == 2)
        assert quoter.heard.count("start") == 1
        cancelled = server.call("GET", f"/orders/{min(before)}", token)
        assert cancelled["cancelReason"] == "DISCONNECTED"
        await until(lambda: run.desk.position(market).yes == 400)
        balance = server.call("GET", "/user/balance", token)
        await until(lambda: run.desk.total == round(float(balance["total"]) * 1_000_000))
    assert resting(server, token) == []
    assert run.desk.orders == {}


async def test_it_ends_with_its_market(server: ServerProcess) -> None:
    market = server.market("bots-end")["slug"]
    email, token = bot(server, "ending")
    async with live(server, email, market) as (_, quoter, running, _):
        await until(lambda: len(resting(server, token)) == 2)
        told = {"outcome": "YES", "source": "the test"}
        admin = server.admin()
        await asyncio.to_thread(server.call, "POST", f"/markets/{market}/resolve", admin, told)
        await asyncio.wait_for(asyncio.shield(running), SECONDS)
        assert [one.yes_payout for one in quoter.heard if isinstance(one, Resolved)] == [10_000]


async def test_what_no_waiting_mends_is_told(server: ServerProcess) -> None:
    email, _ = bot(server, "wrong")
    for password, market, code in (("x" * 12, "bots", "UNAUTHORIZED"), (WORD, "no", "NOT_FOUND")):
        session = Session(server.url, email, password)
        run = LiveRun(server.url, session, [market], Quoter)
        with pytest.raises(Declined, match=code):
            await run.run(asyncio.Event())
        await session.close()


def test_the_command_runs_one(server: ServerProcess) -> None:
    market = server.market("bots-command")["slug"]
    email, token = bot(server, "commanded")
    asked = ("run", "market-maker", "--url", server.url, "--market", market, "--seconds", "0.5")
    refused = server.run(*asked)
    assert (refused.returncode, EMAIL in refused.stderr) == (2, True)
    server.environment |= {EMAIL: email, PASSWORD: WORD}
    done = server.run(*asked)
    assert (done.returncode, done.stdout) == (
        0,
        "0 fills: bought 0.00, sold 0.00, fees 0.000000\n",
    ), done.stderr
    assert WORD not in done.stdout + done.stderr
    assert resting(server, token) == []
    assert Summary().fills == 0
