"""Whether a wallet has signed a text: by its key, or by the contract that it is.

    Ethereum   0x and 65 bytes: r, s, v (EIP-191); or what its contract takes (EIP-1271)
    Solana     64 bytes of Ed25519 in base58, over the text as it is

Laws: an address has one way to be written (EIP-55; base58 of 32 bytes that are a key), so that no
wallet is two. A signature has one, too: s in the lower half, v 27 or 28 (0 or 1 as some write it).
All of this is arithmetic in Python: in a thread, a few at a time, addresses in turn.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Final, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.accounts.api_keys.curve import flaw_of
from gateway.accounts.passwords.fair_queue import FairQueue
from gateway.accounts.wallets import libraries
from gateway.accounts.wallets.contracts import Contracts
from gateway.accounts.wallets.messages import FIELD, Kind, SignInMessage
from gateway.accounts.wallets.terms import DoesNotHold
from gateway.wire.errors import ValidationFailed

T = TypeVar("T")

SIGNATURE: Final = "signature"
SIGNATURE_LENGTH: Final = 4_098
"""0x and 2048 bytes: contracts of several owners take several signatures."""
AT_ONCE: Final = 2
WAITING: Final = 64
_HEX: Final = re.compile(r"0x(?:[0-9A-Fa-f]{2}){1,2048}", re.ASCII)
_KEY_BYTES: Final = 32
_ED25519_BYTES: Final = 64
_ECDSA_BYTES: Final = 65
_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of secp256k1."""
_NOT_THEIRS: Final = "is not that of the message by its address"


class Signatures:
    """Checks signatures."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        self._queue = FairQueue(at_once=AT_ONCE, waiting=WAITING)

    async def written(self, kind: Kind, address: str, field: str) -> str:
        """Return an address as messages write it; Ethereum's may come all in lower case.

        Raises ValidationFailed naming `field` for one that isn't written rightly.
        """
        if kind is Kind.ETHEREUM:
            return await asyncio.to_thread(_written_ethereum, address, field)
        await asyncio.to_thread(_key_of_solana, address, field)
        return address

    async def check(
        self, message: SignInMessage, text: str, signature: str, asked_from: str
    ) -> None:
        """Raise DoesNotHold if `text` isn't signed by its address, ValidationFailed for a form.

        Raises RateLimited if too many wait, Unavailable where the libraries or a node are missing.
        """
        if message.kind is Kind.SOLANA:
            await self._in_turn(asked_from, _check_solana, message.address, text, signature)
            return
        digest = await self._in_turn(
            asked_from, _check_ethereum_key, message.address, text, signature
        )
        if digest is None:
            return
        # A node may be slow: nobody waits behind it.
        raw = bytes.fromhex(signature[2:])
        if not await self._contracts.takes(message.chain, message.address, digest, raw):
            raise DoesNotHold(SIGNATURE, _NOT_THEIRS)

    async def _in_turn(
        self, asked_from: str, check: Callable[[str, str, str], T], *texts: str
    ) -> T:
        """Do a check in a thread when it is the turn of the address that asks."""
        await self._queue.enter(asked_from)
        try:
            return await asyncio.to_thread(check, *texts)
        finally:
            self._queue.leave()


def _written_ethereum(address: str, field: str) -> str:
    if address == address.lower():  # as wallets tell pages: it claims no checksum
        return libraries.ethereum().checksummed(address)
    _check_ethereum(address, field)
    return address


def _check_ethereum(address: str, field: str) -> None:
    if libraries.ethereum().checksummed(address) != address:
        raise ValidationFailed.of(field, "must be an address in upper and lower case (EIP-55)")


def _check_ethereum_key(address: str, text: str, signature: str) -> bytes | None:
    """Return None if the address's key has signed; else what its contract would have to take."""
    if _HEX.fullmatch(signature) is None:
        raise ValidationFailed.of(SIGNATURE, "must be 0x and up to 2048 bytes in hexadecimal")
    _check_ethereum(address, FIELD)
    known = libraries.ethereum()
    signable = known.signable(text=text)
    raw = bytes.fromhex(signature[2:])
    plain = _plain(raw)
    if plain is not None:
        try:
            if known.account.recover_message(signable, signature=plain) == address:
                return None
        except Exception:  # noqa: BLE001, S110 - the library raises many kinds: it is no signature
            pass
    return known.keccak(b"\x19" + signable.version + signable.header + signable.body)


def _plain(raw: bytes) -> bytes | None:
    """Return r, s, v in the one way they are written, None for what is no such signature."""
    if len(raw) != _ECDSA_BYTES:
        return None
    r, s, v = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big"), raw[64]
    if not 0 < r < _ORDER or not 0 < s <= _ORDER // 2 or v not in {0, 1, 27, 28}:
        return None
    return raw[:64] + bytes([v % 27 + 27])


def _key_of_solana(address: str, field: str) -> bytes:
    known = libraries.solana()
    try:
        raw = known.decoded(address)
    except ValueError:
        raw = b""
    if len(raw) != _KEY_BYTES or known.encoded(raw).decode("ascii") != address:
        raise ValidationFailed.of(field, f"must be the base58 of {_KEY_BYTES} bytes")
    if flaw_of(raw) is not None:
        # An address without a key (a program's) signs nothing; one that all can sign for neither.
        raise ValidationFailed.of(field, "is an address that no key signs for")
    return raw


def _check_solana(address: str, text: str, signature: str) -> None:
    key = _key_of_solana(address, FIELD)
    known = libraries.solana()
    try:
        raw = known.decoded(signature) if len(signature) <= 2 * _ED25519_BYTES else b""
    except ValueError:
        raw = b""
    if len(raw) != _ED25519_BYTES or known.encoded(raw).decode("ascii") != signature:
        raise ValidationFailed.of(SIGNATURE, f"must be the base58 of {_ED25519_BYTES} bytes")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(raw, text.encode("ascii"))
    except InvalidSignature:
        raise DoesNotHold(SIGNATURE, _NOT_THEIRS) from None
