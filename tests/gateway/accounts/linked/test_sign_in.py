"""Signing in by X and Google, linking and unlinking: what comes back is one browser's, once."""

import asyncio
from urllib.parse import parse_qsl, urlsplit

import pytest

from exchange.messages.commands import SuspendAccount
from gateway.accounts.linked.tokens import LinkedTokens
from gateway.sealing.seal import Seal
from persistence.repositories.people.linked_accounts import LinkedAccounts
from tests.gateway.accounts.linked.conftest import (
    API,
    HERE,
    PAGES,
    Browser,
    Linked,
    page,
    settings_of,
)
from tests.gateway.accounts.linked.elsewhere import Someone
from tests.gateway.accounts.mail.post_office import PostOffice, delivering
from tests.gateway.conftest import MakeWeb

BOTH = pytest.mark.parametrize("provider", ["x", "google"])


@BOTH
async def test_somebody_new_gets_an_account_and_finds_it_again(
    desk: Linked, browser: Browser, provider: str
) -> None:
    ann = await browser.sign_in(provider)
    mine = (await browser.call("GET", "/users/me", ann)).json()["data"]
    assert (mine["email"], mine["waysIn"]) == (None, [provider])
    assert ann.id in desk.web.engine.view.accounts
    async with desk.browser() as other:
        assert (await other.sign_in(provider)).id == ann.id
    (link,) = (await browser.call("GET", "/users/me/links", ann)).json()["data"]["links"]
    label = "@ada_lovelace" if provider == "x" else "ada@example.org"
    assert (link["provider"], link["label"]) == (provider, label)
    assert await desk.outcomes("auth.register") == [(ann.id, f"user:{ann.id}", "ok")]
    target = (ann.id, f"user:{ann.id} {provider}", "ok")
    assert await desk.outcomes("auth.login") == [target] * 2
    exported = (await browser.call("GET", "/users/me/export", ann)).json()
    assert exported["linkedAccounts"][0]["label"] == label
    assert "tokens" not in exported["linkedAccounts"][0]
    log = desk.web.log.getvalue()
    stored = repr(await desk.web.parts.pool.fetch("SELECT * FROM linked_accounts"))
    for secret in ("ada_lovelace", "ada@", "secret-access", "our secret"):
        assert secret not in log
    assert "secret-access" not in stored
    assert "our secret" not in stored


@BOTH
async def test_the_way_there_says_what_the_standards_ask(
    desk: Linked, browser: Browser, provider: str
) -> None:
    answer = await browser.client.get(f"{API}/auth/{provider}")
    url = answer.headers["location"]
    asked = dict(parse_qsl(urlsplit(url).query))
    assert asked["redirect_uri"] == f"{HERE}/api/v1/auth/{provider}/callback"
    assert len(asked["state"]) == len(asked["code_challenge"]) == 43
    assert url.startswith(f"{desk.served.url}/" + ("i/oauth2/" if provider == "x" else "") + "auth")
    assert asked["scope"] == ("users.read tweet.read" if provider == "x" else "openid email")
    assert ("nonce" in asked) is (provider == "google")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("probity_sign_in=")
    assert cookie.endswith("; Max-Age=600; Path=/api; HttpOnly; SameSite=Lax")
    stored = repr(await desk.web.parts.pool.fetch("SELECT * FROM sign_in_flows"))
    assert asked["state"] not in stored
    # Another tab of the same browser has a state of its own.
    first, second = url, await browser.begin(provider)
    for way in (second, first):
        told = await browser.back(provider, desk.elsewhere.approve(way))
        assert (await browser.exchange(told["code"])).status_code == 200


@BOTH
async def test_what_comes_back_is_used_once(desk: Linked, browser: Browser, provider: str) -> None:
    back = desk.elsewhere.approve(await browser.begin(provider))
    told = await browser.back(provider, back)
    assert told.keys() == {"page", "code"}
    assert told["page"] == "/sign-in"
    again = await browser.back(provider, back)
    assert again == {"page": "/sign-in", "error": "expired", "provider": provider}
    found = await asyncio.gather(*(browser.exchange(told["code"]) for _ in range(4)))
    assert sorted(answer.status_code for answer in found) == [200, 401, 401, 401]
    refused = await browser.exchange(told["code"])
    assert [detail["field"] for detail in refused.json()["error"]["details"]] == ["code"]
    assert (await desk.outcomes("auth.login"))[0] == (None, provider, "expired")


@BOTH
async def test_another_browser_can_do_nothing_with_it(
    desk: Linked, browser: Browser, provider: str
) -> None:
    back = desk.elsewhere.approve(await browser.begin(provider))
    async with desk.browser() as thief:
        # Without a cookie, and with one of its own.
        for _ in range(2):
            stolen = await thief.back(provider, back)
            assert stolen["error"] == "other_browser"
            await thief.begin(provider)
        told = await browser.back(provider, back)
        assert (await thief.exchange(told["code"])).status_code == 401
        thief.client.cookies.clear()
        assert (await thief.exchange(told["code"])).status_code == 401
    assert (await browser.exchange(told["code"])).status_code == 200


async def test_a_state_is_of_one_provider(desk: Linked, browser: Browser) -> None:
    back = desk.elsewhere.approve(await browser.begin("x"))
    assert (await browser.back("google", back))["error"] == "other_browser"
    assert "code" in await browser.back("x", back)


@BOTH
async def test_time_passes(desk: Linked, browser: Browser, provider: str) -> None:
    pool = desk.web.parts.pool
    back = desk.elsewhere.approve(await browser.begin(provider))
    await pool.execute("UPDATE sign_in_flows SET expires_at = 1")
    assert (await browser.back(provider, back))["error"] == "expired"
    told = await browser.back(provider, desk.elsewhere.approve(await browser.begin(provider)))
    await pool.execute("UPDATE sign_in_codes SET expires_at = 1")
    assert (await browser.exchange(told["code"])).status_code == 401
    await browser.begin(provider)
    await pool.execute("UPDATE sign_in_flows SET expires_at = 1")
    assert await LinkedAccounts(pool).prune(2, 10) == 1


@BOTH
async def test_what_the_provider_refuses(desk: Linked, browser: Browser, provider: str) -> None:
    back = desk.elsewhere.approve(await browser.begin(provider))
    denied = {"state": back["state"], "error": "access_denied", "error_description": "No, thanks"}
    assert (await browser.back(provider, denied))["error"] == "denied"
    for told, failure in (
        ({"error": "server_error"}, "provider_refused"),
        ({}, "provider_refused"),
        ({"code": "made up"}, "provider_refused"),
    ):
        state = desk.elsewhere.approve(await browser.begin(provider))["state"]
        assert (await browser.back(provider, {"state": state, **told}))["error"] == failure
    # Another's verifier: the code was given to another sign-in.
    mine = desk.elsewhere.approve(await browser.begin(provider))
    other = desk.elsewhere.approve(await browser.begin(provider))
    mixed = {"state": mine["state"], "code": other["code"]}
    assert (await browser.back(provider, mixed))["error"] == "provider_refused"
    # A code that was used.
    await browser.back(provider, back := desk.elsewhere.approve(await browser.begin(provider)))
    state = desk.elsewhere.approve(await browser.begin(provider))["state"]
    used = {"state": state, "code": back["code"]}
    assert (await browser.back(provider, used))["error"] == "provider_refused"
    assert (await browser.back(provider, {}))["error"] == "expired"


async def test_an_address_that_is_somebodys_signs_nobody_in(desk: Linked, browser: Browser) -> None:
    ada = await desk.web.register("ada@example.org")
    way = await browser.begin("google")
    assert (await browser.back("google", desk.elsewhere.approve(way)))["error"] == "email_taken"
    # Signed in, it is linked.
    told = await browser.link("google", ada)
    assert told == {"page": "/settings", "linked": "google"}
    assert (await browser.sign_in("google")).id == ada.id
    # One that Google hasn't confirmed says nothing.
    desk.elsewhere.someone = Someone("2002", verified=False)
    ben = await browser.sign_in("google")
    assert ben.id != ada.id
    (link,) = (await browser.call("GET", "/users/me/links", ben)).json()["data"]["links"]
    assert link["label"] is None


@BOTH
async def test_linking_and_unlinking(desk: Linked, browser: Browser, provider: str) -> None:
    ann, ben = await desk.web.register(), await desk.web.register()
    assert await browser.link(provider, ann) == {"page": "/settings", "linked": provider}
    elsewhere = await browser.link(provider, ben)
    assert elsewhere == {"page": "/settings", "error": "linked_elsewhere", "provider": provider}
    again = await browser.call("POST", f"/users/me/links/{provider}", ann)
    assert again.status_code == 409
    assert (await browser.sign_in(provider)).id == ann.id
    gone = await browser.call("DELETE", f"/users/me/links/{provider}", ann)
    assert gone.status_code == 200, gone.text
    assert (await browser.call("DELETE", f"/users/me/links/{provider}", ann)).status_code == 404
    assert (await browser.sign_in(provider)).id not in {ann.id, ben.id}
    assert [outcome for _, _, outcome in await desk.outcomes("link.add")] == [
        "ok",
        "linked_elsewhere",
    ]
    assert await desk.outcomes("link.remove") == [(ann.id, f"user:{ann.id} {provider}", "ok")]
    for method in ("POST", "DELETE"):
        assert (await browser.call(method, "/users/me/links/myspace", ann)).status_code == 404


@BOTH
async def test_the_owner_is_written_to(desk: Linked, make_web: MakeWeb, provider: str) -> None:
    office, name = PostOffice(), {"x": "X", "google": "Google"}[provider]
    web = await make_web(mailer=office, **settings_of(desk.served.url))
    own = Linked(web, desk.elsewhere, desk.served)
    async with delivering(web), own.browser() as browser:
        ann = await web.register("ann@example.org")
        await office.next("verify-email")
        await web.parts.pool.execute("UPDATE users SET email_verified_at = 1")
        await browser.link(provider, ann)
        mail = await office.next("access-changed")
        assert f"on your account an account of {name} was linked. If this" in mail.text
        await browser.call("DELETE", f"/users/me/links/{provider}", ann)
        assert f"an account of {name} was unlinked." in (await office.next("access-changed")).text


@BOTH
async def test_a_suspended_account_doesnt_sign_in(
    desk: Linked, browser: Browser, provider: str
) -> None:
    ann = await browser.sign_in(provider)
    told = await browser.back(provider, desk.elsewhere.approve(await browser.begin(provider)))
    desk.web.engine.run(SuspendAccount(ann.id, suspended=True))
    answer = await browser.exchange(told["code"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ACCOUNT_SUSPENDED")
    line = (ann.id, f"user:{ann.id} {provider}", "suspended")
    assert (await desk.outcomes("auth.login"))[-1] == line


@BOTH
async def test_the_last_way_in_stays_and_what_is_dear_asks_for_a_fresh_login(
    desk: Linked, browser: Browser, provider: str
) -> None:
    ann = await browser.sign_in(provider)
    last = await browser.call("DELETE", f"/users/me/links/{provider}", ann)
    assert (last.status_code, last.json()["error"]["code"]) == (409, "CONFLICT")
    assert (await desk.outcomes("link.remove"))[0][2] == "last way in"
    await desk.web.parts.pool.execute("UPDATE sessions SET proved_at = 1")
    other = "google" if provider == "x" else "x"
    for method, name in (("DELETE", provider), ("POST", other)):
        answer = await browser.call(method, f"/users/me/links/{name}", ann)
        assert answer.json()["error"]["code"] == "FRESH_LOGIN_REQUIRED"
    # Signing in anew is one.
    ann = await browser.sign_in(provider)
    desk.elsewhere.someone = Someone("77", "other@example.org")
    assert (await browser.link(other, ann))["linked"] == other
    found = await asyncio.gather(
        *(browser.call("DELETE", f"/users/me/links/{name}", ann) for name in (provider, other))
    )
    assert sorted(answer.status_code for answer in found) == [200, 409]


@BOTH
async def test_a_link_is_made_while_its_session_stands_and_by_its_browser(
    desk: Linked, browser: Browser, provider: str
) -> None:
    ann = await desk.web.register()
    asked = await browser.call("POST", f"/users/me/links/{provider}", ann)
    back = desk.elsewhere.approve(asked.json()["data"]["url"])
    async with desk.browser() as thief:
        assert (await thief.back(provider, back))["error"] == "other_browser"
    await browser.call("POST", "/auth/logout", ann)
    assert (await browser.back(provider, back))["error"] == "session_over"
    assert await desk.web.parts.pool.fetchval("SELECT count(*) FROM linked_accounts") == 0


@BOTH
async def test_one_identity_for_one_account_whoever_asks_at_once(
    desk: Linked, browser: Browser, provider: str
) -> None:
    people = [await desk.web.register() for _ in range(3)]
    backs = []
    for who in people:
        asked = await browser.call("POST", f"/users/me/links/{provider}", who)
        backs.append(desk.elsewhere.approve(asked.json()["data"]["url"]))
    told = await asyncio.gather(*(browser.back(provider, back) for back in backs))
    assert sorted(found.get("error", "ok") for found in told) == ["linked_elsewhere"] * 2 + ["ok"]
    # And somebody new who comes twice at once is one person.
    desk.elsewhere.someone = Someone("3003", "new@example.org")
    backs = [desk.elsewhere.approve(await browser.begin(provider)) for _ in range(3)]
    await asyncio.gather(*(browser.back(provider, back) for back in backs))
    assert await desk.web.parts.pool.fetchval("SELECT count(*) FROM users") == 4


async def test_without_ids_it_is_said(make_web: MakeWeb) -> None:
    web = await make_web()
    ann = await web.register()
    for method, path in (
        ("GET", "/auth/x"),
        ("GET", "/auth/google/callback?state=a&code=b"),
        ("POST", "/users/me/links/google"),
    ):
        answer = await web.client.request(method, f"{API}{path}", headers=ann.bearer)
        assert answer.status_code == 503
        assert "_CLIENT_ID is unset" in answer.json()["error"]["message"]


async def test_pages_of_other_sites_have_the_cookie_if_they_are_named(
    make_web: MakeWeb, desk: Linked
) -> None:
    named = settings_of(desk.served.url) | {"CORS_ORIGIN": "https://pages.example"}
    web = await make_web(TRUSTED_PROXIES="192.0.2.0/24", **named)
    https = {"x-forwarded-proto": "https", "x-forwarded-for": "198.51.100.1"}
    answer = await web.client.get(f"{API}/auth/x", headers=https)
    assert answer.headers["set-cookie"].endswith("HttpOnly; SameSite=None; Secure")
    headers = {"origin": "https://evil.example", "cookie": f"probity_sign_in={'a' * 43}"}
    body = {"code": "a" * 43}
    assert (
        await web.client.post(f"{API}/auth/code", json=body, headers=headers)
    ).status_code == 403


async def test_what_is_begun_is_counted_over_all_processes(make_web: MakeWeb, desk: Linked) -> None:
    few = settings_of(desk.served.url) | {"RATE_LIMIT_SIGN_INS_BEGUN": 2}
    one, other = await make_web(**few), await make_web(**few)
    found = [(await web.client.get(f"{API}/auth/x")).status_code for web in (one, other, one)]
    assert found == [302, 302, 429]
    few |= {"RATE_LIMIT_SIGN_INS": 4}
    for expected in ("expired", "rate_limited"):
        web = await make_web(**few)
        answer = await web.client.get(f"{API}/auth/x/callback?state=a&code=b")
        assert page(answer.headers["location"])["error"] == expected


async def test_nobody_new_comes_while_nothing_is_taken(desk: Linked, browser: Browser) -> None:
    back = desk.elsewhere.approve(await browser.begin("x"))
    desk.web.readiness.drain()
    assert (await browser.back("x", back))["error"] == "unavailable"
    assert await desk.web.parts.pool.fetchval("SELECT count(*) FROM users") == 0


async def test_tokens_are_sealed_and_sealed_anew(desk: Linked, browser: Browser) -> None:
    await browser.sign_in("x")
    await browser.sign_in("google")
    rows = LinkedAccounts(desk.web.parts.pool)
    old, new = bytes(32), bytes([1]) * 32
    both = LinkedTokens(rows, Seal([new, old]))
    for row in await rows.sealed((0, ""), 10):
        assert both.opened(row.provider, row.subject, row.tokens)["access_token"] == "secret-access"
    assert await LinkedTokens(rows, Seal([new])).reseal() == (0, 2)
    assert await both.reseal() == (2, 0)
    assert await both.reseal() == (0, 0)
    for row in await rows.sealed((0, ""), 10):
        tokens = LinkedTokens(rows, Seal([new])).opened(row.provider, row.subject, row.tokens)
        assert tokens["scope"]


async def test_pages_are_ours_alone(desk: Linked, browser: Browser) -> None:
    """Where a browser is led back to is nothing that a request says."""
    told = {"state": "a", "code": "b", "redirect_uri": "https://evil.example"}
    answer = await browser.client.get(
        f"{API}/auth/x/callback",
        params=told,
        headers={"host": "evil.example", "origin": "https://evil.example"},
    )
    assert answer.headers["location"].startswith(f"{PAGES}/sign-in#error=expired")
