"""Somebody with an open account and a market, and keys of theirs."""

import pytest

from exchange.messages.commands import OpenAccount
from tests.gateway.accounts.api_keys.signer import Signer, make_key
from tests.gateway.conftest import Person, Web
from tests.persistence.running import listing

CREDITS = 1_000_000_000


@pytest.fixture
async def owner(web: Web) -> Person:
    person = await web.register()
    web.engine.run(listing())
    if person.id not in web.engine.view.accounts:
        web.engine.run(OpenAccount(person.id, CREDITS))
    return person


@pytest.fixture
async def ed25519(web: Web, owner: Person) -> Signer:
    return await make_key(web, owner)


@pytest.fixture
async def hmac(web: Web, owner: Person) -> Signer:
    return await make_key(web, owner, "hmac-sha256")
