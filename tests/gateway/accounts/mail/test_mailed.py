"""Forgotten passwords and e-mail addresses: what a token does, once, and what is told to nobody."""

import time
from typing import Any

import httpx
import pytest

from tests.gateway.accounts.mail.post_office import PostOffice, delivering
from tests.gateway.conftest import PASSWORD, MakeWeb, Person, Web, person_of
from tests.measured import tries

API = "/api/v1"
FORGOT = f"{API}/auth/password/forgot"
RESET = f"{API}/auth/password/reset"
VERIFY = f"{API}/auth/email/verify"
SEND = f"{API}/auth/email/send"
MINE = f"{API}/users/me"
NEW = "another password"
ADA = "ada@example.org"


@pytest.fixture
def office() -> PostOffice:
    return PostOffice()


@pytest.fixture
async def web(make_web: MakeWeb, office: PostOffice) -> Web:
    return await make_web(mailer=office, RATE_LIMIT_MAILS=1_000, RATE_LIMIT_ACCOUNT_MAILS=1_000)


async def post(
    web: Web, path: str, body: Any = None, who: Person | None = None, method: str = "POST"
) -> httpx.Response:
    headers = {} if who is None else who.bearer
    answer = await web.client.request(method, path, json=body, headers=headers)
    web.client.cookies.clear()
    return answer


async def login(web: Web, email: str, password: str) -> httpx.Response:
    return await post(web, f"{API}/auth/login", {"email": email, "password": password})


async def mine(web: Web, who: Person) -> Any:
    return (await post(web, MINE, who=who, method="GET")).json()["data"]


async def change(web: Web, who: Person, email: str | None) -> httpx.Response:
    return await post(web, MINE, {"email": email}, who, "PATCH")


async def refused(web: Web, path: str, body: Any, field: str = "token") -> None:
    answer = await post(web, path, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in answer.json()["error"]["details"]] == [field]


async def outcomes(web: Web, action: str) -> list[tuple[int | None, str | None, str]]:
    entries, _ = await web.accounts.audit.page(100)
    found = [entry for entry in reversed(entries) if entry.action == action]
    return [(entry.actor_id, entry.target, entry.outcome) for entry in found]


async def test_a_forgotten_password_is_set_once_and_ends_every_session(
    web: Web, office: PostOffice
) -> None:
    ended: list[tuple[int, int]] = []
    web.accounts.sessions.on_revoked.append(lambda user, session: ended.append((user, session)))
    async with delivering(web):
        ada, ben = await web.register(ADA), await web.register("ben@example.org")
        for person in (ada, ben):
            await office.token("verify-email", person.email)
        phone = person_of(await login(web, ADA, PASSWORD))
        assert (await post(web, FORGOT, {"email": "ADA@example.org"})).status_code == 200
        token = await office.token("reset-password", ADA)
        assert (await post(web, FORGOT, {"email": ADA})).status_code == 200
        second = await office.token("reset-password", ADA)
        await refused(web, RESET, {"token": token, "password": "short"}, "password")
        assert (await post(web, RESET, {"token": token, "password": NEW})).status_code == 200
        assert (await office.next("password-changed")).to == ADA
        for used in (token, second):
            await refused(web, RESET, {"token": used, "password": NEW})
    tokens = [(await post(web, MINE, who=p, method="GET")).status_code for p in (ada, phone, ben)]
    assert tokens == [401, 401, 200]
    assert sorted(ended) == [(ada.id, 1), (ada.id, 3)]
    assert (await login(web, ADA, PASSWORD)).status_code == 401
    again = person_of(await login(web, ADA, NEW))
    # Whoever read the mail has shown that it comes through.
    assert (await mine(web, again))["emailVerified"] is True
    log = web.log.getvalue()
    for secret in ("@", "192.0.2.1", token, second, PASSWORD, NEW):
        assert secret not in log
    assert await outcomes(web, "auth.password.reset") == [
        (ada.id, f"user:{ada.id}", "ok"),
        (None, None, "refused"),
        (None, None, "refused"),
    ]


@pytest.mark.parametrize("token", ["", "x", "a" * 43, "a" * 44, "é" * 43, "a" * 42 + "\n"])
async def test_a_token_that_is_none_of_ours_is_refused(web: Web, token: str) -> None:
    await refused(web, RESET, {"token": token, "password": NEW})
    await refused(web, VERIFY, {"token": token})


async def test_tokens_end_with_their_time_and_serve_one_purpose(
    web: Web, office: PostOffice
) -> None:
    async with delivering(web):
        ada = await web.register(ADA)
        verify = await office.token("verify-email", ADA)
        await post(web, FORGOT, {"email": ADA})
        reset = await office.token("reset-password", ADA)
        await refused(web, RESET, {"token": verify, "password": NEW})
        await refused(web, VERIFY, {"token": reset})
        stored = repr(await web.parts.pool.fetch("SELECT * FROM mail_tokens"))
        assert verify not in stored
        await web.parts.pool.execute("UPDATE mail_tokens SET expires_at = 1")
        await refused(web, RESET, {"token": reset, "password": NEW})
        await refused(web, VERIFY, {"token": verify})
    assert (await mine(web, ada))["emailVerified"] is False
    assert (await login(web, ADA, PASSWORD)).status_code == 200


async def test_an_address_is_confirmed_by_the_mail_to_it(web: Web, office: PostOffice) -> None:
    async with delivering(web):
        ada = await web.register(ADA)
        first = await office.token("verify-email", ADA)
        assert (await post(web, SEND, who=ada)).status_code == 200
        await office.token("verify-email", ADA)
        answer = await post(web, VERIFY, {"token": first})
        assert answer.json()["data"] == {"outcome": "verified"}
        assert (await mine(web, ada))["emailVerified"] is True
        await refused(web, VERIFY, {"token": first})
        assert (await post(web, SEND, who=ada)).status_code == 409


async def test_an_address_changes_when_both_have_confirmed(web: Web, office: PostOffice) -> None:
    async with delivering(web):
        ada = await web.register(ADA)
        await post(web, VERIFY, {"token": await office.token("verify-email", ADA)})
        await post(web, FORGOT, {"email": ADA})
        reset = await office.token("reset-password", ADA)
        answer = await change(web, ada, "Ada@New.example")
        assert answer.status_code == 200, answer.text
        assert answer.json()["data"]["pendingEmail"] == "ada@new.example"
        mails = {mail.to: mail for mail in [await office.next("verify-email") for _ in range(2)]}
        tokens = {to: mail.text.rpartition("token:\n\n")[2][:43] for to, mail in mails.items()}
        answer = await post(web, VERIFY, {"token": tokens["ada@new.example"]})
        assert answer.json()["data"] == {"outcome": "waiting"}
        assert (await mine(web, ada))["email"] == ADA
        answer = await post(web, VERIFY, {"token": tokens[ADA]})
        assert answer.json()["data"] == {"outcome": "changed"}
        assert (await office.next("address-changed")).to == ADA
    shown = await mine(web, ada)
    assert (shown["email"], shown["emailVerified"]) == ("ada@new.example", True)
    assert shown["pendingEmail"] is None
    await refused(web, RESET, {"token": reset, "password": NEW})
    assert (await login(web, ADA, PASSWORD)).status_code == 401
    assert (await login(web, "ada@new.example", PASSWORD)).status_code == 200


async def test_a_later_wish_takes_the_place_of_the_first(web: Web, office: PostOffice) -> None:
    async with delivering(web):
        ada = await web.register(ADA)
        await office.token("verify-email", ADA)
        await change(web, ada, "one@new.example")
        first = await office.token("verify-email", "one@new.example")
        await change(web, ada, "two@new.example")
        second = await office.token("verify-email", "two@new.example")
        await refused(web, VERIFY, {"token": first})
        # The address of before was never confirmed, so nobody there is asked.
        answer = await post(web, VERIFY, {"token": second})
        assert answer.json()["data"] == {"outcome": "changed"}
    assert (await mine(web, ada))["email"] == "two@new.example"


async def test_a_reset_ends_a_change_of_the_address_that_somebody_else_began(
    web: Web, office: PostOffice
) -> None:
    """Or who had the password would have the account again, by a mail to themselves."""
    async with delivering(web):
        thief = await web.register(ADA)
        await office.token("verify-email", ADA)
        await change(web, thief, "thief@example.org")
        token = await office.token("verify-email", "thief@example.org")
        await post(web, FORGOT, {"email": ADA})
        reset = await office.token("reset-password", ADA)
        assert (await post(web, RESET, {"token": reset, "password": NEW})).status_code == 200
        await refused(web, VERIFY, {"token": token})
    ada = person_of(await login(web, ADA, NEW))
    shown = await mine(web, ada)
    assert (shown["email"], shown["emailVerified"], shown["pendingEmail"]) == (ADA, True, None)


async def test_who_has_an_address_is_told_to_nobody_but_its_reader(
    web: Web, office: PostOffice
) -> None:
    async with delivering(web):
        ada, ben = await web.register(ADA), await web.register("ben@example.org")
        for person in (ada, ben):
            await office.token("verify-email", person.email)
        answer = await change(web, ben, ADA)
        assert (answer.status_code, answer.json()["data"]["pendingEmail"]) == (200, ADA)
        token = await office.token("verify-email", ADA)
        answer = await post(web, VERIFY, {"token": token})
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    assert (await mine(web, ben))["email"] == "ben@example.org"
    assert (await mine(web, ada))["email"] == ADA


async def test_an_address_is_changed_with_a_fresh_login_alone(web: Web) -> None:
    ada = await web.register(ADA)
    await web.parts.pool.execute("UPDATE sessions SET proved_at = 1")
    for wanted in ("new@example.org", None):
        answer = await change(web, ada, wanted)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FRESH_LOGIN_REQUIRED")
    answer = await post(web, f"{API}/auth/step-up", {"password": PASSWORD}, ada)
    assert answer.status_code == 200
    assert (await change(web, ada, "new@example.org")).status_code == 200
    answer = await change(web, ada, "nonsense")
    assert answer.json()["error"]["details"][0]["field"] == "email"
    # A password without an address would let nobody in.
    body = {"email": None, "username": "ada", "displayName": "Ada"}
    answer = await post(web, MINE, body, ada, "PATCH")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    shown = await mine(web, ada)
    assert (shown["email"], shown["username"]) == (ADA, None), "all of it or nothing"


async def test_asking_for_a_known_and_an_unknown_address_is_the_same(
    web: Web, office: PostOffice
) -> None:
    await web.register(ADA)
    answers = []
    for attempt in tries():
        times: dict[str, list[float]] = {ADA: [], "bob@example.org": []}
        for _ in range(25):
            for address, spent in times.items():
                started = time.perf_counter()
                answer = await post(web, FORGOT, {"email": address})
                spent.append(time.perf_counter() - started)
                answers.append((answer.status_code, answer.json()["data"], sorted(answer.headers)))
        assert all(answer == answers[0] for answer in answers)
        # The best of each, since others work on this machine too. Both only put an errand on the
        # queue; a token's row alone would take longer than this.
        known, unknown = (min(spent) for spent in times.values())
        attempt.holds("of the quicker", abs(known - unknown) / min(known, unknown), 0.5)
    assert await web.parts.pool.fetchval("SELECT count(*) FROM mail_tokens") == 0
    async with delivering(web):
        for number in range(1 + len(answers) // 2):
            mail = await office.next("verify-email" if number == 0 else "reset-password")
            assert mail.to == ADA
    assert office.mails == []


async def test_mail_is_limited_by_address_alike_for_known_and_unknown(
    make_web: MakeWeb, office: PostOffice
) -> None:
    web = await make_web(mailer=office, RATE_LIMIT_MAILS=2, RATE_LIMIT_ACCOUNT_MAILS=3)
    await web.register(ADA)
    for address in (ADA, "bob@example.org"):
        seen = [(await post(web, FORGOT, {"email": address})).status_code for _ in range(3)]
        assert seen == [200, 200, 429]
        async with web.from_address("198.51.100.7") as elsewhere:
            more = [
                (await elsewhere.post(FORGOT, json={"email": address})).status_code
                for _ in range(2)
            ]
        # Refused attempts count from anywhere as well.
        assert more == [429, 429]


async def test_where_no_mail_is_sent_it_is_said_to_everybody(make_web: MakeWeb) -> None:
    web = await make_web()
    ada = await web.register(ADA)
    for address in (ADA, "bob@example.org"):
        answer = await post(web, FORGOT, {"email": address})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (503, "UNAVAILABLE")
        assert "SMTP_URL" in error["message"]
    assert (await post(web, SEND, who=ada)).status_code == 503
    assert (await change(web, ada, "new@example.org")).status_code == 503
    assert (await post(web, FORGOT, {"email": "nonsense"})).status_code == 400
    assert (await post(web, FORGOT, {})).status_code == 400
