"""Attacks over sockets: tiny frames of every kind, sessions, events, readers that are deaf."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Final

from tests.faults.attacks.wire import (
    BINARY,
    CONTINUATION,
    PING,
    PONG,
    TEN,
    TEXT,
    Account,
    Attack,
    Target,
    frame,
    hold,
    in_parallel,
    open_socket,
)

FLOOD_BYTES = 1_000_000
SESSIONS = 10_000

Run = Callable[[Target], Awaitable[None]]


def event(name: str, payload: object, ack_id: int | str = "", namespace: str = "") -> bytes:
    """Return the frame of an event."""
    return frame(f"42{namespace}{ack_id}{json.dumps([name, payload])}")


def join(token: str = "", namespace: str = "") -> bytes:
    """Return the frame that connects a namespace."""
    return frame(f"40{namespace}" + (json.dumps({"token": token}) if token else ""))


# -- frames -------------------------------------------------------------------------------------


def flood(*frames: bytes, first: bytes = b"") -> Run:
    """Return the attack of a megabyte of such frames on one socket, again and again."""
    turn = b"".join(frames)
    data = turn * (FLOOD_BYTES // len(turn))

    async def attack(target: Target) -> None:
        async def strike(_: int) -> None:
            with closing(await open_socket(target, target.address)) as line:
                line.read_away()
                await line.send(join() + first)
                for _again in range(20):
                    await line.send(data)
                await line.ended()

        await in_parallel(1, target, strike)

    return attack


# -- sessions -----------------------------------------------------------------------------------


async def _leave_and_stay(target: Target, source: str, token: str) -> None:
    """Connect, subscribe and leave by a namespace with a query, as often as it goes."""
    subscribe = event("subscribe:market", {"slug": target.market}, namespace="/ws,")
    rounds = [join(token, "/ws,"), subscribe, frame("41/ws?x,")] * 100
    with closing(await open_socket(target, source)) as line:
        line.read_away()
        for _ in range(SESSIONS // 100):
            await line.send(b"".join(rounds))
        await line.ended()


async def sessions_of_a_stranger(target: Target) -> None:
    """Sessions that outlived their socket, without an account."""
    await in_parallel(1, target, lambda _: _leave_and_stay(target, target.address, ""))


async def sessions_of_accounts(target: Target) -> None:
    """The same with the limits of ten accounts, who may subscribe much oftener."""
    own = target.accounts
    await in_parallel(
        len(own), target, lambda n: _leave_and_stay(target, own[n].address, own[n].token)
    )


# -- events -------------------------------------------------------------------------------------


def at_the_limit(make: Callable[[Target, int], bytes]) -> Run:
    """Return the attack of ten accounts that send events as fast as they are taken."""

    async def attack(target: Target) -> None:
        own = target.accounts

        async def strike(number: int) -> None:
            account: Account = own[number]
            with closing(await open_socket(target, account.address)) as line:
                line.read_away()
                await line.send(join(account.token))
                # So many at once are not refused for being unanswered (SOCKET_IN_FLIGHT_MAX).
                part = b"".join(make(target, number) for number in range(60))
                while True:
                    await line.send(part)
                    await asyncio.sleep(0.01)

        await in_parallel(len(own), target, strike)

    return attack


def _subscribing(target: Target, number: int) -> bytes:
    name = "unsubscribe:market" if number % 2 else "subscribe:market"
    return event(name, {"slug": target.market}, number)


def _trading(target: Target, number: int) -> bytes:
    if number % 2:
        return event("order:cancel", {"orderId": str(number)}, number)
    order = {"market": target.market, "side": "BUY", "outcome": "NO", "type": "LIMIT"}
    return event("order:place", order | {"price": "0.02", "quantity": "1"}, number)


def _cancelling_all(_: Target, number: int) -> bytes:
    return event("order:cancel_all", {}, number)


def _authenticating(_: Target, number: int) -> bytes:
    return event("session:authenticate", {"token": f"a.{'b' * 15_000}.{number}"}, number)


def _nested(_: Target, number: int) -> bytes:
    return frame(f'42{number}["order:place",' + "[" * 15_000)


# -- readers ------------------------------------------------------------------------------------


async def deaf_subscribers(target: Target) -> None:
    """Ten accounts that subscribe, ask again and again, and read nothing."""
    own = target.accounts
    subscribe = event("subscribe:market", {"slug": target.market}, 1)

    async def strike(number: int) -> None:
        account = own[number]
        with closing(await open_socket(target, account.address, deaf=True)) as line:
            await asyncio.sleep(0.1)
            await line.send(join(account.token))
            for _ in range(50):
                await asyncio.sleep(0.01)
                await line.send(subscribe * 20)
            await hold(target)

    await in_parallel(len(own), target, strike)


async def sockets_that_vanish(target: Target) -> None:
    """Sockets that sign in, subscribe and are cut, again and again."""
    own = target.accounts
    subscribe = event("subscribe:market", {"slug": target.market}, 1)

    async def strike(number: int) -> None:
        account = own[number]
        with closing(await open_socket(target, account.address)) as line:
            await line.send(join(account.token) + subscribe)
            await line.reader.read(1)

    await in_parallel(len(own), target, strike)


async def frames_cut_small(target: Target) -> None:
    """An event byte by byte, each a write of its own, on ten sockets."""
    own = target.accounts

    async def strike(number: int) -> None:
        account = own[number]
        data = event("ping", {}, 1)
        with closing(await open_socket(target, account.address)) as line:
            line.read_away()
            await line.send(join(account.token))
            while True:
                for position in range(len(data)):
                    await line.send(data[position : position + 1])
                    await asyncio.sleep(0)

    await in_parallel(len(own), target, strike)


_HALF = frame("42[", is_last=False)
_BINARY_EVENT = frame('451-["order:place",{"_placeholder":true,"num":0}]')

ON_SOCKETS: Final = {
    "sessions_of_a_stranger": Attack(sessions_of_a_stranger),
    "sessions_of_accounts": Attack(sessions_of_accounts, TEN),
    "flood_of_empty_pings": Attack(flood(frame(b"", PING))),
    "flood_of_full_pings": Attack(flood(frame(b"x" * 125, PING))),
    "flood_of_connects": Attack(flood(frame("40"))),
    "flood_of_connects_and_disconnects": Attack(flood(frame("40/ws,"), frame("41/ws,"))),
    "flood_of_refused_namespaces": Attack(flood(frame("40/elsewhere,"))),
    "flood_of_pongs": Attack(flood(frame(b"", PONG))),
    "flood_of_engine_pongs": Attack(flood(frame("3"))),
    "flood_of_engine_pings": Attack(flood(frame("2probe"))),
    "flood_of_noops": Attack(flood(frame("6"))),
    "flood_of_single_bytes": Attack(flood(frame("x"))),
    "flood_of_empty_texts": Attack(flood(frame(""))),
    "flood_of_empty_binaries": Attack(flood(frame(b"", BINARY))),
    "flood_of_fragments": Attack(flood(frame(b"", CONTINUATION, is_last=False), first=_HALF)),
    "flood_of_small_messages_in_two": Attack(
        flood(frame("4", TEXT, is_last=False), frame('2["x"]', CONTINUATION))
    ),
    "flood_of_unknown_events": Attack(flood(frame('42["x"]'))),
    "flood_of_events_with_acks": Attack(flood(frame('421["ping"]'))),
    "flood_of_events_elsewhere": Attack(flood(frame('42/ws,["ping"]'))),
    "flood_of_binary_events": Attack(flood(_BINARY_EVENT, frame(b"x", BINARY))),
    "flood_of_acks": Attack(flood(frame("431[]"))),
    "flood_of_broken_text": Attack(flood(frame(b"\xff"))),
    "flood_of_large_garbage": Attack(flood(frame("4" + "[" * 16_000))),
    "subscriptions_at_the_limit": Attack(at_the_limit(_subscribing), TEN),
    "socket_orders_at_the_limit": Attack(at_the_limit(_trading), TEN),
    "cancels_of_all": Attack(at_the_limit(_cancelling_all), TEN),
    "new_tokens_that_are_wrong": Attack(at_the_limit(_authenticating), TEN),
    "nested_events": Attack(at_the_limit(_nested), TEN),
    "deaf_subscribers": Attack(deaf_subscribers, TEN),
    "sockets_that_vanish": Attack(sockets_that_vanish, TEN),
    "frames_cut_small": Attack(frames_cut_small, TEN),
}
