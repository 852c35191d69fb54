"""Taking everything along and leaving: nothing of a person is passed over by either."""

from typing import Any

import httpx

from exchange.messages.commands import CloseAccount, CreditAccount, DebitAccount
from exchange.messages.terms import Standing
from exchange.messages.units import parse_money
from persistence.postgres.database import DeadlinePool
from persistence.repositories.people.personal_data import ERASED, KEPT, NOT_SAID, PARTS
from tests.gateway.accounts.mail.post_office import PostOffice, delivering
from tests.gateway.conftest import PASSWORD, MakeWeb, Person, Web, person_of
from tests.gateway.waiting import eventually
from tests.persistence.running import listing

API = "/api/v1"
MINE = f"{API}/users/me"
NAMING = (
    *(
        "user_id",
        "account_id",
        "invited_id",
        "inviter_id",
        "owner_id",
        "actor_id",
        "session_id",
        "key_id",
    ),
    *("taker_account_id", "maker_account_id", "email", "address"),
    *("proposer_id", "decided_by"),
)
"""Columns by which a table names people."""


async def call(
    web: Web, who: Person, method: str, path: str = MINE, body: Any = None
) -> httpx.Response:
    return await web.client.request(method, path, headers=who.bearer, json=body)


async def leave(web: Web, who: Person, *, forfeits: bool = True) -> httpx.Response:
    return await call(web, who, "DELETE", MINE, {"forfeitCredits": forfeits})


async def export(web: Web, who: Person) -> Any:
    answer = await call(web, who, "GET", f"{MINE}/export")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def fill(web: Web, who: Person, other: Person) -> None:
    """Keep something of everything about somebody."""
    pool = web.parts.pool
    for path, body in (
        ("/watchlists", {"name": "mine"}),
        ("/watchlists/1/items", {"marketId": "rain"}),
        ("/portfolios", {"name": "mine"}),
        (
            "/portfolios/1/positions",
            {"marketId": "rain", "side": "YES", "quantity": "1", "avgCost": "0.5"},
        ),
    ):
        answer = await call(web, who, "POST", API + path, body)
        assert answer.status_code == 201, answer.text
    me, them = who.id, other.id
    await pool.execute(
        f"""
        INSERT INTO portfolio_values SELECT {me}, NULL, day, 1, 0, 0, 0, 0, 0
          FROM generate_series(1, 700) AS day;
        INSERT INTO rate_tiers VALUES ({me}, 'maker');
        INSERT INTO mail_tokens VALUES (decode(repeat('ab', 32), 'hex'), {me}, 'reset', 'a@b.c', 9);
        INSERT INTO api_keys (user_id, name, label, algorithm, material, may_trade, allow_list,
                              created_at)
        VALUES ({me}, repeat('k', 25), 'bot', 'hmac-sha256', '\\x00', true, '{{}}', 9);
        INSERT INTO totp_factors VALUES ({me}, '\\xefef', '\\xefef', 9, 9, 9);
        INSERT INTO recovery_codes VALUES ({me}, decode(repeat('ef', 32), 'hex'), 9);
        INSERT INTO sign_in_challenges
        VALUES (decode(repeat('ef', 32), 'hex'), {me}, 'password', 5, 9);
        INSERT INTO passkeys (user_id, credential_id, public_key, sign_count, label, transports,
                              is_synced, created_at)
        VALUES ({me}, '\\x01', '\\x02', 3, 'phone', '{{}}', true, 9);
        INSERT INTO passkey_challenges
        VALUES (decode(repeat('ef', 32), 'hex'), {me}, 'prove', 9);
        INSERT INTO email_changes VALUES ({me}, 'n@b.c', false, NULL, NULL, 9);
        INSERT INTO ledger SELECT {me}, seq, 1, 0, 1, 0, 1, 5, 1, 9, 0, 1, 4
          FROM generate_series(1, 1200) AS seq;
        INSERT INTO ledger VALUES ({them}, 1, 777777, 0, 1, 0, 1, 6, 1, 9, 0, 1, 4),
                                  ({me}, 1, 888888, 0, 1, 0, 1, 6, 1, 9, 1, 2, 4);
        INSERT INTO trades VALUES (1, 1, 1, 1, 100, 5, {me}, 7, 6, {them}, 999999, 9, 5000, 5000,
                                   1, 1, 1);
        INSERT INTO credits VALUES ({me}, 3, 'a prize', 1);
        INSERT INTO settlements VALUES ({me}, 4, 1, 1, 0, 1, 9);
        INSERT INTO idempotency VALUES ({me}, 1, 5, 1, 'my-order', decode(repeat('cd', 16), 'hex'));
        """
    )
    await web.accounts.audit.write(1, them, "user.credit", f"user:{me} 5.000000", "ok", "r")
    await web.accounts.audit.write(1, them, "user.credit", f"user:{me}1 5.000000", "ok", "r")


async def counts(pool: DeadlinePool, who: Person) -> dict[str, int]:
    return {
        part.name: await pool.fetchval(f"SELECT count(*) FROM ({part.rows}) r", who.id)
        for part in PARTS
    }


async def test_every_table_that_names_people_is_on_the_list(web: Web) -> None:
    rows = await web.parts.pool.fetch(
        "SELECT DISTINCT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = ANY($1::text[])",
        list(NAMING),
    )
    named = {row["table_name"] for row in rows}
    known = {part.table for part in PARTS} | NOT_SAID.keys()
    assert named <= known, "say in personal_data.py what becomes of these"
    assert known - named <= {"users", "accounts"}
    cascades = await web.parts.pool.fetch(
        "SELECT DISTINCT conrelid::regclass::text AS t FROM pg_constraint"
        " WHERE contype = 'f' AND confdeltype = 'c'"
    )
    erased = {part.table for part in ERASED} - {"users"}
    assert erased <= {row["t"] for row in cascades}


async def test_all_that_is_kept_is_told_and_no_secret_and_nobody_else(web: Web) -> None:
    web.engine.run(listing())
    ada, ben = await web.register("ada@example.org"), await web.register("ben@example.org")
    await fill(web, ada, ben)
    told = await export(web, ada)
    assert told["userId"] == str(ada.id)
    expected = await counts(web.parts.pool, ada)
    found = {name: len(rows) for name, rows in told.items() if isinstance(rows, list)}
    camel = {name.replace("_", ""): count for name, count in expected.items()}
    assert {name.lower(): count for name, count in found.items()} == camel
    # Whole pieces and parts of one, each row once.
    assert [row["commandSeq"] for row in told["ledger"]] == [str(n) for n in range(1, 1201)]
    assert len({row["day"] for row in told["portfolioValues"]}) == 700
    [profile] = told["profile"]
    assert (profile["email"], profile["role"]) == ("ada@example.org", "USER")
    assert told["fills"][0]["fee"] == "7"
    assert told["clientIds"][0]["clientId"] == "my-order"
    assert [row["target"] for row in told["doneAboutYou"]] == [f"user:{ada.id} 5.000000"]
    [session] = told["sessions"]
    assert session["address"] == "192.0.2.1"
    text = (await call(web, ada, "GET", f"{MINE}/export")).text
    stored = await web.parts.pool.fetchval("SELECT password_hash FROM users WHERE id = $1", ada.id)
    for secret in (
        stored,
        "abab",
        "cdcd",
        "efef",
        "777777",
        "888888",
        "999999",
        "ben@",
        "AccountId",
        "actorId",
    ):
        assert secret not in text, secret


async def test_whoever_leaves_takes_everything_along_but_the_books(
    make_web: MakeWeb,
) -> None:
    office = PostOffice()
    web = await make_web(mailer=office)
    ended: list[tuple[int, int]] = []
    web.accounts.sessions.on_revoked.append(lambda user, session: ended.append((user, session)))
    web.engine.run(listing())
    ada, ben = await web.register("ada@example.org"), await web.register("ben@example.org")
    await fill(web, ada, ben)
    before, others = await counts(web.parts.pool, ada), await counts(web.parts.pool, ben)
    answer = await leave(web, ada)
    assert answer.status_code == 200, answer.text
    assert ended == [(ada.id, 1)]
    after = await counts(web.parts.pool, ada)
    assert {part.name: after[part.name] for part in ERASED} == {part.name: 0 for part in ERASED}
    for part in KEPT:
        assert after[part.name] >= before[part.name], part.name
    assert await counts(web.parts.pool, ben) == others
    assert web.engine.view.accounts[ada.id].standing is Standing.CLOSED
    # Nobody can come in again, nothing is found, and the address is free.
    for path in (f"{API}/auth/me", MINE):
        assert (await call(web, ada, "GET", path)).status_code == 401
    assert (await call(web, ben, "GET", f"{API}/users/{ada.id}")).status_code == 404
    body = {"email": "ada@example.org", "password": PASSWORD}
    assert (await web.client.post(f"{API}/auth/login", json=body)).status_code == 401
    again = await web.register("ada@example.org")
    assert again.id not in (ada.id, ben.id)
    refused = await web.engine.submit(CreditAccount(ada.id, 5, "late"))
    assert "ACCOUNT_CLOSED" in repr(refused.events[0])
    async with delivering(web):
        await eventually(lambda: len(office.mails) == 3)
    # What still waited for whoever has left isn't sent.
    sent = sorted((mail.kind, mail.to) for mail in office.mails)
    assert sent == [
        ("deleted", "ada@example.org"),
        ("verify-email", "ada@example.org"),
        ("verify-email", "ben@example.org"),
    ]
    assert "mail failed" not in web.log.getvalue()


async def test_nobody_leaves_while_money_shares_or_orders_are_there(web: Web) -> None:
    web.engine.run(listing())
    ada = await web.register()
    answer = await leave(web, ada, forfeits=False)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "ACCOUNT_NOT_EMPTY")
    order = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.1", "quantity": "1"}
    assert (await call(web, ada, "POST", f"{API}/orders/rain", order)).status_code == 201
    answer = await leave(web, ada)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "ACCOUNT_NOT_EMPTY")
    assert (await call(web, ada, "GET")).status_code == 200
    entries, _ = await web.accounts.audit.page(10)
    assert [e.outcome for e in entries if e.action == "user.delete"] == ["ACCOUNT_NOT_EMPTY"] * 2
    assert web.engine.view.accounts[ada.id].locked > 0


async def test_leaving_asks_for_a_fresh_login_and_for_another_admin(web: Web) -> None:
    ada, root = await web.register(), await web.register(admin=True)
    answer = await leave(web, root)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert web.engine.view.accounts[root.id].standing is Standing.ACTIVE
    await web.parts.pool.execute("UPDATE sessions SET proved_at = 1")
    for answer in (await leave(web, ada), await call(web, ada, "GET", f"{MINE}/export")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FRESH_LOGIN_REQUIRED")
    assert web.engine.view.accounts[ada.id].available == parse_money("1000")
    for bad in ({"forfeitCredits": "yes"}, {"really": True}):
        assert (await call(web, ada, "DELETE", MINE, bad)).status_code == 400


async def test_a_crash_on_the_way_out_is_healed_by_leaving_again(web: Web) -> None:
    ada = await web.register()
    account = web.engine.view.accounts[ada.id]
    # The engine has closed the account, and the process died before the data went.
    web.engine.run(DebitAccount(ada.id, account.available, "test"))
    web.engine.run(CloseAccount(ada.id))
    body = {"email": ada.email, "password": PASSWORD}
    again = person_of(await web.client.post(f"{API}/auth/login", json=body))
    web.client.cookies.clear()
    assert (await leave(web, again, forfeits=False)).status_code == 200
    assert await web.accounts.users.by_id(ada.id) is None
