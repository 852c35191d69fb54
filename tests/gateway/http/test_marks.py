"""Every read says how far it reaches, those of an account in its private stream as well: taken from
the route table, so that a new one is asked, too.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest

from exchange.messages.commands import OpenAccount, PlaceOrder
from exchange.messages.group_commands import SetOrderGroup
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES
from gateway.access.budgets import Budget
from gateway.feeds.model import VenueEvent
from gateway.http.routing import Access, Route, Shape
from gateway.site.terminal import PAGES
from persistence.clock import now_us
from persistence.proof.solvency.making import make_proof
from persistence.repositories.feeds.matches import Matches, NewMatch
from persistence.repositories.feeds.snapshots import POLL, NewSnapshot
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.reading import Reader
from tests.gateway.portfolio.venue_fake import Caller
from tests.gateway.trading_desk import all_tables
from tests.persistence.running import listing

ROWS: Final = [row for table in all_tables() for row in table.routes if row.method == "GET"]
FILES: Final = {
    "/summaries/{day}": "a file that never changes",
    "/users/me/export": "a file of all there is",
    "/admin/audit/export": "a file of the log",
    "/openapi.json": "what can be asked, whatever happens",
    "/asyncapi.json": "what can be said, whatever happens",
    "/docs": "a page",
    "/": "a page",
    "/plain": "a page",
    "/live": "a page",
    "/static/{name}": "a part of pages",
    "/metrics": "of the process, in the form of whoever collects it",
    "/health": "of the process, asked when nothing is known",
    "/ready": "of the process, asked when nothing is known",
    "/auth/x": "the way to somebody else",
    "/auth/x/callback": "the way back",
    "/auth/google": "the way to somebody else",
    "/auth/google/callback": "the way back",
    "/.well-known/jwks.json": "keys, in the form of a standard",
    **dict.fromkeys(
        (*PAGES, "/assets/{name}", "/notices.txt"), "the terminal's page, and its parts"
    ),
}
"""What carries no `asOfSeq`, and why."""
NOT_OF_ACCOUNTS: Final = {
    "/auth/me": "who one is, not what one has",
    "/users/me": "who one is, not what one has",
    "/users/me/preferences": "how one likes pages to look",
    "/users/me/export": "a file of all there is",
    "/users/me/sessions": "where one is signed in",
    "/users/me/api-keys": "how programs sign in",
    "/auth/2fa": "by what one proves who one is",
    "/auth/2fa/passkeys": "by what one proves who one is",
    "/users/me/wallets": "how one signs in",
    "/users/me/links": "how one signs in",
    "/watchlists": "names of markets, kept beside the exchange",
    "/watchlists/{id}": "names of markets, kept beside the exchange",
    "/transactions/me/export": "a table, which says it by a header",
    "/bets/me": "as the projector stored them, which begins behind the engine",
    "/bets/{id}": "as the projector stored it, which begins behind the engine",
    "/bets/quote": "what the book would give now",
    "/economy/stocks/{symbol}/quote": "what a trade would come to now",
    "/bets/{id}/sell/quote": "what the book would give now",
    "/alerts": "what one wants to be told, kept beside the exchange",
    "/alerts/{id}": "what one wants to be told, kept beside the exchange",
    "/alerts/firings": "what was told, noted after it happened",
    "/alerts/webhooks": "where one is told",
    "/alerts/webhooks/{id}/deliveries": "what was sent",
    "/research": "what one has asked the web",
    "/research/{id}": "what one has asked the web",
    "/research/budget": "what one may spend on it",
    "/backtests": "what one has tried, kept beside the exchange",
    "/backtests/strategies": "what may be tried",
    "/backtests/{id}": "what one has tried, kept beside the exchange",
    "/leaderboard/me": "what the last run of a job has ranked",
    "/proof/me": "what a job has proved, some time ago",
    "/portfolios/{id}/history": "what was noted on days that are over",
}
"""What only the one who is signed in may read, and carries no `accountSeq`, and why."""
SAMPLE: Final = {"strategy": "momentum", "tape": "sample"}
STORED: Final = (
    "/proof",
    "/proof/me",
    "/proof/{id}",
    "/tickers",
    "/markets/{slug}/ticker",
    "/markets/{slug}/candles",
    "/leaderboard/pnl",
    "/leaderboard/volume",
    "/leaderboard/calibration",
    "/leaderboard/me",
    "/bets/me",
    "/bets/{id}",
)
"""What reaches as far as the projector, or the job, which hasn't begun here."""
OF_VENUES: Final = ("/markets/{slug}/latest", "/markets/{slug}/snapshots/latest")
"""What only markets of other venues have."""
OTHERS: Final = 9_000
Ask = Callable[[Route], Awaitable[dict[str, Any]]]


def test_what_carries_no_mark_is_a_file_or_of_the_process() -> None:
    bare = {row.path for row in ROWS if not row.is_read}
    assert bare == FILES.keys()
    for row in ROWS:
        is_file = row.shape in {Shape.FILE, Shape.STREAM, Shape.REDIRECT} and not row.says_as_of
        assert row.is_read is not (is_file or row.budget is Budget.NONE), row.path


def test_reads_of_whoever_is_signed_in_are_of_their_account() -> None:
    own = {row.path for row in ROWS if row.access is Access.USER}
    assert {row.path for row in ROWS if row.of_account} == own - NOT_OF_ACCOUNTS.keys()
    assert own > NOT_OF_ACCOUNTS.keys()


async def trade(web: Web, ann: Caller, person_id: int) -> str:
    """Have somebody place an order, make a group, and bet where others offer both sides; return the
    bet's id.
    """
    order = PlaceOrder(person_id, 1, BUY, YES, LIMIT, 5_000, 100, GTC, client_order_id="one")
    web.engine.run(order)
    web.engine.run(SetOrderGroup(person_id, "mm", 4_000, 1))
    web.engine.run(OpenAccount(OTHERS, 1_000_000_000))
    for outcome, price in ((NO, 4_000), (YES, 5_100)):
        web.engine.run(PlaceOrder(OTHERS, 1, BUY, outcome, LIMIT, price, 9_000, GTC))
    wanted = {"marketId": "rain", "side": "THIS", "amount": "10"}
    number: str = (await ann.data("POST", "/bets", wanted))["id"]
    return number


async def of_admins(ann: Caller) -> dict[str, str]:
    """Make one of everything that admins make; return the places by their rows' paths."""
    proposed = {"action": "exchange.mode", "body": {"mode": "open"}, "reason": "r"}
    proposal = (await ann.data("POST", "/admin/proposals", proposed))["id"]
    mirror = (await ann.data("POST", "/admin/mirrors", {"marketId": "fake:M1"}))["id"]
    orca = {"symbol": "ORCA", "name": "Orca", "basePrice": "1", "slope": "0.01"}
    await ann.data("POST", "/admin/stocks", orca)
    return {
        "{symbol}": "ORCA",
        "/admin/mirrors/{id}": f"/admin/mirrors/{mirror}",
        "/admin/proposals/{id}": f"/admin/proposals/{proposal}",
    }


async def kept_beside(ann: Caller) -> dict[str, str]:
    """Make one of each that is kept beside the exchange; return what stands for their paths."""
    watchlist = (await ann.data("POST", "/watchlists", {"name": "a"}))["id"]
    hook = await ann.data("POST", "/alerts/webhooks", {"url": "https://hooks.example.com/"})
    alert = (await ann.data("POST", "/alerts", {"kind": "FILL"}))["id"]
    backtest = (await ann.data("POST", "/backtests", SAMPLE))["id"]
    question = (await ann.data("POST", "/research", {"query": "Will it rain?"}))["id"]
    portfolio = (await ann.data("POST", "/portfolios", {"name": "a"}))["id"]
    noted = {"marketId": "rain", "side": "YES", "quantity": "1", "avgCost": "0.5"}
    position = (await ann.data("POST", f"/portfolios/{portfolio}/positions", noted))["id"]
    return {
        "/alerts/webhooks/{id}": f"/alerts/webhooks/{hook['webhook']['id']}",
        "/alerts/{id}": f"/alerts/{alert}",
        "/backtests/{id}": f"/backtests/{backtest}",
        "/research/{id}": f"/research/{question}",
        "/watchlists/{id}": f"/watchlists/{watchlist}",
        "/portfolios/{id}": f"/portfolios/{portfolio}",
        "/positions/{id}": f"/positions/{position}",
    }


async def a_proof(web: Web, account_id: int) -> int | None:
    """Prove what the exchange owes, to one account."""
    added = "INSERT INTO accounts (id, opened_seq, available, locked, seq) VALUES ($1, 1, 0, 0, 1)"
    await web.parts.pool.execute(added, account_id)
    return await make_proof(web.parts.pool.url)


@pytest.fixture
async def ask(make_web: MakeWeb) -> Ask:
    """Read any row as an admin who has one of everything."""
    venue = FakeVenue([market(1, slug="theirs", event_id="E1")])
    venue.events = [VenueEvent(platform="fake", external_id="E1", title="Who?", slug="who")]
    web = await make_web(
        venues={"fake": venue}, RATE_LIMIT_USER_MAX_REQUESTS="100000", PARALLEL_API_KEY="a key"
    )
    await Reader(web, {"fake": venue}).ingest()
    person = await web.register(admin=True)
    ann = Caller(web, person)
    web.engine.run(listing())
    web.engine.run(PlaceOrder(person.id, 1, BUY, YES, LIMIT, 5_000, 1, GTC, client_order_id="one"))
    web.engine.run(SetOrderGroup(person.id, "mm", 4_000, 1))
    bet = await trade(web, ann, person.id)
    beside = await kept_beside(ann)
    await Matches(web.parts.pool).replace([NewMatch(("exchange", "1"), ("fake", "M1"), 9_000)], 1)
    ids = (
        await of_admins(ann)
        | beside
        | {
            "{slug}": "rain",
            "{category}": "weather",
            "{clientOrderId}": "one",
            "/orders/{id}": "/orders/1",
            "/bets/{id}": f"/bets/{bet}",
            "/events/{id}": "/events/fake:E1",
            "/users/{id}": f"/users/{person.id}",
            "/admin/users/{id}": f"/admin/users/{person.id}",
        }
    )
    now = now_us()
    snapshots = web.parts.feeds.snapshots
    (row,) = await web.parts.feeds.markets.of_event("fake", "E1", 1)
    await snapshots.add(POLL, [NewSnapshot(market_id=row.id, digest=b"d", at=now, yes_price=5)])
    proof = await a_proof(web, person.id)
    latest = await snapshots.latest(row.id)
    assert latest is not None
    theirs = {name: name.replace("{slug}", "fake:M1") for name in OF_VENUES}
    ids = theirs | ids | {"/snapshots/{id}": f"/snapshots/{latest.id}"}
    ids |= {"/proof/{id}": f"/proof/{proof}"}
    seq = web.engine.view.markets[1].seq
    account = web.engine.view.accounts[person.id]
    queries = {
        "/bets/quote": "?marketId=rain&side=THIS&amount=10",
        "/economy/stocks/{symbol}/quote": "?side=BUY&shares=1",
        "/markets/search": "?q=rain",
        "/admin/markets/{slug}/settlement": "?outcome=YES",
        # There is no journal behind the engine here: what would be read in it is nothing.
        "/markets/{slug}/orderbook/deltas": f"?afterSeq={seq}",
        "/markets/{slug}/orderbook/orders": f"?afterSeq={seq}",
        "/user/events": f"?afterSeq={account.seq}",
    }

    async def read(row: Route) -> dict[str, Any]:
        path = row.path
        for name, value in ids.items():
            path = path.replace(name, value)
        answer = await ann.call("GET", path + queries.get(row.path, ""))
        assert answer.status_code == 200, (row.path, answer.text)
        meta: dict[str, Any] = answer.json()["meta"]
        reached = 0 if row.path in STORED else web.engine.view.seq
        assert meta["asOfSeq"] == reached, row.path
        if row.of_account:
            assert meta["accountSeq"] == account.seq > 0, row.path
        return meta

    return read


async def test_every_read_carries_its_marks(ask: Ask) -> None:
    for row in ROWS:
        # Of files that say it by a header `tests/gateway/markets/past/test_exports.py` asks.
        if row.is_read and not row.says_as_of:
            meta = await ask(row)
            assert ("accountSeq" in meta) is row.of_account, row.path
