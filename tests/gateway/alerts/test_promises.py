"""What OpenAPI promises of alerts and webhooks is what the server takes, field by field."""

from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.http.test_promises import (
    ALERTS,
    DOCUMENT,
    ROWS,
    UNREADABLE,
    expanded,
    parameter_probes,
    probes,
)
from tests.gateway.portfolio.venue_fake import Caller, caller
from tests.persistence.running import listing

PRICE = {"kind": "PRICE_ABOVE", "marketId": "rain", "price": "0.5"}
FILL: dict[str, Any] = {"kind": "FILL"}
NOTHING: dict[str, Any] = {}
URL = "https://hooks.example.com/"
BODIES: dict[str, dict[str, dict[str, Any]]] = {
    "POST /alerts": {
        "outcome": PRICE,
        "price": PRICE,
        "volume": {"kind": "VOLUME_ABOVE", "marketId": "rain"},
        "minutes": {"kind": "CLOSE", "marketId": "rain"},
        "note": FILL,
        "pauseSeconds": FILL,
        "marketId": PRICE,
        "market": {"kind": "PRICE_ABOVE", "price": "0.5"},
        "slug": {"kind": "PRICE_ABOVE", "price": "0.5"},
        "kind": {"marketId": "rain"},
        "orderId": FILL,
        "webhookId": FILL,
    },
    "PATCH /alerts/{id}": dict.fromkeys(
        ("price", "note", "pauseSeconds", "once", "webhookId", "toWebhook", "active"), NOTHING
    ),
    "POST /alerts/webhooks": {"url": {}},
    "PATCH /alerts/webhooks/{id}": {"active": {}},
}
OF_ANOTHER_KIND = {"volume", "minutes"}
"""What a price's alert can't be given."""
NAMES_SOMETHING = {
    "market", "marketId", "slug", "orderId", "webhookId", "kind", "price", "volume", "minutes",
    "url",
}  # fmt: skip
"""Fields whose right texts are refused still: nothing bears them, or they are needed, or reach
nothing public.
"""


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    made = await make_web(
        ALERTS_MAX=1_000, ALERT_WEBHOOKS_MAX=50, RATE_LIMIT_USER_MAX_REQUESTS=1_000_000
    )
    made.engine.run(listing())
    return made


async def paths(ann: Caller) -> dict[str, str]:
    alert = (await ann.data("POST", "/alerts", PRICE))["id"]
    hook = (await ann.data("POST", "/alerts/webhooks", {"url": URL}))["webhook"]["id"]
    return {"/alerts/webhooks/{id}": f"/alerts/webhooks/{hook}", "/alerts/{id}": f"/alerts/{alert}"}


def filled(path: str, places: dict[str, str]) -> str:
    for template, place in places.items():
        path = path.replace(template, place)
    return path


async def test_body_fields_are_taken_as_promised(web: Web) -> None:
    ann = await caller(web)
    places, tried = await paths(ann), set()
    for row in ROWS:
        if row.body is None or not row.path.startswith(ALERTS):
            continue
        route = f"{row.method} {row.path}"
        schemas = expanded({"$ref": f"#/components/schemas/{row.body.__name__}"})["properties"]
        assert set(schemas) - OF_ANOTHER_KIND == set(BODIES[route]) - OF_ANOTHER_KIND, route
        for name, base in BODIES[route].items():
            validator = Draft202012Validator(expanded(schemas[name]))
            for value in probes(expanded(schemas[name])):
                answer = await ann.call(row.method, filled(row.path, places), base | {name: value})
                where = (route, name, value, answer.text)
                assert answer.status_code < 500, where
                error = answer.json().get("error", {"details": []}) if answer.content else {}
                named = name in [one["field"] for one in error.get("details", ())]
                is_right = validator.is_valid(value)
                assert is_right or (answer.status_code == 400 and named), where
                if name not in NAMES_SOMETHING:
                    assert answer.is_success is is_right, where
                if answer.is_success and row.method == "POST" and row.path == ALERTS:
                    await ann.data("DELETE", f"/alerts/{answer.json()['data']['id']}")
        tried.add(route)
    assert tried == set(BODIES)


async def test_parameters_are_taken_as_promised(web: Web) -> None:
    ann = await caller(web)
    places = await paths(ann)
    for row in ROWS:
        if row.query is None or not row.path.startswith(ALERTS):
            continue
        for parameter in DOCUMENT["paths"][row.path]["get"]["parameters"]:
            name, schema = parameter["name"], expanded(parameter["schema"])
            if parameter["in"] != "query" or name in {*UNREADABLE, "minSeq"}:
                continue
            validator = Draft202012Validator(schema)
            for value in parameter_probes(schema):
                path = f"{filled(row.path, places)}?"
                answer = await ann.call("GET", str(httpx.URL(path, params={name: value})))
                where = (row.path, name, value, answer.text)
                assert answer.is_success is validator.is_valid(value), where
