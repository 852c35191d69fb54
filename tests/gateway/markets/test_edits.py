"""A market is edited before its first trade, over REST."""

from exchange.messages.commands import PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES
from tests.gateway.conftest import Web
from tests.gateway.portfolio.venue_fake import caller
from tests.persistence.running import listing

EDIT = {
    "question": "Will it snow?",
    "description": "Flakes on the ground at noon.",
    "category": "cold",
    "closeTime": "2090-01-01T00:00:00.000Z",
    "minQuantity": "2.00",
}


async def test_what_is_given_changes_and_the_rest_stays(web: Web) -> None:
    admin, ann = await caller(web, admin=True), await caller(web)
    web.engine.run(listing())
    web.engine.run(PlaceOrder(ann.id, 1, BUY, YES, LIMIT, 5_000, 100, GTC))
    before = (await ann.call("GET", "/markets/rain")).json()["data"]
    assert await admin.data("PATCH", "/markets/rain", {"category": "wet"})
    assert web.engine.view.orders
    answer = await admin.call("PATCH", "/markets/rain", EDIT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "MARKET_NOT_HALTED")
    assert web.engine.view.orders
    await admin.data("PATCH", "/markets/rain/status", {"status": "HALTED"})
    told = await admin.data("PATCH", "/markets/rain", EDIT)
    assert {name: told[name] for name in EDIT} == EDIT
    assert told["slug"] == "rain"
    assert told["tickSize"] == before["tickSize"]
    assert not web.engine.view.orders
    assert web.engine.view.accounts[ann.id].locked == 0
    lines = await admin.data("GET", "/admin/audit?action=market.edit")
    assert [line["target"] for line in lines] == [
        *("market:1 question description category closeTime minQuantity",) * 2,
        "market:1 category",
    ]


async def test_what_may_not_be_edited_is_refused_by_name(web: Web) -> None:
    admin, ann = await caller(web, admin=True), await caller(web)
    web.engine.run(listing())
    for field, value in (
        ("slug", "snow"),
        ("tickSize", "0.001"),
        ("makerFee", "0"),
        ("takerFee", "0"),
        ("feeModel", "flat"),
        ("draft", True),
        ("question", ""),
        ("question", None),
        ("closeTime", "soon"),
        ("minQuantity", "0"),
        ("category", "x" * 61),
    ):
        refused = await admin.refused("PATCH", "/markets/rain", {field: value})
        assert refused == (400, [field])
    past = {"closeTime": "1970-01-01T00:00:00.001Z"}
    answer = await admin.call("PATCH", "/markets/rain", past)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "CLOSE_TIME_PASSED")
    assert (await admin.refused("PATCH", "/markets/nowhere", {}))[0] == 404
    assert (await ann.refused("PATCH", "/markets/rain", {}))[0] == 403


async def test_from_the_first_trade_on_it_is_a_conflict(web: Web) -> None:
    admin, ann, bob = await caller(web, admin=True), await caller(web), await caller(web)
    web.engine.run(listing())
    web.engine.run(PlaceOrder(ann.id, 1, BUY, YES, LIMIT, 5_000, 100, GTC))
    web.engine.run(PlaceOrder(bob.id, 1, BUY, NO, LIMIT, 5_000, 100, GTC))
    answer = await admin.call("PATCH", "/markets/rain", {"question": "Will it hail?"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "MARKET_TRADED")
    assert answer.json()["error"]["transient"] is False
