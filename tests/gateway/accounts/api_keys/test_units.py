"""What needs no server: points of the curve, allow-lists, nonces, the fields of a signature."""

import asyncio
import base64
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.api_keys.signed_call import (
    FIELDS,
    SOCKET_METHOD,
    SOCKET_PATH,
    Signature,
    signature_of_fields,
)
from gateway.access.api_keys.standing import KeyStanding, KeyUse, Scope
from gateway.access.client_address import counted_address
from gateway.accounts.api_keys import curve
from gateway.accounts.api_keys.curve import flaw_of
from gateway.accounts.api_keys.fields import allow_list
from gateway.accounts.api_keys.nonces import NonceBook, SharedNonces, Taken
from gateway.accounts.api_keys.signing import Algorithm, public_key_bytes, verifier_of
from gateway.wire.errors import Forbidden, RateLimited, Unauthorized, ValidationFailed

P = 2**255 - 19
SMALL = (
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
)
"""The eight points of small order (Chalkias, Garillot, Nikolaenko: Taming the many EdDSAs)."""
ANYWAY = bytes.fromhex(SMALL[1])


# -- public keys --------------------------------------------------------------------------------


@pytest.mark.parametrize("point", SMALL)
def test_a_point_of_small_order_is_no_key(point: str) -> None:
    assert "small order" in (flaw_of(bytes.fromhex(point)) or "")
    with pytest.raises(ValueError, match="small order"):
        public_key_bytes(base64.b64encode(bytes.fromhex(point)).decode())


def test_openssl_takes_such_a_key_for_many_texts() -> None:
    """Why we look: with the neutral element as the key, R = 1 and S = 0 sign whatever comes."""
    verifies = verifier_of(Algorithm.ED25519, bytes.fromhex(SMALL[0]))
    signature = bytes.fromhex(SMALL[0]) + bytes(32)
    assert [verifies(text, signature) for text in (b"buy", b"sell")] == [True, True]


def test_a_point_has_one_form_and_lies_on_the_curve() -> None:
    for y in (P, P + 1, P + 18, 2**255 - 1):
        for sign in (0, 1 << 255):
            assert flaw_of((y | sign).to_bytes(32, "little")) is not None
    assert flaw_of(((1 << 255) | 1).to_bytes(32, "little")) is not None, "-0 is no second 0"
    assert "no point" in (flaw_of((2).to_bytes(32, "little")) or "")
    for length in (0, 31, 33, 64):
        assert "bytes" in (flaw_of(bytes(length)) or "")


def test_a_point_with_a_part_of_small_order_is_no_key() -> None:
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    point = curve._decoded(int.from_bytes(key, "little"))
    eighth = curve._decoded(int.from_bytes(bytes.fromhex(SMALL[6]), "little"))
    assert point is not None
    assert eighth is not None
    x, y, z, _ = curve._add(point, eighth)
    inverse = pow(z, -1, P)
    mixed = (y * inverse % P) | ((x * inverse % P & 1) << 255)
    assert "such a part" in (flaw_of(mixed.to_bytes(32, "little")) or "")


def test_a_real_key_is_taken_as_pem_and_as_base64() -> None:
    public = Ed25519PrivateKey.generate().public_key()
    raw = public.public_bytes_raw()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert public_key_bytes(pem) == public_key_bytes(base64.b64encode(raw).decode()) == raw
    rsa = generate_private_key(65_537, 2_048).public_key()
    other = rsa.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    for text in (other, pem[:60], "-----BEGIN", "ü", "", "AAAA"):
        with pytest.raises(ValueError, match=r"must (be|have)"):
            public_key_bytes(text)


# -- allow-lists --------------------------------------------------------------------------------


def use_from(address: str, *networks: str) -> KeyUse:
    standing = KeyStanding(1, "pk", 2, frozenset({Scope.READ}), allow_list(networks), None)
    return KeyUse(standing, counted_address(address))


@pytest.mark.parametrize(
    ("address", "networks", "is_in"),
    [
        ("203.0.113.7", [], True),
        ("203.0.113.7", ["203.0.113.7"], True),
        ("203.0.113.8", ["203.0.113.7"], False),
        ("203.0.113.8", ["10.0.0.0/8", "203.0.113.0/24"], True),
        ("::ffff:203.0.113.7", ["203.0.113.7"], True),
        ("2001:db8:1:2::5", ["2001:db8:1:2::/64"], True),
        ("2001:db8:1:3::5", ["2001:db8:1:2::/64"], False),
        ("2001:db8:ffff::1", ["2001:db8::/32"], True),
        ("203.0.113.7", ["::/0"], False),
        ("unknown", ["0.0.0.0/0", "::/0"], False),
    ],
)
def test_where_a_key_may_be_used(address: str, networks: list[str], *, is_in: bool) -> None:
    refusal = use_from(address, *networks).refusal()
    assert (refusal is None) == is_in
    assert is_in or isinstance(refusal, Forbidden)


@pytest.mark.parametrize(
    "text", ["", "x", "203.0.113.7/33", "203.0.113.7/24", "2001:db8::1", "::ffff:1.2.3.0/120", "1"]
)
def test_an_entry_that_means_nothing_is_named(text: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        allow_list(["192.0.2.1", text])
    assert caught.value.details[0].field == "allowList[1]"


def test_a_standing_says_why_it_ended() -> None:
    use = use_from("203.0.113.7")
    assert use.refusal() is None
    use.key.expires_at = int((time.time() - 1) * 1_000_000)
    assert "expired" in str(use.refusal())
    use.key.is_over = True
    assert "revoked" in str(use.refusal())
    assert use.allows(Scope.READ)
    assert not use.allows(Scope.TRADE)
    assert not use.allows(Scope.OWNER)
    assert not use.allows(None)
    assert use == KeyUse(use.key, use.address) != KeyUse(use.key, "198.51.100.1")


# -- nonces -------------------------------------------------------------------------------------


def test_a_book_forgets_what_is_too_old_and_takes_it_no_more() -> None:
    book = NonceBook(100)
    assert book.take(Taken(1, "a", 5_500))
    assert not book.take(Taken(1, "a", 9_000))
    assert book.take(Taken(2, "a", 9_000))
    book.forget(5_999)
    assert len(book) == 2, "whole seconds"
    book.forget(6_000)
    assert (len(book), book.floor) == (1, 6_000)
    # A clock that was put back makes nothing of before takeable: the gate asks for the floor.
    book.forget(0)
    assert book.floor == 6_000


def test_a_full_book_refuses_one_key_before_all() -> None:
    book = NonceBook(100)
    for number in range(10):
        assert book.take(Taken(1, str(number), 1_000))
    with pytest.raises(RateLimited):
        book.take(Taken(1, "more", 1_000))
    for key in range(2, 11):
        for number in range(10):
            assert book.take(Taken(key, str(number), 2_000))
    with pytest.raises(RateLimited):
        book.take(Taken(99, "more", 2_000))
    book.forget(2_000)
    assert book.take(Taken(1, "more", 2_000))
    assert len(book) == 91


class Rows:
    """A table of nonces that answers when it is let."""

    def __init__(self) -> None:
        self.known: set[tuple[int, str]] = set()
        self.batches: list[int] = []
        self.failure: Exception | None = None

    async def take(self, keys: list[int], nonces: list[str], _at: list[int]) -> Any:
        await asyncio.sleep(0)
        self.batches.append(len(keys))
        if self.failure is not None:
            raise self.failure
        asked = set(zip(keys, nonces, strict=True))
        new = asked - self.known
        self.known |= new
        return new


async def test_what_comes_together_is_asked_together_and_failures_are_told() -> None:
    rows: Any = Rows()
    shared, other = SharedNonces(rows), SharedNonces(rows)
    calls = [Taken(1, str(number), 0) for number in range(1_200)]
    assert all(await asyncio.gather(*(shared.take(call) for call in calls)))
    assert rows.batches == [500, 500, 200]
    assert await other.take(Taken(1, "0", 0)) is False
    rows.failure = ConnectionResetError("gone")
    with pytest.raises(ConnectionResetError):
        await other.take(Taken(1, "new", 0))
    rows.failure = None
    assert await other.take(Taken(1, "newer", 0))


# -- the fields of a signature ------------------------------------------------------------------

GOOD = {
    "apiKey": "pk_" + "k" * 22,
    "timestamp": 1_767_225_600_000,
    "nonce": "12345678",
    "signature": base64.b64encode(b"s" * 32).decode(),
}


def test_the_fields_of_a_socket_and_the_text_that_is_signed() -> None:
    signature = signature_of_fields(GOOD)
    assert signature == signature_of_fields(GOOD | {"timestamp": "1767225600000", "window": None})
    text = signature.of(SOCKET_METHOD, SOCKET_PATH).text("ed25519")
    assert text == (
        b"PROBITY-V1\ned25519\npk_kkkkkkkkkkkkkkkkkkkkkk\n1767225600000\n5000\n12345678\nSOCKET\n/ws"
        b"\n\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((name, None) for name in FIELDS if name != "window"),
        ("timestamp", 10**400),
        ("timestamp", -5),
        ("timestamp", True),
        ("timestamp", 1.5),
        ("window", []),
        ("nonce", "a\nb" * 4),
        ("nonce", {"$ne": 1}),
        ("signature", "x" * 10**6),
        ("token", "both"),
    ],
)
def test_a_field_that_is_wrong_is_named(field: str, value: object) -> None:
    with pytest.raises(Unauthorized) as caught:
        signature_of_fields(GOOD | {field: value})
    assert caught.value.details[0].field == field


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([*FIELDS, "x"]), st.from_type(object) | st.text()))
def test_whatever_comes_is_a_signature_or_refused(fields: dict[str, object]) -> None:
    try:
        assert isinstance(signature_of_fields(fields), Signature)
    except Unauthorized as refusal:
        assert refusal.details  # noqa: PT017 - either is right
