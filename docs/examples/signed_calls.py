"""Call Probity with an API key: signed REST calls, and a socket that is signed in by one.

    pip install cryptography httpx "python-socketio[asyncio-client]"
    PROBITY_KEY=pk_... PROBITY_SECRET=... python signed_calls.py http://localhost:8080 rain
    PROBITY_KEY=pk_... PROBITY_PRIVATE_KEY=key.pem python signed_calls.py http://localhost:8080 rain

Laws: the text that is signed holds the bytes that are sent, so body and query are made once and
used for both; every call has a nonce of its own, a repeat too. It places an order in the market
that is named, at a price that nobody takes, sees it over a socket, and cancels it.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import socketio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

Signs = Callable[[bytes], bytes]


def ed25519(pem: bytes) -> Signs:
    """Return what signs with a private key."""
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError("not an Ed25519 key")
    return key.sign


def hmac_sha256(secret: str) -> Signs:
    """Return what signs with a secret as Probity has shown it."""
    return lambda text: hmac.digest(secret.encode(), text, "sha256")


class SignedApi:
    """REST and sockets by one key."""

    def __init__(self, url: str, key: str, algorithm: str, sign: Signs) -> None:
        self.url, self.key, self.algorithm, self.sign = url, key, algorithm, sign
        self.client = httpx.AsyncClient(base_url=url, timeout=5)
        self.ahead_ms = 0  # of the server's clock to ours

    def signed(self, method: str, path: str, query: str = "", body: bytes = b"") -> dict[str, str]:
        """Return what says who calls: time stamp, nonce and signature."""
        timestamp = str(int(time.time() * 1_000) + self.ahead_ms)
        window, nonce = "5000", secrets.token_urlsafe(12)
        digest = hashlib.sha256(body).hexdigest()
        who = ["PROBITY-V1", self.algorithm, self.key, timestamp, window, nonce]
        text = "\n".join([*who, method, path, query, digest])
        signature = base64.b64encode(self.sign(text.encode())).decode()
        return {"timestamp": timestamp, "window": window, "nonce": nonce, "signature": signature}

    async def call(
        self, method: str, path: str, body: object = None, **query: str
    ) -> dict[str, Any]:
        """Call a route below /api/v1 and return its data."""
        path, search = f"/api/v1{path}", urlencode(query)
        content = b"" if body is None else json.dumps(body).encode()
        signed = self.signed(method, path, search, content)
        headers = {"Probity-Key": self.key, "Content-Type": "application/json"}
        headers |= {f"Probity-{name.capitalize()}": value for name, value in signed.items()}
        target = f"{path}?{search}" if search else path
        answer = await self.client.request(method, target, content=content, headers=headers)
        if answer.is_error:
            raise RuntimeError(answer.json()["error"]["message"])
        data: dict[str, Any] = answer.json()["data"]
        return data

    async def set_clock(self) -> None:
        """Learn how far the server's clock is ahead; a call is taken within 5 s of its time."""
        answer = await self.client.get("/api/v1/time")
        self.ahead_ms = answer.json()["data"]["milliseconds"] - int(time.time() * 1_000)

    def socket_auth(self) -> dict[str, str]:
        """Return the `auth` of a socket; each connection needs another."""
        return {"apiKey": self.key, **self.signed("SOCKET", "/ws")}


def api_of_environment(url: str) -> SignedApi:
    """Return what calls by the key that the environment names."""
    key, secret = os.environ["PROBITY_KEY"], os.environ.get("PROBITY_SECRET")
    if secret is not None:
        return SignedApi(url, key, "hmac-sha256", hmac_sha256(secret))
    pem = Path(os.environ["PROBITY_PRIVATE_KEY"]).read_bytes()
    return SignedApi(url, key, "ed25519", ed25519(pem))


async def main(url: str, market: str) -> None:
    """Trade a little, and say what is heard."""
    api = api_of_environment(url)
    await api.set_clock()
    socket, heard = socketio.AsyncClient(), asyncio.Event()
    socket.on("order_placed", lambda _order: heard.set())
    # A function: the library asks it anew for each connection, after a broken one as well.
    await socket.connect(
        url, auth=api.socket_auth, transports=["websocket"], socketio_path="/socket.io"
    )
    terms = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.01", "quantity": "1"}
    placed = await api.call("POST", f"/orders/{market}", terms)
    await asyncio.wait_for(heard.wait(), 5)
    order = placed["order"]["id"]
    print("placed", order, "and heard of it")
    cancelled = await api.call("DELETE", "/orders", market=market)
    print("cancelled", cancelled["cancelled"])
    print("available", (await api.call("GET", "/user/balance"))["available"])
    await socket.disconnect()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
