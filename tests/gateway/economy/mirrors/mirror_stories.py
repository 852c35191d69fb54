"""Short ways to mirror markets of a venue in memory, around `tests/gateway/conftest.py`."""

import asyncio
from typing import Any

import msgspec
import pytest

from exchange.messages.commands import Command, CreateMarket, CreditAccount, OpenAccount
from exchange.messages.units import parse_money
from exchange.model.market import Market
from exchange.model.system_accounts import HOUSE
from gateway.bootstrap.credits.mirrors import mirroring_of
from gateway.economy.mirrors import making
from gateway.economy.mirrors.making import Mirroring
from gateway.feeds.model import VenueMarket
from gateway.wire.errors import UnknownOutcome
from persistence.errors import OutcomeUnknown
from persistence.repositories.economy.mirrors import Mirror, Mirrors
from tests.gateway.conftest import MakeWeb, Web
from tests.gateway.feeds.fake_venue import FakeVenue, market
from tests.gateway.feeds.reading import Reader
from tests.gateway.portfolio.venue_fake import Caller


def source(number: int = 1, **changes: Any) -> VenueMarket:
    """A market elsewhere whose outcomes have names."""
    return market(number, **({"outcomes": ("Home", "Away"), "tick_size": 100} | changes))


class Stage:
    """A web application with one venue behind it, and an admin."""

    def __init__(self, web: Web, venue: FakeVenue, admin: Caller) -> None:
        self.web = web
        self.venue = venue
        self.admin = admin
        self.rows = Mirrors(web.parts.pool)

    @property
    def mirroring(self) -> Mirroring:
        parts = self.web.parts
        made = mirroring_of(parts.settings, parts.feeds, parts.pool, parts.engine, parts.people)
        made._patience_s = 0.0
        return made

    async def ingest(self) -> None:
        await Reader(self.web, {self.venue.platform: self.venue}).ingest()

    async def mirror(self, number: int = 1, **terms: Any) -> dict[str, Any]:
        body = {"marketId": f"fake:M{number}", **terms}
        made: dict[str, Any] = await self.admin.data("POST", "/admin/mirrors", body)
        return made

    async def row(self, number: int = 1) -> Mirror:
        """The mirror of a market elsewhere."""
        found = await self.rows.of_source("fake", f"M{number}")
        assert found is not None
        return found

    def ours(self, mirror: Mirror) -> Market:
        assert mirror.market_id is not None
        return self.web.engine.view.markets[mirror.market_id]

    def say(self, number: int = 1, **changes: Any) -> None:
        """Have the venue say something else of a market from now on."""
        name = f"M{number}"
        self.venue.listed[name] = msgspec.structs.replace(self.venue.listed[name], **changes)

    def fund(self, amount: str) -> None:
        """Give the house credits."""
        self.web.engine.run(OpenAccount(HOUSE, 0))
        self.web.engine.run(CreditAccount(HOUSE, parse_money(amount), "the house's own"))

    async def audited(self, action: str) -> list[tuple[str, str]]:
        """What the audit log says of an action: (target, outcome)."""
        rows = await self.web.parts.pool.fetch(
            "SELECT target, outcome FROM audit_log WHERE action = $1 ORDER BY id", action
        )
        return [(row[0], row[1]) for row in rows]


async def set_stage(make_web: MakeWeb, *markets: VenueMarket, **settings: object) -> Stage:
    venue = FakeVenue(markets or [source(1), source(2), source(3)])
    web = await make_web(venues={"fake": venue}, **settings)
    stage = Stage(web, venue, Caller(web, await web.register(admin=True)))
    await stage.ingest()
    return stage


async def broken_off(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A market was listed for the mirror of the first source, and the answer never came."""
    engine = stage.web.engine
    submit = engine.submit

    def lose(command: Command) -> Any:
        done = submit(command)
        if isinstance(command, CreateMarket):
            done = asyncio.get_running_loop().create_future()
            done.set_exception(OutcomeUnknown("lost"))
        return done

    with monkeypatch.context() as patch:
        patch.setattr(engine, "submit", lose)
        with pytest.raises(UnknownOutcome):
            await stage.mirroring.mirror_of("fake:M1")
    monkeypatch.setattr(making, "AGAIN_US", -1)
