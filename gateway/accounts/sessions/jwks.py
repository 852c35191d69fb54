"""The public keys of our access tokens, for whoever wants to check one (RFC 7517, 8037)."""

import msgspec

from gateway.access.budgets import Budget
from gateway.accounts.sessions.keys import KeyRing
from gateway.accounts.sessions.tokens import ALGORITHM
from gateway.http.request import File, Request
from gateway.http.routing import Access, Route, Shape


class PublishedKeys:
    """Publishes every key that holds now; the first signs."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def show(self, _request: Request[None, None]) -> File:
        """Return the keys as a set of JWKs."""
        keys = [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "use": "sig",
                "alg": ALGORITHM,
                "kid": key.kid,
                "x": key.x,
            }
            for key in self._keys.holding()
        ]
        return File("application/json", msgspec.json.encode({"keys": keys}))

    def routes(self) -> tuple[Route, ...]:
        """Return the row."""
        return (
            Route(
                method="GET",
                path="/.well-known/jwks.json",
                handler=self.show,
                access=Access.PUBLIC,
                answer=str,
                shape=Shape.FILE,
                budget=Budget.NONE,
                summary="The keys that access tokens are signed with",
                tag="auth",
            ),
        )
