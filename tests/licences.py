"""Whose work comes along, under which licence: `LICENCES.md`, made of what is installed.

    python -m tests.licences > LICENCES.md      (`make licences`)

Laws: every package of the lock files, npm's too, has a line. What a package says of itself counts:
an SPDX expression, else its `License`, else its classifiers, in SPDX's words. A package that isn't
installed on this machine (it is for another one) keeps the line it has.
"""

import json
import re
from importlib import metadata
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
FILE: Final = ROOT / "LICENCES.md"
LOCKS: Final = {
    "requirements.lock": "runs",
    "deploy/requirements.lock": "runs",
    "requirements-dev.lock": "tests and builds",
}
NPM_LOCKS: Final = {
    "web/package-lock.json": "runs",
    "tests/e2e/package-lock.json": "tests and builds",
}
"""Their locks say each package's licence, and which are for building alone."""
STATED: Final = {
    # Of other machines than most; these are their LICENSE files.
    "async-timeout": "Apache-2.0",
    "colorama": "BSD-3-Clause",
    # Its wheel says nothing; its LICENSE file does.
    "atheris": "Apache-2.0",
}
NPM_STATED: Final = {"xmlhttprequest-ssl": "MIT"}
"""Of packages of npm whose lock doesn't say it, by their LICENSE files."""
SPDX: Final = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD-3-Clause",
    "BSD, Public Domain": "BSD-2-Clause AND Unlicense",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL-3.0-or-later",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The MIT License (MIT)": "MIT",
}
UNKNOWN: Final = "unknown"
_LONGEST: Final = 60
_PIN: Final = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)
_LINE: Final = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_NPM_LINE: Final = re.compile(r"^\| `([^`]+)` \(npm\) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_HEAD: Final = """# Licences

Probity is under the MIT licence ([LICENSE](LICENSE)). What it is built of, by the lock files: what
it runs on, and what tests and builds it and is in no wheel of ours. Made by `make licences`; a test
compares it with what is installed, and refuses a licence that nobody has looked at
(`tests/test_licences.py`). Packages of npm are those of the web terminal and of tests.

| package | licence | what for |
|---|---|---|
"""


def plain(name: str) -> str:
    """Return a package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked() -> dict[str, str]:
    """Return what is locked, and what for: what runs comes before what tests."""
    found: dict[str, str] = {}
    for lock, use in LOCKS.items():
        for name in _PIN.findall((ROOT / lock).read_text("utf-8")):
            found.setdefault(plain(name), use)
    return dict(sorted(found.items()))


def locked_by_npm() -> dict[str, tuple[str, str]]:
    """Return what npm has locked: name -> (licence, what for), the more important use."""
    found: dict[str, tuple[str, str]] = {}
    for lock, use in NPM_LOCKS.items():
        packages = json.loads((ROOT / lock).read_text("utf-8"))["packages"]
        for path, package in packages.items():
            name = path.rpartition("node_modules/")[2]
            if not name:
                continue
            licence = package.get("license") or NPM_STATED.get(name, UNKNOWN)
            line = licence.strip("()"), "tests and builds" if package.get("dev") else use
            if name not in found or line[1] == "runs":
                found[name] = line
    return dict(sorted(found.items()))


def licence_of(name: str) -> str | None:
    """Return what an installed package says of its licence; None if it isn't installed."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    said = [about[key].strip() for key in ("License-Expression", "License") if key in about]
    said += [
        classifier.rpartition(" :: ")[2]
        for classifier in about.get_all("Classifier", [])
        if classifier.startswith("License :: OSI Approved :: ")
    ]
    for words in said:
        if words and len(words) <= _LONGEST and "\n" not in words:
            return SPDX.get(words, words)
    return STATED.get(name, UNKNOWN)


def written() -> dict[str, tuple[str, str]]:
    """Return the lines of the file: name -> (licence, what for)."""
    text = FILE.read_text("utf-8") if FILE.exists() else ""
    return {name: (licence, use) for name, licence, use in _LINE.findall(text)}


def written_of_npm() -> dict[str, tuple[str, str]]:
    """Return the file's lines of npm's packages: name -> (licence, what for)."""
    text = FILE.read_text("utf-8") if FILE.exists() else ""
    return {name: (licence, use) for name, licence, use in _NPM_LINE.findall(text)}


def document() -> str:
    """Return the file as it should be."""
    before = written()
    lines = []
    for name, use in locked().items():
        kept = before.get(name, (UNKNOWN, use))[0]
        licence = licence_of(name) or STATED.get(name, kept)
        lines.append(f"| `{name}` | {licence} | {use} |\n")
    lines += [
        f"| `{name}` (npm) | {licence} | {use} |\n"
        for name, (licence, use) in locked_by_npm().items()
    ]
    return _HEAD + "".join(lines)


if __name__ == "__main__":
    print(document(), end="")
