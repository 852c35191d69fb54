"""What tapes made of a database have in common: a session that only reads, and waits for itself."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from persistence.postgres.database import Connection, connect

T = TypeVar("T")
_SESSION = {"application_name": "probity backtest", "default_transaction_read_only": "on"}


class StoredTape:
    """The database at a URL, read by whoever waits for it; to be closed."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._url = url
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        """Connect; raises DatabaseUnavailable."""
        try:
            self._connection = self._runner.run(connect(self._url, settings=_SESSION))
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the database."""
        try:
            self._runner.run(self._known.close())
        finally:
            self._runner.close()

    @property
    def _known(self) -> Connection:
        if self._connection is None:
            raise RuntimeError("the tape isn't open")
        return self._connection

    def _wait(self, asked: Coroutine[Any, Any, T]) -> T:
        """Return what is asked of the database."""
        return self._runner.run(asked)
