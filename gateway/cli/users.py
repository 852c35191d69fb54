"""`probity user`: what whoever has the machine may do to users, whatever the API asks for.

Laws: both leave a line in the audit log, whose request is `cli`. Another password ends all sessions
of its user: a running server notices within two seconds.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Final

import click

from gateway.accounts.fields import email_address
from gateway.accounts.passwords.choice import PasswordChoice
from gateway.accounts.passwords.hashing import Passwords
from gateway.accounts.sessions.sign_in import add_user
from gateway.bootstrap import compose
from gateway.bootstrap.settings import Settings
from gateway.wire.errors import NotFound
from persistence.postgres import migrate as schema
from persistence.postgres.clocks import database_now
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.audit import AuditLog, AuditTrail
from persistence.repositories.people.users import Users

REQUEST: Final = "cli"


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[DeadlinePool]:
    async with compose.open_database(settings, join=True, make=False) as url:
        await schema.upgrade(settings.store.direct_url or url)
        pool = await create_pool(url, size=2)
        try:
            yield pool
        finally:
            await pool.close()


async def create_user(settings: Settings, email: str, password: str, role: str) -> None:
    """Add a user; raises Conflict, PersistenceError, ValidationFailed for what may not be."""
    address = email_address(email)
    _choice(settings).require(password, "password", address)
    with closing(Passwords(1, 1)) as passwords:
        async with _opened(settings) as pool:
            made = await add_user(
                Users(pool),
                AuditLog(pool),
                passwords,
                address,
                password,
                None,
                role,
                REQUEST,
            )
    click.echo(f"User {made.id} ({role}) is registered.")


async def set_password(settings: Settings, email: str, password: str) -> None:
    """Give a user another password and end all sessions.

    Raises NotFound, ValidationFailed for no such password, PersistenceError.
    """
    with closing(Passwords(1, 1)) as passwords:
        async with _opened(settings) as pool:
            users = Users(pool)
            found = await users.credentials(email_address(email))
            if found is None:
                raise NotFound("There is no user with this e-mail address")
            user_id = found.user.id
            _choice(settings).require_of(found.user, password, "password")
            hashed = await passwords.hash(password)
            ended = await users.replace_password(user_id, hashed, await database_now(pool))
            trail = AuditTrail(AuditLog(pool), REQUEST)
            await trail.note(None, "auth.password.set", f"user:{user_id}", "ok")
    click.echo(f"User {user_id} has another password; sessions ended: {len(ended)}.")


def _choice(settings: Settings) -> PasswordChoice:
    return PasswordChoice(settings.second_factor.name)
