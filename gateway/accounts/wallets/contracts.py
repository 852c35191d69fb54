"""Wallets that are contracts (EIP-1271): a node of the chain is asked if they take a signature.

Laws: only a node that the operator has named is asked, with one call that changes nothing. Yes is
the standard's four bytes and nothing else; a call that reverts is no. A node that doesn't answer
well is nobody's word: nobody is signed in, and whoever waits is told to try again.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.outbound.asking import Outbound, OutboundFailed
from gateway.wire.errors import Unavailable

_MAGIC: Final = "1626ba7e"
"""Both the function's selector and what it returns."""
_WORD: Final = 32
_REVERTED: Final = (3, -32015)
NODE_FAILED: Final = "The chain's node doesn't answer as it should; try again in a moment"


class _Failure(msgspec.Struct, frozen=True):
    code: int
    message: str = ""


class _Answer(msgspec.Struct, frozen=True):
    result: str | None = None
    error: _Failure | None = None


_ANSWER: Final = msgspec.json.Decoder(_Answer)


class Contracts:
    """Asks contracts."""

    def __init__(self, nodes: Mapping[str, str], outbound: Outbound) -> None:
        """Ask the nodes of these chains, by their numbers."""
        self._nodes = nodes
        self._outbound = outbound

    async def takes(self, chain: str, address: str, digest: bytes, signature: bytes) -> bool:
        """Say whether the contract at an address takes a signature of `digest` (32 bytes).

        False where no node of the chain is known. Raises Unavailable.
        """
        url = self._nodes.get(chain)
        if url is None:
            return False
        call = {"to": address, "data": call_data(digest, signature)}
        question = {"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [call, "latest"]}
        try:
            answer = await self._outbound.ask("POST", url, json=question)
            if not answer.is_good:
                raise Unavailable(NODE_FAILED)
            told = _ANSWER.decode(answer.body)
        except (OutboundFailed, msgspec.MsgspecError, RecursionError):
            raise Unavailable(NODE_FAILED) from None
        return _is_yes(told)


def call_data(digest: bytes, signature: bytes) -> str:
    """Return the call of `isValidSignature(bytes32, bytes)` as a node takes it."""
    words: list[Any] = [digest, (2 * _WORD).to_bytes(_WORD, "big")]
    words.append(len(signature).to_bytes(_WORD, "big"))
    words.append(signature + bytes(-len(signature) % _WORD))
    return f"0x{_MAGIC}{b''.join(words).hex()}"


def _is_yes(told: _Answer) -> bool:
    if told.error is not None:
        if told.error.code in _REVERTED or "revert" in told.error.message.lower():
            return False
        raise Unavailable(NODE_FAILED)
    if told.result is None:
        raise Unavailable(NODE_FAILED)
    return told.result.lower() == f"0x{_MAGIC}{'0' * 56}"
