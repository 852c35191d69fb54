"""Under which conditions a figure was measured; printed above every run."""

import os
import platform
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

_LIBRARIES = ("asyncpg", "msgspec", "sortedcontainers", "starlette", "uvicorn", "python-socketio")


def conditions() -> dict[str, str]:
    """Return what a reader needs to judge the figures: machine, interpreter, libraries, commit."""
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.release()}",
        "python": f"{platform.python_version()} ({sys.implementation.name}, {_optimised()})",
        "libraries": ", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        "commit": _commit(),
        "load before": "{:.2f} {:.2f} {:.2f}".format(*os.getloadavg()),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _optimised() -> str:
    arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
    return "built with PGO" if "--enable-optimizations" in arguments else "built without PGO"


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
