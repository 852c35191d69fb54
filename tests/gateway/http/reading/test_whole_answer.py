"""An answer goes to the transport in one write, whatever it consists of."""

import asyncio
from typing import cast

import pytest

from gateway.http.reading.held_flow import WholeAnswer
from tests.gateway.connections.wire import GET, open_front, raw


class Writes:
    """A transport that keeps what it is given."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True


HEAD = b"HTTP/1.1 200 OK\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    ("parts", "written"),
    [
        ([HEAD, b"body"], [HEAD + b"body"]),
        ([HEAD, b""], [HEAD]),
        ([HEAD, b"first", b"HTTP/1.1 200"], [HEAD + b"first", b"HTTP/1.1 200"]),
        (
            [b"HTTP/1.1 100 Continue\r\n\r\n", HEAD, b"b"],
            [b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + b"b"],
        ),
    ],
)
def test_a_head_waits_for_what_comes_behind_it(parts: list[bytes], written: list[bytes]) -> None:
    transport = Writes()
    answer = WholeAnswer(cast("asyncio.Transport", transport))
    for part in parts:
        answer.write(part)
    assert transport.written == written
    answer.flush()
    assert transport.written == written


def test_a_head_alone_goes_out_at_the_end() -> None:
    for end in (WholeAnswer.flush, WholeAnswer.close):
        transport = Writes()
        answer = WholeAnswer(cast("asyncio.Transport", transport))
        answer.write(HEAD)
        assert transport.written == []
        end(answer)
        assert transport.written == [HEAD]
        assert transport.is_closed is (end is WholeAnswer.close)


async def test_answers_to_head_and_get_come_whole_over_one_connection() -> None:
    asked = b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n"
    async with open_front() as (desk, _), raw(desk.port) as peer:
        await peer.send(asked + GET + asked)
        await peer.send(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answers = (await peer.rest()).split(b"HTTP/1.1 200 OK\r\n")[1:]
    bodies = [answer.partition(b"\r\n\r\n")[2] for answer in answers]
    assert bodies == [b"", b"ok", b"", b""]
    assert all(b"content-length: 2\r\n" in answer for answer in answers)
