"""The ways into an account beside the password: wallets, and accounts elsewhere."""

from contextlib import AsyncExitStack
from functools import partial

from gateway.accounts.linked.google import Google
from gateway.accounts.linked.links import Linking
from gateway.accounts.linked.providers import Client as LinkedClient
from gateway.accounts.linked.providers import Provider
from gateway.accounts.linked.revoking import Revoking
from gateway.accounts.linked.routes import LinkedRoutes
from gateway.accounts.linked.tokens import LinkedTokens
from gateway.accounts.linked.x import X
from gateway.accounts.offered import WaysRoutes
from gateway.accounts.passkeys.relying_party import relying_party
from gateway.accounts.sessions.answers import SignInAnswers
from gateway.accounts.sessions.sign_in import require_open
from gateway.accounts.wallets.contracts import Contracts
from gateway.accounts.wallets.messages import Kind
from gateway.accounts.wallets.routes import WalletRoutes
from gateway.accounts.wallets.signatures import Signatures
from gateway.accounts.wallets.terms import Terms
from gateway.accounts.wallets.wallets import WalletSignIn
from gateway.bootstrap.parts import Parts
from gateway.bootstrap.settings import Settings
from gateway.jobs.supervisor import Supervisor
from gateway.observability.logs import Logger
from gateway.outbound.asking import Outbound
from gateway.sealing.seal import Seal
from persistence.postgres.database import DeadlinePool
from persistence.repositories.audit import AuditLog
from persistence.repositories.people.linked_accounts import LinkedAccounts
from persistence.repositories.people.sessions import Sessions
from persistence.repositories.people.wallets import Wallets
from persistence.repositories.people.ways_in import WaysIn
from persistence.repositories.second_factor.factors import FactorRows


def page_urls(settings: Settings) -> tuple[str, ...]:
    """Return where people's pages are; the first is where they are sent.

    Never taken from a request: what it says of its host is whoever's word.
    """
    known = settings.mail.frontend_url or settings.sign_in.public_url
    if known is not None:
        return (known,)
    port = settings.listen.port
    return (f"http://localhost:{port}", f"http://127.0.0.1:{port}")


def origin_of(url: str) -> str:
    """Return the origin of a page."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def providers_of(settings: Settings) -> dict[str, Provider]:
    """Return by whom one can sign in, by name."""
    own, found = settings.linked, dict[str, Provider]()
    outbound = Outbound(own.timeout_seconds)
    here = f"{settings.sign_in.public_url or page_urls(settings)[0]}/api/v1/auth"
    if own.x_id is not None and own.x_secret is not None:
        client = LinkedClient(own.x_id, own.x_secret, f"{here}/x/callback")
        found["x"] = X(client, outbound, own.x_pages, own.x_api)
    if own.google_id is not None and own.google_secret is not None:
        client = LinkedClient(own.google_id, own.google_secret, f"{here}/google/callback")
        found["google"] = Google(client, outbound, own.google_issuer)
    return found


def offered_ways(parts: Parts) -> WaysRoutes:
    """Return the row that says by which ways one can sign in."""
    settings = parts.settings
    name, pages = settings.second_factor.name, settings.mail.frontend_url
    return WaysRoutes(
        tuple(providers_of(settings)),
        passkeys=relying_party(settings.passkeys, pages, name) is not None,
        mail=settings.mail.server is not None,
        demo=settings.demo.accounts,
    )


def make_revoking(
    settings: Settings, pool: DeadlinePool, audit: AuditLog, seal: Seal, logger: Logger
) -> Revoking:
    """Return what gives tokens back to the providers."""
    rows = LinkedAccounts(pool)
    return Revoking(providers_of(settings), rows, LinkedTokens(rows, seal), audit, logger)


async def open_revoking(
    stack: AsyncExitStack,
    settings: Settings,
    pool: DeadlinePool,
    audit: AuditLog,
    seal: Seal,
    logger: Logger,
    supervisor: Supervisor,
) -> Revoking:
    """Return what gives tokens back to the providers, which it does until the stack ends."""
    revoking = make_revoking(settings, pool, audit, seal, logger)
    if settings.linked.x_id is not None or settings.linked.google_id is not None:
        await stack.enter_async_context(supervisor.running(revoking.NAME, revoking.run))
    return revoking


def linked_routes(parts: Parts, answers: SignInAnswers) -> LinkedRoutes:
    """Return the rows about accounts elsewhere."""
    settings, people, pool = parts.settings, parts.people, parts.pool
    rows = LinkedAccounts(pool)
    service = Linking(
        providers_of(settings),
        rows,
        LinkedTokens(rows, parts.keys.seal),
        people.users,
        Sessions(pool),
        WaysIn(pool),
        people.audit,
        people.attempts,
        people.fresh,
        people.sign_in,
        people.notices,
        parts.revoking,
        settings.linked,
        partial(require_open, parts.readiness, parts.engine.feed),
    )
    return LinkedRoutes(
        service,
        answers,
        page_urls(settings)[0],
        settings.linked.flow_expires_in,
    )


def wallet_routes(parts: Parts, answers: SignInAnswers) -> WalletRoutes:
    """Return the rows about wallets."""
    settings, people, pool = parts.settings, parts.people, parts.pool
    own = settings.wallets
    chains = {Kind.ETHEREUM: own.chains, Kind.SOLANA: own.clusters}
    origins = tuple(origin_of(url) for url in page_urls(settings))
    terms = Terms(origins, chains, own.nonce_expires_in)
    outbound = Outbound(own.node_timeout_seconds)
    signatures = Signatures(Contracts(own.nodes, outbound))
    service = WalletSignIn(
        Wallets(pool),
        people.users,
        Sessions(pool),
        WaysIn(pool),
        people.audit,
        people.attempts,
        people.fresh,
        people.sign_in,
        people.notices,
        FactorRows(pool),
        signatures,
        terms,
        own,
        partial(require_open, parts.readiness, parts.engine.feed),
    )
    return WalletRoutes(service, signatures, terms, answers, settings.pages)
