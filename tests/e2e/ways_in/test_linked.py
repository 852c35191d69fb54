"""X and Google over real HTTP, as stand-ins beside a real server: there, back, and trading."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.gateway.accounts.linked.conftest import settings_of
from tests.gateway.accounts.linked.elsewhere import Elsewhere
from tests.gateway.conftest import ASKED_BY_HAND
from tests.server_process import running_server


async def test_both_lead_back_to_an_account(tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = Elsewhere()
    data = tmp_path_factory.mktemp("linked") / "data"

    def signed_in(settings: dict[str, str]) -> list[Any]:
        with (
            running_server(data, settings) as server,
            httpx.Client(
                base_url=f"{server.url}/api/v1", timeout=30, headers=ASKED_BY_HAND
            ) as client,
        ):
            found: list[Any] = []
            code = ""
            for provider in ("x", "google", "x"):
                way = client.get(f"/auth/{provider}")
                assert way.status_code == 302, way.text
                told = elsewhere.approve(way.headers["location"])
                back = client.get(f"/auth/{provider}/callback", params=told)
                fragment = urlsplit(back.headers["location"]).fragment
                code = fragment.removeprefix("code=")
                answer = client.post("/auth/code", json={"code": code})
                assert answer.status_code == 200, (fragment, answer.text)
                assert client.post("/auth/code", json={"code": code}).status_code == 401
                found.append(answer.json()["data"])
            bearer = {"authorization": f"Bearer {found[0]['accessToken']}"}
            balance = client.get("/user/balance", headers=bearer)
            assert balance.is_success, balance.text
            assert code
            assert code not in server.log.read_text()
            return found

    async with elsewhere.stand_in().running() as served:
        elsewhere.url = served.url
        settings = {name: str(value) for name, value in settings_of(served.url).items()}
        first, other, again = await asyncio.to_thread(signed_in, settings)
    assert first["user"]["id"] == again["user"]["id"] != other["user"]["id"]
