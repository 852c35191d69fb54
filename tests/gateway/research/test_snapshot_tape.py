"""A tape of what the feed stored of other venues: books, prints of what grew, ends; in time."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from exchange.messages.terms import Resolution
from gateway.cli.main import main
from gateway.feeds.intake.catalogue import Catalogue
from gateway.feeds.known import MarketRef
from gateway.feeds.model import ListedStatus, MarketsPage, VenueMarket
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from gateway.research.strategy import Level
from gateway.research.tape.events import Ended, Listed, Printed, Seen, TapeEvent, TapeRefused
from gateway.research.tape.snapshots import SnapshotTape
from persistence.postgres.database import create_pool
from persistence.repositories.feeds.events import VenueEvents
from persistence.repositories.feeds.markets import VenueMarkets
from persistence.repositories.feeds.snapshots import (
    BACKFILL,
    POLL,
    WEBSOCKET,
    NewSnapshot,
    Snapshots,
)
from persistence.repositories.feeds.words import SearchWords

START = 1_800_000_000_000_000
RAIN = MarketRef("kalshi", "KXRAIN")
SNOW = MarketRef("polymarket", "0xsnow")
FEES = (("fee_multiplier", "1"),)
Stored = tuple[MarketRef, str, int, dict[str, int | Decimal | None]]


def at(seconds: float) -> int:
    return START + round(seconds * 1_000_000)


def venue_market(ref: MarketRef, **changes: object) -> VenueMarket:
    terms: dict[str, object] = {
        "platform": ref.platform,
        "external_id": ref.external_id,
        "question": f"Will {ref.external_id} be?",
        "status": ListedStatus.OPEN,
        "tick_size": 100,
        "currency": "USD",
        "fees": FEES,
    }
    return VenueMarket(**(terms | changes))  # type: ignore[arg-type]


def store(url: str, markets: Sequence[VenueMarket], snapshots: Sequence[Stored] = ()) -> None:
    """Store markets, and what was seen of them."""

    async def write() -> None:
        pool = await create_pool(url, size=2)
        rows, kept = VenueMarkets(pool), Snapshots(pool)
        metrics, logger = Metrics(), configure_logs("error")
        words = SearchWords(pool)
        catalogue = Catalogue(rows, VenueEvents(pool), words, metrics.catalogue, logger)
        for market in markets:
            await catalogue.store(market.platform, MarketsPage(markets=(market,)), START)
        for number, (ref, source, when, seen) in enumerate(snapshots):
            found = await rows.find(*ref)
            assert found is not None
            one = NewSnapshot(market_id=found.id, digest=b"%d" % number, at=when, **seen)  # type: ignore[arg-type]
            await kept.add(source, [one])
        await pool.close()

    asyncio.run(write())


def played(
    url: str,
    *refs: MarketRef,
    first: int | None = None,
    last: int | None = None,
    with_fees: bool = True,
) -> list[TapeEvent]:
    with SnapshotTape(url) as tape:
        markets = [tape.market(ref) for ref in refs]
        events = list(tape.events(markets, first, last, with_fees=with_fees))
        assert tape.part() == 1.0 or not events
        return events


def test_snapshots_become_books_and_what_grew_becomes_prints(database_url: str) -> None:
    ended = venue_market(
        RAIN,
        status=ListedStatus.RESOLVED,
        resolution=Resolution.YES,
        resolved_at=at(50),
        close_time=at(40),
    )
    book = {"best_bid": 5_400, "best_ask": 5_600, "bid_quantity": 900, "ask_quantity": None}
    store(
        database_url,
        [ended],
        [
            (RAIN, BACKFILL, at(-9), {"yes_price": 5_000, "last_price": 5_000}),
            (RAIN, POLL, at(0), {**book, "last_price": 5_500, "volume": Decimal(100)}),
            (RAIN, POLL, at(1), {**book, "last_price": 5_600, "volume": Decimal(107)}),
            (RAIN, WEBSOCKET, at(2), {**book, "last_price": 5_600, "volume": Decimal(104)}),
            (RAIN, POLL, at(3), {**book, "best_ask": 5_300, "volume": Decimal(107)}),
            (RAIN, POLL, at(4), {"best_bid": 5_450, "best_ask": 5_550, "last_price": 5_500}),
            (RAIN, POLL, at(60), {**book, "last_price": 9_900, "volume": Decimal(999)}),
        ],
    )
    name, least = RAIN.id, 100
    # That it closed early (at 40) nobody knew.
    assert played(database_url, RAIN) == [
        Listed(
            at(0),
            name,
            title="Will KXRAIN be?",
            tick=100,
            platform="kalshi",
            fee_terms=FEES,
        ),
        Seen(at(0), name, (Level(5_400, 900),), (Level(5_600, least),)),
        # Seven contracts; an older sum that comes later is no trade, and crossed sides no book.
        Printed(at(1), name, 5_600, 700),
        # Of a venue that says no volume a share at least; off the tick is away from the middle.
        Printed(at(4), name, 5_500, least),
        Seen(at(4), name, (Level(5_400, least),), (Level(5_600, least),)),
        Ended(at(50), name, 10_000),
    ]
    free = played(database_url, RAIN, with_fees=False)[0]
    assert isinstance(free, Listed)
    assert (free.platform, free.fee_terms) == ("", ())
    part = played(database_url, RAIN, first=at(1), last=at(2))
    assert [type(event) for event in part] == [Listed, Seen]
    assert [event.at for event in part] == [at(1), at(1)], "the first one says nothing of before"


def test_a_volume_in_money_is_told_in_shares_and_many_markets_in_time(database_url: str) -> None:
    seen = {"best_bid": 2_400, "best_ask": 2_600, "bid_quantity": 5, "ask_quantity": 5}
    store(
        database_url,
        [venue_market(RAIN), venue_market(SNOW, fees=())],
        [
            (SNOW, POLL, at(1), {**seen, "last_price": 2_500, "volume": Decimal(10)}),
            (RAIN, POLL, at(2), dict(seen)),
            (SNOW, POLL, at(3), {**seen, "last_price": 2_500, "volume": Decimal("10.5")}),
        ],
    )
    events = played(database_url, RAIN, SNOW)
    assert [(event.at, event.market) for event in events] == [
        (at(1), SNOW.id),
        (at(1), SNOW.id),
        (at(2), RAIN.id),
        (at(2), RAIN.id),
        (at(3), SNOW.id),
    ]
    assert events[-1] == Printed(at(3), SNOW.id, 2_500, 200), "half a dollar at a quarter each"
    assert len({event.event for event in events if isinstance(event, Listed)}) == 1
    assert played(database_url, RAIN, last=at(1)) == []
    with SnapshotTape(database_url) as tape, pytest.raises(TapeRefused, match="kalshi:NO"):
        tape.market(MarketRef("kalshi", "NO"))


def test_the_command_plays_it(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {"best_bid": 2_400, "best_ask": 2_600, "bid_quantity": 500, "ask_quantity": 500}
    more = {**seen, "best_bid": 3_400, "best_ask": 3_600}
    store(
        database_url,
        [venue_market(RAIN)],
        [(RAIN, POLL, at(0), dict(seen)), (RAIN, POLL, at(9), dict(more))],
    )
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["backtest", "momentum", "--market", "kalshi:KXRAIN"])
    assert done.exit_code == 0, done.output
    assert "Momentum on 3 events, fill model trades" in done.stdout
    both = ("--market", "rain", "--market", "kalshi:KXRAIN")
    refused = CliRunner().invoke(main, ["backtest", "momentum", *both])
    assert refused.exit_code == 2
    assert "--market" in refused.output
