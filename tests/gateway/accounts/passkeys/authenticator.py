"""A software authenticator: it makes passkeys and signs with them, as WebAuthn Level 3 says.

What an attack needs to say wrong can be said wrong: the origin, the domain, the flags, the count.
"""

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

ORIGIN = "https://app.example.org"
DOMAIN = "app.example.org"
ES256, EDDSA, RS256 = -7, -8, -257
UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def new_key(algorithm: int) -> PrivateKey:
    if algorithm == ES256:
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == EDDSA:
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def cose_key(key: PrivateKey) -> dict[int, Any]:
    """The public key as authenticators write it (RFC 9053)."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        point = key.public_key().public_numbers()
        x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
        return {1: 2, 3: ES256, -1: 1, -2: x, -3: y}
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return {1: 1, 3: EDDSA, -1: 6, -2: key.public_key().public_bytes_raw()}
    numbers = key.public_key().public_numbers()
    return {1: 3, 3: RS256, -1: numbers.n.to_bytes(256, "big"), -2: numbers.e.to_bytes(3, "big")}


def signed(key: PrivateKey, text: bytes) -> bytes:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(text, ec.ECDSA(SHA256()))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(text)
    return key.sign(text, padding.PKCS1v15(), SHA256())


@dataclass
class Authenticator:
    """A device with one passkey."""

    algorithm: int = ES256
    counts: bool = True
    origin: str = ORIGIN
    domain: str = DOMAIN
    flags: int = UP | UV
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    count: int = 0
    handle: bytes = b""
    key: PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        self.key = new_key(self.algorithm)

    def create(
        self,
        options: dict[str, Any],
        *,
        client: dict[str, Any] | None = None,
        fmt: str = "none",
        statement: dict[str, Any] | None = None,
        public_key: dict[int, Any] | None = None,
    ) -> dict[str, Any]:
        """Answer `navigator.credentials.create`."""
        self.handle = decoded(options["user"]["id"])
        data = self._client_data("webauthn.create", options["challenge"], client)
        key = cbor2.dumps(cose_key(self.key) if public_key is None else public_key)
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + key
        attestation = {
            "fmt": fmt,
            "attStmt": statement or {},
            "authData": self._data(AT) + attested,
        }
        response = {
            "clientDataJSON": encoded(data),
            "attestationObject": encoded(cbor2.dumps(attestation)),
            "transports": ["internal", "hybrid", "smoke-signals"],
            "publicKeyAlgorithm": self.algorithm,
        }
        return self._answer(response)

    def get(
        self,
        options: dict[str, Any],
        *,
        client: dict[str, Any] | None = None,
        handle: bytes | None = None,
    ) -> dict[str, Any]:
        """Answer `navigator.credentials.get`."""
        self.count += self.counts
        data = self._client_data("webauthn.get", options["challenge"], client)
        says = self._data(0)
        response = {
            "clientDataJSON": encoded(data),
            "authenticatorData": encoded(says),
            "signature": encoded(signed(self.key, says + hashlib.sha256(data).digest())),
            "userHandle": encoded(self.handle if handle is None else handle),
        }
        return self._answer(response)

    def _client_data(self, kind: str, challenge: str, changes: dict[str, Any] | None) -> bytes:
        data = {
            "type": kind,
            "challenge": challenge,
            "origin": self.origin,
            "crossOrigin": False,
            **(changes or {}),
        }
        return json.dumps(data).encode()

    def _data(self, more: int) -> bytes:
        flags = (self.flags | more).to_bytes(1, "big")
        return hashlib.sha256(self.domain.encode()).digest() + flags + self.count.to_bytes(4, "big")

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        name = encoded(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {"credProps": {"rk": True}},
            "response": response,
        }
