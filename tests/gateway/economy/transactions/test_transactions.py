"""What moved one's credits, over REST: each change once, with its type and what it was for."""

import asyncio
import csv
import io
import random
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import Message

from exchange.messages.commands import (
    CreditAccount,
    DebitAccount,
    Leg,
    PlaceOrder,
    ResolveMarket,
    TransferCash,
)
from exchange.messages.terms import BUY, GTC, LIMIT, NO, YES, MoneyKind, Resolution
from exchange.messages.units import parse_money
from gateway.economy.transactions import routes
from gateway.http.responses import send_stream
from persistence.repositories.economy import transactions
from persistence.repositories.economy.transactions import Transactions
from tests.gateway.conftest import MakeWeb, Person, Web
from tests.gateway.economy.stories import store_ledger
from tests.persistence.running import listing

PATH = "/api/v1/transactions/me"


async def ask(web: Web, person: Person, query: str = "") -> list[dict[str, Any]]:
    answer = await web.client.get(f"{PATH}?limit=200{query and '&'}{query}", headers=person.bearer)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def money(text: str) -> int:
    sign = -1 if text.startswith("-") else 1
    return sign * parse_money(text.lstrip("-"))


async def told(web: Web) -> tuple[Person, Person]:
    """Two people of whom the first has one of everything."""
    ann, ben = await web.register(), await web.register()
    rewarded = await web.client.post("/api/v1/economy/daily-credits", headers=ann.bearer)
    assert rewarded.status_code == 200
    run = web.engine.run
    run(listing(taker_fee=100))
    run(CreditAccount(ann.id, 5_000_000, "=sorry", "c-1"))
    run(DebitAccount(ann.id, 1_000_000, "taken", "d-1"))
    legs = (Leg(ann.id, ben.id, 2_000_000),)
    run(TransferCash(ann.id, legs, "given", "stock:1", kind=MoneyKind.STOCK))
    run(PlaceOrder(ben.id, 1, BUY, NO, LIMIT, 6_000, 2_000, GTC))
    run(PlaceOrder(ann.id, 1, BUY, YES, LIMIT, 4_000, 2_000, GTC))
    run(PlaceOrder(ann.id, 1, BUY, NO, LIMIT, 1_000, 500, GTC))
    run(PlaceOrder(ben.id, 1, BUY, YES, LIMIT, 9_000, 500, GTC))
    run(ResolveMarket(1, Resolution.YES, None, ""))
    await store_ledger(web)
    return ann, ben


async def test_every_change_with_its_type_and_what_it_was_for(web: Web) -> None:
    ann, _ = await told(web)
    lines = await ask(web, ann)
    first = lines[-1]
    assert first == {
        "id": first["id"],
        "seq": first["seq"],
        "type": "CREDIT",
        "amount": "1000.000000",
        "balanceAfter": "1000.000000",
        "availableAfter": "1000.000000",
        "reference": None,
        "reason": first["reason"],
        "marketId": None,
        "slug": None,
        "orderId": None,
        "tradeId": None,
        "createdAt": first["createdAt"],
    }
    shown = [(line["type"], line["amount"], line["reference"]) for line in reversed(lines)]
    reward = shown[1]
    assert (reward[0], reward[1]) == ("REWARD", "100.000000")
    assert str(reward[2]).startswith(f"reward:{ann.id}:")
    assert shown[2:] == [
        ("CREDIT", "5.000000", None),
        ("DEBIT", "-1.000000", None),
        ("STOCK", "-2.000000", None),
        ("TRADE", "-8.000000", "1-1"),
        ("FEE", "-0.080000", "1-1"),
        ("TRADE", "-0.500000", "1-2"),
        ("NETTING", "5.000000", None),
        ("SETTLEMENT", "15.000000", None),
    ]
    assert {line["slug"] for line in lines[:5]} == {"rain"}


async def test_balances_go_on_from_one_line_to_the_next(web: Web) -> None:
    for person in await told(web):
        lines = await ask(web, person)
        had = 0
        for line in reversed(lines):
            had += money(line["amount"])
            assert money(line["balanceAfter"]) == had
        account = web.engine.view.accounts[person.id]
        assert had == account.available + account.locked


@pytest.mark.parametrize("looked_through", [1, 2, 3, 10_000])
async def test_pages_of_any_size_give_each_line_once(
    web: Web, monkeypatch: pytest.MonkeyPatch, looked_through: int
) -> None:
    monkeypatch.setattr(transactions, "LOOKED_THROUGH", looked_through)
    ann, ben = await told(web)
    seed = random.randrange(10**9)
    print("seed", seed)
    dice = random.Random(seed)
    for person in (ann, ben):
        monkeypatch.setattr(transactions, "LOOKED_THROUGH", 10_000)
        whole = await ask(web, person)
        monkeypatch.setattr(transactions, "LOOKED_THROUGH", looked_through)
        found, cursor = [], ""
        while True:
            answer = await web.client.get(
                f"{PATH}?limit={dice.randint(1, 4)}{cursor}", headers=person.bearer
            )
            found += answer.json()["data"]
            following = answer.json()["nextCursor"]
            if following is None:
                break
            cursor = f"&cursor={following}"
        assert found == whole


async def test_filters(web: Web) -> None:
    ann, ben = await told(web)
    whole = await ask(web, ann)
    for kinds in (["REWARD"], ["TRADE", "FEE"], ["STOCK", "DEBIT"], ["PURCHASE"], ["TRANSFER"]):
        expected = [line for line in whole if line["type"] in kinds]
        assert await ask(web, ann, f"type={','.join(kinds)}") == expected
    assert await ask(web, ann, "market=rain") == whole[:5]
    assert [line["amount"] for line in await ask(web, ben, "type=STOCK")] == ["2.000000"]


async def test_pages_of_what_was_given_are_full_however_much_was_traded(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "LOOKED_THROUGH", 1)
    ann, ben = await web.register(), await web.register()
    web.engine.run(listing())
    kinds = MoneyKind.REWARD, MoneyKind.BET, MoneyKind.STOCK
    for number in range(9):
        credit = CreditAccount(ann.id, 1_000 + number, "given", f"{number}", kind=kinds[number % 3])
        web.engine.run(credit)
        web.engine.run(PlaceOrder(ben.id, 1, BUY, NO, LIMIT, 6_000, 100, GTC))
        web.engine.run(PlaceOrder(ann.id, 1, BUY, YES, LIMIT, 4_000, 100, GTC))
    await store_ledger(web)
    amounts: list[str] = []
    sizes: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        path = f"{PATH}?limit=2&type=REWARD,STOCK{cursor and '&cursor='}{cursor}"
        answer = (await web.client.get(path, headers=ann.bearer)).json()
        amounts += [line["amount"] for line in answer["data"]]
        sizes.append(len(answer["data"]))
        cursor = answer["nextCursor"]
    assert sizes == [2, 2, 2]
    assert amounts == [f"0.00100{number}" for number in (8, 6, 5, 3, 2, 0)]


async def test_times_are_found_wherever_they_lie(web: Web) -> None:
    ann, _ = await told(web)
    pool = web.parts.pool
    # A second between commands, so that a time stands for each.
    await pool.execute("UPDATE ledger SET at = command_seq * 1000000")
    whole = await ask(web, ann)
    seqs = [line["seq"] for line in whole]
    for seq in range(max(seqs) + 2):
        time = f"1970-01-01T00:00:{seq:02d}Z"
        assert await ask(web, ann, f"from={time}") == [o for o in whole if o["seq"] >= seq]
        assert await ask(web, ann, f"to={time}") == [o for o in whole if o["seq"] <= seq]
        assert await ask(web, ann, f"from={time}&to={time}") == [
            o for o in whole if o["seq"] == seq
        ]


async def test_the_table_holds_the_same(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, _ = await told(web)
    whole = await ask(web, ann)
    answer = await web.client.get(f"{PATH}/export", headers=ann.bearer)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["x-as-of-seq"] == str(web.engine.view.seq)
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    expected = [{name: str(value or "") for name, value in line.items()} for line in whole]
    # What a program of tables would take for a formula is none.
    for line in expected:
        line["reason"] = line["reason"].replace("=sorry", "'=sorry")
    assert lines == expected
    rewards = await web.client.get(f"{PATH}/export?type=REWARD", headers=ann.bearer)
    assert len(rewards.text.splitlines()) == 2


async def test_one_file_a_person_and_few_of_all(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, ben = await told(web)
    begun, goes_on = asyncio.Event(), asyncio.Event()
    read = Transactions.page

    async def slowly(rows: Transactions, *asked: Any) -> Any:
        begun.set()
        await goes_on.wait()
        return await read(rows, *asked)

    monkeypatch.setattr(Transactions, "page", slowly)
    first = asyncio.create_task(web.client.get(f"{PATH}/export", headers=ann.bearer))
    await begun.wait()
    for at_once, person, said in ((4, ann, "You are"), (1, ben, "Others are")):
        monkeypatch.setattr(routes, "AT_ONCE", at_once)
        refused = await web.client.get(f"{PATH}/export", headers=person.bearer)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
        assert refused.json()["error"]["message"].startswith(said)
    goes_on.set()
    assert (await first).status_code == 200
    for person in (ann, ben, ann):
        assert (await web.client.get(f"{PATH}/export", headers=person.bearer)).status_code == 200


async def test_whoever_goes_ends_a_file_also_where_it_has_no_lines(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await web.register()
    looks = going_on = 0
    leaves = asyncio.Event()

    async def without_end(*_: object) -> tuple[list[Any], tuple[int, int] | None]:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0)
        return [], (1, 1) if looks < 500 else None

    async def receive() -> Message:
        await leaves.wait()
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        await asyncio.sleep(0)

    def goes_on() -> None:
        nonlocal going_on
        going_on += 1
        if going_on == 5:
            leaves.set()

    monkeypatch.setattr(Transactions, "page", without_end)
    rows = Transactions(web.parts.pool)
    told = routes.TransactionRoutes(rows, web.engine.view, web.settings.pages)
    request: Any = SimpleNamespace(query=routes.TransactionsFileQuery(), user_id=ann.id)
    stream = await told.export(request)
    await send_stream(receive, send, 200, stream, goes_on)
    # Each look tells the connection that the answer goes on.
    assert going_on >= 5
    assert looks < 50
    await (await told.export(request)).close()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("type=GIFT", "type"),
        ("type=", "type"),
        ("cursor=x", "cursor"),
        ("cursor=1-99999999999", "cursor"),
        ("from=yesterday", "from"),
        ("to=2026-13-01T00:00:00Z", "to"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("limit=0", "limit"),
        ("limit=10001", "limit"),
        ("userId=1", "userId"),
    ],
)
async def test_bad_input_names_the_field(web: Web, query: str, field: str) -> None:
    ann = await web.register()
    answer = await web.client.get(f"{PATH}?{query}", headers=ann.bearer)
    assert answer.status_code == 400
    assert field in {detail["field"] for detail in answer.json()["error"]["details"]}


async def test_a_market_that_is_none(web: Web) -> None:
    ann = await web.register()
    answer = await web.client.get(f"{PATH}?market=snow", headers=ann.bearer)
    assert answer.status_code == 404


async def test_nobody_sees_those_of_others(make_web: MakeWeb) -> None:
    web = await make_web()
    ann, ben = await told(web)
    ids = {line["id"] for line in await ask(web, ann)}
    shared = ids & {line["id"] for line in await ask(web, ben)}
    assert not shared
    assert (await web.client.get(PATH)).status_code == 401
