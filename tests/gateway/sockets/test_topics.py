"""Private streams beside executions: numbered by themselves, told to their user alone."""

import msgspec
import pytest

from gateway.observability.tallies import Tally
from gateway.sockets.link import UNTOLD
from gateway.sockets.rooms import UserRooms
from gateway.sockets.topics import Topics
from tests.gateway.socket_client import socket_client
from tests.gateway.socket_desk import open_socket_desk
from tests.gateway.streaming.test_book_messages import Reader


class BetView(msgspec.Struct, rename="camel"):
    """What a domain might say."""

    bet_id: str
    is_won: bool


class Unwritable(msgspec.Struct):
    """What can't be said."""

    what: object


BET = BetView("7", is_won=True)


async def test_a_topic_reaches_every_socket_of_its_user_and_nobody_else() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port, "1") as ann,
        socket_client(desk.port, "1", namespace="/ws") as ann_elsewhere,
        socket_client(desk.port, "2") as bob,
        socket_client(desk.port) as nobody,
    ):
        bets, alerts = (desk.hearers.topics.open(name) for name in ("bets", "alerts"))
        bets.publish(1, "bet_updated", BET)
        alerts.publish(1, "alert_triggered", BET)
        bets.publish(1, "bet_updated", BET)
        await ann.until(lambda: ann.heard("bet_updated"))
        epoch = ann.heard("bet_updated")[0]["topicEpoch"]
        for client in (ann, ann_elsewhere):
            await client.until(lambda: len(client.heard("bet_updated")) == 2)  # noqa: B023
            first, second = client.heard("bet_updated")
            told = {"betId": "7", "isWon": True, "topic": "bets", "topicEpoch": epoch}
            assert (first, second) == (told | {"topicSeq": 1}, told | {"topicSeq": 2})
            (alert,) = client.heard("alert_triggered")
            assert (alert["topic"], alert["topicSeq"], alert["topicEpoch"]) == ("alerts", 1, epoch)
        await ann.until(lambda: any("topics" in beat for beat in ann.heard("heartbeat")))
        beat = ann.heard("heartbeat")[-1]
        assert (beat["topics"], beat["topicEpoch"]) == ({"bets": 2, "alerts": 1}, epoch)
        await nobody.until(lambda: nobody.heard("heartbeat"))
        assert "topics" not in nobody.heard("heartbeat")[-1]
        assert not bob.heard("bet_updated")
        assert ann.heard("heartbeat")[-1]["accountSeq"] == desk.engine.view.accounts[1].seq


def test_numbers_never_seem_to_go_on_where_something_was_missed() -> None:
    users = UserRooms[Reader]()
    topic = Topics(users, Tally()).open("bets")
    epochs = []
    for _ in range(3):
        reader = Reader()
        users.join(reader, 1)
        topic.publish(1, "bet_updated", BET)
        ((_, data),) = reader.messages()
        assert data["topicSeq"] == 1
        epochs.append(data["topicEpoch"])
        users.leave(reader, 1)
        topic.publish(1, "bet_updated", BET)
    assert users.rooms == {}
    assert epochs == sorted(set(epochs))


async def test_a_renewed_token_is_no_reconnect() -> None:
    async with open_socket_desk() as desk, socket_client(desk.port, "1") as ann:
        topic = desk.hearers.topics.open("bets")
        topic.publish(1, "bet_updated", BET)
        await ann.ok("session:authenticate", {"token": "1:renewed"})
        topic.publish(1, "bet_updated", BET)
        await ann.until(lambda: len(ann.heard("bet_updated")) == 2)
        first, second = ann.heard("bet_updated")
        assert (first["topicSeq"], second["topicSeq"]) == (1, 2)
        assert first["topicEpoch"] == second["topicEpoch"]
        await ann.ok("session:authenticate", {"token": "2"})
        topic.publish(1, "bet_updated", BET)
        await ann.ok("ping", {})
        assert len(ann.heard("bet_updated")) == 2
        assert list(desk.users) == [2]


def test_a_topic_is_opened_once() -> None:
    topics = Topics(UserRooms[Reader](), Tally())
    topics.open("bets")
    with pytest.raises(ValueError, match="bets"):
        topics.open("bets")


async def test_what_cannot_be_said_costs_its_readers_their_sockets_and_nobody_more() -> None:
    async with (
        open_socket_desk() as desk,
        socket_client(desk.port, "1") as ann,
        socket_client(desk.port, "2") as bob,
    ):
        desk.hearers.topics.open("bets").publish(1, "bet_updated", Unwritable(object()))
        await ann.closed.wait()
        assert (ann.close_code, ann.close_reason) == (1012, UNTOLD)
        await bob.ok("ping", {})
