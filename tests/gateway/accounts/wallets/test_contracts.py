"""Wallets that are contracts, asked about at a node that stands in for a real one."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.accounts.wallets.contracts import call_data
from gateway.accounts.wallets.settings import WalletSettings
from gateway.settings.reader import read_area
from tests.gateway.accounts.wallets.node import ContractWallet, Node
from tests.gateway.accounts.wallets.signers import Metamask
from tests.gateway.accounts.wallets.test_wallets import (
    SIGN_IN,
    call,
    message,
    proof,
    refusal,
    sign_in,
)
from tests.gateway.conftest import MakeWeb, Web
from tests.venues.stand_in import Fault, StandIn, patience_s

SAFE = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


@dataclass
class Chain:
    """The exchange, and the node that it asks."""

    web: Web
    node: Node
    served: StandIn
    safe: ContractWallet


@pytest.fixture
async def chain(make_web: MakeWeb, request: pytest.FixtureRequest) -> AsyncIterator[Chain]:
    node = Node()
    safe = node.contracts[SAFE] = ContractWallet(SAFE, Metamask())
    async with node.stand_in().running() as served:
        web = await make_web(
            ETHEREUM_CHAINS="1,137",
            ETHEREUM_RPC_URL=f"1={served.url}/rpc/key",
            ETHEREUM_RPC_TIMEOUT_SECONDS=patience_s(request),
        )
        yield Chain(web, node, served, safe)


async def test_a_contract_signs_in_by_its_owner(chain: Chain) -> None:
    ann = await sign_in(chain.web, chain.safe)
    assert (await sign_in(chain.web, chain.safe)).id == ann.id
    # A key signs as ever, and nobody is asked about it.
    asked = chain.served.asked("/rpc/key")
    await sign_in(chain.web, Metamask())
    assert chain.served.asked("/rpc/key") == asked == 2


@pytest.mark.parametrize("stranger", ["another owner", "no code", "reverts", "another chain"])
async def test_what_a_contract_does_not_take(chain: Chain, stranger: str) -> None:
    text = await message(chain.web, chain.safe)
    signature = chain.safe.sign(text)
    if stranger == "another owner":
        signature = ContractWallet(SAFE, Metamask()).sign(text)
    elif stranger == "no code":
        del chain.node.contracts[SAFE]
    elif stranger == "reverts":
        signature = f"0x02{signature[4:]}"
    else:
        text = text.replace("Chain ID: 1", "Chain ID: 137")
        signature = chain.safe.sign(text)
    answer = await call(chain.web, "POST", SIGN_IN, {"message": text, "signature": signature})
    assert refusal(answer) == (401, "UNAUTHORIZED", ["signature"])


async def test_without_a_node_no_contract_is_believed(make_web: MakeWeb) -> None:
    web = await make_web()
    answer = await call(web, "POST", SIGN_IN, await proof(web, ContractWallet(SAFE, Metamask())))
    assert refusal(answer) == (401, "UNAUTHORIZED", ["signature"])


def test_contracts_are_of_one_chain() -> None:
    """At the same address of another one may be somebody else's, who would be let in as them."""
    named = {"ETHEREUM_RPC_URL": "1=https://one.example/key,137=https://two.example/key"}
    _, [wrong] = read_area(WalletSettings, named)
    assert str(wrong) == (
        "ETHEREUM_RPC_URL: must name one chain: on another one the same address may be somebody"
        " else's"
    )
    settings, _ = read_area(WalletSettings, {"ETHEREUM_RPC_URL": "137=https://two.example/key"})
    assert settings is not None
    assert settings.nodes == {"137": "https://two.example/key"}


BAD = (
    Fault.SERVER_ERROR,
    Fault.SILENCE,
    Fault.DRIPPING,
    Fault.HALF_BODY,
    Fault.NOT_JSON,
    Fault.NOT_UTF8,
    Fault.TOO_DEEP,
    Fault.TOO_LARGE,
    Fault.GZIP_BOMB,
    Fault.REDIRECT,
    Fault.REFUSED,
)


@pytest.mark.parametrize("fault", BAD, ids=lambda fault: fault.name)
async def test_a_node_that_fails_is_nobodys_word(chain: Chain, fault: Fault) -> None:
    chain.served.fail(fault)
    answer = await call(chain.web, "POST", SIGN_IN, await proof(chain.web, chain.safe))
    assert refusal(answer)[:2] == (503, "UNAVAILABLE")
    assert await chain.web.parts.pool.fetchval("SELECT count(*) FROM users") == 0
    await sign_in(chain.web, chain.safe)


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"result": "0x1626ba7e"}, 401),
        ({"result": "0x" + "1626ba7e".zfill(64)}, 401),
        ({"result": "0x1626ba7e" + "0" * 55 + "1"}, 401),
        ({"result": "0x1626ba7e" + "0" * 120}, 401),
        ({"result": None}, 503),
        ({"result": 7}, 503),
        ({"error": {"code": -32000, "message": "execution reverted: no"}}, 401),
        ({"error": {"code": -32005, "message": "limit exceeded"}}, 503),
        ({"error": "no"}, 503),
        ({"result": "0x1626ba7e" + "0" * 56, "error": {"code": -32000, "message": "x"}}, 503),
    ],
)
async def test_only_the_standards_yes_is_one(chain: Chain, told: Any, status: int) -> None:
    chain.node.told = told
    answer = await call(chain.web, "POST", SIGN_IN, await proof(chain.web, chain.safe))
    assert answer.status_code == status, answer.text


async def test_a_node_that_is_gone(make_web: MakeWeb) -> None:
    web = await make_web(ETHEREUM_RPC_URL="1=http://127.0.0.1:9/key")
    safe = ContractWallet(SAFE, Metamask())
    answer = await call(web, "POST", SIGN_IN, await proof(web, safe))
    assert answer.status_code == 503
    assert "127.0.0.1" not in answer.text + web.log.getvalue()
    # Keys need no node.
    await sign_in(web, Metamask())


def test_the_call_is_as_the_contract_reads_it() -> None:
    assert call_data(bytes(range(32)), b"\xaa" * 33) == (
        "0x1626ba7e"
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        "0000000000000000000000000000000000000000000000000000000000000040"
        "0000000000000000000000000000000000000000000000000000000000000021" + "aa" * 33 + "00" * 31
    )
