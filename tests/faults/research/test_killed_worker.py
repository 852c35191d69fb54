"""Research whose worker dies by SIGKILL before and after each step: none is paid twice, none lost,
no cents stay held; nor of somebody who asked the same.
"""

import asyncio
import sys
from pathlib import Path

import pytest
import structlog
from prometheus_client import CollectorRegistry

from gateway.outbound.asking import Outbound
from gateway.research.inquiries.following import UNKNOWN_S, Following
from gateway.research.inquiries.parallel import Parallel
from gateway.research.inquiries.tallies import ResearchMetrics
from persistence.clock import MICROSECONDS, now_us
from persistence.postgres.database import create_pool
from persistence.repositories.people.users import Users
from persistence.repositories.research.budgets import MonthlyBounds
from persistence.repositories.research.inquiries import Bounds, Inquiries, Inquiry, NewInquiry
from persistence.repositories.research.steps import InquirySteps
from tests.faults.research.dying_worker import STEPS
from tests.gateway.research.inquiries.parallel_service import (
    KEY,
    ParallelService,
    parallel_service,
)
from tests.lengths import some
from tests.venues.stand_in import Fault, answer

POINTS = [(step, when) for step in STEPS for when in ("before", "after")]
EVERY_DAY = (1, 2, 4, 10, 13)
"""Its intent stored, nothing sent; sent, nothing heard of it (twice); ended, and not stored; put
off.
"""
MADE = "/v1/tasks/runs"
COST, BUDGET, MONTH = 100, 500, 202_611


def lead_to(step: str, service: ParallelService) -> None:
    """Have the service answer so that a step comes at all."""
    if step == "steps.put_off":
        service.line.fail(Fault.RATE_LIMITED, path=MADE, times=None)
    elif step == "steps.lost":
        service.answers["make"] = answer(b"oops", 500)
    elif step == "steps.fail":
        service.ends_as = "failed"


def question(user_id: int, token: str) -> NewInquiry:
    return NewInquiry(
        user_id=user_id,
        request_id=None,
        query="rain?",
        platform=None,
        external_id=None,
        processor="base",
        format="text",
        input="rain?",
        key=b"k" * 32,
        token=token,
        cost=COST,
        month=MONTH,
    )


async def check_who_waited(
    rows: Inquiries, waited: Inquiry | None, ended: Inquiry, step: str
) -> int:
    """Hold somebody who asked the same to what came of that; return what they spent."""
    assert waited is not None
    budget = await rows.budget(waited.user_id, MONTH)
    assert (budget.held, budget.spent) == (0, waited.cost)
    if ended.status == "COMPLETED":
        assert (waited.status, waited.is_cached) == ("COMPLETED", True)
    else:
        # Sent by itself, to a service that still fails where it did.
        fails = step in {"steps.fail", "steps.lost"}
        assert waited.status == ("FAILED" if fails else "COMPLETED")
    return budget.spent


@pytest.mark.parametrize(("step", "when"), some(POINTS, EVERY_DAY))
async def test_one_that_is_begun_is_paid_once_and_ends(
    database_url: str, step: str, when: str
) -> None:
    pool = await create_pool(database_url, size=2)
    rows, steps = Inquiries(pool), InquirySteps(pool)
    ann = (await Users.insert_nameless(pool, "USER")).id
    bounds = Bounds(3, MonthlyBounds(BUDGET, 0), 9)
    made = await rows.ask(question(ann, "token-1"), bounds, now_us(), now_us())
    # Somebody else asks the same meanwhile, and waits for what comes of it.
    bob = (await Users.insert_nameless(pool, "USER")).id
    theirs = await rows.ask(question(bob, "token-2"), bounds, now_us(), now_us())
    async with parallel_service() as service:
        service.ends_at_once = True
        lead_to(step, service)
        command = (sys.executable, "-m", "tests.faults.research.dying_worker", database_url)
        process = await asyncio.create_subprocess_exec(
            *command, service.url, KEY, step, when, cwd=Path(__file__).parents[3]
        )
        assert await asyncio.wait_for(process.wait(), 60) == -9, "it died where it was to"
        service.line.mend()
        # Who comes after it, an hour and more later: its lease and the wait for a message are over.
        late = [0]
        following = Following(
            steps,
            Parallel(service.url, KEY, None, Outbound(5)),
            ResearchMetrics(CollectorRegistry()),
            structlog.get_logger(),
            kept_s=10**6,
            known_s=10**6,
            clock=lambda: now_us() + late[0] * MICROSECONDS,
        )
        for _ in range(6):
            late[0] += UNKNOWN_S // 2 + 60
            await following.follow(span_s=0.01)
        ended = await rows.get(ann, made.id)
        budget = await rows.budget(ann, MONTH)
        assert ended is not None
        assert budget.held == 0, "no cents are stuck"
        theirs_now = await rows.get(bob, theirs.id)
        others = await check_who_waited(rows, theirs_now, ended, step)
        assert budget.of_all == budget.spent + others, "nor in what all together have"
        sent = [one["metadata"]["probity"] for one in service.made]
        assert len(set(sent)) == len(sent), "each was sent once"
        assert len(sent) == 1 or ended.status != "COMPLETED"
        assert ended.cost == budget.spent
        if ended.status == "COMPLETED":
            assert budget.spent == COST
        elif step == "steps.fail":
            assert (ended.status, budget.spent) == ("FAILED", 0), "a run that fails costs nothing"
        else:
            # Nobody knows whether it was sent: it is never sent again, and counts as paid.
            assert (step, when) in {
                ("steps.begin", "after"),
                ("service.begin", "before"),
                ("service.begin", "after"),
                ("steps.has_run", "before"),
                ("steps.put_off", "before"),
                ("steps.lost", "before"),
                ("steps.lost", "after"),
            }
            assert (ended.status, budget.spent) == ("FAILED", COST)
    await pool.close()
