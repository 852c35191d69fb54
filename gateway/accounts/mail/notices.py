"""Telling owners that by what one gets into their account has changed: the one place that does.

Laws: a notice goes to an address that was confirmed and to no other, so that nobody is written to
about an account that isn't theirs. It says what happened and what to do if it wasn't them, holds no
name, key or address, and never keeps or fails the change that it is about.
"""

from gateway.accounts.mail.letters import Letters
from gateway.accounts.mail.mailer import Mail
from gateway.accounts.mail.outbox import Outbox
from persistence.repositories.people.users import Users


class Notices:
    """Writes them."""

    def __init__(self, users: Users, outbox: Outbox) -> None:
        self._users = users
        self._outbox = outbox

    def tell(self, user_id: int, what: str) -> None:
        """Write to the owner `what` happened, as in "a passkey was added", if that can be."""

        async def write() -> Mail | None:
            user = await self._users.by_id(user_id)
            if user is None or user.email is None or user.email_verified_at is None:
                return None
            return Letters(None).access_changed(user.email, what)

        self._outbox.put_if_room(write)
