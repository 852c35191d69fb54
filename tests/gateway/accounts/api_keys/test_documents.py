"""What docs/api-keys.md promises in figures, words and bytes."""

import base64
import hashlib
import hmac
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.access.api_keys.signed_call import FIELDS, HEADERS, WINDOW_MS, SignedCall
from gateway.accounts.api_keys.fields import ALLOWED_MAX
from gateway.accounts.api_keys.gate import KeyRefusal
from gateway.bootstrap.settings import load_settings

TEXT = (Path(__file__).parents[4] / "docs" / "api-keys.md").read_text("utf-8")
BODY = b'{"side":"BUY","outcome":"YES","type":"LIMIT","price":"0.55","quantity":"10"}'
SECRET = b"not-a-secret-of-anybodys-0123456789ABCDEFGH"


def test_the_worked_example_is_what_is_checked() -> None:
    [shown] = re.findall(r"^```text\n(.*?)\n```$", TEXT, re.DOTALL | re.MULTILINE)
    call = SignedCall(
        "pk_AbCdEfGhIjKlMnOpQrStUv",
        1_767_225_600_000,
        WINDOW_MS,
        "a-nonce-of-mine",
        b"",
        "POST",
        b"/api/v1/orders/rain",
        b"",
        BODY,
    )
    assert shown.encode() == call.text("hmac-sha256")
    assert shown.endswith(hashlib.sha256(BODY).hexdigest())
    made = hmac.digest(SECRET, call.text("hmac-sha256"), "sha256")
    assert f"`{base64.b64encode(made).decode()}`" in TEXT
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    signed = private.sign(call.text("ed25519"))
    assert f"`{base64.b64encode(signed).decode()}`" in TEXT
    for part in (BODY, SECRET):
        assert f"`{part.decode()}`" in TEXT


def test_headers_fields_reasons_and_bounds_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(Probity-\w+)` \| `(\w+)` \|", TEXT, re.MULTILINE)
    assert rows == list(zip(HEADERS.values(), FIELDS, strict=True))
    counted = TEXT.partition("counts refusals:")[2].partition(".")[0]
    assert re.findall(r"`([^`]+)`", counted) == [reason.value for reason in KeyRefusal]
    settings = load_settings({}).api_keys
    assert f"`API_KEYS_PER_USER` ({settings.per_user})" in TEXT
    assert f"`API_KEY_WINDOW_MAX_MS` ({settings.window_max_ms:,})".replace(",", " ") in TEXT
    assert f"at most {ALLOWED_MAX} addresses" in TEXT
