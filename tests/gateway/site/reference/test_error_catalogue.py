"""The error catalogue has every code that can be told, and the document is made of it."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from exchange.messages.reasons import Reason
from gateway.engine_side.refusals import EngineRefused
from gateway.site.reference.error_catalogue import CATALOGUE, Origin, as_markdown
from gateway.site.reference.error_texts import ERRORS, REFUSED
from gateway.wire.errors import ApiError, DatabaseAway, Refused
from tests.gateway.conftest import Web
from tests.gateway.trading_desk import all_tables

ROOT = Path(__file__).parents[4]


def kinds(root: type[ApiError]) -> Iterator[type[ApiError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_error_of_the_gateway_has_its_text() -> None:
    # What a room derives of them keeps the code and the status of what it derives of.
    here = {kind for kind in kinds(ApiError) if kind.__module__ == "gateway.wire.errors"}
    assert here - {Refused, DatabaseAway} == ERRORS.keys()
    told = {(view.code, view.status) for view in CATALOGUE.errors}
    for kind in kinds(ApiError):
        if not issubclass(kind, Refused):
            assert (kind.code, kind.status) in told, kind


def test_every_code_that_is_refused_with_has_its_text() -> None:
    found: set[str] = set()
    for path in (ROOT / "gateway").rglob("*.py"):
        found |= set(re.findall(r"\b(?:Trade)?Refused\(\s*\"([A-Z_]+)\"", path.read_text("utf-8")))
    for kind in kinds(Refused):
        own = re.findall(r"super\(\).__init__\(\s*\"([A-Z_]+)\"", inspect.getsource(kind))
        assert own or kind is EngineRefused, f"{kind} says no code of its own"
        found |= set(own)
    assert found == REFUSED.keys()


def test_every_reason_of_the_engine_stands_there_once() -> None:
    ours = [view for view in CATALOGUE.errors if view.origin is Origin.ENGINE]
    assert [(v.number, v.reason, v.transient) for v in ours] == [
        (reason.value, reason.name, reason.transient) for reason in Reason
    ]
    for view in ours:
        assert view.code in {view.reason, "VALIDATION_ERROR"}
        assert (view.code == "VALIDATION_ERROR") is (view.status == 400)


def test_no_two_rows_are_the_same_and_each_says_what_to_do() -> None:
    rows = [(view.code, view.status, view.number) for view in CATALOGUE.errors]
    assert len(rows) == len(set(rows))
    for view in CATALOGUE.errors:
        for text in (view.meaning, view.action):
            assert text[0].isupper(), text
            assert text.endswith("."), text


def test_paths_in_the_texts_are_there() -> None:
    known = {re.sub(r"\{\w+\}", "{}", row.path) for row in all_tables()[0].routes}
    for view in CATALOGUE.errors:
        text = f"{view.meaning} {view.action}"
        for method, path in re.findall(r"\b(GET|POST|PUT|DELETE) (/[\w/{}-]+)", text):
            assert re.sub(r"\{\w+\}", "{}", path) in known, (method, path)
        for document in re.findall(r"docs/\w+\.md", text):
            assert (ROOT / document).is_file(), document


async def test_catalogue_is_served_to_everybody(web: Web) -> None:
    answer = await web.client.get("/api/v1/errors")
    assert answer.status_code == 200
    errors = answer.json()["data"]["errors"]
    assert len(errors) == len(CATALOGUE.errors)
    (balance,) = [one for one in errors if one["code"] == "INSUFFICIENT_BALANCE"]
    assert (balance["number"], balance["status"], balance["transient"]) == (501, 422, True)


def test_document_has_the_tables_that_the_code_makes() -> None:
    assert as_markdown() in (ROOT / "docs" / "reference" / "errors.md").read_text("utf-8")
