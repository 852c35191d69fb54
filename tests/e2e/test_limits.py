"""Every line of the table of limits against a real server, over REST and over sockets.

Each line is hit until it refuses; then the others still take. The server believes
X-Forwarded-For, so that each line is tried from an address of its own.
"""

import itertools
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pyotp
import pytest

from gateway.access.budgets import POLICIES
from tests.gateway.socket_client import SocketClient, socket_client
from tests.server_process import (
    ADMIN_EMAIL,
    ADMIN_PASSWORD,
    ServerProcess,
    running_server,
)

LIMITS = {
    "RATE_LIMIT_MAX_REQUESTS": "6",
    "RATE_LIMIT_USER_MAX_REQUESTS": "12",
    "RATE_LIMIT_CANCELS_PER_SECOND": "1",
    # On a slow machine a minute's buckets would fill while they are used up.
    "RATE_LIMIT_WINDOW_MS": "900000",
    "RATE_LIMIT_USER_WINDOW_MS": "900000",
    "RATE_LIMIT_SOCKETS_WINDOW_MS": "900000",
    "RATE_LIMIT_SIGN_INS": "9",
    "RATE_LIMIT_SIGN_INS_BEGUN": "3",
    "RATE_LIMIT_SIGN_IN_FAILURES": "4",
    "RATE_LIMIT_ACCOUNT_FAILURES": "10",
    "RATE_LIMIT_CODE_FAILURES": "3",
    "RATE_LIMIT_MAILS": "3",
    "RATE_LIMIT_ACCOUNT_MAILS": "5",
    "RATE_LIMIT_MAILS_WINDOW_MS": "900000",
    "RATE_LIMIT_WEBHOOK_TESTS": "3",
    # What is sent to a webhook goes to nobody.
    "WORKER": "off",
    "SMTP_URL": "log",
    "RATE_LIMIT_SOCKETS_PER_ADDRESS": "5",
    "TRUSTED_PROXIES": "127.0.0.0/8",
}
SIZES = {
    "anonymous": 6,
    "read": 12,
    "write": 12,
    "cancel": 2,
    "session": 12,
    "session-address": 6,
    "token": 6,
    "sign-in": 9,
    "sign-in-begun": 3,
    "sign-in-failures": 4,
    "sign-in-failures-account": 10,
    "second-factor-failures": 3,
    "mails": 3,
    "mails-account": 5,
    "webhook-tests": 3,
    "sockets": 5,
    "sockets-user": 60,
}
_ADDRESSES = (f"203.0.113.{number}" for number in itertools.count(1))
WRONG = "wrong horse battery"


class Caller:
    """Somebody at an address of its own."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.address = next(_ADDRESSES)
        self.token = ""
        self.email = f"{secrets.token_hex(6)}@example.com"

    @property
    def headers(self) -> dict[str, str]:
        token = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return {"x-forwarded-for": self.address, **token}

    async def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        async with httpx.AsyncClient(base_url=f"{self.server.url}/api/v1") as client:
            return await client.request(method, path, headers=self.headers, json=body)

    async def login(self, email: str, password: str = WRONG) -> httpx.Response:
        return await self.call("POST", "/auth/login", {"email": email, "password": password})

    async def register(self) -> "Caller":
        body = {"email": self.email, "password": ADMIN_PASSWORD}
        answer = await self.call("POST", "/auth/register", body)
        assert answer.status_code == 201, answer.text
        self.token = answer.json()["data"]["accessToken"]
        return self

    def socket(self) -> Any:
        headers = {"X-Forwarded-For": self.address}
        return socket_client(self.server.port, self.token or None, additional_headers=headers)


Hit = Callable[[Caller], Awaitable[httpx.Response]]


async def fail_anywhere(caller: Caller) -> httpx.Response:
    """Guess from one address after the other, three times each."""
    hits = caller.__dict__.setdefault("hits", itertools.count())
    if next(hits) % 3 == 0:
        caller.address = next(_ADDRESSES)
    return await caller.login("strangers@example.com")


async def forget(caller: Caller) -> httpx.Response:
    """Ask for a mail to the caller's own address."""
    return await caller.call("POST", "/auth/password/forgot", {"email": caller.email})


async def forget_anywhere(caller: Caller) -> httpx.Response:
    """Ask for a mail to one address from one place after the other, twice each."""
    hits = caller.__dict__.setdefault("asked", itertools.count())
    if next(hits) % 2 == 0:
        caller.address = next(_ADDRESSES)
    return await forget(caller)


async def miss_the_code(caller: Caller) -> httpx.Response:
    """Guess at the caller's own second factor, which is set up before."""
    if not hasattr(caller, "secret"):
        answer = await caller.call("POST", "/auth/2fa/totp")
        secret = answer.json()["data"]["secret"]
        code = {"code": pyotp.TOTP(secret).now()}
        answer = await caller.call("POST", "/auth/2fa/totp/confirm", code)
        assert answer.status_code == 200, answer.text
        caller.__dict__["secret"] = secret
    return await caller.call("POST", "/auth/step-up", {"recoveryCode": "0" * 16})


async def try_a_webhook(caller: Caller) -> httpx.Response:
    """Send a test to the caller's own webhook, which is made before."""
    if not hasattr(caller, "hook"):
        answer = await caller.call("POST", "/alerts/webhooks", {"url": "https://h.example.com/"})
        assert answer.status_code == 201, answer.text
        caller.__dict__["hook"] = answer.json()["data"]["webhook"]["id"]
    return await caller.call("POST", f"/alerts/webhooks/{caller.__dict__['hook']}/test")


async def forge(caller: Caller) -> httpx.Response:
    """Show a token that doesn't hold."""
    forger = Caller(caller.server)
    forger.address, forger.token = caller.address, secrets.token_urlsafe(16)
    return await forger.call("GET", "/markets")


REST: dict[str, tuple[Hit, bool]] = {
    "anonymous": (lambda caller: caller.call("GET", "/markets"), False),
    "read": (lambda caller: caller.call("GET", "/user/balance"), True),
    "write": (lambda caller: caller.call("POST", "/orders/none"), True),
    "cancel": (lambda caller: caller.call("DELETE", "/orders/999999999"), True),
    "session-address": (lambda caller: caller.call("POST", "/auth/refresh"), True),
    "token": (forge, False),
    "sign-in": (lambda caller: caller.login(f"{secrets.token_hex(6)}@example.com"), True),
    "sign-in-begun": (lambda caller: caller.call("GET", "/auth/wallet/nonce"), True),
    "sign-in-failures": (lambda caller: caller.login(f"nobody.{caller.email}"), True),
    "sign-in-failures-account": (fail_anywhere, True),
    "second-factor-failures": (miss_the_code, True),
    "mails": (forget, True),
    "mails-account": (forget_anywhere, True),
    "webhook-tests": (try_a_webhook, True),
}
"""How each line is hit over REST, and whether by somebody who is signed in."""
SOCKET: dict[str, tuple[str, dict[str, Any], bool]] = {
    "anonymous": ("subscribe:market", {"slug": "none"}, False),
    "read": ("subscribe:market", {"slug": "none"}, True),
    "write": ("order:place", {"market": "none"}, True),
    "cancel": ("order:cancel", {"orderId": "999999999"}, True),
    "session": ("session:authenticate", {"token": "..."}, True),
}
BUCKETS = {policy.name for policy in POLICIES if policy.fills}
NOT_HERE = {"sockets", "sockets-user"}
"""Hit by opening sockets."""


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running_server(tmp_path_factory.mktemp("limits") / "data", LIMITS) as server:
        yield server


@pytest.fixture
def caller(limited: ServerProcess) -> Caller:
    return Caller(limited)


def check_details(details: list[dict[str, str]], name: str) -> None:
    """A refusal says which limit it was, its size, and what refills it."""
    told = {detail["field"]: detail["message"] for detail in details}
    assert list(told) == ["limit", "size", "refill"]
    assert (told["limit"], told["size"]) == (name, str(SIZES[name]))
    assert re.fullmatch(rf"{SIZES[name]} (in|at the end of) \d+ s", told["refill"])


def test_every_line_of_the_table_is_tried() -> None:
    names = {policy.name for policy in POLICIES}
    assert set(REST) | set(SOCKET) | NOT_HERE == names == set(SIZES)


async def spill_over(caller: Caller) -> None:
    """Use up the user's writes, past which a cancel counts as nothing else."""
    for _ in range(SIZES["write"]):
        await caller.call("POST", "/orders/none")


@pytest.mark.parametrize("name", REST)
async def test_over_rest(caller: Caller, name: str) -> None:
    hit, signed_in = REST[name]
    if signed_in:
        await caller.register()
    if name == "cancel":
        await spill_over(caller)
    answers = [await hit(caller)]
    # A bucket fills meanwhile, and some more cancels are taken in place of orders.
    most = 10 * SIZES[name] if name == "cancel" else SIZES[name] + (name in BUCKETS)
    while answers[-1].status_code != 429:
        assert len(answers) <= most
        answers.append(await hit(caller))
    # Registering was an attempt to sign in.
    before = 1 if name == "sign-in" else 0
    if name not in BUCKETS:
        assert len(answers) == SIZES[name] - before + 1
    assert len(answers) > SIZES[name] - before
    refused = answers[-1]
    error = refused.json()["error"]
    assert error["code"] == "RATE_LIMITED"
    check_details(error["details"], name)
    assert error["retryAfter"] == int(refused.headers["retry-after"]) >= 1
    assert f'"{name}";q={SIZES[name]};' in refused.headers["ratelimit-policy"]
    assert refused.headers["ratelimit"].startswith(f'"{name}";r=0;t=')
    for answer in answers:
        policy = re.fullmatch(r'"([a-z-]+)";q=(\d+);w=\d+', answer.headers["ratelimit-policy"])
        left = re.fullmatch(r'"([a-z-]+)";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
        assert policy
        assert left
        assert policy[1] == left[1]
        assert int(left[2]) < int(policy[2])
        assert 1 <= int(left[3]) <= 900
    await everything_else_goes_on(caller, name)


async def everything_else_goes_on(caller: Caller, name: str) -> None:
    """What one limit has used up, no other line lacks."""
    # What is counted twice: a token that doesn't hold is nobody's request too, and whoever asks for
    # a mail tries an account; whoever gives a second factor again, or tries a webhook, writes.
    twice = {
        "write": {"second-factor-failures", "webhook-tests"},
        "anonymous": {"token"},
        "token": {"anonymous"},
        "cancel": {"write", "second-factor-failures", "webhook-tests"},
        "sign-in": {"sign-in-begun", "sign-in-failures", "mails"},
        "mails-account": {"mails"},
    }
    for other, (hit, signed_in) in REST.items():
        if other in {name, "sign-in-failures-account", "mails-account", *twice.get(name, ())}:
            continue
        if signed_in == bool(caller.token):
            answer = await hit(caller)
            assert answer.status_code != 429, (name, other, answer.text)


@pytest.mark.parametrize("name", SOCKET)
async def test_over_a_socket(caller: Caller, name: str) -> None:
    event, payload, signed_in = SOCKET[name]
    if signed_in:
        await caller.register()
    if name == "cancel":
        await spill_over(caller)
    if name == "session":
        payload = {"token": caller.token}
    async with caller.socket() as client:
        refusal = await until_refused(client, event, payload, SIZES[name])
        check_details(refusal["details"], name)
        assert 1 <= refusal["retryAfter"] <= 900
        for other, (event, payload, who) in SOCKET.items():
            if who == signed_in and other != name and (name, other) != ("cancel", "write"):
                sent = {"token": caller.token} if other == "session" else payload
                answer = await client.call(event, sent)
                assert answer.get("error", {}).get("code") != "RATE_LIMITED", (name, other)


async def until_refused(
    client: SocketClient, event: str, payload: dict[str, Any], size: int
) -> dict[str, Any]:
    for _ in range(2 * size + 1):
        answer: dict[str, Any] = await client.call(event, payload)
        if not answer["ok"] and answer["error"]["code"] == "RATE_LIMITED":
            found: dict[str, Any] = answer["error"]
            return found
    raise AssertionError(f"{event} was never refused")


async def test_new_sockets(caller: Caller) -> None:
    for _ in range(SIZES["sockets"]):
        async with caller.socket() as client:
            assert client.refused is None
    async with caller.socket() as client:
        told = client.refused["data"]
        assert told["code"] == "RATE_LIMITED"
        check_details(told["details"], "sockets")
        assert 1 <= told["retryAfter"] <= 900
    await caller.register()
    async with caller.socket() as client:
        assert client.refused is None


async def test_an_address_without_requests_left_can_still_be_signed_in(caller: Caller) -> None:
    """The admin's too: whoever shares an address with a crowd isn't locked out by it."""
    seen = [(await caller.call("GET", "/markets")).status_code for _ in range(8)]
    assert seen[-1] == 429
    answer = await caller.login(ADMIN_EMAIL, ADMIN_PASSWORD)
    assert answer.status_code == 200
    caller.token = answer.json()["data"]["accessToken"]
    assert (await caller.call("GET", "/admin/stats")).status_code == 200


async def test_a_token_of_ones_own_buys_no_more_attempts(caller: Caller) -> None:
    await caller.register()
    statuses = [(await caller.login("nobody@example.org")).status_code for _ in range(30)]
    assert statuses.count(401) <= SIZES["sign-in-failures"]
    statuses = []
    for _ in range(20):
        body = {"email": f"{secrets.token_hex(6)}@example.com", "password": ADMIN_PASSWORD}
        statuses.append((await caller.call("POST", "/auth/register", body)).status_code)
    assert set(statuses) == {429}
