"""What msgspec says of a value that doesn't fit, in words for whoever sent it.

Laws: a refusal says what would be right, and one of a choice names the choices; no type of ours and
no msgspec's is in it. A message that isn't known here is passed on as it is.
"""

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec

CHOICES_SHOWN: Final = 40
"""No list of ours is longer; more would be no help."""

_KINDS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
_TYPE: Final = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")
_LENGTH: Final = re.compile(r"Expected `(str|array|object)` of length (?:(>=|<=|==) )?([0-9]+)")
_COUNTED: Final = {"str": "character", "array": "item", "object": "field"}
_BOUND: Final = re.compile(r"Expected `(?:int|float)` (>=|<=|>|<) (\S+)")
_ENUM: Final = re.compile(r"Invalid enum value (.*)", re.DOTALL)
_TAG: Final = re.compile(r"Invalid value (.*)|Expected `str`", re.DOTALL)
"""Of the field that tells the kinds of an object apart, like a batch's `op`."""
_BOUNDS: Final = {
    ">=": "at least",
    "<=": "at most",
    "==": "exactly",
    ">": "more than",
    "<": "below",
}


def plain(message: str, owner: object, path: str) -> str:
    """Return `message` in plain words; `path` says which field of the type `owner` it is about."""
    choices = choices_of(field_type(owner, path))
    if found := _ENUM.fullmatch(message):
        return f"must be {one_of(choices)}, not {_quoted(found.group(1))}" if choices else message
    if found := _TAG.fullmatch(message):
        tags = [tag for tag, _ in _kinds_of(field_type(owner, path.rpartition(".")[0]))]
        if tags:
            given = found.group(1)
            return f"must be {one_of(tags)}{'' if given is None else f', not {_quoted(given)}'}"
    if found := _TYPE.fullmatch(message):
        if choices:
            return f"must be {one_of(choices)}"
        wanted = [name for name in found.group(1).split(" | ") if name != "null"]
        words = [_KINDS.get(name, name) for name in wanted]
        got = found.group(2)
        if (wanted, got) == (["int"], "float"):
            return "must be a whole number, without decimals"
        return f"must be {' or '.join(words)}, not {_KINDS.get(got, got)}"
    if found := _LENGTH.fullmatch(message):
        kind, bound, count = found.groups()
        counted = f"{count} {_COUNTED[kind]}{'' if count == '1' else 's'}"
        return f"must have {_BOUNDS[bound or '==']} {counted}"
    if found := _BOUND.fullmatch(message):
        return f"must be {_BOUNDS[found.group(1)]} {found.group(2)}"
    text = message.replace("`", "")
    return text[:1].lower() + text[1:200]


def known_fields(owner: object, path: str) -> str:
    """Return what is said of a field that isn't there: which ones are, of each kind of object."""
    annotation = field_type(owner, path)
    kinds = _kinds_of(annotation)
    if kinds:
        known = "; ".join(f"{tag}: {_names_of(struct)}" for tag, struct in kinds)
        return f"is not a known field; known are, of {known}"
    struct = _struct_of(annotation)
    if struct is None or not struct.__struct_fields__:
        return "is not a known field: none is taken here"
    return f"is not a known field; known are {_names_of(struct)}"


def one_of(choices: Sequence[str]) -> str:
    """Return e.g. "BUY or SELL"."""
    *others, last = choices[:CHOICES_SHOWN]
    return f"{', '.join(others)} or {last}" if others else last


def choices_of(annotation: object) -> list[str]:
    """Return the words that a type allows, none if it isn't a choice."""
    found: list[str] = []
    for kind in _alternatives(annotation):
        if isinstance(kind, type) and issubclass(kind, Enum):
            found += [str(member.value) for member in kind]
        elif get_origin(kind) is Literal:
            found += [str(value) for value in get_args(kind)]
    return found


def field_type(owner: object, path: str) -> object:
    """Return the type of the field at `path` ("a.b[0].c") of a type; None if there is none."""
    found: object = owner
    for step in filter(None, re.split(r"\.|(\[[^\]]*\])", path)):
        if step.startswith("["):
            lists = [kind for kind in _alternatives(found) if get_origin(kind) in (list, tuple)]
            found = get_args(lists[0])[0] if lists else None
            continue
        struct = _struct_of(found)
        fields = () if struct is None else msgspec.structs.fields(struct)
        found = next((field.type for field in fields if field.encode_name == step), None)
    return found


def _names_of(struct: type[msgspec.Struct]) -> str:
    return ", ".join(struct.__struct_encode_fields__[:CHOICES_SHOWN]) or "none"


def _kinds_of(annotation: object) -> list[tuple[str, type[msgspec.Struct]]]:
    """Return the objects that a type allows which are told apart by a tag, by their tags."""
    return [
        (str(kind.__struct_config__.tag), kind)
        for kind in _alternatives(annotation)
        if isinstance(kind, type)
        and issubclass(kind, msgspec.Struct)
        and kind.__struct_config__.tag is not None
    ]


def _struct_of(annotation: object) -> type[msgspec.Struct] | None:
    for kind in _alternatives(annotation):
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return kind
    return None


def _alternatives(annotation: object) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for inner in get_args(annotation):
            yield from _alternatives(inner)
    else:
        yield annotation


def _quoted(value: str) -> str:
    """Return a client's own value, as Python shows it, fit to be shown."""
    text = value[1:-1] if value[:1] in "'\"" and len(value) > 1 else value
    return '"' + "".join(c if c.isprintable() else "?" for c in text[:64]) + '"'
