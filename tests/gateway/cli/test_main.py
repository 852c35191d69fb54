"""The command as a person runs it: it starts, says where it is, and stops whole."""

import asyncio
import json
import re
import signal
import stat
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import httpx
import psutil
import pyotp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from gateway.accounts.sessions.keys import shared_secret
from persistence.postgres.database import connect
from persistence.relay.channel import new_stream
from tests import prepared_cluster
from tests.gateway.cli.command_line import START_SECONDS, clean, run, serving, start

KEY = (
    Ed25519PrivateKey.generate()
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder whose database is made already."""
    prepared_cluster.put_into(tmp_path / "data")
    return tmp_path


def children(process: Process) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


async def sign_in(where: str, email: str, password: str) -> httpx.Response:
    body = {"email": email, "password": password}
    async with httpx.AsyncClient(base_url=where) as client:
        return await client.post("/api/v1/auth/login", json=body)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_server_starts_alone_and_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with serving(tmp_path) as (process, where, banner):
        async with httpx.AsyncClient(base_url=where) as client:
            assert (await client.get("/health")).status_code == 200
            assert (await client.get("/api/v1/openapi.json")).status_code == 200
        password = re.search(r"password\s+(\S+)", banner)
        assert password is not None
        offspring = children(process)
        assert any("postgres" in child.name() for child in offspring)
        process.send_signal(number)
        async with asyncio.timeout(60):
            assert await process.wait() == 0
        _, alive = psutil.wait_procs(offspring, timeout=30)
        assert alive == []
    key = tmp_path / "data" / "jwt_key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    async with serving(tmp_path) as (_, where, banner):
        assert "password" not in banner
        answer = await sign_in(where, "admin@probity.local", password.group(1))
        assert answer.status_code in {200, 503}, answer.text
    assert key.read_bytes() == before


async def test_first_admin_is_the_one_of_the_settings(home: Path) -> None:
    chosen = {"PROBITY_ADMIN_EMAIL": "Root@Example.org", "PROBITY_ADMIN_PASSWORD": "swordfish!"}
    async with serving(home, **chosen) as (_, where, banner):
        assert "root@example.org" in banner
        assert "swordfish!" not in banner
        assert (await sign_in(where, "root@example.org", "swordfish?")).status_code == 401


async def test_user_is_added_beside_a_running_server(home: Path) -> None:
    arguments = ("user", "create", "--email", "ada@example.org", "--password-stdin")
    async with serving(home):
        code, out, err = await run(home, *arguments, text="correct horse\n")
        assert (code, err) == (0, "")
        assert re.fullmatch(r"User \d+ \(USER\) is registered\.\n", out)
        code, _, err = await run(home, *arguments, text="correct horse\n")
    assert (code, err) == (1, "probity: This e-mail address is registered already\n")


async def test_lost_second_factors_are_taken_away_beside_a_running_server(home: Path) -> None:
    arguments = ("user", "clear-2fa", "--email")
    person = {"email": "ada@example.org", "password": "correct horse"}
    async with serving(home) as (_, where, _), httpx.AsyncClient(base_url=where) as client:
        api = "/api/v1/auth"
        signed_in = (await client.post(f"{api}/register", json=person)).json()["data"]
        client.headers["authorization"] = f"Bearer {signed_in['accessToken']}"
        secret = (await client.post(f"{api}/2fa/totp")).json()["data"]["secret"]
        body = {"code": pyotp.TOTP(secret).now()}
        assert (await client.post(f"{api}/2fa/totp/confirm", json=body)).status_code == 200
        answer = await client.post(f"{api}/login", json=person)
        assert answer.json()["error"]["code"] == "SECOND_FACTOR_REQUIRED"
        code, out, err = await run(home, *arguments, "Ada@example.org")
        assert (code, err) == (0, "The owner wasn't told: no mail is sent here.\n")
        user_id = signed_in["user"]["id"]
        assert out == f"User {user_id} has no second factor any more; 1 sessions ended.\n"
        assert (await client.post(f"{api}/login", json=person)).status_code == 200
        code, _, err = await run(home, *arguments, "ben@example.org")
        assert (code, err) == (1, "probity: There is no user with this e-mail address\n")


async def test_another_password_ends_all_sessions_of_a_running_server(home: Path) -> None:
    new = ("user", "password", "--email", "Ada@example.org", "--password-stdin")
    body = {"email": "ada@example.org", "password": "correct horse"}
    async with serving(home) as (_, address, _), httpx.AsyncClient(base_url=address) as client:
        answer = await client.post("/api/v1/auth/register", json=body)
        token = answer.json()["data"]["accessToken"]
        code, out, err = await run(home, *new, text="battery staple\n")
        assert (code, err) == (0, "")
        assert re.fullmatch(r"User \d+ has another password; sessions ended: 1\.\n", out)
        code, _, err = await run(home, *new, text="sunshine\n")
        assert (code, "is one of the passwords that are tried first" in err) == (1, True)
        headers = {"authorization": f"Bearer {token}"}
        async with asyncio.timeout(10):
            while (await client.get("/api/v1/auth/me", headers=headers)).status_code != 401:  # noqa: ASYNC110 - another process ends it
                await asyncio.sleep(0.1)
        assert (await client.post("/api/v1/auth/login", json=body)).status_code == 401
        body["password"] = "battery staple"
        assert (await client.post("/api/v1/auth/login", json=body)).status_code == 200
        unknown = [word.replace("Ada@", "eve@") for word in new]
        code, _, err = await run(home, *unknown, text="battery staple\n")
    assert (code, err) == (1, "probity: There is no user with this e-mail address\n")


async def test_migrate_and_user_work_without_a_server(tmp_path: Path) -> None:
    code, out, _ = await run(tmp_path, "migrate")
    assert code == 0
    assert re.fullmatch(r"The schema is at \w+\.\n", out)
    arguments = ("user", "create", "--email", "a@example.org", "--admin", "--password-stdin")
    code, out, _ = await run(tmp_path, *arguments, text="correct horse\n")
    assert (code, "(ADMIN)" in out) == (0, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify",),
        ("user", "create", "--email", "a@example.org", "--password-stdin"),
        ("worker",),
        ("gateway",),
        ("doctor",),
        ("replay", "nothing.json"),
    ],
    ids=lambda arguments: arguments[0],
)
async def test_a_mistyped_data_folder_stays_unmade(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    typo = {"DATA_DIR": "typo", "PORT": "0", "REDIS_URL": "redis://127.0.0.1:1"}
    code, _, err = await run(tmp_path, *arguments, text="correct horse\n", **typo)
    assert list(tmp_path.iterdir()) == []
    assert code != 0
    if arguments[0] in {"verify", "user"}:
        assert err.startswith("probity: there is no database in typo: ")


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"PORT": "http"}, r"PORT: must be a whole number from 0 to 65535"),
        ({"JWT_PRIVATE_KEY": "nonsense"}, r"JWT_PRIVATE_KEY: is not a private key .*"),
        ({"HOST": "192.0.2.1"}, r"HOST: 192\.0\.2\.1: .*"),
        ({"HOST": "nowhere.invalid"}, r"HOST: nowhere\.invalid: .*"),
        ({"SENTRY_DSN": "nonsense"}, r"SENTRY_DSN: is not a valid DSN"),
    ],
)
async def test_wrong_setting_stops_the_start_with_one_line(
    tmp_path: Path, environment: dict[str, str], line: str
) -> None:
    code, out, err = await run(tmp_path, "serve", **environment)
    assert (code, out) == (2, "")
    assert re.fullmatch(f"probity: {line}\n", err)


@pytest.mark.parametrize(
    ("command", "environment"),
    [("serve", {}), ("worker", {"DATABASE_URL": "postgresql://127.0.0.1:1/nowhere"})],
)
async def test_a_pool_too_small_for_jobs_stops_the_start_before_anything_is_opened(
    tmp_path: Path, command: str, environment: dict[str, str]
) -> None:
    code, out, err = await run(tmp_path, command, DATABASE_POOL_SIZE="4", **environment)
    assert (code, out) == (2, "")
    assert err == "probity: DATABASE_POOL_SIZE: must be at least 5 where jobs are run\n"
    assert not (tmp_path / "data").exists()


async def test_short_password_is_refused(tmp_path: Path) -> None:
    arguments = ("user", "create", "--email", "ada@example.org", "--password-stdin")
    code, _, err = await run(tmp_path, *arguments, text="short\n")
    assert (code, err) == (2, "probity: password: must have 8 to 128 characters\n")


@pytest.mark.parametrize("password", [b"swordfish\xff", b"sword\x00fish"])
async def test_password_that_could_never_be_sent_is_refused(
    tmp_path: Path, password: bytes
) -> None:
    arguments = ("user", "create", "--email", "ada@example.org", "--password-stdin")
    process = await start(tmp_path, *arguments)
    _, err = await process.communicate(password + b"\n")
    assert process.returncode == 2
    assert re.fullmatch("probity: password: must .*\n", err.decode())


async def test_verify_says_in_one_line_that_the_tip_cannot_be_read(
    tmp_path: Path, database_url: str
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tip").write_text("{")
    code, out, err = await run(tmp_path, "verify", DATABASE_URL=database_url)
    assert (code, out) == (1, "")
    assert re.fullmatch(r"probity: data/tip can't be read: .*\n", err)


async def test_database_that_is_away_is_said_in_one_line(tmp_path: Path) -> None:
    url = "postgresql://probity:swordfish@127.0.0.1:1/probity"
    code, out, err = await run(tmp_path, "serve", DATABASE_URL=url, DATABASE_WAIT_SECONDS="0")
    assert (code, out) == (1, "")
    assert re.fullmatch("probity: the database can't be reached: .*\n", err)
    assert "swordfish" not in err


@pytest.mark.parametrize("command", ["serve", "worker"])
async def test_database_that_does_not_come_is_waited_for_so_long(
    tmp_path: Path, command: str
) -> None:
    url = "postgresql://probity:swordfish@127.0.0.1:1/probity"
    redis = "redis://127.0.0.1:1/0"
    code, out, err = await run(
        tmp_path, command, DATABASE_URL=url, DATABASE_WAIT_SECONDS="1", REDIS_URL=redis
    )
    assert code == 1
    [line] = [json.loads(line) for line in out.splitlines()]
    assert line["event"] == "waiting for the database"
    assert line["reason"].startswith("the database can't be reached: ")
    assert re.fullmatch("probity: the database can't be reached: .*\n", err)
    assert "swordfish" not in out + err


# Work of a running server that fails at once, and without which the process shall not go on.
FATAL = """
import gateway.bootstrap.compose as compose
from gateway.cli.main import main
from gateway.jobs.supervisor import Supervisor

def failing(_metrics):
    async def watch(_beat):
        raise LookupError("no such room")
    return watch

running = Supervisor.running
compose.event_loop_watch = failing
Supervisor.running = lambda self, name, work, **more: running(self, name, work, fatal=True)
main(prog_name="probity")
"""


async def test_fatal_work_that_fails_ends_the_process(tmp_path: Path, database_url: str) -> None:
    environment = clean(DATABASE_URL=database_url)
    # No new process follows this one, as after the last of the tries.
    environment["PROBITY_STARTS_AGAIN"] = "6"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        FATAL,
        "serve",
        cwd=tmp_path,
        env=environment,
        stdout=PIPE,
        stderr=PIPE,
    )
    async with asyncio.timeout(START_SECONDS):
        out, err = await process.communicate()
    assert process.returncode == 1
    last = err.decode().splitlines()[-1]
    assert last == "probity: the event-loop-lag stopped: LookupError: no such room"
    assert '"job":"event-loop-lag"' in out.decode()


REDIS = {"REDIS_URL": "redis://127.0.0.1:1"}
SHARED = REDIS | {"JWT_PRIVATE_KEY": KEY, "ENCRYPTION_KEY": "A" * 43 + "="}


@pytest.mark.parametrize(
    ("environment", "code", "line"),
    [
        ({}, 2, "REDIS_URL: is missing: .*"),
        (REDIS, 2, "JWT_PRIVATE_KEY: is missing: .*"),
        (REDIS | {"JWT_PRIVATE_KEY": KEY}, 2, "ENCRYPTION_KEY: is missing: .*"),
        (
            SHARED,
            1,
            "no database runs in data: start `probity serve` there, or set DATABASE_URL",
        ),
    ],
)
async def test_gateway_says_what_it_has_to_share_with_the_engine(
    tmp_path: Path, environment: dict[str, str], code: int, line: str
) -> None:
    found, out, err = await run(tmp_path, "gateway", **environment)
    assert (found, out) == (code, "")
    assert re.fullmatch(f"probity: {line}\n", err)


async def test_gateway_refuses_a_schema_of_another_version(
    tmp_path: Path, empty_database_url: str
) -> None:
    environment = SHARED | {"DATABASE_URL": empty_database_url}
    code, out, err = await run(tmp_path, "gateway", **environment)
    assert (code, out) == (1, "")
    assert re.fullmatch("probity: the database's schema is at nothing, .* is needed: .*\n", err)


async def test_gateway_refuses_another_key_than_the_engines(
    tmp_path: Path, database_url: str
) -> None:
    connection = await connect(database_url)
    try:
        stream = new_stream(shared_secret(Ed25519PrivateKey.generate()))
        await connection.execute("UPDATE engine_state SET stream_id = $1", stream)
    finally:
        await connection.close()
    environment = SHARED | {"DATABASE_URL": database_url, "PORT": "0"}
    code, out, err = await run(tmp_path, "gateway", **environment)
    assert (code, out) == (2, "")
    assert re.fullmatch("probity: JWT_PRIVATE_KEY: isn't the key of the engine's process.*\n", err)
