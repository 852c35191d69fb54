"""Under which conditions a figure was measured; printed above every run."""

import contextlib
import os
import platform
import re
import subprocess
import sys
import sysconfig
import tempfile
from importlib.metadata import version
from pathlib import Path

from exchange import engine
from persistence.embedded.server import find_binaries
from persistence.errors import EmbeddedPostgresError

_LIBRARIES = ("asyncpg", "msgspec", "sortedcontainers", "starlette", "uvicorn", "python-socketio")
_FDATASYNC = re.compile(r"fdatasync +([\d.]+) ops/sec +(\d+) usecs/op")


def conditions() -> dict[str, str]:
    """Return what a reader needs to judge the figures: machine, interpreter, commit."""
    load = "{:.2f} {:.2f} {:.2f}".format(*os.getloadavg())
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.release()}",
        "python": f"{platform.python_version()} ({sys.implementation.name}, {_optimised()})",
        "core": "compiled (mypyc)" if is_compiled() else "interpreted",
        "libraries": ", ".join(f"{name} {version(name)}" for name in _LIBRARIES),
        "commit": _commit(),
        "load before": load,
    }


def is_compiled() -> bool:
    """Whether the core that is measured is machine code."""
    return engine.__file__.endswith(".so")


def fdatasync_speed(preload: Path | None = None) -> str:
    """Say what `pg_test_fsync` finds about fdatasync, where databases of benchmarks are kept.

    Args:
        preload: a library to load into it first.
    """
    program = _pg_test_fsync()
    if program is None:
        return "pg_test_fsync is not installed"
    environment = dict(os.environ) if preload is None else {"LD_PRELOAD": str(preload)}
    with tempfile.TemporaryDirectory(prefix="probity-bench-") as folder:
        command = [str(program), "-s", "1", "-f", str(Path(folder) / "file")]
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            # It goes on for half a minute; the second method it tries is the one that counts.
            found = next(filter(None, map(_FDATASYNC.search, process.stdout or ())), None)
            process.terminate()
    if found is None:
        return f"{program} said nothing about fdatasync"
    return f"pg_test_fsync: fdatasync {float(found[1]):,.0f}/s, {found[2]} us each"


def _pg_test_fsync() -> Path | None:
    """Find the program: the embedded PostgreSQL's own, else one that the machine has."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    with contextlib.suppress(EmbeddedPostgresError):
        places.insert(0, find_binaries())
    return next((path for place in places if (path := place / "pg_test_fsync").exists()), None)


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
