"""What OpenAPI promises of backtests and of research is what the server takes, field by field."""

from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.http.test_promises import (
    BACKTESTS,
    DOCUMENT,
    RESEARCH,
    ROWS,
    UNREADABLE,
    expanded,
    parameter_probes,
    probes,
)
from tests.gateway.portfolio.venue_fake import Caller, caller
from tests.persistence.running import listing

PLAYED: dict[str, Any] = {"strategy": "momentum", "tape": "sample"}
ASKED: dict[str, Any] = {"query": "Will it rain?"}
BODIES: dict[str, dict[str, dict[str, Any]]] = {
    "POST /backtests": {
        **dict.fromkeys(("strategy", "parameters", "printsOnly", "from", "to", "cash"), PLAYED),
        **dict.fromkeys(("fees", "latencyMs", "seed", "requestId"), PLAYED),
        "tape": {"strategy": "momentum"},
        "markets": {"strategy": "momentum"},
    },
    "POST /research": dict.fromkeys(
        ("query", "market", "marketId", "slug", "processor", "outputFormat", "requestId"), ASKED
    ),
    "POST /research/search": {"query": {}, "numResults": {"query": "rain"}},
}
NAMES_SOMETHING = {"tape", "markets", "market", "marketId", "slug"}
"""Fields whose right texts are refused still: nothing bears them."""
ITS_OWN = "/research/webhook"
"""What the service says, signed: `inquiries/test_faults.py`."""


@pytest.fixture
async def ann(make_web: MakeWeb) -> Caller:
    web: Web = await make_web(
        BACKTESTS_MAX=10_000,
        BACKTESTS_WAITING_MAX=10_000,
        BACKTESTS_WAITING_PER_PERSON=10_000,
        PARALLEL_API_KEY="a key",
        PARALLEL_URL="http://127.0.0.1:9",
        RESEARCH_AT_ONCE=100,
        RESEARCH_BUDGET_CENTS=100_000,
        RESEARCH_TOTAL_BUDGET_CENTS=0,
        RATE_LIMIT_USER_MAX_REQUESTS=1_000_000,
    )
    web.engine.run(listing())
    return await caller(web)


async def test_body_fields_are_taken_as_promised(ann: Caller) -> None:
    tried = set()
    for row in ROWS:
        if row.body is None or not row.path.startswith((BACKTESTS, RESEARCH)):
            continue
        if row.path == ITS_OWN:
            continue
        route = f"{row.method} {row.path}"
        schemas = expanded({"$ref": f"#/components/schemas/{row.body.__name__}"})["properties"]
        assert set(schemas) == set(BODIES[route]), route
        for name, base in BODIES[route].items():
            validator = Draft202012Validator(expanded(schemas[name]))
            for value in probes(expanded(schemas[name])):
                answer = await ann.call(row.method, row.path, base | {name: value})
                where = (route, name, value, answer.text)
                # Nobody is there to search.
                is_taken = answer.is_success or answer.status_code == 502
                assert is_taken or answer.status_code < 500, where
                error = answer.json().get("error", {})
                named = name in [one["field"] for one in error.get("details", ())]
                is_right = validator.is_valid(value)
                assert is_right or (answer.status_code == 400 and named), where
                if name not in NAMES_SOMETHING:
                    assert is_taken is is_right, where
        tried.add(route)
    assert tried == set(BODIES)


async def test_parameters_are_taken_as_promised(ann: Caller) -> None:
    made = await ann.data("POST", "/backtests", PLAYED)
    for row in ROWS:
        if row.query is None or not row.path.startswith((BACKTESTS, RESEARCH)):
            continue
        for parameter in DOCUMENT["paths"][row.path]["get"]["parameters"]:
            name, schema = parameter["name"], expanded(parameter["schema"])
            if parameter["in"] != "query" or name in {*UNREADABLE, "minSeq"}:
                continue
            validator = Draft202012Validator(schema)
            for value in parameter_probes(schema):
                if name == "marketId" and ":" in str(value):
                    continue  # what is right depends on the platform before the colon
                path = f"{row.path.replace('{id}', made['id'])}?"
                answer = await ann.call("GET", str(httpx.URL(path, params={name: value})))
                where = (row.path, name, value, answer.text)
                assert answer.is_success is validator.is_valid(value), where
