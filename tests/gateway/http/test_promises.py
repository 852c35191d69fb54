"""What OpenAPI promises of each body field and each parameter is what the server takes.

Every field is tried with values on both sides of each of its bounds, in a body that is right
otherwise; the document's own schema says which of them must be refused, and the server has to do
the same.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from gateway.bootstrap.settings import load_settings
from gateway.http.openapi import openapi_document
from gateway.http.routing import Route
from tests.gateway.trading_desk import CHOICES, Desk, all_tables

PAGES = load_settings({}).pages
ROWS = all_tables()[0].routes
DOCUMENT = openapi_document(ROWS, PAGES, CHOICES)
ORDER = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.5", "quantity": "1"}
LEG = {"market": "rain", **ORDER}
STOP = {"type": "STOP_LIMIT", "triggerPrice": "0.99"}
BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "POST /orders/{id}": (
        "/orders/rain",
        ORDER,
    ),
    "POST /orders/heartbeat": ("/orders/heartbeat", {"timeoutMs": 5_000}),
    "POST /orders/batch": (
        "/orders/batch",
        {"operations": [{"op": "place", "market": "rain", **ORDER}], "requestId": "r"},
    ),
    "POST /orders/preview": ("/orders/preview", {"market": "rain", **ORDER}),
    "POST /orders/oco": ("/orders/oco", {"orders": [LEG, LEG | STOP]}),
    "POST /order-groups": (
        "/order-groups",
        {"groupId": "mm", "maxFilled": "10", "windowSeconds": 60, "maxNet": "5"},
    ),
    "PATCH /orders/{id}": ("/orders/1", {"price": "0.5", "quantity": "1"}),
    "POST /markets": (
        "/markets",
        {"slug": "snow-1", "question": "Will it snow?", "closeTime": "2026-01-31T00:00:00Z"},
    ),
    "PATCH /markets/{slug}": (
        "/markets/rain",
        {"question": "Will it snow?", "closeTime": "2026-01-31T00:00:00Z"},
    ),
    "PATCH /markets/{slug}/status": ("/markets/rain/status", {"status": "HALTED"}),
    "POST /markets/{slug}/resolve": (
        "/markets/rain/resolve",
        {"outcome": "SPLIT", "yesPayout": "0.5"},
    ),
    "POST /admin/users/{id}/credit": ("/admin/users/2/credit", {"amount": "1", "reason": "r"}),
    "POST /admin/users/{id}/debit": (
        "/admin/users/2/debit",
        {"amount": "1", "reason": "r", "validUntil": "2099-01-01T00:00:00Z"},
    ),
    "POST /admin/users/{id}/suspend": (
        "/admin/users/2/suspend",
        {"suspended": False, "reason": "r"},
    ),
    "PUT /admin/markets/{slug}/limits": (
        "/admin/markets/rain/limits",
        {
            "orderQuantity": "5",
            "orderNotional": "9",
            "openOrders": 3,
            "position": "7",
            "priceBand": "0.1",
            "volatilityHalt": {"move": "0.1", "windowSeconds": 60, "haltSeconds": 60},
        },
    ),
    "PUT /admin/users/{id}/limits": ("/admin/users/2/limits", {"position": "7"}),
    "POST /admin/exchange/mode": ("/admin/exchange/mode", {"mode": "open"}),
}
NOTED = ("/watchlists", "/portfolios", "/positions")
"""What people note down beside their account: `test_promises_of_records.py`."""
MATCHES = ("/matches", "/markets/{slug}/matches")
"""Of two platforms' markets: `test_promises_of_records.py`."""
TIERS = "/admin/users/{id}/rate-tier"
PROPOSED = "/admin/proposals"
"""What two admins do: `tests/gateway/operations/proposals`."""
FINDINGS = "/admin/findings"
"""What the checker found: `tests/gateway/operations/checker`."""
ALERTS = "/alerts"
"""What one wants to be told: `tests/gateway/alerts/test_promises.py`."""
RESEARCH = "/research"
"""What one has asked the web: `tests/gateway/research/test_promises.py`."""
BACKTESTS = "/backtests"
"""What one tries on tapes: `tests/gateway/research/test_promises.py`."""
MIRRORS = "/admin/mirrors"
"""What the house does: `tests/gateway/economy/mirrors/test_routes.py`."""
ELSEWHERE = (
    "/purchases",
    MIRRORS,
    "/bets",
    "/economy/",
    "/admin/stocks",
    "/auth/",
    "/users/",
    "/admin/users/{id}/role",
    TIERS,
    PROPOSED,
    FINDINGS,
    ALERTS,
    RESEARCH,
    BACKTESTS,
    *NOTED,
    *MATCHES,
)
"""People, their passwords and keys: `tests/gateway/accounts`."""
PREVIEWED = (
    *("maxCost", "type", "timeInForce", "expiresAt", "worstPrice", "reduceOnly"),
    *("market", "operations", "allOrNone", "side", "outcome", "triggerPrice", "triggerBy"),
)
MEANS_MORE = {
    ("/orders/{id}", "maxCost"),
    ("/orders/{id}", "type"),
    ("/orders/{id}", "timeInForce"),
    ("/orders/{id}", "expiresAt"),
    ("/orders/{id}", "worstPrice"),
    ("/orders/{id}", "reduceOnly"),
    ("/orders/heartbeat", "timeoutMs"),
    ("/orders/batch", "market"),
    ("/orders/batch", "requestId"),
    *(("/orders/preview", name) for name in PREVIEWED),
    ("/orders/{id}", "triggerPrice"),
    ("/orders/{id}", "triggerBy"),
    ("/orders/oco", "orders"),
    ("/admin/markets/{slug}/limits", "volatilityHalt"),
}
"""Fields that are right or wrong together with others: terms that contradict each other."""
ECONOMY = ("/transactions/me", "/purchases", "/referrals", "/economy", "/bets")
FORETOLD = "/admin/markets/{slug}/settlement"
"""Its parameters hang on each other: `tests/gateway/operations/figures`."""
STORED = (
    "/admin/users",
    "/admin/audit",
    PROPOSED,
    FINDINGS,
    "/users/me/api-keys",
    ALERTS,
    RESEARCH,
    BACKTESTS,
    *NOTED,
    *MATCHES,
    *ECONOMY,
    MIRRORS,
    FORETOLD,
)
"""Lists of what isn't in memory: `test_lists.py`, `test_promises_of_records.py`, the economy's."""
UNREADABLE = {"cursor"}
"""A cursor is what a list gave before; its text is nobody's to make."""
TEXTS = (
    "",
    "a",
    "ab",
    "abc",
    "A",
    "1",
    "007",
    "a b",
    "\u00e9",
    "search",
    "snow",
    "0",
    "0.0",
    "0.0001",
    "0.00001",
    "0.001",
    "0.01",
    "0.010",
    "0.05",
    "0.1",
    "0.10000",
    "0.1001",
    "0.5",
    "0.9999",
    "1.0",
    "1.00",
    "1.001",
    "1.0000001",
    "01",
    "100000000",
    "100000000.01",
    "1000000000",
    "1000000000.000001",
    "1000000000000",
    "1000000000000.1",
    "-1",
    "1e1",
    "+1",
    " 1",
    "2026-02-01T00:00:00Z",
    "2026-02-01T00:00:00.123Z",
    "2026-02-01T00:00:00.1234Z",
    "2026-02-01T00:00:00+01:00",
    "2026-02-01T00:00:00",
    "2026-02-01",
)
OTHERS: tuple[Any, ...] = (
    None,
    True,
    0,
    1,
    -1,
    0.5,
    0.01,
    0.05,
    0.1,
    0.2,
    2,
    10**8,
    10**8 + 1,
    10**13,
    [],
    {},
)


def probes(schema: dict[str, Any]) -> Iterator[Any]:
    """Yield values around every bound that a schema names, and some of every kind."""
    yield from TEXTS
    yield from OTHERS
    for part in (schema, *schema.get("anyOf", ())):
        for name in ("minLength", "maxLength"):
            if name in part:
                yield from (
                    "a" * length for length in range(max(0, part[name] - 1), part[name] + 2)
                )
        for word in part.get("enum", ()):
            if isinstance(word, str):
                yield from (word, word.lower(), word.upper(), f"{word} ")


def parameter_probes(schema: dict[str, Any]) -> list[Any]:
    """What is put into a parameter of a query: texts, and numbers where it is one."""
    if schema.get("type") == "integer":
        most = schema.get("maximum", 10**6)
        return [-1, 0, 1, 2, most - 1, most, most + 1]
    return [value for value in probes(schema) if isinstance(value, str)]


def expanded(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a schema's references, so that its bounds can be seen."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return expanded(DOCUMENT["components"]["schemas"][name])
    if "anyOf" in schema:
        return {**schema, "anyOf": [expanded(part) for part in schema["anyOf"]]}
    return schema


def body_fields() -> list[tuple[str, str]]:
    found = []
    for row in ROWS:
        if row.body is not None and not row.path.startswith(ELSEWHERE):
            schema = expanded({"$ref": f"#/components/schemas/{row.body.__name__}"})
            found += [
                (f"{row.method} {row.path}", name)
                for name in schema["properties"]
                if (row.path, name) not in MEANS_MORE
            ]
    return found


@pytest.mark.parametrize(("route", "name"), body_fields())
async def test_a_body_field_is_taken_as_promised(desk: Desk, route: str, name: str) -> None:
    method, template = route.split()
    path, good = BODIES[route]
    content = DOCUMENT["paths"][template][method.lower()]["requestBody"]["content"]
    body = expanded(content["application/json"]["schema"])
    schema = expanded(body["properties"][name])
    validator = Draft202012Validator(schema)
    for value in probes(schema):
        changed = good | {name: value}
        reply = await desk.call(method, path, "root", changed)
        # Null stands for not given, which the other fields may make a fault.
        missing = value is None and "is required" in reply.body.get("error", {}).get("message", "")
        refused = reply.status == 400 and name in reply.fields and not missing
        if value is None and not validator.is_valid(None):
            refused = refused or missing
        assert refused is not validator.is_valid(value), (value, schema, reply.body)


def parameters() -> list[tuple[Route, str]]:
    return [
        (row, parameter["name"])
        for row in ROWS
        if row.query is not None and row.tag != "pages" and not row.path.startswith(STORED)
        for parameter in DOCUMENT["paths"][row.path][row.method.lower()]["parameters"]
        if parameter["in"] == "query" and parameter["name"] not in UNREADABLE
    ]


@pytest.mark.parametrize(
    ("row", "name"), parameters(), ids=lambda one: one if isinstance(one, str) else one.path
)
async def test_a_parameter_is_taken_as_promised(desk: Desk, row: Route, name: str) -> None:
    listed = DOCUMENT["paths"][row.path][row.method.lower()]["parameters"]
    schema = expanded(next(p["schema"] for p in listed if p["name"] == name))
    assert "null" not in str(schema)
    validator = Draft202012Validator(schema)
    path = row.path.replace("{slug}", "rain").replace("{id}", "rain")
    # What else the list must be told.
    given = "".join(f"{p['name']}=a&" for p in listed if p["required"] and p["name"] != name)
    given = given if row.path == "/markets/search" else ""
    for value in parameter_probes(schema):
        reply = await desk.call(row.method, f"{path}?{given}{name}={quote(str(value))}", "ann")
        refused = reply.status == 400 and name in reply.fields
        assert refused is not validator.is_valid(value), (value, schema, reply.body)


def test_lists_promise_what_the_settings_say() -> None:
    small = load_settings({"PAGE_SIZE": "3", "PAGE_SIZE_MAX": "7", "PAGE_OFFSET_MAX": "11"}).pages
    document = openapi_document(ROWS, small, CHOICES)
    seen = set()
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                schema = parameter["schema"]
                if parameter["in"] == "query" and parameter["name"] in {"limit", "depth"}:
                    assert schema["maximum"] == 7
                    seen.add(parameter["name"])
                if parameter["name"] == "offset":
                    assert schema["maximum"] == 11
                    seen.add("offset")
    assert seen == {"limit", "depth", "offset"}


def test_whoever_may_be_asked_for_a_token_may_be_told_503() -> None:
    for methods in DOCUMENT["paths"].values():
        for operation in methods.values():
            assert "UNAVAILABLE" in operation["responses"]["503"]["description"]


def test_reads_of_an_account_promise_their_marks() -> None:
    for row in ROWS:
        if row.of_account:
            answer = DOCUMENT["paths"][row.path]["get"]["responses"]["200"]["content"]
            meta = answer["application/json"]["schema"]["properties"]["meta"]
            assert {"asOfSeq", "accountSeq"} <= set(expanded(meta)["required"])
