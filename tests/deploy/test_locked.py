"""What the image is made of: what runs everywhere, in the same versions, and what it could not get.

Nothing can be installed in the image, so an extra that isn't in its lock file is none that an
operator of it can have.
"""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
    "optional-dependencies"
]


def pins(lock: str) -> dict[str, str]:
    text = (ROOT / lock).read_text("utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE))


IMAGE = pins("deploy/requirements.lock")


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_it_has_the_versions_that_were_tested(lock: str) -> None:
    tested = pins(lock)
    assert {name: tested[name] for name in IMAGE.keys() & tested.keys()}.items() <= IMAGE.items()
    if lock == "requirements-dev.lock":
        assert IMAGE.keys() <= tested.keys()


def test_it_lacks_nothing_that_runs_but_what_builds() -> None:
    builds = {"editables", "hatchling", "pathspec", "pluggy", "tomlkit", "trove-classifiers"}
    assert pins("requirements.lock").keys() - IMAGE.keys() <= builds


@pytest.mark.parametrize("extra", ["sentry", "tracing", "wallets"])
def test_it_has_the_extras_that_settings_and_people_ask_for(extra: str) -> None:
    names = {re.split(r"[\[<>=]", one)[0] for one in EXTRAS[extra]}
    assert names <= IMAGE.keys()
