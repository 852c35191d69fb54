"""Which chains' wallets may sign in, and who is asked about contracts.

Laws: a wallet is known by its address alone, which is that of one key on every chain, but not of
one contract: somebody else may have put theirs at the same address of another chain. So contracts
are those of one chain.
"""

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final

from gateway.settings.reader import Area, setting
from gateway.settings.values import duration, http_url, listed, whole

_CHAIN: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_CLUSTERS: Final = ("mainnet", "testnet", "devnet", "localnet")


def chains(value: str) -> tuple[str, ...]:
    """Return the numbers of chains (EIP-155), each once."""
    found = listed(value)
    if any(_CHAIN.fullmatch(chain) is None for chain in found) or len(set(found)) != len(found):
        raise ValueError("must be numbers of chains with commas between, such as 1,137")
    return found


def clusters(value: str) -> tuple[str, ...]:
    """Return the names of Solana's clusters, each once."""
    found = listed(value)
    if not set(found) <= set(_CLUSTERS) or len(set(found)) != len(found):
        raise ValueError(f"must be of {', '.join(_CLUSTERS)}, with commas between")
    return found


def nodes(value: str) -> Mapping[str, str]:
    """Return the URL of a chain's node; no URL is ever shown, as it may hold a key."""
    found: dict[str, str] = {}
    for part in listed(value):
        chain, _, url = part.partition("=")
        if _CHAIN.fullmatch(chain) is None:
            raise ValueError("must be 1=https://node.example.org/key")
        if found:
            raise ValueError(
                "must name one chain: on another one the same address may be somebody else's"
            )
        found[chain] = http_url(url)
    return found


class WalletSettings(Area, frozen=True, kw_only=True):
    """Wallets; what signatures need comes with the extra probity[wallets]."""

    TITLE: ClassVar[str] = "Wallets"

    chains: Annotated[
        tuple[str, ...],
        setting("ETHEREUM_CHAINS", "1", chains, "Chains whose wallets may sign in, by number."),
    ]
    clusters: Annotated[
        tuple[str, ...],
        setting("SOLANA_CLUSTERS", "mainnet", clusters, "The same of Solana, by name."),
    ]
    nodes: Annotated[
        Mapping[str, str],
        setting(
            "ETHEREUM_RPC_URL",
            "",
            nodes,
            "1=https://node.example.org/key: asked whether a contract of that chain takes a"
            " signature (EIP-1271); unset: none does.",
        ),
    ]
    node_timeout_seconds: Annotated[
        int,
        setting("ETHEREUM_RPC_TIMEOUT_SECONDS", "5", whole(1, 60), "How long one question takes."),
    ]
    per_user: Annotated[
        int, setting("WALLETS_PER_USER", "10", whole(1, 1_000), "Wallets of one account.")
    ]
    nonce_expires_in: Annotated[
        int,
        setting(
            "WALLET_NONCE_EXPIRES_IN", "5m", duration, "How long a message waits for its signature."
        ),
    ]
