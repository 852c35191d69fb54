"""`probity doctor`: faults are brought about for real where they can be, and named."""

import asyncio
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from gateway.accounts.sessions.keys import KEY_FILE, load_key
from gateway.bootstrap.settings import Settings, load_settings
from gateway.cli.doctor import command as doctor
from gateway.cli.doctor import machine
from gateway.cli.doctor.finding import Finding, Level
from tests.gateway.cli.command_line import run, serving


def settings(folder: Path, **environment: str) -> Settings:
    return load_settings({"DATA_DIR": str(folder / "data"), "PORT": "0", **environment})


def only(findings: Iterator[Finding]) -> Finding:
    """The one finding that isn't ok."""
    (bad,) = [finding for finding in findings if finding.level is not Level.OK]
    return bad


def assert_says(finding: Finding, level: Level, *parts: str) -> None:
    assert finding.level is level, finding
    for part in parts:
        assert part in finding.line
    assert "\n" not in finding.line
    assert bool(finding.advice) is (level is not Level.OK)


# -- the command ------------------------------------------------------------------------------


async def test_all_is_well_before_the_first_start_and_nothing_is_made(tmp_path: Path) -> None:
    code, out, err = await run(tmp_path, "doctor")
    assert (code, err) == (0, "")
    assert all(line.startswith("ok:   ") for line in out.splitlines()), out
    assert {"Python", "settings:", "DATA_DIR:", "disk:", "key:", "clock:", "port:"} <= {
        line.split()[1] for line in out.splitlines()
    }
    assert list(tmp_path.iterdir()) == []


async def test_a_running_server_is_found_and_left_alone(tmp_path: Path) -> None:
    async with serving(tmp_path) as (process, where, _):
        port = where.rpartition(":")[2]
        code, out, _ = await run(tmp_path, "doctor", PORT=port)
        assert f"running, held by process {process.pid}" in out
        assert f"port: 127.0.0.1:{port} is a running Probity's" in out
        assert "commits are durable" in out
        assert "the newest" in out
        assert (code, process.returncode) == (0, None)


async def test_a_wrong_setting_is_named_and_ends_with_code_1(tmp_path: Path) -> None:
    code, out, _ = await run(tmp_path, "doctor", PAGE_SIZE="many")
    assert code == 1
    assert "fail: settings: PAGE_SIZE: must be a whole number from 1 to 10000 - " in out


async def test_every_wrong_setting_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PAGE_SIZES=5\n")
    code, out, _ = await run(tmp_path, "doctor", PAGE_SIZE="many", LOG_LEVEL="loud")
    assert code == 1
    for name in ("PAGE_SIZE", "LOG_LEVEL", "PAGE_SIZES"):
        assert f"fail: settings: {name}: " in out


async def test_every_check_runs_after_one_has_failed(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    code, out, _ = await run(
        tmp_path, "doctor", DATABASE_URL="postgresql://x:swordfish@127.0.0.1:1/x"
    )
    assert code == 1
    assert out.count("fail: ") >= 2
    assert "DATABASE_URL: the database can't be reached" in out
    assert "swordfish" not in out


async def test_few_files_for_the_sockets_wanted(tmp_path: Path) -> None:
    code, out, _ = await run(tmp_path, "doctor", "--sockets", "9000000")
    assert code == 0
    assert "warn: open files: " in out
    assert "not 9000000 - ulimit -n 9000120" in out


# -- the machine ------------------------------------------------------------------------------


def test_python_is_judged_by_its_version() -> None:
    assert_says(machine.python((3, 10)), Level.FAIL, "Python 3.10", "install")
    assert_says(machine.python((3, 12)), Level.OK, "Python 3.12")
    assert_says(machine.python((3, 99)), Level.WARN, "not tried yet")
    assert machine.python() == machine.python(sys.version_info[:2])


def test_rules_are_right_either_way() -> None:
    assert_says(machine.rules(compiled=True), Level.OK, "rules: compiled")
    assert_says(machine.rules(compiled=False), Level.OK, "rules: as written", "make wheel")


def test_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    finding = only(machine.data_folder(settings(tmp_path)))
    assert_says(finding, Level.FAIL, "DATA_DIR", "is no folder")


@pytest.mark.parametrize("made", [True, False])
def test_data_folder_that_is_not_there_or_empty(tmp_path: Path, made: bool) -> None:
    if made:
        (tmp_path / "data").mkdir()
    findings = list(machine.data_folder(settings(tmp_path)))
    assert {finding.level for finding in findings} == {Level.OK}
    assert ("will be made" in findings[0].line) is not made
    assert (tmp_path / "data").exists() is made


def test_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    # Not even root may make files here, and unlike a read-only disk it is on every Linux.
    there = load_settings({"DATA_DIR": "/proc/self/probity"})
    finding = only(machine.data_folder(there))
    assert_says(finding, Level.FAIL, "DATA_DIR", "can't be written", "give it to the account")


@pytest.mark.parametrize(
    ("free", "url", "level"),
    [
        (2**34, "", Level.OK),
        (2**31, "", Level.WARN),
        (2**27, "", Level.FAIL),
        (2**31, "postgresql://localhost/x", Level.OK),
        (2**25, "postgresql://localhost/x", Level.WARN),
        (2**19, "postgresql://localhost/x", Level.FAIL),
    ],
)
def test_disk_that_runs_full(tmp_path: Path, free: int, url: str, level: Level) -> None:
    chosen = settings(tmp_path, DATABASE_URL=url)
    *_, disk = machine.data_folder(chosen, free_bytes=free)
    assert_says(disk, level, f"disk: {free // 2**20} MiB free")


def test_key_that_others_can_read(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    assert_says(machine.key(chosen), Level.OK, "will be made")
    load_key(None, chosen.store.data_dir)
    assert_says(machine.key(chosen), Level.OK, "mode 0600")
    (chosen.store.data_dir / KEY_FILE).chmod(0o640)
    assert_says(machine.key(chosen), Level.FAIL, "mode 0640", "chmod 600")


def test_key_that_is_none(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    chosen.store.data_dir.mkdir()
    (chosen.store.data_dir / KEY_FILE).write_text("nonsense")
    assert_says(machine.key(chosen), Level.FAIL, str(chosen.store.data_dir), "not a private key")
    given = settings(tmp_path, JWT_PRIVATE_KEY="nonsense")
    assert_says(machine.key(given), Level.FAIL, "JWT_PRIVATE_KEY", "not a private key")


def test_key_of_the_settings_makes_the_file_irrelevant(tmp_path: Path) -> None:
    load_key(None, tmp_path)
    pem = (tmp_path / KEY_FILE).read_text()
    given = settings(tmp_path, JWT_PRIVATE_KEY=pem.replace("\n", "\\n"))
    assert_says(machine.key(given), Level.OK, "JWT_PRIVATE_KEY is an Ed25519 key")


async def test_clock_that_jumps() -> None:
    assert_says(await machine.clock(), Level.OK, "runs evenly")
    jumped = await machine.clock(wall_us=250_000 - 3_000_000, monotonic_us=250_000)
    assert_says(jumped, Level.WARN, "jumped by -3000 ms", "chrony")


@pytest.mark.parametrize(
    ("limit", "level", "said"),
    [
        (64, Level.FAIL, "64 don't even do for the server's own 120"),
        (256, Level.WARN, "256 do for 136 sockets, not 500"),
        (620, Level.OK, "620 do for 500 sockets"),
        (-1, Level.OK, "no limit"),
    ],
)
def test_limit_of_open_files(tmp_path: Path, limit: int, level: Level, said: str) -> None:
    finding = machine.open_files(settings(tmp_path), 500, limit)
    assert_says(finding, level, said)


class Stranger(BaseHTTPRequestHandler):
    """Some other web server."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status":"ok"}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Say nothing."""


def test_port_of_another_program(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        chosen = settings(tmp_path, PORT=str(server.server_port))
        finding = machine.port(chosen)
        server.shutdown()
        thread.join()
    assert_says(finding, Level.FAIL, "taken by another program", "set PORT to another")
    assert_says(machine.port(chosen), Level.OK, f"{server.server_port} is free")


def test_port_of_a_program_that_closes_the_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def hang_up() -> None:
            listening.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        finding = machine.port(settings(tmp_path, PORT=str(listening.getsockname()[1])))
        thread.join()
    assert_says(finding, Level.FAIL, "taken by another program")


def test_host_that_is_not_ours(tmp_path: Path) -> None:
    finding = machine.port(settings(tmp_path, HOST="192.0.2.1"))
    assert_says(finding, Level.FAIL, "192.0.2.1", "set HOST to an address of this machine")


def test_port_for_root_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Settings) -> socket.socket:
        raise PermissionError(13, "Permission denied")

    # Where tests run as root no port is refused.
    monkeypatch.setattr(machine, "bind", refused)
    finding = machine.port(settings(tmp_path, PORT="80"))
    assert_says(finding, Level.FAIL, "127.0.0.1:80 is for root only", "proxy")


def test_a_new_check_is_one_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: Settings, sockets: int) -> AsyncIterator[Finding]:
        yield Finding(Level.FAIL, f"nothing for {sockets}", "give it\nup")

    async def collect() -> list[Finding]:
        return [finding async for finding in doctor.examine_everything(3)]

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(doctor, "CHECKS", (broken,))
    assert asyncio.run(collect())[-1].line == "fail: nothing for 3 - give it up"


def test_a_proxy_that_is_not_trusted_is_warned_of(tmp_path: Path) -> None:
    own = {"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}
    finding = machine.proxies(settings(tmp_path, **own))
    assert_says(finding, Level.WARN, "share one address's limits", "TRUSTED_PROXIES")
    for chosen in ({}, {**own, "HOST": "192.0.2.1"}, {**own, "TRUSTED_PROXIES": "127.0.0.1"}):
        assert_says(machine.proxies(settings(tmp_path, **chosen)), Level.OK, "proxies:")
