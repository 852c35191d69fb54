"""Who may speak on a channel, and which database it is of."""

import hmac
import random
from typing import Any
from urllib.parse import urlsplit

import pytest

from persistence.journal.rows import JournalRow
from persistence.postgres.clocks import database_now
from persistence.postgres.database import connect
from persistence.relay.channel import Channel, _derived, is_made_with, new_stream
from persistence.relay.looks import identity_of, look
from persistence.relay.messages import Beat, Rows
from tests.conftest import Postgres

SECRET = bytes(range(32))
CHANNEL = Channel("here", SECRET)
BEAT = Beat("stream", 5, 8, 7, b"hash")
ROWS = Rows("stream", 5, 8, [JournalRow(1, 2, 3, 4, 1, b"payload", b"before", b"after")])


@pytest.mark.parametrize("message", [BEAT, ROWS])
def test_what_was_sealed_is_opened(message: Beat | Rows) -> None:
    assert CHANNEL.open(CHANNEL.seal(message)) == message


def test_what_was_changed_anywhere_is_not_opened() -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    dice = random.Random(seed)
    sealed = CHANNEL.seal(ROWS)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1 << dice.randrange(8)
        assert CHANNEL.open(bytes(changed)) is None, place
        assert CHANNEL.open(sealed[:place]) is None, place
    assert CHANNEL.open(sealed + b"\0") is None


def test_another_secret_and_another_channel_open_nothing() -> None:
    sealed = CHANNEL.seal(BEAT)
    assert Channel("here", bytes(32)).open(sealed) is None
    assert Channel("there", SECRET).open(sealed) is None


def sealed_by_us(body: bytes) -> bytes:
    """What only a fault of ours would send."""
    mac = hmac.digest(_derived(SECRET, b"messages"), CHANNEL.name.encode() + b"\0" + body, "sha256")
    return mac + body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"\x91" * 1_110 + b"\x90",
        b"\x91" * 100_000,
        b"\xdd\xff\xff\xff\xff",
        b"\x92\xa4\xff\xff\xff\xff\x90",
        b"\x96\xa4rows\xa1s\x01\x02\x90",
        b"\x94\xa4beat\x03\x01\xc4\x00",
    ],
)
def test_what_cannot_be_decoded_is_no_message_however_it_fails(body: bytes) -> None:
    assert CHANNEL.open(sealed_by_us(body)) is None


@pytest.mark.parametrize("data", [None, "text", 7, ["beat"]])
def test_what_is_no_bytes_is_no_message(data: object) -> None:
    assert CHANNEL.open(data) is None


def test_a_stream_shows_who_has_the_secret() -> None:
    stream = new_stream(SECRET)
    assert is_made_with(SECRET, stream)
    assert not is_made_with(bytes(32), stream)
    assert new_stream(SECRET) != stream
    number, _, mark = stream.partition(".")
    for strange in ("", ".", number, f"{number}.", f".{mark}", f"0{stream}", "\ud800.\ud800"):
        assert not is_made_with(SECRET, strange)


async def identity(url: str) -> str:
    connection = await connect(url)
    try:
        return await identity_of(connection)
    finally:
        await connection.close()


async def test_a_copy_in_another_database_is_another_exchange(
    postgres: Postgres, database_url: str, template_database: str
) -> None:
    original = await identity(database_url)
    connection = await connect(urlsplit(postgres.superuser_url)._replace(path="/postgres").geturl())
    name = urlsplit(database_url).path[1:]
    try:
        system = await connection.fetchval("SELECT system_identifier FROM pg_control_system()")
        oid = await connection.fetchval("SELECT oid FROM pg_database WHERE datname = $1", name)
        await connection.execute(
            f'CREATE DATABASE copy_of_{name} TEMPLATE {name} OWNER "{postgres.user}"'
        )
        try:
            copy = await identity(postgres.database(f"copy_of_{name}"))
        finally:
            await connection.execute(f"DROP DATABASE copy_of_{name} WITH (FORCE)")
    finally:
        await connection.close()
    assert original.startswith(f"{system}.{oid}.")
    assert (copy != original, copy.rpartition(".")[2]) == (True, original.rpartition(".")[2])
    assert template_database


async def test_a_role_that_may_not_ask_for_the_cluster_does_without(
    postgres: Postgres, database_url: str
) -> None:
    whole = await identity(database_url)
    path = urlsplit(database_url).path
    connection = await connect(urlsplit(postgres.superuser_url)._replace(path=path).geturl())
    try:
        await connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    finally:
        await connection.close()
    known: Any = (await identity(database_url)).split(".")
    assert known == ["0", *whole.split(".")[1:]]


async def test_a_look_says_where_the_exchange_stands_and_when(database_url: str) -> None:
    connection = await connect(database_url)
    try:
        before = await database_now(connection)
        found = await look(connection)
        assert found is not None
        assert before <= found.at <= await database_now(connection)
        assert (found.epoch, found.last_seq, found.stream_id) == (0, 0, None)
        await connection.execute("DELETE FROM engine_state")
        assert await look(connection) is None
    finally:
        await connection.close()
