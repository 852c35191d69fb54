"""Bad nights, one after another: each is brought about, the runbook's commands are typed as they
stand, and afterwards all is well.
"""

import contextlib
import json
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.deploy.runbook_page import Runbook
from tests.faults.fleet import Fleet
from tests.server_process import ADMIN_EMAIL, ADMIN_PASSWORD, ServerProcess

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
KEY: Final = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
BIN: Final = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/none"))
ACCOUNT: Final = "postgres"
ORDER: Final = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.5", "quantity": "4"}


class Place:
    """An exchange with a file of settings, as systemd's units have it."""

    def __init__(self, room: Path, stack: ExitStack, **settings: str) -> None:
        self.room = room
        self.file = room / "probity.env"
        self.server = ServerProcess(room / "data", {"LOG_LEVEL": "info"})
        stack.callback(self.server.clean_up)
        kept = {"DATA_DIR": str(room / "data"), **settings}
        self.file.write_text("".join(f"{name}={value}\n" for name, value in kept.items()))
        self.start()
        self.book = Runbook(
            URL=self.server.url,
            ENGINE=self.server.url,
            SETTINGS=str(self.file),
            ADMIN=self.server.admin(),
            ROOM=str(room),
        )

    def settings(self) -> dict[str, str]:
        lines = self.file.read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def start(self) -> None:
        self.server.environment.update(self.settings())
        self.server.start()

    def restart(self) -> None:
        """What `systemctl restart probity` does."""
        if self.server.process is not None and self.server.process.poll() is None:
            self.server.end()
        self.start()

    @property
    def actions(self) -> dict[str, Any]:
        return {"systemctl restart probity": self.restart}

    def order(self, token: str, **changes: str) -> httpx.Response:
        return httpx.post(
            f"{self.server.url}/api/v1/orders/rain",
            json=ORDER | changes,
            headers={"authorization": f"Bearer {token}"},
            timeout=60,
        )

    def credits(self, token: str) -> str:
        found: str = self.server.call("GET", "/user/balance", token)["available"]
        return found


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.fixture
def place(tmp_path: Path, stack: ExitStack) -> Place:
    made = Place(tmp_path, stack, ENCRYPTION_KEY=KEY, BACKUP_KEY=KEY)
    made.server.market("rain")
    return made


def test_a_market_that_is_stuck_trades_again_and_ends(place: Place) -> None:
    server, book = place.server, place.book
    _, token = server.trader()
    _, other = server.trader()
    server.call("PATCH", "/markets/rain/status", server.admin(), {"status": "HALTED"})
    assert place.order(token).status_code == 422
    look, open_again, resolve = book.entry("Stuck market")
    assert '"HALTED"' in book.type(look, SLUG="rain")
    book.type(open_again, SLUG="rain")
    assert place.order(token).status_code == 201
    assert place.order(other, outcome="NO").status_code == 201
    server.call("PATCH", "/markets/rain/status", server.admin(), {"status": "CLOSED"})
    said = book.type(resolve, SLUG="rain")
    assert '"success":true' in said
    assert place.credits(token) == "1002.000000"


def test_a_wrong_resolution_is_made_good(place: Place) -> None:
    server, book = place.server, place.book
    paid, winner = server.trader()
    owed, loser = server.trader()
    place.order(winner)
    place.order(loser, outcome="NO")
    server.call("PATCH", "/markets/rain/status", server.admin(), {"status": "CLOSED"})
    server.call("POST", "/markets/rain/resolve", server.admin(), {"outcome": "YES"})
    look, make_good = book.entry("Wrong resolution")
    assert '"success":true' in book.type(look, SLUG="rain")
    assert len((place.room / "rain-orders.csv").read_text().splitlines()) == 3
    book.type(make_good, PAID=str(paid), OWED=str(owed))
    assert [place.credits(token) for token in (winner, loser)] == ["997.000000", "1003.000000"]
    for token in (winner, loser):
        told = json.dumps(server.call("GET", "/transactions/me", token))
        assert "rain was resolved wrongly" in told
    trail = server.call("GET", "/admin/audit?limit=5", server.admin())
    assert {"user.debit", "user.credit"} <= {line["action"] for line in trail}


def test_too_much_is_looked_at_and_pressure_is_taken_away(place: Place) -> None:
    server, book = place.server, place.book
    user, token = server.trader()
    _, other = server.trader()
    place.order(token)
    resting = place.order(other, price="0.3").json()["data"]["order"]["id"]
    look, suspend, cancel_only, open_again = book.entry("Overload")
    said = book.type(look)
    for name in ("requests_shed_total 0", "engine_queue_depth 0", "database_pool_size 17"):
        assert name in said
    book.type(suspend, USER_ID=str(user))
    assert place.order(token).status_code == 422
    cancel = f"{server.url}/api/v1/orders/{resting}"
    book.type(cancel_only)
    assert place.order(other).status_code == 422
    answer = httpx.delete(cancel, headers={"authorization": f"Bearer {other}"})
    assert answer.status_code == 200
    book.type(open_again)
    assert place.order(other).status_code == 201


def test_keys_that_others_have_are_made_anew(place: Place) -> None:
    server, book = place.server, place.book
    tokens, sealing, backup, password = book.entry("Compromised key")
    _, token = server.trader()
    headers = {"authorization": f"Bearer {token}"}
    me = f"{server.url}/api/v1/auth/me"
    assert httpx.get(me, headers=headers).status_code == 200

    book.type(tokens)
    deadline = time.monotonic() + 30
    while httpx.get(me, headers=headers).status_code != 401:
        assert time.monotonic() < deadline, "a token that was seen before still holds"
        time.sleep(0.1)

    book.type(sealing, place.actions)
    assert place.settings()["ENCRYPTION_KEY"].endswith(f",{KEY}")
    assert httpx.get(f"{server.url}/ready").is_success

    book.type(backup)
    [file] = (place.room / "data" / "backups").glob("*.backup")
    new, old = place.settings()["BACKUP_KEY"].split(",")
    assert old == KEY
    for key_of, code in ((new, 0), (old, 1)):
        server.environment["BACKUP_KEY"] = key_of
        assert (server.run("restore", "--check", str(file)).returncode == 0) is (code == 0)

    book.type(password, EMAIL=ADMIN_EMAIL)
    login = f"{server.url}/api/v1/auth/login"
    body = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
    assert httpx.post(login, json=body).status_code == 401
    made = place.room / "new-password"
    assert made.stat().st_mode & 0o777 == 0o600
    body["password"] = made.read_text().strip()
    assert httpx.post(login, json=body).status_code == 200


def test_an_exchange_that_is_lost_comes_back_on_a_new_machine(place: Place) -> None:
    server, book, elsewhere = place.server, place.book, place.room / "elsewhere"
    _, token = server.trader()
    placed = place.order(token).json()["data"]["order"]["id"]
    assert server.run("backup", "--folder", str(elsewhere)).returncode == 0
    [backup] = elsewhere.glob("*.backup")
    assert server.end() == 0
    key = (server.data_dir / "jwt_key.pem").read_bytes()
    shutil.rmtree(server.data_dir)
    server.data_dir.mkdir(mode=0o700)
    (server.data_dir / "jwt_key.pem").write_bytes(key)
    (server.data_dir / "jwt_key.pem").chmod(0o600)
    [restore] = book.entry("Restore")
    book.type(restore, {"systemctl start probity": place.start}, BACKUP=str(backup))
    assert placed in {order["id"] for order in server.call("GET", "/orders", token)}
    assert place.order(token).status_code == 201


def test_a_redis_that_is_lost_is_started_empty(
    tmp_path: Path, database_url: str, stack: ExitStack
) -> None:
    fleet = Fleet(tmp_path, database_url, stack)
    gateway = fleet.gateway()
    (tmp_path / "probity.env").write_text(f"REDIS_URL={fleet.redis.url}\n")
    book = Runbook(
        URL=fleet.engine.url,
        ENGINE=fleet.engine.url,
        SETTINGS=str(tmp_path / "probity.env"),
        ADMIN="-",
        ROOM=str(tmp_path),
    )
    [commands] = book.entry("Lost Redis")
    fleet.redis.kill()
    _, token = fleet.engine.trader()
    body = {**ORDER, "price": "0.4"}
    assert fleet.engine.call("POST", "/orders/rain", token, body)["order"]["status"] == "OPEN"

    def current() -> bool:
        text = httpx.get(f"{gateway.url}/metrics").text
        return "\nredis_connected 1.0\n" in text and "\nfeed_stale 0.0\n" in text

    def restart() -> None:
        fleet.redis.start()
        deadline = time.monotonic() + 60
        while not current():
            assert time.monotonic() < deadline, gateway.words()
            time.sleep(0.1)

    actions = {"systemctl restart redis-server": restart}
    said = book.type(commands, actions, GATEWAY=gateway.url)
    assert "no Redis at REDIS_URL" in said
    assert "redis_connected 1.0" in said
    assert "feed_stale 0.0" in said
    assert fleet.seq(gateway) == fleet.seq(fleet.engine)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that can be filled, in memory."""
    folder = tmp_path / "small"
    folder.mkdir(mode=0o711)
    mount = ["mount", "-t", "tmpfs", "-o", "size=200m,mode=711", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("only root may mount a small disk, and not in every container")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_is_full_gets_room(small_disk: Path, stack: ExitStack) -> None:
    backups = small_disk / "backups"
    place = Place(small_disk, stack, BACKUP_FOLDER=str(backups), DATABASE_WAIT_SECONDS="60")
    server = place.server
    server.market("rain")
    _, token = server.trader()
    for _ in range(2):
        # A backup is called by its second and by what it reaches to: another one has another name.
        assert place.order(token).status_code == 201
        assert server.run("backup", timeout=120).returncode == 0
    old = backups / "probity-20200101T000000Z-1.backup"
    with old.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    os.utime(old, (1, 1))
    refused = place.order(token)
    while refused.status_code == 201:
        refused = place.order(token)
    assert refused.status_code in {503, 504}, refused.text
    make_room, for_long = place.book.entry("Full disk")
    place.book.type(make_room)
    assert not old.exists()
    assert len([*backups.glob("*.backup")]) == 2
    assert place.order(token).status_code == 201
    assert server.end() == 0
    place.book.type(for_long)


def missing() -> str:
    """Say why there can be no second PostgreSQL."""
    if os.geteuid() != 0:
        return "only root can be PostgreSQL's account"
    if not (BIN / "initdb").exists() or shutil.which("psql") is None:
        return "no server in /usr/lib/postgresql: apt install postgresql"
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        return "there is no account postgres"
    return ""


class Standbys:
    """Two servers of the machine's PostgreSQL, in folders of their own."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        shutil.chown(folder, ACCOUNT, ACCOUNT)
        self.data = {name: folder / name for name in ("primary", "standby")}
        self._as("initdb", "--auth", "trust", "-E", "UTF8", "-D", str(self.data["primary"]))
        self.launch("primary")
        self._as("createdb", "--host", str(self.sockets("primary")), "probity")

    def sockets(self, name: str) -> Path:
        made = self.folder / f"{name}-socket"
        made.mkdir(exist_ok=True)
        shutil.chown(made, ACCOUNT, ACCOUNT)
        return made

    def url(self, name: str) -> str:
        return f"postgresql://{ACCOUNT}@/probity?host={self.sockets(name)}"

    def _as(self, program: str, *words: str) -> None:
        command = ["runuser", "--user", ACCOUNT, "--", str(BIN / program), *words]
        subprocess.run(command, check=True, cwd=self.folder, stdin=subprocess.DEVNULL)

    def launch(self, name: str) -> None:
        log, sockets = self.folder / f"{name}.log", self.sockets(name)
        options = f"-c listen_addresses= -c unix_socket_directories={sockets}"
        self._as("pg_ctl", "-w", "-D", str(self.data[name]), "-l", str(log), "-o", options, "start")
        self._stack.callback(self.stop, name)

    def stop(self, name: str) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self._as("pg_ctl", "-D", str(self.data[name]), "-m", "immediate", "stop")


@pytest.mark.skipif(bool(missing()), reason=missing())
def test_a_standby_is_made_and_takes_over(tmp_path: Path, stack: ExitStack) -> None:
    # Where PostgreSQL's account may go, and with short names for its sockets.
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="probity-fail-")))
    both = Standbys(folder, stack)
    place = Place(tmp_path, stack, DATABASE_URL=both.url("primary"))
    server, book = place.server, place.book
    server.market("rain")
    _, token = server.trader()
    book.values |= {
        "PRIMARY": both.url("primary"),
        "STANDBY": both.url("standby"),
        "STANDBY_DATA": str(both.data["standby"]),
    }
    before, after = book.entry("Database failover")
    starts = {"systemctl start postgresql": lambda: both.launch("standby")}
    assert "|sync" in book.type(before, starts)
    placed = [place.order(token) for _ in range(5)]
    assert {answer.status_code for answer in placed} == {201}
    both.stop("primary")
    book.type(after, place.actions)
    assert place.settings()["DATABASE_URL"] == both.url("standby")
    shown = server.call("GET", "/orders", token)
    acknowledged = {answer.json()["data"]["order"]["id"] for answer in placed}
    assert acknowledged <= {order["id"] for order in shown}
    assert place.order(token).status_code == 201
    assert server.end() == 0
