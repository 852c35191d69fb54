"""Settings: what is read, what stops the start, and that the example file tells the truth."""

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.bootstrap.settings import examine_settings, example_file, load_settings
from gateway.settings.reader import SettingsError
from persistence.relay.messages import make_client

ROOT = Path(__file__).parents[3]


def test_example_file_has_every_setting_with_its_default() -> None:
    assert (ROOT / ".env.example").read_text() == example_file()


def test_example_file_read_as_it_stands_gives_the_defaults() -> None:
    lines = re.findall(r"^([A-Z_]+)=(.*)$", example_file(), re.MULTILINE)
    assert load_settings(dict(lines)) == load_settings({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("PORT", "\uff18\uff10"),
        ("HOST", "\u00e4..b"),
        ("JWT_ACCESS_EXPIRES_IN", "15"),
        ("JWT_REFRESH_EXPIRES_IN", "7w"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("CORS_ORIGIN", "example.org"),
        ("CORS_ORIGIN", "https://a.example/path"),
        ("CORS_ORIGIN", "*,https://a.example"),
        ("DATABASE_URL", "mysql://localhost"),
        ("DATABASE_URL", "postgresql://probity:hunter/22@localhost/probity"),
        ("DATABASE_URL", "postgresql://probity:hunter22@localhost:99999/probity"),
        ("DATABASE_URL", "postgresql://probity:hunter22@[::1/probity"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "redis://host:port"),
        ("REDIS_URL", "unix://"),
        ("REDIS_URL", "redis://localhost?foo=bar"),
        ("REDIS_URL", "redis://localhost?decode_responses=yes"),
        ("REDIS_URL", "redis://localhost?socket_timeout=99999"),
        ("REDIS_URL", "redis://localhost?protocol=3"),
        ("REDIS_URL", "redis://localhost?db="),
        ("REDIS_URL", "redis://localhost?db=one"),
        ("REDIS_URL", "redis://localhost?db=1&db=2"),
        ("REDIS_URL", "redis://localhost?ssl_cert_reqs=none"),
        ("REDIS_URL", "rediss://localhost?ssl_cert_reqs=maybe"),
        ("REDIS_URL", "rediss://localhost?ssl_check_hostname=maybe"),
        ("REDIS_URL", "redis://localhost/first"),
        ("REDIS_URL", "redis://localhost/1/2"),
        ("REDIS_URL", "redis://localhost#hunter22"),
        ("REDIS_URL", "redis://:hunter22?x@localhost"),
        ("STARTING_CREDITS", "1e3"),
        ("STARTING_CREDITS", "1000000000.000001"),
        ("LOG_LEVEL", "loud"),
        ("RATE_LIMIT_WINDOW_MS", "1500"),
        ("REQUEST_BODY_TIMEOUT_SECONDS", "0"),
        ("DATABASE_POOL_SIZE", "-1"),
        ("WORKER", "yes"),
    ],
)
def test_wrong_setting_is_named_in_one_line(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: ") as caught:
        load_settings({name: value})
    assert "\n" not in str(caught.value)
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"PROBITY_ADMIN_EMAIL": "a@example.org"}, "PROBITY_ADMIN_PASSWORD"),
        ({"PROBITY_ADMIN_PASSWORD": "long enough"}, "PROBITY_ADMIN_EMAIL"),
        ({"DIRECT_URL": "postgresql://localhost/x"}, "DATABASE_URL"),
        ({"PAGE_SIZE": "300"}, "PAGE_SIZE"),
    ],
)
def test_missing_companion_is_named(environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=f"^{named}: "):
        load_settings(environment)


def test_secrets_are_not_repeated_in_the_error() -> None:
    for name, value in [
        ("DATABASE_URL", "mysql://user:hunter22@host/db"),
        ("REDIS_URL", "http://:hunter22@host"),
    ]:
        with pytest.raises(SettingsError) as caught:
            load_settings({name: value})
        assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://localhost/",
        "redis://localhost?db=15",
        "rediss://user:pass@host:6380/2",
        "rediss://host/0?ssl_cert_reqs=required&ssl_ca_certs=/ca.pem&ssl_check_hostname=true",
        "rediss://host?ssl_certfile=/etc/our.pem&ssl_keyfile=/etc/our.key",
        "unix:///run/redis.sock?db=1",
    ],
)
def test_redis_is_reached_by_any_of_its_urls(url: str) -> None:
    assert load_settings({"REDIS_URL": url}).store.redis_url == url
    # The library takes all of it.
    pool: Any = make_client(url).connection_pool
    assert pool.make_connection() is not None


def test_durations_and_lists() -> None:
    settings = load_settings(
        {
            "JWT_ACCESS_EXPIRES_IN": "90s",
            "JWT_REFRESH_EXPIRES_IN": "12h",
            "CORS_ORIGIN": "https://a.example, http://localhost:3000",
            "TRUSTED_PROXIES": "10.0.0.0/8,::1",
            "STARTING_CREDITS": "2.5",
        }
    )
    assert (settings.sign_in.access_expires_in, settings.sign_in.refresh_expires_in) == (90, 43_200)
    assert settings.http.cors_origin == ("https://a.example", "http://localhost:3000")
    assert [str(network) for network in settings.http.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert settings.sign_in.starting_credits == 2_500_000


@pytest.mark.parametrize(
    ("value", "seconds"), [("10s", 10), ("1m", 60), ("10m", 600), ("6h", 21_600), ("1d", 86_400)]
)
def test_an_interval_divides_a_minute_an_hour_or_a_day(value: str, seconds: int) -> None:
    assert load_settings({"CHECK_INTERVAL": value}).checks.interval == seconds


@pytest.mark.parametrize("value", ["7s", "90s", "61s", "7m", "90m", "5h", "2d", "0s", "minute"])
def test_what_divides_none_of_them_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="CHECK_INTERVAL: must"):
        load_settings({"CHECK_INTERVAL": value})


def test_env_file_is_read_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("# ours\nPORT=1234\nexport HOST='::1'\n\n")
    monkeypatch.setenv("PORT", "4321")
    monkeypatch.delenv("HOST", raising=False)
    settings = load_settings()
    assert (settings.listen.port, settings.listen.host) == (4321, "::1")


def test_broken_env_file_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("PORT=1234\nwhat is this\n")
    with pytest.raises(SettingsError, match=r"^\.env, line 2: "):
        load_settings()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("PROT=1234", "PROT: is no setting, but stands in .env; did you mean PORT?"),
        ("port=1234", "port: is no setting, but stands in .env; did you mean PORT?"),
        ("RATE_LIMIT_MAX_REQUEST=9", "did you mean RATE_LIMIT_MAX_REQUESTS?"),
        ("QQQQQQ=9", "QQQQQQ: is no setting, but stands in .env; see .env.example"),
    ],
)
def test_a_misspelt_name_in_the_env_file_is_refused_with_the_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"HOST=::1\n{line}\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
    # The environment is everybody's, so nothing in it is unknown.
    (tmp_path / ".env").write_text("HOST=::1\n")
    monkeypatch.setenv(line.partition("=")[0], "9")
    load_settings()


def test_the_example_file_is_a_good_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(example_file())
    load_settings()


def test_everything_that_is_wrong_is_named() -> None:
    wrong = {"PORT": "http", "PAGE_SIZE": "many", "LOG_LEVEL": "loud", "PAGE_SIZE_MAX": "0"}
    settings, problems = examine_settings(wrong)
    assert settings is None
    assert {str(problem).partition(":")[0] for problem in problems} == set(wrong)


def test_a_file_holds_what_is_secret(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://p:q@db/p\n")
    found = load_settings({"DATABASE_URL_FILE": str(secret)})
    assert found.store.database_url == "postgresql://p:q@db/p"
    for environment, said in (
        ({"DATABASE_URL_FILE": str(secret), "DATABASE_URL": "x"}, "take one away"),
        ({"DATABASE_URL_FILE": str(tmp_path / "none")}, "can't be read"),
    ):
        with pytest.raises(SettingsError, match=said):
            load_settings(environment)
