"""To the second, by pgBackRest and the machine's PostgreSQL, as the documents say: the settings are
those of `deploy/pgbackrest`, with a folder of the test's in place of Debian's.

Trades of before the asked second are there, later ones aren't, and `probity verify` proves it.
"""

import grp
import os
import pwd
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.faults.test_kill import open_floor
from tests.server_process import PROBITY, ServerProcess

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
ACCOUNT: Final = "postgres"
BIN: Final = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/none"))
_QUERY: Final = "SELECT count(*) || ' ' || coalesce(max(seq), 0) FROM orders"


_LISTENS: Final = (
    "SELECT CASE current_setting('listen_addresses') WHEN '' THEN 'nowhere' ELSE 'somewhere' END"
)


def _missing() -> str | None:
    """Return why nothing can be tried here."""
    if shutil.which("pgbackrest") is None:
        return "no pgbackrest: apt install pgbackrest"
    if not (BIN / "initdb").exists():
        return "no server in /usr/lib/postgresql: apt install postgresql"
    if os.geteuid() != 0:
        return "only root can be PostgreSQL's account"
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        return "there is no account postgres"
    return None


MISSING: Final = _missing()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(MISSING is not None, reason=MISSING or ""),
]


class Cluster:
    """A PostgreSQL of the machine's in a folder of its own, that archives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.repository = folder / "repository"
        config = (DEPLOY / "pgbackrest" / "pgbackrest.conf").read_text()
        for shipped, ours in (
            ("/var/lib/pgbackrest", self.repository),
            ("/var/lib/postgresql/15/main", self.data),
        ):
            assert shipped in config
            config = config.replace(shipped, str(ours))
        here = f"pg1-socket-path={folder}\n[global]\nlock-path={folder}/lock\n"
        (folder / "pgbackrest.conf").write_text(config + here)
        self.environment = {
            "PATH": f"{BIN}:/usr/sbin:/usr/bin:/bin",
            "PGBACKREST_CONFIG": str(folder / "pgbackrest.conf"),
            "PG_BIN": str(BIN),
            "ROOM": str(folder),
            "PROBITY": PROBITY,
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
        }
        self.url = f"postgresql://{ACCOUNT}@/probity?host={folder}"

    def postgres(self, *words: str, check: bool = True) -> str:
        """Run a program as PostgreSQL's account and return what it said."""
        return self.root("runuser", "--user", ACCOUNT, "--", *words, check=check)

    def root(self, *words: str, check: bool = True) -> str:
        """Run a program and return what it said."""
        done = subprocess.run(
            words,
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        print(*words, "\n", done.stdout, done.stderr)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def start(self) -> None:
        """Make the database, with a first backup beneath it."""
        self.postgres(str(BIN / "initdb"), "--auth", "trust", "-E", "UTF8", "-D", str(self.data))
        shutil.copy2(DEPLOY / "pgbackrest" / "archiving.conf", self.folder)
        with (self.data / "postgresql.conf").open("a") as config:
            config.write(
                f"include '{self.folder}/archiving.conf'\nlisten_addresses = ''\n"
                f"unix_socket_directories = '{self.folder}'\n"
            )
        self.launch()
        self.postgres(str(BIN / "createdb"), "-h", str(self.folder), "probity")
        # Comes with the data; the drill has to listen nowhere all the same.
        for setting in ("listen_addresses = '127.0.0.1'", "port = 54329"):
            self.postgres("psql", self.url, "-c", f"ALTER SYSTEM SET {setting}")
        self.pgbackrest("stanza-create")
        self.pgbackrest("check")
        self.pgbackrest("backup", "--type=full")

    def launch(self) -> None:
        """Start the database and wait until it lets somebody in."""
        log = str(self.folder / "log")
        nowhere = ("-o", "-c listen_addresses= -c port=5432")
        self.postgres(str(BIN / "pg_ctl"), "-D", str(self.data), "-w", "-l", log, *nowhere, "start")
        ready = f"until pg_isready --quiet --host {self.folder}; do sleep 0.1; done"
        self.postgres("timeout", "60", "sh", "-c", ready)

    def pgbackrest(self, *words: str) -> str:
        """Run one command of pgBackRest's on the stanza."""
        return self.postgres("pgbackrest", "--stanza=probity", *words)

    def stop(self) -> None:
        """End the database as a lost machine would."""
        pg_ctl = str(BIN / "pg_ctl")
        self.postgres(pg_ctl, "-D", str(self.data), "-m", "immediate", "stop", check=False)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    # PostgreSQL's account doesn't come into pytest's folders.
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - as conftest does
    folder = Path(tempfile.mkdtemp(prefix="point-in-time-", dir=base))
    shutil.chown(folder, ACCOUNT, grp.getgrgid(pwd.getpwnam(ACCOUNT).pw_gid).gr_name)
    folder.chmod(0o755)
    made = Cluster(folder)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


def place(server: ServerProcess, traders: list[Any], count: int) -> None:
    """Place so many orders, of which some meet."""
    for number in range(count):
        trader = traders[number % len(traders)]
        outcome, price = ("YES", "0.55") if number % 3 else ("NO", "0.50")
        body = {"side": "BUY", "outcome": outcome, "type": "LIMIT", "price": price, "quantity": "1"}
        server.call("POST", f"/orders/{trader.market}", trader.token, body)


def asked(cluster: Cluster, query: str, *when: str) -> str:
    """Return what a query finds in the exchange of a second."""
    words = [DEPLOY / "point-in-time", *when, "sh", "-c", f'psql -At "$DATABASE_URL" -c "{query}"']
    return cluster.root(*map(str, words)).splitlines()[-2]


def test_it_stops_at_the_asked_second(cluster: Cluster, tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", {"DATABASE_URL": cluster.url, "PROJECTOR": "off"})
    psql = ("psql", "-At", cluster.url, "-c")
    try:
        server.start()
        _, traders = open_floor(server, random.Random(3))
        place(server, traders, 40)
        cluster.pgbackrest("backup", "--type=diff")
        place(server, traders, 40)
        before = cluster.postgres(*psql, _QUERY).strip()
        trades = cluster.postgres(*psql, "SELECT count(*) FROM trades").strip()
        time.sleep(1.1)  # The asked second is one in which nothing happens: nobody announces it.
        second = cluster.postgres(*psql, "SELECT date_trunc('second', now())").strip()
        time.sleep(1.1)
        place(server, traders, 40)
        last = cluster.postgres(*psql, _QUERY).strip()
        assert last != before
        # What is committed is archived after archive_timeout at the latest; here at once.
        cluster.pgbackrest("check")
        server.kill()
    finally:
        server.clean_up()
    cluster.stop()
    shutil.rmtree(cluster.data)

    assert asked(cluster, _QUERY, second) == before
    assert asked(cluster, "SELECT count(*) FROM trades", second) == trades != "0"
    assert asked(cluster, _LISTENS, second) == "nowhere"
    said = cluster.root(str(DEPLOY / "point-in-time"), second)
    assert "every invariant holds" in said
    assert "FAIL" not in said
    # The end of the log, which is what the monthly drill asks for.
    assert asked(cluster, _QUERY, "") == last
    assert "every invariant holds" in cluster.root(str(DEPLOY / "point-in-time"))
    # A second that there is no log of is said to be one, and nothing is left of any.
    refused = cluster.root(str(DEPLOY / "point-in-time"), "2001-01-01 00:00:00+00", check=False)
    assert "right after" not in refused
    assert not list(cluster.folder.glob("point-in-time.*"))

    # For good: the same exchange goes on from that second, and says that something is gone.
    to = ("--delta", "--type=time", f"--target={second}", "--target-action=promote")
    cluster.postgres("mkdir", "-m", "0700", str(cluster.data))
    cluster.pgbackrest(*to, "restore")
    cluster.launch()
    try:
        refused = server.run("verify").stdout
        assert "FAIL  tip" in refused
        server.start("--accept-tip")
        assert cluster.postgres(*psql, _QUERY).strip() == before
        place(server, traders, 4)
        assert server.end() == 0
        assert server.run("verify").returncode == 0
    finally:
        server.clean_up()


def test_thirty_days_are_kept(cluster: Cluster) -> None:
    """By time and not by number; `expire` of pgBackRest itself finds nothing to throw away."""
    config = (cluster.folder / "pgbackrest.conf").read_text()
    assert "repo1-retention-full-type=time\nrepo1-retention-full=30\n" in config
    for _ in range(2):
        cluster.pgbackrest("backup", "--type=full")
    assert cluster.pgbackrest("info").count("full backup:") == 3
