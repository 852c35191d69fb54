"""A node of a chain that stands in for a real one: wallets that are contracts, and faults."""

import json
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.accounts.wallets import libraries
from tests.gateway.accounts.wallets.signers import Metamask
from tests.venues.stand_in import StandIn, answer

MAGIC = "1626ba7e"


@dataclass
class ContractWallet:
    """A wallet that is a contract: its owner's key signs for it, with a byte more in front."""

    address: str
    owner: Metamask
    kind: str = "ethereum"

    def sign(self, text: str) -> str:
        return f"0x01{self.owner.sign(text)[2:]}"


@dataclass
class Node:
    """What is on the chain."""

    contracts: dict[str, ContractWallet] = field(default_factory=dict)
    told: Any = None
    """What is answered in the place of what is true."""

    def stand_in(self) -> StandIn:
        return StandIn({"/rpc/key": self._rpc})

    async def _rpc(self, request: Request) -> Response:
        question = json.loads(await request.body())
        assert (question["jsonrpc"], question["method"]) == ("2.0", "eth_call")
        call, block = question["params"]
        assert block == "latest"
        told = self.told or self._called(call["to"], bytes.fromhex(call["data"][2:]))
        return answer(json.dumps({"jsonrpc": "2.0", "id": question["id"], **told}).encode())

    def _called(self, address: str, data: bytes) -> dict[str, Any]:
        contract = self.contracts.get(address)
        if contract is None:
            return {"result": "0x"}  # there is no code
        assert data[:4].hex() == MAGIC
        digest, offset = data[4:36], int.from_bytes(data[36:68], "big")
        length = int.from_bytes(data[4 + offset : 36 + offset], "big")
        signature = data[36 + offset : 36 + offset + length]
        assert len(data) == 36 + offset + -(-length // 32) * 32
        if signature[:1] != b"\x01":
            return {"error": {"code": 3, "message": "execution reverted", "data": "0x"}}
        recover = libraries.ethereum().account._recover_hash
        recovered = recover(digest, signature=signature[1:])
        is_owner = recovered == contract.owner.address
        return {"result": "0x" + (MAGIC if is_owner else "ffffffff") + "0" * 56}
