"""Somebody with passkeys: how they are made and used over the API."""

from typing import Any

import httpx

from tests.gateway.accounts.passkeys.authenticator import Authenticator
from tests.gateway.accounts.second_factor.app import API, call, data
from tests.gateway.conftest import Person, Web

PASSKEYS = f"{API}/auth/2fa/passkeys"
SIGN_IN = f"{API}/auth/passkeys"
PAGE = {"FRONTEND_URL": "https://app.example.org/terminal"}


async def creation_options(web: Web, person: Person) -> dict[str, Any]:
    found = await data(web, "POST", f"{PASSKEYS}/options", person)
    options: dict[str, Any] = found["publicKey"]
    return options


async def add(web: Web, person: Person, device: Authenticator, label: str = "phone") -> Any:
    """Make a passkey; return what was answered."""
    answer = device.create(await creation_options(web, person))
    return await data(web, "POST", PASSKEYS, person, {"label": label, "passkey": answer})


async def sign_in_options(web: Web) -> dict[str, Any]:
    options: dict[str, Any] = (await data(web, "POST", f"{SIGN_IN}/options"))["publicKey"]
    return options


async def sign_in(web: Web, device: Authenticator) -> httpx.Response:
    """Sign in with nothing but the passkey."""
    answer = device.get(await sign_in_options(web))
    return await call(web, "POST", SIGN_IN, body={"passkey": answer})
