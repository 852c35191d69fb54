"""Readers of one market's book, many sockets in one process, which a test may stop as a whole.

    python -m tests.faults.market_data.readers PORT MARKET OUTCOME COUNT FILE

OUTCOME is YES, NO or BOTH.

Laws: it says `ready` when every socket follows the market; at SIGTERM it writes to FILE, for each
book message of each socket, (seq, the time it was read by CLOCK_MONOTONIC in nanoseconds) as pairs
of 64-bit integers, and how many sockets the server has closed by then as a last line of stdout. By
hand, without a library: so that reading costs little and nothing is read ahead.
"""

import array
import asyncio
import base64
import json
import os
import re
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Final

_SEQ: Final = re.compile(rb'"orderbook_update",.*?"seq":([0-9]+),"prevSeq":[0-9]')
_MASK: Final = bytes(4)
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_RECEIVE_BYTES: Final = 16_384


class Reader(asyncio.Protocol):
    """One socket."""

    def __init__(self, found: "array.array[int]", wish: dict[str, str]) -> None:
        self._found = found
        self._wish = json.dumps(wish)
        self._rest = b""
        self._is_open = False
        self.is_closed = False
        self.follows: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            "GET /ws/?EIO=4&transport=websocket HTTP/1.1\r\nHost: probity\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            "\r\n".encode()
        )

    def connection_lost(self, _error: Exception | None) -> None:
        self.is_closed = True

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        data = self._rest + data
        if not self._is_open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self._rest = head
                return
            self._is_open = True
            self._send(_TEXT, b"40")
            self._send(_TEXT, f'42["subscribe:market",{self._wish}]'.encode())
        start = 0
        while len(data) - start >= 2:
            head_length, length = 2, data[start + 1]
            if length == 126:
                head_length = 4
                if len(data) - start < head_length:
                    break
                length = int.from_bytes(data[start + 2 : start + 4])
            elif length == 127:
                head_length = 10
                if len(data) - start < head_length:
                    break
                length = int.from_bytes(data[start + 2 : start + 10])
            end_of_frame = start + head_length + length
            if len(data) < end_of_frame:
                break
            self._take(data[start] & 15, data[start + head_length : end_of_frame], now)
            start = end_of_frame
        self._rest = data[start:]

    def _take(self, opcode: int, payload: bytes, now: int) -> None:
        if opcode == _PING:
            self._send(_PONG, payload)
        elif opcode == _CLOSE:
            self._transport.close()
        elif payload == b"2":
            self._send(_TEXT, b"3")
        elif b'"kind":"snapshot"' in payload and not self.follows.done():
            self.follows.set_result(None)
        elif found := _SEQ.search(payload):
            self._found.append(int(found[1]))
            self._found.append(now)

    def _send(self, opcode: int, payload: bytes) -> None:
        length = len(payload)
        head = bytes((0x80 | opcode, 0x80 | length)) if length < 126 else b""
        if not head:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, length)
        self._transport.write(head + _MASK + payload)


async def main() -> None:
    """Read until told to stop."""
    port, market, outcome, count, file = sys.argv[1:]
    wish = {"market": market} | ({} if outcome == "BOTH" else {"outcome": outcome})
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    found = array.array("q")
    readers = []
    for _ in range(int(count)):
        connection = socket.socket()
        # As much as lies in the kernel is no news to the server.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", int(port)))
        _, reader = await loop.create_connection(lambda: Reader(found, wish), sock=connection)
        readers.append(reader)
    await asyncio.gather(*(reader.follows for reader in readers))
    print("ready", flush=True)
    await ended.wait()
    Path(file).write_bytes(found.tobytes())
    print(sum(reader.is_closed for reader in readers), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
