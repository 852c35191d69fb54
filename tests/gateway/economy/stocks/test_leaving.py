"""Leaving for good with shares, and at the moment of a purchase: no closed account ever has any."""

import asyncio

import httpx
import pytest

from exchange.messages.commands import CloseAccount, Command, DebitAccount
from exchange.messages.terms import Standing
from gateway.accounts.profile import leaving
from persistence.clock import now_us
from persistence.loop.ports import Answer
from tests.gateway.conftest import MakeWeb, Person, Web
from tests.gateway.economy.stocks.market import START, buy, call, cash, list_stock, portfolio, sell


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    made = await make_web(RATE_LIMIT_USER_MAX_REQUESTS="100000")
    made.engine.now = now_us()
    return made


async def leave(web: Web, who: Person, *, forfeits: bool = False) -> httpx.Response:
    return await call(web, "DELETE", "/users/me", who, {"forfeitCredits": forfeits})


async def test_nobody_leaves_with_shares(web: Web) -> None:
    await list_stock(web)
    ann = await web.register()
    await buy(web, ann, shares="1")
    answer = await leave(web, ann, forfeits=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    entries, _ = await web.accounts.audit.page(10)
    assert [one.outcome for one in entries if one.action == "user.delete"] == ["stocks"]
    assert web.engine.view.accounts[ann.id].standing is Standing.ACTIVE
    await sell(web, ann, shares="1")
    assert (await leave(web, ann, forfeits=True)).status_code == 200


async def test_a_purchase_at_the_same_moment_waits_for_whether_there_is_an_account(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    await list_stock(web)
    ann = await web.register()
    # Just what the shares cost, or the engine would refuse to close whatever comes first.
    web.engine.run(DebitAccount(ann.id, START - 150_000_000, "test"))
    submit, buying = web.engine.submit, list[asyncio.Task[httpx.Response]]()

    async def closed_late(command: Command) -> Answer:
        body = {"symbol": "ORCA", "shares": "100"}
        buying.append(asyncio.create_task(call(web, "POST", "/economy/buy", ann, body)))
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while not buying[0].done() and not await web.parts.pool.fetchval(waits):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return await submit(command)

    def submitted(command: Command) -> asyncio.Future[Answer]:
        if isinstance(command, CloseAccount):
            return asyncio.create_task(closed_late(command))
        return submit(command)

    monkeypatch.setattr(web.engine, "submit", submitted)
    answer = await leave(web, ann)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "ACCOUNT_NOT_EMPTY")
    assert (await buying[0]).status_code == 200
    assert (len(await portfolio(web, ann)), cash(web, ann.id)) == (1, 0)
    assert web.engine.view.accounts[ann.id].standing is Standing.ACTIVE


async def test_few_leave_at_once_and_the_next_one_is_told_so(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each holds a connection while the engine closes the account."""
    ann = await web.register()
    monkeypatch.setattr(leaving, "AT_ONCE", 0)
    answer = await leave(web, ann, forfeits=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
    assert web.engine.view.accounts[ann.id].standing is Standing.ACTIVE
    monkeypatch.undo()
    assert (await leave(web, ann, forfeits=True)).status_code == 200
