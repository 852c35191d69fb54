"""Attacks by HTTP requests: heads, bodies, connections, answers that nobody reads, passwords."""

import asyncio
import json
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Final

import httpx

from tests.faults.attacks.wire import TEN, Attack, Line, Target, hold, in_parallel, request, upgrade

PIPELINED_BYTES = 2_300_000
IDLE_CONNECTIONS = 300
GUESSERS = 45
CROWD = 200
LATE = "of the loop's turns over 50 ms late"
RIGHT_SIGN_INS = 25

Report = dict[str, object]


async def _ask(target: Target, source: str, data: bytes, times: int = 1) -> list[int]:
    """Send the same request over one connection, each after the answer to the one before."""
    with closing(await Line.open(target, source)) as line:
        statuses = []
        for _ in range(times):
            await line.send(data)
            statuses.append(await line.answer())
        return statuses


# -- heads --------------------------------------------------------------------------------------


def quadratic_cookie(size: int) -> Callable[[Target], Awaitable[None]]:
    """A quoted cookie of nothing but escapes, whose reading took time by the square."""
    head = 'Cookie: probity_refresh="' + '\\"' * (size // 2) + '"'
    data = request("POST", "/api/v1/auth/refresh", head)

    async def attack(target: Target) -> None:
        await in_parallel(4, target, lambda _: _nothing(_ask(target, target.address, data)))

    return attack


async def _nothing(asked: Awaitable[object]) -> None:
    await asked


async def many_headers(target: Target) -> None:
    """Heads just under the bound, of as many headers as fit."""
    rows = [f"x-{number}: {number}" for number in range(2_200)]
    data = request("GET", "/health", *rows)
    await in_parallel(4, target, lambda _: _nothing(_ask(target, target.address, data, 100)))


async def huge_queries(target: Target) -> None:
    """Queries just under the bound, of as many parameters and escapes as fit."""
    query = "&".join(f"a{number}=%25" for number in range(2_500))
    own = target.accounts

    def data(number: int) -> bytes:
        return request("GET", f"/api/v1/markets?{query}", token=own[number].token)

    await in_parallel(
        len(own), target, lambda n: _nothing(_ask(target, own[n].address, data(n), 100))
    )


async def forged_tokens(target: Target) -> None:
    """Tokens as long as a head may be, never the same one twice."""

    async def strike(_: int) -> None:
        with closing(await Line.open(target, target.address)) as line:
            for _again in range(100):
                token = ".".join(secrets.token_urlsafe(7_000) for _part in range(3))
                await line.send(request("GET", "/api/v1/orders", token=token))
                await line.answer()

    await in_parallel(4, target, strike)


# -- bodies -------------------------------------------------------------------------------------


def _bodies() -> list[bytes]:
    size = 65_000
    return [
        b"[" * size,
        b'{"a":' * (size // 5),
        b'{"side":"BUY","price":"0.' + b"1" * size + b'"}',
        b'{"quantity":' + b"9" * size + b"}",
        ("{" + ",".join(f'"{n}":{n}' for n in range(6_000)) + "}").encode()[:size],
        json.dumps({"side": "\ud83d" * 10_000}).encode()[:size],
    ]


async def costly_bodies(target: Target) -> None:
    """Bodies as large as they may be: nested, repeated, endless digits and names."""
    own, bodies = target.accounts, _bodies()

    async def strike(number: int) -> None:
        account = own[number]
        with closing(await Line.open(target, account.address)) as line:
            for body in bodies:
                path = f"/api/v1/orders/{target.market}"
                await line.send(request("POST", path, body=body, token=account.token))
                await line.answer()

    await in_parallel(len(own), target, strike)


# -- connections --------------------------------------------------------------------------------


async def unread_answers(target: Target) -> None:
    """Ten connections ask for the front page some 40 000 times and read nothing."""
    data = request("GET", "/") * (PIPELINED_BYTES // len(request("GET", "/")))

    async def strike(_: int) -> None:
        with closing(await Line.open(target, target.address, deaf=True)) as line:
            await line.send(data)
            await hold(target)

    await in_parallel(10, target, strike)


async def bodies_behind_unread_answers(target: Target) -> None:
    """Two hundred connections read nothing and send bodies behind what they asked for."""
    reads = request("GET", "/") * 200
    bodies = request("POST", "/api/v1/auth/login", body=b" " * 60_000) * 16

    async def strike(_: int) -> None:
        with closing(await Line.open(target, target.address, deaf=True)) as line:
            await line.send(reads + bodies)
            await hold(target)

    await in_parallel(200, target, strike)


async def pipelined_reads(target: Target) -> None:
    """Ten connections ask, pipelined, for what has no limit, and read all of it."""
    paths = ("/health", "/ready", "/metrics", "/static/style.css", "/api/v1/openapi.json", "/")

    async def strike(number: int) -> None:
        with closing(await Line.open(target, target.address)) as line:
            line.read_away()
            await line.send(request("GET", paths[number % len(paths)]) * 5_000)
            await line.ended()

    await in_parallel(10, target, strike)


async def connections_without_end(target: Target) -> None:
    """Connections in the states that no timer ended, all held."""
    half = b"GET / HTTP/1.1\r\nHost: local"
    many = upgrade(*(f"x-{number}: 1" for number in range(200)))
    begun = (
        request("GET", "/health") + b"\r\n",
        half,
        many,
        b"",
        request("POST", "/api/v1/auth/login", "Content-Length: 100")[:-1],
        request("POST", "/api/v1/auth/login", "Content-Length: 100"),
    )

    async def strike(number: int) -> None:
        with closing(await Line.open(target, target.address)) as line:
            line.read_away()
            await line.send(begun[number % len(begun)])
            await line.ended()

    await in_parallel(IDLE_CONNECTIONS, target, strike)


async def trickled_heads(target: Target) -> None:
    """A byte at a time on many connections, each its own read."""

    async def strike(_: int) -> None:
        with closing(await Line.open(target, target.address)) as line:
            line.read_away()
            await line.send(b"GET / HTTP/1.1\r\nx: ")
            while True:
                await line.send(b"y")
                await asyncio.sleep(0)

    await in_parallel(20, target, strike)


async def come_and_go(target: Target) -> None:
    """Connections that are opened, ask once and are cut before the answer."""

    async def strike(_: int) -> None:
        while True:
            with closing(await Line.open(target, target.address)) as line:
                await line.send(request("GET", "/health"))

    await in_parallel(10, target, strike)


# -- passwords ----------------------------------------------------------------------------------


def _login(target: Target, email: str, password: str, token: str = "") -> bytes:
    body = json.dumps({"email": email, "password": password}).encode()
    return request("POST", "/api/v1/auth/login", body=body, token=token)


async def guesses_with_own_token(target: Target) -> Report:
    """Wrong passwords against another's account beside a valid token of one's own."""
    own, answered = target.accounts[0], []
    data = _login(target, target.victim.email, "not the password", own.token)

    async def strike(_: int) -> None:
        answered.extend(await _ask(target, own.address, data))

    await in_parallel(8, target, strike)
    return {"guesses answered 401": answered.count(401), "refused 429": answered.count(429)}


async def crowd_of_guesses(target: Target) -> Report:
    """Wrong passwords from 45 connections, and beside them right ones from elsewhere."""
    ends = time.monotonic() + target.seconds
    right: list[int] = []
    waits: list[float] = []

    async def guess(number: int) -> None:
        # Other accounts each time, so that no limit of one account stops it.
        data = _login(target, f"nobody-{number}-{secrets.token_hex(4)}@example.com", "wrong")
        await _ask(target, target.address, data)

    async def sign_in() -> None:
        pause = target.seconds / (RIGHT_SIGN_INS + 1)
        for number in range(RIGHT_SIGN_INS):
            await asyncio.sleep(pause)
            account = target.accounts[number % len(target.accounts)]
            began = time.monotonic()
            data = _login(target, account.email, target.password)
            right.extend(await _ask(target, account.address, data))
            waits.append(time.monotonic() - began)
            if time.monotonic() > ends:
                break

    await asyncio.gather(in_parallel(GUESSERS, target, guess), sign_in())
    return {
        "right sign-ins": len(right),
        "of them refused": len(right) - right.count(200),
        "longest sign-in ms": round(max(waits) * 1_000),
    }


async def parallel_sign_ins(target: Target) -> Report:
    """Two hundred sign-ins at once, each from an address of its own, so that no limit is met."""
    network = target.address.rpartition(".")[0].replace("127.1.", "127.2.")
    answered: list[int] = []
    before = await _lag(target)

    async def strike(number: int) -> None:
        data = _login(target, f"nobody-{secrets.token_hex(6)}@example.com", "wrong password")
        answered.extend(await _ask(target, f"{network}.{number + 1}", data))

    await in_parallel(CROWD, target, strike)
    after = await _lag(target)
    turns, late = (now - then for now, then in zip(after, before, strict=True))
    return {
        "answered 401": answered.count(401),
        "refused 429": answered.count(429),
        LATE: round(late / max(1, turns), 4),
    }


async def _lag(target: Target) -> tuple[float, float]:
    """Return how often the event loop's lag was looked at, and was over 50 ms."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"http://127.0.0.1:{target.port}/metrics")).text
    rows = dict(re.findall(r'event_loop_lag_seconds_bucket\{le="([^"]+)"\} (\S+)', text))
    return float(rows["+Inf"]), float(rows["+Inf"]) - float(rows["0.05"])


async def registrations(target: Target) -> Report:
    """New accounts, as fast as they are given."""
    made: list[int] = []

    async def strike(_: int) -> None:
        email = f"{secrets.token_hex(8)}@example.com"
        body = json.dumps({"email": email, "password": target.password}).encode()
        made.extend(
            await _ask(target, target.address, request("POST", "/api/v1/auth/register", body=body))
        )

    await in_parallel(10, target, strike)
    return {"accounts made": made.count(201)}


async def refused_requests(target: Target) -> None:
    """Whatever is refused: unknown paths, methods, no login, over the limit, as fast as it goes."""
    asked = [
        request("GET", "/api/v1/nowhere"),
        request("PUT", "/api/v1/markets"),
        request("OPTIONS", "/api/v1/markets"),
        request("GET", "/api/v1/orders"),
        request("POST", "/api/v1/auth/login", body=b'{"a":1}'),
        request("GET", "/ws/?EIO=4&transport=polling"),
    ]

    async def strike(number: int) -> None:
        await _ask(target, target.address, asked[number % len(asked)], 200)

    await in_parallel(12, target, strike)


async def orders_at_the_limit(target: Target) -> None:
    """Ten accounts place and cancel over REST as fast as they are answered."""
    own = target.accounts

    async def strike(number: int) -> None:
        account = own[number % len(own)]
        body = {"side": "BUY", "outcome": "YES", "type": "LIMIT", "price": "0.01", "quantity": "1"}
        path = f"/api/v1/orders/{target.market}"
        place = request("POST", path, body=json.dumps(body).encode(), token=account.token)
        cancel = request("DELETE", "/api/v1/orders/1", token=account.token)
        with closing(await Line.open(target, account.address)) as line:
            for _ in range(100):
                for data in (place, cancel):
                    await line.send(data)
                    await line.answer()

    await in_parallel(len(own), target, strike)


async def reads_at_the_limit(target: Target) -> None:
    """Ten accounts ask for the largest pages there are."""
    own = target.accounts
    paths = (
        "/api/v1/markets?limit=200",
        "/api/v1/orders?limit=200",
        "/api/v1/user/ledger?limit=200",
        f"/api/v1/markets/{target.market}/trades?limit=200",
        "/api/v1/user/positions",
    )

    async def strike(number: int) -> None:
        account = own[number]
        with closing(await Line.open(target, account.address)) as line:
            for path in paths * 20:
                await line.send(request("GET", path, token=account.token))
                await line.answer()

    await in_parallel(len(own), target, strike)


async def refused_handshakes(target: Target) -> None:
    """Sockets past the limit of an address, from an origin that isn't ours, and broken ones."""
    asked = (
        upgrade(),
        upgrade("Origin: http://elsewhere.example"),
        upgrade("Sec-WebSocket-Key: x"),
    )

    async def strike(number: int) -> None:
        with closing(await Line.open(target, target.address)) as line:
            await line.send(asked[number % len(asked)])
            await line.answer()

    await in_parallel(10, target, strike)


ON_HTTP: Final = {
    "quadratic_cookie_30k": Attack(quadratic_cookie(30_000)),
    "quadratic_cookie_64k": Attack(quadratic_cookie(64_000)),
    "many_headers": Attack(many_headers),
    "huge_queries": Attack(huge_queries, TEN),
    "forged_tokens": Attack(forged_tokens),
    "costly_bodies": Attack(costly_bodies, TEN),
    "unread_answers": Attack(unread_answers),
    "bodies_behind_unread_answers": Attack(bodies_behind_unread_answers),
    "pipelined_reads": Attack(pipelined_reads),
    "connections_without_end": Attack(connections_without_end),
    "trickled_heads": Attack(trickled_heads),
    "come_and_go": Attack(come_and_go),
    "guesses_with_own_token": Attack(guesses_with_own_token, TEN),
    "crowd_of_guesses": Attack(crowd_of_guesses, TEN),
    "parallel_sign_ins": Attack(parallel_sign_ins),
    "registrations": Attack(registrations),
    "refused_requests": Attack(refused_requests),
    "orders_at_the_limit": Attack(orders_at_the_limit, TEN),
    "reads_at_the_limit": Attack(reads_at_the_limit, TEN),
    "refused_handshakes": Attack(refused_handshakes),
}
