"""What an operator starts is what tools and the exchange itself read: image, compose, proxy, units.

No Docker engine is asked. `schemas/compose-spec.json` is the specification's own (Apache 2.0).
"""

import getpass
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gateway.bootstrap.settings import load_settings, setting_names
from gateway.settings.reader import env_file
from tests.deploy.files import read_yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SCHEMA = json.loads(Path(__file__).with_name("schemas").joinpath("compose-spec.json").read_text())
COMPOSE: dict[str, Any] = read_yaml(DEPLOY / "compose.yaml")
SITE = env_file(DEPLOY / "site.env.example")
NOT_OF_THE_EXCHANGE = {"SITE", "ACME_EMAIL", "SMOKE"}
"""For Caddy and for roll-out."""


def tool(name: str) -> str:
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"no {name} here")
    return found


def run(*command: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


# -- compose ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["compose.yaml", "compose.dev.yaml"])
def test_compose_files_are_what_the_specification_says(name: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(read_yaml(DEPLOY / name))


def test_compose_mounts_what_is_there_and_names_full_versions() -> None:
    for name, service in COMPOSE["services"].items():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (DEPLOY / source).exists() or source in COMPOSE["volumes"], (name, source)
        for secret in service.get("secrets", []):
            assert secret in COMPOSE["secrets"], (name, secret)
        default = re.fullmatch(r"\$\{\w+:-([^}]+)\}", service["image"])
        assert default is not None, name
        assert default[1] == "probity:local" or re.search(r":v?\d+\.\d+", default[1]), name


def test_only_the_proxy_is_reached_from_outside() -> None:
    ports = {
        (name, port) for name, one in COMPOSE["services"].items() for port in one.get("ports", [])
    }
    assert {name for name, port in ports if not port.startswith("127.0.0.1:")} == {"caddy"}
    [network] = COMPOSE["networks"]["outside"]["ipam"]["config"]
    assert SITE["TRUSTED_PROXIES"] == network["subnet"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_the_one_file_to_edit_names_settings_only() -> None:
    known = {*setting_names(), *(f"{name}_FILE" for name in setting_names()), *NOT_OF_THE_EXCHANGE}
    assert set(SITE) <= known


def test_the_machines_cron_makes_the_backups_and_proofs_that_alerts_ask_for() -> None:
    text = (DEPLOY / "cron").read_text("utf-8")
    asked = re.findall(
        r"^[\d*/ ]+ +root  cd \"\$FOLDER\" && docker (.+) >/dev/null$", text, re.MULTILINE
    )
    before = "compose --file deploy/compose.yaml run --rm -T --no-deps"
    assert asked == [f"{before} backup", f"{before} exchange verify --note"]
    assert COMPOSE["services"]["backup"]["command"] == ["backup"]
    page = (ROOT / "docs" / "operations" / "deploy.md").read_text("utf-8")
    assert "deploy/cron | sudo tee /etc/cron.d/probity" in page


def test_made_secrets_are_settings_and_stay_when_made_again(tmp_path: Path) -> None:
    script = shutil.copy2(DEPLOY / "make-secrets", tmp_path)
    for example in ("site.env.example", "alertmanager.yml.example"):
        shutil.copy2(DEPLOY / example, tmp_path)
    assert run(script).returncode == 0
    (tmp_path / "site.env").write_text("SITE=edited.example\n")
    folder = tmp_path / "secrets"
    made = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(made) == set(COMPOSE["secrets"])
    assert folder.stat().st_mode & 0o777 == 0o700
    assert run(script).returncode == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made
    assert env_file(tmp_path / "site.env") == {"SITE": "edited.example"}
    settings = load_settings(
        {
            name: value.replace("/run/secrets", str(folder))
            for name, value in SITE.items()
            if name not in NOT_OF_THE_EXCHANGE
        }
    )
    password = made["postgres_password"].decode().strip()
    assert settings.store.database_url == f"postgresql://probity:{password}@postgres:5432/probity"
    assert settings.sign_in.private_key is not None
    assert settings.sealing.keys is not None
    assert settings.backups.keys is not None


def scraped_beside(folder: Path, profiles: str) -> dict[str, Any]:
    """What Prometheus finds in the files that its start writes, by job."""
    told = {"PUBLIC_URL": "https://exchange.example", "PROFILES": profiles}
    places = {"FOLDER": str(folder), "PROMETHEUS": "echo"}
    done = run("/bin/sh", DEPLOY / "prometheus" / "start", "--a=b", **told, **places)
    assert (done.stdout, done.stderr) == ("--a=b\n", "")
    return {
        job["job_name"]: json.loads((folder / Path(one["files"][0]).name).read_text("utf-8"))
        for job in read_yaml(DEPLOY / "prometheus" / "compose.yml")["scrape_configs"]
        for one in job["file_sd_configs"]
    }


def test_alerts_reach_somebody_and_what_is_probed_is_what_users_type(tmp_path: Path) -> None:
    """An alert that nobody could be told of, or whose figures nobody makes, can't fire."""
    scraped = read_yaml(DEPLOY / "prometheus" / "compose.yml")
    [told] = scraped["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    jobs = {job["job_name"]: job for job in scraped["scrape_configs"]}
    [prober] = [
        one["replacement"]
        for one in jobs["probe"]["relabel_configs"]
        if len(one) == 2 and one["target_label"] == "__address__"
    ]
    for address in (told, prober):
        assert "inside" in COMPOSE["services"][address.partition(":")[0]]["networks"]
    written = scraped_beside(tmp_path, "")
    assert written == {"probe": [{"targets": ["https://exchange.example"]}], "probity": []}
    settings = read_yaml(DEPLOY / "alertmanager.yml.example")
    assert settings["route"]["receiver"] in {one["name"] for one in settings["receivers"]}


# -- the image --------------------------------------------------------------------------------


def test_the_image_is_built_from_what_the_wheel_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split()
    assert {f"!{name}" for name in wheel} <= set(ignore)
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    final = text.rpartition("FROM ${BASE}")[2]
    assert re.search(r"^ARG BASE=python:3\.\d+\.\d+-\S+$", text, re.MULTILINE)
    assert "USER 10001:10001" in final
    assert "HEALTHCHECK" in final
    assert not re.search(r"apt-get|pip install", final)


def test_the_image_has_the_terminal_of_its_own_sources() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    version = re.search(r"^ARG NODE=node:(\d+)\.\d+\.\d+-\S+$", text, re.MULTILINE)
    assert version is not None
    engines = json.loads((ROOT / "web" / "package.json").read_text("utf-8"))["engines"]["node"]
    assert f">={version[1]}." in engines
    [_, node, python, final] = re.split(r"^FROM .*$", text, flags=re.MULTILINE)
    # The tools first, which stay as they are while the pages change; then what they build.
    assert node.index("npm ci") < node.index("COPY web ") < node.index("npm run build")
    built = "gateway/site/dist"
    copied = python.index(f"COPY --from=web /source/{built} {built}\n")
    assert python.index("COPY . .") < copied < python.index("pip wheel")
    # It is no image otherwise: what is asked for lies where the exchange serves it from.
    asked = f"test -s /opt/probity/lib/python3*/site-packages/{built}/index.html"
    assert python.index("/wheel/*.whl") < python.index(asked)
    assert "node" not in final
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").split()
    # What lies around on the machine that builds is not taken for it.
    assert ignore.index("!web") < ignore.index("web/node_modules")
    assert ignore.index("!gateway") < ignore.index(built)


def test_the_terminal_is_built_of_what_the_image_is_given(tmp_path: Path) -> None:
    """The stage has `web/` and nothing beside it, so none of its sources may point elsewhere."""
    modules = ROOT / "web" / "node_modules"
    if not modules.is_dir():
        pytest.skip("make web has not been here")
    # As make does it: a Node.js that it has installed goes before the machine's.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    web = tmp_path / "source" / "web"
    shutil.copytree(ROOT / "web", web, ignore=shutil.ignore_patterns("node_modules"))
    (web / "node_modules").symlink_to(modules)
    done = run("npm", "--prefix", web, "run", "build", "--", "--logLevel", "warn", PATH=path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "source" / "gateway" / "site" / "dist" / "index.html").stat().st_size > 0


def test_what_compose_mounts_to_write_is_made_for_the_images_account() -> None:
    """A new volume gets the owner of the folder that it covers, and root where there is none."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    made = re.search(r"install --directory --owner=probity --group=probity --mode=0700 (.+)", text)
    assert made is not None
    folders = {word for word in made[1].partition("&&")[0].split() if word.startswith("/")}
    mounted = {
        volume.split(":")[1]
        for service in COMPOSE["services"].values()
        if service["image"].startswith("${PROBITY_IMAGE:-")
        for volume in service.get("volumes", [])
    }
    assert mounted == folders == {"/data", SITE["BACKUP_FOLDER"]}


def test_hadolint_finds_nothing() -> None:
    done = run(tool("hadolint"), DEPLOY / "Dockerfile")
    assert done.returncode == 0, done.stdout


# -- the proxy --------------------------------------------------------------------------------


def test_the_proxy_speaks_tls_12_and_13_only_and_hides_what_is_for_operators() -> None:
    done = run(
        tool("caddy"),
        *("adapt", "--adapter", "caddyfile", "--validate", "--config", DEPLOY / "Caddyfile"),
        SITE="exchange.example, www.exchange.example",
        ENGINE="127.0.0.1:8080",
        READERS="127.0.0.1:8081",
        ACME_EMAIL="a@b.example",
    )
    assert done.returncode == 0, done.stderr
    servers = json.loads(done.stdout)["apps"]["http"]["servers"].values()
    assert sorted(server["listen"] for server in servers) == [[":443"], [":8443"]]
    for server in servers:
        # Readers have one for whatever name is typed, engines one for the names of SITE.
        is_named = server["listen"] == [":443"]
        [policy] = [
            one for one in server["tls_connection_policies"] if ("match" in one) is is_named
        ]
        assert policy["protocol_min"] == "tls1.2"
        assert policy.get("protocol_max", "tls1.3") == "tls1.3"
        said = json.dumps(server["routes"])
        for path in ("/metrics", "/ready", "/health"):
            assert f'"{path}"' in said
        # Sockets of those who trade are the engine's, at the one port that everybody is told.
        assert ("127.0.0.1:8080" in said) is (server["listen"] == [":443"])
        assert "127.0.0.1:8081" in said


# -- units ------------------------------------------------------------------------------------


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    verify = tool("systemd-analyze")
    probity = Path(sys.executable).with_name("probity")
    for path in (DEPLOY / "systemd").iterdir():
        text = path.read_text("utf-8").replace("/opt/probity/bin/probity", str(probity))
        (tmp_path / path.name).write_text(text)
    units = [
        *("probity.service", "probity-gateway@8081.service"),
        *("probity-backup.timer", "probity-verify.timer"),
    ]
    done = run(verify, "verify", *(tmp_path / unit for unit in units))
    ours = [line for line in done.stderr.splitlines() if "probity" in line]
    assert (done.returncode, ours) == (0, [])


def test_what_cron_starts_is_installed_by_the_pages() -> None:
    """A drill that isn't found fails each month, and nobody sees it."""
    backups = (ROOT / "docs" / "operations" / "backups.md").read_text("utf-8")
    cron = (DEPLOY / "pgbackrest" / "cron").read_text("utf-8")
    [script] = re.findall(r"root .* (/\S+)$", cron, re.MULTILINE)
    [(kept, folder)] = re.findall(r"^install --mode 0755 (\S+) (\S+)$", backups, re.MULTILINE)
    assert (ROOT / kept).is_file()
    assert folder + Path(kept).name == script
    [program] = re.findall(r"PROBITY=(\S+)", cron)
    units = (DEPLOY / "systemd" / "probity.service").read_text("utf-8")
    assert f"ExecStart={program} serve" in units


def test_no_unit_opens_the_folder_of_the_exchange_to_others() -> None:
    """Whoever starts last sets its mode, and systemd's own is 0755: so each unit says 0700."""
    for path in (DEPLOY / "systemd").glob("*.service"):
        lines = path.read_text("utf-8").splitlines()
        assert "StateDirectory=probity" in lines, path.name
        assert "StateDirectoryMode=0700" in lines, path.name


def test_units_run_as_nobody_who_may_much() -> None:
    for name in ("probity.service", "probity-gateway@.service"):
        text = (DEPLOY / "systemd" / name).read_text("utf-8")
        for line in (
            *("User=probity", "NoNewPrivileges=yes", "ProtectSystem=strict", "UMask=0077"),
            *("CapabilityBoundingSet=", "RestartPreventExitStatus=2", "LimitNOFILE=65536"),
        ):
            assert f"\n{line}\n" in text, (name, line)


# -- a plain machine --------------------------------------------------------------------------


def wrapped(tmp_path: Path, settings: str, *words: str, **more: str) -> tuple[int, list[str]]:
    """Type `probity` as the account that runs this; return what the program was given."""
    (tmp_path / "probity.env").write_text(settings)
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\npwd\numask\nenv\nprintf "said: %s\\n" "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        [DEPLOY / "probity", *words],
        env={
            "PATH": os.environ["PATH"],
            "PROBITY_SETTINGS": str(tmp_path / "probity.env"),
            "PROBITY_PROGRAM": str(program),
            "PROBITY_ACCOUNT": getpass.getuser(),
            "PROBITY_HOME": str(tmp_path),
            **more,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, (done.stdout or done.stderr).splitlines()


def test_what_is_typed_on_a_plain_machine_has_the_settings_of_its_file(tmp_path: Path) -> None:
    settings = (
        "# for systemd, too\n\nDATABASE_URL=postgresql://p@/p?host=/run&sslmode=disable\n"
        'QUOTED="two words"\nPORT=8080\nODD=$(touch here) `touch here`;x'
    )
    code, said = wrapped(tmp_path, settings, "backup", "--folder", "a b", PORT="8081")
    assert code == 0
    assert said[:2] == [str(tmp_path), "0077"]
    assert said[-3:] == ["said: backup", "said: --folder", "said: a b"]
    for line in (
        *("DATABASE_URL=postgresql://p@/p?host=/run&sslmode=disable", "QUOTED=two words"),
        *("PORT=8081", "ODD=$(touch here) `touch here`;x", f"HOME={tmp_path}"),
    ):
        assert line in said
    # Settings of the program alone: it refuses names that it doesn't know.
    assert not [line for line in said if line.startswith("PROBITY_")]
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("line", ["BACKUP KEY=hidden", "BACKUP_KEY", "=hidden", "1KEY=hidden"])
def test_a_line_that_is_no_setting_is_not_shown(tmp_path: Path, line: str) -> None:
    code, said = wrapped(tmp_path, f"PORT=8080\n{line}\n")
    assert code == 2
    assert said == [f"probity: {tmp_path}/probity.env: a line that isn't NAME=value"]


def test_the_page_for_a_plain_machine_installs_what_root_types() -> None:
    page = (ROOT / "docs" / "operations" / "deploy.md").read_text("utf-8")
    assert "\ninstall --mode 0755 deploy/probity /usr/local/sbin/probity\n" in page
    units = (DEPLOY / "systemd" / "probity.service").read_text("utf-8")
    script = (DEPLOY / "probity").read_text("utf-8")
    for there in ("/etc/probity/probity.env", "/opt/probity/bin/probity", "/var/lib/probity"):
        assert there in units
        assert there in script
