"""What readers ask a venue counts to the readers' share, what jobs ask never does."""

from typing import Any

from gateway.feeds.intake.missing import Missing
from gateway.feeds.intake.prices import Prices
from gateway.feeds.intake.rounds import Rounds
from gateway.feeds.upstream.askers import is_for_a_reader
from tests.gateway.conftest import MakeWeb
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.reading import reader_of


class TellingVenue(FakeVenue):
    """Notes for whom it is asked."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.for_readers: list[tuple[str, bool]] = []

    async def _asked(self, what: str, of: Any) -> None:
        self.for_readers.append((what, is_for_a_reader()))
        await super()._asked(what, of)


async def test_each_question_is_counted_to_who_asks(make_web: MakeWeb) -> None:
    venue = TellingVenue([market(n) for n in range(3)])
    reader = await reader_of(make_web, venue)
    await reader.ingest()
    for path in ("/live", "/orderbook", "/trades", "/history"):
        await reader.ask(f"/markets/fake:M1{path}")
    await reader.ask("/markets/fake:unlisted")
    feeds = reader.web.parts.feeds
    rounds = Rounds(reader.venues, feeds.state, reader.web.parts.logger)
    await Prices(rounds, feeds.catalogue, feeds.markets, Missing(feeds.state, 1), 10).run()
    assert venue.for_readers == [
        ("markets", False),
        ("some_markets", True),
        ("book", True),
        ("trades", True),
        ("history", True),
        ("some_markets", True),
        ("some_markets", False),
    ]
    assert not is_for_a_reader()
