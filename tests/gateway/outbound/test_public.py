"""What a user names is asked on the public internet alone, at the address that was looked at."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.outbound.asking import OutboundFailed
from gateway.outbound.public import ANSWER_BYTES, AT_ONCE, PublicOutbound, check_url, is_public
from tests.gateway.outbound.receiver import NAME, Receiver, receiving


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Receiver]:
    async with receiving(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0",  # noqa: S104 - no address to listen on
        "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
        "2002:7f00:1::", "2001:0:1::1", "::127.0.0.1", "fec0::1",
    ],
)  # fmt: skip
def test_no_address_within_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "https://", "https:///x", "ftp://example.com", "https://localhost/",
        "https://a:b@example.com/", "https://example.com/#x", "https://example.com:0/",
        "https://example.com:99999/", "https://intranet/", "https://db.internal/",
        "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/", "https://example.com/ x", "https://exämple.com/",
        "https://" + "a" * 2_000 + ".com/", "https://[example.com/",
    ],
)  # fmt: skip
def test_urls_that_are_never_asked(url: str) -> None:
    with pytest.raises(ValueError, match=r"must|URL"):
        check_url(url)


@pytest.mark.parametrize("url", ["https://example.com", "https://a.b-c.org:8443/x?y=1"])
def test_urls_that_are(url: str) -> None:
    check_url(url)


async def test_the_address_that_was_looked_at_is_told_under_the_name(receiver: Receiver) -> None:
    answer = await receiver.outbound().post(receiver.url, b'{"a":1}', {"x-sign": "s"})
    assert answer.status == 200
    assert receiver.bodies == [b'{"a":1}']
    head = receiver.heads[0].lower()
    assert head.startswith(b"post /hook?a=1 http/1.1\r\n")
    assert f"host: {NAME}:{receiver.port}".encode() in head
    assert b"x-sign: s" in head
    assert receiver.names == [NAME], "TLS goes by the name"
    assert receiver.asked_for == [NAME], "resolved once: there is no second answer to change"


async def test_one_address_within_spoils_a_name(receiver: Receiver) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34", "127.0.0.1"]

    outbound = PublicOutbound(30, resolve=resolve, trust=receiver.trust)
    with pytest.raises(OutboundFailed, match="isn't public"):
        await outbound.post(receiver.url, b"{}", {})
    assert receiver.heads == []


async def test_what_it_may_not_or_cannot_reach(receiver: Receiver, tmp_path: Path) -> None:
    async def nobody(_host: str, _port: int) -> list[str]:
        raise socket.gaierror

    real = PublicOutbound(30, trust=receiver.trust)
    with pytest.raises(OutboundFailed, match="isn't one that is asked"):
        await real.post(f"https://127.0.0.1:{receiver.port}/", b"{}", {})
    with pytest.raises(OutboundFailed, match="can't be resolved"):
        await PublicOutbound(30, resolve=nobody).post(receiver.url, b"{}", {})
    stranger = PublicOutbound(
        30,
        resolve=receiver.resolve,
        is_public=lambda _: True,
        trust=ssl.create_default_context(cafile=None),
    )
    with pytest.raises(OutboundFailed, match="certificate"):
        await stranger.post(receiver.url, b"{}", {})
    assert receiver.heads == []


async def test_no_redirect_is_followed_and_answers_are_bounded(receiver: Receiver) -> None:
    receiver.answer = (
        b"HTTP/1.1 302 Found\r\nlocation: https://127.0.0.1/\r\ncontent-length: 0\r\n\r\n"
    )
    answer = await receiver.outbound().post(receiver.url, b"{}", {})
    assert answer.status == 302
    assert not answer.is_good
    assert len(receiver.heads) == 1
    receiver.answer = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (ANSWER_BYTES + 1)
    with pytest.raises(OutboundFailed, match="too large"):
        await receiver.outbound().post(receiver.url, b"{}", {})
    receiver.answer = b"what?\r\n\r\n"
    with pytest.raises(OutboundFailed, match="speak HTTP"):
        await receiver.outbound().post(receiver.url, b"{}", {})


async def test_who_does_not_answer_is_left(receiver: Receiver) -> None:
    receiver.hangs = True
    with pytest.raises(OutboundFailed, match="too long"):
        await receiver.outbound(timeout_s=0.3).post(receiver.url, b"{}", {})


async def test_slow_names_keep_nothing_else_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    outbound = PublicOutbound(0.5, trust=ssl.create_default_context())

    def look_up(*_: object, **__: object) -> list[object]:
        answered.wait()
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        for _ in range(3):
            asked = (outbound.post("https://slow.example.com/", b"", {}) for _ in range(AT_ONCE))
            for failure in await asyncio.gather(*asked, return_exceptions=True):
                assert str(failure) == "takes too long"
        async with asyncio.timeout(10):
            assert await asyncio.to_thread(int) == 0
    finally:
        answered.set()
