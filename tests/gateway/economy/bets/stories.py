"""Short ways to bet over REST, around the real rules and a real database.

A maker offers both sides of the market "rain": YES at 0.40, NO at 0.65. `project` stands for the
projector: it makes bets of all that happened since it was called last.
"""

from typing import Any, cast

import httpx

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import CreateMarket, OpenAccount, PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES, FeeModel, Outcome
from persistence.journal.source import JournalSource
from persistence.postgres.database import Connection
from persistence.projection.bets import BetProjection
from tests.gateway.conftest import Person, Web

PATH = "/api/v1/bets"
MAKER = 9_000
FAR = 4_000_000_000_000_000
START = 1_000 * MONEY_SCALE


def list_market(web: Web, slug: str = "rain", *, shares: int = 1_000, fee: int = 0) -> int:
    """List a market in which so many shares of each side are offered; return its id."""
    engine = web.engine
    engine.run(OpenAccount(MAKER, 1_000_000 * MONEY_SCALE))
    terms = (slug, "Will it rain?", "", "weather", FAR, 100, 1, 0, fee, FeeModel.FLAT, False)
    engine.run(CreateMarket(*terms))
    market_id = max(engine.view.markets)
    if shares:
        offer(web, NO, 6_000, shares * 100, market_id)
        offer(web, YES, 3_500, shares * 100, market_id)
    return market_id


def offer(
    web: Web,
    outcome: Outcome,
    price: int,
    quantity: int,
    market_id: int = 1,
    account_id: int = MAKER,
) -> None:
    """Have the maker, or somebody else, buy shares of an outcome."""
    terms = (market_id, BUY, outcome, LIMIT, price, quantity, GTC)
    web.engine.run(PlaceOrder(account_id, *terms))


async def project(web: Web) -> None:
    """Make bets of what happened meanwhile."""
    pool = web.parts.pool
    projection = BetProjection()
    async with pool.transaction() as connection:
        done = await connection.fetchval("SELECT last_seq FROM projection_state")
        executions = [one for one in web.engine.history.executions if one.seq > done]
        if not executions:
            return
        await projection.prepare(JournalSource(connection), executions)
        for execution in executions:
            projection.apply(execution)
        await projection.store(cast("Connection", connection))
        await connection.execute(
            "UPDATE projection_state SET last_seq = $1, at = $2",
            *(executions[-1].seq, executions[-1].at),
        )


async def bet(web: Web, person: Person, **body: object) -> httpx.Response:
    """Bet 40 credits on THIS, unless said otherwise."""
    return await web.client.post(
        PATH,
        json={"marketId": "1", "side": "THIS", "amount": "40"} | body,
        headers=person.bearer,
    )


async def placed(web: Web, person: Person, **body: object) -> dict[str, Any]:
    answer = await bet(web, person, **body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def sell(web: Web, person: Person, number: str, **body: object) -> httpx.Response:
    return await web.client.post(f"{PATH}/{number}/sell", json=body, headers=person.bearer)


async def get(web: Web, person: Person, path: str) -> httpx.Response:
    return await web.client.get(f"{PATH}{path}", headers=person.bearer)


async def shown(web: Web, person: Person, number: str) -> dict[str, Any]:
    """How a bet stands, once all is projected."""
    await project(web)
    answer = await get(web, person, f"/{number}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def cash(web: Web, person: Person) -> int:
    return web.engine.view.accounts[person.id].available
