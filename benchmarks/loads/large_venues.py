"""Polymarket and Kalshi with ten thousand markets each, in a process of its own.

    python -m benchmarks.loads.large_venues         prints the two addresses, ends with its input

Every page is made once, before the first question, so that whoever is measured beside it hardly
pays for it. Texts are as long as the venues' own are on average; categories, closings and volumes
are spread, so that lists, searches and categories have something to do. Written here, in the shapes
of the tests' samples.
"""

import asyncio
import random
import sys
from base64 import b64decode, b64encode
from typing import Any, Final

from msgspec.json import encode
from starlette.requests import Request
from starlette.responses import Response

from tests.venues import kalshi_samples as kalshi
from tests.venues import polymarket
from tests.venues.kalshi import API
from tests.venues.stand_in import StandIn, answer

MARKETS: Final = 10_000
"""Of each venue."""
A_GROUP: Final = 4
"""Markets of an event."""
PAGE: Final = 100
"""Events of a page."""
TOPICS: Final = (
    "Politics", "Crypto", "Sports", "Weather", "Economy", "Culture", "Science", "Companies",
)  # fmt: skip
_SUBJECTS: Final = (
    "bitcoin", "the election", "inflation", "the final", "rainfall", "the central bank", "a launch",
    "the index", "unemployment", "the premiere", "the merger", "a strike", "the harvest", "oil",
)  # fmt: skip
_VERBS: Final = (
    "exceed",
    "reach",
    "miss",
    "beat",
    "delay",
    "announce",
    "settle above",
    "end below",
)
_PLACES: Final = (
    "Lisbon", "Ottawa", "Nairobi", "Osaka", "Lima", "Quito", "Perth", "Oslo", "Turin", "Denver",
    "Austin", "Boston", "Madrid", "Prague", "Vienna", "Dublin", "Sofia", "Riga", "Bern", "Kyiv",
)  # fmt: skip


def question(number: int, dice: random.Random) -> str:
    """Return a question that some others are like, and none is equal to."""
    return (
        f"Will {dice.choice(_SUBJECTS)} {dice.choice(_VERBS)} {dice.randint(1, 400)}"
        f" in {dice.choice(_PLACES)} by week {number % 52} of {2027 + number % 9}?"
    )


def description(number: int, dice: random.Random) -> str:
    """Return a text of some 900 characters."""
    words = " ".join(f"{dice.choice(_PLACES)} {dice.choice(_SUBJECTS)}" for _ in range(28))
    return f"This market resolves to Yes by the official word on case {number}. {words}. " * 2


def polymarket_pages(dice: random.Random) -> list[bytes]:
    """Return the pages of `/events`."""
    events = []
    for group in range(MARKETS // A_GROUP):
        markets = [
            polymarket.sample_market(
                number,
                question=question(number, dice),
                description=description(number, dice),
                endDate=f"20{27 + number % 9}-{1 + number % 12:02}-15T12:00:00Z",
                outcomePrices=f'["0.{10 + number % 80}", "0.{90 - number % 80}"]',
                volumeNum=dice.expovariate(1 / 50_000),
                volume24hr=dice.expovariate(1 / 900),
                liquidityNum=dice.expovariate(1 / 4_000),
            )
            for number in range(group * A_GROUP, (group + 1) * A_GROUP)
        ]
        tags = [{"label": TOPICS[group % len(TOPICS)], "slug": TOPICS[group % len(TOPICS)].lower()}]
        title = f"{question(group, dice)[:-1]}: group {group}"
        events.append(polymarket.sample_event(group, markets, title=title, tags=tags))
    return [encode(events[at : at + PAGE]) for at in range(0, len(events), PAGE)]


def kalshi_pages(dice: random.Random) -> tuple[list[bytes], bytes, dict[str, dict[str, Any]]]:
    """Return the pages of `/events`, `/series`, and every market by its ticker."""
    events, by_ticker = [], {}
    for group in range(MARKETS // A_GROUP):
        series = f"S{group % 200}"
        markets = []
        for number in range(group * A_GROUP, (group + 1) * A_GROUP):
            ticker = f"{series}-{group}-T{number}"
            bid = 5 + number % 85
            by_ticker[ticker] = kalshi.market(
                ticker,
                title=question(number, dice),
                rules_primary=description(number, dice),
                close_time=f"20{27 + number % 9}-{1 + number % 12:02}-20T23:00:00Z",
                yes_bid_dollars=f"0.{bid:02}00",
                yes_ask_dollars=f"0.{bid + 3:02}00",
                volume_fp=f"{dice.expovariate(1 / 20_000):.2f}",
                volume_24h_fp=f"{dice.expovariate(1 / 500):.2f}",
            )
            markets.append(by_ticker[ticker])
        topic = TOPICS[group % len(TOPICS)]
        name = f"{series}-{group}"
        title = question(group, dice)
        event = kalshi.event(name, title=title, category=topic, markets=markets)
        events.append(event)
    every = [kalshi.series(f"S{n}", category=TOPICS[n % len(TOPICS)]) for n in range(200)]
    pages = []
    for at in range(0, len(events), PAGE):
        following = at + PAGE
        cursor = b64encode(str(following).encode()).decode() if following < len(events) else ""
        pages.append(encode({"events": events[at:following], "cursor": cursor}))
    return pages, encode({"series": every}), by_ticker


def gamma(pages: list[bytes]) -> StandIn:
    """Return Gamma; markets by id it has none, which is no failure of it."""

    async def events(request: Request) -> Response:
        number = int(request.query_params["offset"]) // PAGE
        return answer(pages[number] if number < len(pages) else b"[]")

    async def markets(_: Request) -> Response:
        return answer(b"[]")

    return StandIn({"/events": events, "/markets": markets})


def trade_api(pages: list[bytes], series: bytes, by_ticker: dict[str, dict[str, Any]]) -> StandIn:
    """Return Kalshi's REST interface."""

    async def events(request: Request) -> Response:
        return answer(pages[int(b64decode(request.query_params.get("cursor", "")) or 0) // PAGE])

    async def all_series(_: Request) -> Response:
        return answer(series)

    async def status(_: Request) -> Response:
        return answer(b'{"exchange_active":true,"trading_active":true}')

    async def markets(request: Request) -> Response:
        wanted = request.query_params["tickers"].split(",")
        found = [by_ticker[name] for name in wanted if name in by_ticker]
        return answer(encode({"markets": found, "cursor": ""}))

    return StandIn({
        API + "/events": events, API + "/series": all_series, API + "/exchange/status": status,
        API + "/markets": markets,
    })  # fmt: skip


async def main() -> None:
    """Serve both until the standard input ends."""
    dice = random.Random(20_261)
    first, second = gamma(polymarket_pages(dice)), trade_api(*kalshi_pages(dice))
    async with first.running(), second.running():
        print(first.url, second.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
