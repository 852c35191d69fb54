"""Where Kalshi is asked and as whom: half a way in is refused, a secret is never shown."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.bootstrap.settings import load_settings
from gateway.feeds.kalshi.settings import KalshiSettings
from gateway.feeds.kalshi.signing import HASH, PADDING, Signer, message, private_key
from gateway.settings.reader import SettingsError, read_area

ACCOUNT = {"KALSHI_EMAIL": "a@b.c", "KALSHI_PASSWORD": "hush"}
KEY = rsa.generate_private_key(65_537, 2_048)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: PrivateFormat) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def read(**environment: str) -> KalshiSettings:
    found, wrong = read_area(KalshiSettings, environment)
    if found is None:
        raise wrong[0]
    return found


def test_the_real_public_endpoints_are_the_default_and_nobody_asks() -> None:
    found = load_settings({}).kalshi
    assert found.api_url == "https://api.elections.kalshi.com/trade-api/v2"
    assert found.ws_url == "wss://api.elections.kalshi.com/trade-api/ws/v2"
    assert (found.key_id, found.private_key, found.email, found.password) == (None,) * 4


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_a_key_may_stand_on_one_line(form: PrivateFormat) -> None:
    text = pem(KEY, form).strip()
    for written in (text, text.replace("\n", "\\n")):
        found = read(KALSHI_KEY_ID="me", KALSHI_PRIVATE_KEY=written)
        assert found.private_key is not None
        assert found.private_key.private_numbers() == KEY.private_numbers()


def test_no_secret_is_shown() -> None:
    text = pem(KEY, PrivateFormat.PKCS8)
    found = read(
        KALSHI_KEY_ID="me", KALSHI_PRIVATE_KEY=text, KALSHI_EMAIL="a@b.c", KALSHI_PASSWORD="hush"
    )
    assert found.password is not None
    assert found.password.reveal() == "hush"
    for shown in (repr(found), str(found), f"{found.password}"):
        assert "hush" not in shown
        assert text.splitlines()[1] not in shown


@pytest.mark.parametrize(
    "value",
    [
        "hush",
        "-----BEGIN PRIVATE KEY-----\\nhush\\n-----END PRIVATE KEY-----",
        pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.PKCS8),
        pem(rsa.generate_private_key(65_537, 1_024), PrivateFormat.PKCS8),  # noqa: S505 - refused
    ],
)
def test_what_is_no_key_is_refused_without_being_shown(value: str) -> None:
    with pytest.raises(SettingsError, match=r"KALSHI_PRIVATE_KEY: must be an RSA") as told:
        read(KALSHI_KEY_ID="me", KALSHI_PRIVATE_KEY=value)
    assert "hush" not in str(told.value)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"KALSHI_KEY_ID": "me"}, "KALSHI_KEY_ID"),
        ({"KALSHI_PRIVATE_KEY": pem(KEY, PrivateFormat.PKCS8)}, "KALSHI_KEY_ID"),
        ({"KALSHI_EMAIL": "a@b.c"}, "KALSHI_EMAIL"),
        ({"KALSHI_PASSWORD": "hush"}, "KALSHI_EMAIL"),
        ({"KALSHI_API_URL": "http://kalshi.example/v2", **ACCOUNT}, "KALSHI_API_URL"),
        ({"KALSHI_WS_URL": "ws://10.0.0.1/ws", **ACCOUNT}, "KALSHI_WS_URL"),
        ({"KALSHI_API_URL": "https://me:hush@kalshi.example"}, "KALSHI_API_URL"),
        ({"KALSHI_API_URL": "wss://kalshi.example"}, "KALSHI_API_URL"),
        ({"KALSHI_WS_URL": "https://kalshi.example/ws"}, "KALSHI_WS_URL"),
    ],
)
def test_what_is_half_or_not_safe_is_refused_by_name(given: dict[str, str], name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: ") as told:
        read(**given)
    assert "hush" not in str(told.value)


def test_this_machine_may_be_asked_in_the_open_and_by_nobody_any_other() -> None:
    here = {"KALSHI_API_URL": "http://127.0.0.1:8080/v2/", "KALSHI_WS_URL": "ws://localhost:1/ws"}
    assert read(**here, **ACCOUNT).api_url == "http://127.0.0.1:8080/v2"
    assert read(KALSHI_API_URL="http://proxy:8080/v2").api_url == "http://proxy:8080/v2"


def test_a_signature_is_of_the_time_the_method_and_the_path() -> None:
    signer = Signer("me", private_key(pem(KEY, PrivateFormat.PKCS8)), lambda: 1_700_000_000.25)
    signer.ahead_s = 60
    headers = signer.headers("GET", "/trade-api/v2/markets")
    assert headers["KALSHI-ACCESS-KEY"] == "me"
    assert headers["KALSHI-ACCESS-TIMESTAMP"] == "1700000060250"
    assert message("1", "GET", "/a") == b"1GET/a"
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"], validate=True)
    signed = b"1700000060250GET/trade-api/v2/markets"
    KEY.public_key().verify(signature, signed, PADDING, HASH)
