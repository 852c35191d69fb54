"""What signs calls in tests: any part of what is signed or sent can be another one."""

import base64
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.gateway.conftest import Person, Web

KEYS = "/api/v1/users/me/api-keys"
_NONCES = itertools.count(1)


def now_ms() -> int:
    return int(time.time() * 1_000)


@dataclass
class Signer:
    """One key."""

    id: int
    name: str
    algorithm: str
    sign: Callable[[bytes], bytes]
    person: Person
    answer: dict[str, Any] = field(default_factory=dict)

    def text(self, method: str, path: str, **parts: Any) -> bytes:
        """The text that is signed, from its parts."""
        digest = hashlib.sha256(parts.get("body", b"")).hexdigest()
        lines = [
            "PROBITY-V1",
            parts.get("algorithm", self.algorithm),
            parts.get("name", self.name),
            str(parts["timestamp"]),
            str(parts["window"]),
            parts["nonce"],
            method,
            path,
            parts.get("query", ""),
            digest,
        ]
        return "\n".join(lines).encode()

    def headers(
        self,
        method: str,
        path: str,
        query: str = "",
        body: bytes = b"",
        *,
        timestamp: int | None = None,
        window: int | None = None,
        nonce: str | None = None,
        name: str | None = None,
        algorithm: str | None = None,
    ) -> dict[str, str]:
        """The headers of a call that is signed as it says."""
        parts = {
            "timestamp": now_ms() if timestamp is None else timestamp,
            "window": 5_000 if window is None else window,
            "nonce": nonce or f"nonce-{next(_NONCES):08d}",
            "name": name or self.name,
            "algorithm": algorithm or self.algorithm,
        }
        signature = self.sign(self.text(method, path, query=query, body=body, **parts))
        found = {
            "probity-key": str(parts["name"]),
            "probity-timestamp": str(parts["timestamp"]),
            "probity-nonce": str(parts["nonce"]),
            "probity-signature": base64.b64encode(signature).decode(),
        }
        return found if window is None else found | {"probity-window": str(window)}

    def auth(self, **parts: Any) -> dict[str, Any]:
        """The `auth` of a socket."""
        found = self.headers("SOCKET", "/ws", **parts)
        names = {"key": "apiKey"}
        short = {name.removeprefix("probity-"): value for name, value in found.items()}
        return {names.get(name, name): value for name, value in short.items()}

    async def call(
        self,
        client: httpx.AsyncClient,
        method: str,
        path: str,
        body: object = None,
        query: str = "",
        **parts: Any,
    ) -> httpx.Response:
        """Send a call below /api/v1 as it was signed."""
        path = f"/api/v1{path}"
        content = b"" if body is None else json.dumps(body).encode()
        headers = self.headers(method, path, query, content, **parts)
        return await send(client, method, path, headers, content, query)


async def send(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    headers: Any,
    content: bytes = b"",
    query: str = "",
) -> httpx.Response:
    """Send a call whatever its headers say."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    if content:
        pairs.append(("content-type", "application/json"))
    target = f"{path}?{query}" if query else path
    return await client.request(method, target, headers=pairs, content=content or None)


def hmac_signer(secret: str) -> Callable[[bytes], bytes]:
    return lambda text: hmac.digest(secret.encode(), text, "sha256")


async def make_key(web: Web, person: Person, algorithm: str = "ed25519", **changes: Any) -> Signer:
    """Make a key over REST, and what signs by it."""
    private = Ed25519PrivateKey.generate()
    body: dict[str, Any] = {
        "label": "bot",
        "algorithm": algorithm,
        "scopes": ["read", "trade"],
    }
    if algorithm == "ed25519":
        raw = private.public_key().public_bytes_raw()
        body["publicKey"] = base64.b64encode(raw).decode()
    answer = await web.client.post(KEYS, json=body | changes, headers=person.bearer)
    assert answer.status_code == 201, answer.text
    made = answer.json()["data"]
    data, secret = made["key"], made["secret"]
    sign = private.sign if secret is None else hmac_signer(secret)
    return Signer(int(data["id"]), data["apiKey"], algorithm, sign, person, data)
