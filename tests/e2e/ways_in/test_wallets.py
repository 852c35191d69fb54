"""Wallets over real HTTP: they sign in and trade."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.gateway.accounts.wallets.node import ContractWallet, Node
from tests.gateway.accounts.wallets.signers import Metamask, Phantom, Signer
from tests.gateway.conftest import ASKED_BY_HAND
from tests.server_process import ServerProcess, running_server

SAFE = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    settings = {"FRONTEND_URL": "https://exchange.example"}
    with running_server(tmp_path_factory.mktemp("ways") / "data", settings) as made:
        yield made


@pytest.fixture
def client(server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.url}/api/v1", timeout=30, headers=ASKED_BY_HAND) as made:
        yield made


def proof(client: httpx.Client, signer: Signer) -> dict[str, str]:
    told = client.get("/auth/wallet/nonce", params={"address": signer.address}).json()["data"]
    return {"message": told["message"], "signature": signer.sign(told["message"])}


def sign_in(client: httpx.Client, signer: Signer) -> Any:
    answer = client.post("/auth/wallet", json=proof(client, signer))
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


@pytest.mark.parametrize("kind", [Metamask, Phantom])
def test_a_wallet_signs_in_and_trades(
    server: ServerProcess, client: httpx.Client, kind: type[Signer]
) -> None:
    signer = kind()
    server.market(f"by-{signer.kind}")
    told = sign_in(client, signer)
    bearer = {"authorization": f"Bearer {told['accessToken']}"}
    order = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.4", "quantity": "1"}
    placed = client.post(f"/orders/by-{signer.kind}", json=order, headers=bearer)
    assert placed.is_success, placed.text
    renewed = client.post("/auth/refresh")
    assert renewed.json()["data"]["user"]["id"] == told["user"]["id"]
    # A body that is far too deep ends nothing, whatever the libraries did to the process.
    for deep in (b"[" * 60_000, b'{"message":' * 3_500):
        headers = {"content-type": "application/json"}
        answer = client.post("/auth/wallet", content=deep, headers=headers)
        assert answer.status_code == 400
        assert answer.json()["error"]["details"][0]["field"] == "body"
    assert sign_in(client, signer)["user"]["id"] == told["user"]["id"]


async def test_a_contract_is_asked_at_its_node(tmp_path_factory: pytest.TempPathFactory) -> None:
    node = Node()
    safe = node.contracts[SAFE] = ContractWallet(SAFE, Metamask())

    def signed_in(settings: dict[str, str]) -> Any:
        data = tmp_path_factory.mktemp("contracts") / "data"
        with (
            running_server(data, settings) as server,
            httpx.Client(
                base_url=f"{server.url}/api/v1", timeout=30, headers=ASKED_BY_HAND
            ) as client,
        ):
            return sign_in(client, safe)

    async with node.stand_in().running() as served:
        settings = {"ETHEREUM_RPC_URL": f"1={served.url}/rpc/key"}
        told = await asyncio.to_thread(signed_in, settings)
    assert told["user"]["email"] is None
