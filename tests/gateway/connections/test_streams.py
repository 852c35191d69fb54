"""Answers that are made while they are read: how long they may take, and how they end."""

from tests.gateway.connections.wire import SHORT, open_front, raw
from tests.gateway.waiting import eventually

END = b"\r\n0\r\n\r\n"


def asked(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


async def test_an_answer_that_goes_on_is_not_cut_off_and_one_that_stalls_is() -> None:
    async with open_front(**SHORT) as (desk, front):
        async with raw(desk.port) as peer:
            await peer.send(asked("/long"))
            found = await peer.until(END)
            assert found.count(b"part") == 8
            assert b'content-disposition: attachment; filename="a.csv"' in found
        async with raw(desk.port) as peer:
            await peer.send(asked("/stalls"))
            found = await peer.rest()
            assert found.count(b"part") == 3
            assert END not in found
        await eventually(lambda: "stopped" in front.streams)


async def test_one_that_breaks_has_no_end_and_one_whose_reader_leaves_is_stopped() -> None:
    async with open_front(**SHORT) as (desk, front):
        async with raw(desk.port) as peer:
            await peer.send(asked("/breaks"))
            found = await peer.rest()
            assert found.count(b"part") == 3
            assert END not in found
        await eventually(lambda: "closed" in front.streams)
        front.streams.clear()
        async with raw(desk.port) as peer:
            await peer.send(asked("/long"))
            await peer.until(b"part")
        await eventually(lambda: front.streams == ["stopped", "closed"])
