"""Figures of refusals, and what the log leaves out."""

from contextlib import AsyncExitStack

import pytest

from exchange.messages.commands import (
    CancelOrder,
    CreditAccount,
    DebitAccount,
    Leg,
    OpenAccount,
    PlaceOrder,
    SetExchangeMode,
    TransferCash,
)
from exchange.messages.conditions import OrderConditions
from exchange.messages.reasons import Reason
from exchange.messages.terms import (
    BUY,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    NO,
    YES,
    ExchangeMode,
    MoneyKind,
)
from exchange.projections.bets.fold import bet_id
from gateway.bootstrap.compose import POOL_WAIT_S, open_pool
from gateway.bootstrap.settings import load_settings
from gateway.engine_side.observers import EngineMetrics
from gateway.engine_side.readiness import ViewFeed
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from gateway.wire.failures import answer_of
from tests.gateway.commit_fake import CommitFake
from tests.gateway.conftest import MakeWeb
from tests.persistence.running import listing


def test_refusals_are_counted_by_their_reason() -> None:
    metrics, engine = Metrics(), CommitFake()
    engine.listeners.append(EngineMetrics(metrics, ViewFeed(1), configure_logs("error")))
    engine.run(CancelOrder(9, 1), CancelOrder(9, 1), SetExchangeMode(ExchangeMode.HALTED))
    engine.run(PlaceOrder(9, 1, BUY, YES, LIMIT, 5000, 100, GTC))

    def counted(reason: Reason) -> float:
        labels = {"reason": reason.name}
        return metrics.registry.get_sample_value("refusals_total", labels) or 0.0

    assert sum(map(counted, Reason)) == 3
    assert f'refusals_total{{reason="{Reason.OFF_TICK.name}"}} 0.0' in metrics.exposition().decode()


def test_credits_that_move_beside_the_book_are_counted_by_kind_and_once() -> None:
    metrics, engine = Metrics(), CommitFake()
    engine.listeners.append(EngineMetrics(metrics, ViewFeed(1), configure_logs("error")))
    engine.run(OpenAccount(1, 0), OpenAccount(2, 0))
    reward = CreditAccount(1, 7_500_000, "daily reward", "reward:1:x:1", kind=MoneyKind.REWARD)
    engine.run(reward, reward, CreditAccount(2, 100_000_000, "given"), DebitAccount(2, 1, "back"))
    legs = (Leg(1, 2, 2_000_000), Leg(2, 1, 500_000))
    engine.run(TransferCash(1, legs, "BUY ORCA", "stock:1:1", kind=MoneyKind.STOCK))
    engine.run(TransferCash(1, (Leg(1, 2, 10**9),), "BUY", "stock:1:2", kind=MoneyKind.STOCK))
    engine.run(listing())
    engine.run(PlaceOrder(2, 1, BUY, NO, LIMIT, 6_000, 1_000, GTC))
    bet = PlaceOrder(
        *(1, 1, BUY, YES, MARKET, None, None, IOC),
        max_cost=4_000_000,
        client_order_id=bet_id(1, 1),
        conditions=OrderConditions(system=True),
    )
    engine.run(bet, bet)

    def counted(kind: str) -> float | None:
        return metrics.registry.get_sample_value("credits_moved_total", {"kind": kind})

    kinds = "REWARD", "ADMIN", "STOCK", "BET", "SALE", "PURCHASE"
    assert [counted(kind) for kind in kinds] == [7.5, 100.000001, 2.5, 4.0, 0.0, 0.0]


def test_what_a_name_does_not_say_the_help_does() -> None:
    metrics = Metrics()
    metrics.refusals.sockets.labels("RATE_LIMITED").inc()
    shown = metrics.exposition().decode()
    assert "# HELP websocket_connections_total Sockets that are open now (a gauge" in shown
    assert 'websocket_connections_refused_total{reason="RATE_LIMITED"} 1.0' in shown


async def test_the_pool_shows_its_size_and_what_is_lent(database_url: str) -> None:
    settings, metrics = load_settings({}), Metrics()
    async with AsyncExitStack() as stack:
        pool = await open_pool(stack, settings, database_url, 3, metrics)

        def shown(name: str) -> float | None:
            return metrics.registry.get_sample_value(f"database_pool_{name}")

        assert (shown("size"), shown("in_use")) == (3, 0)
        async with pool.acquire(), pool.acquire():
            assert shown("in_use") == 2
        assert shown("in_use") == 0


async def test_who_waits_for_the_pool_is_refused_before_its_statements_are(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings({})
    assert settings.store.timeout_seconds > POOL_WAIT_S
    monkeypatch.setattr("gateway.bootstrap.compose.POOL_WAIT_S", 0.05)
    async with AsyncExitStack() as stack:
        pool = await open_pool(stack, settings, database_url, 2, Metrics())
        async with pool.acquire(), pool.acquire():
            with pytest.raises(TimeoutError) as refused:
                await pool.fetchval("SELECT 1")
        answer = answer_of(refused.value)
        assert answer is not None
        assert (answer.status, answer.headers) == (503, ((b"retry-after", b"1"),))
        assert await pool.fetchval("SELECT 1") == 1


async def test_scrapes_are_told_to_who_asks_for_every_line_only(make_web: MakeWeb) -> None:
    web = await make_web(LOG_LEVEL="info")
    for path in ("/metrics", "/health", "/ready", "/api/v1/time"):
        assert (await web.client.get(path)).status_code == 200
    assert [line["route"] for line in web.log_lines()] == ["/api/v1/time"]
    web.readiness.drain()
    assert (await web.client.get("/ready")).status_code == 503
    assert [line["route"] for line in web.log_lines()][1:] == ["/ready"]
