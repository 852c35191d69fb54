"""The cookie: what comes out is a token of ours, in linear time, for pages that may use it."""

import secrets

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accounts.fields import EMAIL_LENGTH, display_name, email_address
from gateway.accounts.sessions.cookies import HEADER_MAX_BYTES, read_refresh_cookie, refresh_cookie
from gateway.wire.errors import ValidationFailed
from tests.gateway.conftest import PASSWORD, MakeWeb, Web, person_of
from tests.measured import computing

REGISTER = "/api/v1/auth/register"
REFRESH = "/api/v1/auth/refresh"
LOGOUT = "/api/v1/auth/logout"
ME = "/api/v1/auth/me"
GOOD = {"email": "ada@example.org", "password": PASSWORD}
TOKEN = secrets.token_urlsafe(32)


@pytest.mark.parametrize(
    "header",
    [
        "probity_refresh={}",
        "a=b; probity_refresh={}; c=d",
        "probity_refresh=;probity_refresh={}",
        "\tprobity_refresh={} ",
        "probity_refresh={}; probity_refresh=" + "x" * 43,
    ],
)
def test_the_token_is_found(header: str) -> None:
    assert read_refresh_cookie(header.format(TOKEN).encode()) == TOKEN


@pytest.mark.parametrize(
    "header",
    [
        "",
        "probity_refresh",
        "probity_refresh=",
        'probity_refresh="{}"',
        "probity_refresh={}x",
        "probity_refresh={}\n",
        "xprobity_refresh={}",
        "probity_refresh ={}",
        "other=probity_refresh={}",
        "PROBITY_REFRESH={}",
        "probity_refresh=%41{}",
        "probity_refresh={};" + " " * HEADER_MAX_BYTES,
    ],
)
def test_nothing_else_is_taken_for_one(header: str) -> None:
    assert read_refresh_cookie(header.format(TOKEN).encode()) is None


@given(st.binary(max_size=300))
def test_any_bytes_give_a_token_or_nothing(header: bytes) -> None:
    for sent in (header, b"probity_refresh=" + header):
        found = read_refresh_cookie(sent)
        assert found is None or (len(found) == 43 and found.encode() in sent)


def test_what_is_set_is_what_is_read() -> None:
    name, header = refresh_cookie(TOKEN, 60, is_https=True)
    assert name == b"set-cookie"
    assert read_refresh_cookie(header.partition(b"; Max-Age")[0]) == TOKEN


@pytest.mark.parametrize(
    "value",
    [
        '"' + '\\"' * 32_000,
        '"' + "\\1" * 32_000,
        ";" * 64_000,
        " ;" * 32_000,
        "=;probity_refresh" * 4_000,
        "probity_refresh=" * 4_000,
    ],
)
def test_no_cookie_costs_more_than_its_length(value: str) -> None:
    """The standard library's parser takes seconds for the first two on some Pythons."""
    header = b"probity_refresh=" + value.encode()
    with computing() as took:
        for sent in (header, header[:HEADER_MAX_BYTES]):
            for _ in range(10):
                assert read_refresh_cookie(sent) is None
    assert took.seconds < 0.2


@pytest.mark.parametrize(
    "text",
    [
        "a" * EMAIL_LENGTH,
        "a." * 126,
        "a@" + "a-" * 125,
        "a@" + "a." * 125,
        "a@" + ("a" * 60 + "-.") * 4,
        "a" * 64 + "@" + "-" * 180,
        "A" * 60_000,
    ],
)
def test_no_address_costs_more_than_its_length(text: str) -> None:
    with computing() as took:
        for _ in range(10):
            with pytest.raises(ValidationFailed):
                email_address(text)
    assert took.seconds < 0.2


def test_no_name_costs_more_than_its_length() -> None:
    with computing() as took:
        for text in ("\u0344" * 60_000, "a" + "\u0301\u0323" * 30_000, "\u1100\u1161" * 30_000):
            with pytest.raises(ValidationFailed):
                display_name(text)
    assert took.seconds < 0.5


async def refresh(web: Web, cookie: str, scheme: str = "http", **headers: str) -> httpx.Response:
    sent = {"cookie": f"probity_refresh={cookie}", **headers}
    answer = await web.client.post(f"{scheme}://exchange{REFRESH}", headers=sent)
    web.client.cookies.clear()
    return answer


async def test_pages_of_named_origins_stay_signed_in(make_web: MakeWeb) -> None:
    web = await make_web(CORS_ORIGIN="https://a.example")
    answer = await web.client.post(f"https://exchange{REGISTER}", json=GOOD)
    web.client.cookies.clear()
    for origin in ("https://a.example", "https://exchange", ""):
        attributes = answer.headers["set-cookie"].split("; ")
        assert {"SameSite=None", "Secure", "HttpOnly"} <= set(attributes)
        headers = {"origin": origin} if origin else {}
        answer = await refresh(web, person_of(answer).cookie, "https", **headers)
        assert answer.status_code == 200
    plain = await refresh(web, person_of(answer).cookie)
    assert "SameSite=Strict" in plain.headers["set-cookie"], "None counts over https alone"


async def test_what_came_over_https_is_no_plain_page_s(web: Web) -> None:
    """Whoever can write into a page of http must not use what https has set."""
    ada = await web.register()
    answer = await refresh(web, ada.cookie, "https", origin="http://exchange")
    assert answer.status_code == 403
    answer = await refresh(web, ada.cookie, "https", origin="https://exchange")
    assert answer.status_code == 200


@pytest.mark.parametrize("origin", ["", "http://exchange"])
async def test_a_cookie_without_the_header_does_nothing(web: Web, origin: str) -> None:
    """A form of a page can send a cookie, and a body, but no header of its choice."""
    ada = await web.register()
    cookie = {"cookie": f"probity_refresh={ada.cookie}"} | ({"origin": origin} if origin else {})
    del web.client.headers["x-requested-with"]
    for path in (REFRESH, LOGOUT):
        answer = await web.client.post(path, headers=cookie)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (403, "FORBIDDEN")
        assert error["details"] == [{"field": "X-Requested-With", "message": "is required"}]
    assert (await web.client.get(ME, headers=ada.bearer)).status_code == 200
    assert (await refresh(web, ada.cookie, **{"x-requested-with": "fetch"})).status_code == 200


async def test_pages_of_named_origins_may_send_the_header(make_web: MakeWeb) -> None:
    web = await make_web(CORS_ORIGIN="https://a.example")
    asked = {"access-control-request-method": "POST", "origin": "https://a.example"}
    asked["access-control-request-headers"] = "x-requested-with"
    answer = await web.client.options(REFRESH, headers=asked)
    assert answer.status_code == 200
    assert "x-requested-with" in answer.headers["access-control-allow-headers"].lower()
    answer = await web.client.options(REFRESH, headers=asked | {"origin": "https://b.example"})
    assert answer.status_code == 400


@pytest.mark.parametrize("setting", ["", "*", "https://a.example"])
@pytest.mark.parametrize("origin", ["https://b.example", "null", "https://exchange.b.example"])
async def test_a_foreign_page_can_use_no_cookie(
    make_web: MakeWeb, setting: str, origin: str
) -> None:
    web = await make_web(CORS_ORIGIN=setting)
    ada = await web.register()
    cookie = {"cookie": f"probity_refresh={ada.cookie}", "origin": origin}
    for path in (REFRESH, LOGOUT):
        answer = await web.client.post(path, headers=cookie)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "FORBIDDEN")
    assert (await web.client.get(ME, headers=ada.bearer)).status_code == 200
    assert (await refresh(web, ada.cookie)).status_code == 200, "it was not used up"
