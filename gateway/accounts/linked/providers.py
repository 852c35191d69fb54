"""What every provider does, and what can go wrong with one.

Laws: a provider says who somebody is and nothing else; it never decides whose account that is. What
goes wrong is one of a closed list of codes that a page can tell people in its own words, and holds
nothing of what a provider wrote.
"""

import enum
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import quote

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from gateway.outbound.asking import Answer, Outbound, OutboundFailed
from gateway.wire.nesting import deeper_than

T = TypeVar("T")
_DEPTH_MAX: Final = 16
_REFUSED: Final = range(400, 500)
_BUSY: Final = frozenset({408, 429})


class Failure(enum.StrEnum):
    """Why a sign-in by a provider failed; closed, and appended to."""

    DENIED = "denied"
    """They said no at the provider."""
    EXPIRED = "expired"
    """It is unknown, was used, or took too long."""
    OTHER_BROWSER = "other_browser"
    """Another browser has begun it."""
    PROVIDER_REFUSED = "provider_refused"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    IDENTITY_INVALID = "identity_invalid"
    """What the provider says of who it is doesn't hold."""
    EMAIL_TAKEN = "email_taken"
    """An account has the e-mail address: sign in to it, then link."""
    LINKED_ELSEWHERE = "linked_elsewhere"
    """It is linked to another account."""
    LINKED_ALREADY = "linked_already"
    """The account has a link of this provider already."""
    SESSION_OVER = "session_over"
    """The session that began to link has ended."""
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"
    """The exchange can't take it now."""


class SignInFailed(Exception):
    """A sign-in by a provider failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who somebody is at a provider."""

    subject: str
    label: str | None
    """By what they know the account there."""
    email: str | None = None
    """One that the provider has confirmed."""
    tokens: dict[str, Any]
    """What the provider lets us ask in their name."""


class Provider(Protocol):
    """Who says who somebody is."""

    name: str

    async def authorize_url(self, state: str, verifier: str, nonce: str) -> str:
        """Return where a browser goes to sign in; raises SignInFailed."""

    async def identify(self, code: str, verifier: str, nonce: str) -> Identity:
        """Return who has come back with a code; raises SignInFailed."""

    async def revoke(self, tokens: dict[str, Any]) -> None:
        """Give back tokens that were kept of a sign-in; raises SignInFailed."""


class TokenAnswer(msgspec.Struct, frozen=True):
    """What a code is exchanged for (RFC 6749, 5.1)."""

    access_token: str
    token_type: str
    id_token: str | None = None
    refresh_token: str | None = None
    expires_in: int | None = None
    scope: str | None = None

    def kept(self) -> dict[str, Any]:
        """Return what is kept of it, sealed."""
        kept = {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "expires_in": self.expires_in,
            "scope": self.scope,
        }
        return {name: value for name, value in kept.items() if value is not None}


_TOKEN: Final = msgspec.json.Decoder(TokenAnswer)


class Client(msgspec.Struct, frozen=True):
    """The exchange, as a provider knows it."""

    id: str
    secret: str
    redirect_uri: str

    def authorize_url(
        self, endpoint: str, scope: str, state: str, verifier: str, **more: str
    ) -> str:
        """Return the URL of an authorization request with PKCE (RFC 7636)."""
        url: str = prepare_grant_uri(
            endpoint,
            self.id,
            "code",
            redirect_uri=self.redirect_uri,
            scope=scope,
            state=state,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
            **more,
        )
        return url

    async def revoke(self, outbound: Outbound, endpoint: str, tokens: dict[str, Any]) -> None:
        """Give back what the exchange was let ask by (RFC 7009); raises SignInFailed.

        A refresh token takes the access tokens with it; without any there is nothing to do.
        """
        for kind in ("refresh_token", "access_token"):
            token = tokens.get(kind)
            if token:
                form = {"token": token, "token_type_hint": kind}
                await answered(outbound, "POST", endpoint, auth=self._auth(), form=form)
                return

    async def exchange(
        self, outbound: Outbound, endpoint: str, code: str, verifier: str
    ) -> TokenAnswer:
        """Return the tokens of a code; raises SignInFailed."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
        }
        found = await asked(outbound, "POST", endpoint, _TOKEN, auth=self._auth(), form=form)
        if found.token_type.lower() != "bearer" or not found.access_token:
            raise SignInFailed(Failure.PROVIDER_UNAVAILABLE)
        return found

    def _auth(self) -> tuple[str, str]:
        # RFC 6749, 2.3.1: each is encoded before they are joined.
        return quote(self.id, safe=""), quote(self.secret, safe="")


async def asked(
    outbound: Outbound,
    method: str,
    url: str,
    decoder: msgspec.json.Decoder[T],
    **more: Any,  # noqa: ANN401
) -> T:
    """Return what a provider answers; raises SignInFailed."""
    return decoded(await answered(outbound, method, url, **more), decoder)


async def answered(outbound: Outbound, method: str, url: str, **more: Any) -> Answer:  # noqa: ANN401
    """Return a provider's good answer; raises SignInFailed."""
    try:
        answer = await outbound.ask(method, url, **more)
    except OutboundFailed:
        raise SignInFailed(Failure.PROVIDER_UNAVAILABLE) from None
    if answer.status in _REFUSED and answer.status not in _BUSY:
        raise SignInFailed(Failure.PROVIDER_REFUSED)
    if not answer.is_good:
        raise SignInFailed(Failure.PROVIDER_UNAVAILABLE)
    return answer


def decoded(answer: Answer, decoder: msgspec.json.Decoder[T]) -> T:
    """Return what an answer holds; raises SignInFailed."""
    try:
        if not deeper_than(answer.body, _DEPTH_MAX):
            return decoder.decode(answer.body)
    except msgspec.MsgspecError:
        pass
    raise SignInFailed(Failure.PROVIDER_UNAVAILABLE)
