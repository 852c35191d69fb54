"""What people have on their watchlists, and what they read now, counts as watched.

Laws: once a minute the most watched markets are noted for those who poll, and a bounded number of
them is followed by this process, read or not. Nobody waits for it, and a database that is away is
waited for.
"""

from typing import Final

from gateway.feeds.intake.snapshots import WATCH_S
from gateway.feeds.live.followed import Followed
from gateway.feeds.live.following import READERS, Following
from gateway.jobs.looking import look_again
from gateway.jobs.supervisor import CheckIn
from gateway.wire.errors import ApiError
from persistence.clock import MICROSECONDS, now_us
from persistence.repositories.feeds.state import FeedState

PAUSE_S: Final = 60.0
WATCHLISTS: Final = "watchlists"


class WatchedMarkets:
    """Keeps the most watched markets followed."""

    def __init__(
        self,
        following: Following,
        state: FeedState,
        *,
        noted: int,
        followed: int,
        pause_s: float = PAUSE_S,
    ) -> None:
        """Note `noted` markets for the pollers, and follow `followed` of them."""
        self._following = following
        self._state = state
        self._noted = noted
        self._most = followed
        self._pause_s = pause_s
        self._kept: dict[Followed, None] = {}

    async def run(self, check_in: CheckIn) -> None:
        """Look again and again, until cancelled."""
        await look_again(self.look, check_in, pause_s=self._pause_s)

    async def look(self) -> None:
        """Note what is watched now, and follow the most watched."""
        platforms = list(self._following.reader.venues)
        watched = await self._state.most_watched(platforms, self._noted)
        read = [
            one.known.row.id for one in self._following.all().values() if READERS in one.holders
        ]
        numbers = list(dict.fromkeys([*read, *(number for number, _, _ in watched)]))
        if numbers:
            await self._state.watch(numbers, now_us() + WATCH_S * MICROSECONDS)
        await self._keep([(platform, name) for _, platform, name in watched[: self._most]])

    async def _keep(self, refs: list[tuple[str, str]]) -> None:
        wanted = dict.fromkeys(refs)
        following = self._following
        for followed in list(self._kept):
            # Readers may have taken its place meanwhile.
            if followed.ref not in wanted or following.all().get(followed.ref) is not followed:
                del self._kept[followed]
                following.release(followed, WATCHLISTS)
        have = {followed.ref for followed in self._kept}
        for ref in wanted:
            if ref in have:
                continue
            try:
                known = await following.reader.named(":".join(ref))
                self._kept[following.follow(known, WATCHLISTS)] = None
            except ApiError:
                # Its venue is away, or readers have all the places: another time.
                continue
