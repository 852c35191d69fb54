"""The bounded queue of one socket."""

import asyncio

import pytest

from exchange.messages.bounds import OPEN_ORDERS_PER_ACCOUNT
from gateway.bootstrap.settings import load_settings
from gateway.sockets.framing import outbound
from gateway.sockets.framing.outbound import (
    BURST,
    BYTES_PER_MESSAGE,
    GRACE_SECONDS,
    READ_PART,
    WRITE_BYTES,
    Outbound,
    TurnEnd,
)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(outbound, "monotonic", clock)
    return clock


class Wire:
    """A transport that pauses its queue after so many frames."""

    def __init__(self, takes: int | None = None, bound: int = 10) -> None:
        self.takes = takes
        self.written: list[bytes] = []
        self.overflows = 0
        self.queue = Outbound(self.write, bound, self.overflow, Outbound.flush)

    def write(self, frame: bytes) -> None:
        self.written.append(frame)
        if self.takes is not None:
            self.takes -= 1
            if self.takes == 0:
                self.queue.pause()

    def overflow(self) -> None:
        self.overflows += 1


class Later:
    def __init__(self, made: bytes | None) -> None:
        self.made = made

    def frame(self) -> bytes | None:
        return self.made


def test_a_reader_that_keeps_up_has_no_queue() -> None:
    wire = Wire()
    wire.queue.push(b"a")
    assert (wire.written, len(wire.queue)) == ([b"a"], 0)


def test_frames_wait_in_order_and_pending_ones_are_made_last() -> None:
    wire = Wire()
    wire.queue.pause()
    later = Later(b"old")
    wire.queue.push(b"a")
    wire.queue.push_pending(later)
    wire.queue.push_pending(Later(None))
    wire.queue.push(b"c")
    later.made = b"new"
    wire.queue.resume()
    assert wire.written == [b"anewc"]
    assert wire.queue.flowing


def test_one_turn_is_one_write() -> None:
    written: list[bytes] = []
    scheduled: list[Outbound] = []
    queue = Outbound(written.append, 10, lambda: None, scheduled.append)
    alone = b"alone"
    queue.push(alone)
    assert (scheduled, written) == ([queue], [])
    queue.flush()
    assert written[0] is alone, "shared, not copied"
    queue.push(b"a")
    queue.push(b"b")
    assert scheduled == [queue, queue]
    queue.flush()
    queue.flush()
    assert written == [alone, b"ab"]


def test_what_one_turn_brings_has_its_bound() -> None:
    written: list[bytes] = []
    queue = Outbound(written.append, 10, lambda: None, lambda _queue: None)
    frame = b"x" * 1_000
    for _ in range(1_000):
        queue.push(frame)
    assert len(written) > 10
    assert max(map(len, written)) <= outbound.WRITE_BYTES + len(frame)
    assert len(queue) * len(frame) <= outbound.WRITE_BYTES


async def test_the_turn_ends_after_its_answers() -> None:
    """What a commit publishes and the answers that its futures bring go out in one write."""
    written: list[bytes] = []
    queue = Outbound(written.append, 10, lambda: None, TurnEnd())
    answered = asyncio.get_running_loop().create_future()
    answered.add_done_callback(lambda _future: queue.push(b"ack"))
    queue.push(b"event ")
    answered.set_result(None)
    for _ in range(4):
        await asyncio.sleep(0)
    assert written == [b"event ack"]


class Told:
    """A queue whose transport takes `writes` more, and all that is seen of it from outside."""

    def __init__(self, writes: int, *before: int) -> None:
        self.seen: list[object] = []
        self.writes = writes
        self.queue = Outbound(
            self.write, 3, lambda: self.seen.append("over"), lambda _queue: self.seen.append("soon")
        )
        if writes == 0:
            self.queue.pause()
        for size in before:
            self.queue.push(b"." * size)

    def write(self, frames: bytes) -> None:
        self.seen.append(frames)
        self.writes -= 1
        if self.writes == 0:
            self.queue.pause()

    def rest(self) -> list[object]:
        self.seen.append(len(self.queue))
        self.queue.push(b"," * WRITE_BYTES)
        self.seen.append(len(self.queue))
        self.writes = 100
        self.queue.resume()
        self.queue.push(b"one more")
        return self.seen


@pytest.mark.parametrize("writes", [0, 1, 2, 100])
@pytest.mark.parametrize("before", [(), (7,), (WRITE_BYTES - 2,), (WRITE_BYTES + 1,)])
@pytest.mark.parametrize(
    "sizes",
    [
        (),
        (1,),
        (1, 1),
        (1, 2),
        (2, WRITE_BYTES),
        (WRITE_BYTES + 1, 5),
        (9_000,) * 20,
        (1,) * (3 * BURST + 2),
        (BYTES_PER_MESSAGE,) * 4,
    ],
)
@pytest.mark.usefixtures("clock")
def test_frames_pushed_together_are_pushed_one_by_one(
    writes: int, before: tuple[int, ...], sizes: tuple[int, ...]
) -> None:
    frames = [bytes([number]) * size for number, size in enumerate(sizes)]
    together, one_by_one = Told(writes, *before), Told(writes, *before)
    together.queue.push_all(frames)
    for frame in frames:
        one_by_one.queue.push(frame)
    assert together.rest() == one_by_one.rest()


def test_frames_pushed_together_after_the_end_are_nothing() -> None:
    wire = Wire()
    wire.queue.stop()
    wire.queue.push_all([b"a", b"b"])
    assert (wire.written, len(wire.queue), wire.overflows) == ([], 0, 0)


def test_what_a_turn_brought_before_a_pause_comes_first() -> None:
    written: list[bytes] = []
    queue = Outbound(written.append, 10, lambda: None, lambda _queue: None)
    queue.push(b"1")
    queue.pause()
    queue.push(b"2")
    queue.resume()
    assert b"".join(written) == b"12"


def test_a_transport_that_fills_up_again_keeps_the_rest_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbound, "WRITE_BYTES", 0)
    wire = Wire(takes=2)
    for frame in (b"1", b"2", b"3", b"4", b"5"):
        wire.queue.push(frame)
    assert (wire.written, len(wire.queue)) == ([b"1", b"2"], 3)
    wire.takes = 2
    wire.queue.resume()
    assert (wire.written, wire.queue.flowing) == ([b"1", b"2", b"3", b"4"], False)
    wire.takes = None
    wire.queue.resume()
    assert (len(wire.written), wire.queue.flowing) == (5, True)


def test_over_the_bound_for_too_long_ends_the_socket(clock: Clock) -> None:
    wire = Wire(bound=3)
    wire.queue.pause()
    for _ in range(4):
        wire.queue.push(b"x")
    clock.now += GRACE_SECONDS / 2
    wire.queue.push(b"x")
    assert wire.overflows == 0
    clock.now += GRACE_SECONDS
    wire.queue.push(b"x")
    assert wire.overflows == 1


def test_a_burst_that_is_read_in_time_is_no_slowness(clock: Clock) -> None:
    wire = Wire(bound=3)
    wire.queue.pause()
    for _ in range(3 * BURST):
        wire.queue.push(b"x")
    wire.queue.resume()
    clock.now += 10 * GRACE_SECONDS
    wire.queue.pause()
    for _ in range(4):
        wire.queue.push(b"x")
    assert wire.overflows == 0


def test_a_burst_that_is_being_read_is_no_slowness(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound, "WRITE_BYTES", 0)
    bound = 40
    least = int(READ_PART * bound)
    wire = Wire(bound=bound)
    wire.queue.pause()
    for _ in range(10 * bound):
        wire.queue.push(b"x")
    for _ in range(30):
        clock.now += 1.01 * GRACE_SECONDS
        wire.takes = least + 2
        wire.queue.resume()
        wire.queue.push(b"a heartbeat")
    assert (wire.overflows, len(wire.queue) > bound) == (0, True)
    clock.now += 1.01 * GRACE_SECONDS
    wire.takes = least - 1
    wire.queue.resume()
    wire.queue.push(b"a heartbeat")
    assert wire.overflows == 1


def test_what_one_command_tells_an_account_of_its_orders_is_no_slowness() -> None:
    default = load_settings({}).sockets.send_queue_size
    assert default * BURST >= 2 * OPEN_ORDERS_PER_ACCOUNT
    longest = 1_500
    assert default * BYTES_PER_MESSAGE >= OPEN_ORDERS_PER_ACCOUNT * longest


@pytest.mark.usefixtures("clock")
def test_a_burst_has_its_bound() -> None:
    wire = Wire(bound=3)
    wire.queue.pause()
    for _ in range(3 * BURST + 1):
        wire.queue.push(b"x")
    assert wire.overflows == 1


@pytest.mark.usefixtures("clock")
def test_bytes_have_their_bound_unless_they_are_one_message() -> None:
    wire = Wire(bound=3)
    wire.queue.pause()
    wire.queue.push(b"x" * (3 * BYTES_PER_MESSAGE + 1))
    assert wire.overflows == 0
    wire.queue.push(b"x")
    assert wire.overflows == 1


def test_after_the_end_nothing_is_kept_or_written() -> None:
    wire = Wire()
    wire.queue.pause()
    wire.queue.push(b"a")
    wire.queue.stop()
    wire.queue.push(b"b")
    wire.queue.push_pending(Later(b"c"))
    wire.queue.resume()
    wire.queue.push(b"d")
    assert (wire.written, len(wire.queue), wire.overflows) == ([], 0, 0)
