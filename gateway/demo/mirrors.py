"""Mirrors of the sample venue, for the demonstration: some of its markets are traded here, with a
house that has credits.

Laws: what is there is kept, so a second start changes nothing; rounds of the sample venue end, and
others take their places. Whatever can't be now is tried again.
"""

import asyncio
import contextlib
from typing import Final

from exchange.messages.bounds import MONEY_SCALE, QUANTITY_SCALE
from exchange.messages.commands import CreditAccount, OpenAccount
from exchange.model.system_accounts import HOUSE
from gateway.access.principals import Actor
from gateway.economy.mirrors.making import Mirroring, Terms
from gateway.feeds.api.reading import FeedReader
from gateway.feeds.sample.market import PLATFORM
from gateway.observability.logs import Logger
from gateway.wire.errors import ApiError
from persistence.errors import CommandNotTaken, OutcomeUnknown
from persistence.loop.ports import CommandPort
from persistence.postgres.database import is_absence
from persistence.repositories.economy.mirrors import Mirrors

MOST: Final = 6
"""Mirrors that stand at once."""
PAUSE_S: Final = 15.0
_LOOKED_AT: Final = 60
_CREDITS: Final = 100_000 * MONEY_SCALE
_REQUEST_ID: Final = "demo-house-1"
_TERMS: Final = Terms(100, 200 * QUANTITY_SCALE, 2_000 * MONEY_SCALE)
_DEMO: Final = Actor(0, "demo")


class DemoMirrors:
    """Mirrors sample markets, again and again."""

    def __init__(
        self,
        mirroring: Mirroring,
        rows: Mirrors,
        reader: FeedReader,
        commands: CommandPort,
        logger: Logger,
    ) -> None:
        self._mirroring = mirroring
        self._rows = rows
        self._reader = reader
        self._commands = commands
        self._logger = logger

    async def run(self) -> None:
        """Mirror until cancelled."""
        while True:
            try:
                await self.look()
            except Exception as error:
                # Play must never take the exchange down.
                if not is_absence(error):
                    self._logger.exception("demo mirrors failed", exc_info=error)
            await asyncio.sleep(PAUSE_S)

    async def look(self) -> None:
        """Give the house its credits, and mirror what there is room for."""
        with contextlib.suppress(CommandNotTaken, OutcomeUnknown):
            await self._commands.submit(OpenAccount(HOUSE, 0))
            await self._commands.submit(
                CreditAccount(HOUSE, _CREDITS, "demonstration", _REQUEST_ID)
            )
        standing = [one for one in await self._rows.standing() if one.platform == PLATFORM]
        room = MOST - len(standing)
        there = {one.external_id for one in standing}
        for name in await self._reader.markets.active(PLATFORM, _LOOKED_AT):
            if room <= 0:
                return
            if name in there or await self._rows.of_source(PLATFORM, name) is not None:
                continue
            with contextlib.suppress(ApiError):
                known = await self._reader.named(f"{PLATFORM}:{name}")
                await self._mirroring.make(known, _TERMS, _DEMO)
                room -= 1
