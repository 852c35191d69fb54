"""What is forked is a process of its own, as one that was started: it ends and is killed alike."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.server_process import PROBITY, ServerProcess
from tests.warm import starts

pytestmark = pytest.mark.skipif(not starts.can_be_warm(), reason="starts are whole ones here")
TELLS = """
import os, sys, time
print(os.getcwd(), os.environ, sys.argv, sys.orig_argv, os.getsid(0) == os.getpid(), flush=True)
print("beside", file=sys.stderr)
if sys.argv[1] == "waits":
    time.sleep(600)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "tells.py"
    path.write_text(TELLS, "utf-8")
    return str(path)


def test_a_script_is_run_in_a_world_of_its_own(script: str, tmp_path: Path) -> None:
    kept = {name: text for name, text in os.environ.items() if name.startswith("PYTHON")}
    done = starts.run([script, "7"], {**kept, "ONLY": "this"}, tmp_path, 30)
    assert (done.returncode, done.stderr) == (7, "beside\n")
    expected = [str(tmp_path), f"environ({ {**kept, 'ONLY': 'this'} })", str([script, "7"])]
    assert done.stdout.startswith(f"{' '.join(expected)} {[sys.executable, script, '7']} True")


def test_it_is_waited_for_and_killed_as_a_child_is(script: str, tmp_path: Path) -> None:
    with (tmp_path / "said").open("wb") as said:
        process = starts.start([script, "waits"], os.environ, tmp_path, said)
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.05)
    assert psutil.Process(process.pid).is_running()
    process.kill()
    assert process.wait(30) == process.poll() == -signal.SIGKILL
    assert not psutil.pid_exists(process.pid)
    process.terminate()


def test_probity_itself_is_started(tmp_path: Path) -> None:
    real = subprocess.run([PROBITY, "--version"], capture_output=True, text=True, check=True)
    told = starts.run([PROBITY, "--version"], os.environ, tmp_path, 30)
    assert (told.returncode, told.stdout) == (0, real.stdout)
    wrong = starts.run([PROBITY, "serve"], {**os.environ, "PORT": "http"}, tmp_path, 30)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "probity: PORT: must be a whole number from 0 to 65535\n"


def test_a_server_of_each_kind_begins_and_ends(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    try:
        for server.is_warm in (True, False):
            server.start()
            command = psutil.Process(server.pid).cmdline()
            assert any(word.endswith("origin.py") for word in command) is server.is_warm
            assert server.end() == 0
    finally:
        server.clean_up()
