"""The same question at both venues and here, in a real server: found by its job, shown from each of
the three, decided by an admin, and its arbitrage as it is worked out on paper.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any, Final

import httpx

from persistence.postgres.database import create_pool
from persistence.repositories.jobs import JobRows
from tests.faults.venues.conftest import Venues, asked_venues
from tests.venues import kalshi_samples
from tests.venues.polymarket import condition_id, sample_event, sample_market

QUESTION: Final = "Will Bitcoin reach $150,000 by the end of June 2030?"
CLOSE: Final = datetime(2030, 7, 1, 4, 0, tzinfo=UTC)
EARLIER: Final = datetime(2030, 6, 30, 12, 0, tzinfo=UTC)
YEAR_S: Final = 365 * 86_400
JOB: Final = "market-matches"
POLY: Final = f"polymarket:{condition_id(9_001)}"
KALSHI: Final = "kalshi:RAIN-BTC-150K"


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@asynccontextmanager
async def asking_the_same(folder: Path) -> AsyncIterator[Venues]:
    """Both venues with the question among others, and a market of ours that asks it, too."""
    async with asked_venues(folder) as venues:
        asked = sample_market(
            9_001,
            question=QUESTION,
            slug="btc-150k",
            endDate=iso(EARLIER),
            bestBid=0.54,
            bestAsk=0.56,
            feesEnabled=True,
            feeSchedule={"exponent": 1, "rate": 0.07, "takerOnly": True, "rebateRate": 0.2},
        )
        venues.polymarket.events.insert(0, sample_event(9_001, [asked]))
        quoted = {"yes_bid": "0.61", "yes_ask": "0.63", "no_bid": "0.37", "no_ask": "0.39"}
        quotes: dict[str, Any] = {f"{name}_dollars": price for name, price in quoted.items()}
        other = kalshi_samples.market(
            "RAIN-BTC-150K",
            title="Bitcoin to reach $150k by the end of June 2030",
            yes_sub_title="",
            no_sub_title="",
            close_time=iso(CLOSE),
            **quotes,
        )
        # Of a series that the server knows by now, so that its fees are known.
        venues.kalshi.events.insert(0, kalshi_samples.event("RAIN-BTC", markets=[other]))
        await asyncio.to_thread(
            venues.server.market, "btc-here", question=QUESTION, closeTime=iso(CLOSE)
        )
        await venues.well()
        await compared(venues)
        yield venues


async def compared(venues: Venues) -> None:
    """Let the hourly job run now."""
    pool = await create_pool(venues.server.database_url(), size=1)
    rows = JobRows(pool)
    before = (await rows.standings([JOB]))[JOB].last_success_at
    await rows.put(JOB, lock=JOB)
    deadline = time.monotonic() + 60
    while (await rows.standings([JOB]))[JOB].last_success_at == before:
        assert time.monotonic() < deadline, venues.server.words()
        await asyncio.sleep(0.05)
    await pool.close()


def sides(match: dict[str, Any]) -> frozenset[str]:
    return frozenset(one["marketId"] for one in match["markets"])


async def test_a_question_of_three_platforms_is_found_shown_and_decided(tmp_path: Path) -> None:
    async with asking_the_same(tmp_path) as venues:
        found = {sides(one): one for one in await venues.get("/matches")}
        ours = (await venues.get("/markets/btc-here"))["id"]
        assert {*found} == {
            frozenset(pair) for pair in ((POLY, KALSHI), (POLY, ours), (KALSHI, ours))
        }
        for name, pairs in ((POLY, 2), (KALSHI, 2), ("btc-here", 2), (ours, 2), ("btc-150k", 2)):
            of_market = await venues.get(f"/markets/{name}/matches")
            assert len(of_market) == pairs, name
        begun = time.time()
        match = next(
            one
            for one in await venues.get("/matches?platform=polymarket")
            if sides(one) == {POLY, KALSHI}
        )
        on_paper(match, begun, time.time())
        await decided(venues, match["id"])


def on_paper(match: dict[str, Any], begun: float, ended: float) -> None:
    """YES on Polymarket at 0.56, NO on Kalshi at 1 - 0.61 = 0.39; 100 shares of each.

    Polymarket: 100 x 0.07 x 0.56 x 0.44 = 1.7248. Kalshi: 100 x 0.07 x 0.39 x 0.61 = 1.66530, in
    whole cents 1.67. Of a share 0.017248 + 0.0167 = 0.033948, so 1 - 0.95 - 0.033948 = 0.016052 is
    left; 0.983948 is bound until July 1, 2030 at 5 % a year.
    """
    assert Decimal(match["priceDifference"]).copy_abs() == Decimal("0.07")
    way = match["arbitrage"]
    told = {
        "buyYesOn": POLY,
        "buyNoOn": KALSHI,
        "yesAsk": "0.5600",
        "noAsk": "0.3900",
        "cost": "0.95000000",
        "fees": "0.03394800",
        "profit": "0.01605200",
        "closesAt": "2030-07-01T04:00:00.000Z",
    }
    assert {name: way[name] for name in told} == told
    bounds = []
    for moment in (ended, begun):
        years = Decimal(CLOSE.timestamp() - moment) / YEAR_S
        bound = Decimal("0.983948") * Decimal("0.05") * years
        bounds.append(bound.quantize(Decimal("0.00000001"), ROUND_CEILING))
    capital = Decimal(way["capitalCost"])
    assert bounds[0] <= capital <= bounds[1]
    assert Decimal(way["netProfit"]) == Decimal("0.016052") - capital
    assert way["isProfitable"] is False, "the capital's time eats it up"
    years = Decimal(CLOSE.timestamp() - begun) / YEAR_S
    annual = Decimal("0.016052") / Decimal("0.983948") / years
    assert abs(Decimal(way["annualReturn"]) - annual) < Decimal("0.0001")


async def decided(venues: Venues, number: str) -> None:
    admin = await asyncio.to_thread(venues.server.admin)
    _, somebody = await asyncio.to_thread(venues.server.trader)

    async def say(decision: object, token: str = admin, name: str = number) -> httpx.Response:
        return await venues.client.post(
            f"/api/v1/matches/{name}",
            json={"decision": decision},
            headers={"authorization": f"Bearer {token}"} if token else {},
        )

    for token, status in (("", 401), (somebody, 403)):
        assert (await say("CONFIRMED", token)).status_code == status
    assert (await say("MAYBE")).json()["error"]["details"][0]["field"] == "decision"
    assert (await say("CONFIRMED", name="999999")).status_code == 404
    confirmed = (await say("CONFIRMED")).json()["data"]
    assert (confirmed["id"], confirmed["status"]) == (number, "CONFIRMED")
    assert [one["id"] for one in await venues.get("/matches?status=CONFIRMED")] == [number]
    assert (await say("DENIED")).json()["data"]["status"] == "DENIED"
    for _ in range(2):
        # Also after it was found once more.
        assert number not in [one["id"] for one in await venues.get("/matches")]
        assert number not in [one["id"] for one in await venues.get(f"/markets/{POLY}/matches")]
        assert [one["id"] for one in await venues.get("/matches?status=DENIED")] == [number]
        await compared(venues)
    status, told = await venues.ask("/matches")
    assert (status, told["pagination"]["total"]) == (200, 2)
    assert (await say("CANDIDATE")).json()["data"]["decidedAt"] is None
    assert (await venues.ask("/matches"))[1]["pagination"]["total"] == 3
    audit = await venues.client.get(
        "/api/v1/admin/audit?action=match.decide", headers={"authorization": f"Bearer {admin}"}
    )
    assert [line["target"].partition(" ")[2] for line in audit.json()["data"]] == [
        "CANDIDATE",
        "DENIED",
        "CONFIRMED",
    ]
