"""`LICENCES.md` names every package that is locked, and no licence that nobody has looked at."""

import re
from typing import Final

from tests.licences import (
    UNKNOWN,
    document,
    licence_of,
    locked,
    locked_by_npm,
    written,
    written_of_npm,
)

MAY_RUN: Final = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MPL-2.0"}
    | {"PSF-2.0", "PostgreSQL", "Unlicense", "Zlib", "CNRI-Python", "Python-2.0"}
    # psycopg, which procrastinate speaks by: used as it is, in files of its own.
    | {"LGPL-3.0-only", "LGPL-3.0-or-later"}
)
"""What Probity may run on: nothing that reaches out for what stands beside it."""


def test_every_package_that_is_locked_has_its_line() -> None:
    lines = written()
    assert lines.keys() == locked().keys(), "make licences"
    for name, use in locked().items():
        installed = licence_of(name)
        if installed is not None:
            assert lines[name] == (installed, use), f"{name}: make licences"


def test_what_runs_is_under_licences_that_were_looked_at() -> None:
    for name, (licence, use) in written().items():
        assert licence != UNKNOWN, f"{name}: say it in tests/licences.py"
        if use == "runs":
            words = set(re.split(r" (?:AND|OR|WITH) ", licence.replace("(", "").replace(")", "")))
            assert words <= MAY_RUN, f"{name}: {licence}"


def test_every_package_of_npm_has_its_line_and_a_licence_that_was_looked_at() -> None:
    assert written_of_npm() == locked_by_npm(), "make licences"
    for name, (licence, use) in locked_by_npm().items():
        assert licence != UNKNOWN, f"{name}: say it in tests/licences.py"
        if use == "runs":
            assert set(re.split(r" (?:AND|OR) ", licence)) <= MAY_RUN, f"{name}: {licence}"


def test_the_file_is_what_is_made() -> None:
    assert written() == written_in(document())


def written_in(text: str) -> dict[str, tuple[str, str]]:
    found = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    return {name: (licence, use) for name, licence, use in found}
