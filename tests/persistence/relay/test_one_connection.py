"""The client of one task over a real Redis: replies in order, and no reply for another command."""

import asyncio
from typing import Any

import pytest
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import MaxConnectionsError, ResponseError
from redis.exceptions import TimeoutError as ReplyLate

from persistence.relay.messages import FAILURES, make_client
from persistence.relay.one_connection import OneConnection, Subscription
from tests.redis_process import RedisProcess
from tests.server_process import until


async def test_commands_are_answered_in_order_and_refusals_said(redis: RedisProcess) -> None:
    client = make_client(redis.url)
    assert await client.set("number", 7)
    assert await client.get("number") == b"7"
    with pytest.raises(ResponseError):
        await client.xlen("number")
    assert await client.xread({"nothing": "0-0"}, count=1) == []
    assert await client.xadd("stream", {"c": b"x"}, id="5-1") == b"5-1"
    about = await client.xinfo_stream("stream")
    assert about["last-generated-id"] == b"5-1"
    await client.aclose()


async def test_messages_go_together_and_are_heard_in_order(redis: RedisProcess) -> None:
    client, hearing = make_client(redis.url), make_client(redis.url)
    heard = hearing.pubsub()
    await heard.subscribe("a", "b")
    assert [await _kind(heard) for _ in range(2)] == ["subscribe"] * 2
    assert await heard.get_message(timeout=0.01) is None
    await client.publish_all([("a", b"1"), ("b", b"2"), ("a", b"3")])
    found = [await heard.get_message(timeout=30) for _ in range(3)]
    said = [(one["channel"], one["data"]) for one in found if one is not None]
    assert said == [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]
    await heard.ping()
    assert await _kind(heard) == "pong"
    redis.command("CLIENT", "KILL", "TYPE", "pubsub")
    with pytest.raises(FAILURES):
        await heard.get_message(timeout=30)
    # It isn't begun anew in silence: something may have been missed.
    connection: Any = heard.connection
    await connection.disconnect()
    with pytest.raises(Disconnected):
        await heard.get_message(timeout=30)
    for one in (heard, hearing, client):
        await one.aclose()


async def _kind(heard: Subscription) -> object:
    """Return what kind of a message comes next."""
    found = await heard.get_message(timeout=30)
    assert found is not None
    return found["type"]


async def test_a_second_command_is_refused_while_one_is_under_way(redis: RedisProcess) -> None:
    client = make_client(redis.url)
    waiting = asyncio.create_task(_wait(client))
    await asyncio.sleep(0)
    with pytest.raises(MaxConnectionsError):
        await client.ping()
    assert issubclass(MaxConnectionsError, FAILURES)
    await waiting
    assert await client.ping()
    await client.aclose()


async def test_no_reply_is_taken_for_another_commands(redis: RedisProcess) -> None:
    client = make_client(redis.url)
    await client.set("late", b"late")
    redis.freeze()
    with pytest.raises(ReplyLate):
        await client.get("late")
    redis.thaw()
    assert await client.get("nothing") is None
    asked = asyncio.create_task(_wait(client))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.wait([asked])
    assert await client.get("late") == b"late"
    await client.aclose()


async def _wait(client: OneConnection) -> None:
    """Wait for what doesn't come."""
    await client.xread({"stream": "0-0"}, block=500)


async def _is_closed(client: OneConnection) -> None:
    """Wait until the end that the server made has come."""
    connection: Any = client.connection
    await until(connection._reader.at_eof)


async def test_what_the_server_closed_is_made_anew_before_anything_goes(
    redis: RedisProcess,
) -> None:
    client = make_client(redis.url)
    await client.set("number", 1)
    redis.command("CLIENT", "KILL", "TYPE", "normal")
    await _is_closed(client)
    assert await client.incr("number") == 2
    redis.kill()
    await _is_closed(client)
    with pytest.raises(FAILURES):
        await client.incr("number")
    redis.start()
    assert await client.incr("number") == 1
    await client.aclose()
