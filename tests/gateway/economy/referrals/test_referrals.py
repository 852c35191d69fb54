"""Inviting over REST: whoever signs up by a code, and what both are given once they have traded."""

import asyncio
from typing import Any

import httpx
import pytest

from exchange.messages.commands import CloseAccount, DebitAccount
from gateway.bootstrap.economy import movements_of
from gateway.economy.referrals.rewarding import Rewarding
from gateway.economy.referrals.routes import new_code
from tests.gateway.accounts.linked.conftest import Browser, desk, key, settings_of
from tests.gateway.accounts.wallets.signers import Metamask
from tests.gateway.accounts.wallets.test_wallets import SIGN_IN, proof
from tests.gateway.conftest import PASSWORD, MakeWeb, Person, Web, person_of
from tests.gateway.economy.stories import give_meanwhile, moved, store_order, sweep

__all__ = ["desk", "key", "settings_of"]
START = 1_000_000_000
BONUS = 50_000_000


async def show(web: Web, person: Person) -> dict[str, Any]:
    answer = await web.client.get("/api/v1/referrals/me", headers=person.bearer)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["data"]
    return found


async def invited(web: Web, person: Person) -> list[tuple[str, str, str | None]]:
    answer = await web.client.get("/api/v1/referrals/me/invited", headers=person.bearer)
    assert answer.status_code == 200, answer.text
    return [(one["status"], one["amount"], one["reason"]) for one in answer.json()["data"]]


async def register(web: Web, code: object, email: str = "new@example.org") -> httpx.Response:
    body = {"email": email, "password": PASSWORD, "referralCode": code}
    answer = await web.client.post("/api/v1/auth/register", json=body)
    web.client.cookies.clear()
    return answer


async def comes(web: Web, inviter: Person, email: str) -> Person:
    """Somebody who comes by another one's code."""
    answer = await register(web, (await show(web, inviter))["code"], email)
    assert answer.status_code == 201, answer.text
    return person_of(answer)


def rewarding(web: Web) -> Rewarding:
    movements = movements_of(web.parts.pool, web.parts.engine, web.accounts)
    return Rewarding(web.parts.pool, movements, web.engine.view, web.settings.economy)


async def look(web: Web) -> int:
    """Look once, and see through what is found."""
    found = await rewarding(web).look()
    await sweep(web)
    return found


def cash(web: Web, person: Person) -> int:
    return web.engine.view.accounts[person.id].available


async def test_both_are_given_a_bonus_once_the_invited_has_placed_an_order(web: Web) -> None:
    ann = await web.register()
    first = await show(web, ann)
    code = first["code"]
    assert first == {
        "code": code,
        "bonus": "50.000000",
        "invited": 0,
        "rewarded": 0,
        "earned": "0.000000",
        "bonusesLeft": 50,
    }
    ben = await comes(web, ann, "ben@example.org")
    assert await invited(web, ann) == [("INVITED", "0.000000", None)]
    assert await look(web) == 0
    assert (cash(web, ann), cash(web, ben)) == (START, START)
    await store_order(web, ben.id)
    assert await look(web) == 1
    assert await look(web) == 0
    assert (cash(web, ann), cash(web, ben)) == (START + BONUS, START + BONUS)
    assert await invited(web, ann) == [("REWARDED", "50.000000", None)]
    told = await show(web, ann)
    assert told == first | {
        "invited": 1,
        "rewarded": 1,
        "earned": "50.000000",
        "bonusesLeft": 49,
    }
    assert await moved(web) == [
        (f"referral:{ann.id}:{ben.id}", "DONE"),
        (f"referral:{ben.id}:{ben.id}", "DONE"),
    ]
    assert (await show(web, ben))["invited"] == 0


async def test_a_wallet_comes_by_a_code(make_web: MakeWeb) -> None:
    web = await make_web(FRONTEND_URL="https://exchange.example/app", ETHEREUM_CHAINS="1,137")
    ann = await web.register()
    code = (await show(web, ann))["code"]
    signer = await asyncio.to_thread(Metamask)
    refused = await web.client.post(
        SIGN_IN, json=await proof(web, signer) | {"referralCode": new_code()}
    )
    assert refused.status_code == 400
    for count in (1, 1):
        answer = await web.client.post(
            SIGN_IN, json=await proof(web, signer) | {"referralCode": code}
        )
        assert answer.status_code == 200, answer.text
        web.client.cookies.clear()
        assert (await show(web, ann))["invited"] == count


@pytest.fixture
async def browser(desk: Any) -> Any:
    async with desk.browser() as made:
        yield made


@pytest.mark.parametrize("provider", ["x", "google"])
async def test_whoever_signs_up_elsewhere_comes_by_a_code(browser: Browser, provider: str) -> None:
    web = browser.desk.web
    ann = await web.register()
    told = await browser.back(
        provider, browser.desk.elsewhere.approve(await browser.begin(provider))
    )
    body = {"code": told["code"], "referralCode": (await show(web, ann))["code"]}
    answer = await browser.client.post("/api/v1/auth/code", json=body)
    assert answer.status_code == 200, answer.text
    assert (await show(web, ann))["invited"] == 1


@pytest.mark.parametrize("provider", ["x", "google"])
async def test_nobody_guesses_at_codes_without_a_sign_in(browser: Browser, provider: str) -> None:
    async def exchange(code: str, referral: str) -> tuple[int, list[str]]:
        body = {"code": code, "referralCode": referral}
        answer = await browser.client.post("/api/v1/auth/code", json=body)
        details = answer.json().get("error", {}).get("details", ())
        return answer.status_code, [one["field"] for one in details]

    held = (await show(browser.desk.web, await browser.desk.web.register()))["code"]
    told = await browser.back(
        provider, browser.desk.elsewhere.approve(await browser.begin(provider))
    )
    for referral in (held, new_code()):
        assert await exchange("a" * len(told["code"]), referral) == (401, ["code"])
    # Whoever has mistyped it still has the sign-in.
    assert await exchange(told["code"], new_code()) == (400, ["referralCode"])
    assert await exchange(told["code"], held) == (200, [])


@pytest.mark.parametrize("code", ["", "abc", "ABCDEFGHIJ", "a" * 10, "a" * 11, 1])
async def test_a_code_of_nobody_adds_nobody(web: Web, code: object) -> None:
    answer = await register(web, code)
    assert answer.status_code == 400
    assert [one["field"] for one in answer.json()["error"]["details"]] == ["referralCode"]
    assert (await register(web, None)).status_code == 201


async def test_nobody_invites_themselves_or_whoever_was_there_before(web: Web) -> None:
    ann, ben = await web.register(), await web.register()
    note = web.accounts.sign_in.invitations.note
    await note(ann.id, ann.id)
    await note(ann.id, ben.id)
    assert [(await show(web, one))["invited"] for one in (ann, ben)] == [0, 0]
    await note(ben.id, ann.id)
    cat = await web.register()
    await note(cat.id, ben.id)
    # Once invited, by whoever it was.
    await note(cat.id, ann.id)
    assert [(await show(web, one))["invited"] for one in (ann, ben)] == [1, 1]


async def test_whoever_isnt_new_came_by_nobodys_code(web: Web) -> None:
    ann, ben, cat = await web.register(), await web.register(), await web.register()
    await web.parts.pool.execute(
        "UPDATE users SET created_at = created_at - 901000000 WHERE id = $1", ben.id
    )
    await store_order(web, cat.id)
    for person in (ben, cat):
        await web.accounts.sign_in.invitations.note(person.id, ann.id)
    assert (await show(web, ann))["invited"] == 0


async def test_fifty_uses_at_once_have_one_effect(make_web: MakeWeb) -> None:
    web = await make_web(
        RATE_LIMIT_SIGN_INS="100000", PASSWORD_HASH_QUEUE="1000", RATE_LIMIT_MAX_REQUESTS="100000"
    )
    ann = await web.register()
    code = (await show(web, ann))["code"]
    answers = await asyncio.gather(*(register(web, code) for _ in range(50)))
    assert [answer.status_code for answer in answers].count(201) == 1
    (ben,) = [person_of(answer) for answer in answers if answer.status_code == 201]
    await asyncio.gather(
        *(web.accounts.sign_in.invitations.note(ben.id, ann.id) for _ in range(50))
    )
    assert (await show(web, ann))["invited"] == 1
    await store_order(web, ben.id)
    looks = await asyncio.gather(*(rewarding(web).reward(ben.id) for _ in range(50)))
    print(len(looks), "looks at one referral at once, given by", sum(looks))
    assert sum(looks) == 1
    await sweep(web)
    assert (cash(web, ann), cash(web, ben)) == (START + BONUS, START + BONUS)


async def test_past_the_cap_only_the_invited_is_given_something(make_web: MakeWeb) -> None:
    web = await make_web(REFERRALS_PER_INVITER_MAX="2")
    ann = await web.register()
    people = [await comes(web, ann, f"p{number}@example.org") for number in range(4)]
    for person in people:
        await store_order(web, person.id)
    assert await look(web) == 4
    assert cash(web, ann) == START + 2 * BONUS
    assert {cash(web, person) for person in people} == {START + BONUS}
    assert await invited(web, ann) == [
        ("NOT_GIVEN", "0.000000", "REFERRALS_PER_INVITER_MAX"),
        ("NOT_GIVEN", "0.000000", "REFERRALS_PER_INVITER_MAX"),
        ("REWARDED", "50.000000", None),
        ("REWARDED", "50.000000", None),
    ]
    assert (await show(web, ann))["bonusesLeft"] == 0
    # Who leaves makes no room for another one.
    await web.parts.pool.execute("DELETE FROM users WHERE id = $1", people[0].id)
    assert (await show(web, ann))["bonusesLeft"] == 0


async def test_nobody_is_given_more_than_the_bound(make_web: MakeWeb) -> None:
    web = await make_web(MAX_USER_CREDITS="1049.999999")
    ann = await web.register()
    ben = await comes(web, ann, "ben@example.org")
    await store_order(web, ben.id)
    assert await look(web) == 1
    assert (cash(web, ann), cash(web, ben)) == (START, START)
    assert await invited(web, ann) == [("NOT_GIVEN", "0.000000", "MAX_USER_CREDITS")]


async def test_what_arrives_while_the_bound_is_looked_at_counts(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = await make_web(MAX_USER_CREDITS="1100")
    ann = await web.register()
    ben = await comes(web, ann, "ben@example.org")
    await store_order(web, ben.id)
    # Each time a bonus is looked at: the inviter's, the invited's.
    give_meanwhile(monkeypatch, web, ann, 60_000_000)
    assert await look(web) == 1
    assert await invited(web, ann) == [("NOT_GIVEN", "0.000000", "MAX_USER_CREDITS")]


async def test_what_the_engine_refuses_is_told_with_its_reason(web: Web) -> None:
    ann = await web.register()
    ben = await comes(web, ann, "ben@example.org")
    await store_order(web, ben.id)
    web.engine.run(DebitAccount(ann.id, START, "all of it", None))
    web.engine.run(CloseAccount(ann.id))
    assert await look(web) == 1
    assert await invited(web, ann) == [("NOT_GIVEN", "0.000000", "ACCOUNT_CLOSED")]
    assert (await show(web, ann))["bonusesLeft"] == 50
    assert cash(web, ben) == START + BONUS


async def test_whoever_invited_and_leaves_leaves_all_entries_whole(web: Web) -> None:
    ann = await web.register()
    ben = await comes(web, ann, "ben@example.org")
    code = (await show(web, ann))["code"]
    answer = await register(web, code, "eve@example.org")
    eve = person_of(answer)
    await store_order(web, ben.id)
    assert await look(web) == 1
    before, held = await moved(web), (cash(web, ben), cash(web, eve))
    gone = await web.client.request(
        "DELETE", "/api/v1/users/me", json={"forfeitCredits": True}, headers=ann.bearer
    )
    assert gone.status_code == 200, gone.text
    # What was given stays given, and in the books; a bonus that was still to come is none any more.
    await store_order(web, eve.id)
    assert await look(web) == 0
    assert await moved(web) == before
    assert (cash(web, ben), cash(web, eve)) == held
    assert (await register(web, code, "joe@example.org")).status_code == 400
    accounts = await web.parts.pool.fetch("SELECT account_id FROM money_intents ORDER BY id")
    assert {row[0] for row in accounts} == {ann.id, ben.id}


async def test_there_may_be_none(make_web: MakeWeb) -> None:
    web = await make_web(REFERRAL_BONUS_CREDITS="0")
    ann = await web.register()
    ben = await comes(web, ann, "ben@example.org")
    await store_order(web, ben.id)
    assert await look(web) == 1
    assert await moved(web) == []
    assert await invited(web, ann) == [("NOT_GIVEN", "0.000000", "NO_BONUS")]


async def test_each_round_goes_on_where_the_last_one_ended(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.economy.referrals.rewarding.LOOKED_THROUGH", 2)
    ann = await web.register()
    people = [await comes(web, ann, f"p{number}@example.org") for number in range(5)]
    await store_order(web, people[4].id)
    looking = rewarding(web)
    assert [await looking.look() for _ in range(4)] == [0, 0, 1, 0]
