"""What a message has to say for us to take it: our domain, a chain that is allowed, a time that is.

Laws: a message is for one place alone. Whoever signs for another domain, as a page that pretends to
be ours would have them do, signs nothing that is taken here; so the domains are the operator's, and
never what a request says of its host.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from gateway.accounts.wallets.messages import FIELD, VERSION, Kind, SignInMessage
from gateway.wire.errors import ValidationFailed
from persistence.clock import MICROSECONDS

CLOCKS_APART_S: Final = 60
"""So far a page's clock may be from ours."""
STATEMENT: Final = "Sign in to Probity. This costs nothing and moves nothing."


class DoesNotHold(Exception):
    """A message that is one isn't taken, or its signature isn't: the field, and why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class Terms:
    """Judges messages."""

    def __init__(
        self, origins: tuple[str, ...], chains: Mapping[Kind, tuple[str, ...]], lasts_s: int
    ) -> None:
        """Take messages for pages of these origins; a nonce lasts so many seconds."""
        self.origins = {urlsplit(origin).netloc: origin for origin in origins}
        """By domain, the first of which is what pages are told if none is theirs."""
        self.chains = chains
        self._lasts_us = lasts_s * MICROSECONDS

    def domain_at(self, host: str) -> str:
        """Return the domain that a page at `host` has signed for."""
        return host if host in self.origins else next(iter(self.origins))

    def check(self, message: SignInMessage, now: int) -> None:
        """Raise DoesNotHold, or ValidationFailed for what is meant for elsewhere."""
        origin = self.origins.get(message.domain)
        if origin is None:
            raise ValidationFailed.of(FIELD, f"is for another domain than {_words(self.origins)}")
        scheme = urlsplit(origin).scheme
        if message.scheme not in {None, scheme} or not _is_below(message.uri, origin):
            raise ValidationFailed.of(FIELD, f"holds another URI than one of {origin}")
        if message.version != VERSION:
            raise ValidationFailed.of(FIELD, f"has another Version than {VERSION}")
        taken = self.chains[message.kind]
        if message.chain.removeprefix("solana:") not in taken:
            raise ValidationFailed.of(FIELD, f"has another Chain ID than {_words(taken)}")
        self._check_times(message, now)

    def _check_times(self, message: SignInMessage, now: int) -> None:
        apart = CLOCKS_APART_S * MICROSECONDS
        if message.issued_at > now + apart:
            raise DoesNotHold(FIELD, "is issued in the future: is the clock right?")
        if message.issued_at < now - self._lasts_us - apart:
            raise DoesNotHold(FIELD, "was issued too long ago; ask for another nonce")
        if message.expires_at is not None and message.expires_at <= now:
            raise DoesNotHold(FIELD, "has expired; ask for another nonce")
        if message.not_before is not None and message.not_before > now:
            raise DoesNotHold(FIELD, "is not to be taken yet")


def _is_below(uri: str, origin: str) -> bool:
    return uri == origin or uri.startswith((f"{origin}/", f"{origin}?", f"{origin}#"))


def _words(names: Iterable[str]) -> str:
    return " or ".join(names) or "none: no chain is allowed here"
