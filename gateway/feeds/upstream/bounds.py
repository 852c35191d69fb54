"""What asking a venue may cost, in one place: time, bytes, depth, tries, memory.

Laws: each step has a bound of its own and all of them together have one; a venue's client changes
what is different there and leaves the rest.
"""

import msgspec

MEBIBYTE = 1 << 20


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Times are seconds, sizes bytes."""

    connect_s: float = 5.0
    read_s: float = 10.0
    """Between two pieces of an answer."""
    whole_s: float = 25.0
    """For one try, from the connection to the last byte."""
    tries: int = 4
    all_tries_s: float = 60.0
    """No try begins later than so long after the first."""
    first_wait_s: float = 0.25
    longest_wait_s: float = 8.0
    jitter_s: float = 0.5
    retry_after_max_s: float = 60.0
    """A venue that wants to be left alone for longer is asked again after this."""
    queue_s: float = 30.0
    """So long a request waits for its turn under our own limit."""
    readers_share: float = 0.5
    """Of our own limit, what readers may use up; the rest is the jobs' alone."""
    readers_queue_s: float = 3.0
    """So long a reader's request waits for its turn: what is known is shown then, marked stale."""
    connections: int = 8
    body_bytes: int = 16 * MEBIBYTE
    """As it comes, and as it is when it is unpacked."""
    depth: int = 32
    """Brackets within brackets of a JSON text."""
    inline_bytes: int = 16 * 1024
    """A larger body is unpacked and parsed in a thread."""
    remembered_bytes: int = 8 * MEBIBYTE
    """Bodies kept to be shown again when the venue says that nothing changed."""
    remembered_body_bytes: int = MEBIBYTE
    """A larger body isn't kept."""
    failures: int = 8
    """So many failed tries in a row open the breaker."""
    open_s: float = 15.0
    """So long nobody asks then; doubled with each trial that fails."""
    open_max_s: float = 120.0


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """Our own limit, below the venue's: in any minute at most `burst` + `per_minute` requests."""

    per_minute: float
    burst: int

    def part(self, share: float) -> "Rate":
        """Return a share of it."""
        return Rate(per_minute=self.per_minute * share, burst=max(1, int(self.burst * share)))
