"""A bound is kept once of three times or never; what others do to the machine is allowed for."""

import gc
import time

import pytest

from tests import measured
from tests.measured import PLAIN_SECONDS, TRIES, computing, slowness, tries


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A machine that is as slow as a test says, from one look to the next."""
    found = [1.0]
    monkeypatch.setattr(measured, "slowness", lambda: found.pop(0) if found[1:] else found[0])
    return found


def test_what_is_kept_at_once_is_measured_once() -> None:
    made = 0
    for attempt in tries():
        made += 1
        attempt.takes("wait", 0.09, 0.1)
        attempt.holds("ratio", 3, 3)
    assert made == 1


def test_a_bound_is_kept_by_the_best_of_three() -> None:
    waits, ratios = iter([0.3, 0.2, 0.05]), iter([1, 9, 9])
    for attempt in tries():
        attempt.takes("wait", next(waits), 0.1)
        attempt.holds("ratio", next(ratios), 3)
    assert [*waits] == [*ratios] == []


def test_a_fault_is_there_each_time() -> None:
    made = []

    def measure() -> None:
        for attempt in tries():
            made.append(attempt)
            assert not attempt.takes("wait", 0.2, 0.1)
            assert attempt.takes("start", 0.2, 0.3)

    with pytest.raises(AssertionError, match=r"\['wait'\] not kept in 3 tries") as caught:
        measure()
    assert len(made) == TRIES
    assert str(caught.value).count("wait: 0.2 of 0.1") == TRIES


@pytest.mark.parametrize(("beside", "is_kept"), [([1.0, 3.2], True), ([1.0, 2.8], False)])
def test_a_bound_grows_with_the_machines_slowness_beside_the_measurement(
    plain: list[float], beside: list[float], *, is_kept: bool
) -> None:
    plain[:] = [*beside, 1.0]
    attempt = next(tries())
    attempt.takes("wait", 0.2, 0.1)
    assert attempt.kept == {"wait": is_kept}


def test_a_ratio_does_not_grow(plain: list[float]) -> None:
    plain[:] = [100.0]
    attempt = next(tries())
    attempt.holds("ratio", 3.1, 3)
    assert attempt.kept == {"ratio": False}


def test_a_try_holds_something_to_a_bound_and_nothing_twice() -> None:
    with pytest.raises(AssertionError, match="nothing was held"):
        list(tries())
    attempt = next(tries())
    attempt.takes("wait", 0.2, 0.1)
    with pytest.raises(AssertionError, match="already"):
        attempt.takes("wait", 0.05, 0.1)


def test_time_without_computing_is_not_counted() -> None:
    with computing() as found:
        assert not gc.isenabled()
        time.sleep(0.05)
    assert gc.isenabled()
    assert found.seconds < 0.04
    started = time.thread_time()
    with computing() as found:
        assert slowness() >= 1
    assert 0 < found.seconds <= time.thread_time() - started


def test_a_machine_is_as_slow_as_its_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10.0, 10.0 + 2.5 * PLAIN_SECONDS, 20.0, 20.0 + PLAIN_SECONDS / 2])
    monkeypatch.setattr("tests.measured.time.perf_counter", lambda: next(times))
    assert slowness() == pytest.approx(2.5)
    assert slowness() == 1.0
