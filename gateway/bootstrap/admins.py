"""What admins do, put together: their way to the engine, what two of them do together, and the work
of the engine's process beside it.
"""

from contextlib import AsyncExitStack

from gateway.bootstrap.identity.people import People
from gateway.bootstrap.parts import segments_of
from gateway.bootstrap.settings import Settings
from gateway.engine_side.audited import AuditedCommands
from gateway.engine_side.running import EngineSide
from gateway.jobs.supervisor import Supervisor
from gateway.observability.logs import Logger
from gateway.operations.audit.tip_watch import AuditTipWatch
from gateway.operations.checker.halting import Halting
from gateway.operations.proposals.approving import Approving
from gateway.operations.proposals.deeds import Deeds
from persistence.journal.segments.segments import Segments
from persistence.journal.tables import read_head
from persistence.postgres.database import DeadlinePool
from persistence.repositories.checks.findings import Findings
from persistence.repositories.market_life import MarketLives
from persistence.repositories.proposals import Proposals


def admin_commands(settings: Settings, engine: EngineSide, people: People) -> AuditedCommands:
    """Return the engine's way in for admins."""
    two_persons = settings.proposals.two_persons
    return AuditedCommands(engine.commands, engine.view, people.audit, two_persons=two_persons)


def approving(
    settings: Settings, engine: EngineSide, people: People, pool: DeadlinePool, segments: Segments
) -> Approving:
    """Return what carries out what two admins agree on."""
    return Approving(
        Proposals(pool),
        Deeds(engine.view, MarketLives(pool, segments)),
        admin_commands(settings, engine, people),
        people.roles,
        people.audit,
        engine.view,
        settings.proposals,
    )


async def watch_admins(
    stack: AsyncExitStack,
    settings: Settings,
    pool: DeadlinePool,
    engine: EngineSide,
    people: People,
    logger: Logger,
    supervisor: Supervisor,
    *,
    accept_tip: bool,
) -> None:
    """Note beside the database how far the audit log reaches, finish what was approved, and halt
    what the checker found wrong, until the stack ends.
    """
    database_id = (await read_head(pool)).database_id
    folder = settings.store.data_dir
    tips = AuditTipWatch(people.audit, folder, database_id, logger, accept_tip=accept_tip)
    await stack.enter_async_context(supervisor.running(tips.NAME, tips.run))
    agreed = approving(settings, engine, people, pool, segments_of(settings))
    await stack.enter_async_context(supervisor.running(agreed.NAME, agreed.run))
    if settings.checks.halts:
        halting = Halting(Findings(pool), engine.commands, engine.view, people.audit, logger)
        await stack.enter_async_context(supervisor.running(halting.NAME, halting.run))
