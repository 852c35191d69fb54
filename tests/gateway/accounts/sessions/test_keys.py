"""Keys that follow one another: nobody is signed out, and what is over is over."""

import os
import stat
import time
from pathlib import Path

import jwt
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.accounts.sessions.keys import (
    KEY_FILE,
    KEY_FOLDER,
    SLACK_S,
    KeyRing,
    SigningKey,
    find_key,
    key_ring,
    load_key,
    rotate,
    shared_secret,
    thumbprint,
)
from gateway.accounts.sessions.tokens import AUDIENCE, ISSUER, Tokens
from gateway.cli.main import main
from gateway.settings.reader import SettingsError
from gateway.wire.errors import Unauthorized
from tests.gateway.accounts.sessions.test_tokens import claims, pem
from tests.gateway.conftest import Web

LIFE = 900


def text_of(*keys: Ed25519PrivateKey) -> str:
    return "".join(pem(key).decode() for key in keys)


def refused(tokens: Tokens, token: str) -> None:
    with pytest.raises(Unauthorized):
        tokens.verify(token.encode())


def test_the_thumbprint_is_that_of_the_standard() -> None:
    """RFC 8037, appendix A.3."""
    raw = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(raw))
    assert thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_running_process_signs_with_a_new_key_and_takes_both(tmp_path: Path) -> None:
    ring = key_ring(None, tmp_path, LIFE)
    running = Tokens(ring, LIFE)
    other_process = Tokens(key_ring(None, tmp_path, LIFE), LIFE)
    before = running.issue(7, 9)
    secret = shared_secret(load_key(None, tmp_path))
    key, gone = rotate(tmp_path, LIFE)
    after = running.issue(7, 9)
    assert jwt.get_unverified_header(after) == {"alg": "EdDSA", "typ": "JWT", "kid": key.kid}
    for token in (before, after):
        for process in (other_process, running):
            assert process.verify(token.encode()).user_id == 7
    assert (len(ring.holding()), gone) == (2, 0)
    # What processes have in common beside tokens stays.
    assert shared_secret(load_key(None, tmp_path)) == secret
    [file] = (tmp_path / KEY_FOLDER).iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_key_holds_as_long_as_its_tokens_live(tmp_path: Path) -> None:
    load_key(None, tmp_path)
    second, _ = rotate(tmp_path, LIFE)
    now = float(second.born_at or 0)
    ring = KeyRing(
        (SigningKey.of(load_key(None, tmp_path)),), tmp_path / KEY_FOLDER, LIFE, lambda: now
    )
    assert len(ring.holding()) == 2
    now += LIFE + SLACK_S + 1
    assert [key.kid for key in ring.holding()] == [second.kid]
    assert ring.find(None) is None
    assert ring.over() == []


def test_keys_that_are_over_are_taken_away(tmp_path: Path) -> None:
    load_key(None, tmp_path)
    hours = [time.time() + 3_600 * by for by in range(4)]
    made = [rotate(tmp_path, LIFE, clock=lambda at=at: at) for at in hours]  # type: ignore[misc]
    assert [gone for _, gone in made] == [0, 0, 1, 1]
    assert len(list((tmp_path / KEY_FOLDER).iterdir())) == 2


def test_a_key_that_is_taken_away_while_the_folder_is_read_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = key_ring(None, tmp_path, LIFE)
    key, _ = rotate(tmp_path, LIFE)
    listed, gone = os.listdir, f"1-{'a' * 43}.pem"
    monkeypatch.setattr(os, "listdir", lambda folder: [gone, *listed(folder)])
    assert ring.signing().kid == key.kid
    monkeypatch.undo()
    assert [held.kid == key.kid for held in ring.holding()] == [True, False]


def test_at_once_lets_no_other_key_hold(tmp_path: Path) -> None:
    running = Tokens(key_ring(None, tmp_path, LIFE), LIFE)
    before = running.issue(7, 9)
    rotate(tmp_path, LIFE)
    between = running.issue(7, 9)
    rotate(tmp_path, LIFE, at_once=True)
    for token in (before, between):
        refused(running, token)
    assert running.verify(running.issue(7, 9).encode()).user_id == 7
    third, _ = rotate(tmp_path, LIFE)
    assert len(key_ring(None, tmp_path, LIFE).holding()) == 2
    assert key_ring(None, tmp_path, LIFE).signing().kid == third.kid


def test_of_several_keys_in_the_environment_the_first_signs(tmp_path: Path) -> None:
    new, old, strange = (Ed25519PrivateKey.generate() for _ in range(3))
    ring = key_ring(text_of(new, old).replace("\n", "\\n"), tmp_path, LIFE)
    tokens = Tokens(ring, LIFE)
    assert ring.signing().kid == thumbprint(new.public_key())
    assert tokens.verify(Tokens(KeyRing.of(old), LIFE).issue(7, 9).encode()).user_id == 7
    refused(tokens, Tokens(KeyRing.of(strange), LIFE).issue(7, 9))
    found = find_key(text_of(new, old), tmp_path)
    assert found is not None
    assert shared_secret(found) == shared_secret(old)
    assert not (tmp_path / KEY_FILE).exists()
    with pytest.raises(SettingsError, match="JWT_PRIVATE_KEY"):
        key_ring(text_of(new) + "-----BEGIN KEY-----\nx\n-----END KEY-----", tmp_path, LIFE)


def test_headers_that_lead_elsewhere_are_refused() -> None:
    key = Ed25519PrivateKey.generate()
    tokens, kid = Tokens(KeyRing.of(key), LIFE), thumbprint(key.public_key())

    def signed(**header: object) -> str:
        return jwt.encode(claims(), key, algorithm="EdDSA", headers=header)

    assert tokens.verify(signed(kid=kid).encode()).user_id == 7
    # Of before there were names.
    assert tokens.verify(signed().encode()).user_id == 7
    for header in (
        {"kid": "other"},
        {"kid": kid + "="},
        {"kid": ""},
        {"kid": kid, "crit": ["exp"]},
        {"kid": kid, "jku": "https://evil.example/jwks.json"},
        {"kid": kid, "x5u": "https://evil.example/c.pem"},
        {"kid": kid, "jwk": {"kty": "OKP"}},
        {"kid": kid, "x5c": ["x"]},
        {"kid": kid, "b64": False},
        {"kid": kid, "cty": "JWT"},
    ):
        refused(tokens, signed(**header))


def test_a_file_that_is_no_key_of_its_name_stops_the_start(tmp_path: Path) -> None:
    load_key(None, tmp_path)
    key, _ = rotate(tmp_path, LIFE)
    folder = tmp_path / KEY_FOLDER
    [file] = folder.iterdir()
    (folder / "notes.txt").write_text("not a key")
    assert key_ring(None, tmp_path, LIFE).signing().kid == key.kid
    file.write_bytes(pem(Ed25519PrivateKey.generate()))
    with pytest.raises(SettingsError, match="another key than it is named after"):
        key_ring(None, tmp_path, LIFE)


async def test_the_public_keys_are_published(web: Web, tmp_path: Path) -> None:
    ada = await web.register()
    rotate(tmp_path, LIFE)
    answer = await web.client.get("/.well-known/jwks.json")
    assert answer.headers["content-type"] == "application/json"
    found = jwt.PyJWKSet.from_dict(answer.json())
    assert len(found.keys) == 2
    assert "d" not in answer.json()["keys"][0]
    ben = await web.register()
    for person in (ada, ben):
        kid = jwt.get_unverified_header(person.token)["kid"]
        said = jwt.decode(
            person.token, found[kid], algorithms=["EdDSA"], audience=AUDIENCE, issuer=ISSUER
        )
        assert said["sub"] == str(person.id)
        shown = await web.client.get("/api/v1/auth/me", headers=person.bearer)
        assert shown.status_code == 200


def test_the_command_rotates_and_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("JWT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    runner = CliRunner()
    made = runner.invoke(main, ["keys", "rotate"])
    assert (made.exit_code, made.output.split()[2:]) == (0, ["signs", "from", "now", "on."])
    listed = runner.invoke(main, ["keys", "list"]).output.splitlines()
    assert listed[0].startswith(made.output.split()[1])
    assert listed[1].endswith("the first")
    assert runner.invoke(main, ["keys", "rotate", "--at-once"]).exit_code == 0
    assert len(runner.invoke(main, ["keys", "list"]).output.splitlines()) == 1
    monkeypatch.setenv("JWT_PRIVATE_KEY", text_of(Ed25519PrivateKey.generate()))
    refused_here = runner.invoke(main, ["keys", "rotate"])
    assert refused_here.exit_code == 2
    assert "JWT_PRIVATE_KEY: is set" in refused_here.output
    assert (tmp_path / "data" / KEY_FILE).exists()
