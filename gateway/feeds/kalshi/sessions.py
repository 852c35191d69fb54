"""Who asks Kalshi: nobody, whoever has an API key, or an account by its e-mail and password.

Laws: a session makes the headers of each try; after a 401 it is renewed once, whatever number of
requests met it (`generation`); a login that was refused isn't tried again at once, since the venue
locks accounts. No secret stands in a repr, a log line or an error.
"""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from gateway.feeds.kalshi.settings import KalshiSettings, Secret
from gateway.feeds.kalshi.signing import Signer
from gateway.feeds.upstream.client import Upstream
from gateway.feeds.venue import VenueRefused
from gateway.jobs.supervisor import Clock

LOGIN: Final = "/login"
TOKEN_LENGTH: Final = 8_192
REFRESHED_S: Final = 25 * 60
"""A token lives for 30 minutes; it is replaced before one that is under way could outlive it."""
REFUSED_S: Final = 60.0
"""So long nobody tries again to log in after the venue refused."""
_SKEW_S: Final = 1
"""A clock that is off by less is no reason for a refusal: Date has whole seconds."""


class Session(Protocol):
    """How requests say who asks."""

    generation: int
    """Grows with each renewal."""

    async def headers(self, method: str, path: str) -> Mapping[str, str]:
        """Return a try's headers; raises VenueUnavailable and VenueRefused."""

    async def renew(self, generation: int, skew_s: int | None) -> bool:
        """Say whether what was refused as nobody's under `generation` may now be asked again.

        `skew_s` is how far the venue's clock is ahead of ours. Raises as `headers` does.
        """


class Anonymous:
    """Nobody asks: all that is public."""

    generation = 0

    async def headers(self, method: str, path: str) -> Mapping[str, str]:  # noqa: ARG002
        """Return none."""
        return {}

    async def renew(self, generation: int, skew_s: int | None) -> bool:  # noqa: ARG002
        """Nobody can't become somebody."""
        return False


class Keyed:
    """An API key asks."""

    def __init__(self, signer: Signer) -> None:
        """Sign with its key."""
        self._signer = signer
        self.generation = 0

    async def headers(self, method: str, path: str) -> Mapping[str, str]:
        """Return the signature of now."""
        return self._signer.headers(method, path)

    async def renew(self, generation: int, skew_s: int | None) -> bool:
        """Sign by the venue's clock from here on, if that is another."""
        if generation != self.generation:
            return True
        if skew_s is None or abs(skew_s - self._signer.ahead_s) <= _SKEW_S:
            return False
        self._signer.ahead_s = skew_s
        self.generation += 1
        return True


class _Token(msgspec.Struct, frozen=True):
    token: str


class _Login(msgspec.Struct, frozen=True):
    email: str
    password: str


_ANSWER: Final = msgspec.json.Decoder(_Token)


class LoggedIn:
    """An account asks, with a token that it got for its password."""

    def __init__(
        self, upstream: Upstream, platform: str, email: str, password: Secret, clock: Clock
    ) -> None:
        """Log in with the first request; `upstream` asks as nobody."""
        self._upstream = upstream
        self._platform = platform
        self._email = email
        self._password = password
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._until = 0.0
        self._refused_until = 0.0
        self.generation = 0

    async def headers(self, method: str, path: str) -> Mapping[str, str]:  # noqa: ARG002
        """Return the token, a new one if its time is nearly up."""
        if self._clock.monotonic() >= self._until:
            async with self._lock:
                if self._clock.monotonic() >= self._until:
                    await self._log_in()
        return {"authorization": f"Bearer {self._token}"}

    async def renew(self, generation: int, skew_s: int | None) -> bool:  # noqa: ARG002
        """Get a new token, once for all who met the end of the old one."""
        async with self._lock:
            if generation == self.generation:
                self._until = 0.0
                await self._log_in()
        return True

    async def _log_in(self) -> None:
        if self._clock.monotonic() < self._refused_until:
            raise VenueRefused(self._platform, 401, LOGIN)
        body = msgspec.json.encode(_Login(self._email, self._password.reveal()))
        try:
            token = await self._upstream.ask(LOGIN, _token, body=body)
        except VenueRefused:
            self._refused_until = self._clock.monotonic() + REFUSED_S
            raise
        self._token = token
        self._until = self._clock.monotonic() + REFRESHED_S
        self.generation += 1


def _token(body: bytes) -> str:
    """Return a login's token; raises ValidationError for one that is unfit for a header."""
    token = _ANSWER.decode(body).token
    if not 0 < len(token) <= TOKEN_LENGTH or not token.isascii() or not token.isprintable():
        raise msgspec.ValidationError("token is none")
    return token


def session_of(
    settings: KalshiSettings, upstream: Upstream, platform: str, clock: Clock
) -> Session:
    """Return who asks: the key if there is one, else the account, else nobody."""
    if settings.key_id is not None and settings.private_key is not None:
        return Keyed(Signer(settings.key_id, settings.private_key, clock.wall))
    if settings.email is not None and settings.password is not None:
        return LoggedIn(upstream, platform, settings.email, settings.password, clock)
    return Anonymous()
