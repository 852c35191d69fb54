"""A client's WebSocket frames: where each ends, and the text of those that need no more thought.

Laws: pure functions of bytes, RFC 6455, 5.2. What is cut off is one whole frame or, if nothing
whole can be told from it, too much: a frame longer than allowed comes out as it began, for the
library to refuse. Whatever is not a whole, masked, unextended text message in valid UTF-8
(fragments, control frames, binary, mistakes) has no text here and is the library's to judge.
"""

import math
import sys
from collections.abc import Iterator
from time import monotonic
from typing import Final

# Compiled, if the library came so.
from websockets.frames import apply_mask  # type: ignore[attr-defined]

_WHOLE_TEXT: Final = 0x81
_MASKED: Final = 0x80
_MEDIUM: Final = 126
_LONG: Final = 127
_MASK_BYTES: Final = 4
_BYTES_LIKE_A_FRAME: Final = 9
"""What reading a frame costs grows with its length: each 2**9 bytes count as another one."""


class ClientFrames:
    """The frames of one connection; keeps one that is incomplete, or what was too much at once."""

    __slots__ = ("_longest", "_part", "has_more")

    def __init__(self, longest: int) -> None:
        """Begin at the first byte behind the handshake; payloads have at most `longest` bytes."""
        self._longest = longest
        self._part = b""
        self.has_more = False
        """Whether `cut` came to its most and should be called again, with nothing if need be."""

    def cut(
        self, data: bytes, most: int = sys.maxsize, ends_at: float = math.inf
    ) -> Iterator[tuple[bytes, str | None]]:
        """Yield each frame that `data` completes and its text, None if it's not a plain one.

        After `most` frames the rest is kept for the next call; a long one counts as several. The
        same at `ends_at` of the monotonic clock, if one frame was handled.
        """
        if self._part:
            data = self._part + data
        at, end, left = 0, len(data), most
        while end - at > 1:
            if at and monotonic() > ends_at:
                left = 0
            if left <= 0:
                break
            first, second = data[at], data[at + 1]
            size = second & 0x7F
            begin = at + 2
            if size >= _MEDIUM:
                begin += 2 if size == _MEDIUM else 8
                if begin > end:
                    break
                size = int.from_bytes(data[at + 2 : begin], "big")
            if second & _MASKED:
                begin += _MASK_BYTES
            stop = begin + size
            if size > self._longest:
                stop = end
            elif stop > end:
                break
            left -= 1 + (size >> _BYTES_LIKE_A_FRAME)
            frame = data[at:stop]
            text = None
            if first == _WHOLE_TEXT and second & _MASKED and size <= self._longest:
                text = _text(data, begin, stop)
            at = stop
            yield frame, text
        self._part = data[at:]
        self.has_more = left <= 0 and end > at


def _text(data: bytes, begin: int, stop: int) -> str | None:
    try:
        return apply_mask(data[begin:stop], data[begin - _MASK_BYTES : begin]).decode()
    except UnicodeDecodeError:
        return None
