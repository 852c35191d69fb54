"""How old a view is at most: words that wait, come late, or come from a clock that was set."""

import math

from persistence.relay.freshness import Claim, Freshness
from persistence.relay.looks import Look

HOUR_US = 3_600_000_000


class Hands:
    """A gateway's clock, and the database's beside it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.ahead_us = 1_700_000_000_000_000

    def __call__(self) -> float:
        return self.now

    def database(self) -> int:
        return self.ahead_us + int(self.now * 1_000_000)

    def look(self, seq: int) -> Look:
        return Look(self.now, self.database(), 1, seq, b"", None)


def test_a_claim_holds_once_the_view_has_come_so_far() -> None:
    claim = Claim()
    claim.made(5, 1.0, 4)
    assert (claim.held_at, claim.is_late(4), claim.is_late(5)) == (-math.inf, True, False)
    # A later one doesn't push the first away: under a load something is always on its way.
    claim.made(9, 2.0, 4)
    claim.reached(5)
    assert claim.held_at == 1.0
    claim.made(9, 3.0, 9)
    claim.made(1, 0.5, 9)
    assert claim.held_at == 3.0


def test_both_words_are_needed_and_the_older_one_counts() -> None:
    hands = Hands()
    fresh = Freshness(hands)
    assert fresh.age_s == math.inf
    fresh.looked(hands.look(7), 7)
    assert fresh.age_s == math.inf
    hands.now += 1
    fresh.said(hands.database() - 500_000, 7, 7)
    assert fresh.age_s == 1
    fresh.looked(hands.look(7), 7)
    assert fresh.age_s == 0.5
    hands.now += 2
    assert fresh.age_s == 2.5
    fresh.forget_word()
    assert fresh.age_s == math.inf


def test_a_word_is_as_old_as_the_databases_clock_says() -> None:
    hands = Hands()
    fresh = Freshness(hands)
    fresh.looked(hands.look(7), 7)
    said = hands.database()
    hands.now += 30
    fresh.looked(hands.look(7), 7)
    fresh.said(said, 7, 7)
    assert fresh.age_s == 30


def test_a_database_whose_clock_is_set_makes_no_word_younger_than_it_was_heard() -> None:
    hands = Hands()
    fresh = Freshness(hands)
    fresh.said(hands.database() + HOUR_US, 7, 7)
    fresh.looked(hands.look(7), 7)
    hands.ahead_us -= HOUR_US
    fresh.looked(hands.look(7), 7)
    fresh.said(hands.database() + HOUR_US, 7, 7)
    hands.now += 5
    fresh.looked(hands.look(7), 7)
    assert fresh.age_s == 5
    fresh.said(hands.database(), 7, 7)
    assert fresh.age_s == 0


def test_a_look_at_what_has_not_come_yet_counts_when_it_has() -> None:
    hands = Hands()
    fresh = Freshness(hands)
    fresh.looked(hands.look(7), 6)
    fresh.said(hands.database(), 7, 6)
    assert (fresh.is_late(6), fresh.age_s) == (True, math.inf)
    hands.now += 0.25
    fresh.reached(7)
    assert (fresh.is_late(7), fresh.age_s) == (False, 0.25)
    fresh.forget_looks()
    assert fresh.age_s == math.inf
