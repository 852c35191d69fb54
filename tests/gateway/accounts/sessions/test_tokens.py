"""Access tokens: only ours, only while they last, and the key stays private."""

import base64
import hashlib
import hmac
import json
import stat
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from gateway.accounts.sessions.keys import KEY_FILE, KeyRing, load_key
from gateway.accounts.sessions.tokens import AUDIENCE, ISSUER, Tokens
from gateway.settings.reader import SettingsError
from gateway.wire.errors import Unauthorized
from tests.gateway.conftest import Web

KEY = Ed25519PrivateKey.generate()
TOKENS = Tokens(KeyRing.of(KEY), 900)


def claims(**changes: object) -> dict[str, Any]:
    now = int(time.time())
    whole: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "7",
        "sid": "9",
        "jti": "x",
        "iat": now,
        "exp": now + 60,
    }
    return {k: v for k, v in {**whole, **changes}.items() if v is not None}


def signed(key: Ed25519PrivateKey = KEY, **changes: object) -> bytes:
    return jwt.encode(claims(**changes), key, algorithm="EdDSA").encode()


def by_hand(header: dict[str, str], secret: bytes | None) -> bytes:
    """A token put together without the library, which refuses to make such things."""

    def part(value: dict[str, Any]) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    body = part(header) + b"." + part(claims())
    mac = b"" if secret is None else hmac.new(secret, body, hashlib.sha256).digest()
    return body + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")


def pem(key: PrivateKeyTypes) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


PUBLIC_PEM = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
PUBLIC_RAW = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

FORGERIES = {
    "no algorithm": by_hand({"alg": "none", "typ": "JWT"}, None),
    "no algorithm, other spelling": by_hand({"alg": "NoNe", "typ": "JWT"}, None),
    "HMAC with the public key": by_hand({"alg": "HS256", "typ": "JWT"}, PUBLIC_PEM),
    "HMAC with the raw public key": by_hand({"alg": "HS256", "typ": "JWT"}, PUBLIC_RAW),
    "EdDSA in name only": by_hand({"alg": "EdDSA", "typ": "JWT"}, PUBLIC_RAW),
    "another key": signed(Ed25519PrivateKey.generate()),
    "expired": signed(exp=int(time.time()) - 1),
    "from the future": signed(iat=int(time.time()) + 600),
    "another audience": signed(aud="other"),
    "another issuer": signed(iss="other"),
    "no expiry": signed(exp=None),
    "no subject": signed(sub=None),
    "no session": signed(sid=None),
    "no id": signed(jti=None),
    "no time of issue": signed(iat=None),
    "no audience": signed(aud=None),
    "subject is no id": signed(sub="7 OR 1=1"),
    "subject is zero": signed(sub="0"),
    "subject in other digits": signed(sub="\uff17"),
    "session is no id": signed(sid="-9"),
    "cut": signed()[:-2],
    "no signature": signed().rpartition(b".")[0] + b".",
    "empty": b"",
    "dots": b"..",
    "not text": b"\xff\xfe",
    "endless": b"a" * 5_000,
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_token_is_refused(name: str) -> None:
    with pytest.raises(Unauthorized):
        TOKENS.verify(FORGERIES[name])


def test_our_token_holds() -> None:
    found = TOKENS.verify(TOKENS.issue(7, 9).encode())
    assert (found.user_id, found.session_id) == (7, 9)
    assert found.expires_at - time.time() == pytest.approx(900, abs=2)


async def test_forged_tokens_are_refused_over_http(web: Web) -> None:
    for name, token in FORGERIES.items():
        headers = [(b"authorization", b"Bearer " + token)]
        answer = await web.client.get("/api/v1/auth/me", headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHORIZED"), name


async def test_token_of_another_users_session_is_refused(web: Web) -> None:
    one, other = await web.register(), await web.register()
    tokens = web.accounts.sessions._tokens
    session = tokens.verify(other.token.encode()).session_id
    with pytest.raises(Unauthorized):
        await web.accounts.sessions.verify(tokens.issue(one.id, session).encode())


def test_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    first, second = load_key(None, folder), load_key(None, folder)
    assert pem(first) == pem(second)
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert [entry.name for entry in folder.iterdir()] == [KEY_FILE]


def test_key_of_the_setting_may_have_its_lines_escaped(tmp_path: Path) -> None:
    text = pem(KEY).decode()
    assert pem(load_key(text.replace("\n", "\\n"), tmp_path)) == pem(KEY)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text",
    ["secret", PUBLIC_PEM.decode(), pem(generate_private_key(SECP256R1())).decode()],
    ids=["no PEM", "public key", "another kind"],
)
def test_key_that_is_none_stops_the_start(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^JWT_PRIVATE_KEY: ") as caught:
        load_key(text, tmp_path)
    assert text not in str(caught.value)
