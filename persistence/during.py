"""A context variable that has a value for as long as a block runs.

Not made of a generator, as `contextlib` would: that costs each request and each command three times
as much.
"""

from contextvars import ContextVar
from typing import Generic, TypeVar

T = TypeVar("T")


class During(Generic[T]):
    """Sets `variable` to `value` when it is entered, and back when it is left."""

    __slots__ = ("_token", "_value", "_variable")

    def __init__(self, variable: ContextVar[T], value: T) -> None:
        self._variable = variable
        self._value = value

    def __enter__(self) -> None:
        self._token = self._variable.set(self._value)

    def __exit__(self, *_error: object) -> None:
        self._variable.reset(self._token)
