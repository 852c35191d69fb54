"""A real redis-server for a benchmark, which can be frozen."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

_START_SECONDS = 10


class RedisProcess:
    """A server that keeps nothing."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.url = f"redis://127.0.0.1:{port}"
        self._process = process

    def freeze(self) -> None:
        """Let it do nothing more while its connections stay."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def running_redis() -> Iterator[RedisProcess]:
    """Start a server on a free port and stop it again."""
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("redis-server is missing (apt-get install redis-server)")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        redis = RedisProcess(port, process)
        try:
            _wait_until_there(port)
            yield redis
        finally:
            redis.thaw()
            process.kill()


def _wait_until_there(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError("redis-server didn't start")
