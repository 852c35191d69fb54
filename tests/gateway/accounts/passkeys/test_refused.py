"""What a passkey's answer is refused for: each thing that is signed is said wrong once."""

import asyncio
import copy
import hashlib
from collections.abc import Callable
from typing import Any

import cbor2
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.bootstrap.settings import load_settings
from gateway.settings.reader import SettingsError
from tests.gateway.accounts.passkeys.authenticator import (
    BS,
    EDDSA,
    ES256,
    RS256,
    UP,
    UV,
    Authenticator,
    cose_key,
    decoded,
    encoded,
    signed,
)
from tests.gateway.accounts.passkeys.holder import (
    PAGE,
    PASSKEYS,
    SIGN_IN,
    add,
    creation_options,
    sign_in,
    sign_in_options,
)
from tests.gateway.accounts.second_factor.app import (
    API,
    STEP_UP,
    audited,
    begin_sign_in,
    call,
    data,
    refused,
    verify,
)
from tests.gateway.conftest import MakeWeb, Web

OPTIONS = f"{API}/auth/2fa/options"
Answer = dict[str, Any]


@pytest.fixture
async def web(make_web: MakeWeb) -> Web:
    return await make_web(**PAGE, RATE_LIMIT_CODE_FAILURES=1_000)


async def enter(web: Web, answer: Answer) -> httpx.Response:
    return await call(web, "POST", SIGN_IN, body={"passkey": answer})


def flipped(text: str, at: int = -1) -> str:
    """The same bytes but for one bit."""
    raw = bytearray(decoded(text))
    raw[at] ^= 1
    return encoded(bytes(raw))


def with_response(answer: Answer, **changes: str) -> Answer:
    return answer | {"response": answer["response"] | changes}


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://app.example.org"},
        {"origin": "https://app.example.org:8443"},
        {"origin": "https://app.example.org.evil.example"},
        {"domain": "example.org"},
        {"domain": "evil.example"},
        {"flags": UP},
        {"flags": UV},
        {"flags": UP | UV | BS},
    ],
)
async def test_another_page_domain_or_nobody_there(web: Web, change: dict[str, Any]) -> None:
    ada = await web.register()
    device = Authenticator()
    await add(web, ada, device)
    good = {name: getattr(device, name) for name in change}
    for name, value in change.items():
        setattr(device, name, value)
    answer = await sign_in(web, device)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")
    made = device.create(await creation_options(web, ada))
    body = {"label": "phone", "passkey": made}
    assert refused(await call(web, "POST", PASSKEYS, ada, body)) == (
        400,
        "VALIDATION_ERROR",
        "passkey",
    )
    for name, value in good.items():
        setattr(device, name, value)
    assert (await sign_in(web, device)).status_code == 200
    outcomes = [outcome for _, _, outcome in await audited(web, "auth.login")]
    assert outcomes == ["refused", "ok"]


@pytest.mark.parametrize(
    "client",
    [
        {"type": "webauthn.create"},
        {"crossOrigin": True},
        {"challenge": ""},
        {"challenge": encoded(b"another challenge")},
        {"challenge": 7},
        {"origin": ["https://app.example.org"]},
        {"origin": None},
        {"tokenBinding": {"status": "not-supported"}},
    ],
)
async def test_other_words_of_the_browser(web: Web, client: dict[str, Any]) -> None:
    ada = await web.register()
    device = Authenticator()
    await add(web, ada, device)
    answer = device.get(await sign_in_options(web), client=client)
    assert (await enter(web, answer)).status_code in {401, 200 * ("tokenBinding" in client)}


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
async def test_changed_bytes(web: Web, algorithm: int) -> None:
    ada = await web.register()
    device = Authenticator(algorithm)
    await add(web, ada, device)
    changes: list[Callable[[Answer], Answer]] = [
        lambda a: with_response(a, signature=flipped(a["response"]["signature"])),
        lambda a: with_response(a, signature=flipped(a["response"]["signature"], 9)),
        lambda a: with_response(a, signature="AA"),
        lambda a: with_response(a, authenticatorData=flipped(a["response"]["authenticatorData"])),
        lambda a: with_response(a, authenticatorData="AAAA"),
        lambda a: with_response(
            a, clientDataJSON=encoded(decoded(a["response"]["clientDataJSON"]) + b" ")
        ),
        lambda a: with_response(a, clientDataJSON=encoded(b"[" * 5_000)),
        lambda a: with_response(a, clientDataJSON=encoded(b"\xff{}")),
        lambda a: with_response(a, userHandle=flipped(a["response"]["userHandle"])),
        lambda a: a | {"rawId": flipped(a["rawId"]), "id": flipped(a["id"])},
        lambda a: a | {"id": flipped(a["id"])},
    ]
    for number, change in enumerate(changes):
        answer = change(device.get(await sign_in_options(web)))
        assert (await enter(web, answer)).status_code == 401, number
    no_handle = device.get(await sign_in_options(web))
    del no_handle["response"]["userHandle"]
    assert (await enter(web, no_handle)).status_code == 401
    assert (await sign_in(web, device)).status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "public-thing"}, "passkey.type"),
        ({"id": ""}, "passkey.id"),
        ({"rawId": "x" * 2_000}, "passkey.rawId"),
        ({"rawId": "a+b/"}, "passkey.rawId"),
        ({"response": {}}, "passkey.response.clientDataJSON"),
        ({"response": None}, "passkey.response"),
    ],
)
async def test_malformed_answers_name_the_field(
    web: Web, change: dict[str, Any], field: str
) -> None:
    device = Authenticator()
    device.handle = b"x"
    answer = device.get(await sign_in_options(web)) | change
    assert refused(await enter(web, answer)) == (400, "VALIDATION_ERROR", field)


async def test_a_challenge_is_good_once_and_for_one_thing(web: Web) -> None:
    ada = await web.register()
    device = Authenticator()
    await add(web, ada, device)
    options = await sign_in_options(web)
    answer = device.get(options)
    assert (await enter(web, answer)).status_code == 200
    for replayed in (answer, device.get(options)):
        assert (await enter(web, replayed)).status_code == 401
    # Of the same answer at the same moment one signs in.
    answer = device.get(await sign_in_options(web))
    found = await asyncio.gather(*(enter(web, answer) for _ in range(5)))
    assert sorted(one.status_code for one in found) == [200] + [401] * 4
    # One that asks for a factor doesn't sign in, one that makes a passkey proves none.
    prove = (await data(web, "POST", f"{STEP_UP}/options", ada))["publicKey"]
    assert (await enter(web, device.get(prove))).status_code == 401
    register = await creation_options(web, ada)
    assert (await enter(web, device.get(register))).status_code == 401
    body = {"passkey": device.get(await sign_in_options(web))}
    assert (await call(web, "POST", STEP_UP, ada, body)).status_code == 403
    late = device.get(await sign_in_options(web))
    await web.parts.pool.execute("UPDATE passkey_challenges SET expires_at = 1")
    assert (await enter(web, late)).status_code == 401


async def test_a_sign_count_that_goes_back_is_refused_and_told(web: Web) -> None:
    ada = await web.register()
    device = Authenticator()
    await add(web, ada, device)
    copied = copy.copy(device)
    for _ in range(3):
        assert (await sign_in(web, device)).status_code == 200
    answer = await sign_in(web, copied)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED")
    target = f"user:{ada.id} passkey"
    lines = await audited(web, "auth.login")
    assert lines[-1] == (None, target, "sign count back")
    # As a second factor, too.
    options = (await data(web, "POST", f"{STEP_UP}/options", ada))["publicKey"]
    body = {"passkey": copied.get(options)}
    assert refused(await call(web, "POST", STEP_UP, ada, body)) == (403, "FORBIDDEN", "passkey")
    assert await audited(web, "auth.2fa") == [(None, target, "sign count back")]
    # A stranger's signature doesn't get so far as to be told of a count.
    stranger = Authenticator(credential_id=device.credential_id)
    stranger.handle, stranger.count = device.handle, 0
    await sign_in(web, stranger)
    assert (await audited(web, "auth.login"))[-1] == (None, target, "refused")
    assert (await sign_in(web, device)).status_code == 200


async def test_somebody_elses_passkey_is_no_second_factor(web: Web) -> None:
    ada, ben = await web.register(), await web.register()
    hers, his = Authenticator(), Authenticator()
    await add(web, ada, hers)
    await add(web, ben, his)
    asked = await begin_sign_in(web, ada)
    body = {"challenge": asked["challenge"]}
    options = (await data(web, "POST", OPTIONS, body=body))["publicKey"]
    answer = await verify(web, asked["challenge"], passkey=his.get(options))
    assert refused(answer) == (401, "UNAUTHORIZED", "passkey")
    # Nor his own challenge with her passkey.
    bens = await begin_sign_in(web, ben)
    theirs = (await data(web, "POST", OPTIONS, body={"challenge": bens["challenge"]}))["publicKey"]
    answer = await verify(web, asked["challenge"], passkey=hers.get(theirs))
    assert answer.status_code == 401
    # He signs in as himself, whatever handle he claims.
    claimed = his.get(await sign_in_options(web), handle=hers.handle)
    assert (await enter(web, claimed)).status_code == 401
    options = (await data(web, "POST", OPTIONS, body=body))["publicKey"]
    assert (await verify(web, asked["challenge"], passkey=hers.get(options))).status_code == 200


async def test_a_passkey_is_one_accounts(web: Web) -> None:
    ada, ben = await web.register(), await web.register()
    device = Authenticator()
    await add(web, ada, device)
    body = {"label": "mine", "passkey": device.create(await creation_options(web, ben))}
    assert (await call(web, "POST", PASSKEYS, ben, body)).status_code == 409
    assert await data(web, "GET", PASSKEYS, ben) == []
    # Somebody else's options make none either.
    made = Authenticator().create(await creation_options(web, ada))
    answer = await call(web, "POST", PASSKEYS, ben, {"label": "mine", "passkey": made})
    assert answer.status_code == 400
    own = await call(web, "POST", PASSKEYS, ada, {"label": "mine", "passkey": made})
    assert own.status_code == 201


def weak_rsa() -> dict[int, Any]:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)  # noqa: S505
    numbers = key.public_key().public_numbers()
    return {1: 3, 3: RS256, -1: numbers.n.to_bytes(128, "big"), -2: b"\x01\x00\x01"}


@pytest.mark.parametrize(
    "key",
    [
        {1: 2, 3: -35, -1: 2, -2: bytes(48), -3: bytes(48)},
        {1: 2, 3: ES256, -1: 1, -2: bytes(32), -3: bytes(32)},
        {1: 1, 3: EDDSA, -1: 6, -2: bytes(5)},
        {1: 1, 3: EDDSA},
        {1: 3, 3: RS256, -1: bytes([255]) * 1_000, -2: b"\x01\x00\x01"},
        {},
        weak_rsa(),
    ],
)
async def test_keys_that_are_none(web: Web, key: dict[int, Any]) -> None:
    ada = await web.register()
    device = Authenticator()
    made = device.create(await creation_options(web, ada), public_key=key)
    body = {"label": "phone", "passkey": made}
    answer = await call(web, "POST", PASSKEYS, ada, body)
    assert refused(answer) == (400, "VALIDATION_ERROR", "passkey")


async def test_attestations_are_not_asked_for(web: Web) -> None:
    ada = await web.register()
    device = Authenticator()
    options = await creation_options(web, ada)
    chain = {"alg": ES256, "sig": b"x", "x5c": [b"certificate"]}
    made = device.create(options, fmt="packed", statement=chain)
    answer = await call(web, "POST", PASSKEYS, ada, {"label": "a", "passkey": made})
    assert answer.status_code == 400
    for fmt in ("tpm", "android-safetynet", "fido-u2f", "made-up"):
        made = device.create(await creation_options(web, ada), fmt=fmt)
        answer = await call(web, "POST", PASSKEYS, ada, {"label": "a", "passkey": made})
        assert answer.status_code == 400, fmt
    # Some sign with the new key itself; that says no more than the key does, and is taken.
    made = device.create(await creation_options(web, ada))
    attestation = cbor2.loads(decoded(made["response"]["attestationObject"]))
    client = decoded(made["response"]["clientDataJSON"])
    text = attestation["authData"] + hashlib.sha256(client).digest()
    attestation |= {"fmt": "packed", "attStmt": {"alg": ES256, "sig": signed(device.key, text)}}
    made = with_response(made, attestationObject=encoded(cbor2.dumps(attestation)))
    answer = await call(web, "POST", PASSKEYS, ada, {"label": "a", "passkey": made})
    assert answer.status_code == 201, answer.text
    assert (await sign_in(web, device)).status_code == 200


async def test_bytes_that_are_no_attestation(web: Web) -> None:
    ada = await web.register()
    device = Authenticator()
    for raw in (b"\x81" * 9_000, b"\xa0", b"\xff", cbor2.dumps({"fmt": "none"}), b"{}"):
        made = device.create(await creation_options(web, ada))
        made = with_response(made, attestationObject=encoded(raw))
        answer = await call(web, "POST", PASSKEYS, ada, {"label": "a", "passkey": made})
        assert refused(answer) == (400, "VALIDATION_ERROR", "passkey")
    assert cose_key(device.key)[3] == ES256


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"PASSKEY_ORIGINS": "http://app.example.org"}, "PASSKEY_ORIGINS"),
        ({"PASSKEY_ORIGINS": "*"}, "PASSKEY_ORIGINS"),
        ({"PASSKEY_RP_ID": "https://example.org"}, "PASSKEY_RP_ID"),
        ({"PASSKEY_RP_ID": "Example.org"}, "PASSKEY_RP_ID"),
        (
            {"PASSKEY_RP_ID": "example.org", "PASSKEY_ORIGINS": "https://badexample.org"},
            "PASSKEY_ORIGINS",
        ),
        ({"SECOND_FACTOR_NAME": "a:b"}, "SECOND_FACTOR_NAME"),
        ({"SECOND_FACTOR_REQUIRED_FOR_ADMINS": "yes"}, "SECOND_FACTOR_REQUIRED_FOR_ADMINS"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, str], name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings(settings)


async def test_sign_ins_that_are_begun_are_counted_by_address(make_web: MakeWeb) -> None:
    web = await make_web(**PAGE, RATE_LIMIT_SIGN_INS=4)
    found = [(await call(web, "POST", f"{SIGN_IN}/options")).status_code for _ in range(6)]
    assert found == [200] * 4 + [429] * 2
