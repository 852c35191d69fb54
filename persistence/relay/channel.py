"""The channels of one exchange: what they are called, and who may speak on them.

    sealed message    32 bytes HMAC-SHA256 over (channel's name, body), then the body
    stream            one engine's life: 32 hex digits, ".", a mark that only the secret makes

Laws: whoever can publish on a channel can't speak on it: what isn't sealed with the secret that
the processes share isn't even decoded, nor what was sealed for another channel. A stream belongs to
one start of one engine, which writes it into its own database: another engine with the same secret,
on a copy of the database, has another stream. The name holds the version of the messages, and so do
the keys, so that processes of different versions don't hear each other.
"""

import hmac
import secrets
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from persistence.relay.messages import BusMessage, decode, encode

VERSION: Final = 2
"""Of the messages; another one is another channel."""
_MAC_BYTES: Final = 32
_MARK_DIGITS: Final = 32


MessageT = TypeVar("MessageT")


class Sealed(Generic[MessageT]):
    """A place in Redis for messages of one kind, with the secret of those that share it."""

    __slots__ = ("_begun", "_decode", "name")

    def __init__(
        self, name: str, secret: bytes, purpose: bytes, decode: Callable[[bytes], MessageT]
    ) -> None:
        """Take its whole name, a secret of 32 bytes or more, and what reads a message's bytes."""
        self.name = name
        self._decode = decode
        # Begun once: making the key ready costs more than a short message.
        named = name.encode("utf-8") + b"\0"
        self._begun = hmac.new(_derived(secret, purpose), named, "sha256")

    def seal(self, message: MessageT) -> bytes:
        """Return what is sent."""
        body = encode(message)
        return self._mac(body) + body

    def open(self, sealed: object) -> MessageT | None:
        """Return the message, or None for whatever nobody with the secret has sealed."""
        if not isinstance(sealed, bytes):
            return None
        body = sealed[_MAC_BYTES:]
        if not hmac.compare_digest(self._mac(body), sealed[:_MAC_BYTES]):
            return None
        try:
            return self._decode(body)
        except Exception:  # noqa: BLE001 - however it fails, it is no message of this version
            return None

    def _mac(self, body: bytes) -> bytes:
        mac = self._begun.copy()
        mac.update(body)
        return mac.digest()


class Channel(Sealed[BusMessage]):
    """One exchange's channel, on which its engine says what it has committed."""

    __slots__ = ()

    def __init__(self, identity: str, secret: bytes) -> None:
        """Take the database's identity (`looks.identity_of`) and the secret."""
        super().__init__(name_of(identity, "executions"), secret, b"messages", decode)


def name_of(identity: str, what: str) -> str:
    """Return what a channel or key of an exchange is called in Redis."""
    return f"probity:{VERSION}:{identity}:{what}"


def new_stream(secret: bytes) -> str:
    """Return the name of a new engine's messages."""
    number = secrets.token_hex(16)
    return f"{number}.{_mark(secret, number)}"


def is_made_with(secret: bytes, stream: str) -> bool:
    """Say whether a stream's engine has the same secret."""
    number, _, mark = stream.partition(".")
    return hmac.compare_digest(_mark(secret, number).encode(), mark.encode("utf-8", "replace"))


def _mark(secret: bytes, number: str) -> str:
    digest = hmac.digest(_derived(secret, b"streams"), number.encode("utf-8", "replace"), "sha256")
    return digest.hex()[:_MARK_DIGITS]


def _derived(secret: bytes, purpose: bytes) -> bytes:
    """Return a key for one purpose, which tells nothing of the secret or of other keys."""
    return hmac.digest(secret, b"probity relay %d: %s" % (VERSION, purpose), "sha256")
