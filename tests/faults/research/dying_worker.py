"""A worker that takes research through and kills itself: before or after a step, the first time.

python -m tests.faults.research.dying_worker DATABASE SERVICE STEP before|after
"""

import asyncio
import os
import signal
import sys
from typing import Any

import structlog
from prometheus_client import CollectorRegistry

from gateway.outbound.asking import Outbound
from gateway.research.inquiries.following import Following
from gateway.research.inquiries.parallel import Parallel
from gateway.research.inquiries.tallies import ResearchMetrics
from persistence.postgres.database import create_pool
from persistence.repositories.research.steps import InquirySteps

STEPS = (
    "steps.begin",
    "service.begin",
    "steps.has_run",
    "service.run",
    "service.result",
    "steps.complete",
    "steps.put_off",
    "steps.lost",
    "steps.fail",
)


def dying(owner: object, name: str, when: str) -> None:
    """Let a method kill the process before or after it did what it does."""
    lived = getattr(owner, name)

    async def deadly(*arguments: Any, **named: Any) -> Any:
        if when == "after":
            await lived(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, deadly)


async def main(url: str, service_url: str, key: str, step: str, when: str) -> None:
    pool = await create_pool(url, size=2)
    steps = InquirySteps(pool)
    service = Parallel(service_url, key, None, Outbound(5))
    room, name = step.split(".")
    dying(steps if room == "steps" else service, name, when)
    following = Following(
        steps,
        service,
        ResearchMetrics(CollectorRegistry()),
        structlog.get_logger(),
        kept_s=1,
        known_s=1,
    )
    for _ in range(20):
        await following.follow(span_s=0.05)
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
