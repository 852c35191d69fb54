"""Whatever a process says beside its own lines comes out as a JSON line, too."""

import json
import subprocess
import sys

import pytest

LOGS = "from gateway.observability.logs import process_logs; process_logs('info')\n"
FAULTS = {
    "the end": ("raise LookupError('secret')", "the process failed"),
    "a warning": ("import warnings; warnings.warn('old')", "old"),
    "a thread": (
        "import threading; t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()",
        "a thread failed",
    ),
    "a destructor": (
        "class Bad:\n    def __del__(self): raise LookupError('secret')\nBad()",
        "something failed unnoticed",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_lines(fault: str) -> None:
    code, event = FAULTS[fault]
    done = subprocess.run(
        [sys.executable, "-c", LOGS + code], capture_output=True, text=True, check=False
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert any(event in line["event"] for line in lines), done
    assert done.stderr == ""
    assert "secret" not in done.stdout
