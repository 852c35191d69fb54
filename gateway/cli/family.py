"""`probity serve --gateways N`: the engine and N gateways on one machine, and who looks after them.

::

    this process      binds HOST:PORT, starts the others, starts again what ends, does nothing else
      ├─ engine       `probity serve` at 127.0.0.1, PORT + 1
      └─ gateways     `probity gateway`, all at HOST:PORT, each also at 127.0.0.1, PORT + 2, + 3 ...

Laws: the address that clients know is bound here once and served by all gateways that are ready (a
new one begins to once it reaches the engine), so whichever is free takes the next connection, and
one that dies takes none with it that it hadn't. What ends unasked is started again after pauses
that grow, and waits for a database that is away meanwhile; what can't be started ends the family,
which a supervisor of the machine starts anew. At SIGTERM the gateways drain first, since what they
have under way is the engine's to answer, then the engine; a second signal ends all at once.
Children whose parent is gone end by themselves (`inherited.py`).
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

import msgspec

from gateway.bootstrap.server import bind
from gateway.bootstrap.settings import Settings
from gateway.cli.inherited import SOCKETS
from gateway.cli.respawn import COUNT, QUIET_SECONDS, TRIES
from gateway.observability.logs import Logger
from gateway.settings.reader import SettingsError

GATEWAYS_MAX: Final = 64
ENGINE: Final = "engine"
_LOOPBACK: Final = "127.0.0.1"
_LAST_PORT: Final = 65_535
_PROGRAM: Final = "from gateway.cli.main import main; main(prog_name='probity')"
_PAUSE_S: Final = 0.1
_PAUSE_MAX_S: Final = 5.0
_LOOK_S: Final = 0.05
_PATIENCE_S: Final = 120.0
"""An engine that takes so long to be ready is waited for, and said to be; again each time."""
_ENDING_S: Final = 60.0
"""So long a process may take to end, behind SHUTDOWN_TIMEOUT_SECONDS."""


class FamilyEnded(Exception):
    """A process of the family can't be kept running; all others were ended."""


class Member:
    """One process, and how often it had to be started."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        sockets: Sequence[socket.socket],
        once: Sequence[str] = (),
    ) -> None:
        """Prepare to run `probity` with these arguments; `once`: at the first start only."""
        self.name = name
        self.own = sockets[0]
        self._arguments = list(arguments)
        self._once = list(once)
        self._sockets = sockets
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._tries = 0
        self._starts_at = 0.0
        self._again: dict[str, str] = {}

    @property
    def is_running(self) -> bool:
        """Whether it has been started and hasn't ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def port(self) -> int:
        """Return the port of its own address."""
        return int(self.own.getsockname()[1])

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it; its stdin ends when this process does."""
        numbers = [one.fileno() for one in self._sockets]
        command = [sys.executable, "-c", _PROGRAM, *self._arguments, *self._once]
        self._once = []
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - ourselves, no shell
            command,
            stdin=subprocess.PIPE,
            pass_fds=numbers,
            env={**environment, **self._again, SOCKETS: ",".join(map(str, numbers))},
            # The terminal's Ctrl-C is for this process, which ends the others in order.
            start_new_session=True,
        )
        # One that follows another waits for its database without end, as it does by itself.
        self._again = {COUNT: "0"}

    def look(self, logger: Logger) -> bool:
        """Say whether it is to be started now; raises FamilyEnded if that makes no sense."""
        if self._process is None:
            return time.monotonic() >= self._starts_at
        code = self._process.poll()
        if code is None:
            return False
        self._close()
        self._process = None
        if time.monotonic() - self._started_at >= QUIET_SECONDS:
            self._tries = 0
        # A process that was killed says nothing about the next one; one that gave up does.
        if code > 0 and (self.name == ENGINE or self._tries >= TRIES):
            raise FamilyEnded(f"the {self.name} ended with exit code {code}")
        pause = min(_PAUSE_S * 2 ** min(self._tries, TRIES), _PAUSE_MAX_S)
        self._tries += 1
        self._starts_at = time.monotonic() + pause
        logger.warning("a process of the family ended, it is started again", name=self.name)
        return False

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal if it runs."""
        if self._process is not None and self.is_running:
            self._process.send_signal(number)

    def close(self) -> None:
        """Let go of one that has ended."""
        self._close()

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()


class Family:
    """The engine and its gateways."""

    def __init__(self, settings: Settings, gateways: int, logger: Logger) -> None:
        """Prepare so many gateways; raises SettingsError without a Redis between them."""
        if settings.store.redis_url is None:
            raise SettingsError("REDIS_URL: is missing: gateways reach the engine through Redis")
        self._settings = settings
        self._gateways = gateways
        self._logger = logger
        self._signals = 0
        self._woken = asyncio.Event()

    async def run(self, engine_arguments: Sequence[str], once: Sequence[str]) -> None:
        """Run until a signal comes, and end all; raises FamilyEnded, SettingsError."""
        with ExitStack() as stack:
            shared, own = self._bind(stack)
            engine = Member(ENGINE, ["serve", *engine_arguments], own[:1], once)
            gateways = [
                Member(f"gateway {number}", ["gateway"], [one, shared])
                for number, one in enumerate(own[1:], start=1)
            ]
            with self._listening():
                try:
                    await self._look_after(engine, gateways, shared)
                finally:
                    await self._end(gateways)
                    await self._end([engine])

    def _bind(self, stack: ExitStack) -> tuple[socket.socket, list[socket.socket]]:
        """Return the address that clients know and each process's own, closed with the stack."""
        settings, gateways = self._settings, self._gateways
        if settings.listen.port + gateways + 1 > _LAST_PORT:
            raise SettingsError(
                f"PORT: {settings.listen.port}: there aren't {gateways + 1} ports behind it"
            )
        try:
            shared = stack.enter_context(bind(settings))
            own = [stack.enter_context(bound) for bound in _own_sockets(settings, gateways)]
        except OSError as error:
            address = f"{settings.listen.host}:{settings.listen.port}"
            raise SettingsError(
                f"PORT: {address} or one of those behind it: {error.strerror}"
            ) from None
        return shared, own

    async def _look_after(
        self, engine: Member, gateways: list[Member], shared: socket.socket
    ) -> None:
        port = shared.getsockname()[1]
        # What they tell of their address, in links and pages, is what clients know.
        environment = {**os.environ, "PORT": str(port)}
        engine.start(environment)
        await self._await_ready(engine)
        for gateway in gateways:
            gateway.start(environment)
        is_said = False
        while not self._signals:
            for member in (engine, *gateways):
                if not member.is_running and member.look(self._logger):
                    member.start(environment)
            if not is_said and await _are_ready(gateways):
                is_said = True
                ports = [engine.port, *[one.port for one in gateways]]
                self._logger.info("the family is open", port=port, ports=ports)
            await self._wait(_LOOK_S)

    async def _await_ready(self, engine: Member) -> None:
        """Wait until the engine takes work: a gateway needs its database and its keys.

        As long as it runs it may be at work: tables that are migrated, a large exchange that is
        read. Who ended it in the middle would begin with all of it anew.
        """
        since = said_at = time.monotonic()
        while not self._signals:
            if not engine.is_running:
                raise FamilyEnded("the engine didn't start")
            if await _is_ready(engine.port):
                return
            if time.monotonic() - said_at > _PATIENCE_S:
                said_at = time.monotonic()
                self._logger.warning("the engine isn't ready yet", seconds=round(said_at - since))
            await self._wait(_LOOK_S)

    async def _end(self, members: list[Member]) -> None:
        """Tell these to end and wait until they have; a second signal of the operator's goes on to
        them. What stands still is killed: it would keep all of them from being started anew.
        """
        told, seconds = 0, self._settings.listen.shutdown_timeout_seconds + _ENDING_S
        killed_at = time.monotonic() + seconds
        while any(member.is_running for member in members):
            while told <= max(self._signals - 1, 0):
                told += 1
                for member in members:
                    member.signal(signal.SIGTERM)
            if time.monotonic() >= killed_at:
                for member in members:
                    member.signal(signal.SIGKILL)
            await self._wait(_LOOK_S)
        for member in members:
            member.close()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        loop, numbers = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
        for number in numbers:
            loop.add_signal_handler(number, self._signalled)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def _signalled(self) -> None:
        self._signals += 1
        self._woken.set()

    async def _wait(self, seconds: float) -> None:
        self._woken.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass


async def run_family(
    settings: Settings,
    gateways: int,
    logger: Logger,
    engine_arguments: Sequence[str],
    once: Sequence[str],
) -> None:
    """Run the engine, with these arguments of `serve` (`once`: at its first start only), and so
    many gateways until a signal comes.

    Raises SettingsError, FamilyEnded.
    """
    await Family(settings, gateways, logger).run(engine_arguments, once)


def _own_sockets(settings: Settings, gateways: int) -> Iterator[socket.socket]:
    """Yield a bound address of this machine for each process, the engine's first."""
    port = settings.listen.port
    for number in range(1, gateways + 2):
        listen = msgspec.structs.replace(
            settings.listen, host=_LOOPBACK, port=port + number if port else 0
        )
        yield bind(msgspec.structs.replace(settings, listen=listen))


async def _are_ready(members: Sequence[Member]) -> bool:
    """Ask these, until one says no."""
    for member in members:
        if not await _is_ready(member.port):
            return False
    return True


async def _is_ready(port: int) -> bool:
    """Ask the process at a port of this machine whether it takes work."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(_LOOPBACK, port)
            try:
                writer.write(b"GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
