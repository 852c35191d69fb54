"""A real server for a benchmark: `probity serve` in a folder of its own, limits out of the way."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

_START_SECONDS = 30
_STOP_SECONDS = 20
_FAR_CLOSE = "2099-01-01T00:00:00Z"
_NO_LIMITS = {
    "RATE_LIMIT_MAX_REQUESTS": "1000000",
    "RATE_LIMIT_USER_MAX_REQUESTS": "100000000",
    "RATE_LIMIT_SOCKETS_PER_ADDRESS": "100000",
    "LOG_LEVEL": "warning",
}


@dataclass(frozen=True)
class ServerProcess:
    """A running server and an administrator's token for it."""

    url: str
    pid: int
    admin_token: str
    environment: Mapping[str, str]

    def call(self, method: str, path: str, token: str | None, body: object = None) -> Any:  # noqa: ANN401 - JSON is anything
        """Send one API request and return the `data` of its answer; anything but success raises."""
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        answer = httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, json=body)
        answer.raise_for_status()
        return answer.json()["data"]

    def trader(self, funds: int) -> str:
        """Register a user with that many credits and return its access token."""
        body = {"email": f"{secrets.token_hex(8)}@example.com", "password": secrets.token_hex(12)}
        answer = self.call("POST", "/auth/register", None, body)
        gift = {"amount": str(funds), "reason": "benchmark"}
        self.call("POST", f"/admin/users/{answer['user']['id']}/credit", self.admin_token, gift)
        return str(answer["accessToken"])

    def market(self, slug: str) -> None:
        """List an open market of tick 0.01 without fees."""
        body = {"slug": slug, "question": "Which is faster?", "closeTime": _FAR_CLOSE}
        self.call("POST", "/markets", self.admin_token, body)


@contextmanager
def running_server(settings: Mapping[str, str] = {}) -> Iterator[ServerProcess]:
    """Start a server on a free port and stop it again."""
    with tempfile.TemporaryDirectory(prefix="probity-bench-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        email, password = "admin@example.com", secrets.token_hex(12)
        environment = os.environ | _NO_LIMITS | dict(settings)
        environment |= {"DATA_DIR": folder, "HOST": "127.0.0.1", "PORT": str(port)}
        environment |= {"PROBITY_ADMIN_EMAIL": email, "PROBITY_ADMIN_PASSWORD": password}
        with _running("serve", environment) as (url, pid):
            body = {"email": email, "password": password}
            answer = httpx.post(f"{url}/api/v1/auth/login", json=body).json()
            yield ServerProcess(url, pid, answer["data"]["accessToken"], environment)


@contextmanager
def running_gateway(server: ServerProcess) -> Iterator[str]:
    """Start a gateway beside a server that has a REDIS_URL; yield its URL and stop it again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with _running("gateway", {**server.environment, "PORT": str(port)}) as (url, _):
        yield url


@contextmanager
def _running(command: str, environment: Mapping[str, str]) -> Iterator[tuple[str, int]]:
    program = str(Path(sys.executable).with_name("probity"))
    with subprocess.Popen([program, command], env=environment, stderr=subprocess.PIPE) as process:
        try:
            url = f"http://127.0.0.1:{environment['PORT']}"
            _wait_until_ready(url, process)
            yield url, process.pid
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/ready").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    process.kill()
    _, errors = process.communicate()
    raise RuntimeError(f"the server didn't start: {errors.decode(errors='replace')[-2000:]}")
