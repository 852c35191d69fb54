"""Every snippet is run as it stands against a real exchange; the document is made of the files.

Laws: what is put in place of something is the server's address and the newcomer's, who can register
once only.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.server_process import ServerProcess, running_server
from tests.snippets import FENCES, ROOT, TASKS, document, snippets

FAR: Final = "http://localhost:8080"
SAYS: Final = {
    "2-markets": "rain",
    "3-book": "bids",
    "4-place": "OPEN",
    "5-cancel": "cancelled",
    "6-balance": "available",
    "7-follow": "orderbook_update",
}
"""What each prints, beside whatever else."""
RUNNERS: Final = {".sh": ("sh",), ".py": (sys.executable,), ".mjs": ("node",)}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the market that the snippets trade in."""
    with running_server(tmp_path_factory.mktemp("snippets") / "data") as made:
        made.market("rain")
        yield made


def run(path: Path, folder: Path, server: ServerProcess, token: str) -> str:
    """Run a snippet and return what it printed."""
    text = path.read_text("utf-8").replace(FAR, server.url)
    name = {".sh": "cy", ".py": "dee", ".mjs": "eve"}[path.suffix]
    script = folder / path.name
    script.write_text(text.replace("ada@", f"{name}@"), "utf-8")
    done = subprocess.run(
        (*RUNNERS[path.suffix], str(script)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "TOKEN": token},
    )
    assert done.returncode == 0, f"{path.name}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("suffix", list(FENCES))
def test_snippets_run(server: ServerProcess, tmp_path: Path, suffix: str) -> None:
    (tmp_path / "node_modules").symlink_to(Path(__file__).parent.with_name("node_modules"))
    token = ""
    for path in snippets():
        if path.suffix != suffix:
            continue
        printed = run(path, tmp_path, server, token)
        if path.stem == "1-sign-in":
            head, _, token = printed.strip().partition("=")
            assert head == "export TOKEN", printed
        else:
            assert SAYS[path.stem] in printed, f"{path.name}: {printed}"


def test_every_task_has_its_snippets() -> None:
    found = {task: {path.suffix for path in snippets() if path.stem == task} for task in TASKS}
    for task, suffixes in found.items():
        # curl speaks no Socket.IO.
        assert suffixes == set(FENCES) - ({".sh"} if task == "7-follow" else set()), task
    assert {path.stem for path in snippets()} == TASKS.keys()


def test_document_is_made_of_them() -> None:
    ours = (ROOT / "docs" / "reference" / "snippets.md").read_text("utf-8")
    assert ours == document(), "python -m tests.snippets > docs/reference/snippets.md"
