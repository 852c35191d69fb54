"""The row `GET /admin/accounts`: the exchange's own accounts, which no person has.

Laws: the house is always among them, a reserve once its account is open. An account is opened by
the first credit that an admin gives it (`engine_side/audited.py`), or by what trades in its name.
"""

from exchange.model.state import State
from exchange.model.system_accounts import HOUSE, SYSTEM_ACCOUNTS, system_name
from gateway.http.request import Page, Request
from gateway.http.routing import Access, Route, Shape
from gateway.operations.people.routes import AccountPictureView, account_picture
from gateway.wire.strict_json import AnswerStruct


class SystemAccountView(AnswerStruct, frozen=True):
    """An account of the exchange's own."""

    id: str
    name: str
    """`house`, or `reserve:` and the number of its stock."""
    account: AccountPictureView | None
    """Null before it is opened."""


class SystemAccountRoutes:
    """Shows them."""

    def __init__(self, view: State) -> None:
        self._view = view

    async def list_accounts(self, _request: Request[None, None]) -> Page[SystemAccountView]:
        """Return all of them, by id."""
        there = self._view.accounts
        ids = [one for one in SYSTEM_ACCOUNTS if one == HOUSE or one in there]
        views = [
            SystemAccountView(str(one), system_name(one) or "", account_picture(self._view, one))
            for one in ids
        ]
        return Page(views, len(views), len(views), 0)

    def routes(self) -> tuple[Route, ...]:
        """Return the row."""
        return (
            Route(
                method="GET",
                path="/admin/accounts",
                handler=self.list_accounts,
                access=Access.ADMIN,
                answer=SystemAccountView,
                shape=Shape.PAGE,
                summary="Show the exchange's own accounts: the house, the reserves of stocks",
                tag="admin",
            ),
        )
