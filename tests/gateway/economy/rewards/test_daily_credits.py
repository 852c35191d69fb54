"""The day's reward over REST, around the real rules and a real database."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from exchange.messages.commands import CreditAccount, DebitAccount, SuspendAccount
from exchange.messages.terms import MoneyKind
from gateway.economy.rewards import claims
from gateway.economy.rewards.rules import start_of
from persistence.repositories.economy.intents import Intents, Outcome
from persistence.repositories.economy.rewards import DailyRewards
from tests.gateway.conftest import MakeWeb, Person, Web
from tests.gateway.economy.stories import lose_commits, moved, pending, sweep

PATH = "/api/v1/economy/daily-credits"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The time that claims go by."""
    now = [NOON]
    monkeypatch.setattr(claims, "now_us", lambda: int(now[0].timestamp()) * 1_000_000)
    return now


async def claim(web: Web, person: Person) -> httpx.Response:
    return await web.client.post(PATH, headers=person.bearer)


async def refused_once(web: Web, person: Person) -> None:
    """Have the engine's refusal of the day's first attempt on record."""
    day, amount = NOON.date(), 100_000_000
    async with web.parts.pool.transaction() as connection:
        new = claims.reward_intent(person.id, day, amount, 1)
        intent = await Intents.add(connection, new, 1)
        await DailyRewards.put(connection, person.id, day, 1, amount, 1, intent.id)
        outcome = Outcome(2, 1, 0, 0, "ACCOUNT_SUSPENDED", "")
        assert await Intents.finish(connection, intent.id, outcome) is not None


async def standing(web: Web, person: Person) -> dict[str, Any]:
    answer = await web.client.get(PATH, headers=person.bearer)
    assert answer.status_code == 200
    data: dict[str, Any] = answer.json()["data"]
    return data


async def test_a_reward_a_day_and_more_for_days_in_a_row(web: Web, clock: list[datetime]) -> None:
    ann = await web.register()
    before = web.engine.view.accounts[ann.id].available
    assert await standing(web, ann) == {
        "claimed": False,
        "streak": 1,
        "amount": "100.000000",
        "multiplier": "1.00",
        "availableAt": "2026-05-01T00:00:00.000Z",
    }
    answer = await claim(web, ann)
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data.pop("balance")["available"] == "1100.000000"
    assert data == {
        "day": "2026-05-01",
        "amount": "100.000000",
        "streak": 1,
        "multiplier": "1.00",
        "nextAt": "2026-05-02T00:00:00.000Z",
        "nextAmount": "110.000000",
    }
    again = await claim(web, ann)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "CONFLICT")
    assert (await standing(web, ann))["availableAt"] == "2026-05-02T00:00:00.000Z"
    for days, amount, streak in ((1, "110.000000", 2), (2, "120.000000", 3), (4, "100.000000", 1)):
        clock[0] = NOON + timedelta(days=days)
        data = (await claim(web, ann)).json()["data"]
        assert (data["amount"], data["streak"]) == (amount, streak)
    gained = web.engine.view.accounts[ann.id].available - before
    assert gained == 430_000_000
    assert await moved(web) == [
        (f"reward:{ann.id}:2026-05-0{day}:1", "DONE") for day in (1, 2, 3, 5)
    ]
    sent = [one for one in web.engine.submitted if isinstance(one, CreditAccount)]
    assert {one.kind for one in sent} == {MoneyKind.REWARD}


async def test_two_hundred_claims_at_once_have_one_effect(make_web: MakeWeb) -> None:
    web = await make_web(RATE_LIMIT_USER_MAX_REQUESTS="100000")
    ann = await web.register()
    before = web.engine.view.accounts[ann.id].available
    answers = await asyncio.gather(*(claim(web, ann) for _ in range(200)))
    assert web.engine.view.accounts[ann.id].available == before + 100_000_000
    # Who comes while it is on its way is told of the same one.
    firsts = [a for a in answers if a.status_code == 200 and "replayed" not in a.json()["data"]]
    assert len(firsts) <= 1
    print(len(answers), "claims at once:", Counter(a.status_code for a in answers))
    assert 200 in {a.status_code for a in answers} <= {200, 409}
    assert len(await moved(web)) == 1


async def test_what_was_not_taken_never_was(web: Web) -> None:
    ann = await web.register()
    web.engine.is_open = False
    answer = await claim(web, ann)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
    web.engine.is_open = True
    assert await moved(web) == []
    assert (await claim(web, ann)).status_code == 200


async def test_a_second_attempt_is_never_taken_back(web: Web) -> None:
    """The day's row stands for both attempts: gone with one, the first would be tried anew."""
    ann = await web.register()
    await refused_once(web, ann)
    web.engine.is_open = False
    answer = await claim(web, ann)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "UNKNOWN_OUTCOME")
    web.engine.is_open = True
    answer = await claim(web, ann)
    assert answer.status_code == 200
    assert answer.json()["data"]["amount"] == "100.000000"
    day = f"reward:{ann.id}:2026-05-01"
    assert await moved(web) == [(f"{day}:1", "REFUSED"), (f"{day}:2", "DONE")]
    assert (await claim(web, ann)).status_code == 409


async def test_a_lost_commit_is_found_by_asking_again(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await web.register()
    with monkeypatch.context() as patch:
        lose_commits(patch, DailyRewards, "put")
        answer = await claim(web, ann)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "UNKNOWN_OUTCOME")
    assert await pending(web) == 1
    assert (await claim(web, ann)).json()["data"]["replayed"] is True


async def test_a_lost_answer_is_found_by_asking_again(web: Web) -> None:
    ann = await web.register()
    before = web.engine.view.accounts[ann.id].available
    web.engine.loses_answers = True
    answer = await claim(web, ann)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "UNKNOWN_OUTCOME")
    web.engine.loses_answers = False
    assert await pending(web) == 1
    again = (await claim(web, ann)).json()["data"]
    assert again["replayed"] is True
    assert web.engine.view.accounts[ann.id].available == before + 100_000_000
    assert await pending(web) == 0


async def test_a_lost_answer_is_found_by_the_sweep(web: Web) -> None:
    ann = await web.register()
    web.engine.loses_answers = True
    await claim(web, ann)
    web.engine.loses_answers = False
    assert await sweep(web) == 1
    assert await sweep(web) == 0
    assert [status for _, status in await moved(web)] == ["DONE"]
    assert (await claim(web, ann)).status_code == 409


async def test_nobody_is_given_more_than_the_bound(make_web: MakeWeb) -> None:
    web = await make_web(MAX_USER_CREDITS="1099.999999")
    ann = await web.register()
    answer = await claim(web, ann)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "MAX_USER_CREDITS"
    assert [detail["field"] for detail in error["details"]] == ["amount"]
    assert await moved(web) == []
    exactly = await make_web(MAX_USER_CREDITS="1100")
    assert (await claim(exactly, await exactly.register())).status_code == 200


async def test_a_view_that_is_behind_gives_nobody_more(make_web: MakeWeb) -> None:
    """As in a process beside the engine's, where another one has just given something."""
    web = await make_web(MAX_USER_CREDITS="1100")
    ann = await web.register()
    web.engine.run(CreditAccount(ann.id, 1, "elsewhere"))
    await know_account(web, ann.id)
    web.engine.run(DebitAccount(ann.id, 1, "as if it weren't known here"))
    refused = await claim(web, ann)
    assert refused.json()["error"]["code"] == "MAX_USER_CREDITS"


async def know_account(web: Web, account_id: int) -> None:
    """Put an account into the tables, as the real engine does."""
    held = web.engine.view.accounts[account_id].available
    needed = await web.parts.pool.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'accounts'"
        " AND is_nullable = 'NO' AND column_default IS NULL AND column_name NOT IN"
        " ('id', 'available', 'locked')"
    )
    names = ", ".join(["id", "available", "locked", *(row[0] for row in needed)])
    values = ", ".join(["$1", "$2", "0", *("1" for _ in needed)])
    await web.parts.pool.execute(
        f"INSERT INTO accounts ({names}) VALUES ({values})", account_id, held
    )


async def test_a_suspended_account_is_given_nothing_until_it_may_again(web: Web) -> None:
    ann = await web.register()
    web.engine.run(SuspendAccount(ann.id, suspended=True))
    answer = await claim(web, ann)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ACCOUNT_SUSPENDED")
    assert await moved(web) == []


async def test_there_may_be_none(make_web: MakeWeb) -> None:
    web = await make_web(DAILY_REWARD_CREDITS="0")
    ann = await web.register()
    assert (await claim(web, ann)).status_code == 404
    assert (await web.client.get(PATH, headers=ann.bearer)).status_code == 404


async def test_a_day_is_one_of_utc(web: Web, clock: list[datetime]) -> None:
    ann = await web.register()
    midnight = datetime.fromtimestamp(start_of(NOON.date()) / 1e6, tz=UTC)
    clock[0] = midnight - timedelta(seconds=1)
    assert (await claim(web, ann)).json()["data"]["day"] == "2026-04-30"
    clock[0] = midnight
    assert (await claim(web, ann)).json()["data"]["day"] == "2026-05-01"
