"""Two engines with Compose: what runs then, who sends to whom, and how it is rolled out."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.settings.reader import env_file
from tests.deploy.test_machines import COMPOSE, DEPLOY, ROOT, scraped_beside
from tests.deploy.test_roll_out import NEW, OLD, asked_for, laid_out


def composed(environment: dict[str, str]) -> dict[str, Any]:
    """The services of compose.yaml with what stands in deploy/.env put in, as Compose does."""

    def put(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: put(one) for name, one in value.items()}
        if isinstance(value, list):
            return [put(one) for one in value]
        if not isinstance(value, str):
            return value
        return re.sub(
            r"\$\{(\w+):-([^}]*)\}", lambda found: environment.get(found[1]) or found[2], value
        )

    on = environment.get("COMPOSE_PROFILES")
    services = put(COMPOSE["services"])
    return {name: one for name, one in services.items() if one.get("profiles", [on]) == [on]}


def command_of(service: dict[str, Any]) -> list[str]:
    command = service["command"]
    return shlex.split(command) if isinstance(command, str) else command


def test_two_engines_are_lines_of_one_file(tmp_path: Path) -> None:
    plain, two = composed({}), composed(env_file(DEPLOY / "two-engines.env"))
    assert command_of(plain["exchange"]) == ["serve"]
    assert two.keys() - plain.keys() == {"standby", "gateway-2", "worker"}
    roles = {name: command_of(two[name]) for name in ("exchange", *sorted(two.keys() - plain))}
    assert roles == {
        "exchange": ["engine", "--standby"],
        "standby": ["engine", "--standby"],
        "gateway-2": ["gateway"],
        "worker": ["worker"],
    }
    both = "gateway:8080 gateway-2:8080"
    assert plain["caddy"]["environment"] == {"ENGINE": "exchange:8080", "READERS": "gateway:8080"}
    assert two["caddy"]["environment"] == {"ENGINE": both, "READERS": both}
    # One tip each, in one volume: the machine is the same.
    assert two["standby"]["environment"]["DATA_DIR"] == "/data/standby"
    assert two["standby"]["volumes"] == ["data:/data"]
    assert two["prometheus"]["environment"]["PROFILES"] == "engines"
    scraped = scraped_beside(tmp_path, "engines")["probity"]
    assert [(one["targets"], one["labels"]["role"]) for one in scraped] == [
        (["standby:8080"], "engine"),
        (["gateway-2:8080"], "gateway"),
        (["worker:8080"], "worker"),
    ]
    page = (ROOT / "docs" / "operations" / "failover.md").read_text("utf-8")
    assert "cat deploy/two-engines.env >> deploy/.env" in page


def two_engines(folder: Path, fail: str = "") -> tuple[int, list[str], str | None]:
    """Roll out where the lines of two-engines.env are among what is noted."""
    environment = laid_out(folder, fail, **({"WATCH_MINUTES": "1"} if "exec" in fail else {}))
    with (folder / ".env").open("a") as kept:
        kept.write((DEPLOY / "two-engines.env").read_text())
    done = subprocess.run([folder / "roll-out", NEW], env=environment, check=False)
    [image] = re.findall(r"^PROBITY_IMAGE=(.*)$", (folder / ".env").read_text(), re.MULTILINE)
    return done.returncode, asked_for(folder), image


BESIDE = ["exchange", "standby", "gateway", "gateway-2", "worker"]


def test_two_engines_go_out_one_after_the_other_behind_the_schema(tmp_path: Path) -> None:
    code, asked, image = two_engines(tmp_path)
    up = "up --detach --wait --wait-timeout 120"
    assert asked[3:-2] == [
        f"{NEW} run --rm exchange migrate",
        *(f"{NEW} {up} {service}" for service in BESIDE),
    ]
    assert (code, image) == (0, NEW)
    assert "EXCHANGE=engine --standby\n" in (tmp_path / ".env").read_text()


@pytest.mark.parametrize("step", ["exchange migrate", "wait-timeout 120 standby", "exec -T worker"])
def test_each_process_of_two_engines_is_watched_and_goes_back(tmp_path: Path, step: str) -> None:
    code, asked, image = two_engines(tmp_path, f"{NEW} {step}")
    assert (code, image) == (1, OLD)
    assert [call.rpartition(" ")[2] for call in asked[-6:-1]] == BESIDE
    assert all(call.startswith(f"{OLD} ") for call in asked[-7:])
