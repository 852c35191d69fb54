"""One file in its forms: itself, and compressed by each name of an encoding.

Laws: nothing is compressed while somebody waits. Each form has a tag of its own, by which whoever
has it already is told so (304) without its body; what never changes at its address needs none.
"""

import gzip
import hashlib
from typing import Final

import msgspec

from gateway.http.request import AnyRequest, File

_LEVEL: Final = 9
_TAG_BYTES: Final = 16
_HEADER_MOST: Final = 1_000


class Forms:
    """A file that is sent in the best form that the caller takes."""

    def __init__(self, whole: File) -> None:
        """Begin with the file itself."""
        self._whole = whole
        self._compressed: list[tuple[bytes, File]] = []
        digest = hashlib.blake2b(whole.body, digest_size=_TAG_BYTES).hexdigest().encode("ascii")
        self._digest = None if whole.is_immutable else digest

    def add(self, encoding: bytes, body: bytes) -> None:
        """Take a compressed form; the best comes first."""
        form = msgspec.structs.replace(self._whole, body=body)
        self._compressed.append((encoding, form))

    def answer(self, request: AnyRequest) -> File:
        """Return the best form that the caller takes, or that the caller has it already."""
        request.reply_headers.append((b"vary", b"accept-encoding"))
        taken = _taken(request.header(b"accept-encoding"))
        encoding, form = b"", self._whole
        for name, compressed in self._compressed:
            if name in taken:
                encoding, form = name, compressed
                break
        if self._digest is not None:
            tag = b'"' + self._digest + (b"-" + encoding if encoding else b"") + b'"'
            request.reply_headers.append((b"etag", tag))
            if tag in _tags(request.header(b"if-none-match")):
                return msgspec.structs.replace(form, body=b"", is_unchanged=True)
        if encoding:
            request.reply_headers.append((b"content-encoding", encoding))
        return form


def compressed(whole: File) -> Forms:
    """Return a file with its form for those who take gzip, as all do; takes tens of milliseconds
    for a megabyte.
    """
    forms = Forms(whole)
    forms.add(b"gzip", gzip.compress(whole.body, _LEVEL, mtime=0))
    return forms


def _taken(header: bytes) -> frozenset[bytes]:
    """Return the encodings that are named and not refused; weights among them don't matter."""
    named = (part.strip().lower().partition(b";") for part in header[:_HEADER_MOST].split(b","))
    return frozenset(
        name.strip() for name, _, weight in named if weight.replace(b" ", b"")[:4] != b"q=0"
    )


def _tags(header: bytes) -> frozenset[bytes]:
    """Return the tags of forms that the caller has; a proxy may have weakened them."""
    parts = (part.strip() for part in header[:_HEADER_MOST].split(b","))
    return frozenset(part.removeprefix(b"W/") for part in parts)
