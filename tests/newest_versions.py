"""What `make test-newest` installs, and how that differs from what the lock files pin.

Run as a program it prints the requirements of pyproject.toml with their floors and without their
ceilings; with `--installed`, each package that is newer here than its pin. It runs before anything
is installed, so it needs Python's own library alone.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
_CEILING: Final = re.compile(r",<[\d.]+|<[\d.]+,")
_PIN: Final = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)


def requirements(project: dict[str, Any]) -> Iterator[str]:
    """Yield everything that the program, its build and its tests need, from the floor upward."""
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for name in extras for line in extras[name])]
    for line in dict.fromkeys(lines):
        needed, semicolon, marker = line.partition(";")
        yield _CEILING.sub("", needed) + semicolon + marker


def differences(lock: str) -> Iterator[str]:
    """Yield each package that is installed here in another version than the lock pins."""
    for name, pinned in _PIN.findall(lock):
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # for another Python or system
        if installed != pinned:
            yield f"{name} {pinned} -> {installed}"


def main() -> None:
    """Print what was asked for."""
    if sys.argv[1:] == ["--installed"]:
        found = sorted(set(differences((ROOT / "requirements-dev.lock").read_text("utf-8"))))
        print("\n".join(found) or "nothing")
        return
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    print("\n".join(requirements(project)))


if __name__ == "__main__":
    main()
