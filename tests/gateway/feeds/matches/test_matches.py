"""Matches over a real PostgreSQL: the job, what admins decide, the routes."""

import io
from decimal import Decimal
from typing import Any

import pytest

from exchange.messages.commands import OpenAccount
from exchange.messages.terms import NO
from gateway.bootstrap.settings import load_settings
from gateway.feeds.known import MarketRef
from gateway.feeds.known_venues import KnownVenueMarkets
from gateway.feeds.matches.jobs import MatchFinder
from gateway.observability.logs import configure_logs
from persistence.clock import now_us
from persistence.repositories.feeds.matches import Matches, MatchFilter, MatchStatus, NewMatch
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.feeds.conftest import Store
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.portfolio.venue_fake import Caller, VenueFake, caller, venue_market
from tests.persistence.running import CASH, limit, listing, open_for_trade, running

TEXT = "Will Gavin Newsom win the 2028 election?"
ALL = MatchFilter(tuple(MatchStatus))
KALSHI_FEES = (("taker_rate", "0.07"), ("maker_rate", "0"))


def finder(store: Store, at: int) -> MatchFinder:
    settings = load_settings({}).matches
    logger = configure_logs("error", io.StringIO())
    venues = ["kalshi", "polymarket"]
    return MatchFinder(
        Matches(store.pool), store.markets, venues, settings, logger, clock=lambda: at
    )


async def all_of(matches: Matches) -> dict[tuple[str, str], MatchStatus]:
    found = await matches.page(ALL, 1_000, 0, None)
    assert await matches.count(ALL) == len(found)
    return {(one.first[1], one.second[1]): one.status for one in found}


async def test_the_job_compares_all_platforms(database_url: str, store: Store) -> None:
    close = now_us() + 3_600_000_000
    kalshi = FakeVenue(platform="kalshi", markets=[])
    poly = FakeVenue(platform="polymarket", markets=[])
    for venue, names in ((kalshi, ("A", "B")), (poly, ("C", "D"))):
        for name, text in zip(names, (TEXT, "Will it rain in Oslo?"), strict=True):
            terms = {"platform": venue.platform, "external_id": name, "question": text}
            venue.listed[name] = market(1, **terms, close_time=close)
    await store.ingest(kalshi, poly)
    async with running(database_url) as engine:
        await open_for_trade(engine, question=TEXT)
        matches = Matches(store.pool)
        await finder(store, 1).run({})
        expected = {("1", "A"), ("1", "C"), ("A", "C"), ("B", "D")}
        assert await all_of(matches) == dict.fromkeys(expected, MatchStatus.CANDIDATE)
        ids = {(m.first[1], m.second[1]): m.id for m in await matches.page(ALL, 9, 0, None)}
        await matches.decide(ids["A", "C"], MatchStatus.CONFIRMED, 2)
        await matches.decide(ids["B", "D"], MatchStatus.DENIED, 2)
        await finder(store, 3).run({})
        decided = {("A", "C"): MatchStatus.CONFIRMED, ("B", "D"): MatchStatus.DENIED}
        assert await all_of(matches) == dict.fromkeys(expected, MatchStatus.CANDIDATE) | decided
        # What is no longer alike goes, unless somebody decided it.
        await store.pool.execute("UPDATE venue_markets SET status = 'RESOLVED'")
        await finder(store, 4).run({})
        assert await all_of(matches) == decided


async def test_a_run_that_is_cut_off_leaves_nothing_half(store: Store) -> None:
    matches = Matches(store.pool)
    found = [NewMatch(("kalshi", f"k{n}"), ("polymarket", f"p{n}"), 9_000) for n in range(2_500)]
    await matches.replace(found, 1)
    assert await matches.replace(found[:10], 2) == 2_490
    assert len(await all_of(matches)) == 10
    assert await matches.replace([], 3) == 10


async def matched(web: Web, count: int = 1) -> Matches:
    matches = Matches(web.accounts.users._pool)
    pairs = [NewMatch(("exchange", "1"), ("kalshi", f"K{n}"), 9_000 - n // 2) for n in range(count)]
    await matches.replace(pairs, 1)
    return matches


@pytest.fixture
def venue() -> VenueFake:
    markets = [venue_market(f"K{n}", fees=KALSHI_FEES, slug=f"k-{n}") for n in range(5)]
    return VenueFake(*markets)


@pytest.fixture
async def web(make_web: MakeWeb, venue: VenueFake) -> Web:
    made = await make_web(catalogues=[venue])
    made.engine.run(listing())
    return made


async def ids(who: Caller, path: str) -> list[str]:
    return [one["id"] for one in await who.data("GET", path)]


async def test_a_match_shows_both_sides_and_what_is_in_it(web: Web, venue: VenueFake) -> None:
    await matched(web)
    ann, ben = await caller(web), await caller(web)
    close = web.engine.view.markets[1].close_time
    venue.change("K0", best_bid=4_400, best_ask=4_500, yes_price=4_450, close_time=close)
    for person in (ann, ben):
        web.engine.run(OpenAccount(person.id, CASH))
    web.engine.run(limit(ann.id, 60, 10))
    web.engine.run(limit(ben.id, 40, 1, NO))
    (found,) = (await web.client.get("/api/v1/matches")).json()["data"]
    assert found["status"] == "CANDIDATE"
    assert found["score"] == "0.9000"
    assert [one["marketId"] for one in found["markets"]] == ["1", "kalshi:K0"]
    assert [one["yesPrice"] for one in found["markets"]] == ["0.6000", "0.4450"]
    assert found["priceDifference"] == "0.1550"
    arbitrage = found["arbitrage"]
    expected = {
        "buyYesOn": "kalshi:K0",
        "buyNoOn": "1",
        "yesAsk": "0.4500",
        "noAsk": "0.4000",
        "cost": "0.85000000",
        "fees": "0.01740000",  # ceil(0.07 x 100 x 0.45 x 0.55) = 1.74 for 100 shares; ours: none
        "profit": "0.13260000",
        "isProfitable": True,
    }
    assert {name: arbitrage[name] for name in expected} == expected
    net = Decimal(arbitrage["profit"]) - Decimal(arbitrage["capitalCost"])
    assert Decimal(arbitrage["netProfit"]) == net
    for name in ("rain", "1", "exchange:rain", "kalshi:K0", "k-0"):
        assert await ids(ann, f"/markets/{name}/matches") == [found["id"]], name
    venue.markets.pop(MarketRef("kalshi", "K0"))
    (found,) = (await web.client.get("/api/v1/matches")).json()["data"]
    assert found["arbitrage"] is found["priceDifference"] is None
    assert found["markets"][1]["question"] is None


async def test_matches_go_on_by_cursor(web: Web) -> None:
    await matched(web, 5)
    ann = await caller(web)
    for path in ("/matches", "/markets/rain/matches"):
        whole = await ids(ann, path)
        assert len(whole) == 5
        found: list[str] = []
        cursor = ""
        while True:
            body = (await ann.call("GET", f"{path}?limit=2{cursor}")).json()
            found += [one["id"] for one in body["data"]]
            assert body["pagination"]["total"] == 5
            if body["nextCursor"] is None:
                break
            cursor = f"&cursor={body['nextCursor']}"
        assert found == whole
        assert await ids(ann, f"{path}?limit=2&offset=3") == whole[3:]
        # No score is so high, and no column of scores so wide.
        assert await ids(ann, f"{path}?cursor={2**62 - 1}-1") == whole


async def test_the_document_says_what_is_listed_unless_asked(web: Web) -> None:
    document = (await web.client.get("/api/v1/openapi.json")).json()
    parameters = document["paths"]["/matches"]["get"]["parameters"]
    [status] = [one["schema"] for one in parameters if one["name"] == "status"]
    assert status["description"].endswith("unset: all but those that were denied")


async def test_admins_decide_and_it_is_audited(web: Web) -> None:
    await matched(web, 2)
    admin, ann = await caller(web, admin=True), await caller(web)
    first, second = await ids(ann, "/matches")
    body = {"decision": "CONFIRMED"}
    assert (await ann.call("POST", f"/matches/{first}", body)).status_code == 403
    confirmed = await admin.data("POST", f"/matches/{first}", body)
    assert confirmed["status"] == "CONFIRMED"
    assert confirmed["decidedAt"] is not None
    await admin.data("POST", f"/matches/{second}", {"decision": "DENIED"})
    assert await ids(ann, "/matches") == [first], (
        "what is denied isn't shown unless it is asked for"
    )
    assert await ids(ann, "/markets/rain/matches") == [first]
    assert await ids(ann, "/matches?status=DENIED") == [second]
    assert await ids(ann, "/matches?status=CANDIDATE,DENIED&platform=kalshi") == [second]
    assert await ids(ann, "/matches?platform=exchange") == [first]
    # How many there are is remembered for a minute, but not over a decision.
    for path in ("/matches", "/matches?limit=1"):
        assert (await ann.call("GET", path)).json()["pagination"]["total"] == 1
    text = web.parts.metrics.exposition().decode()
    assert 'cache_requests_total{cache="totals",result="hit"}' in text
    back = await admin.data("POST", f"/matches/{second}", {"decision": "CANDIDATE"})
    assert (await ann.call("GET", "/matches")).json()["pagination"]["total"] == 2
    assert back["decidedAt"] is None
    lines = await admin.data("GET", "/admin/audit?action=match.decide")
    assert [(line["target"], line["actorId"], line["outcome"]) for line in lines] == [
        (f"match:{number} {what}", str(admin.id), "ok")
        for number, what in ((second, "CANDIDATE"), (second, "DENIED"), (first, "CONFIRMED"))
    ]


@pytest.mark.parametrize("body", [{}, {"decision": "maybe"}, {"decision": None}, {"decision": 1}])
async def test_a_decision_that_is_none(web: Web, body: dict[str, Any]) -> None:
    await matched(web)
    admin = await caller(web, admin=True)
    (number,) = await ids(admin, "/matches")
    assert await admin.refused("POST", f"/matches/{number}", body) == (400, ["decision"])
    for wrong in ("0", "999", "x", "9" * 30, "%00"):
        answer = await admin.call("POST", f"/matches/{wrong}", {"decision": "DENIED"})
        assert answer.status_code == 404
    assert await admin.data("GET", "/admin/audit?action=match.decide") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("offset=-1", "offset"),
        ("cursor=x", "cursor"),
        ("status=maybe", "status"),
        ("platform=x", "platform"),
        ("sort=score", "sort"),
    ],
)
async def test_a_list_that_is_none(web: Web, query: str, field: str) -> None:
    ann = await caller(web)
    assert await ann.refused("GET", f"/matches?{query}") == (400, [field])


NAMES = ["hail", "0", "manifold:x", "kalshi:none", "a%2Fb", "%00", "x" * 200]


@pytest.mark.parametrize("name", NAMES)
async def test_matches_of_no_market(web: Web, name: str) -> None:
    answer = await web.client.get(f"/api/v1/markets/{name}/matches")
    assert answer.status_code == 404


async def test_a_slug_names_the_one_venue_that_has_it(store: Store) -> None:
    await store.ingest(
        FakeVenue([market(1), market(2, slug="both")]),
        FakeVenue([market(3, platform="other", slug="both")], platform="other"),
    )
    known = KnownVenueMarkets(["fake", "other"], store.markets)
    found = await known.of_slug("market-1")
    assert found is not None
    assert found.ref == MarketRef("fake", "M1")
    assert await known.of_slug("both") is None
    assert await KnownVenueMarkets(["other"], store.markets).of_slug("market-1") is None
