"""The ways into an account beside the password: wallets, and where their pages are."""

from functools import partial

from gateway.accounts.outbound import Outbound
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
        FactorRows(pool),
        signatures,
        terms,
        own,
        partial(require_open, parts.readiness, parts.engine.feed),
    )
    return WalletRoutes(service, signatures, terms, answers, settings.pages)
