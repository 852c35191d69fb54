"""What OpenAPI promises of watchlists, portfolios, positions and matches is what the server takes.

As `test_promises.py`, over a real PostgreSQL, which is where these stand.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from gateway.http.routing import Route
from persistence.repositories.feeds.matches import Matches, NewMatch
from tests.gateway.conftest import MakeWeb
from tests.gateway.http.test_promises import (
    DOCUMENT,
    MATCHES,
    NOTED,
    ROWS,
    UNREADABLE,
    expanded,
    parameter_probes,
    probes,
)
from tests.gateway.portfolio.venue_fake import Caller, caller
from tests.persistence.running import listing

RECORDS = (*NOTED, *MATCHES)
POSITION = {"marketId": "rain", "side": "YES", "quantity": "1", "avgCost": "0.5"}
BODIES: dict[str, dict[str, Any]] = {
    "POST /watchlists": {"name": "a"},
    "PATCH /watchlists/{id}": {"name": "a"},
    "POST /watchlists/{id}/items": {"marketId": "rain"},
    "POST /portfolios": {"name": "a"},
    "PATCH /portfolios/{id}": {"name": "a", "description": "b"},
    "POST /portfolios/{id}/positions": POSITION | {"question": "Will it?"},
    "PATCH /positions/{id}": {"ticker": "a", "question": "b"},
    "POST /positions/{id}/close": {"price": "0.5"},
    "POST /matches/{id}": {"decision": "DENIED"},
}
Paths = Callable[[Route], Awaitable[str]]


@pytest.fixture
async def people(make_web: MakeWeb) -> tuple[Caller, Paths]:
    """An admin who has one of everything, and what names it in the path of a row."""
    most = {
        "WATCHLISTS_MAX": 1_000,
        "WATCHLIST_ITEMS_MAX": 10_000,
        "PORTFOLIOS_MAX": 1_000,
        "PORTFOLIO_POSITIONS_MAX": 10_000,
        "RATE_LIMIT_USER_MAX_REQUESTS": 1_000_000,
    }
    web = await make_web(**most)
    web.engine.run(listing())
    ann = await caller(web, admin=True)
    watchlist = (await ann.data("POST", "/watchlists", {"name": "a"}))["id"]
    portfolio = (await ann.data("POST", "/portfolios", {"name": "a"}))["id"]
    positions = f"/portfolios/{portfolio}/positions"
    position = (await ann.data("POST", positions, POSITION))["id"]
    await Matches(web.parts.pool).replace([NewMatch(("exchange", "1"), ("kalshi", "K"), 9_000)], 1)
    [match] = await ann.data("GET", "/matches")
    ids = {"/watchlists": watchlist, "/portfolios": portfolio, "/positions": position}
    ids |= {"/matches": match["id"], "/markets": "rain"}

    async def path_of(row: Route) -> str:
        found = ids["/" + row.path.split("/")[1]]
        if row.path.endswith("/close"):
            # What is closed is closed once.
            found = (await ann.data("POST", positions, POSITION))["id"]
        return row.path.replace("{id}", str(found)).replace("{slug}", str(found))

    return ann, path_of


def fits(value: object, name: str) -> bool:
    """Whether a probe says something of one field alone."""
    # A colon parts platform and id, so what is right depends on what stands before it.
    return not (name == "marketId" and isinstance(value, str) and ":" in value)


async def test_body_fields_are_taken_as_promised(people: tuple[Caller, Paths]) -> None:
    ann, path_of = people
    tried = set()
    for row in ROWS:
        if row.body is None or not row.path.startswith(RECORDS):
            continue
        route = f"{row.method} {row.path}"
        schemas = expanded({"$ref": f"#/components/schemas/{row.body.__name__}"})["properties"]
        for name, schema in schemas.items():
            validator = Draft202012Validator(expanded(schema))
            for value in [*probes(expanded(schema)), " ", "\u3000"]:
                if not fits(value, name):
                    continue
                body = BODIES[route] | {name: value}
                answer = await ann.call(row.method, await path_of(row), body)
                error = answer.json().get("error", {"details": []}) if answer.content else {}
                named = name in [one["field"] for one in error.get("details", ())]
                refused = answer.status_code == 400 and named
                where = (route, name, value, schema, answer.text)
                assert answer.status_code < 500, where
                assert refused is not validator.is_valid(value), where
        tried.add(route)
    assert tried == set(BODIES)


async def test_parameters_are_taken_as_promised(people: tuple[Caller, Paths]) -> None:
    ann, path_of = people
    for row in ROWS:
        if row.query is None or not row.path.startswith(RECORDS):
            continue
        for parameter in DOCUMENT["paths"][row.path]["get"]["parameters"]:
            name, schema = parameter["name"], expanded(parameter["schema"])
            if parameter["in"] != "query" or name in UNREADABLE:
                continue
            validator = Draft202012Validator(schema)
            for value in parameter_probes(schema):
                path = f"{await path_of(row)}?{name}={quote(str(value))}"
                answer = await ann.call("GET", path)
                fields = []
                if not answer.is_success:
                    fields = [one["field"] for one in answer.json()["error"]["details"]]
                refused = answer.status_code == 400 and name in fields
                where = (row.path, name, value, schema, answer.text)
                assert refused is not validator.is_valid(value), where
