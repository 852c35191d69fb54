"""`deploy/fly.toml` and its page agree with the program; no account is asked."""

import itertools
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from gateway.bootstrap.settings import load_settings, setting_names
from gateway.cli.main import main

ROOT = Path(__file__).parents[2]
FILE: dict[str, Any] = tomllib.loads((ROOT / "deploy" / "fly.toml").read_text("utf-8"))
PAGE = (ROOT / "docs" / "operations" / "fly.md").read_text("utf-8").replace("\\\n", " ")


def commands() -> list[list[str]]:
    """Every line of the page's blocks, in words."""
    return [
        shlex.split(line, comments=True)
        for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
        for line in block.splitlines()
    ]


def test_what_it_starts_are_commands_and_settings_of_ours() -> None:
    assert {*FILE["processes"]} == {"engine", "gateway"}
    for words in FILE["processes"].values():
        assert main.get_command(click.Context(main), words) is not None
    settings = load_settings(FILE["env"])
    assert settings.store.pool_size == int(FILE["env"]["DATABASE_POOL_SIZE"])
    assert {*FILE["env"]} <= {*setting_names()}
    assert urlsplit(FILE["env"]["PUBLIC_URL"]).hostname == f"{FILE['app']}.fly.dev"


def test_ports_checks_and_figures_are_what_the_program_has() -> None:
    listening = load_settings({}).listen
    services = [FILE["http_service"], *FILE["services"]]
    assert {service["internal_port"] for service in services} == {listening.port}
    assert [service["processes"] for service in services] == [["engine"], ["gateway"]]
    for service in services:
        [check] = service.get("checks") or service["http_checks"]
        assert (check["method"].upper(), check["path"]) == ("GET", "/ready")
        assert service["auto_stop_machines"] == "off"
        assert service["concurrency"]["type"] == "connections"
    [port] = FILE["services"][0]["ports"]
    assert port["tls_options"]["versions"] == ["TLSv1.2", "TLSv1.3"]
    [metrics] = FILE["metrics"]
    assert (metrics["port"], metrics["path"]) == (listening.port, "/metrics")
    assert {*metrics["processes"]} == {*FILE["processes"]}
    sized = [name for one in FILE["vm"] for name in one["processes"]]
    assert sorted(sized) == sorted(FILE["processes"])


def test_a_machine_has_the_time_that_a_drain_takes() -> None:
    assert FILE["kill_signal"] == "SIGTERM"
    drain = load_settings({}).listen.shutdown_timeout_seconds + 3 + 15
    assert drain <= int(FILE["kill_timeout"].removesuffix("s")) <= 300


def test_the_page_names_what_is_there() -> None:
    made = commands()
    assert {words[0] for words in made if words} == {"fly", "deploy/make-secrets"}
    for words in made:
        for option, value in itertools.pairwise(words):
            if option in {"--config", "--dockerfile", "--ignorefile"}:
                assert (ROOT / value).is_file(), value
            if option == "--app":
                assert value == FILE["app"]
            if option == "--region":
                assert value == FILE["primary_region"]
    [secrets] = [words for words in made if words[1:3] == ["secrets", "set"]]
    named = {word.partition("=")[0] for word in secrets if re.match(r"[A-Z_]+=", word)}
    assert {"JWT_PRIVATE_KEY", "ENCRYPTION_KEY", "BACKUP_KEY", "REDIS_URL"} <= named
    assert named <= {*setting_names()}
    # What is made up within a command is nobody's to keep: nothing shows it again.
    assert "openssl" not in PAGE
    script = (ROOT / "deploy" / "make-secrets").read_text("utf-8")
    kept = re.findall(r"cat deploy/secrets/(\w+)", PAGE)
    assert len(kept) == 3
    assert all(f"\nkeep {name} " in script for name in kept)
