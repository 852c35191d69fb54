"""Query parameters: decoded into the route's struct, as strictly as bodies.

Unknown and repeated parameters, bad escapes, control characters and numbers that are not plain
ASCII digits are refused with a 400 that names the parameter.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec

from exchange.messages.bounds import STORED_MAX
from gateway.wire.errors import ValidationFailed
from gateway.wire.plain_words import known_fields
from gateway.wire.strict_json import QueryStruct, from_msgspec, refuse_poison, shown_name

QUERY_LENGTH: Final = 2_048
"""Bytes of a whole query string."""
QUERY_PARAMETERS: Final = 20
QUERY_FIELD: Final = "query"
MIN_SEQ: Final = "minSeq"
"""Every read takes it (`engine_side/progress.py`)."""

_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,18})", re.ASCII)

_NO_GROUPS: Final[Mapping[str, Sequence[Any]]] = {}

WordT = TypeVar("WordT", bound=Enum)


def words_text(
    words: type[Enum],
    example: str,
    groups: Mapping[str, Sequence[Enum]] = _NO_GROUPS,
    *,
    unset: str = "all",
) -> msgspec.Meta:
    """Return what says that a parameter is a list of these words with commas between.

    A name of `groups` stands for several of them; `unset` says what it means to leave it out.
    """
    choice = "|".join([*(str(word.value) for word in words), *groups])
    return msgspec.Meta(
        max_length=len(choice),
        description=f"one or more, separated by commas, e.g. {example}; unset: {unset}",
        extra_json_schema={"pattern": f"^({choice})(,({choice}))*$"},
    )


def parse_words(
    text: str | None,
    words: type[WordT],
    field: str,
    groups: Mapping[str, Sequence[WordT]] = _NO_GROUPS,
) -> tuple[WordT, ...]:
    """Return the words of e.g. "OPEN,PARTIAL", none for None; raises ValidationFailed."""
    if text is None:
        return ()
    by_name: dict[str, Sequence[WordT]] = {str(word.value): (word,) for word in words}
    by_name |= groups
    try:
        return tuple(dict.fromkeys(word for name in text.split(",") for word in by_name[name]))
    except KeyError:
        message = f"must be of {', '.join(by_name)}, separated by commas"
        raise ValidationFailed.of(field, message) from None


class QueryDecoder:
    """Decodes the query strings of routes with the same parameters. Made by `query_decoder`."""

    __slots__ = ("_integers", "_struct", "_unset")

    def __init__(self, struct: type[QueryStruct]) -> None:
        self._struct = struct
        fields = msgspec.structs.fields(struct)
        self._integers = frozenset(f.encode_name for f in fields if _holds_integer(f.type))
        # Most calls carry no query at all; None where a parameter is required.
        required = any(f.required for f in fields)
        self._unset = None if required else struct()

    def decode(self, parameters: Mapping[str, str]) -> QueryStruct:
        """Return the struct; raises ValidationFailed naming the parameter."""
        if not parameters and self._unset is not None:
            return self._unset
        for name in self._integers & parameters.keys():
            # msgspec would also take "1e1" and "5.0" for an integer.
            if _INTEGER.fullmatch(parameters[name]) is None:
                raise ValidationFailed.of(name, 'must be a whole number such as "5"')
        try:
            return msgspec.convert(parameters, self._struct, strict=False)
        except msgspec.ValidationError as error:
            raise from_msgspec(error, self._struct, QUERY_FIELD) from None


@functools.cache
def query_decoder(struct: type[QueryStruct]) -> QueryDecoder:
    """Return the decoder of these parameters, made once a process."""
    return QueryDecoder(struct)


def parse_query(raw: bytes) -> dict[str, str]:
    """Return the parameters of a query string; raises ValidationFailed if it is not sound."""
    if len(raw) > QUERY_LENGTH:
        raise ValidationFailed.of(QUERY_FIELD, f"may have at most {QUERY_LENGTH} bytes")
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=QUERY_PARAMETERS,
        )
    except (UnicodeDecodeError, ValueError):
        raise ValidationFailed.of(QUERY_FIELD, "is not a valid query string") from None
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name in parameters:
            raise ValidationFailed.of(shown_name(name), "is given twice")
        refuse_poison(value, shown_name(name))
        parameters[name] = value
    return parameters


def take_min_seq(parameters: dict[str, str]) -> int:
    """Remove and return the command that a read asks for, 0 for none; raises ValidationFailed."""
    text = parameters.pop(MIN_SEQ, None)
    if text is None:
        return 0
    if _INTEGER.fullmatch(text) is None or not 0 <= (seq := int(text)) <= STORED_MAX:
        raise ValidationFailed.of(MIN_SEQ, "must be an asOfSeq of an answer, a whole number")
    return seq


def refuse_query(parameters: Mapping[str, str]) -> None:
    """Raise ValidationFailed if a route without parameters is given any."""
    for name in parameters:
        raise ValidationFailed.of(shown_name(name), known_fields(None, ""))


def _holds_integer(annotation: object) -> bool:
    if annotation is int:
        return True
    if get_origin(annotation) is Annotated:
        return _holds_integer(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return any(_holds_integer(inner) for inner in get_args(annotation))
    return False
