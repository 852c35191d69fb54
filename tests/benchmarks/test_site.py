"""The load on a whole site: what is asked, that no answer delays it, and what is said of it."""

import asyncio
import contextlib
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.site.load import Outcome, percentile
from benchmarks.site.mix import SHARES, Mix, Person
from benchmarks.site.offered import NO_ANSWER, Answer, offer
from benchmarks.site.soak import Sample, Soaked, draw, slope
from tests.gateway.waiting import eventually

ROOT = Path(__file__).parents[2]


def crowd(count: int) -> list[Person]:
    return [Person(number, f"p{number}@load.invalid", f"t{number}") for number in range(count)]


def test_the_mix_is_what_its_shares_say_and_each_order_has_an_id_of_its_own() -> None:
    assert sum(SHARES.values()) == 1_000
    mix = Mix("localhost", "load", crowd(10), seed=1)
    calls = [mix.next() for _ in range(10_000)]
    kinds = Counter(call.kind for call in calls)
    # Nobody has anything to cancel: who would, looks what there is.
    assert kinds["cancel"] == 0
    for kind in ("book", "order", "sign-in"):
        assert kinds[kind] == pytest.approx(10 * SHARES[kind], rel=0.6)
    ids = [re.findall(rb'"clientOrderId":"([^"]+)"', call.raw) for call in calls]
    orders = [(call.person.number, *found) for call, found in zip(calls, ids, strict=True) if found]
    assert len(set(orders)) == len(orders) == kinds["order"]
    assert len({call.person.address for call in calls}) == 10


async def ended(server: asyncio.Server, serving: set[asyncio.StreamWriter]) -> None:
    """End a server once it has seen that its callers have gone."""
    server.close()
    await eventually(lambda: not serving)


async def test_a_server_that_pauses_is_charged_for_all_that_was_due() -> None:
    heard: list[Answer] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                await paused.wait()
                writer.write(b"HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno")
        writer.close()
        serving.discard(writer)

    serving: set[asyncio.StreamWriter] = set()
    paused = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    mix = Mix("localhost", "load", crowd(2), seed=2)
    asyncio.get_running_loop().call_later(0.5, paused.set)
    await offer(mix, port, 200, 0.6, heard.append)
    await ended(server, serving)
    waits = sorted(answer.waited_ms for answer in heard if answer.status == 503)
    assert len(waits) > 60
    assert waits[-1] > 400, "who was due at the beginning waited for all of the pause"


async def test_a_connection_that_was_closed_for_being_idle_is_no_error() -> None:
    heard: list[Answer] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()
        serving.discard(writer)

    serving: set[asyncio.StreamWriter] = set()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    mix = Mix("localhost", "load", crowd(1), seed=3, shares={"book": 1})
    await offer(mix, server.sockets[0].getsockname()[1], 4_000, 0.5, heard.append)
    await ended(server, serving)
    assert len(heard) > 1_100, "more than there are connections"
    assert {answer.status for answer in heard} == {200}


def test_what_must_not_be_is_counted_and_refusals_are_no_waits() -> None:
    [person], outcome = crowd(1), Outcome()
    for status in (200, 422, 429, 503, 500, 401, NO_ANSWER):
        outcome.hear(Answer("book", 0.0, 5.0, status, person))
    assert outcome.wrong == 3
    assert len(outcome.all_waits) == 5
    assert percentile([], 0.95) == 0
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2


def samples(rise: float, p99: float) -> list[Sample]:
    """Ten minutes; memory rises, and the last third waits so long."""
    return [
        Sample(float(n), 200 + rise * n, 2.0, 60.0 if n < 7 else p99, 100, 0, 1.0)
        for n in range(10)
    ]


def test_a_soak_says_what_does_not_hold(tmp_path: Path) -> None:
    assert slope([(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]) == pytest.approx(2)
    assert slope([(0.0, 1.0)]) == slope([]) == slope([(1.0, 1.0), (1.0, 2.0)]) == 0
    for few in ([], samples(0.5, 70)[:1], samples(9, 70)[:2]):
        assert [fault.split(":")[0] for fault in Soaked(few, 0, 0).faults][:1] == ["too short"]
    good = Soaked(samples(0.5, 70), 0, 0)
    assert good.faults == []
    assert [word.split()[0] for word in Soaked(samples(1.5, 200), 3, 1).faults] == [
        "memory",
        "p99",
        "3",
        "1",
    ]
    pytest.importorskip("matplotlib")
    assert draw(Soaked([], 0, 0), tmp_path / "none.svg", "a soak")
    for name in ("a.svg", "b.svg"):
        assert draw(good, tmp_path / name, "a soak")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.slow
def test_a_real_site_is_loaded_and_nothing_acknowledged_is_lost() -> None:
    program = str(ROOT / "deploy" / "load" / "offer")
    done = subprocess.run(
        [program, "--rate", "60", "--seconds", "3", "--people", "8"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    assert re.search(r"[1-9]\d* orders acknowledged, 0 lost; 8 sockets heard", done.stdout)
    assert "verify: exit code 0" in done.stdout
