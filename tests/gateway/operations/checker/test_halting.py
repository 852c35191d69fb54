"""What the checker found is halted and stays so, until an admin acknowledges it."""

import io
from typing import Any

import pytest

from exchange.messages.commands import Command, SetMarketStatus
from exchange.messages.terms import ExchangeMode, MarketStatus
from exchange.model.market import HALTED
from gateway.observability.logs import configure_logs
from gateway.operations.checker.halting import Halting
from persistence.postgres.database import connect
from persistence.repositories.checks.findings import (
    Finding,
    Findings,
    Reached,
    store_course,
    store_findings,
)
from tests.gateway.conftest import MakeWeb, Web
from tests.persistence.proof.test_audit_chain import force
from tests.persistence.running import listing

OF_MARKET = Finding("supply", 1, "market 1", "100 owed", "200 collateral", 7)
OF_EXCHANGE = Finding("money", 0, "sum", "100 issued", "200", 7)
OF_LOG = Finding("audit", 0, "line 3", "as it was written", "another", 7, halts=False)


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    web = await make_web()
    web.engine.run(listing())
    web.engine.run(SetMarketStatus(1, MarketStatus.OPEN))
    return web


def halting(web: Web) -> Halting:
    rows, engine = Findings(web.parts.pool), web.parts.engine
    return Halting(
        rows,
        engine.commands,
        engine.view,
        web.accounts.audit,
        configure_logs("INFO", io.StringIO()),
    )


async def found(web: Web, *findings: Finding) -> None:
    connection = await connect(web.parts.pool.url)
    await store_findings(connection, list(findings), 1_000_000)
    await connection.close()


async def stands(web: Web) -> tuple[MarketStatus, ExchangeMode]:
    return web.engine.view.markets[1].status, web.engine.view.mode


async def test_a_market_is_halted_for_what_is_its_own(web: Web) -> None:
    await found(web, OF_MARKET, OF_LOG)
    await halting(web).look()
    assert await stands(web) == (MarketStatus.HALTED, ExchangeMode.OPEN)
    one, log = await Findings(web.parts.pool).open()
    assert one.halted_at > 0
    assert log.halted_at == 0
    lines, _ = await web.accounts.audit.page(3)
    assert [(line.action, line.target, line.outcome) for line in lines] == [
        ("check.halt", f"market:1 finding:{one.id} supply", "ok"),
        ("check.finding", "exchange audit: line 3", "failed"),
        ("check.finding", "market:1 supply: market 1", "failed"),
    ]


async def test_the_exchange_is_halted_for_what_is_no_markets_own(web: Web) -> None:
    await found(web, OF_EXCHANGE)
    watch = halting(web)
    await watch.look()
    assert await stands(web) == (MarketStatus.OPEN, ExchangeMode.HALTED)
    # Once: it stays as it is.
    await watch.look()
    lines, _ = await web.accounts.audit.page(2)
    assert [line.action for line in lines] == ["check.halt", "check.finding"]


async def test_a_broken_audit_log_keeps_nothing_from_being_halted(web: Web) -> None:
    await found(web, OF_MARKET, OF_EXCHANGE)
    connection = await connect(web.parts.pool.url)
    await force(connection, "DELETE FROM audit_head")
    await connection.close()
    await halting(web).look()
    assert await stands(web) == (MarketStatus.HALTED, ExchangeMode.HALTED)
    assert all(one.halted_at > 0 for one in await Findings(web.parts.pool).open())


async def test_a_halt_that_is_refused_is_tried_on_and_told_once(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    await found(web, OF_MARKET)
    watch, tried = halting(web), 0

    def command(_finding: object) -> tuple[Command, str]:
        nonlocal tried
        tried += 1
        return SetMarketStatus(99, HALTED), "market:99"

    monkeypatch.setattr("gateway.operations.checker.halting.INTERVAL_S", 0)
    monkeypatch.setattr(watch, "_command", command)
    for _ in range(3):
        await watch.look()
    assert tried == 3
    lines, _ = await web.accounts.audit.page(10)
    assert [line.outcome for line in lines if line.action == "check.halt"] == ["MARKET_NOT_FOUND"]


async def test_who_opens_it_again_acknowledges_first(web: Web) -> None:
    await found(web, OF_MARKET)
    watch = halting(web)
    await watch.look()
    web.engine.run(SetMarketStatus(1, MarketStatus.OPEN))
    await watch.look()
    assert (await stands(web))[0] is MarketStatus.HALTED
    admin = await web.register(admin=True)
    (one,) = await Findings(web.parts.pool).open()
    status, told = await call(
        web, admin, "POST", f"/admin/findings/{one.id}/acknowledge", {"note": "put right by hand"}
    )
    assert status == 200, told
    shown = told["data"]
    assert (shown["check"], shown["marketId"], shown["note"]) == (
        *("supply", "1", "put right by hand"),
    )
    assert shown["haltedAt"]
    assert shown["acknowledgedAt"]
    web.engine.run(SetMarketStatus(1, MarketStatus.OPEN))
    await watch.look()
    assert (await stands(web))[0] is MarketStatus.OPEN
    lines, _ = await web.accounts.audit.page(1)
    assert [(line.actor_id, line.action, line.target) for line in lines] == [
        (admin.id, "check.acknowledge", f"finding:{one.id}")
    ]


async def call(
    web: Web, who: Any, method: str, path: str, body: object = None
) -> tuple[int, dict[str, Any]]:
    answer = await web.client.request(method, f"/api/v1{path}", json=body, headers=who.bearer)
    return answer.status_code, answer.json()


async def test_what_was_found_is_shown_and_acknowledged_once(web: Web) -> None:
    admin = await web.register(admin=True)
    await found(web, OF_MARKET, OF_EXCHANGE)
    await found(web, OF_EXCHANGE)
    status, told = await call(web, admin, "GET", "/admin/findings?status=OPEN")
    assert status == 200
    assert [
        (one["subject"], one["times"], one["marketId"], one["slug"]) for one in told["data"]
    ] == [
        ("sum", 2, None, None),
        ("market 1", 1, "1", listing().slug),
    ]
    place = f"/admin/findings/{told['data'][0]['id']}/acknowledge"
    for body in ({}, {"note": ""}, {"note": "x" * 501}, {"note": "x", "more": 1}):
        status, refused = await call(web, admin, "POST", place, body)
        assert (status, refused["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert (await call(web, admin, "POST", place, {"note": "known"}))[0] == 200
    status, refused = await call(web, admin, "POST", place, {"note": "again"})
    assert (status, refused["error"]["code"]) == (409, "CONFLICT")
    place = "/admin/findings/99/acknowledge"
    assert (await call(web, admin, "POST", place, {"note": "x"}))[0] == 404
    _, told = await call(web, admin, "GET", "/admin/findings?status=OPEN")
    assert [one["subject"] for one in told["data"]] == ["market 1"]
    _, told = await call(web, admin, "GET", "/admin/findings?status=ACKNOWLEDGED")
    assert [one["subject"] for one in told["data"]] == ["sum"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=100000", "limit"),
        ("offset=-1", "offset"),
        ("cursor=x", "cursor"),
        ("status=open", "status"),
        ("minSeq=-1", "minSeq"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(web: Web, query: str, field: str) -> None:
    admin = await web.register(admin=True)
    status, told = await call(web, admin, "GET", f"/admin/findings?{query}")
    assert (status, told["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert [one["field"] for one in told["error"]["details"]] == [field]


async def test_how_far_the_checker_has_come_is_shown(web: Web) -> None:
    admin = await web.register(admin=True)
    _, told = await call(web, admin, "GET", "/admin/checker")
    assert (told["data"]["lookedAt"], told["data"]["seq"], told["data"]["courses"]) == (
        *(None, None, []),
    )
    await found(web, OF_MARKET)
    connection = await connect(web.parts.pool.url)
    await store_course(connection, Reached("commands", 12, bytes(32), 2_000_000, 0))
    await store_course(connection, Reached("look", 17, None, 3_000_000, 4_000_000))
    await connection.close()
    _, told = await call(web, admin, "GET", "/admin/checker")
    assert told["data"] == {
        "lookedAt": "1970-01-01T00:00:04.000Z",
        "tookMs": 1_000,
        "seq": 17,
        "openFindings": 1,
        "roundSeconds": 86_400,
        "halts": True,
        "courses": [
            {
                "name": "commands",
                "reached": 12,
                "beganAt": "1970-01-01T00:00:02.000Z",
                "completedAt": None,
            }
        ],
    }
