"""Alerts over REST: what goes with which kind, whose they are, and their bounds."""

import asyncio
from typing import Any

import pytest

from exchange.messages.commands import PlaceOrder
from exchange.messages.terms import BUY, GTC, LIMIT, YES
from gateway.feeds.model import ListedStatus
from persistence.clock import now_us
from persistence.repositories.alerts.firings import NewFiring
from persistence.repositories.alerts.webhooks import Webhooks
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.portfolio.venue_fake import VenueFake, caller, venue_market
from tests.persistence.running import listing

KALSHI = VenueFake(
    venue_market("KXRAIN-26"), venue_market("KXOVER-26", status=ListedStatus.RESOLVED)
)


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    made = await make_web(catalogues=[KALSHI], ALERTS_MAX=3, ALERT_WEBHOOKS_MAX=2)
    made.engine.run(listing())
    return made


async def test_an_alert_is_made_changed_and_deleted(web: Web) -> None:
    ann = await caller(web)
    body = {"kind": "PRICE_ABOVE", "marketId": "kalshi:KXRAIN-26", "price": 0.6, "note": " up "}
    made = await ann.data("POST", "/alerts", body)
    assert made == {
        "id": made["id"],
        "kind": "PRICE_ABOVE",
        "marketId": "kalshi:KXRAIN-26",
        "platform": "kalshi",
        "slug": None,
        "question": "Will KXRAIN-26 happen?",
        "outcome": "YES",
        "price": "0.6000",
        "volume": None,
        "minutes": None,
        "orderId": None,
        "note": "up",
        "pauseSeconds": None,
        "webhookId": None,
        "active": True,
        "ended": None,
        "met": False,
        "firedCount": 0,
        "firedAt": None,
        "createdAt": made["createdAt"],
    }
    path = f"/alerts/{made['id']}"
    assert await ann.data("GET", path) == made
    changed = await ann.data("PATCH", path, {"price": "0.3", "pauseSeconds": 60, "note": ""})
    wanted = {"price": "0.3000", "pauseSeconds": 60, "note": "", "met": True}
    assert changed == made | wanted, "it is above already: it fires when it is so again"
    idle = await ann.data("PATCH", path, {"active": False, "once": True})
    assert idle == changed | {"active": False, "pauseSeconds": None}
    assert await ann.data("GET", "/alerts") == [idle]
    assert await ann.data("DELETE", path) is None
    for method, more in (("GET", None), ("PATCH", {"note": "x"}), ("DELETE", None)):
        assert (await ann.call(method, path, more)).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "PRICE_ABOVE", "price": "0.5"}, "marketId"),
        ({"kind": "PRICE_ABOVE", "marketId": "rain"}, "price"),
        ({"kind": "PRICE_ABOVE", "marketId": "rain", "price": "1"}, "price"),
        ({"kind": "PRICE_ABOVE", "marketId": "rain", "price": "0.5", "minutes": 5}, "minutes"),
        ({"kind": "PRICE_ABOVE", "marketId": "rain", "price": "0.5", "orderId": "1"}, "orderId"),
        ({"kind": "PRICE_ABOVE", "marketId": "no", "price": "0.5"}, "marketId"),
        ({"kind": "PRICE_ABOVE", "marketId": "kalshi:KXOVER-26", "price": "0.5"}, "marketId"),
        ({"kind": "PRICE_ABOVE", "market": "no", "price": "0.5"}, "market"),
        ({"kind": "PRICE_ABOVE", "slug": "no", "price": "0.5"}, "slug"),
        ({"kind": "PRICE_ABOVE", "market": "kalshi:KXOVER-26", "price": "0.5"}, "market"),
        ({"kind": "VOLUME_ABOVE", "marketId": "rain"}, "volume"),
        ({"kind": "VOLUME_ABOVE", "marketId": "rain", "volume": "1", "outcome": "NO"}, "outcome"),
        ({"kind": "CLOSE", "marketId": "rain"}, "minutes"),
        ({"kind": "CLOSE", "marketId": "rain", "minutes": 0}, "minutes"),
        ({"kind": "RESOLUTION", "marketId": "rain", "pauseSeconds": 60}, "pauseSeconds"),
        ({"kind": "FILL", "marketId": "kalshi:KXRAIN-26"}, "marketId"),
        ({"kind": "FILL", "market": "kalshi:KXRAIN-26"}, "market"),
        ({"kind": "FILL", "orderId": "77"}, "orderId"),
        ({"kind": "FILL", "orderId": "x"}, "orderId"),
        ({"kind": "FILL", "pauseSeconds": 9}, "pauseSeconds"),
        ({"kind": "FILL", "webhookId": "1"}, "webhookId"),
        ({"kind": "FILL", "note": "x" * 201}, "note"),
        ({"kind": "TEST"}, "kind"),
    ],
)
async def test_what_does_not_go_together_names_the_field(
    web: Web, body: dict[str, Any], field: str
) -> None:
    ann = await caller(web)
    status, fields = await ann.refused("POST", "/alerts", body)
    assert (status in {400, 404, 409}, fields) == (True, [field])


async def test_bounds_hold_and_others_see_nothing(web: Web) -> None:
    ann, bob = await caller(web), await caller(web)
    answers = await asyncio.gather(
        *(ann.call("POST", "/alerts", {"kind": "FILL"}) for _ in range(6))
    )
    assert sorted(one.status_code for one in answers) == [201, 201, 201, 422, 422, 422]
    number = (await ann.data("GET", "/alerts"))[0]["id"]
    for method, body in (("GET", None), ("PATCH", {"note": "x"}), ("DELETE", None)):
        assert (await bob.call(method, f"/alerts/{number}", body)).status_code == 404
    hook = await ann.data("POST", "/alerts/webhooks", {"url": "https://hooks.example.com/a"})
    taken = {"kind": "FILL", "webhookId": hook["webhook"]["id"]}
    assert await bob.refused("POST", "/alerts", taken) == (400, ["webhookId"])


async def test_fills_of_ones_own_orders_alone(web: Web) -> None:
    ann, bob = await caller(web), await caller(web)
    web.engine.run(PlaceOrder(ann.id, 1, BUY, YES, LIMIT, 5_000, 100, GTC))
    wanted = {"kind": "FILL", "orderId": "1"}
    assert (await ann.data("POST", "/alerts", wanted))["orderId"] == "1"
    assert await bob.refused("POST", "/alerts", wanted) == (400, ["orderId"])


async def test_webhooks_are_made_tried_stopped_and_deleted(web: Web) -> None:
    ann = await caller(web)
    for url in ("http://example.com", "https://127.0.0.1/", "https://localhost/", "https://db/"):
        assert await ann.refused("POST", "/alerts/webhooks", {"url": url}) == (400, ["url"])
    made = await ann.data("POST", "/alerts/webhooks", {"url": "https://hooks.example.com/a"})
    hook, secret = made["webhook"], made["secret"]
    assert secret.startswith("whsec_")
    assert len(secret) > 40
    path = f"/alerts/webhooks/{hook['id']}"
    assert await ann.data("GET", "/alerts/webhooks") == [hook]
    stored = await Webhooks(web.parts.pool).get(ann.id, int(hook["id"]))
    assert stored is not None
    assert secret.encode() not in stored.secret, "it is sealed"
    alert = await ann.data("POST", "/alerts", {"kind": "FILL", "webhookId": hook["id"]})
    assert alert["webhookId"] == hook["id"]
    assert (await ann.call("POST", f"{path}/test")).status_code == 202
    (delivery,) = await ann.data("GET", f"{path}/deliveries")
    assert (delivery["kind"], delivery["status"], delivery["tries"]) == ("TEST", "PENDING", 0)
    stopped = await ann.data("PATCH", path, {"active": False})
    assert (stopped["active"], stopped["disabledAt"] is None) == (False, False)
    (delivery,) = await ann.data("GET", f"{path}/deliveries")
    assert (delivery["status"], delivery["error"]) == ("FAILED", "its owner stopped it")
    assert (await ann.call("POST", f"{path}/test")).status_code == 409
    assert await ann.data("PATCH", path, {"active": True}) == hook
    await ann.data("POST", "/alerts/webhooks", {"url": "https://hooks.example.com/b"})
    assert (
        await ann.refused("POST", "/alerts/webhooks", {"url": "https://hooks.example.com/c"})
    ) == (422, ["webhooks"])
    assert await ann.data("DELETE", path) is None
    assert (await ann.data("GET", f"/alerts/{alert['id']}"))["webhookId"] is None
    bob = await caller(web)
    other = (await ann.data("GET", "/alerts/webhooks"))[0]["id"]
    for method, more, body in (
        ("PATCH", "", {"active": False}), ("DELETE", "", None), ("POST", "/test", None),
        ("GET", "/deliveries", None),
    ):  # fmt: skip
        answer = await bob.call(method, f"/alerts/webhooks/{other}{more}", body)
        assert answer.status_code == 404
    lines = await web.parts.pool.fetch(
        "SELECT action, target FROM audit_log WHERE action LIKE 'alert-webhook%' ORDER BY id"
    )
    actions = [row["action"].removeprefix("alert-webhook.") for row in lines]
    assert actions == ["create", "disable", "enable", "create", "delete"]
    assert all("example" not in row["target"] for row in lines), "no address is logged"


async def test_its_market_is_named_as_everywhere(web: Web) -> None:
    ann = await caller(web)
    for name, text in (("market", "rain"), ("marketId", "1"), ("slug", "rain")):
        made = await ann.data("POST", "/alerts", {"kind": "RESOLUTION", name: text})
        assert made["marketId"] == "1"
    both = {"kind": "RESOLUTION", "market": "rain", "slug": "rain"}
    assert await ann.refused("POST", "/alerts", both) == (400, ["market"])


async def test_tests_of_webhooks_have_a_budget_of_their_own(web: Web) -> None:
    ann, bob = await caller(web), await caller(web)
    paths = []
    for one in (ann, bob):
        made = await one.data("POST", "/alerts/webhooks", {"url": "https://hooks.example.com/a"})
        paths.append(f"/alerts/webhooks/{made['webhook']['id']}/test")
    most = web.settings.limits.webhook_tests
    answers = await asyncio.gather(*(ann.call("POST", paths[0]) for _ in range(most + 3)))
    assert sorted(one.status_code for one in answers) == [202] * most + [429] * 3
    refused = next(one for one in answers if one.status_code == 429)
    assert '"webhook-tests"' in refused.headers["ratelimit-policy"]
    window = web.settings.limits.webhook_tests_window_ms // 1_000
    assert window - 60 < int(refused.headers["retry-after"]) <= window
    # It is nobody else's, and nothing but tests is refused.
    assert (await bob.call("POST", paths[1])).status_code == 202
    assert (await ann.call("POST", "/alerts", {"kind": "FILL"})).status_code == 201
    await web.parts.pool.execute("UPDATE alert_firings SET at = at - $1", window * 1_000_000)
    assert (await ann.call("POST", paths[0])).status_code == 202


async def test_what_was_told_is_listed_newest_first(web: Web) -> None:
    ann, bob = await caller(web), await caller(web)
    webhooks = Webhooks(web.parts.pool)
    for number in range(3):
        firing = NewFiring(
            user_id=ann.id, alert_id=None, kind="TEST", platform=None, external_id=None,
            note=str(number), at=now_us(), saw="{}",
        )  # fmt: skip
        await webhooks.try_out(firing, 1)
    first = (await ann.call("GET", "/alerts/firings?limit=2")).json()
    assert [one["note"] for one in first["data"]] == ["2", "1"]
    cursor = first["nextCursor"]
    rest = await ann.data("GET", f"/alerts/firings?limit=2&cursor={cursor}")
    assert [one["note"] for one in rest] == ["0"]
    assert await bob.data("GET", "/alerts/firings") == []
    assert await ann.data("GET", "/alerts/firings?alertId=1") == []
