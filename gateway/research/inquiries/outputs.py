"""What the service says, cut down to what is kept of it.

Laws: it is foreign text, which may hold anything: every part of it has a bound, what is longer is
cut and what is not of its shape left out, and an address is kept only if it is one of the web.
Nothing of it is ever taken for HTML or for an instruction. Whether an answer was cut is said.
"""

import json
import math
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from gateway.wire.nesting import deeper_than
from persistence.repositories.research.steps import Answered

CONTENT_MAX: Final = 200_000
"""Characters of an answer."""
SOURCES_MAX: Final = 200
FIELDS_MAX: Final = 100
EXCERPTS_MAX: Final = 3
EXCERPT_LENGTH: Final = 600
TITLE_LENGTH: Final = 300
REASONING_LENGTH: Final = 4_000
FIELD_LENGTH: Final = 200
URL_LENGTH: Final = 2_000
MESSAGE_LENGTH: Final = 500
_DEPTH: Final = 32
_COUNT_MAX: Final = 10**6
_CUT: Final = "…"
_CONFIDENCES: Final = frozenset({"low", "medium", "high"})


class Malformed(Exception):
    """What the service says isn't what it says that it would be; in our words."""


class Citation(msgspec.Struct, frozen=True, rename="camel"):
    """A page that says so."""

    url: str
    title: str | None
    excerpts: list[str]


class Source(msgspec.Struct, frozen=True, rename="camel"):
    """What one field of an answer rests on; of a text there is one, `output`."""

    field: str
    reasoning: str
    confidence: str | None
    citations: list[Citation]


class Found(msgspec.Struct, frozen=True, rename="camel"):
    """A page that a search found."""

    url: str
    title: str | None
    published: str | None
    excerpts: list[str]


class Progress(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """How far a run is: percent, sources that it considered and read, what it did last."""

    percent: int | None = None
    considered: int | None = None
    read: int | None = None
    message: str | None = None


def cut(value: object, length: int) -> str:
    """Return a text of at most `length` characters without control characters; "" for no text."""
    if not isinstance(value, str):
        return ""
    clean = "".join(map(_shown, value[: length + 1]))
    return clean if len(clean) <= length else clean[: length - 1] + _CUT


def _shown(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    return " " if character.isspace() else ""


def web_address(value: object) -> str | None:
    """Return an address that a reader may be sent to; None for any other."""
    if not isinstance(value, str) or len(value) > URL_LENGTH:
        return None
    if not value.isascii() or not value.isprintable() or " " in value:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme in {"http", "https"} and parts.hostname else None


def answer_of(body: bytes) -> Answered:
    """Return what is kept of a run's result; raises Malformed."""
    output = _object(_object(_json(body)).get("output"))
    content, kind = output.get("content"), output.get("type")
    if kind == "text" and isinstance(content, str):
        kept = cut(content, CONTENT_MAX)
    elif kind == "json" and isinstance(content, dict):
        kept = json.dumps(_readable(content), ensure_ascii=False, allow_nan=False)
        if len(kept) > CONTENT_MAX:
            # Half of an object is none: it is shown as the text that it is.
            kind, kept = "text", cut(kept, CONTENT_MAX)
    else:
        raise Malformed("its answer is neither text nor an object")
    sources = msgspec.json.encode(list(_sources(output.get("basis")))).decode()
    return Answered(kind, kept, sources)


def found_of(body: bytes, most: int) -> list[Found]:
    """Return at most `most` pages that a search found; raises Malformed."""
    results = _object(_json(body)).get("results")
    if not isinstance(results, list):
        raise Malformed("its answer holds no results")
    pages = []
    for one in results[:most]:
        if isinstance(one, dict) and (url := web_address(one.get("url"))) is not None:
            title, published = _optional(one, "title"), _optional(one, "publish_date")
            pages.append(Found(url, title, published, _excerpts(one)))
    return pages


def run_of(value: object) -> tuple[str, str, str, str]:
    """Return a run's (id, status, token of ours, error); raises Malformed."""
    run = _object(value)
    run_id, status = run.get("run_id"), run.get("status")
    if not isinstance(run_id, str) or not run_id.isascii() or not 0 < len(run_id) <= FIELD_LENGTH:
        raise Malformed("its run has no id")
    if not all(character.isalnum() or character in "_-" for character in run_id):
        raise Malformed("its run has no id")
    metadata, error = run.get("metadata"), run.get("error")
    token = metadata.get("probity") if isinstance(metadata, dict) else None
    said = error.get("message") if isinstance(error, dict) else None
    return run_id, cut(status, FIELD_LENGTH), cut(token, FIELD_LENGTH), cut(said, MESSAGE_LENGTH)


def progress_of(event: dict[str, Any], so_far: Progress) -> Progress:
    """Return how far a run is after an event of its stream."""
    kind = cut(event.get("type"), FIELD_LENGTH)
    if kind == "task_run.progress_stats":
        stats = event.get("source_stats")
        counts = stats if isinstance(stats, dict) else {}
        return Progress(
            _count(event.get("progress_meter"), 100),
            _count(counts.get("num_sources_considered"), _COUNT_MAX),
            _count(counts.get("num_sources_read"), _COUNT_MAX),
            so_far.message,
        )
    if kind.startswith("task_run.progress_msg"):
        message = cut(event.get("message"), MESSAGE_LENGTH)
        return msgspec.structs.replace(so_far, message=message or so_far.message)
    return so_far


def json_object(body: bytes) -> dict[str, Any]:
    """Return the object that a body is; raises Malformed."""
    return _object(_json(body))


def _json(body: bytes) -> object:
    if deeper_than(body, _DEPTH):
        raise Malformed("its answer is nested too deep")
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Malformed("its answer is no JSON") from None


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no number")


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed("its answer is no object")
    return value


def _readable(value: object) -> object:
    """Return a value of JSON whose texts have lost what is no text, and numbers without bound."""
    match value:
        case str():
            return cut(value, CONTENT_MAX)
        case dict():
            return {cut(name, FIELD_LENGTH): _readable(one) for name, one in value.items()}
        case list():
            return [_readable(one) for one in value]
        case float() if not math.isfinite(value):
            return None
        case _:
            return value


def _sources(basis: object) -> Iterator[Source]:
    left = SOURCES_MAX
    for one in (basis if isinstance(basis, list) else [])[:FIELDS_MAX]:
        if not isinstance(one, dict):
            continue
        citations = [
            Citation(url, _optional(cited, "title"), _excerpts(cited))
            for cited in _list(one.get("citations"))[:left]
            if isinstance(cited, dict) and (url := web_address(cited.get("url"))) is not None
        ]
        left -= len(citations)
        confidence = one.get("confidence")
        yield Source(
            cut(one.get("field"), FIELD_LENGTH),
            cut(one.get("reasoning"), REASONING_LENGTH),
            confidence if confidence in _CONFIDENCES else None,
            citations,
        )


def _excerpts(value: dict[str, Any]) -> list[str]:
    found = [cut(one, EXCERPT_LENGTH) for one in _list(value.get("excerpts"))[:EXCERPTS_MAX]]
    return [excerpt for excerpt in found if excerpt]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _optional(value: dict[str, Any], name: str) -> str | None:
    return cut(value.get(name), TITLE_LENGTH) or None


def _count(value: object, most: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        return None
    return int(value)
