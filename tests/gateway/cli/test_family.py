"""Who looks after a family of processes: what they are started with, and what ends them all."""

import io
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.bootstrap.settings import Settings, load_settings
from gateway.cli import family
from gateway.cli.family import Family, FamilyEnded, Member, run_family
from gateway.cli.respawn import COUNT, starts_before
from gateway.observability.logs import Logger, configure_logs
from gateway.settings.reader import SettingsError


def settings_of(port: int) -> Settings:
    return load_settings({"PORT": str(port), "REDIS_URL": "redis://127.0.0.1:1"})


def quiet() -> Logger:
    return configure_logs("info", io.StringIO())


class Process:
    """One that runs until it gets a signal that it heeds."""

    stdin = None

    def __init__(self, code: int | None = None, heeds: signal.Signals = signal.SIGKILL) -> None:
        self.code = code
        self.heeds = heeds
        self.signals: list[int] = []

    def poll(self) -> int | None:
        return self.code

    def send_signal(self, number: signal.Signals) -> None:
        self.signals.append(number)
        if number == self.heeds:
            self.code = -number


def member(process: Any) -> Member:
    with socket.socket() as own:
        made = Member("gateway 1", ["gateway"], [own])
    made._process = process
    return made


def test_pauses_have_a_bound_however_often_a_process_is_killed() -> None:
    one, logger = member(None), quiet()
    for _ in range(2_000):
        one._started_at = time.monotonic()
        one._process = Process(-signal.SIGKILL)  # type: ignore[assignment]
        assert not one.look(logger)
    assert 4 < one._starts_at - time.monotonic() <= 5


async def test_a_port_that_has_too_few_behind_it_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^PORT: 65533: there aren't 3 ports behind it$"):
        await run_family(settings_of(65_533), 2, quiet(), [], [])


async def test_all_know_the_address_that_clients_know(monkeypatch: pytest.MonkeyPatch) -> None:
    ports: dict[str, str] = {}

    def start(one: Member, environment: Mapping[str, str]) -> None:
        ports[one.name] = environment["PORT"]

    async def ready(made: Family, _engine: Member) -> None:
        made._signals = 1

    monkeypatch.setattr(Member, "start", start)
    monkeypatch.setattr(Family, "_await_ready", ready)
    await run_family(settings_of(0), 2, quiet(), [], [])
    assert list(ports) == ["engine", "gateway 1", "gateway 2"]
    assert len(set(ports.values())) == 1
    assert int(ports["engine"]) > 0


async def test_it_is_open_when_all_its_gateways_take_work(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    made = Family(settings_of(0), 2, configure_logs("info", said))
    ready: list[int] = []
    rounds: list[str] = []

    async def is_ready(port: int) -> bool:
        return port in ready

    async def wait(_seconds: float) -> None:
        rounds.append(said.getvalue())
        if len(rounds) <= len(ports):
            ready.append(ports[len(rounds) - 1])
        else:
            made._signals = 1

    ports: list[int] = []

    def start(one: Member, _environment: Mapping[str, str]) -> None:
        ports.append(one.port)

    monkeypatch.setattr(Member, "start", start)
    monkeypatch.setattr(Member, "is_running", True)
    monkeypatch.setattr(family, "_is_ready", is_ready)
    monkeypatch.setattr(Family, "_await_ready", lambda *_: wait(0))
    monkeypatch.setattr(Family, "_wait", lambda _, seconds: wait(seconds))
    monkeypatch.setattr(Family, "_end", lambda *_: wait(0))
    await made.run([], [])
    assert ["open" in text for text in rounds[:4]] == [False, False, False, True]


async def test_an_engine_that_takes_long_to_be_ready_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As one whose tables are migrated, or whose exchange is large: ended in the middle it would
    begin anew each time, and never come to its end.
    """
    said, asked = io.StringIO(), 0
    made = Family(settings_of(0), 2, configure_logs("info", said))

    async def is_ready(_port: int) -> bool:
        nonlocal asked
        asked += 1
        return asked > 5

    monkeypatch.setattr(family, "_is_ready", is_ready)
    monkeypatch.setattr(family, "_PATIENCE_S", 2 * family._LOOK_S)
    monkeypatch.setattr(Member, "port", 1)
    await made._await_ready(member(Process()))
    assert asked == 6
    assert 1 <= said.getvalue().count("the engine isn't ready yet") < 5
    with pytest.raises(FamilyEnded, match="didn't start"):
        await Family(settings_of(0), 2, quiet())._await_ready(member(Process(code=1)))


async def test_what_does_not_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Family(settings_of(0), 2, quiet())
    polite, stubborn = Process(heeds=signal.SIGTERM), Process()
    monkeypatch.setattr(family, "_ENDING_S", -made._settings.listen.shutdown_timeout_seconds)
    await made._end([member(polite), member(stubborn)])
    assert polite.signals == [signal.SIGTERM]
    assert stubborn.signals == [signal.SIGTERM, signal.SIGKILL]


def test_one_that_is_started_again_waits_for_a_database_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A first start gives up, so that somebody sees a wrong address; one that was up doesn't."""
    environments: list[Mapping[str, str]] = []

    def opened(_command: object, *, env: Mapping[str, str], **_more: object) -> Process:
        environments.append(env)
        return Process()

    monkeypatch.setattr(subprocess, "Popen", opened)
    one = member(None)
    for _ in range(3):
        one.start({})
    assert [COUNT in environment for environment in environments] == [False, True, True]
    assert starts_before(environments[-1]) == 0
