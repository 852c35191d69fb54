"""The text that a wallet signs (EIP-4361), read strictly and written; the same for Solana.

    exchange.example wants you to sign in with your Ethereum account:
    0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2
    <empty line>
    Sign in to Probity.
    <empty line>
    URI: https://exchange.example
    Version: 1
    Chain ID: 1
    Nonce: 32891756bcd9f0
    Issued At: 2026-01-31T12:00:00Z
    Expiration Time: 2026-01-31T12:05:00Z      these four, and resources, needn't be there
    Not Before: ...
    Request ID: ...
    Resources:
    - https://...

Laws: what is signed is bytes, so a message is taken as it came or not at all: nothing is trimmed,
guessed or put right. It is ASCII and of bounded length, each line at its place and once. Without a
statement there are two empty lines, on Solana also one, as its wallets write it. What a message
says is `terms.py`'s to judge.
"""

import enum
import re
from typing import Final

import msgspec

from gateway.wire.errors import ValidationFailed
from gateway.wire.scalars import iso_millis, parse_time

FIELD: Final = "message"
MESSAGE_LENGTH: Final = 2_000
VERSION: Final = "1"
NONCE_LENGTH: Final = (8, 64)
RESOURCES_MAX: Final = 10
_SHAPE: Final = (
    "is no EIP-4361 message; GET /auth/wallet/nonce?address=...&chainId=... writes one to be signed"
)


class Kind(enum.Enum):
    """Whose form an address has."""

    ETHEREUM = "ethereum"
    SOLANA = "solana"


_NAMES: Final = {"Ethereum": Kind.ETHEREUM, "Solana": Kind.SOLANA}
_ADDRESS: Final = {
    Kind.ETHEREUM: re.compile(r"0x[0-9A-Fa-f]{40}", re.ASCII),
    Kind.SOLANA: re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}", re.ASCII),
}
_CHAIN: Final = {
    Kind.ETHEREUM: re.compile(r"[1-9][0-9]{0,18}", re.ASCII),
    Kind.SOLANA: re.compile(r"(solana:)?[a-z]{1,20}", re.ASCII),
}
ADDRESS_PATTERN: Final = f"^({'|'.join(form.pattern for form in _ADDRESS.values())})$"
CHAIN_PATTERN: Final = f"^({'|'.join(form.pattern for form in _CHAIN.values())})$"
_MESSAGE: Final = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30})://)?(?P<domain>[A-Za-z0-9.:\[\]-]{1,255})"
    r" wants you to sign in with your (?P<name>Ethereum|Solana) account:\n"
    r"(?P<address>[0-9A-Za-z]{32,44})\n"
    r"(?P<between>\n(?P<statement>[ -~]{1,500})\n\n|\n\n|\n)"
    r"URI: (?P<uri>[!-~]{1,300})\n"
    r"Version: (?P<version>[0-9]{1,3})\n"
    r"Chain ID: (?P<chain>[0-9A-Za-z:]{1,40})\n"
    r"Nonce: (?P<nonce>[0-9A-Za-z]{8,64})\n"
    r"Issued At: (?P<issued>[0-9TZ:.+-]{20,40})"
    r"(?:\nExpiration Time: (?P<expires>[0-9TZ:.+-]{20,40}))?"
    r"(?:\nNot Before: (?P<begins>[0-9TZ:.+-]{20,40}))?"
    r"(?:\nRequest ID: (?P<request>[!-~]{0,100}))?"
    rf"(?P<resources>\nResources:(?:\n- [!-~]{{1,300}}){{0,{RESOURCES_MAX}}})?",
    re.ASCII,
)
_FINER: Final = re.compile(r"(\.[0-9]{3})[0-9]{1,6}(?=Z|[+-])", re.ASCII)
"""What a time has past its milliseconds."""


class SignInMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says; times in microseconds since the epoch."""

    kind: Kind
    scheme: str | None = None
    domain: str
    address: str
    """As it stands there; whether it is written rightly is `signatures.py`'s to say."""
    statement: str | None = None
    uri: str
    version: str = VERSION
    chain: str
    """A number, or the name of one of Solana's clusters."""
    nonce: str
    issued_at: int
    expires_at: int | None = None
    not_before: int | None = None
    request_id: str | None = None
    resources: tuple[str, ...] | None = None


def kind_of(address: str, field: str) -> Kind:
    """Return whose form an address has; raises ValidationFailed naming `field`."""
    for kind, form in _ADDRESS.items():
        if form.fullmatch(address) is not None:
            return kind
    raise ValidationFailed.of(field, "must be an address of Ethereum (0x...) or Solana (base58)")


def require_chain(chain: str, field: str) -> None:
    """Raise ValidationFailed naming `field` for what names no chain."""
    if all(form.fullmatch(chain) is None for form in _CHAIN.values()):
        raise ValidationFailed.of(field, "must be the number of a chain, or a name of Solana's")


def parse(text: str) -> SignInMessage:
    """Return what a message says; raises ValidationFailed naming `message`.

    O(length of the text), which is bounded.
    """
    found = _MESSAGE.fullmatch(text) if len(text) <= MESSAGE_LENGTH else None
    if found is None:
        raise ValidationFailed.of(FIELD, _SHAPE)
    kind = _NAMES[found["name"]]
    if _ADDRESS[kind].fullmatch(found["address"]) is None:
        raise ValidationFailed.of(FIELD, f"holds no address of {found['name']}")
    if _CHAIN[kind].fullmatch(found["chain"]) is None:
        raise ValidationFailed.of(FIELD, f"holds no Chain ID of {found['name']}")
    if found["between"] == "\n" and kind is not Kind.SOLANA:
        raise ValidationFailed.of(FIELD, _SHAPE)
    resources = found["resources"]
    return SignInMessage(
        kind=kind,
        scheme=found["scheme"],
        domain=found["domain"],
        address=found["address"],
        statement=found["statement"],
        uri=found["uri"],
        version=found["version"],
        chain=found["chain"],
        nonce=found["nonce"],
        issued_at=_time(found["issued"]),
        expires_at=None if found["expires"] is None else _time(found["expires"]),
        not_before=None if found["begins"] is None else _time(found["begins"]),
        request_id=found["request"],
        resources=None if resources is None else tuple(resources.split("\n- ")[1:]),
    )


def written(message: SignInMessage) -> str:
    """Return the text of a message, which `parse` reads back; times to the millisecond."""
    name = next(name for name, kind in _NAMES.items() if kind is message.kind)
    scheme = "" if message.scheme is None else f"{message.scheme}://"
    lines = [
        f"{scheme}{message.domain} wants you to sign in with your {name} account:",
        message.address,
        "",
        *(() if message.statement is None else (message.statement,)),
        "",
        f"URI: {message.uri}",
        f"Version: {message.version}",
        f"Chain ID: {message.chain}",
        f"Nonce: {message.nonce}",
        f"Issued At: {iso_millis(message.issued_at)}",
    ]
    if message.expires_at is not None:
        lines.append(f"Expiration Time: {iso_millis(message.expires_at)}")
    if message.not_before is not None:
        lines.append(f"Not Before: {iso_millis(message.not_before)}")
    if message.request_id is not None:
        lines.append(f"Request ID: {message.request_id}")
    if message.resources is not None:
        lines += ["Resources:", *(f"- {resource}" for resource in message.resources)]
    return "\n".join(lines)


def _time(text: str) -> int:
    return parse_time(_FINER.sub(r"\1", text), FIELD)
