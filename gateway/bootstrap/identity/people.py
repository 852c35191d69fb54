"""The people of the exchange: their rows, their sign-in, how often they may call, and the first
admin.
"""

import hashlib
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.access.principals import Role
from gateway.access.rate_limits import RateLimits
from gateway.access.shared_limits import SharedLimits
from gateway.accounts.invitations import Invitations
from gateway.accounts.mail.addresses import Addresses
from gateway.accounts.mail.mailer import LoggedMailer, Mailer, SmtpMailer
from gateway.accounts.mail.notices import Notices
from gateway.accounts.mail.outbox import Outbox
from gateway.accounts.mail.settings import LOG, MailSettings, SmtpServer
from gateway.accounts.passwords.attempts import Attempts
from gateway.accounts.passwords.choice import PasswordChoice
from gateway.accounts.passwords.guard import PasswordGuard
from gateway.accounts.passwords.hashing import Passwords
from gateway.accounts.passwords.recovery import Recovery
from gateway.accounts.roles import Roles
from gateway.accounts.second_factor.challenges import Challenges
from gateway.accounts.sessions.fresh import FreshLogin
from gateway.accounts.sessions.keys import KeyRing, key_ring, load_key, shared_secret
from gateway.accounts.sessions.live import LiveSessions
from gateway.accounts.sessions.refusals import Refusals
from gateway.accounts.sessions.sign_in import SignIn, add_user
from gateway.accounts.sessions.tokens import Tokens
from gateway.bootstrap.settings import Settings
from gateway.engine_side.ports import suspended_in
from gateway.engine_side.running import EngineSide
from gateway.jobs.supervisor import Supervisor
from gateway.observability.logs import Logger
from gateway.operations.limit_routes import TierWatch
from gateway.settings.reader import SettingsError
from gateway.trading.desk import open_order_count
from persistence.postgres.database import DeadlinePool
from persistence.relay.looks import identity_of
from persistence.repositories.audit import AuditLog
from persistence.repositories.economy.referrals import Referrals
from persistence.repositories.people.mail_tokens import MailTokens
from persistence.repositories.people.rate_tiers import RateTiers
from persistence.repositories.people.sessions import Sessions
from persistence.repositories.people.sign_in_counts import SignInCounts
from persistence.repositories.people.users import User, Users
from persistence.repositories.people.ways_in import WaysIn
from persistence.repositories.second_factor.challenges import SignInChallenges
from persistence.repositories.second_factor.factors import FactorRows


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """What knows people."""

    users: Users
    audit: AuditLog
    passwords: Passwords
    choice: PasswordChoice
    attempts: Attempts
    sessions: LiveSessions
    refusals: Refusals
    sign_in: SignIn
    roles: Roles
    guard: PasswordGuard
    challenges: Challenges
    fresh: FreshLogin
    outbox: Outbox
    notices: Notices
    addresses: Addresses
    recovery: Recovery
    keys: KeyRing


def make_people(
    settings: Settings,
    pool: DeadlinePool,
    engine: EngineSide,
    passwords: Passwords,
    mailer: Mailer | None,
    logger: Logger,
) -> People:
    """Return the people of the database behind `pool`; raises SettingsError for a wrong key."""
    users, audit, rows, mailed = Users(pool), AuditLog(pool), Sessions(pool), MailTokens(pool)
    key = load_key(settings.sign_in.private_key, settings.store.data_dir)
    lives_s = settings.sign_in.access_expires_in
    keys = key_ring(settings.sign_in.private_key, settings.store.data_dir, lives_s)
    tokens = Tokens(keys, lives_s)
    is_suspended, refusals = suspended_in(engine.view), Refusals(audit)
    sessions = LiveSessions(
        settings.sign_in,
        users,
        rows,
        audit,
        tokens,
        refusals,
        is_suspended,
        admins_need_factor=settings.second_factor.required_for_admins,
    )
    attempts = Attempts(SignInCounts(pool), settings.limits, _secret(key))
    fresh = FreshLogin(rows, audit, settings.sign_in.fresh_login_seconds)
    mail, choice = settings.mail, PasswordChoice(settings.second_factor.name)
    outbox = Outbox(mailer, logger, size=mail.queue_size, tries=mail.tries)
    addresses = Addresses(users, mailed, WaysIn(pool), audit, outbox, attempts, fresh, mail)
    challenges = Challenges(FactorRows(pool), SignInChallenges(pool))
    sign_in = SignIn(
        settings.sign_in,
        users,
        sessions,
        audit,
        passwords,
        attempts,
        engine.commands,
        engine.view,
        addresses,
        challenges,
        Invitations(Referrals(pool)),
    )
    return People(
        users=users,
        audit=audit,
        passwords=passwords,
        choice=choice,
        attempts=attempts,
        sessions=sessions,
        refusals=refusals,
        sign_in=sign_in,
        roles=Roles(
            users, audit, sessions, least_admins=2 if settings.proposals.two_persons else 1
        ),
        challenges=challenges,
        guard=PasswordGuard(users, passwords, attempts, audit),
        fresh=fresh,
        outbox=outbox,
        notices=Notices(users, outbox),
        addresses=addresses,
        recovery=Recovery(
            users, mailed, audit, outbox, attempts, passwords, choice, sessions, mail
        ),
        keys=keys,
    )


async def open_people(
    stack: AsyncExitStack,
    settings: Settings,
    pool: DeadlinePool,
    engine: EngineSide,
    logger: Logger,
    supervisor: Supervisor,
) -> People:
    """Return the people of a process, mail to whom is sent until the stack ends."""
    sign_in, mail = settings.sign_in, settings.mail
    passwords = Passwords(sign_in.password_hash_workers, sign_in.password_hash_queue)
    stack.callback(passwords.close)
    people = make_people(settings, pool, engine, passwords, mailer_of(mail, logger), logger)
    if people.outbox.is_on:
        outbox = people.outbox
        await stack.enter_async_context(supervisor.running(outbox.NAME, outbox.run))
    return people


def mailer_of(mail: MailSettings, logger: Logger) -> Mailer | None:
    """Return who sends mail; None where nobody does."""
    if isinstance(mail.server, SmtpServer) and mail.sender is not None:
        return SmtpMailer(mail.server, mail.sender, mail.timeout_seconds)
    return LoggedMailer(logger) if mail.server == LOG else None


def _secret(key: Ed25519PrivateKey) -> bytes:
    """Return what hides who tries to sign in: of the one key that all processes share."""
    raw = key.private_bytes_raw()
    return hashlib.blake2b(raw, digest_size=32, person=b"sign-in counts").digest()


async def open_limits(
    stack: AsyncExitStack,
    settings: Settings,
    pool: DeadlinePool,
    side: EngineSide,
    supervisor: Supervisor,
) -> RateLimits:
    """Return the limits, which know the users' tiers from now on, and with REDIS_URL what other
    processes took.
    """
    limits = RateLimits(settings.limits, partial(open_order_count, side.view))
    tiers = TierWatch(RateTiers(pool), limits)
    await tiers.load()
    await stack.enter_async_context(supervisor.running(tiers.NAME, tiers.run))
    if settings.store.redis_url is not None:
        secret = shared_secret(load_key(settings.sign_in.private_key, settings.store.data_dir))
        identity = await identity_of(pool)
        shared = SharedLimits(settings.store.redis_url, identity, secret, limits.shared())
        await stack.enter_async_context(supervisor.running(shared.NAME, shared.run))
        await stack.enter_async_context(supervisor.running(shared.HEARING, shared.hear))
    return limits


async def ensure_admin(people: People, email: str, password: str) -> User | None:
    """Add the first admin if there is none, and return it.

    Raises SettingsError for a password that nobody may choose.
    """
    if await people.users.has_admin():
        return None
    if refusal := people.choice.refusal(password, (email,)):
        raise SettingsError(f"PROBITY_ADMIN_PASSWORD: {refusal}")
    return await add_user(
        people.users,
        people.audit,
        people.passwords,
        email,
        password,
        "Admin",
        Role.ADMIN,
        "startup",
    )
