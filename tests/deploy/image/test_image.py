"""The image is really built, and its root really run: as its own account, read-only, traded with.

Long form alone: it compiles the rules, builds the terminal and fetches what both need. What can't
be tried without a registry of images: the bases are not the Dockerfile's defaults but made of
Debian's packages, so it isn't shown that these tags exist; and no engine of containers reads the
health check, so it is run as one would.
"""

import gzip
import json
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import httpx
import pytest

from tests.deploy.image.buildah import COMMIT, VERSION, Image, needed
from tests.lengths import IS_LONG
from tests.redis_process import RedisProcess
from tests.server_process import (
    ADMIN_EMAIL,
    ADMIN_PASSWORD,
    POLL_SECONDS,
    START_SECONDS,
    free_port,
)

SETTINGS = {"FEED_PLATFORMS": "none", "LOG_LEVEL": "warning", "HOST": "127.0.0.1"}
ADMIN = {"PROBITY_ADMIN_EMAIL": ADMIN_EMAIL, "PROBITY_ADMIN_PASSWORD": ADMIN_PASSWORD}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    if not IS_LONG:
        pytest.skip("an image is built in the long form alone: PROBITY_LONG_TESTS=1")
    needed("buildah", "mmdebstrap", "unshare")
    with Image.built() as made:
        yield made


@pytest.fixture
def data(image: Image, tmp_path: Path) -> Path:
    """A new volume: it has the owner and the mode of the folder that it covers."""
    folder = tmp_path / "data"
    folder.mkdir()
    covered = (image.root / "data").stat()
    folder.chmod(covered.st_mode & 0o7777)
    user, group = covered.st_uid, covered.st_gid
    subprocess.run(["chown", f"{user}:{group}", str(folder)], check=True)
    # The folders of a test are its account's alone; a container enters below them by a mount.
    return folder


def await_answer(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, log.read_text("utf-8", "replace")[-4_000:]
        time.sleep(POLL_SECONDS)


def health_check(image: Image) -> list[str]:
    """Return the words of the image's health check."""
    test = image.configuration["Healthcheck"]["Test"]
    assert test[0] == "CMD"
    return [*test[1:]]


def test_the_image_says_what_it_is(image: Image, data: Path) -> None:
    said = image.configuration
    assert said["Labels"]["org.opencontainers.image.version"] == VERSION
    assert said["Labels"]["org.opencontainers.image.revision"] == COMMIT
    assert (said["Entrypoint"], said["Cmd"]) == (["probity"], ["serve"])
    assert said["User"] == "10001:10001"
    assert [*said["Volumes"]] == ["/data"]
    assert (image.root / "data").stat().st_uid == 10_001
    done = image.run(data, "probity", "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert image.configuration["StopSignal"] == "SIGTERM"


def test_every_role_is_in_it(image: Image, data: Path) -> None:
    for role in ("serve", "gateway", "worker", "migrate", "backup", "restore", "verify", "smoke"):
        done = image.run(data, "probity", role, "--help")
        assert done.returncode == 0, (role, done.stderr)


def test_the_rules_are_compiled_and_the_terminal_is_there(image: Image, data: Path) -> None:
    code = "from exchange.compiled import COMPILED; print(COMPILED)"
    assert image.run(data, "python", "-c", code).stdout.strip() == "True"
    [page] = image.found("opt/probity/lib/python3*/site-packages/gateway/site/dist/index.html")
    assert (image.root / page[1:]).stat().st_size > 0


def test_nothing_is_left_that_builds_or_installs(image: Image, data: Path) -> None:
    tools = ("gcc*", "cc", "c99", "c89", "ld", "make", "apt*", "dpkg*", "pip*", "node*", "npm*")
    folders = ("usr/bin", "usr/sbin", "usr/local/bin", "bin", "opt/probity/bin")
    assert image.found(*(f"{folder}/{tool}" for folder in folders for tool in tools)) == []
    assert image.found("opt/*", "source", "wheel") == ["/opt/probity"]
    assert image.found("usr/share/python-wheels", "usr/lib/python3*/ensurepip") == []
    for module in ("pip", "setuptools", "mypy", "pytest"):
        done = image.run(data, "python", "-c", f"import {module}")
        assert "ModuleNotFoundError" in done.stderr, module


def test_who_runs_it_can_become_nobody_else_and_write_nowhere(image: Image, data: Path) -> None:
    done = image.run(
        *(data, "sh", "-c", "id -u; id -G; grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status")
    )
    assert done.stdout.split() == [
        *("10001", "10001", "CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1")
    ]
    done = subprocess.run(
        ["find", str(image.root), "-xdev", "-type", "f", "-perm", "/6000"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    writable = "find / -xdev -writable -not -type l -not -path /tmp -not -path /data; true"
    assert image.run(data, "sh", "-c", writable).stdout.split() == []
    for place in ("/opt/probity/x", "/etc/x", "/backups/x"):
        assert image.run(data, "sh", "-c", f": > {place}").returncode != 0
    assert image.run(data, "sh", "-c", ": > /data/x && : > /tmp/x").returncode == 0


def test_it_is_traded_with_and_ends_orderly(image: Image, data: Path, tmp_path: Path) -> None:
    """As `docker run probity` starts it: its own database, on a root that nobody writes to."""
    port = str(free_port())
    url, log = f"http://127.0.0.1:{port}", tmp_path / "log"
    settings = {**SETTINGS, **ADMIN, "PORT": port}
    entry = [*image.configuration["Entrypoint"], *image.configuration["Cmd"]]
    for _ in range(2):
        with image.started(data, log, entry, **settings) as first:
            assert image.run(data, *health_check(image), PORT=port).returncode in {0, 1}
            await_answer(f"{url}/ready", log)
            assert {first.uids().real, first.gids().real} == {10_001}
            assert image.run(data, *health_check(image), PORT=port).returncode == 0
            assert "<html" in httpx.get(f"{url}/").text
            done = image.run(data, "probity", "smoke", url, **ADMIN)
            assert done.returncode == 0, done.stdout + done.stderr
            assert "A trade went through." in done.stdout
        assert image.run(data, *health_check(image), PORT=port).returncode != 0
    done = image.run(data, "probity", "verify", **SETTINGS)
    assert done.returncode == 0, done.stdout + done.stderr


class Collector(BaseHTTPRequestHandler):
    """Takes what an exporter sends."""

    taken: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        is_packed = self.headers.get("content-encoding") == "gzip"
        self.taken.append((self.path, gzip.decompress(body) if is_packed else body))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_traces_go_where_a_setting_says_and_nothing_has_to_be_installed(
    image: Image, data: Path, tmp_path: Path
) -> None:
    taken = Collector.taken
    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=collector.serve_forever, daemon=True).start()
    port, log = str(free_port()), tmp_path / "log"
    where = f"http://127.0.0.1:{collector.server_address[1]}/v1/traces"
    settings = {**SETTINGS, "PORT": port, "TRACING_URL": where, "TRACING_SAMPLE": "1"}
    try:
        with image.started(data, log, ["probity", "serve"], **settings):
            await_answer(f"http://127.0.0.1:{port}/ready", log)
            assert httpx.get(f"http://127.0.0.1:{port}/api/v1/markets").is_success
    finally:
        collector.shutdown()
        collector.server_close()
    assert {path for path, _ in taken} == {"/v1/traces"}
    assert any(b"probity-serve" in body and b"/markets" in body for _, body in taken)
    # Errors, too, where an operator has somewhere to send them; and wallets may sign in.
    assert image.run(data, "python", "-c", "import sentry_sdk, eth_account, base58").returncode == 0


def test_an_engine_and_a_gateway_of_it_work_together(
    image: Image, data: Path, tmp_path: Path
) -> None:
    """Two containers on one volume and a Redis; the gateway reads the engine's database in it."""
    redis = RedisProcess(tmp_path)
    redis.start()
    ports = [str(free_port()) for _ in range(2)]
    urls = [f"http://127.0.0.1:{port}" for port in ports]
    settings = {**SETTINGS, **ADMIN, "REDIS_URL": redis.url}
    log = tmp_path / "log"
    try:
        with image.started(data, log, ["probity", "serve"], **settings, PORT=ports[0]):
            await_answer(f"{urls[0]}/ready", log)
            lines = (data / "postgres" / "postmaster.pid").read_text("utf-8").splitlines()
            database = f"postgresql://probity@/probity?host={lines[4]}&port={lines[3]}"
            beside = {**settings, "PORT": ports[1], "DATABASE_URL": database}
            with image.started(data, log, ["probity", "gateway"], **beside):
                await_answer(f"{urls[1]}/ready", log)
                done = image.run(data, "probity", "smoke", urls[0], **ADMIN)
                assert done.returncode == 0, done.stdout + done.stderr
                [market] = httpx.get(f"{urls[1]}/api/v1/markets?status=VOID").json()["data"]
                assert market["slug"].startswith("smoke-")
    finally:
        redis.clean_up()
    said = [json.loads(line) for line in log.read_text("utf-8").splitlines() if line[:1] == "{"]
    assert [line for line in said if line["level"] in {"error", "critical"}] == []
