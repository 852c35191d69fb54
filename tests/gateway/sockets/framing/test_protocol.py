"""What text frames mean: the table of `protocol.py`, row by row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sockets.framing.protocol import (
    BROKEN,
    ENDED,
    IGNORED,
    PONG,
    EventFrame,
    Frame,
    NamespaceFrame,
    Sign,
    read_frame,
)


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("1", ENDED),
        ("3", PONG),
        ("3probe", PONG),
        ("2", IGNORED),
        ("5", IGNORED),
        ("6", IGNORED),
        ("bAAAA", IGNORED),
        ('42["ping"]', EventFrame("/", None, '["ping"]')),
        ('42/ws,7["ping",{}]', EventFrame("/ws", 7, '["ping",{}]')),
        ('451-["a",{}]', EventFrame("/", None, '["a",{}]', is_binary=True)),
        ('451-/ws,9["a"]', EventFrame("/ws", 9, '["a"]', is_binary=True)),
        ("40", NamespaceFrame("0", leaves=False)),
        ('40/ws,{"token":"x"}', NamespaceFrame('0/ws,{"token":"x"}', leaves=False)),
        ("41/ws,", NamespaceFrame("1/ws,", leaves=True)),
        ("431[]", IGNORED),
        ("461-[]", IGNORED),
        ("", BROKEN),
        ("4", BROKEN),
        ("42", BROKEN),
        ("427", BROKEN),
        ("45", BROKEN),
        ("44{}", BROKEN),
        ("0{}", BROKEN),
        ("7", BROKEN),
        ("{}", BROKEN),
    ],
)
def test_a_frame_means(text: str, frame: Frame) -> None:
    assert read_frame(text) == frame


@given(st.text(max_size=40).map(lambda text: "4" + text) | st.text(max_size=40))
def test_any_text_means_something(text: str) -> None:
    frame = read_frame(text)
    assert isinstance(frame, EventFrame | NamespaceFrame | Sign)
    if isinstance(frame, EventFrame):
        assert text.endswith(frame.text)
