"""The row of the route table that says by which ways one can sign in here, so that a page offers
those alone.

Laws: it is about the exchange, never about an account; what isn't set up or installed isn't named.
"""

from gateway.access.api_keys.standing import Scope
from gateway.accounts.wallets import libraries
from gateway.accounts.wallets.messages import Kind
from gateway.http.request import AnyRequest
from gateway.http.routing import Access, Route
from gateway.wire.errors import Unavailable
from gateway.wire.strict_json import AnswerStruct


class WaysView(AnswerStruct, frozen=True):
    """By what one can sign in beside a password; `demo` that accounts for trying out are meant."""

    passkeys: bool
    wallets: list[Kind]
    providers: list[str]
    mail: bool
    demo: bool


class WaysRoutes:
    """Tells pages what to offer."""

    def __init__(
        self, providers: tuple[str, ...], *, passkeys: bool, mail: bool, demo: bool
    ) -> None:
        self._providers = providers
        self._passkeys = passkeys
        self._mail = mail
        self._demo = demo

    async def show(self, _request: AnyRequest) -> WaysView:
        """Return the ways."""
        return WaysView(
            passkeys=self._passkeys,
            wallets=_wallets(),
            providers=list(self._providers),
            mail=self._mail,
            demo=self._demo,
        )

    def routes(self) -> tuple[Route, ...]:
        """Return the row."""
        return (
            Route(
                method="GET",
                path="/auth/ways",
                handler=self.show,
                access=Access.PUBLIC,
                scope=Scope.OWNER,
                answer=WaysView,
                summary="Show by which ways one can sign in here",
                tag="auth",
            ),
        )


def _wallets() -> list[Kind]:
    try:
        libraries.require_installed()
    except Unavailable:
        return []
    return list(Kind)
