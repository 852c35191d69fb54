"""Where forgeries are refused, and that each is refused somewhere: one line for each kind.

The tests stand where the thing they are about does; this says which they are, and fails when one
is gone. What had no test stands below.
"""

import re
from pathlib import Path
from typing import Final

import httpx
import msgspec
import pytest

from tests.gateway.accounts.api_keys.signer import make_key
from tests.gateway.conftest import Web
from tests.persistence.running import listing

TESTS: Final = Path(__file__).parents[1]
ACCOUNTS: Final = "gateway/accounts"
REFUSED: Final = {
    "alg none, HS256 with the public key, issuer, audience, expired": (
        f"{ACCOUNTS}/sessions/test_tokens.py",
        "test_forged_token_is_refused",
    ),
    "another kid, crit, jku, jwk, x5u": (
        f"{ACCOUNTS}/sessions/test_keys.py",
        "test_headers_that_lead_elsewhere_are_refused",
    ),
    "a session of somebody else": (
        f"{ACCOUNTS}/sessions/test_tokens.py",
        "test_token_of_another_users_session_is_refused",
    ),
    "a refresh token that was used": (
        f"{ACCOUNTS}/sessions/test_sign_in.py",
        "test_reused_refresh_token_ends_the_whole_session",
    ),
    "a foreign origin with the cookie": (
        f"{ACCOUNTS}/sessions/test_cookies.py",
        "test_a_foreign_page_can_use_no_cookie",
    ),
    "the cookie without the header": (
        f"{ACCOUNTS}/sessions/test_cookies.py",
        "test_a_cookie_without_the_header_does_nothing",
    ),
    "a signed call that comes again": (
        f"{ACCOUNTS}/api_keys/test_attacks.py",
        "test_a_call_is_taken_once",
    ),
    "a signed call with another body, path, query, method, time, window or nonce": (
        f"{ACCOUNTS}/api_keys/test_attacks.py",
        "test_whatever_is_changed_breaks_the_signature",
    ),
    "a signed call of another time": (
        f"{ACCOUNTS}/api_keys/test_attacks.py",
        "test_a_time_outside_its_window_is_told_the_servers",
    ),
    "a wallet's message with another domain, chain or time": (
        f"{ACCOUNTS}/wallets/test_wallets.py",
        "test_a_message_that_is_not_for_us_or_not_for_now",
    ),
    "a wallet's nonce that was used": (
        f"{ACCOUNTS}/wallets/test_wallets.py",
        "test_a_nonce_is_good_once",
    ),
    "a wallet's nonce of nobody, or one that is over": (
        f"{ACCOUNTS}/wallets/test_wallets.py",
        "test_a_nonce_of_nobody_or_of_yesterday",
    ),
    "a stolen state or code of X or Google": (
        f"{ACCOUNTS}/linked/test_sign_in.py",
        "test_another_browser_can_do_nothing_with_it",
    ),
    "a code of X or Google with another's verifier": (
        f"{ACCOUNTS}/linked/test_sign_in.py",
        "test_what_the_provider_refuses",
    ),
    "a state or a code of X or Google that was used": (
        f"{ACCOUNTS}/linked/test_sign_in.py",
        "test_what_comes_back_is_used_once",
    ),
    "a code of an app that was used in its window": (
        f"{ACCOUNTS}/second_factor/test_codes.py",
        "test_a_code_is_taken_once_in_its_window",
    ),
    "a recovery code that was used": (
        f"{ACCOUNTS}/second_factor/test_codes.py",
        "test_a_recovery_code_is_good_once",
    ),
    "a passkey's challenge that was used, or is for something else": (
        f"{ACCOUNTS}/passkeys/test_refused.py",
        "test_a_challenge_is_good_once_and_for_one_thing",
    ),
    "a foreign origin at a socket": ("gateway/sockets/test_input.py", "test_origins"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_each_forgery_has_its_test(kind: str) -> None:
    file, name = REFUSED[kind]
    text = (TESTS / file).read_text("utf-8")
    assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), f"{kind}: where is it tried?"


async def _sent(web: Web, path: str, headers: dict[str, str], body: object) -> httpx.Response:
    content = msgspec.json.encode(body)
    return await web.client.post(
        path, headers=headers | {"content-type": "application/json"}, content=content
    )


@pytest.mark.parametrize("algorithm", ["ed25519", "hmac-sha256"])
async def test_what_was_signed_is_taken_once_as_it_was(web: Web, algorithm: str) -> None:
    """Sent in another order; again; with the body that another signature was for."""
    ada = await web.register()
    web.engine.run(listing())
    key = await make_key(web, ada, algorithm)
    path = "/api/v1/orders/rain"
    bodies = [
        {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": price, "quantity": "1"}
        for price in ("0.01", "0.02", "0.03")
    ]
    signed = [key.headers("POST", path, body=msgspec.json.encode(body)) for body in bodies]
    for number in (2, 0, 1):
        answer = await _sent(web, path, signed[number], bodies[number])
        assert answer.status_code == 201, "the order in which they come is the sender's"
    before = web.engine.view.seq
    for number in (0, 1, 2):
        assert (await _sent(web, path, signed[number], bodies[number])).status_code == 401
        swapped = await _sent(web, path, signed[number], bodies[number - 1])
        assert swapped.status_code == 401
    assert web.engine.view.seq == before
