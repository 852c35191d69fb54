"""A file of all that one's account was ever told, each message once and in order.

    pip install "python-socketio[asyncio-client]" httpx
    EMAIL=... PASSWORD=... python private_stream.py http://localhost:8080 messages.jsonl

One message a line: {"event", "data"}. However often this program, its connection or the exchange
is killed, it goes on where the file ends: it hears what is new, asks for what it missed, and leaves
out what it has. SIGTERM and Ctrl-C end it.

Law: a number is gone on from only when the next one is there. What is new is held back while
anything before it is missing, so the file never has a gap.
"""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import socketio

from trading_client import Api, Refused

ORDERS = ("order_placed", "order_updated", "order_cancelled", "order_filled")
KINDS = (*ORDERS, "balance_updated", "position_updated")
LOOK_SECONDS, SILENCE_SECONDS, ANSWER_SECONDS, PAUSE_SECONDS = 0.2, 4.0, 15.0, 0.5
FAILURES = (OSError, httpx.HTTPError, socketio.exceptions.SocketIOError)
Told = dict[str, Any]


class PrivateStream:
    """Each message once, in order, whether it was told live or came in a page of the past.

    `seq` is the last number of which there is anything; `have` is what there is of it: an order's
    message comes before its fills, so the rest of that number may still be missing.
    """

    def __init__(self) -> None:
        self.seq = 0
        self.have: set[str] = set()
        self.later: list[Told] = []  # live messages behind a gap

    @property
    def complete_to(self) -> int:
        """The last number that nothing is missing of, for sure: where to ask on from."""
        return max(0, self.seq - 1)

    def take(self, told: Told) -> Iterator[Told]:
        """Yield what of a message, and of those that waited for it, is new and next."""
        if told["data"]["accountSeq"] > self.seq + 1:
            self.later.append(told)
        elif self.is_new(told):
            yield told
            waiting, self.later = self.later, []
            for one in waiting:
                yield from self.take(one)

    def is_new(self, told: Told) -> bool:
        """Note a message that isn't ahead; False if it is here already."""
        number, fill = told["data"]["accountSeq"], told["data"].get("tradeId", "")
        if number < self.seq or (number == self.seq and fill in self.have):
            return False
        if number > self.seq:
            self.seq, self.have = number, set()
        self.have.add(fill)
        return True


class Keeper:
    """Keeps the file, over one socket after the other."""

    def __init__(self, url: str, file: Path, api: Api) -> None:
        self.url, self.api, self.stream = url, api, PrivateStream()
        self.file = file.open("a+b")
        self.stopping, self.behind = False, True
        self.go_on_from_file()

    def go_on_from_file(self) -> None:
        """Find out what the file has; a line that was cut off when it was written isn't there."""
        self.file.seek(0)
        end = 0
        for line in self.file:
            if not line.endswith(b"\n"):
                break
            end += len(line)
            self.stream.is_new(json.loads(line))
        self.file.truncate(end)

    def keep(self, told: Told) -> None:
        for one in self.stream.take(told):
            self.file.write(json.dumps(one).encode() + b"\n")
        self.file.flush()

    async def live(self) -> None:
        while not self.stopping:
            with suppress(asyncio.CancelledError):
                try:
                    await self.one_connection()
                except (Refused, TimeoutError, *FAILURES) as error:
                    logging.warning("%s", error or type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)

    async def one_connection(self) -> None:
        """Hear what is new, and ask for what was missed, until the connection ends."""
        loop = asyncio.get_running_loop()
        self.gone: asyncio.Future[None] = loop.create_future()
        self.silence = loop.call_later(SILENCE_SECONDS, self.gone.cancel)
        self.behind, self.stream.later = True, []
        self.socket = socketio.AsyncClient(reconnection=False)
        self.socket.on("disconnect", lambda _reason: self.gone.cancel())
        self.socket.on("heartbeat", self.on_heartbeat)
        for kind in KINDS:
            self.socket.on(kind, lambda data, kind=kind: self.keep({"event": kind, "data": data}))
        await self.api.fresh()
        try:
            auth, path = {"token": self.api.token}, "ws"
            await self.socket.connect(
                self.url, auth=auth, transports=["websocket"], socketio_path=path, wait_timeout=5
            )
            while not self.stopping and not self.gone.cancelled():
                await self.step()
        finally:
            self.silence.cancel()
            with suppress(TimeoutError, *FAILURES):
                await asyncio.wait_for(self.socket.disconnect(), 1)

    async def step(self) -> None:
        """Ask on if something is missing, keep the session fresh, look again in a moment."""
        if self.behind:
            self.behind = await self.ask_on()
        elif await self.api.fresh():
            await self.ask("session:authenticate", {"token": self.api.token})
        await asyncio.wait({self.gone}, timeout=0 if self.behind else LOOK_SECONDS)

    async def ask_on(self) -> bool:
        """Ask for a page of what was missed; say whether there is more."""
        page = await self.ask("session:resume", {"accountSeq": self.stream.complete_to})
        for told in page["events"]:
            self.keep(told)
        return bool(page["hasMore"])

    async def ask(self, event: str, body: dict[str, Any]) -> Any:
        answer = await self.socket.call(event, body, timeout=ANSWER_SECONDS)
        if not answer["ok"]:
            error = answer["error"]
            raise Refused(error["code"], error.get("retryAfter", 1.0))
        return answer["data"]

    def on_heartbeat(self, beat: dict[str, Any]) -> None:
        """Hear that the line lives, and how far the account has come."""
        self.silence.cancel()
        loop = asyncio.get_running_loop()
        self.silence = loop.call_later(SILENCE_SECONDS, self.gone.cancel)
        self.behind = self.behind or beat["accountSeq"] > self.stream.seq

    def stop(self) -> None:
        self.stopping = True


async def main(url: str, file: str) -> None:
    """Keep the file until told to stop."""
    logging.basicConfig(format="%(asctime)s %(message)s")
    api = Api(url, os.environ["EMAIL"], os.environ["PASSWORD"])
    keeper = Keeper(url, Path(file), api)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, keeper.stop)
    await keeper.live()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
