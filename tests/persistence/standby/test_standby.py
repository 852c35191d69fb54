"""A standby follows whatever is traded, sees what is wrong, and goes on exactly where it ended."""

import asyncio
import os
import signal
import time
from pathlib import Path
from random import Random

import psutil
import pytest

from exchange.messages.commands import OpenAccount
from exchange.messages.terms import NO
from exchange.model.state import State
from exchange.model.timers import TimerKind
from exchange.proof import invariants
from exchange.proof.state_hash import state_hash
from persistence.errors import EngineRunning, HistoryMismatch, SchemaError, StateDiffers
from persistence.journal import tables
from persistence.journal.tip import Tip, TipFile
from persistence.loop.recovery import recover
from persistence.loop.sequencer import Sequencer
from persistence.postgres.database import connect, create_pool
from persistence.standby import lease
from persistence.standby import standby as waiting_room
from tests.lengths import length
from tests.measured import tries
from tests.persistence.loop.test_stopped_engine import busy_engine
from tests.persistence.random_orders import commands, opening
from tests.persistence.running import ANN, CASH, limit, listing, running, until
from tests.persistence.standby.waiting_engine import waiting

TAKEOVERS = length(4, long=100)
_TAKEN_S = 1.0
_LEASE_S = 2.0


def indices(state: State) -> tuple[object, ...]:
    """What a state derives and its hash leaves out: what is due, and when."""
    return (
        list(state.due),
        sorted(state.volatile),
        {market.id: market.limits for market in state.markets.values()},
        {account.id: account.limits for account in state.accounts.values()},
        sorted(state.leases.items()),
        sorted(state.open_client_ids.items()),
        {kind: list(state.timers.of(kind)) for kind in TimerKind},
        {market.id: (market.next_payout, market.resumes_at) for market in state.markets.values()},
    )


async def test_what_it_holds_is_what_a_start_would_read(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every kind of command, whatever they derive included."""
    # The comparison waited for here comes behind another one, whose rest is half a minute where
    # that one took half a second.
    monkeypatch.setattr(waiting_room, "_REST", 1)
    for seed in range(length(3, long=60)):
        async with running(database_url) as engine:
            if not engine.live.seq:
                await engine.send_all(*opening())
            async with waiting(database_url, compare_s=0.0) as one:
                await until(lambda: one.heard.loads == 1)
                await engine.send_all(*commands(seed, 400))
                await one.reaches(engine.view.seq)
                await until(lambda: engine.view.seq in one.heard.compared_at)
                assert one.heard.problems == []
                assert one.heard.loads == 1
        connection = await connect(database_url)
        snapshot = await tables.read(connection)
        assert await one.standby.bring_forward(connection, snapshot.head)
        stored = tables.build(snapshot, with_ids=True)
        live, view = one.standby.states()
        assert state_hash(live) == state_hash(stored)
        assert state_hash(view, with_ids=False) == state_hash(stored, with_ids=False)
        assert indices(live) == indices(stored)
        invariants.check(live)
        await connection.close()


async def test_it_goes_on_where_an_engine_that_ended_was(database_url: str, tmp_path: Path) -> None:
    async with waiting(database_url, data_dir=tmp_path, lease_s=60) as one:
        async with running(database_url) as engine:
            await engine.send_all(OpenAccount(ANN, CASH), listing())
            await engine.send_all(*(limit(ANN, 40 + n, 1, id=f"a{n}") for n in range(10)))
            await one.reaches(engine.view.seq)
            await asyncio.sleep(0.6)
            assert not one.standby.due.is_set()
            before = state_hash(engine.live)
        await one.is_due()
        recovered = await one.standby.recover(database_url, tmp_path, stream_id="new")
        assert state_hash(recovered.live) == before
        assert recovered.journal.epoch == 2
        pool = await create_pool(database_url, size=2)
        sequencer = Sequencer(recovered, pool)
        sequencer.start()
        again = await sequencer.submit(limit(ANN, 40, 1, id="a0"))
        assert again.replayed
        assert not (await sequencer.submit(limit(ANN, 45, 1, id="b"))).replayed
        await sequencer.stop()
        await pool.close()
        assert one.heard.loads == 1, "it went on with what it followed"
    tip = TipFile(tmp_path / "tip", recovered.database_id).read()
    assert tip is not None
    assert tip.seq == recovered.live.seq


async def test_an_engine_stopped_anywhere_is_taken_over_and_writes_nothing_more(
    database_url: str,
) -> None:
    seed = int(os.environ.get("SEED", Random().randrange(2**32)))
    print(f"SEED={seed}")
    dice = Random(seed)
    epoch = 0
    for _ in range(TAKEOVERS):
        async with (
            busy_engine(database_url, dice.randrange(2**32)) as pid,
            waiting(database_url, lease_s=_LEASE_S, compare_s=0.5) as one,
        ):
            await until(lambda: one.heard.loads == 1)
            await asyncio.sleep(dice.random() * 0.4)
            os.kill(pid, signal.SIGSTOP)
            stopped_at = time.monotonic()
            await one.is_due()
            waited = time.monotonic() - stopped_at
            recovered = await one.standby.recover(database_url)
            took = time.monotonic() - stopped_at - waited
            print(f"due {waited:.2f} s after the stop, taken over in {took:.3f} s")
            assert recovered.journal.epoch > epoch
            epoch = recovered.journal.epoch
            assert one.heard.problems == []
            assert one.heard.loads == 1
            os.kill(pid, signal.SIGCONT)
            await _ends(pid)
            connection = recovered.connection
            stored = await tables.read(connection)
            assert stored.head.last_seq == recovered.live.seq
            assert state_hash(tables.build(stored, with_ids=True)) == state_hash(recovered.live)
            await connection.close()


async def _ends(pid: int) -> None:
    """Wait until a process of ours has ended."""
    await until(lambda: not psutil.pid_exists(pid))


async def test_an_engine_that_is_killed_is_taken_over_at_once(database_url: str) -> None:
    for attempt in tries():
        async with (
            busy_engine(database_url, 7) as pid,
            waiting(database_url, lease_s=60) as one,
        ):
            await until(lambda: one.heard.loads == 1)
            await until(lambda: one.heard.seq > 100)
            os.kill(pid, signal.SIGKILL)
            killed_at = time.monotonic()
            await one.is_due()
            recovered = await one.standby.recover(database_url)
            took = time.monotonic() - killed_at
            await recovered.connection.close()
        attempt.takes("taken over, s", took, _TAKEN_S)


async def test_a_database_that_is_at_work_for_the_engine_is_no_silence(database_url: str) -> None:
    """Another engine would wait just as long."""
    async with running(database_url) as engine, waiting(database_url, lease_s=0.4) as one:
        await engine.send(OpenAccount(ANN, CASH))
        await one.reaches(1)
        blocker = await connect(database_url)
        async with blocker.transaction():
            await blocker.execute("SELECT 1 FROM engine_state FOR UPDATE")
            held = asyncio.ensure_future(engine.send(OpenAccount(ANN + 1, CASH)))
            await asyncio.sleep(1.5)
            assert not one.standby.due.is_set()
        await held
        await blocker.close()


async def test_an_engine_that_reads_the_tables_has_time(database_url: str) -> None:
    recovered = await recover(database_url)
    await recovered.connection.execute(
        "SELECT set_config('application_name', 'probity engine, starting', false)"
    )
    connection = await connect(database_url)
    await asyncio.sleep(0.1)
    standing = await lease.look(connection)
    assert standing is not None
    assert standing.leader is not None
    assert standing.leader.is_starting
    assert standing.leader.silent_s is not None
    assert standing.leader.silent_s >= 0.1
    assert not standing.leader.has_lost(0.01)
    await connection.close()
    await recovered.connection.close()


async def test_only_the_session_that_was_silent_is_ended(database_url: str) -> None:
    first = await recover(database_url)
    connection = await connect(database_url)
    standing = await lease.look(connection)
    assert standing is not None
    assert standing.leader is not None
    await first.connection.close()
    second = await recover(database_url)
    await lease.end(connection, standing.leader)
    assert await second.connection.fetchval("SELECT 1") == 1
    await connection.close()
    await second.connection.close()


async def test_who_comes_second_goes_on_following(database_url: str) -> None:
    async with waiting(database_url, lease_s=0.3) as one:
        await one.is_due()
        other = await recover(database_url)
        with pytest.raises(EngineRunning):
            await one.standby.recover(database_url)
        one.start()
        await until(lambda: one.heard.standing is not None and one.heard.standing.epoch == 1)
        await other.connection.close()
        await one.is_due()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE accounts SET available = available + 1 WHERE id = 1", "the tables break a law"),
        ("UPDATE markets SET question = 'Will it snow?'", "aren't what the journal's events make"),
        (
            "UPDATE positions SET realised = realised + 1",
            "aren't what the journal's events make",
        ),
    ],
)
async def test_a_difference_is_an_alarm_and_nothing_is_taken_over(
    database_url: str, monkeypatch: pytest.MonkeyPatch, change: str, problem: str
) -> None:
    monkeypatch.setattr(waiting_room, "_REST", 1)
    async with waiting(database_url, compare_s=0.0) as one:
        async with running(database_url) as engine:
            await engine.send_all(OpenAccount(ANN, CASH), OpenAccount(2, CASH), listing())
            await engine.send_all(limit(ANN, 40, 1), limit(2, 60, 1, NO))
            await until(lambda: engine.view.seq in one.heard.compared_at)
            await engine.pool.execute(change)
            await until(lambda: bool(one.heard.problems))
            assert problem in one.heard.problems[0]
        await asyncio.sleep(0.5)
        assert not one.standby.due.is_set()
        with pytest.raises(StateDiffers):
            await one.standby.recover(database_url)
        connection = await connect(database_url)
        assert await connection.fetchval("SELECT epoch FROM engine_state") == 1
        await connection.close()


async def test_commands_that_give_other_events_here_are_an_alarm(
    database_url: str,
) -> None:
    async with waiting(database_url, compare_s=60) as one:
        async with running(database_url) as engine:
            await engine.send_all(OpenAccount(ANN, CASH), listing())
            await one.reaches(engine.view.seq)
            assert one.standby._twin is not None
            one.standby._twin.live.accounts[ANN].available = 0
            await engine.send(limit(ANN, 40, 1))
            await until(lambda: bool(one.heard.problems))
            await engine.send_all(*(limit(ANN, 41 + n, 1) for n in range(3)))
            await asyncio.sleep(0.6)
            assert one.heard.seq < engine.view.seq
        assert len(one.heard.problems) == 1, "it is said once"
        assert "gives other events when run again" in one.heard.problems[0]


async def test_a_database_put_back_in_time_isn_t_gone_on_with(
    database_url: str, tmp_path: Path
) -> None:
    """What was followed stands in the tip beside the standby."""
    async with waiting(database_url, data_dir=tmp_path, lease_s=60) as one:
        async with running(database_url) as engine:
            await engine.send_all(OpenAccount(ANN, CASH), listing())
            await one.reaches(engine.view.seq)
        await one.is_due()
    connection = await connect(database_url)
    database_id = await connection.fetchval("SELECT database_id::text FROM engine_state")
    await connection.close()
    TipFile(tmp_path / "tip", database_id).write(Tip(99, b"x" * 32))
    with pytest.raises(HistoryMismatch, match="the database ends at 2, but 99 was committed"):
        await one.standby.recover(database_url, tmp_path)


async def _begun(url: str) -> str:
    """Trade a little; return which exchange the database holds."""
    async with running(url) as engine:
        await engine.send_all(OpenAccount(ANN, CASH), listing())
        found: str = await engine.pool.fetchval("SELECT database_id::text FROM engine_state")
        return found


async def test_the_tip_outlives_a_start_beside_a_database_put_back_in_time(
    database_url: str, tmp_path: Path
) -> None:
    tip = TipFile(tmp_path / "tip", await _begun(database_url))
    tip.write(Tip(99, b"x" * 32))
    async with waiting(database_url, data_dir=tmp_path, lease_s=0.2) as one:
        await until(lambda: bool(one.heard.problems))
        await asyncio.sleep(1.0)  # the tip would be written, and the lead be taken, by then
        assert "the database ends at 2, but 99 was committed" in one.heard.problems[0]
        assert (len(one.heard.problems), one.standby.due.is_set()) == (1, False)
        with pytest.raises(StateDiffers):
            await one.standby.recover(database_url, tmp_path)
    assert tip.read() == Tip(99, b"x" * 32)
    async with waiting(database_url, data_dir=tmp_path, lease_s=0.2, accept_tip=True) as one:
        await one.is_due()
        recovered = await one.standby.recover(database_url, tmp_path)
        await recovered.connection.close()
    assert one.heard.problems == []


async def test_what_it_has_followed_is_in_the_tip_when_the_database_is_put_back(
    database_url: str, tmp_path: Path
) -> None:
    """The last of it, too, which the file doesn't name yet."""
    database_id = await _begun(database_url)
    async with waiting(database_url, data_dir=tmp_path, lease_s=60) as one:
        await until(lambda: one.heard.loads == 1)
        standby = one.standby
        assert standby._tip is not None
        assert standby._twin is not None
        # As if it had followed so far on a server that is gone now.
        standby._tip.committed(Tip(99, b"x" * 32))
        standby._twin.view.seq = 99
        await until(lambda: bool(one.heard.problems))
        assert "99 was committed" in one.heard.problems[0]
        await asyncio.sleep(0.7)
    assert TipFile(tmp_path / "tip", database_id).read() == Tip(99, b"x" * 32)


async def test_a_comparison_that_came_to_no_end_has_its_rest_all_the_same(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = 0

    async def fails(*_known: object, **_more: object) -> tables.Snapshot:
        nonlocal tried
        tried += 1
        raise ConnectionResetError

    await _begun(database_url)
    async with waiting(database_url, compare_s=60, lease_s=60) as one:
        await until(lambda: one.heard.loads == 1)
        monkeypatch.setattr(tables, "read_in_transaction", fails)
        one.standby._compares_at = 0.0
        await until(lambda: bool(one.heard.reasons))
        one.heard.seq = 0
        await until(lambda: one.heard.seq > 0)
        await asyncio.sleep(0.5)
        assert tried == 1


async def test_nothing_is_taken_over_on_tables_of_another_version(database_url: str) -> None:
    """A standby goes on beside an engine that was upgraded, and knows what that one has made."""
    async with waiting(database_url, lease_s=0.3) as one:
        leader = await recover(database_url)
        await until(lambda: one.heard.loads == 1)
        await leader.connection.execute("UPDATE alembic_version SET version_num = '9999'")
        await one.is_due()
        with pytest.raises(SchemaError, match="9999"):
            await one.standby.recover(database_url)
        assert await leader.connection.fetchval("SELECT epoch FROM engine_state") == 1
        await leader.connection.close()


async def test_a_database_that_falls_silent_in_a_takeover_is_left_for_a_while(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _begun(database_url)
    async with waiting(database_url, lease_s=0.3) as one:
        await one.is_due()
        blocker = await connect(database_url)
        async with blocker.transaction():
            await blocker.execute("SELECT 1 FROM engine_state FOR UPDATE")
            monkeypatch.setattr(waiting_room, "_LOAD_S", 0.5)
            with pytest.raises(TimeoutError):
                await one.standby.recover(database_url)
            monkeypatch.undo()
        await blocker.close()
        assert not one.standby.has_led
        one.start()
        await one.is_due()
        recovered = await one.standby.recover(database_url)
        await recovered.connection.close()
        assert (one.standby.has_led, one.heard.loads) == (True, 1)
