"""The wheel as somebody gets it: all of the program is inside, and it runs far from its source.

It is installed into an environment of its own that borrows the dependencies installed here, so
that nothing is fetched; the source's folder is on nobody's path.
"""

import contextlib
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import time
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import httpx
import pytest

from tests.loopback.guard import environment
from tests.server_process import POLL_SECONDS, START_SECONDS, STOP_SECONDS, free_port

ROOT = Path(__file__).parents[2]
PACKAGES = ("exchange", "gateway", "migrations", "persistence")
ALONE = {"PATH": os.environ["PATH"], "FEED_PLATFORMS": "none", **environment()}
"""Nothing of our environment but the path, and what keeps a program on this machine."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def sources() -> set[str]:
    """Every file of the packages, as git would see them: not what Python makes beside them."""
    return {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def said(*command: str | Path, folder: Path, **settings: str) -> str:
    """Run a command in `ALONE`; return what it printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**ALONE, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    hatchling = (sys.executable, "-m", "hatchling", "build", "--directory", str(folder))
    said(*hatchling, "--target", "sdist", folder=ROOT)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    said(*hatchling, "--target", "wheel", folder=source)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `probity` command of an environment that has only the wheel and what it depends on."""
    home = tmp_path_factory.mktemp("far") / "environment"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet")
    said(*pip, "--no-deps", "--no-index", "--no-compile", str(wheel), folder=home)
    (site_packages,) = home.glob("lib/python*/site-packages")
    # Further down the path than the wheel; the .pth files in there are not read.
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin" / "probity"


def test_wheel_holds_every_file_of_the_program_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert inside == sources()
    kinds = {Path(name).suffix for name in inside}
    assert {".py", ".html", ".css", ".js", ".svg", ".typed"} <= kinds


def test_wheel_says_what_the_project_says(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())
        licences = [name for name in archive.namelist() if name.endswith("licenses/LICENSE")]
    assert (metadata["Name"], metadata["Version"]) == ("probity", PROJECT["version"])
    assert metadata["Requires-Python"] == PROJECT["requires-python"]
    assert len(licences) == 1
    needed = {
        re.split(r"[>=<;\s]", line)[0]
        for line in metadata.get_all("Requires-Dist", [])
        if "extra ==" not in line
    }
    assert needed == {re.split(r"[>=<;\s]", line)[0] for line in PROJECT["dependencies"]}


def test_source_distribution_builds_and_tests_itself(built: Path) -> None:
    (source,) = (built / "source").iterdir()
    for name in (".env.example", "Makefile", "requirements.lock", "tests/packaging", "docs"):
        assert (source / name).exists(), name


def test_version_stands_in_one_place() -> None:
    version = PROJECT["version"]
    elsewhere = [
        name
        for name in sorted(sources())
        if name.endswith(".py") and f'"{version}"' in (ROOT / name).read_text("utf-8")
    ]
    # AsyncAPI's own binding for WebSockets has a version, too.
    assert set(elsewhere) <= {"gateway/site/reference/socket_document.py"}


def test_command_runs_from_anywhere(installed: Path, tmp_path: Path) -> None:
    assert PROJECT["version"] in said(installed, "--version", folder=tmp_path)
    listed = said(installed, "--help", folder=tmp_path)
    for command in ("serve", "migrate", "verify", "doctor", "replay", "user"):
        assert re.search(rf"^  {command} ", listed, re.MULTILINE), command
    script = "\n".join(f"import {package}; print({package}.__file__)" for package in PACKAGES)
    places = said(installed.with_name("python"), "-c", script, folder=tmp_path).split()
    assert len(places) == len(PACKAGES)
    assert all(Path(place).is_relative_to(installed.parents[1]) for place in places), places
    assert "ok:   port" in said(installed, "doctor", folder=tmp_path, PORT="0")


@contextlib.contextmanager
def serving(installed: Path, folder: Path, port: int) -> Iterator[httpx.Client]:
    """The demonstration, up and ready; what it says goes to a file in its folder."""
    with (folder / "said").open("wb") as log:
        process = subprocess.Popen(
            [installed, "serve", "--demo"],
            cwd=folder,
            env={**ALONE, "PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    deadline = time.monotonic() + START_SECONDS
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            while not is_ready(client):
                assert process.poll() is None, (folder / "said").read_text()
                assert time.monotonic() < deadline, (folder / "said").read_text()
                time.sleep(POLL_SECONDS)
            yield client
    finally:
        process.terminate()
        assert process.wait(STOP_SECONDS) == 0, (folder / "said").read_text()


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/ready").is_success
    except httpx.TransportError:
        return False


def test_demonstration_is_served_far_from_the_source(installed: Path, tmp_path: Path) -> None:
    assert "schema is at" in said(installed, "migrate", folder=tmp_path)
    with serving(installed, tmp_path, free_port()) as client:
        front = client.get("/plain")
        assert "<table>" in front.text
        parts = re.findall(r'(?:src|href)="(/static/[^"]+)"', front.text)
        parts += re.findall(r'(?:src|href)="(/static/[^"]+)"', client.get("/static/docs.html").text)
        assert len(parts) >= 3
        for part in parts:
            assert client.get(part).status_code == 200, part
        document = client.get("/api/v1/openapi.json").json()
        assert document["openapi"].startswith("3.1")
        assert client.get("/api/v1/markets").json()["data"]
    assert "every invariant holds" in said(installed, "verify", folder=tmp_path)
