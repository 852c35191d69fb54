"""The waiting engine's role: it follows, and leads when nobody else does, in the same process.

    ground ──> Standby follows ──> due ──> run_engine over what it holds ──> leads, for good
                   ^── another one was quicker ──┘

Laws: everything that a takeover needs but the lead is there before, so that it takes as long as the
last rows; a process that has led and can't go on ends, and the one after it waits again. The schema
is the leader's to migrate. What a standby may not take over (`StateDiffers`) stays untaken: the
process goes on and says so, for an operator to look. A database that goes away on the way is waited
for with what is held, as it was before.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from gateway.accounts.sessions.keys import require_key
from gateway.bootstrap.compose import running_database
from gateway.bootstrap.roles.engine import Ground, Leading, lead, open_ground, require_redis
from gateway.bootstrap.settings import Settings
from gateway.engine_side.cancels_first import Takeover
from gateway.engine_side.standing_by import StandbyFollowing
from gateway.observability.logs import Logger
from gateway.operations.health_routes import StandbyCondition
from gateway.sealing.settings import require_seal
from persistence.errors import EngineRunning, StateDiffers
from persistence.journal.segments.segments import Segments
from persistence.postgres import migrate
from persistence.postgres.database import is_absence
from persistence.standby.standby import Standby

_RETRY_S: Final = 0.25
"""How long after a takeover that the database was away for the next one is tried."""


@asynccontextmanager
async def open_standby(
    settings: Settings, logger: Logger, *, accept_tip: bool = False
) -> AsyncIterator[Leading]:
    """Start a process whose engine waits, beside a database that somebody else looks after.

    `accept_tip` is the operator's word that the database was put back in time on purpose.
    Raises SettingsError for what it has to share with the engine, SchemaError for a schema of
    another version, DatabaseUnavailable.
    """
    require_redis(settings)
    require_key(settings.sign_in.private_key, settings.store.data_dir)
    require_seal(settings.sealing, settings.store.data_dir)
    async with AsyncExitStack() as stack:
        url = running_database(settings)
        await migrate.require_newest(settings.store.direct_url or url)
        ground = await open_ground(stack, settings, logger, url)
        following = StandbyFollowing(ground.metrics, logger)
        condition = StandbyCondition(following)
        waiting = settings.standby
        standby = Standby(
            ground.direct_url,
            following,
            data_dir=settings.store.data_dir,
            segments=Segments(settings.store.segments_folder),
            lease_s=waiting.lease_seconds,
            compare_s=waiting.compare_seconds,
            accept_tip=accept_tip,
        )
        taking = _take_over(stack, ground, standby, following, condition)
        task = asyncio.create_task(_guarded(taking, ground), name="standby")
        stack.push_async_callback(_end, task)
        stack.callback(ground.readiness.drain)
        yield ground.served(condition, None)


async def _take_over(
    stack: AsyncExitStack,
    ground: Ground,
    standby: Standby,
    following: StandbyFollowing,
    condition: StandbyCondition,
) -> None:
    """Wait for the turn, and lead until the stack ends."""
    waiting = ground.settings.standby
    takeover = Takeover(standby.recover, waiting.cancel_only_seconds, waiting.post_only_seconds)
    while True:
        await standby.run()
        ground.logger.warning("the lead is free, and taken over", seq=standby.seq)
        try:
            async with AsyncExitStack() as begun:
                side, _ = await lead(begun, ground, takeover=takeover)
                await stack.enter_async_context(begun.pop_all())
        except EngineRunning:
            ground.logger.info("another engine has taken the lead")
        except StateDiffers:
            continue  # said by the standby itself, which is not due any more
        except Exception as error:
            if standby.has_led or not is_absence(error):
                raise
            # What it has followed is still true: it waits for the database with it.
            following.away(type(error).__name__)
            await asyncio.sleep(_RETRY_S)
        else:
            condition.leads(side)
            ground.logger.warning("the engine leads", epoch=side.feed.epoch, seq=side.view.seq)
            return


async def _guarded(work: Coroutine[Any, Any, None], ground: Ground) -> None:
    """Do it; what it fails with ends the process, and a new one waits."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - the outermost boundary of a task
        ground.supervisor.fail(error)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
