"""X: OAuth 2 with PKCE, and one question about who it is.

X tells no e-mail address; its number of an account never changes, while the name may.
"""

from typing import Annotated, Any, Final

import msgspec

from gateway.accounts.linked.providers import Client, Identity, asked
from gateway.outbound.asking import Outbound

SCOPE: Final = "users.read tweet.read"
"""What `/2/users/me` asks for; nothing is ever read or written in their name."""


class _User(msgspec.Struct, frozen=True):
    id: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,32}$")]
    username: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_]{1,50}$")]


class _Me(msgspec.Struct, frozen=True):
    data: _User


_ME: Final = msgspec.json.Decoder(_Me)


class X:
    """The provider."""

    name = "x"

    def __init__(self, client: Client, outbound: Outbound, pages_url: str, api_url: str) -> None:
        self._client = client
        self._outbound = outbound
        self._authorize = f"{pages_url}/i/oauth2/authorize"
        self._token = f"{api_url}/2/oauth2/token"
        self._revoke = f"{api_url}/2/oauth2/revoke"
        self._me = f"{api_url}/2/users/me"

    async def authorize_url(self, state: str, verifier: str, nonce: str) -> str:  # noqa: ARG002 - OpenID's
        """Return where a browser goes to sign in."""
        return self._client.authorize_url(self._authorize, SCOPE, state, verifier)

    async def identify(self, code: str, verifier: str, nonce: str) -> Identity:  # noqa: ARG002
        """Return who has come back with a code; raises SignInFailed."""
        tokens = await self._client.exchange(self._outbound, self._token, code, verifier)
        bearer = {"authorization": f"Bearer {tokens.access_token}"}
        me = await asked(self._outbound, "GET", self._me, _ME, headers=bearer)
        return Identity(subject=me.data.id, label=f"@{me.data.username}", tokens=tokens.kept())

    async def revoke(self, tokens: dict[str, Any]) -> None:
        """Give tokens back; raises SignInFailed."""
        await self._client.revoke(self._outbound, self._revoke, tokens)
