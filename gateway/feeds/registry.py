"""The venues there are: one line each.

To add one: a folder beside this file whose door gives a `Venue` (`venue.py`), and a line in
`VENUES`. Everything else, lists, search, snapshots, jobs, reads of it, knows venues by their
platform alone.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from gateway.feeds.kalshi.client import open_kalshi
from gateway.feeds.polymarket.client import open_polymarket
from gateway.feeds.sample.venue import open_sample
from gateway.feeds.venue import Venue, VenueTools
from gateway.settings.reader import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One venue: its platform, how it is opened (and closed), whether it is a real one."""

    platform: str
    open: Callable[[VenueTools], AbstractAsyncContextManager[Venue]]
    is_real: bool = True


VENUES: Final[tuple[Entry, ...]] = (
    Entry(platform="polymarket", open=open_polymarket),
    Entry(platform="kalshi", open=open_kalshi),
    Entry(platform="sample", open=open_sample, is_real=False),
)


def chosen(platforms: Sequence[str] | None, venues: Sequence[Entry] = VENUES) -> tuple[Entry, ...]:
    """Return the entries of these platforms (None: the real ones); raises SettingsError."""
    if platforms is None:
        return tuple(entry for entry in venues if entry.is_real)
    by_name = {entry.platform: entry for entry in venues}
    for name in platforms:
        if name not in by_name:
            known = ", ".join([*by_name, "none"])
            raise SettingsError(
                f'FEED_PLATFORMS: there is no venue "{name[:40]}": known are {known}'
            )
    return tuple(by_name[name] for name in platforms)


@asynccontextmanager
async def open_venues(
    entries: Sequence[Entry], tools: VenueTools
) -> AsyncIterator[Mapping[str, Venue]]:
    """Yield the venues by platform; they are closed with the block."""
    async with AsyncExitStack() as stack:
        yield {
            entry.platform: await stack.enter_async_context(entry.open(tools)) for entry in entries
        }
