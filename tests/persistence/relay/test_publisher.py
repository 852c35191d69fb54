"""The engine's end of the fan-out, without a Redis: no fault silences it for good."""

import asyncio
import logging
from typing import Any

import pytest

from persistence.relay import publisher as module
from persistence.relay.channel import Channel
from persistence.relay.messages import BusObserver
from persistence.relay.publisher import RedisPublisher


class Broken:
    """A client that fails as a fault does, not as an outage; well after a while."""

    tries = 0

    async def ping(self) -> None:
        Broken.tries += 1
        if Broken.tries < 4:
            raise TypeError("an unexpected keyword argument")

    async def publish(self, channel: str, message: bytes) -> None:
        pass

    async def aclose(self) -> None:
        pass


class Watch(BusObserver):
    def __init__(self) -> None:
        self.noted: list[bool] = []
        self.is_up = asyncio.Event()

    def connected(self, is_connected: bool, reason: str) -> None:
        self.noted.append(is_connected)
        if is_connected:
            self.is_up.set()


async def test_a_fault_that_is_no_outage_is_said_once_and_outlived(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)  # others have set the process's logs up

    def make_client(_url: str) -> Any:
        return Broken()

    async def clock() -> int:
        return 1

    channel = Channel("id", bytes(32))
    monkeypatch.setattr(module, "make_client", make_client)
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    watch = Watch()
    publisher = RedisPublisher("redis://nowhere", channel, "an engine's", (0, b""), clock, watch)
    publisher.start()
    async with asyncio.timeout(30):
        await watch.is_up.wait()
    await publisher.stop()
    assert watch.noted == [False, True]
    assert [record.getMessage() for record in caplog.records] == [
        "publishing failed, it is begun again"
    ]
