"""WebSocket frames and Socket.IO heads."""

import msgspec
import pytest

from gateway.sockets.framing.frames import Message, Messages, ack_frame, event_head, text_frame


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_length_of_a_frame(length: int, head: bytes) -> None:
    payload = b"x" * length
    assert text_frame(payload) == head + payload


def test_message_is_encoded_once_for_each_namespace() -> None:
    message = Message("pong", {"a": 1})
    assert message.frame(0) == text_frame(b'42["pong",{"a":1}]')
    assert message.frame(1) == text_frame(b'42/ws,["pong",{"a":1}]')
    assert message.frame(1) is message.frame(1)


@pytest.mark.parametrize("namespace", [0, 1])
def test_messages_are_framed_as_each_alone(namespace: int) -> None:
    told = [("a", {"text": "x" * length}) for length in (0, 110, 111, 112, 65_500, 65_530, 0)]
    messages = Messages(told)
    assert messages.frames(namespace) == [Message(*one).frame(namespace) for one in told]
    assert messages.frames(namespace) is messages.frames(namespace)
    head = (b"42", b"42/ws,")[namespace]
    for frame, (event, data) in zip(messages.frames(namespace), told, strict=True):
        assert frame == text_frame(head + msgspec.json.encode([event, data]))


def test_ack() -> None:
    assert ack_frame(0, 7, {"ok": True}) == text_frame(b'437[{"ok":true}]')
    assert ack_frame(1, 12, {"ok": True}) == text_frame(b'43/ws,12[{"ok":true}]')


@pytest.mark.parametrize(
    ("packet", "head"),
    [
        ('["a"]', ("/", None, '["a"]')),
        ('17["a"]', ("/", 17, '["a"]')),
        ('/ws,17["a",{}]', ("/ws", 17, '["a",{}]')),
        ('/ws?token=1,["a"]', ("/ws", None, '["a"]')),
        ("1" * 16 + "[]", None),
        ("7", None),
        ("", None),
        ("/ws,", None),
        ("/ws,5", None),
    ],
)
def test_head_of_an_event(packet: str, head: tuple[str, int | None, str] | None) -> None:
    assert event_head(packet) == head
