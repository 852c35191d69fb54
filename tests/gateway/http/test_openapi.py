"""The OpenAPI document is valid and whole; its page loads nothing from elsewhere."""

import gzip
import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.access.budgets import Budget
from gateway.bootstrap.settings import load_settings
from gateway.http.openapi import openapi_document
from gateway.http.routing import Shape
from tests.gateway.conftest import Web
from tests.gateway.portfolio.venue_fake import Caller
from tests.gateway.trading_desk import CHOICES, all_tables
from tests.persistence.running import listing

ROWS = all_tables()[0].routes
PAGES = load_settings({}).pages
OPENAPI_MOST = 80_000
"""Bytes of a description on the wire: it grows with the API, and not by accident."""
ASYNCAPI_MOST = 20_000


def test_document_is_valid() -> None:
    OpenAPIV31SpecValidator(openapi_document(ROWS, PAGES, CHOICES)).validate()


def test_document_names_every_row_once() -> None:
    document = openapi_document(ROWS, PAGES, CHOICES)
    named = {(m.upper(), p) for p, methods in document["paths"].items() for m in methods}
    rows = {(r.method, r.path) for r in ROWS if r.shape is not Shape.FILE}
    assert named == rows
    ids = [o["operationId"] for methods in document["paths"].values() for o in methods.values()]
    assert len(ids) == len(set(ids))


def test_each_body_and_each_answer_has_an_example_that_fits() -> None:
    document = openapi_document(ROWS, PAGES, CHOICES)
    components = document["components"]

    def check(content: dict[str, Any], where: str) -> None:
        for medium in content.values():
            told = [medium["example"]] if "example" in medium else []
            told += [
                components["examples"][named["$ref"].rpartition("/")[2]]["value"]
                for named in medium.get("examples", {}).values()
            ]
            assert told, where
            schema = {**medium["schema"], "components": components}
            for example in told:
                Draft202012Validator(schema).validate(example)

    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if "requestBody" in operation:
                check(operation["requestBody"]["content"], f"{method} {path}")
            for status, answer in operation["responses"].items():
                content = answer.get("content", {})
                # A stream has the form of a file, which no example shows.
                if set(content) == {"application/json"} and "success" in str(content):
                    check(content, f"{method} {path} {status}")


def _fields(example: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(example, dict):
        for key, value in example.items():
            yield from _fields(value, key)
    elif isinstance(example, list):
        for value in example:
            yield from _fields(value, name)
    else:
        yield name, example


def test_examples_show_amounts_and_ids_as_what_they_are() -> None:
    named = re.compile(
        r"([a-z](Id|Price|Quantity|Profit|Pnl|Cost|Credits|After|Payout)$)"
        r"|^(open|high|low|close|profit|credits|bonus|equity)$"
    )
    texts = (
        "eventId",
        "requestId",
        "clientOrderId",
        "packageId",
        "groupId",
        "externalId",
        "clientBetId",
    )
    paths = openapi_document(ROWS, PAGES, CHOICES)["paths"]
    for path, methods in paths.items():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                shown = answer.get("content", {}).get("application/json", {}).get("example")
                for name, value in _fields(shown):
                    if named.search(name) and name not in texts and isinstance(value, str):
                        assert re.fullmatch(r"-?\d+(\.\d+)?", value), (path, status, name, value)


async def test_the_example_of_an_alert_is_taken(web: Web) -> None:
    web.engine.run(listing())
    ann = Caller(web, await web.register())
    paths = openapi_document(ROWS, PAGES, CHOICES)["paths"]
    body = paths["/alerts"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert body["market"].startswith("kalshi:")  # a market that isn't here
    made = await ann.data("POST", "/alerts", body | {"market": "rain"})
    assert (made["kind"], made["slug"], made["price"]) == ("PRICE_ABOVE", "rain", "0.5500")


def test_what_a_gateway_refuses_says_so() -> None:
    paths = openapi_document(ROWS, PAGES, CHOICES)["paths"]
    for method, path in [
        ("post", "/orders/{id}"),
        ("delete", "/orders"),
        ("post", "/auth/register"),
    ]:
        assert "READS_ONLY" in paths[path][method]["responses"]["503"]["description"]
    for path in ("/orders", "/markets", "/user/balance"):
        answers = paths[path]["get"]["responses"]
        assert "READS_ONLY" not in answers.get("503", {"description": ""})["description"]


def test_document_says_which_bodies_may_be_left_out() -> None:
    paths = openapi_document(ROWS, PAGES, CHOICES)["paths"]
    for row in ROWS:
        if row.body is not None:
            asked = paths[row.path][row.method.lower()]["requestBody"]
            assert asked["required"] is row.needs_body, row.path
    assert not paths["/positions/{id}/close"]["post"]["requestBody"]["required"]


async def test_document_names_the_headers_of_limits(web: Web) -> None:
    document = openapi_document(ROWS, PAGES, CHOICES)
    answers = document["paths"]["/markets"]["get"]["responses"]
    answer = await web.client.get("/api/v1/markets")
    sent = {name for name in answer.headers if name.startswith(("ratelimit", "retry"))}
    assert sent == {name.lower() for name in answers["200"]["headers"]}
    assert set(answers["429"]["headers"]) == set(document["components"]["headers"])
    for row in ROWS:
        if row.shape is not Shape.FILE:
            done = document["paths"][row.path][row.method.lower()]["responses"][str(row.status)]
            assert ("headers" in done) is (row.budget is not Budget.NONE), row.path


async def test_document_is_served_under_both_mounts(web: Web) -> None:
    first = await web.client.get("/api/v1/openapi.json")
    second = await web.client.get("/api/openapi.json")
    assert first.json() == second.json() == openapi_document(ROWS, PAGES, CHOICES)


async def test_documents_come_compressed_and_once(web: Web) -> None:
    for name, most in (("openapi.json", OPENAPI_MOST), ("asyncapi.json", ASYNCAPI_MOST)):
        asked = web.client.build_request(
            "GET", f"/api/v1/{name}", headers={"accept-encoding": "gzip"}
        )
        answer = await web.client.send(asked, stream=True)
        packed = b"".join([part async for part in answer.aiter_raw()])
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "accept-encoding"
        assert answer.headers["cache-control"] == "no-cache"
        whole = await web.client.get(f"/api/v1/{name}", headers={"accept-encoding": "identity"})
        assert gzip.decompress(packed) == whole.content
        assert "content-encoding" not in whole.headers
        print(f"{name}: {len(whole.content)} bytes, {len(packed)} on the wire")
        assert len(packed) <= most
        tag = answer.headers["etag"]
        again = await web.client.get(
            f"/api/v1/{name}", headers={"accept-encoding": "gzip", "if-none-match": tag}
        )
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["vary"] == "accept-encoding"


async def test_pages_load_only_what_is_ours(web: Web) -> None:
    for page in ("/", "/plain", "/api/v1/docs"):
        answer = await web.client.get(page)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        for part in re.findall(r'(?:src|href)="([^"]+)"', answer.text):
            assert part.startswith("/"), part
            found = await web.client.get(part)
            assert found.status_code in {200, 503}, part
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", answer.text)
