"""No test opens a connection beyond loopback: one that tries, or whose programs do, fails.

What stops and writes down is `sitecustomize.py`; here it is set up for a run, and read after each
test. A test that starts a program with an environment of its own gives it `environment()`.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.loopback import sitecustomize

FOLDER = Path(__file__).parent


def environment(*folders: Path) -> dict[str, str]:
    """Return what guards a program that is started with nothing else of ours.

    `folders` are those that its `PYTHONPATH` has before the guard's.
    """
    path = os.pathsep.join(map(str, (*folders, FOLDER)))
    names = (sitecustomize.REPORT, sitecustomize.ALLOWED)
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {"PYTHONPATH": path, **kept}


def begin() -> None:
    """Guard this process and all that it starts; each worker has a report of its own."""
    handle, name = tempfile.mkstemp(prefix="probity-beyond-loopback-")
    os.close(handle)
    os.environ[sitecustomize.REPORT] = name
    if url := os.environ.get("PROBITY_TEST_DATABASE_URL"):
        os.environ[sitecustomize.ALLOWED] = urlsplit(url).hostname or ""
    path = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(FOLDER) not in path:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [*path, str(FOLDER)]))
    sitecustomize.install()


def end() -> None:
    """Take the report away."""
    Path(os.environ.pop(sitecustomize.REPORT)).unlink(missing_ok=True)


def tried() -> str:
    """Return what was written down since the last time."""
    report = Path(os.environ[sitecustomize.REPORT])
    found = report.read_text("utf-8")
    if found:
        report.write_text("", "utf-8")
    return found


@pytest.fixture(autouse=True)
def stays_on_loopback() -> Iterator[None]:
    """Fail a test that would have left this machine."""
    yield
    if found := tried():
        pytest.fail(f"beyond loopback:\n{found}")
