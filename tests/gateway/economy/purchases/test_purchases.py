"""Buying credits over REST, around the real rules and a real database."""

import asyncio
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from exchange.messages.commands import CloseAccount, CreditAccount, DebitAccount
from exchange.messages.terms import MoneyKind
from gateway.bootstrap.economy import buying_of
from gateway.economy.purchases.buying import Buying
from gateway.economy.purchases.packages import PACKAGES
from gateway.economy.purchases.providers import Charge, ProviderAway, SimulatedProvider
from gateway.economy.settings import Seller
from gateway.wire.errors import NotFound
from persistence.repositories.economy.purchases import Purchase, Purchases
from tests.gateway.conftest import MakeWeb, Person, Web
from tests.gateway.economy.stories import (
    give_meanwhile,
    lose,
    lose_commits,
    moved,
    pending,
    store_ledger,
    sweep,
)

PATH = "/api/v1/purchases"
START = 1_000_000_000
by_id = Purchases.by_id


class ProviderFake:
    """Remembers what it was asked; may be away before or after it was paid."""

    name = "fake"

    def __init__(self) -> None:
        self.paid: dict[str, int] = {}
        self.refunded: list[str] = []
        self.away = ""

    async def charge(self, charge: Charge) -> bool:
        if self.away == "before":
            raise ProviderAway
        self.paid[charge.reference] = charge.price
        if self.away == "after":
            raise ProviderAway
        return True

    async def refund(self, reference: str) -> None:
        if self.away:
            raise ProviderAway
        self.refunded.append(reference)


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    """The application, which sells."""
    return await make_web(PURCHASES="simulated", RATE_LIMIT_USER_MAX_REQUESTS="100000")


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> ProviderFake:
    """A provider in the place of the simulated one."""
    fake = ProviderFake()
    monkeypatch.setattr(SimulatedProvider, "charge", lambda _, charge: fake.charge(charge))
    monkeypatch.setattr(SimulatedProvider, "refund", lambda _, reference: fake.refund(reference))
    return fake


async def buy(web: Web, person: Person, **body: object) -> httpx.Response:
    return await web.client.post(PATH, json={"packageId": "starter"} | body, headers=person.bearer)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def bought(web: Web, person: Person) -> list[dict[str, Any]]:
    answer = await web.client.get(f"{PATH}/me", headers=person.bearer)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def selling(web: Web, **settings: Seller) -> Buying:
    economy = replace(web.settings.economy, **settings)
    return buying_of(economy, web.parts.pool, web.parts.engine, web.accounts)


async def finish(web: Web) -> int:
    """Go on with purchases as if the claims of others were over."""
    await web.parts.pool.execute("UPDATE purchases SET tried_at = 0")
    return await selling(web).finish_left()


def cash(web: Web, person: Person) -> int:
    return web.engine.view.accounts[person.id].available


async def test_packages(web: Web) -> None:
    answer = await web.client.get(f"{PATH}/packages")
    data = answer.json()["data"]
    assert data[1] == {
        "id": "regular",
        "credits": "1100.000000",
        "bonus": "100.000000",
        "price": "10.00",
        "currency": "USD",
    }
    assert [one["id"] for one in data] == [package.id for package in PACKAGES]
    least = PACKAGES[0]
    for package in PACKAGES:
        # A bonus is what one gets beyond the smallest package's rate.
        assert (package.credits - package.bonus) * least.price == least.credits * package.price
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await web.client.get(f"{PATH}/packages?limit=1{cursor}")).json()
        found += page["data"]
        cursor = page["nextCursor"] and f"&cursor={page['nextCursor']}"
    assert found == data


async def test_a_purchase_and_what_is_told_of_it(web: Web) -> None:
    ann = await web.register()
    answer = await buy(web, ann, requestId="r-1")
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data.pop("balance")["available"] == "1500.000000"
    assert data == {
        "id": "1",
        "packageId": "starter",
        "credits": "500.000000",
        "price": "5.00",
        "currency": "USD",
        "status": "DONE",
        "reference": f"purchase:{ann.id}:1",
        "requestId": "r-1",
        "createdAt": data["createdAt"],
    }
    assert await bought(web, ann) == [data]
    again = (await buy(web, ann, requestId="r-1")).json()["data"]
    assert again["replayed"] is True
    assert again["id"] == "1"
    assert cash(web, ann) == START + 500_000_000
    assert code(await buy(web, ann, requestId="r-1", packageId="large")) == (409, "CONFLICT")
    sent = [one for one in web.engine.submitted if isinstance(one, CreditAccount)]
    assert [one.kind for one in sent] == [MoneyKind.PURCHASE]
    await store_ledger(web)
    lines = await web.client.get("/api/v1/transactions/me?type=PURCHASE", headers=ann.bearer)
    (line,) = lines.json()["data"]
    assert (line["amount"], line["reference"]) == ("500.000000", data["reference"])
    ben = await web.register()
    assert await bought(web, ben) == []


async def test_fifty_at_once_under_one_id_are_one(web: Web, provider: ProviderFake) -> None:
    ann = await web.register()
    answers = await asyncio.gather(*(buy(web, ann, requestId="r") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert cash(web, ann) == START + 500_000_000
    assert provider.paid == {f"purchase:{ann.id}:1": 500}
    assert len(await moved(web)) == 1


async def test_a_declined_payment_gives_nothing(web: Web) -> None:
    ann = await web.register()
    for _ in range(2):
        answer = await buy(web, ann, paymentMethod="test-card-declined", requestId="r")
        assert code(answer) == (422, "PAYMENT_DECLINED")
    assert [one["status"] for one in await bought(web, ann)] == ["DECLINED"]
    assert await moved(web) == []
    assert await finish(web) == 0
    rows = await web.parts.pool.fetch("SELECT outcome FROM audit_log WHERE action LIKE 'economy.%'")
    assert [row[0] for row in rows] == ["PAYMENT_DECLINED"]


@pytest.mark.parametrize("away", ["before", "after"])
async def test_a_provider_that_is_away_is_asked_again(
    web: Web, provider: ProviderFake, away: str
) -> None:
    ann = await web.register()
    provider.away = away
    assert code(await buy(web, ann)) == (504, "UNKNOWN_OUTCOME")
    assert [one["status"] for one in await bought(web, ann)] == ["PENDING"]
    assert await finish(web) == 1
    provider.away = ""
    assert cash(web, ann) == START
    assert await finish(web) == 1
    assert await finish(web) == 0
    assert cash(web, ann) == START + 500_000_000
    assert len(provider.paid) == 1
    assert [one["status"] for one in await bought(web, ann)] == ["DONE"]


async def test_what_a_clock_that_was_ahead_tried_last_is_seen_through(
    web: Web, provider: ProviderFake
) -> None:
    ann = await web.register()
    provider.away = "before"
    assert (await buy(web, ann)).status_code == 504
    provider.away = ""
    assert await selling(web).finish_left() == 0
    await web.parts.pool.execute("UPDATE purchases SET tried_at = tried_at + 86400000000")
    assert await selling(web).finish_left() == 1
    assert [one["status"] for one in await bought(web, ann)] == ["DONE"]


async def test_what_was_begun_is_seen_through_where_nothing_is_sold_any_more(
    web: Web, provider: ProviderFake
) -> None:
    ann = await web.register()
    provider.away = "after"
    assert code(await buy(web, ann)) == (504, "UNKNOWN_OUTCOME")
    provider.away = ""
    await web.parts.pool.execute("UPDATE purchases SET tried_at = 0")
    looked = asyncio.Event()
    sweeping = asyncio.create_task(selling(web, purchases=Seller.OFF).run(looked.set))
    await looked.wait()
    sweeping.cancel()
    assert [one["status"] for one in await bought(web, ann)] == ["DONE"]
    assert cash(web, ann) == START + 500_000_000


async def test_what_was_paid_for_is_given_though_the_engine_was_away(web: Web) -> None:
    ann = await web.register()
    web.engine.is_open = False
    assert code(await buy(web, ann, requestId="r")) == (504, "UNKNOWN_OUTCOME")
    web.engine.is_open = True
    assert await pending(web) == 1
    assert await sweep(web) == 1
    assert cash(web, ann) == START + 500_000_000
    assert (await buy(web, ann, requestId="r")).json()["data"]["replayed"] is True


@pytest.mark.parametrize("lost", ["purchase", "intent", "row"])
async def test_nobody_is_told_that_nothing_happened_where_it_may_have(
    web: Web, provider: ProviderFake, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    ann = await web.register()
    with monkeypatch.context() as patch:
        if lost == "row":
            patch.setattr(Purchases, "by_id", lost_at_the_end)
        else:
            lose_commits(patch, Purchases, "add" if lost == "purchase" else "pay")
        assert code(await buy(web, ann)) == (504, "UNKNOWN_OUTCOME")
    await finish(web)
    await sweep(web)
    assert [one["status"] for one in await bought(web, ann)] == ["DONE"]
    assert cash(web, ann) == START + 500_000_000
    assert len(provider.paid) == 1


async def lost_at_the_end(rows: Purchases, purchase_id: int) -> Purchase:
    purchase = await by_id(rows, purchase_id)
    if purchase.intent_status == "DONE":
        await lose()
    return purchase


async def test_what_the_engine_refuses_is_paid_back(web: Web, provider: ProviderFake) -> None:
    ann = await web.register()
    provider.away = "after"
    await buy(web, ann)
    provider.away = ""
    web.engine.run(DebitAccount(ann.id, START, "all of it", None))
    web.engine.run(CloseAccount(ann.id))
    for status in ("REFUSED", "REFUNDED"):
        assert await finish(web) == 1
        assert await web.parts.pool.fetchval("SELECT status FROM purchases") == status
    assert await finish(web) == 0
    assert provider.refunded == [f"purchase:{ann.id}:1"]
    assert cash(web, ann) == 0


async def test_nobody_buys_past_the_bound(make_web: MakeWeb, provider: ProviderFake) -> None:
    web = await make_web(PURCHASES="simulated", MAX_USER_CREDITS="2000")
    ann = await web.register()
    answers = await asyncio.gather(*(buy(web, ann) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200, 200] + [422] * 6
    assert {code(one)[1] for one in answers if one.status_code == 422} == {"MAX_USER_CREDITS"}
    assert cash(web, ann) == 2_000_000_000
    assert len(provider.paid) == 2


async def test_what_is_being_charged_for_counts_against_the_bound(
    make_web: MakeWeb, provider: ProviderFake
) -> None:
    web = await make_web(PURCHASES="simulated", MAX_USER_CREDITS="1599")
    ann = await web.register()
    provider.away = "before"
    assert code(await buy(web, ann)) == (504, "UNKNOWN_OUTCOME")
    reward = await web.client.post("/api/v1/economy/daily-credits", headers=ann.bearer)
    assert code(reward) == (422, "MAX_USER_CREDITS")
    provider.away = ""
    assert await finish(web) == 1
    assert cash(web, ann) == 1_500_000_000


async def test_what_arrives_while_the_bound_is_looked_at_counts(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = await make_web(PURCHASES="simulated", MAX_USER_CREDITS="1599")
    ann = await web.register()
    give_meanwhile(monkeypatch, web, ann, 100_000_000)
    assert code(await buy(web, ann)) == (422, "MAX_USER_CREDITS")
    assert await bought(web, ann) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"packageId": "gold"}, "packageId"),
        ({"packageId": 1}, "packageId"),
        ({"packageId": None}, "packageId"),
        ({"packageId": "x" * 65}, "packageId"),
        ({"paymentMethod": ""}, "paymentMethod"),
        ({"paymentMethod": "x" * 65}, "paymentMethod"),
        ({"requestId": ""}, "requestId"),
        ({"requestId": "a b"}, "requestId"),
        ({"requestId": "x" * 65}, "requestId"),
        ({"credits": "1000000"}, "credits"),
        ({"price": "0.01"}, "price"),
    ],
)
async def test_bad_input_names_the_field(web: Web, body: dict[str, object], field: str) -> None:
    ann = await web.register()
    answer = await buy(web, ann, **body)
    assert code(answer) == (400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]
    assert await bought(web, ann) == []


async def test_what_was_bought_is_told_again_once_nothing_is_sold(web: Web) -> None:
    ann = await web.register()
    asked = ann.id, "starter", "test-card"
    first, intent, _ = await selling(web).buy(*asked, "p-1", "call")
    held = cash(web, ann)
    closed = selling(web, purchases=Seller.OFF)
    again, same, is_repeat = await closed.buy(*asked, "p-1", "call")
    assert (again.id, same.id, is_repeat) == (first.id, intent.id, True)
    for request_id in ("p-2", None):
        with pytest.raises(NotFound):
            await closed.buy(*asked, request_id, "call")
    assert cash(web, ann) == held
    assert len(await bought(web, ann)) == 1


async def test_nothing_is_sold_unless_it_is_said_so(make_web: MakeWeb) -> None:
    web = await make_web()
    ann = await web.register()
    assert code(await buy(web, ann)) == (404, "NOT_FOUND")
    assert (await web.client.get(f"{PATH}/packages")).json()["data"] == []
    assert await bought(web, ann) == []
