"""What can't be asked names its field; where research is off, it says so; settings are checked."""

import json
from typing import Any

import pytest

from gateway.bootstrap.settings import load_settings
from gateway.research.inquiries.outputs import answer_of, cut, web_address
from gateway.research.inquiries.settings import cents, cents_text, costs
from gateway.research.inquiries.webhooks import keys_of
from gateway.settings.reader import SettingsError
from tests.gateway.conftest import MakeWeb
from tests.gateway.portfolio.venue_fake import caller
from tests.gateway.research.inquiries.conftest import Desk


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"),
        ({"query": "ab"}, "query"),
        ({"query": "   a   "}, "query"),
        ({"query": "x" * 2_001}, "query"),
        ({"query": "rain?", "processor": "mega"}, "processor"),
        ({"query": "rain?", "outputFormat": "pdf"}, "outputFormat"),
        ({"query": "rain?", "marketId": "kalshi:NONE"}, "marketId"),
        ({"query": "rain?", "market": "none"}, "market"),
        ({"query": "rain?", "market": "rain", "slug": "rain"}, "market"),
        ({"query": "rain?", "requestId": "a b"}, "requestId"),
        ({"query": "rain?", "more": 1}, "more"),
    ],
)
async def test_a_question_that_is_wrong_names_the_field(
    desk: Desk, body: dict[str, Any], field: str
) -> None:
    status, fields = await desk.ann.refused("POST", "/research", body)
    assert (status in {400, 404}, fields) == (True, [field])
    assert await desk.budget() == ("0.00", "0.00", "5.00")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"query": ""}, "query"),
        ({"query": "rain", "numResults": 0}, "numResults"),
        ({"query": "rain", "numResults": 21}, "numResults"),
    ],
)
async def test_a_search_that_is_wrong_names_the_field(
    desk: Desk, body: dict[str, Any], field: str
) -> None:
    assert await desk.ann.refused("POST", "/research/search", body) == (400, [field])


async def test_a_list_is_ones_own_by_status_and_market(desk: Desk) -> None:
    first = await desk.ask("first", marketId="rain")
    second = await desk.ask("second", marketId="kalshi:KXRAIN-26")
    bob = await caller(desk.web)
    assert await bob.data("GET", "/research") == []
    assert (await bob.call("DELETE", f"/research/{first['id']}")).status_code == 404

    async def listed(query: str) -> list[str]:
        found = await desk.ann.data("GET", f"/research{query}")
        return [one["id"] for one in found]

    assert await listed("") == [second["id"], first["id"]]
    assert await listed("?limit=1") == [second["id"]]
    assert await listed(f"?cursor={second['id']}") == [first["id"]]
    assert await listed(f"?marketId={first['marketId']}") == [first["id"]]
    assert await listed("?marketId=kalshi:KXRAIN-26") == [second["id"]]
    assert await listed("?status=RUNNING") == []
    assert await desk.ann.refused("GET", "/research?status=GONE") == (400, ["status"])


async def test_without_a_key_it_says_why(make_web: MakeWeb) -> None:
    ann = await caller(await make_web())
    for path, body in (("/research", {"query": "rain?"}), ("/research/search", {"query": "rain"})):
        answer = await ann.call("POST", path, body)
        assert (answer.status_code, "PARALLEL_API_KEY is unset" in answer.text) == (503, True)
    assert (await ann.data("GET", "/research/budget"))["available"] is False
    assert await ann.data("GET", "/research") == []
    message = await ann.call("POST", "/research/webhook", {"type": "x", "data": {}})
    assert (message.status_code, "PARALLEL_WEBHOOK_SECRET" in message.text) == (503, True)


@pytest.mark.parametrize(
    ("text", "amount"), [("0", 0), ("0.5", 50), ("2.50", 250), ("30", 3_000), ("0.01", 1)]
)
def test_cents_are_whole_hundredths(text: str, amount: int) -> None:
    assert cents(text) == amount
    assert cents(cents_text(amount)) == amount


@pytest.mark.parametrize("text", ["", "-1", "1.234", "1e3", "NaN", "1,5", ".5", "12345678"])
def test_other_numbers_are_no_cents(text: str) -> None:
    with pytest.raises(ValueError, match="cents"):
        cents(text)


@pytest.mark.parametrize(
    "text",
    ["", "lite=1", "lite=1 lite=1 base=1 core=1 pro=1 ultra=1 search=1", "mega=1", "lite=x"],
)
def test_costs_name_each_kind_once(text: str) -> None:
    with pytest.raises(ValueError, match=r"once|cents"):
        costs(text)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//a",
        "https://",
        "https://a b",
        "https://ä.example",
        "http://[",
        "x" * 3_000,
        7,
        None,
    ],
)
def test_no_reader_is_sent_anywhere_but_to_the_web(address: object) -> None:
    assert web_address(address) is None


def test_an_object_loses_what_is_no_text_and_stays_one() -> None:
    content = (
        rb'{"w\u202ehy": ["a\u0000b\u202ec\ud800d", {"path": "C:\\u0000"}],'
        rb' "chance": 1e999, "days": 3, "rain": true, "snow": null}'
    )
    answer = answer_of(b'{"output": {"type": "json", "content": ' + content + b"}}")
    assert (answer.content_type, json.loads(answer.content)) == (
        "json",
        {
            "why": ["abcd", {"path": "C:\\u0000"}],
            "chance": None,
            "days": 3,
            "rain": True,
            "snow": None,
        },
    )


def test_foreign_text_loses_what_is_no_text() -> None:
    assert cut("a\x00b\u202ec\ud800d\ne", 50) == "abcd\ne"
    assert cut("x" * 51, 50) == "x" * 49 + "…"
    assert cut(7, 50) == ""


@pytest.mark.parametrize("secret", ["whsec_", "whsec_c2hvcnQ=", "short", "x" * 15])
def test_a_secret_that_anybody_could_have_is_none(secret: str) -> None:
    with pytest.raises(SettingsError, match="PARALLEL_WEBHOOK_SECRET"):
        load_settings({"PARALLEL_WEBHOOK_SECRET": secret})
    assert b"" not in keys_of(secret)
    assert load_settings({"PARALLEL_WEBHOOK_SECRET": ""}).research.webhook_secret is None
