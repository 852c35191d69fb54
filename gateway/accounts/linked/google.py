"""Google: OpenID Connect, found by its discovery document, believed by its signed ID token.

Laws: the document is our issuer's own and is kept for an hour; its addresses are as safe as the
issuer's (https, unless that is http). Who somebody is comes from the ID token alone, and an e-mail
address counts only if Google has confirmed it.
"""

import time
from typing import Any, Final

import msgspec

from gateway.accounts.fields import EMAIL_LENGTH
from gateway.accounts.linked.id_tokens import IdTokens
from gateway.accounts.linked.providers import (
    Client,
    Failure,
    Identity,
    SignInFailed,
    asked,
)
from gateway.outbound.asking import Outbound

SCOPE: Final = "openid email"
KEPT_S: Final = 3_600.0
"""How long the discovery document is kept."""


class _Discovery(msgspec.Struct, frozen=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    revocation_endpoint: str | None = None


_DISCOVERY: Final = msgspec.json.Decoder(_Discovery)


class Google:
    """The provider."""

    name = "google"

    def __init__(self, client: Client, outbound: Outbound, issuer: str) -> None:
        self._client = client
        self._outbound = outbound
        self._issuer = issuer
        self._tokens = IdTokens(outbound, issuer, client.id)
        self._found: _Discovery | None = None
        self._found_at = 0.0

    async def authorize_url(self, state: str, verifier: str, nonce: str) -> str:
        """Return where a browser goes to sign in; raises SignInFailed."""
        found = await self._discovered()
        return self._client.authorize_url(
            found.authorization_endpoint, SCOPE, state, verifier, nonce=nonce
        )

    async def identify(self, code: str, verifier: str, nonce: str) -> Identity:
        """Return who has come back with a code; raises SignInFailed."""
        found = await self._discovered()
        tokens = await self._client.exchange(self._outbound, found.token_endpoint, code, verifier)
        if tokens.id_token is None:
            raise SignInFailed(Failure.IDENTITY_INVALID)
        claims = await self._tokens.verified(tokens.id_token, found.jwks_uri, nonce)
        email = _confirmed_email(claims)
        return Identity(subject=claims["sub"], label=email, email=email, tokens=tokens.kept())

    async def revoke(self, tokens: dict[str, Any]) -> None:
        """Give tokens back, where the issuer takes any; raises SignInFailed."""
        found = await self._discovered()
        if found.revocation_endpoint is not None:
            await self._client.revoke(self._outbound, found.revocation_endpoint, tokens)

    async def _discovered(self) -> _Discovery:
        """Return the issuer's document; raises SignInFailed."""
        if self._found is not None and time.monotonic() - self._found_at < KEPT_S:
            return self._found
        url = f"{self._issuer}/.well-known/openid-configuration"
        found = await asked(self._outbound, "GET", url, _DISCOVERY)
        scheme = self._issuer.partition("://")[0]
        places = [found.authorization_endpoint, found.token_endpoint, found.jwks_uri]
        if found.revocation_endpoint is not None:
            places.append(found.revocation_endpoint)
        are_safe = all(place.startswith(("https://", f"{scheme}://")) for place in places)
        if found.issuer != self._issuer or not are_safe or not all(map(str.isascii, places)):
            raise SignInFailed(Failure.PROVIDER_UNAVAILABLE)
        self._found, self._found_at = found, time.monotonic()
        return found


def _confirmed_email(claims: dict[str, Any]) -> str | None:
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        return None
    return email.lower() if len(email) <= EMAIL_LENGTH and email.isascii() else None
