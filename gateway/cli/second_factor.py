"""`probity user clear-2fa`: an operator's way out for whoever has lost every second factor.

Laws: only who can reach the database can do it, so nobody can be talked into it over the API. All
of the user's sessions end; the password, which is still asked for, stays. The owner is written to,
where mail is sent and the address was confirmed; that it fails undoes nothing, and is said.
"""

from typing import Final

import click

from gateway.accounts.fields import email_address
from gateway.accounts.mail.letters import Letters
from gateway.accounts.mail.mailer import Mailer, MailFailed, MailRefused
from gateway.bootstrap import compose
from gateway.bootstrap.identity.people import mailer_of
from gateway.bootstrap.settings import Settings
from gateway.observability.logs import process_logs
from gateway.wire.errors import Conflict, NotFound
from persistence.clock import now_us
from persistence.errors import LastWayIn
from persistence.postgres import migrate
from persistence.postgres.database import create_pool
from persistence.repositories.audit import AuditLog
from persistence.repositories.people.sessions import Sessions
from persistence.repositories.people.users import User, Users
from persistence.repositories.people.ways_in import WaysIn
from persistence.repositories.second_factor.factors import FactorRows

TAKEN: Final = "all second factors were taken away by whoever runs this exchange"
NOBODY: Final = "There is no user with this e-mail address"
LAST_WAY_IN: Final = (
    "A passkey is the only way into this account: have a password set first, by"
    " POST /auth/password/forgot"
)


async def clear_second_factors(settings: Settings, email: str) -> None:
    """Take all second factors of a user away and end every session; raises NotFound,
    or Conflict if nobody could sign in without a passkey.
    """
    address = email_address(email)
    async with compose.open_database(settings, join=True, make=False) as url:
        await migrate.require_newest(settings.store.direct_url or url)
        pool = await create_pool(url, size=2)
        try:
            found = await Users(pool).credentials(address)
            if found is None:
                raise NotFound(NOBODY)
            user_id, sessions = found.user.id, Sessions(pool)
            try:
                await FactorRows(pool).remove_all(WaysIn(pool), user_id)
            except LastWayIn:
                raise Conflict(LAST_WAY_IN) from None
            ended = await sessions.revoke_all(user_id, await sessions.now())
            audit = AuditLog(pool)
            await audit.write(now_us(), None, "user.2fa.clear", f"user:{user_id}", "ok", "cli")
        finally:
            await pool.close()
    click.echo(f"User {user_id} has no second factor any more; {len(ended)} sessions ended.")
    mailer = mailer_of(settings.mail, process_logs(settings.reports.log_level))
    if failure := await tell_owner(mailer, found.user):
        click.echo(f"The owner wasn't told: {failure}.", err=True)


async def tell_owner(mailer: Mailer | None, user: User) -> str | None:
    """Write to the owner what was taken away; return why that couldn't be."""
    if mailer is None:
        return "no mail is sent here"
    if user.email is None or user.email_verified_at is None:
        return "their address was never confirmed"
    try:
        await mailer.send(Letters(None).access_changed(user.email, TAKEN))
    except (MailFailed, MailRefused) as error:
        return str(error)
    return None
