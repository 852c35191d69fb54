"""The rules are tested as sources and compiled; each run tests those that it says it tests."""

import os

from exchange.compiled import COMPILED


def test_these_are_the_rules_that_were_meant() -> None:
    assert (os.environ.get("PROBITY_EXPECT_COMPILED") == "1") == COMPILED
