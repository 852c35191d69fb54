"""A process that plays a recorded page and a recorded feed, and does nothing else.

    python -m tests.browser.terminal.feed_player FOLDER

Laws: whatever was asked of the exchange while the page was recorded is answered as it was then
(`answers.json`); the socket speaks as much of Socket.IO as the page needs. `POST /play/{name}`
sends `{name}.jsonl` to whoever is connected, each frame at its moment, and answers when the last
one is out. It prints its port once it listens.
"""

import asyncio
import base64
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

from aiohttp import WSMsgType, web

from tests.browser.terminal.feed_recording import EPOCH, Frame, Generator, read

OPEN: Final = {"sid": "played", "upgrades": [], "pingInterval": 25_000, "pingTimeout": 60_000}


class Player:
    """The recordings of a folder, and who hears them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        terms = json.loads((folder / "terms.json").read_text())
        self._market_id: str = terms["marketId"]
        self._answers: dict[str, Any] = json.loads((folder / "answers.json").read_text())
        # Every recording goes on from this book.
        book = Generator(self._market_id, account_seq=terms["accountSeq"])
        self._snapshot = f"42{json.dumps(book.snapshot())}"
        self._told = Frame(0, "", book.seq, book.trade_no, book.account_seq)
        self._sockets: set[web.WebSocketResponse] = set()

    def application(self) -> web.Application:
        """Return what answers."""
        made = web.Application()
        made.router.add_get("/ws/", self._socket)
        made.router.add_post("/play/{name}", self._play)
        made.router.add_route("*", "/{path:.*}", self._answer)
        return made

    async def _answer(self, request: web.Request) -> web.Response:
        found = self._answers.get(f"{request.method} {request.path}")
        if found is None:
            body = {"error": {"code": "NOT_FOUND", "message": "not recorded", "details": []}}
            return web.json_response(body, status=404)
        content = base64.b64decode(found["body"])
        return web.Response(body=content, status=found["status"], headers=found["headers"])

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(f"0{json.dumps(OPEN)}")
        beating = asyncio.create_task(self._beat(socket))
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._hear(socket, message.data)
        self._sockets.discard(socket)
        beating.cancel()
        return socket

    async def _hear(self, socket: web.WebSocketResponse, text: str) -> None:
        if text.startswith("40"):
            await socket.send_str('40{"sid":"played"}')
        if not text.startswith("42"):
            return
        number, bracket, rest = text[2:].partition("[")
        event = json.loads(bracket + rest)[0]
        answer: dict[str, object] = {"ok": True, "data": self._data_of(event)}
        if event == "order:preview":
            error = {"code": "UNAVAILABLE", "message": "not recorded", "details": []}
            answer = {"ok": False, "error": error}
        if number:
            await socket.send_str(f"43{number}{json.dumps([answer])}")
        if event == "subscribe:market":
            await socket.send_str(self._snapshot)
            self._sockets.add(socket)

    def _data_of(self, event: str) -> dict[str, object]:
        if event == "subscribe:market":
            told = {"seq": self._told.seq, "tradeNo": self._told.trade_no, "epoch": EPOCH}
            return {"marketId": self._market_id, "slug": None, **told}
        return {"cancelled": 0} if event == "order:cancel_all" else {}

    async def _beat(self, socket: web.WebSocketResponse) -> None:
        while True:
            told = self._told
            entry = {"marketId": self._market_id, "seq": told.seq, "tradeNo": told.trade_no}
            stamp = {"timestamp": "2026-01-01T00:00:00.000Z", "epoch": EPOCH}
            beat = {**stamp, "markets": [entry], "accountSeq": told.account_seq, "stale": False}
            await socket.send_str(f"42{json.dumps(['heartbeat', beat])}")
            await socket.send_str("2")
            await asyncio.sleep(1)

    async def _play(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        frames = read(self._folder / f"{name}.jsonl")
        began = time.monotonic()
        for frame in frames:
            ahead = frame.at / 1_000 - (time.monotonic() - began)
            if ahead > 0:
                await asyncio.sleep(ahead)
            self._told = frame if name != "unheard" else self._told
            for socket in tuple(self._sockets):
                await socket.send_str(frame.text)
        return web.json_response({"sent": len(frames), "seconds": time.monotonic() - began})


async def serve(folder: Path) -> None:
    """Listen until the process is ended."""
    runner = web.AppRunner(Player(folder).application(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address: tuple[str, int] = runner.addresses[0]
    print(address[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
