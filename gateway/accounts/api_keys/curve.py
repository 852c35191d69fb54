"""Which 32 bytes are an Ed25519 public key that only its owner can sign for.

RFC 8032 leaves it to the verifier whether the eight points of small order, and points that have
such a part, are taken for keys. Under a key of small order one signature fits many texts, and under
a point written in a second way one key has two names; OpenSSL takes both. So a key is looked at
once, when it is given: it is written canonically (y < p), lies on the curve, is not the neutral
element, and has the prime order L. Python's integers take some milliseconds for that.
"""

from typing import Final

_P: Final = 2**255 - 19
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_ONE: Final = pow(2, (_P - 1) // 4, _P)
_SIGN: Final = 1 << 255
_KEY_BYTES: Final = 32

_Point = tuple[int, int, int, int]
"""Extended coordinates: X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z (RFC 8032, 5.1.4)."""
_NEUTRAL: Final[_Point] = (0, 1, 1, 0)


def flaw_of(key: bytes) -> str | None:
    """Return what is wrong with a public key, None if it is one that only its owner signs for."""
    if len(key) != _KEY_BYTES:
        return f"must have {_KEY_BYTES} bytes, not {len(key)}"
    point = _decoded(int.from_bytes(key, "little"))
    if point is None:
        return "is no point of the curve, written canonically"
    if _is_neutral(point) or not _is_neutral(_times(_ORDER, point)):
        return "is a point of small order or has such a part: anybody could sign for it"
    return None


def _decoded(number: int) -> _Point | None:
    """Return the point that a number writes, None if it writes none or not in the one way."""
    sign, y = number >> 255, number & (_SIGN - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT_OF_MINUS_ONE % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return (x, y, 1, x * y % _P)


def _add(one: _Point, other: _Point) -> _Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _times(factor: int, point: _Point) -> _Point:
    total = _NEUTRAL
    while factor:
        if factor & 1:
            total = _add(total, point)
        point = _add(point, point)
        factor >>= 1
    return total


def _is_neutral(point: _Point) -> bool:
    return point[0] % _P == 0 and (point[1] - point[2]) % _P == 0
