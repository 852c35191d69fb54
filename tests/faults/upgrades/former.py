"""Earlier versions of this exchange, as wheels of their commits, which today's dependencies run.

Laws: a wheel is built from what git has of a commit and nothing else; it lies in a folder of its
own, before everything else on the path of the program that runs it. Where git or that commit isn't
there (a source archive, a shallow clone) the test is skipped, with the reason; in CI it fails.
"""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[3]
_SCRIPT: Final = """#!/bin/sh
PYTHONPATH='{site}' PYTHONSAFEPATH=1 exec '{python}' -c 'import importlib.metadata as m
found = m.distribution("probity")
assert str(found.locate_file("")) == "{site}", found.locate_file("")
[command] = [one for one in found.entry_points if one.name == "probity"]
command.load()()' "$@"
"""


def program_of(commit: str, folder: Path) -> str:
    """Build a commit's wheel and return the path of its `probity`, both below a folder."""
    tree, site = folder / "tree", folder / "site"
    folder.mkdir()
    archive = folder / "tree.zip"
    git("archive", "--format=zip", "--output", str(archive), commit)
    _unpack(archive, tree)
    dist = folder / "dist"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(dist)],
        cwd=tree,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        check=True,
        capture_output=True,
    )
    [wheel] = dist.glob("*.whl")
    _unpack(wheel, site)
    shutil.rmtree(tree)
    program = folder / "probity"
    program.write_text(_SCRIPT.format(site=site, python=sys.executable))
    program.chmod(0o755)
    return str(program)


def _unpack(archive: Path, into: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(into)


def before_newest_step() -> str:
    """Return the last commit without the newest step of the schema that git knows."""
    for step in sorted((ROOT / "migrations" / "versions").glob("[0-9]*.py"), reverse=True):
        place = str(step.relative_to(ROOT))
        if added := git("log", "-1", "--format=%H", "--diff-filter=A", "--", place):
            return git("rev-parse", f"{added}^")
    raise AssertionError("git knows no step of the schema")


def git(*words: str) -> str:
    """Return what git says; skip the test where it can't."""
    if shutil.which("git") is None:
        _leave_out("there is no git")
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        _leave_out(f"git {words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _leave_out(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}: the whole history is needed")
    pytest.skip(reason)
