"""Webhooks have their turns side by side: no slow one, and no fault, keeps another waiting."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.alerts.webhooks import sending
from gateway.alerts.webhooks.sending import LEASE_S
from gateway.jobs import turns
from gateway.outbound.asking import Answer
from gateway.outbound.public import AT_ONCE
from persistence.clock import MICROSECONDS
from persistence.errors import BoundReached
from persistence.repositories.alerts.webhooks import OF_OWNER, Due, Webhook
from tests.gateway.alerts.webhooks.sent import USER, Sent


class Slow:
    """Posts that end when a test says so; those of `slow` webhooks."""

    def __init__(self, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun: list[int] = []
        self.slow: set[int] = set()
        self.may_end = asyncio.Event()
        self.most = 0
        self._now = 0
        self._came = asyncio.Condition()
        monkeypatch.setattr(sent.sending, "_post", self.post)
        monkeypatch.setattr(turns, "LOOK_S", 0.01)

    async def post(self, due: Due, _secret: str) -> Answer:
        async with self._came:
            self.begun.append(due.webhook_id)
            self._came.notify_all()
        self._now += 1
        self.most = max(self.most, self._now)
        if due.webhook_id in self.slow:
            await self.may_end.wait()
        self._now -= 1
        return Answer(200, b"")

    async def has_begun(self, webhook: Webhook, times: int = 1) -> None:
        await self.wait(lambda: self.begun.count(webhook.id) >= times)

    async def wait(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(30), self._came:
            await self._came.wait_for(is_so)


async def test_a_slow_one_keeps_nothing_of_another_waiting(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = await sent.begin(), await sent.begin()
    posts = Slow(sent, monkeypatch)
    posts.slow = {slow.id}
    for _ in range(2):
        await sent.fire(slow)
    await sent.fire(quick)
    run = asyncio.create_task(sent.sending.send_due())
    await posts.has_begun(quick)
    # What falls due while the slow one is under way goes out at once, ...
    await sent.fire(quick)
    await posts.has_begun(quick, 2)
    await sent.fire(slow)
    # ... and of the slow one one at a time, in its order.
    assert posts.begun.count(slow.id) == 1
    posts.may_end.set()
    assert await run == 5
    lines = await sent.rows.log(USER, slow.id, 2**62, 9)
    assert [(line.status, line.tries) for line in lines] == [("DELIVERED", 1)] * 3


async def test_whoever_is_slow_for_long_goes_on_after_others(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = await sent.begin()
    for _ in range(4):
        await sent.fire(slow)
    tries = []

    async def post(due: Due, _secret: str) -> Answer:
        tries.append(due.tries)
        sent.later(5)
        return Answer(200, b"")

    monkeypatch.setattr(sent.sending, "_post", post)
    assert await sent.sending.send_due() == 4
    assert tries == [1] * 4, "what was put back has cost no try"


async def test_so_many_of_one_owner_and_so_many_in_all(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    posts = Slow(sent, monkeypatch)
    hooks = [await sent.begin() for _ in range(OF_OWNER + 1)]
    others = [await sent.begin(user) for user in range(100, 100 + AT_ONCE)]
    posts.slow = {hook.id for hook in (*hooks, *others)}
    for hook in hooks:
        await sent.fire(hook)
    run = asyncio.create_task(sent.sending.send_due())
    await posts.has_begun(hooks[OF_OWNER - 1])
    for hook in others:
        await sent.fire(hook)
    await posts.wait(lambda: len(posts.begun) == AT_ONCE)
    assert hooks[OF_OWNER].id not in posts.begun
    posts.may_end.set()
    assert await run == len(hooks) + len(others)
    assert posts.most == AT_ONCE


async def test_what_goes_wrong_with_one_ends_no_other(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, good = await sent.begin(), await sent.begin()
    await sent.fire(wrong)
    await sent.fire(good)
    posts = Slow(sent, monkeypatch)
    posts.slow = {good.id}
    delivered = sent.rows.delivered

    async def fails(due: Due, answered: int, now: int) -> None:
        if due.webhook_id == wrong.id:
            posts.may_end.set()
            raise RuntimeError("ours")
        await delivered(due, answered, now)

    monkeypatch.setattr(sent.rows, "delivered", fails)
    with pytest.raises(RuntimeError, match="ours"):
        await sent.sending.send_due()
    (line,) = await sent.rows.log(USER, good.id, 2**62, 9)
    assert line.status == "DELIVERED"
    assert "turn went wrong" in sent.log.getvalue()
    (line,) = await sent.rows.log(USER, wrong.id, 2**62, 9)
    assert (line.status, line.next_at) == ("PENDING", sent.now + LEASE_S * MICROSECONDS)


async def test_a_run_ends_though_there_is_always_more(
    sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = await sent.begin()
    monkeypatch.setattr(sending, "SPAN_S", 0.0)
    await sent.fire(hook)
    assert await sent.sending.send_due() == 0
    monkeypatch.setattr(sending, "SPAN_S", 60.0)
    assert await sent.sending.send_due() == 1


async def test_nothing_is_sent_for_a_suspended_account(sent: Sent) -> None:
    hook = await sent.begin()
    await sent.fire(hook)
    standing = "INSERT INTO accounts (id, opened_seq, available, locked, seq, standing)"
    await sent.pool.execute(f"{standing} VALUES ($1, 1, 0, 0, 0, 2)", USER)
    assert await sent.sending.send_due() == 0
    assert sent.receiver.heads == []
    with pytest.raises(BoundReached):
        await sent.fire(hook)
    await sent.pool.execute("UPDATE accounts SET standing = 1")
    assert await sent.sending.send_due() == 1, "what waited has lost nothing"
    (line,) = await sent.rows.log(USER, hook.id, 2**62, 9)
    assert line.tries == 1
