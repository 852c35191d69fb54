"""Waiting for a moment to within some microseconds, without spinning.

An event loop's own timers tick once a millisecond: whoever sends 3 000 orders a second by them
either sends in bursts or spins, and takes a core from the server that is measured. A timer of the
kernel's (timerfd, Linux) wakes the loop on time.
"""

import asyncio
import ctypes
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_CLOCK_MONOTONIC: Final = 1
"""What `time.perf_counter` reads on Linux."""
_ABSOLUTE: Final = 1
_CLOSE_ON_EXEC_NONBLOCKING: Final = os.O_CLOEXEC | os.O_NONBLOCK
_NANOSECONDS: Final = 1_000_000_000


class _Moment(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Moment), ("value", _Moment))


class Pace:
    """One waiter's timer; made by `pace`."""

    def __init__(self, timer: int) -> None:
        self._timer = timer
        self._loop = asyncio.get_running_loop()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._rang: asyncio.Future[None] | None = None

    async def until(self, moment: float) -> None:
        """Wait until `time.perf_counter()` has reached `moment`; at once if it has."""
        if time.perf_counter() >= moment:
            return
        self._rang = self._loop.create_future()
        seconds = math.floor(moment)
        value = _Moment(seconds, math.ceil((moment - seconds) * (_NANOSECONDS - 1)))
        setting = _Setting(_Moment(0, 0), value)
        if self._libc.timerfd_settime(self._timer, _ABSOLUTE, ctypes.byref(setting), None):
            raise OSError(ctypes.get_errno(), "the timer can't be set")
        await self._rang

    def ring(self) -> None:
        """Wake the waiter: the timer has run out."""
        os.read(self._timer, 8)
        if self._rang is not None and not self._rang.done():
            self._rang.set_result(None)


@contextmanager
def pace() -> Iterator[Pace]:
    """Open a timer of the kernel's on the running loop.

    Raises OSError where there is none.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    timer = libc.timerfd_create(_CLOCK_MONOTONIC, _CLOSE_ON_EXEC_NONBLOCKING)
    if timer < 0:
        raise OSError(ctypes.get_errno(), "there is no timerfd")
    waiting, loop = Pace(timer), asyncio.get_running_loop()
    loop.add_reader(timer, waiting.ring)
    try:
        yield waiting
    finally:
        loop.remove_reader(timer)
        os.close(timer)
