"""A page is told which ways lead in, and nothing that isn't set up is among them."""

from pathlib import Path

import pytest

from gateway.accounts.wallets import libraries
from gateway.wire.errors import Unavailable
from tests.gateway.conftest import MakeWeb

WAYS = "/api/v1/auth/ways"


async def test_without_settings_there_are_wallets_alone(make_web: MakeWeb) -> None:
    web = await make_web()
    told = (await web.client.get(WAYS)).json()["data"]
    assert told == {
        "passkeys": False,
        "wallets": ["ethereum", "solana"],
        "providers": [],
        "mail": False,
        "demo": False,
    }


async def test_what_is_set_up_is_told(make_web: MakeWeb, tmp_path: Path) -> None:
    web = await make_web(
        FRONTEND_URL="https://exchange.example",
        SMTP_URL="log",
        X_CLIENT_ID="x",
        X_CLIENT_SECRET="secret",
        GOOGLE_CLIENT_ID="google",
        GOOGLE_CLIENT_SECRET="secret",
        DEMO_ACCOUNTS="on",
    )
    told = (await web.client.get(WAYS)).json()["data"]
    assert told["providers"] == ["x", "google"]
    assert (told["passkeys"], told["mail"], told["demo"]) == (True, True, True)


async def test_wallets_that_nothing_can_check_are_not_offered(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise Unavailable(libraries.NOT_INSTALLED, retry_after_seconds=1)

    monkeypatch.setattr(libraries, "require_installed", missing)
    web = await make_web()
    assert (await web.client.get(WAYS)).json()["data"]["wallets"] == []
