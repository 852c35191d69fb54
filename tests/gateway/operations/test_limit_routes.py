"""One's own limits, and the tiers that admins give: told, stored, and heard of elsewhere."""

import asyncio

from exchange.messages.commands import OpenAccount
from gateway.access.rate_limits import RateLimits
from gateway.operations.limit_routes import TierWatch
from persistence.repositories.people.rate_tiers import RateTiers
from tests.gateway.conftest import MakeWeb, Web

OWN = "/api/v1/user/limits"


def tier_path(user_id: object) -> str:
    return f"/api/v1/admin/users/{user_id}/rate-tier"


async def test_everybody_sees_what_is_left(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_USER_MAX_REQUESTS=30, RATE_LIMIT_USER_MAX_WRITES=7)
    ada = await web.register()
    await web.client.post("/api/v1/orders/none", headers=ada.bearer)
    answer = await web.client.get(OWN, headers=ada.bearer)
    told = answer.json()["data"]
    assert told["tier"] == "standard"
    found = {b["name"]: (b["size"], b["windowSeconds"], b["remaining"]) for b in told["buckets"]}
    assert found == {
        "read": (30, 60, 29),
        "write": (7, 60, 6),
        "cancel": (20, 2, 20),
        "session": (30, 60, 30),
    }
    read, write, cancel, _ = told["buckets"]
    assert (read["refillPerSecond"], write["refillPerSecond"]) == (0.5, 0.117)
    assert 0 < read["nextIn"] <= 2
    assert 0 < write["nextIn"] <= 8.6
    assert cancel["nextIn"] == 0
    assert answer.headers["ratelimit-policy"] == '"read";q=30;w=60'
    assert answer.headers["ratelimit"].startswith('"read";r=29;t=')


async def test_a_tier_is_given_kept_and_taken_back(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_USER_MAX_REQUESTS=30)
    root, ada = await web.register(admin=True), await web.register()

    async def give(tier: object, user_id: object = ada.id) -> tuple[int, object]:
        body = {"tier": tier}
        answer = await web.client.put(tier_path(user_id), headers=root.bearer, json=body)
        told = answer.json()
        return answer.status_code, told["data"] if answer.is_success else told["error"]["code"]

    given = {"userId": str(ada.id), "tier": "maker", "factor": 20}
    assert await give("maker") == (200, given)
    answer = await web.client.get(OWN, headers=ada.bearer)
    assert answer.json()["data"]["tier"] == "maker"
    assert answer.headers["ratelimit-policy"] == '"read";q=600;w=60'
    assert await give("advanced") == (200, {**given, "tier": "advanced", "factor": 4})
    assert await stored(web) == {ada.id: "advanced"}
    assert await give("maker", 999) == (404, "NOT_FOUND")
    assert await give("maker", "x") == (404, "NOT_FOUND")
    assert await give("fast") == (400, "VALIDATION_ERROR")
    assert await give(None) == (400, "VALIDATION_ERROR")
    assert await give("standard") == (200, {**given, "tier": "standard", "factor": 1})
    assert await stored(web) == {}
    entries, _ = await web.accounts.audit.page(10, 0)
    lines = [(e.actor_id, e.target, e.outcome) for e in entries if e.action == "user.rate_tier"]
    target = f"user:{ada.id}"
    assert lines == [(root.id, target, tier) for tier in ("standard", "advanced", "maker")]


async def stored(web: Web) -> dict[int, str]:
    return await RateTiers(web.parts.pool).all()


async def test_only_admins_give_tiers(web: Web) -> None:
    ada = await web.register()
    answer = await web.client.put(tier_path(1), headers=ada.bearer, json={"tier": "maker"})
    assert answer.status_code == 403
    assert (await web.client.get(OWN)).status_code == 401


async def test_another_process_hears_of_it(web: Web) -> None:
    ada = await web.register()
    elsewhere = RateLimits(web.settings.limits)
    tiers = RateTiers(web.parts.pool)
    assert await tiers.set(ada.id, "maker")
    heard = asyncio.Event()
    running = asyncio.create_task(TierWatch(tiers, elsewhere).run(heard.set))
    await asyncio.wait_for(heard.wait(), 30)
    running.cancel()
    assert elsewhere.tier_of(ada.id).value == "maker"


async def test_a_market_maker_by_role_has_the_tier_until_another_is_given(web: Web) -> None:
    admin, maker = await web.register(admin=True), await web.register()
    await web.accounts.users.set_role(maker.id, "MARKET_MAKER")
    watch = TierWatch(RateTiers(web.parts.pool), web.parts.limits)
    path = f"/api/v1/admin/users/{maker.id}/rate-tier"

    async def tier() -> object:
        await watch.load()
        answer = await web.client.get("/api/v1/user/limits", headers=maker.bearer)
        return answer.json()["data"]["tier"]

    web.engine.run(OpenAccount(maker.id, 0))
    assert await tier() == "maker"
    for given, shown in (("advanced", "advanced"), ("standard", "maker")):
        answer = await web.client.put(path, json={"tier": given}, headers=admin.bearer)
        assert answer.json()["data"]["tier"] == shown
        assert await tier() == shown
