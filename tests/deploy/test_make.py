"""`make demo`, `migrate` and `logs` ask Compose for what they say, with a docker that notes it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASE = "compose --file deploy/compose.yaml"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of what these targets read: secrets are made in it."""
    shutil.copy2(ROOT / "Makefile", tmp_path)
    kept = shutil.ignore_patterns("secrets", "site.env", ".image", ".lock")
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=kept)
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/calls\nexit 0\n')
    docker.chmod(0o755)
    return tmp_path


def made(tree: Path, *words: str) -> tuple[int, str]:
    """Return the exit code of make, and what docker was asked for."""
    done = subprocess.run(
        ["make", "--silent", f"DOCKER={tree}/docker", *words],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, (tree / "calls").read_text("utf-8").strip()


def test_a_demo_has_its_secrets_and_the_file_for_development(tree: Path) -> None:
    assert made(tree, "demo") == (
        0,
        f"{BASE} --file deploy/compose.dev.yaml up --build exchange",
    )
    assert (tree / "deploy" / "site.env").is_file()
    assert (tree / "deploy" / "secrets" / "database_url").stat().st_size > 0


def test_migrate_and_logs_ask_for_what_they_say(tree: Path) -> None:
    assert made(tree, "migrate") == (0, f"{BASE} run --rm exchange migrate")
    (tree / "calls").unlink()
    assert made(tree, "logs") == (0, f"{BASE} logs --follow --tail 200")
    (tree / "calls").unlink()
    assert made(tree, "logs", "SERVICE=exchange") == (
        0,
        f"{BASE} logs --follow --tail 200 exchange",
    )


def test_what_fails_there_fails_here(tree: Path) -> None:
    (tree / "docker").write_text("#!/bin/sh\necho >> calls\nexit 3\n")
    assert made(tree, "migrate")[0] == 2


def test_they_are_listed() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    for target in ("demo", "migrate", "logs"):
        assert re.search(rf"^{target}:.* ## \w", text, re.MULTILINE)
        assert re.search(rf"^\.PHONY:(?:.*\\\n)*.*\b{target}\b", text, re.MULTILINE)
