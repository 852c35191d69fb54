"""What a venue said to prove later that nothing has changed: ETag or Last-Modified, and the body.

Laws: bounded in bytes, the longest unused goes first; a body is kept only with a validator of the
same answer; what is kept is the text, so that each reader gets a value of its own.
"""

from collections import OrderedDict
from collections.abc import Mapping

import msgspec

from gateway.feeds.upstream.bounds import Bounds

_HEADER_MAX = 200
"""No validator is longer."""


class Remembered(msgspec.Struct, frozen=True):
    """One answer that can be asked about."""

    etag: str
    last_modified: str
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """What to send so that the venue may answer 304."""
        found = {}
        if self.etag:
            found["if-none-match"] = self.etag
        if self.last_modified:
            found["if-modified-since"] = self.last_modified
        return found


class Validators:
    """The answers of one base URL, by their address."""

    def __init__(self, bounds: Bounds) -> None:
        """Remember nothing."""
        self._bounds = bounds
        self._known: OrderedDict[str, Remembered] = OrderedDict()
        self.bytes = 0

    def get(self, address: str) -> Remembered | None:
        """Return what is known of an address."""
        found = self._known.get(address)
        if found is not None:
            self._known.move_to_end(address)
        return found

    def keep(self, address: str, headers: Mapping[str, str], body: bytes) -> None:
        """Remember an answer if the venue gave a validator with it, else forget the address."""
        self.forget(address)
        etag = headers.get("etag", "")[: _HEADER_MAX + 1]
        modified = headers.get("last-modified", "")[: _HEADER_MAX + 1]
        if max(len(etag), len(modified)) > _HEADER_MAX or not (etag or modified):
            return
        if len(body) > self._bounds.remembered_body_bytes:
            return
        self._known[address] = Remembered(etag, modified, body)
        self.bytes += len(body)
        while self.bytes > self._bounds.remembered_bytes:
            _, oldest = self._known.popitem(last=False)
            self.bytes -= len(oldest.body)

    def forget(self, address: str) -> None:
        """Drop what is known of an address."""
        if (found := self._known.pop(address, None)) is not None:
            self.bytes -= len(found.body)
