"""What was paid in our markets is at hand, young, and unknown rather than wrong."""

import asyncio

import pytest

from exchange.model.market import Market
from gateway.markets import volumes
from gateway.markets.volumes import MarketVolumes
from persistence.repositories.candles import Turnover
from tests.gateway.trading_desk import Desk


class Store:
    """Stands for the candles."""

    def __init__(self) -> None:
        self.seq = 0
        self.paid: dict[int, Turnover] = {}
        self.reads = 0
        self.is_away = False

    async def projected(self) -> int:
        if self.is_away:
            raise ConnectionResetError
        return self.seq

    async def turnovers(self, _now: int) -> dict[int, Turnover]:
        self.reads += 1
        return dict(self.paid)


async def traded(desk: Desk) -> Market:
    """A market with one trade."""
    await desk.rest("ann", "BUY YES 1 @ 0.50")
    await desk.rest("ben", "BUY NO 1 @ 0.50")
    return desk.engine.view.markets[1]


async def test_what_is_not_known_is_not_nothing(desk: Desk) -> None:
    store = Store()
    known = MarketVolumes(store)
    assert known.of(desk.engine.view.markets[1]) == Turnover(0, 0)
    market = await traded(desk)
    assert known.of(market) is None
    store.paid, store.seq = {1: Turnover(5, 7)}, 3
    await known.refresh()
    assert known.of(market) == Turnover(5, 7)


async def test_it_is_read_again_only_if_it_can_have_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, now = Store(), 0
    monkeypatch.setattr(volumes, "now_us", lambda: now)
    known = MarketVolumes(store)
    for _ in range(3):
        await known.refresh()
    assert store.reads == 1
    store.seq = 1
    await known.refresh()
    now = 60_000_000
    await known.refresh()
    await known.refresh()
    assert store.reads == 3


async def test_an_absent_database_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volumes, "INTERVAL_S", 0.001)
    store, looked = Store(), asyncio.Event()
    store.is_away = True
    task = asyncio.create_task(MarketVolumes(store).run(looked.set))
    await asyncio.sleep(0)
    assert not looked.is_set()
    store.is_away = False
    await asyncio.wait_for(looked.wait(), 30)
    assert store.reads == 1
    task.cancel()
