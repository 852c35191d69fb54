"""The documents say what is there: every link leads to a file, and a name to where it is defined.

A link whose text is a name in backquotes (`Journal.commit`), to a Python file, says that the file
defines it; several names may stand in one link. Anchors lead to headings.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

ROOT: Final = Path(__file__).parent.parent
DOCUMENTS: Final = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
)
_LINK: Final = re.compile(r"!?\[([^\]]*)\]\(([^)\s]+)\)")
_NAME: Final = re.compile(r"`([A-Za-z_][A-Za-z0-9_.]*)`")
_PATH: Final = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.py)`")


class Link(NamedTuple):
    """A link of a document: its text, and where it leads within the project."""

    text: str
    target: Path
    anchor: str


def links(document: Path) -> Iterator[Link]:
    for text, target in _LINK.findall(document.read_text("utf-8")):
        if not re.match(r"[a-z]+:", target):
            path, _, anchor = target.partition("#")
            yield Link(text, (document.parent / path) if path else document, anchor)


def defined(path: Path) -> set[str]:
    """Everything a file defines, methods as `Class.method`."""
    found: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name, body=body):
                found.add(name)
                methods = [n for n in body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
                found |= {f"{name}.{method.name}" for method in methods}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case _:
                pass
    return found


def headings(document: Path) -> set[str]:
    found = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_where_they_say(document: Path) -> None:
    wrong = []
    for link in links(document):
        if not link.target.exists():
            wrong.append(f"{link.target} is not there")
        elif link.anchor and link.anchor not in headings(link.target):
            wrong.append(f"{link.target} has no heading #{link.anchor}")
        elif link.target.suffix == ".py":
            names = {name for name in _NAME.findall(link.text) if not name.endswith(".py")}
            missing = names - defined(link.target)
            wrong += [f"{link.target} defines no {name}" for name in missing]
    assert wrong == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_are_there(document: Path) -> None:
    """A file of ours by its path, or by the end of it: `relay/publisher.py`, `publisher.py`."""
    ours = {f"/{p.relative_to(ROOT)}" for f in FOLDERS for p in (ROOT / f).rglob("*.py")}
    named = set(_PATH.findall(document.read_text("utf-8")))
    lost = {name for name in named if not any(path.endswith(f"/{name}") for path in ours)}
    assert lost == set()


FOLDERS: Final = ("exchange", "persistence", "gateway", "migrations", "tests", "benchmarks")


def test_the_walk_of_an_order_links_every_step() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    walk = text.partition("## One order")[2].partition("\n## ")[0]
    steps = re.split(r"^\d+\. ", walk, flags=re.MULTILINE)[1:]
    assert len(steps) == 11
    assert all(_NAME.search(text) for step in steps for text, _ in _LINK.findall(step)[:1])


def promises(text: str) -> Iterator[str]:
    """The numbered items of the parts of a document."""
    for part in text.split("\n## ")[1:]:
        for item in re.split(r"^\d+\. ", part, flags=re.MULTILINE)[1:]:
            yield item.partition("\n\n")[0]


def test_every_guarantee_names_tests_that_prove_it() -> None:
    """That a test which is named is there is what every document is asked."""
    document = ROOT / "docs" / "guarantees.md"
    text = document.read_text("utf-8")
    found = list(promises(text))
    assert len(found) > 50
    for promise in found:
        tests = [link for link in _LINK.findall(promise) if link[0].startswith("`test_")]
        assert tests, f"nothing proves: {promise}"
        assert all(path.startswith("../tests/") for _, path in tests), promise
        sentence = promise.partition("[`test_")[0].strip()
        assert sentence.endswith("."), sentence
    for part in text.split("\n## ")[1:]:
        title = part.splitlines()[0]
        assert "\n**Ends:** " in part, f"nothing says where this ends: {title}"
        numbers = [int(number) for number in re.findall(r"^(\d+)\. ", part, re.MULTILINE)]
        assert numbers == list(range(1, len(numbers) + 1)), f"{title}: each has a number of its own"
