"""Fair places before something dear: no address keeps the others waiting, or out.

Laws: at most `at_once` are in, at most `waiting` wait. The addresses take turns, each with its
oldest first. Whoever comes when all places are taken gets the place of the latest of the address
that has the most, if that is more than its own address would have then; else it is refused. So an
address alone may have all places, and a crowd from one never makes another's sign-in fail. Whoever
hangs up waits no longer.
"""

import asyncio
from collections import deque
from typing import Final

from gateway.http.reading.bodies import ClientGone
from gateway.http.reading.hanging_up import while_there
from gateway.wire.errors import RateLimited

TOO_MANY: Final = "Too many sign-ins at once; try again in a moment"
_Place = asyncio.Future[None]


class FairQueue:
    """Places of one event loop; whoever has entered must `leave`."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self._free = at_once
        self._room = waiting
        self._lines: dict[str, deque[_Place]] = {}
        """Who waits, by address, the address whose turn it is first; none is empty."""
        self._waiting = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return self._waiting

    async def enter(self, address: str) -> None:
        """Wait for one's turn; raises RateLimited if there is no place to wait at, ClientGone if
        whoever asks has gone.

        O(addresses that wait), which are at most as many as the places.
        """
        if self._free > 0:
            self._free -= 1
            return
        if self._waiting >= self._room:
            self._make_room(address)
        place: _Place = asyncio.get_running_loop().create_future()
        self._lines.setdefault(address, deque()).append(place)
        self._waiting += 1
        try:
            await while_there(place)
        except (asyncio.CancelledError, ClientGone):
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave()  # its turn came in the same moment
            else:
                self._give_up(address, place)
            raise

    def leave(self) -> None:
        """Give the place to whose turn it is."""
        while self._lines:
            address, line = next(iter(self._lines.items()))
            del self._lines[address]
            place = line.popleft()
            self._waiting -= 1
            if line:
                self._lines[address] = line  # behind the others
            # Whoever was cancelled may not have come to say so.
            if not place.done():
                place.set_result(None)
                return
        self._free += 1

    def _make_room(self, address: str) -> None:
        """Send the latest of the longest line away, or raise RateLimited."""
        own = len(self._lines.get(address, ()))
        longest = max(self._lines, key=lambda name: len(self._lines[name]), default=address)
        if len(self._lines.get(longest, ())) <= own + 1:
            raise RateLimited(1, TOO_MANY)
        place = self._lines[longest][-1]
        self._give_up(longest, place)
        if not place.done():
            place.set_exception(RateLimited(1, TOO_MANY))

    def _give_up(self, address: str, place: _Place) -> None:
        line = self._lines.get(address)
        if line is None or place not in line:
            return
        line.remove(place)
        self._waiting -= 1
        if not line:
            del self._lines[address]
