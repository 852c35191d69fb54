"""A job's terms: its bounds, its waits, when its schedule comes up."""

import pytest

from gateway.jobs.job import Arguments, Job, every, is_schedule

MIDNIGHT = 1_700_006_400.0  # 2023-11-15 00:00 UTC


async def run(_arguments: Arguments) -> None:
    pass


def test_waits_double_to_a_bound() -> None:
    job = Job(name="deed", run=run, time_limit_s=1, first_wait_s=2, longest_wait_s=30)
    assert [job.wait_s(tried) for tried in range(1, 7)] == [2, 4, 8, 16, 30, 30]
    assert job.wait_s(10_000) == 30


@pytest.mark.parametrize(
    ("schedule", "after", "tick"),
    [
        ("0 0 * * *", MIDNIGHT, MIDNIGHT + 86_400),
        ("0 0 * * *", MIDNIGHT - 1, MIDNIGHT),
        ("*/5 * * * *", MIDNIGHT + 1, MIDNIGHT + 300),
        ("* * * * * */30", MIDNIGHT + 1, MIDNIGHT + 30),
        (None, MIDNIGHT, None),
    ],
)
def test_ticks_are_those_of_utc(schedule: str | None, after: float, tick: float | None) -> None:
    assert Job(name="deed", run=run, time_limit_s=1, schedule=schedule).next_tick(after) == tick


@pytest.mark.parametrize(
    ("schedule", "is_frequent"),
    [("* * * * * */30", True), ("* * * * *", False), ("0 0 * * *", False), (None, False)],
)
def test_what_comes_within_the_minute_is_frequent(schedule: str | None, is_frequent: bool) -> None:
    job = Job(name="deed", run=run, time_limit_s=1, schedule=schedule)
    assert job.is_frequent is is_frequent


@pytest.mark.parametrize("seconds", [1, 15, 60, 120, 900, 3_600, 7_200, 86_400])
def test_what_comes_every_so_often_comes_as_often_all_day(seconds: int) -> None:
    schedule = every(seconds)
    assert is_schedule(schedule)
    job = Job(name="deed", run=run, time_limit_s=1, schedule=schedule)
    at = MIDNIGHT
    for number in range(1, 50):
        tick = job.next_tick(at)
        assert tick == MIDNIGHT + number * seconds
        at = tick


@pytest.mark.parametrize("seconds", [0, 7, 45, 90, 420, 5_400, 25_200, 172_800])
def test_what_does_not_divide_a_minute_an_hour_or_a_day_has_no_schedule(seconds: int) -> None:
    with pytest.raises(ValueError, match="don't divide"):
        every(seconds)


@pytest.mark.parametrize(
    "terms",
    [
        {"name": "Deed"},
        {"name": ""},
        {"schedule": "every day"},
        {"time_limit_s": 0},
        {"tries": 0},
        {"first_wait_s": 0},
    ],
)
def test_a_job_that_cannot_work_is_refused(terms: dict[str, object]) -> None:
    given = {"name": "deed", "run": run, "time_limit_s": 1.0, **terms}
    with pytest.raises(ValueError, match=": "):
        Job(**given)  # type: ignore[arg-type]
