"""Wallets that sign: MetaMask's key and Phantom's, written out as they write."""

from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.accounts.wallets import libraries

DOMAIN = "exchange.example"
URL = f"https://{DOMAIN}"


class Signer(Protocol):
    """Somebody's wallet."""

    address: str
    kind: str

    def sign(self, text: str) -> str: ...


class Metamask:
    """A key of Ethereum."""

    kind = "ethereum"

    def __init__(self, secret: int | None = None) -> None:
        account = libraries.ethereum().account
        self.account: Any = (
            account.create() if secret is None else account.from_key(secret.to_bytes(32, "big"))
        )
        self.address: str = self.account.address

    def sign(self, text: str) -> str:
        signable = libraries.ethereum().signable(text=text)
        return f"0x{self.account.sign_message(signable).signature.hex().removeprefix('0x')}"


class Phantom:
    """A key of Solana."""

    kind = "solana"

    def __init__(self, key: Ed25519PrivateKey | None = None) -> None:
        self.key = key or Ed25519PrivateKey.generate()
        public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.address = libraries.solana().encoded(public).decode("ascii")

    def sign(self, text: str) -> str:
        return libraries.solana().encoded(self.key.sign(text.encode("ascii"))).decode("ascii")
