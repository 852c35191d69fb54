"""The process of one backtest, from outside: begun, heard, and ended however that goes.

Laws: nothing of it runs on an event loop that anybody waits for. It ends when it has told what came
of it, when its time is over, when nobody wants it any more, or with us.
"""

import asyncio
import signal
import sys
from contextlib import suppress
from typing import Final

import msgspec

from gateway.research.asked.plan import OUR_FAULT, Done, Failed, Going, Order, Told

_COMMAND: Final = (sys.executable, "-P", "-m", "gateway.research.asked.process")
_LENGTH: Final = 8
_FRAME_MAX: Final = 1 << 28
_END_S: Final = 2.0
_decode: Final = msgspec.msgpack.Decoder(Told).decode


class BacktestProcess:
    """One run; `going` is how far it was when it was heard last."""

    def __init__(self, order: Order) -> None:
        self.going = Going(0, 0)
        self._order = order

    async def run(self) -> Done | Failed:
        """Run it to its end; cancelled, it is ended at once."""
        try:
            process = await asyncio.create_subprocess_exec(
                *_COMMAND, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            )
        except OSError as error:
            return Failed("it couldn't be begun", f"no process: {type(error).__name__}")
        limits = self._order.limits
        try:
            async with asyncio.timeout(limits.time_s):
                return await self._hear(process)
        except TimeoutError:
            return Failed(f"it took longer than {limits.time_s} s")
        finally:
            if process.returncode is None:
                process.kill()
                # Not `wait`: while something unread lies in the pipe asyncio may wait for ever.
                # What came of it is known by now, however long its end takes.
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.communicate(), _END_S)

    async def _hear(self, process: asyncio.subprocess.Process) -> Done | Failed:
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            return Failed("it couldn't be begun", "without pipes")
        body = msgspec.msgpack.encode(self._order)
        try:
            stdin.write(len(body).to_bytes(_LENGTH, "big") + body)
            await stdin.drain()
            while True:
                length = int.from_bytes(await stdout.readexactly(_LENGTH), "big")
                if length > _FRAME_MAX:
                    return Failed(OUR_FAULT, f"a frame of {length} bytes")
                told: Told = _decode(await stdout.readexactly(length))
                if not isinstance(told, Going):
                    return told
                self.going = told
        except (asyncio.IncompleteReadError, ConnectionError):
            return self._left(await process.wait())

    def _left(self, code: int) -> Failed:
        """Return why a process ended before it told anything."""
        limits = self._order.limits
        if code == -signal.SIGXCPU:
            return Failed(f"it took more than {limits.cpu_s} s of a processor")
        if code == -signal.SIGKILL:
            return Failed("it was ended: it took too much of a processor, or of memory")
        return Failed(OUR_FAULT, f"it ended with code {code}")
