"""The house style is itself a test, with a ratchet: what is wrong today may only become less.

Where a file can't follow a rule yet, `RATCHET` says how many times; more fails, and so does less,
until the number is lowered. The rules are in `tidy_rules`; here are the files they judge, and the
bad snippets that show each rule can fail.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests import tidy_rules
from tests.tidy_rules import Rule, TreeRule

ROOT: Final = Path(__file__).parent.parent
PACKAGES: Final = ("exchange", "persistence", "gateway", "migrations", "benchmarks", "tests")
# What stands at the top of the tree; a new entry is a decision.
TOP_LEVEL: Final = frozenset(
    {
        ".ci",
        ".editorconfig",
        ".env.example",
        ".github",
        ".gitignore",
        ".pre-commit-config.yaml",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENCES.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "benchmarks",
        "deploy",
        "docs",
        "exchange",
        "gateway",
        "migrations",
        "persistence",
        "pyproject.toml",
        "requirements-dev.lock",
        "requirements-node.lock",
        "requirements.lock",
        "tests",
        "web",
    }
)
# Made by git, make and the tools; never committed.
MADE: Final = frozenset(
    {
        ".coverage",
        ".env",
        ".git",
        ".hypothesis",
        ".idea",
        ".import_linter_cache",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".venv",
        ".vscode",
        "__pycache__",
        "build",
        "data",
        "dist",
        "htmlcov",
        "node_modules",
    }
)
# (file, rule) -> how many findings are known. It may only shrink.
RATCHET: Final[dict[tuple[str, str], int]] = {}


def files() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(set(folders) - MADE)
        for name in sorted(names):
            # In a second work tree of the repository `.git` is a file.
            if name not in MADE and not name.startswith(".coverage"):
                yield Path(folder, name)


def python_files() -> list[Path]:
    return [path for path in files() if path.suffix == ".py"]


def rules_for(path: Path) -> Iterator[Rule]:
    yield tidy_rules.portable
    if path.suffix == ".py":
        yield from tidy_rules.EVERY_PYTHON_FILE
    if path.relative_to(ROOT).parts[0] == "exchange" and path.suffix == ".py":
        yield from tidy_rules.THE_CORE


def test_every_file_follows_the_house_style() -> None:
    wrong: list[str] = []
    unused = dict(RATCHET)
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture, a recording
        name = str(path.relative_to(ROOT))
        for rule in rules_for(path):
            found = list(rule(text))
            allowed = unused.pop((name, rule.__name__), 0)
            if len(found) > allowed:
                wrong.extend(f"{name}: {rule.__name__}: {finding}" for finding in found)
            elif len(found) < allowed:
                wrong.append(f"{name}: {rule.__name__}: lower the ratchet to {len(found)}")
    wrong.extend(f"{name}: {rule}: take it out of the ratchet" for name, rule in unused)
    assert wrong == []


@pytest.mark.parametrize("rule", [tidy_rules.roomy_folders, tidy_rules.rooms_with_a_door])
def test_the_tree_follows_the_house_style(rule: TreeRule) -> None:
    assert list(rule([path.relative_to(ROOT).as_posix() for path in files()])) == []


def test_names_say_what_a_file_holds() -> None:
    for path in python_files():
        parts = path.relative_to(ROOT).with_suffix("").parts
        assert not tidy_rules.FORBIDDEN_NAMES & {word for part in parts for word in part.split("_")}


def test_the_top_of_the_tree_is_a_decision() -> None:
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".coverage")}
    assert found - MADE <= TOP_LEVEL


def test_all_code_is_in_a_package_the_tools_look_at() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in python_files()} <= {
        *PACKAGES,
        "deploy",
        "docs",
        "web",
    }


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (tidy_rules.short_file, "\n" * 401),
        (tidy_rules.short_functions, "def f():\n" + "    x = 1\n" * 70),
        (tidy_rules.short_functions, "class A:\n async def f():\n" + "    x = 1\n" * 70),
        (tidy_rules.says_what_it_is, "x = 1"),
        (tidy_rules.finished, f"x = 1  # {'todo'.upper()}: more"),
        (tidy_rules.finished, f"raise {'NotImplemented'}Error"),
        (tidy_rules.finished, f"@pytest.{'mark'}.skip"),
        (tidy_rules.portable, f"HERE = '/{'root'}/probity'"),
        (tidy_rules.portable, f"url = https://{'pypi'}.org/simple"),
        (tidy_rules.portable, f'"{"resolved"}": "https://example.org/a.tgz"'),
        (tidy_rules.no_hidden_import, "if TYPE_CHECKING:\n    from gateway.a import B"),
        (tidy_rules.no_hidden_import, "if typing.TYPE_CHECKING:\n    import asyncpg, exchange"),
        (tidy_rules.no_hidden_import, "if TYPE_CHECKING:\n    if x:\n        from . import a"),
        (tidy_rules.pure_imports, "import time"),
        (tidy_rules.pure_imports, "import random as r"),
        (tidy_rules.pure_imports, "from datetime import datetime"),
        (tidy_rules.pure_imports, "def f():\n    import asyncio.events"),
        (tidy_rules.pure_imports, "from . import sibling"),
        (tidy_rules.whole_numbers, "fee = amount * 0.02"),
        (tidy_rules.whole_numbers, "x = 1e6"),
        (tidy_rules.whole_numbers, "x = float('1')"),
        (tidy_rules.whole_numbers, "x = a / b"),
        (tidy_rules.whole_numbers, "a /= b"),
        (tidy_rules.whole_numbers, "x = round(a)"),
        (tidy_rules.whole_numbers, "x = hash(a)"),
        (tidy_rules.no_set_order, "for x in {1, 2}: pass"),
        (tidy_rules.no_set_order, "for x in set(y): pass"),
        (tidy_rules.no_set_order, "x = [y for y in frozenset(z)]"),
        (tidy_rules.no_set_order, "x: set[int] = f()\nfor y in x: pass"),
        (tidy_rules.no_set_order, "def f(x: frozenset[int]):\n    return list(x)"),
        (tidy_rules.no_set_order, "self.x = set()\nfor y in self.x: pass"),
        (tidy_rules.no_set_order, "class A:\n    x: set[int]\ndef f(a):\n    yield from [*a.x]"),
        (tidy_rules.no_set_order, "x = set()\nfor y in x | z: pass"),
        (tidy_rules.no_set_order, "x = set()\ny = {z: 1 for z in x}"),
    ],
)
def test_a_rule_finds_what_it_is_for(rule: Rule, text: str) -> None:
    assert len(list(rule(text))) == 1


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (tidy_rules.short_file, "\n" * 400),
        (tidy_rules.short_functions, "def f():\n" + "    x = 1\n" * 69),
        (tidy_rules.says_what_it_is, '"""What it is."""'),
        (tidy_rules.finished, "skipped = 'mark skipped'"),
        (tidy_rules.portable, "PATHS = ['/tmp', '/api/v1/home/markets', '../shared/root']"),
        (tidy_rules.no_hidden_import, "if TYPE_CHECKING:\n    import asyncpg\nimport gateway.a"),
        (tidy_rules.pure_imports, "from collections.abc import Iterator\nimport msgspec"),
        (tidy_rules.whole_numbers, "x = a // b + 10_000 % 3"),
        (tidy_rules.no_set_order, "x = set()\nfor y in sorted(x): pass\nz = y in x"),
        (tidy_rules.no_set_order, "x = set()\ny = sum(z for z in x)\nw = {v for v in x}"),
        (tidy_rules.no_set_order, "x: dict[int, int] = {}\nfor y in x: pass"),
    ],
)
def test_a_rule_leaves_good_code_alone(rule: Rule, text: str) -> None:
    assert list(rule(text)) == []


def test_a_rule_of_the_tree_finds_what_it_is_for() -> None:
    full = [f"tests/a/{number}.py" for number in range(21)]
    assert list(tidy_rules.roomy_folders(full[:20])) == []
    assert len(list(tidy_rules.roomy_folders(full))) == 1
    room = ["gateway/__init__.py", "gateway/room/__init__.py", "gateway/room/a.py", "tests/a/b.py"]
    assert list(tidy_rules.rooms_with_a_door(room)) == []
    assert len(list(tidy_rules.rooms_with_a_door([*room, "gateway/other/a.py"]))) == 1
