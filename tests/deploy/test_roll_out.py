"""`deploy/roll-out` with a docker that fails at each step: a bad release rolls back by itself."""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.deploy.files import read_yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
OLD, NEW = "probity:old", "probity:new"
# Notes what it is asked for with which image, and fails as FAIL says, each "image word word".
DOCKER = """#!/bin/sh
echo "$PROBITY_IMAGE $*" >> "$CALLS"
while read -r image words; do
  [ -n "$image" ] || continue
  case "$PROBITY_IMAGE $*" in "$image "*"$words"*)
    exit 1;;
  esac
done <<END
$FAIL
END
case "$*" in
*"ps --quiet exchange") echo "$RUNNING";;
inspect*) echo sha256:abc;;
esac
exit 0
"""


def laid_out(
    folder: Path, fail: str = "", running: str | None = OLD, **environment: str
) -> dict[str, str]:
    """Make a folder in which an exchange runs; return the environment of a roll-out there."""
    shutil.copy2(DEPLOY / "roll-out", folder)
    shutil.copy2(DEPLOY / "site.env.example", folder / "site.env")
    docker = folder / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    if running is not None:
        (folder / ".env").write_text(f"OTHER=kept\nPROBITY_IMAGE={running}\n")
    return {
        "PATH": "/usr/bin:/bin",
        "DOCKER": str(docker),
        "CALLS": str(folder / "calls"),
        "FAIL": fail,
        "WATCH_MINUTES": "1" if "exec" in fail else "0",
        "PAUSE_SECONDS": "1",
        **environment,
    }


def roll_out(
    folder: Path, fail: str = "", *, running: str | None = OLD, **environment: str
) -> tuple[int, list[str], str | None]:
    """Return the exit code, what docker was asked for, and which image is noted as running."""
    done = subprocess.run(
        [folder / "roll-out", NEW],
        env=laid_out(folder, fail, running, **environment),
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)
    return done.returncode, asked_for(folder), noted(folder)


def asked_for(folder: Path) -> list[str]:
    calls = folder / "calls"
    return [
        line.replace(" compose --file compose.yaml", "").replace(" run --rm --no-deps exchange", "")
        for line in (calls.read_text().splitlines() if calls.exists() else [])
    ]


def noted(folder: Path) -> str | None:
    """Return the image that every `docker compose` in the folder runs; None: its own."""
    kept = folder / ".env"
    found = dict(line.split("=", 1) for line in kept.read_text().split()) if kept.exists() else {}
    return found.get("PROBITY_IMAGE") or None


def test_a_good_release_goes_out_in_order(tmp_path: Path) -> None:
    code, asked, image = roll_out(tmp_path)
    smoke = "smoke https://exchange.example --market smoke"
    up = "up --detach --wait --wait-timeout 120"
    assert asked == [
        f"{NEW} pull --quiet exchange",
        f"{OLD} run --rm backup",
        f"{NEW} doctor --production",
        f"{NEW} {up} exchange",
        f"{NEW} {up} gateway",
        f"{NEW} {smoke}",
        f"{NEW} {smoke}",
    ]
    assert (code, image) == (0, NEW)


@pytest.mark.parametrize(
    "step",
    ["pull --quiet", "run --rm backup", "doctor --production"],
    ids=lambda step: step.split()[0],
)
def test_before_the_gate_nothing_is_changed(tmp_path: Path, step: str) -> None:
    image = OLD if "backup" in step else NEW
    code, asked, running = roll_out(tmp_path, f"{image} {step}")
    assert (code, running) == (1, OLD)
    assert not any(" up " in call for call in asked)


@pytest.mark.parametrize("step", ["exchange", "gateway", "smoke", "exec", "exec -T gateway"])
def test_a_bad_release_rolls_back(tmp_path: Path, step: str) -> None:
    words = {"exchange": "wait-timeout 120 exchange", "gateway": "wait-timeout 120 gateway"}
    code, asked, running = roll_out(tmp_path, f"{NEW} {words.get(step, step)}")
    assert (code, running) == (1, OLD)
    assert asked[-3:] == [
        f"{OLD} up --detach --wait --wait-timeout 120 exchange",
        f"{OLD} up --detach --wait --wait-timeout 120 gateway",
        f"{OLD} smoke https://exchange.example --market smoke",
    ]


def test_who_interrupts_a_roll_out_has_it_go_back(tmp_path: Path) -> None:
    environment = laid_out(tmp_path, WATCH_MINUTES="1")
    process = subprocess.Popen([tmp_path / "roll-out", NEW], env=environment)
    deadline = time.monotonic() + 30
    while not any("exec" in call for call in asked_for(tmp_path)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 1
    assert asked_for(tmp_path)[-1] == f"{OLD} smoke https://exchange.example --market smoke"
    assert noted(tmp_path) == OLD


@pytest.mark.parametrize("fail", ["", f"{NEW} smoke"])
def test_a_connection_that_is_cut_does_not_end_it(tmp_path: Path, fail: str) -> None:
    """Nobody reads what it says any more: to write to that would be the end of most programs."""
    read, written = os.pipe()
    process = subprocess.Popen(
        [tmp_path / "roll-out", NEW], env=laid_out(tmp_path, fail), stdout=written, stderr=written
    )
    os.close(read)
    os.close(written)
    assert process.wait(30) == (1 if fail else 0)
    assert noted(tmp_path) == (OLD if fail else NEW)
    said = (tmp_path / ".rolling-out.log").read_text("utf-8")
    assert said.splitlines()[-1].endswith(f"rolled back to {OLD}" if fail else f"{NEW} runs")


def test_what_stands_beside_the_image_stays_and_a_former_note_is_read(tmp_path: Path) -> None:
    (tmp_path / ".image").write_text("probity:older\n")
    code, asked, running = roll_out(tmp_path)
    assert (code, running) == (0, NEW)
    assert "probity:older run --rm backup" in asked
    assert not (tmp_path / ".image").exists()
    assert (tmp_path / ".env").read_text() == f"OTHER=kept\nPROBITY_IMAGE={NEW}\n"


def test_where_the_old_one_does_not_come_back_that_is_said(tmp_path: Path) -> None:
    fail = f"{NEW} smoke\n{OLD} wait-timeout 120 exchange"
    assert roll_out(tmp_path, fail)[0] == 2


def test_the_first_release_needs_nothing_of_before(tmp_path: Path) -> None:
    code, asked, running = roll_out(tmp_path, running=None)
    assert (code, running) == (0, NEW)
    assert not any("backup" in call or "doctor" in call for call in asked)


BEFORE = "probity:before"


def test_the_first_roll_out_over_an_exchange_that_runs_goes_by_backup_and_gate(
    tmp_path: Path,
) -> None:
    """`docker compose up` notes no image: what runs is asked for, and kept under a name."""
    code, asked, running = roll_out(tmp_path, running="", RUNNING="c0ffee")
    assert (code, running) == (0, NEW)
    assert asked[:6] == [
        f"{NEW} pull --quiet exchange",
        f"{NEW} ps --quiet exchange",
        f"{NEW} inspect --format {{{{.Image}}}} c0ffee",
        f"{NEW} tag sha256:abc {BEFORE}",
        f"{BEFORE} run --rm backup",
        f"{NEW} doctor --production",
    ]


@pytest.mark.parametrize("fail", ["ps --quiet", "inspect", "tag"])
def test_where_nobody_knows_what_runs_nothing_is_changed(tmp_path: Path, fail: str) -> None:
    code, asked, running = roll_out(tmp_path, f"{NEW} {fail}", running=None, RUNNING="c0ffee")
    assert (code, running) == (1, None)
    assert not any(" up " in call or "backup" in call for call in asked)


def test_a_bad_first_roll_out_goes_back_to_what_ran(tmp_path: Path) -> None:
    code, asked, running = roll_out(tmp_path, f"{NEW} smoke", running=None, RUNNING="c0ffee")
    assert (code, running) == (1, None)
    assert asked[-1] == f"{BEFORE} smoke https://exchange.example --market smoke"


def test_an_admin_may_trade_in_place_of_a_kept_market(tmp_path: Path) -> None:
    admin = {"PROBITY_ADMIN_EMAIL": "a@b.example", "PROBITY_ADMIN_PASSWORD": "not on the line"}
    code, asked, _ = roll_out(tmp_path, SMOKE="", **admin)
    assert code == 0
    assert asked[-1] == (
        f"{NEW} run --rm --no-deps -e PROBITY_ADMIN_EMAIL -e PROBITY_ADMIN_PASSWORD"
        " exchange smoke https://exchange.example"
    )


def test_what_cannot_trade_is_not_begun(tmp_path: Path) -> None:
    assert roll_out(tmp_path, SMOKE="") == (1, [], OLD)


def test_one_roll_out_at_a_time(tmp_path: Path) -> None:
    with (tmp_path / ".rolling-out").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert roll_out(tmp_path) == (1, [], OLD)
    assert roll_out(tmp_path)[0] == 0


def test_one_deployment_at_a_time_of_an_environment() -> None:
    """`develop` and `main` both go to staging."""
    jobs = read_yaml(DEPLOY.parent / ".github" / "workflows" / "deploy.yml")["jobs"]
    rolled_out = {name: job for name, job in jobs.items() if "environment" in job}
    assert set(rolled_out) == {"staging", "production"}
    for job in rolled_out.values():
        group = f"environment-{job['environment']}"
        assert job["concurrency"] == {"group": group, "cancel-in-progress": False}


SSH = """#!/bin/sh
printf '%s\\n' "$@" > "$CALLS"
cat "$2" >> "$CALLS"
exit 7
"""
# Does here what it is asked to do there.
LOCAL_SSH = """#!/bin/sh
shift $(($# - 1))
exec sh -c "$1"
"""


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_over_ssh_changes_no_checkout_beneath_a_roll_out(tmp_path: Path) -> None:
    there = tmp_path / "there"
    (there / "deploy").mkdir(parents=True)
    git(there, "init", "--quiet")
    script = there / "deploy" / "roll-out"
    for says in ("old", "new"):
        script.write_text(f'#!/bin/sh\necho "{says} $1 $ROLLING_OUT"\n')
        script.chmod(0o755)
        git(there, "add", ".")
        git(there, "commit", "--quiet", "--message", says)
    git(there, "remote", "add", "origin", str(there))
    commit = git(there, "rev-parse", "HEAD")
    git(there, "checkout", "--quiet", "HEAD~1")
    before = git(there, "rev-parse", "HEAD")
    ssh = tmp_path / "ssh"
    ssh.write_text(LOCAL_SSH)
    ssh.chmod(0o755)

    def over_ssh() -> tuple[int, str]:
        environment = {"PATH": "/usr/bin:/bin", "HOST": "a@b", "SSH": str(ssh), "COMMIT": commit}
        done = subprocess.run(
            [DEPLOY / "over-ssh", NEW],
            env={**environment, "FOLDER": str(there), "SSH_KEY": "k", "KNOWN_HOSTS": "h"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip() or done.stderr.strip()

    with (there / "deploy" / ".rolling-out").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert over_ssh() == (1, "over-ssh: another roll-out is going on there")
        assert git(there, "rev-parse", "HEAD") == before
    assert over_ssh() == (0, f"new {NEW} yes")
    assert git(there, "rev-parse", "HEAD") == commit


@pytest.mark.parametrize(("image", "code"), [(NEW, 7), ("x; rm -rf /", 2)])
def test_over_ssh_has_the_exit_code_of_what_ran_there(
    tmp_path: Path, image: str, code: int
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(SSH)
    ssh.chmod(0o755)
    calls = tmp_path / "calls"
    done = subprocess.run(
        [DEPLOY / "over-ssh", image],
        env={
            "PATH": "/usr/bin:/bin",
            "TMPDIR": str(tmp_path),
            "SSH": str(ssh),
            "CALLS": str(calls),
            "HOST": "a@b",
            "FOLDER": "/srv/probity",
            "COMMIT": "abc123",
            "SSH_KEY": "the key",
            "KNOWN_HOSTS": "b key",
        },
        check=False,
    )
    assert done.returncode == code
    assert calls.exists() is (code == 7)
    if calls.exists():
        said = calls.read_text()
        assert "git checkout -q abc123 && ROLLING_OUT=yes deploy/roll-out probity:new\n" in said
        assert "\nthe key\n" in said
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_an_image_is_looked_at_before_it_goes_anywhere(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\nprintf "%s\\n" "$@" >"$CALLS"\nexit 1\n')
    docker.chmod(0o755)
    calls = tmp_path / "calls"
    environment = {"PATH": "/usr/bin:/bin", "DOCKER": str(docker), "CALLS": str(calls)}
    secrets = {"TRIVY_USERNAME": "robot", "TRIVY_PASSWORD": "hidden"}
    done = subprocess.run([DEPLOY / "scan", NEW], env=environment | secrets, check=False)
    said = calls.read_text().split()
    assert done.returncode == 1
    assert said[-3:] == ["--exit-code", "1", NEW]
    assert [word for word in said if word.startswith("TRIVY_")] == [*secrets]
    assert "hidden" not in said


def test_no_image_has_a_name_before_it_is_tested_and_looked_through() -> None:
    workflows = DEPLOY.parent / ".github" / "workflows"
    jobs = read_yaml(workflows / "deploy.yml")["jobs"]
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    assert jobs["image"]["needs"] == "test"
    # One that waits for itself would never begin.
    deploying, testing = (
        read_yaml(workflows / f"{name}.yml")["concurrency"]["group"] for name in ("deploy", "test")
    )
    assert testing.replace("${{ github.workflow }}", "deploy") != deploying
    build, scan, name = jobs["image"]["steps"][-3:]
    assert build["uses"].startswith("docker/build-push-action@")
    assert build["with"]["tags"].endswith(":${{ github.sha }}")
    assert scan["run"].startswith("deploy/scan ")
    assert [line.split()[-1] for line in name["run"].splitlines()] == ['"$IMAGE:$COMMIT"'] * 2


def test_release_notes_are_the_changelogs_part(tmp_path: Path) -> None:
    changelog = tmp_path / "c.md"
    changelog.write_text(
        "# Changelog\n\n## Unreleased\n\n- c\n\n## 1.4.2 (2026-11-27)\n\n- b\n\n## 1.4\n\n- a\n"
    )

    def notes(version: str) -> tuple[int, str]:
        done = subprocess.run(
            [DEPLOY / "release-notes", version],
            env={"PATH": "/usr/bin:/bin", "CHANGELOG": str(changelog)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout.strip()

    assert notes("1.4.2") == (0, "- b")
    assert notes("1.4") == (0, "- a")
    assert notes("1.4.3") == (1, "")
