"""Providers that fail, and that say what isn't so: nobody is signed in, and the page hears why."""

import time
from typing import Any

import pytest

from gateway.accounts.linked import google, id_tokens
from tests.conftest import SetBound
from tests.gateway.accounts.linked.conftest import Browser, Linked
from tests.gateway.accounts.linked.elsewhere import Key
from tests.venues.stand_in import Fault

FAULTS = [
    Fault.SERVER_ERROR,
    Fault.RATE_LIMITED,
    Fault.SILENCE,
    Fault.DRIPPING,
    Fault.HALF_BODY,
    Fault.NOT_JSON,
    Fault.NOT_UTF8,
    Fault.TOO_DEEP,
    Fault.TOO_LARGE,
    Fault.GZIP_BOMB,
    Fault.REDIRECT,
]
IN_AN_HOUR = int(time.time()) + 3_600
PATHS = {
    "x": ["/2/oauth2/token", "/2/users/me"],
    "google": ["/token", "/jwks"],
}


async def failed(desk: Linked, browser: Browser, provider: str) -> str:
    """Try to sign in; return why that has failed."""
    told = await browser.back(provider, desk.elsewhere.approve(await browser.begin(provider)))
    assert await desk.web.parts.pool.fetchval("SELECT count(*) FROM users") == 0
    return told["error"]


@pytest.mark.parametrize(("provider", "path"), [(p, path) for p in PATHS for path in PATHS[p]])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_provider_that_fails(
    desk: Linked, browser: Browser, provider: str, path: str, fault: Fault
) -> None:
    desk.served.fail(fault, path=path)
    assert await failed(desk, browser, provider) == "provider_unavailable"
    await browser.sign_in(provider)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_discovery_that_fails(desk: Linked, browser: Browser, fault: Fault) -> None:
    desk.served.fail(fault, path="/.well-known/openid-configuration")
    answer = await browser.client.get("/api/v1/auth/google")
    assert answer.headers["location"].endswith("#error=provider_unavailable&provider=google")
    await browser.sign_in("google")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"issuer": "http://127', b'"issuer": "http://evil'),
        (b'"jwks_uri": "http:', b'"jwks_uri": "file:'),
        (b'"token_endpoint"', b'"tokens"'),
    ],
)
async def test_discovery_of_somebody_else(
    desk: Linked, browser: Browser, old: bytes, new: bytes
) -> None:
    path = "/.well-known/openid-configuration"
    desk.served.alter[path] = lambda body: body.replace(old, new)
    answer = await browser.client.get("/api/v1/auth/google")
    assert "error=provider_unavailable" in answer.headers["location"]


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "somebody-else"},
        {"aud": ["our-id", "somebody-else"]},
        {"aud": None},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": 7},
        {"nonce": "\ud800"},
        {"exp": 1},
        {"exp": None},
        {"iat": IN_AN_HOUR},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": "ä"},
        {"nbf": IN_AN_HOUR},
    ],
    ids=lambda claims: str(claims).replace(str(IN_AN_HOUR), "in an hour"),
)
async def test_an_id_token_that_says_what_is_not_so(
    desk: Linked, browser: Browser, claims: dict[str, Any]
) -> None:
    desk.elsewhere.claims = claims
    assert await failed(desk, browser, "google") == "identity_invalid"
    assert await desk.outcomes("auth.login") == [(None, "google", "identity_invalid")]


@pytest.mark.parametrize(
    "forged", ["none", "HS256", "RS512", "another key", "unknown key", "no kid", "weak", "not one"]
)
async def test_an_id_token_that_is_not_signed_by_the_issuer(
    desk: Linked, browser: Browser, forged: str
) -> None:
    there = desk.elsewhere
    if forged in {"none", "HS256", "RS512"}:
        there.algorithm = forged
    elif forged == "another key":
        there.forger = Key()
    elif forged == "unknown key":
        there.header = {"kid": "nobody's"}
    elif forged == "no kid":
        there.header = {"kid": None}
    elif forged == "weak":
        there.key = Key(bits=1_024)
    else:
        there.told = {"id_token": "[" * 10_000}
    assert await failed(desk, browser, "google") == "identity_invalid"


@pytest.mark.parametrize("told", [{"id_token": None}, {"token_type": "mac"}, {"access_token": 7}])
async def test_tokens_that_are_none(desk: Linked, browser: Browser, told: dict[str, Any]) -> None:
    desk.elsewhere.told = told
    expected = "identity_invalid" if "id_token" in told else "provider_unavailable"
    assert await failed(desk, browser, "google") == expected


@pytest.mark.parametrize("subject", ["", "abc", "1" * 33])
async def test_a_user_of_x_that_is_none(desk: Linked, browser: Browser, subject: str) -> None:
    desk.elsewhere.someone.subject = subject
    assert await failed(desk, browser, "x") == "provider_unavailable"


async def test_keys_rotate(desk: Linked, browser: Browser, set_bound: SetBound) -> None:
    ann = await browser.sign_in("google")
    assert desk.served.asked("/jwks") == 1
    # Of a key that was published just now is asked once the pause is over, ...
    old, desk.elsewhere.key = desk.elsewhere.key, Key()
    told = await browser.back("google", desk.elsewhere.approve(await browser.begin("google")))
    assert told["error"] == "identity_invalid"
    assert desk.served.asked("/jwks") == 1
    set_bound(id_tokens, "REFETCH_S", 0)
    assert (await browser.sign_in("google")).id == ann.id
    assert desk.served.asked("/jwks") == 2
    # ... and one that is published no more signs nobody in.
    desk.elsewhere.key = old
    desk.elsewhere.published = [Key()]
    told = await browser.back("google", desk.elsewhere.approve(await browser.begin("google")))
    assert told["error"] == "identity_invalid"


async def test_discovery_is_kept(desk: Linked, browser: Browser, set_bound: SetBound) -> None:
    path = "/.well-known/openid-configuration"
    await browser.sign_in("google")
    await browser.sign_in("google")
    assert desk.served.asked(path) == 1
    set_bound(google, "KEPT_S", 0)
    await browser.begin("google")
    assert desk.served.asked(path) == 2
