"""A process with a job that never ends, to be killed in the middle of it.

python hanging_worker.py URL    prints "at it" once the job runs
"""

import asyncio
import sys

import uvloop

from gateway.jobs.job import Arguments, Job
from gateway.jobs.queue import JobQueue, QueueTimes
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from persistence.postgres.database import create_pool
from persistence.repositories.jobs import JobRows


async def hang(_arguments: Arguments) -> None:
    print("at it", flush=True)
    await asyncio.Event().wait()


async def main(url: str) -> None:
    pool = await create_pool(url, size=2)
    queue = JobQueue(
        url,
        [Job(name="deed", run=hang, time_limit_s=60, tries=2)],
        JobRows(pool),
        Metrics().jobs,
        configure_logs("error", sys.stderr),
        at_once=1,
        drain_s=1,
        times=QueueTimes(poll=0.1, heartbeat=0.2, silent=1.0, look=0.2),
    )
    await queue.work(lambda: None)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1]))
