"""Short ways to list a stock and to trade it, around the application of the gateway's tests."""

from typing import Any

import httpx

from tests.gateway.conftest import Person, Web

API = "/api/v1"
ORCA = {"symbol": "ORCA", "name": "Orca Motors", "basePrice": "1", "slope": "0.01"}
START = 1_000_000_000


async def call(
    web: Web, method: str, path: str, person: Person | None = None, body: object = None
) -> httpx.Response:
    headers = {} if person is None else person.bearer
    return await web.client.request(method, f"{API}{path}", json=body, headers=headers)


async def data(
    web: Web, method: str, path: str, person: Person | None = None, body: object = None
) -> Any:
    answer = await call(web, method, path, person, body)
    assert answer.status_code in {200, 201}, (answer.text, web.log_lines()[-3:])
    return answer.json()["data"]


async def list_stock(web: Web, **terms: str) -> dict[str, Any]:
    """List a stock as an admin; return it."""
    admin = await web.register(admin=True)
    made: dict[str, Any] = await data(web, "POST", "/admin/stocks", admin, ORCA | terms)
    return made


async def buy(web: Web, person: Person, **body: object) -> dict[str, Any]:
    made: dict[str, Any] = await data(
        web, "POST", "/economy/buy", person, {"symbol": "ORCA"} | body
    )
    return made


async def sell(web: Web, person: Person, **body: object) -> dict[str, Any]:
    made: dict[str, Any] = await data(
        web, "POST", "/economy/sell", person, {"symbol": "ORCA"} | body
    )
    return made


async def refused(
    web: Web, person: Person, side: str = "buy", **body: object
) -> tuple[int, str, str]:
    """What a trade that isn't done is answered: status, code and the field that was wrong."""
    answer = await call(web, "POST", f"/economy/{side}", person, {"symbol": "ORCA"} | body)
    error = answer.json()["error"]
    details = error.get("details") or [{"field": ""}]
    return answer.status_code, error["code"], details[0]["field"]


async def stock(web: Web) -> dict[str, Any]:
    """The stock that is listed first."""
    found: list[dict[str, Any]] = await data(web, "GET", "/economy/stocks")
    return found[0]


async def portfolio(web: Web, person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await data(web, "GET", "/economy/portfolio", person)
    return found


async def history(web: Web, person: Person, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await data(web, "GET", f"/economy/transactions{query}", person)
    return found


def cash(web: Web, account_id: int) -> int:
    return web.engine.view.accounts[account_id].available
