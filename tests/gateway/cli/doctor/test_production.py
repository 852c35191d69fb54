"""`probity doctor --production`: what does for a trial is named before strangers come."""

import base64
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from gateway.cli.doctor import production
from gateway.cli.doctor.finding import Finding, Level
from persistence.backups.noted import MADE, VERIFIED, Noted
from persistence.clock import now_us
from persistence.postgres.database import create_pool
from persistence.repositories.audit import AuditLog
from tests.gateway.cli.command_line import run
from tests.gateway.cli.doctor.test_command import assert_says, settings

GOOD = "0123456789abcdef01234567"
KEY = base64.b64encode(bytes(32)).decode()
HOUR = 3_600_000_000


def bad(findings: list[Finding]) -> list[str]:
    return [finding.what for finding in findings if finding.level is Level.FAIL]


def test_an_address_without_tls_or_a_trusted_proxy_fails(tmp_path: Path) -> None:
    none = list(production.address(settings(tmp_path)))
    assert [what.partition(":")[0] for what in bad(none)] == ["PUBLIC_URL", "TRUSTED_PROXIES"]
    http = settings(tmp_path, PUBLIC_URL="http://x.example", TRUSTED_PROXIES="0.0.0.0/0")
    assert bad(list(production.address(http))) == [
        "PUBLIC_URL: isn't https",
        "TRUSTED_PROXIES: is everybody, so anybody can say who they are",
    ]
    good = settings(tmp_path, PUBLIC_URL="https://x.example", TRUSTED_PROXIES="10.0.0.0/8")
    assert bad(list(production.address(good))) == []
    https = {"PUBLIC_URL": "https://x.example", "TRUSTED_PROXIES": "10.0.0.0/8"}
    logged = list(production.address(settings(tmp_path, **https, SMTP_URL="log")))
    assert bad(logged) == ["SMTP_URL: log, so mails stand in the log, addresses and all"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"DATABASE_URL": "postgresql://p:short@db/p"}, "DATABASE_URL: its password is shorter"),
        ({"DATABASE_URL": f"postgresql://p:{'ab' * 20}@db/p"}, "its password is made of fewer"),
        ({"DATABASE_URL": "postgresql://p@db/p"}, "DATABASE_URL: has no password"),
        ({"REDIS_URL": "redis://cache:6379/0"}, "REDIS_URL: has no password"),
        (
            {"PROBITY_ADMIN_EMAIL": "a@b.example", "PROBITY_ADMIN_PASSWORD": "password"},
            "PROBITY_ADMIN_PASSWORD: is shorter",
        ),
    ],
)
def test_a_weak_secret_fails_and_is_not_shown(
    tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    found = list(production.secrets(settings(tmp_path, **changes)))
    [what] = bad(found)
    assert said in what
    assert not any("short@" in one.line or "abab" in one.line for one in found)


@pytest.mark.parametrize(
    ("changes", "reachable", "said"),
    [
        ({}, {80, 443}, ["ok: ports"]),
        ({"PORT": "8080"}, {443, 8080}, ["warn: PORT"]),
        ({"REDIS_URL": "redis://127.0.0.1:6379/0"}, {6379}, ["fail: REDIS_URL"]),
        ({"REDIS_URL": f"redis://:{GOOD}@localhost:6380/0"}, {6380}, ["warn: REDIS_URL"]),
        ({"DATABASE_URL": "postgresql://p@/p?host=/run/p"}, {5432}, ["warn: DATABASE_URL"]),
        ({"DATABASE_URL": f"postgresql://p:{GOOD}@db/p"}, {5432}, ["ok: ports"]),
        ({}, None, ["warn: ports"]),
    ],
)
def test_ports_that_others_reach_past_the_proxy_are_named(
    tmp_path: Path, changes: dict[str, str], reachable: set[int] | None, said: list[str]
) -> None:
    seen = None if reachable is None else frozenset(reachable)
    found = production.open_ports(settings(tmp_path, **changes), seen)
    assert [f"{one.level.value}: {one.what.partition(':')[0]}" for one in found] == said


def test_what_cannot_be_seen_is_not_said_to_be_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_kind: str) -> NoReturn:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refused)
    assert production._reachable_ports() is None


def test_strong_secrets_pass(tmp_path: Path) -> None:
    url = f"postgresql://p:{GOOD}@db/p?sslmode=verify-full"
    for changes in (
        {"DATABASE_URL": url, "REDIS_URL": f"rediss://:{GOOD}@cache/0"},
        {"DATABASE_URL": "postgresql://p@/p?host=/run/postgresql", "REDIS_URL": "unix:///r?db=0"},
    ):
        found = list(production.secrets(settings(tmp_path, **changes)))
        assert bad(found) == []
        assert [one.what.partition(":")[0] for one in found if one.advice] == ["admins"]


def test_backups_that_lie_open_fail_and_those_beside_the_data_are_warned_of(tmp_path: Path) -> None:
    [open_, beside] = production.backups(settings(tmp_path))
    assert_says(open_, Level.FAIL, "BACKUP_KEY", "lie open")
    assert_says(beside, Level.WARN, "BACKUP_FOLDER")
    away = settings(tmp_path, BACKUP_KEY=KEY, BACKUP_FOLDER=str(tmp_path / "elsewhere"))
    [sealed] = production.backups(away)
    assert_says(sealed, Level.OK, "sealed")
    inside = settings(tmp_path, BACKUP_KEY=KEY, BACKUP_FOLDER=str(tmp_path / "data" / "b"))
    assert [one.level for one in production.backups(inside)] == [Level.OK, Level.WARN]


def test_clock_and_account_are_judged() -> None:
    assert_says(production.time_server(frozenset({"chronyd", "sh"})), Level.OK, "chronyd")
    assert_says(production.time_server(frozenset({"sh"})), Level.WARN, "nobody")
    assert production.time_server().what.startswith("clock:")
    assert_says(production.account(0), Level.WARN, "root")
    assert_says(production.account(1_000), Level.OK)
    assert production.account().what.startswith("account:")


@pytest.mark.parametrize(
    ("backup_h", "verified_h", "is_wrong", "levels"),
    [
        (1, 20, False, [Level.OK, Level.OK]),
        (25, 20, False, [Level.OK, Level.FAIL]),
        (1, 200, False, [Level.WARN, Level.OK]),
        (None, None, False, [Level.WARN, Level.FAIL]),
        (1, 1, True, [Level.FAIL, Level.OK]),
    ],
)
def test_old_backups_and_proofs_are_found(
    backup_h: int | None, verified_h: int | None, is_wrong: bool, levels: list[Level]
) -> None:
    now = 10_000 * HOUR
    backup = 0 if backup_h is None else now - backup_h * HOUR
    verified = 0 if verified_h is None else now - verified_h * HOUR
    findings = list(production.judge(Noted(backup, verified, is_wrong), now))
    assert [finding.level for finding in findings] == levels


async def test_the_gate_opens_when_all_is_done(database_url: str, tmp_path: Path) -> None:
    environment = {
        "DATABASE_URL": database_url,
        "PUBLIC_URL": "https://x.example",
        "TRUSTED_PROXIES": "127.0.0.1",
        "BACKUP_KEY": KEY,
        "BACKUP_FOLDER": str(tmp_path / "elsewhere"),
    }
    pool = await create_pool(database_url, size=1)
    audit = AuditLog(pool)
    code, out, _ = await run(tmp_path, "doctor", "--production", **environment)
    assert code == 1
    assert [line for line in out.splitlines() if line.startswith("fail")] == [
        "fail: last backup: never - run `probity backup`, and a timer that does"
    ]
    await audit.write(now_us(), None, MADE, None, "ok", "cli")
    await audit.write(now_us(), None, VERIFIED, None, "ok", "cli")
    await pool.close()
    code, out, _ = await run(tmp_path, "doctor", "--production", **environment)
    assert code == 0, out
    assert "ok:   last backup: 0.0 hours ago" in out


async def test_where_no_database_runs_the_age_of_backups_is_not_known(tmp_path: Path) -> None:
    [finding] = [one async for one in production.kept(settings(tmp_path))]
    assert_says(finding, Level.WARN, "not known, as no database runs")
    away = settings(tmp_path, DATABASE_URL="postgresql://x:y@127.0.0.1:1/x")
    assert [one async for one in production.kept(away)] == []
