"""The page of metrics is made seldom enough, whoever asks and however often."""

import pytest

from gateway.observability.scrapes import SHARE, Scrapes

MAKING_SECONDS = 0.007


class Page:
    """A page that takes its time, by a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.made = 0

    def make(self) -> bytes:
        self.now += MAKING_SECONDS
        self.made += 1
        return b"%d" % self.made


def test_a_flood_of_scrapes_takes_a_small_share_of_the_time() -> None:
    page = Page()
    scrapes = Scrapes(page.make, lambda: page.now)
    while page.now < 100:
        assert scrapes.page() == b"%d" % page.made
        page.now += 0.0001
    assert page.made * MAKING_SECONDS == pytest.approx(SHARE * page.now, rel=0.05)


def test_a_scraper_is_given_what_is_so() -> None:
    page = Page()
    scrapes = Scrapes(page.make, lambda: page.now)
    for scrape in range(1, 10):
        assert scrapes.page() == b"%d" % scrape
        page.now += 1
