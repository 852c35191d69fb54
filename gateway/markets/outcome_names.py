"""What YES and NO of our markets are called, as whoever listed them said.

Laws: a name changes no balance, book or position, so the engine doesn't know it. Names are known by
heart, by slug: every view of a market of ours asks, and they count once there is a market of that
slug. They are stored before the market is listed, and looked at again and again by what changed
since, since another process may have listed it; whoever lists one here knows it at once.
"""

import contextlib
import unicodedata
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from exchange.model.state import State
from gateway.engine_side.refusals import EngineRefused
from gateway.jobs.looking import Changes, look_again
from gateway.jobs.supervisor import CheckIn
from gateway.wire.errors import Conflict, ValidationFailed
from persistence.clock import MICROSECONDS, now_us
from persistence.errors import CommandNotTaken
from persistence.postgres.database import OUTAGES
from persistence.repositories.market_outcomes import Claim, MarketOutcomes, NamedOutcomes

YES_AND_NO: Final = ("Yes", "No")
"""What they are called unless somebody says otherwise."""
LABEL_LENGTH: Final = 80
INTERVAL_S: Final = 2.0
LOST_S: Final = 60
"""A listing that was under way so long ago has been answered, or never will be."""

Labels = tuple[str, str]


def labels_of(given: Sequence[str], field: str) -> Labels:
    """Return the names of YES and NO as they are stored, without blanks around them.

    Raises ValidationFailed naming `field`.
    """
    found = [_clean(text) for text in given]
    if len(found) != len(YES_AND_NO) or not all(found) or found[0] == found[1]:
        wanted = f"two different names of 1 to {LABEL_LENGTH} characters, none of them invisible"
        raise ValidationFailed.of(field, f'must be {wanted}, such as ["Home", "Away"]')
    return found[0], found[1]


def _clean(text: str) -> str:
    """Return a name as it is stored; empty if it can't be one."""
    found = unicodedata.normalize("NFC", text.strip()) if len(text) <= 4 * LABEL_LENGTH else ""
    return found if len(found) <= LABEL_LENGTH and found.isprintable() else ""


class OutcomeNames:
    """The names, by slug."""

    def __init__(self) -> None:
        self._by_slug: dict[str, Labels] = {}

    def note(self, slug: str, labels: Labels) -> None:
        """Note what YES and NO of the market of a slug are called."""
        if labels == YES_AND_NO:
            self._by_slug.pop(slug, None)
        else:
            self._by_slug[slug] = labels

    def of(self, slug: str) -> Labels:
        """Return what YES and NO of a market of ours are called."""
        return self._by_slug.get(slug, YES_AND_NO)


class OutcomeNaming:
    """Names the outcomes of markets that are listed."""

    def __init__(self, rows: MarketOutcomes, names: OutcomeNames, view: State) -> None:
        self._rows = rows
        self._names = names
        self._view = view

    @asynccontextmanager
    async def listing(self, slug: str, labels: Labels) -> AsyncIterator[None]:
        """Store the names while a market is listed within, and forget them if it isn't.

        They stay where its end isn't known. A slug that has a market is the engine's to refuse.
        Raises Conflict while another listing of the slug is under way.
        """
        if slug in self._view.market_by_slug:
            yield
            return
        now = now_us()
        named = NamedOutcomes(slug, labels, now)
        claim = await self._rows.claim(named, now - LOST_S * MICROSECONDS)
        if claim is Claim.UNDER_WAY:
            raise Conflict(
                f"slug: a market of it is being listed; look whether it is there, or try again in"
                f" {LOST_S} seconds"
            )
        try:
            yield
        except (EngineRefused, CommandNotTaken):
            if claim is Claim.STORED:
                # What stays is written over by the next listing of the slug.
                with contextlib.suppress(*OUTAGES):
                    await self._rows.drop(named)
            raise
        if claim is Claim.STORED:
            self._names.note(slug, labels)


class KeptOutcomeNames:
    """Keeps `OutcomeNames` up to date in a process that shows markets."""

    NAME: Final = "outcome-names"

    def __init__(self, rows: MarketOutcomes, names: OutcomeNames) -> None:
        self._names = names
        self._changes = Changes(rows.changed, _place, "")

    async def look(self) -> None:
        """Take in what changed; the first time all there is."""
        await self._changes.take(self._note)

    def _note(self, named: NamedOutcomes) -> None:
        self._names.note(named.slug, named.labels)

    async def run(self, check_in: CheckIn) -> None:
        """Look again and again, until cancelled."""
        await look_again(self.look, check_in, pause_s=INTERVAL_S)


def _place(named: NamedOutcomes) -> tuple[int, str]:
    return named.changed_at, named.slug
