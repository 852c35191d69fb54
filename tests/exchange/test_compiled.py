"""The rules are tested as sources and compiled; each run tests those that it says it tests."""

import os
import re
import tomllib
from pathlib import Path

from exchange.compiled import COMPILED

ROOT = Path(__file__).parents[2]
MESSAGE = re.compile(r"^class \w+\([^)]*\b(?:frozen|array_like|tag)=", re.MULTILINE)


def test_these_are_the_rules_that_were_meant() -> None:
    assert (os.environ.get("PROBITY_EXPECT_COMPILED") == "1") == COMPILED


def test_no_message_is_compiled() -> None:
    """The compiler passes a class none of its keywords: an array would be stored as a map."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    hook = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]
    messages = {
        f"/{path.relative_to(ROOT)}"
        for path in (ROOT / "exchange").rglob("*.py")
        if MESSAGE.search(path.read_text("utf-8"))
    }
    assert "/exchange/messages/events.py" in messages
    assert messages - set(hook["exclude"]) == set()
