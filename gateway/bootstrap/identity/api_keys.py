"""API keys: the service, what checks signed calls, and the work beside them."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from gateway.access.rate_limits import RateLimits
from gateway.accounts.api_keys.gate import KeyGate
from gateway.accounts.api_keys.key_watch import KeyWatch, Reseal
from gateway.accounts.api_keys.keys import ApiKeys
from gateway.accounts.api_keys.nonces import NonceBook, SharedNonces
from gateway.bootstrap.settings import Settings
from gateway.jobs.supervisor import Supervisor
from gateway.observability.logs import Logger
from gateway.observability.metrics import Metrics
from gateway.sealing.seal import Seal
from persistence.clock import now_us
from persistence.postgres.database import DeadlinePool
from persistence.repositories.api_keys.keys import ApiKeyRows
from persistence.repositories.api_keys.nonces import ApiKeyNonces
from persistence.repositories.audit import AuditLog


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What knows API keys."""

    service: ApiKeys
    gate: KeyGate
    watch: KeyWatch
    seal: Seal
    """What seals whatever is secret in tables."""


def make_keys(
    settings: Settings,
    pool: DeadlinePool,
    audit: AuditLog,
    limits: RateLimits,
    metrics: Metrics,
    logger: Logger,
    seal: Seal,
    sealed: Mapping[str, Reseal] | None = None,
) -> Keys:
    """Return the keys of the database behind `pool`.

    `sealed` is what else is sealed, by its name in the log. With a REDIS_URL there may be other
    processes, and the database remembers calls for all of them; a process without is alone, and
    takes nothing that the one before it may have taken.
    """
    own = settings.api_keys
    nonces = None if settings.store.redis_url is None else ApiKeyNonces(pool)
    service = ApiKeys(ApiKeyRows(pool), audit, seal, own)
    book = NonceBook(own.nonces, now_us() // 1_000 if nonces is None else 0)
    shared = None if nonces is None else SharedNonces(nonces)
    count = metrics.refusals.signed
    gate = KeyGate(service, book, shared, limits, audit, count, own.window_max_ms)
    watch = KeyWatch(service, nonces, own.window_max_ms, logger, sealed)
    return Keys(service=service, gate=gate, watch=watch, seal=seal)


async def open_keys(
    stack: AsyncExitStack,
    settings: Settings,
    pool: DeadlinePool,
    audit: AuditLog,
    limits: RateLimits,
    metrics: Metrics,
    logger: Logger,
    supervisor: Supervisor,
    seal: Seal,
    sealed: Mapping[str, Reseal],
) -> Keys:
    """Return the keys, watched until the stack ends; what else is `sealed` is sealed anew with
    them.
    """
    keys = make_keys(settings, pool, audit, limits, metrics, logger, seal, sealed)
    watch = keys.watch
    await stack.enter_async_context(
        supervisor.running(watch.NAME, watch.run, longest_pause_s=watch.LONGEST_PAUSE_S)
    )
    return keys
