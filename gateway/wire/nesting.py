"""How deep a JSON text is nested, told before anybody parses it.

Laws: time is linear in the length and nothing calls itself, so that no text is too deep to be
looked at. A parser of the standard library goes one call deeper for each bracket, and ends the
process instead of raising where a library has raised the interpreter's own limit.
"""

from typing import Final

_NEITHER: Final = bytes(set(range(256)) - set(b'[]{}"'))
"""What is neither a bracket nor a quote."""
_SLICE: Final = 1 << 16


def deeper_than(text: bytes, depth: int) -> bool:
    """Say whether a JSON text has more than `depth` brackets open at once; linear in its length."""
    if text.count(b"[") + text.count(b"{") <= depth:
        return False
    # Without escapes every second quote ends a string: what stands between is outside of them.
    # (A text where that doesn't hold is no JSON, and fails for its parser.)
    at = begin = 0
    is_inside = False
    while begin < len(text):
        end = begin + _SLICE
        while text[end - 1 : end] == b"\\":
            end += 1
        piece = text[begin:end].replace(b"\\\\", b"").replace(b'\\"', b"")
        parts = piece.translate(None, _NEITHER).split(b'"')
        for bracket in b"".join(parts[is_inside::2]):
            at += 1 if bracket in b"[{" else -1
            if at > depth:
                return True
        is_inside ^= len(parts) % 2 == 0
        begin = end
    return False
