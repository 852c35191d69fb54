"""The watch over sessions that end elsewhere: it goes on, whatever a listener or an outage does."""

import asyncio
import io
import time
from collections.abc import Iterable
from typing import Any

import pytest

from gateway.access.principals import Principal, Role
from gateway.accounts.sessions import watch as module
from gateway.accounts.sessions.keys import rotate
from gateway.accounts.sessions.watch import SessionWatch
from gateway.jobs.supervisor import Supervisor
from gateway.observability.logs import configure_logs
from gateway.observability.metrics import Metrics
from tests.gateway.conftest import Person, Web
from tests.gateway.waiting import eventually

PRINCIPAL = Principal(1, Role.USER, 7, 2**40)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 0.01)


def supervisor_of(metrics: Metrics) -> Supervisor:
    logger = configure_logs("error", io.StringIO())
    return Supervisor(metrics.jobs, logger, jitter=lambda: 0.01)


def figure(metrics: Metrics, name: str) -> float | None:
    return metrics.registry.get_sample_value(name, {"job": SessionWatch.NAME})


async def status(web: Web, person: Person) -> int:
    answer = await web.client.get("/api/v1/auth/me", headers=person.bearer)
    return answer.status_code


async def _until(told: list[int], user_id: int) -> None:
    await eventually(lambda: user_id in told)


async def test_it_goes_on_revoking_beside_a_listener_that_fails(web: Web) -> None:
    auth = web.accounts.sessions
    people = [await web.register() for _ in range(3)]
    assert [await status(web, person) for person in people] == [200] * 3
    told: list[int] = []

    def listener(user_id: int, _session_id: int) -> None:
        told.append(user_id)
        raise LookupError("no such socket")

    auth.on_revoked.append(listener)
    metrics = Metrics()
    watch = SessionWatch(auth, list)
    async with supervisor_of(metrics).running(SessionWatch.NAME, watch.run):
        for gone, person in enumerate(people[:2], start=1):
            # As another process would.
            await web.accounts.users._pool.execute(
                "UPDATE sessions SET revoked_at = 1 WHERE user_id = $1", person.id
            )
            await _until(told, person.id)
            assert await status(web, person) == 401
            assert (figure(metrics, "job_failures_total") or 0) >= gone
        assert await status(web, people[2]) == 200
        name = "job_last_success_timestamp_seconds"
        await eventually(lambda: figure(metrics, name))


async def test_one_listener_that_fails_keeps_no_other_end_from_being_told(web: Web) -> None:
    auth = web.accounts.sessions
    people = [await web.register() for _ in range(3)]
    assert [await status(web, person) for person in people] == [200] * 3
    told: list[int] = []

    def listener(user_id: int, _session_id: int) -> None:
        told.append(user_id)
        raise LookupError

    auth.on_revoked.append(listener)
    await web.accounts.users._pool.execute("UPDATE sessions SET revoked_at = 1")
    with pytest.raises(ExceptionGroup) as caught:
        await auth.recheck()
    assert len(caught.value.exceptions) == 3
    assert sorted(told) == [person.id for person in people]
    await auth.recheck()
    assert [await status(web, person) for person in people] == [401] * 3


class Rechecks:
    """What the watch asks: fails as often as it is told to, by whatever it is told."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.asked: list[list[Principal]] = []

    async def recheck(self, in_use: Iterable[Principal] = ()) -> None:
        self.asked.append(list(in_use))
        if self.failures:
            raise self.failures.pop(0)


async def test_an_outage_is_waited_for_without_a_beat() -> None:
    rechecks = Rechecks(*(OSError() for _ in range(3)))
    beats: list[int] = []
    task = asyncio.create_task(
        SessionWatch(rechecks, lambda: [PRINCIPAL]).run(lambda: beats.append(len(rechecks.asked)))
    )
    await eventually(lambda: beats)
    task.cancel()
    assert beats[0] == 4
    assert rechecks.asked[0] == [PRINCIPAL]


async def test_whatever_ends_it_it_is_started_again() -> None:
    failures: list[Any] = [LookupError(), KeyError(), RuntimeError()]
    rechecks = Rechecks(*failures)
    metrics = Metrics()
    watch = SessionWatch(rechecks, list)
    async with supervisor_of(metrics).running(SessionWatch.NAME, watch.run):
        await eventually(lambda: len(rechecks.asked) > 5)
    assert figure(metrics, "job_failures_total") == 3


async def test_a_token_that_was_seen_is_not_believed_when_its_key_holds_no_longer(
    web: Web,
) -> None:
    """A key that others have signs tokens that were seen as well, and sockets use them."""
    person = await web.register()
    assert (await web.client.get("/api/v1/auth/me", headers=person.bearer)).status_code == 200
    sessions = web.accounts.sessions
    [principal] = [await sessions.verify(person.token.encode())]
    told: list[tuple[int, int]] = []
    sessions.on_revoked.append(lambda *who: told.append(who))
    rotate(web.settings.store.data_dir, 900)
    await sessions.recheck([principal])
    assert (await web.client.get("/api/v1/auth/me", headers=person.bearer)).status_code == 200
    assert told == []
    rotate(web.settings.store.data_dir, 900, at_once=True)
    await sessions.recheck([principal])
    assert (await web.client.get("/api/v1/auth/me", headers=person.bearer)).status_code == 401
    assert told == [(principal.user_id, principal.session_id)]


async def test_a_listener_that_fails_keeps_no_other_from_hearing_of_a_lost_key(web: Web) -> None:
    people = [await web.register() for _ in range(2)]
    sessions = web.accounts.sessions
    principals = [await sessions.verify(person.token.encode()) for person in people]
    told: list[int] = []

    def listener(user_id: int, _session_id: int) -> None:
        told.append(user_id)
        raise LookupError

    sessions.on_revoked.append(listener)
    rotate(web.settings.store.data_dir, 900, at_once=True)
    with pytest.raises(ExceptionGroup):
        await sessions.recheck(principals)
    assert sorted(told) == sorted(person.id for person in people)


async def test_a_key_whose_time_is_over_ends_no_socket(web: Web) -> None:
    """All tokens of it are over; nobody is signed out, and not all sockets come anew at once."""
    person = await web.register()
    sessions = web.accounts.sessions
    principal = await sessions.verify(person.token.encode())
    told: list[int] = []
    sessions.on_revoked.append(lambda user_id, _session_id: told.append(user_id))
    rotate(web.settings.store.data_dir, 900, clock=lambda: time.time() - 3_600)
    await sessions.recheck([principal])
    assert await status(web, person) == 401, "no token is believed for having been seen"
    assert told == []
