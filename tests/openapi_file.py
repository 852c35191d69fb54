"""Write the part of the OpenAPI document that the terminal's types are made of.

    python -m tests.openapi_file FILE

Laws: it is the document that the exchange serves, made without a database and without a setting of
anybody's, so it is the same on every machine. Failures are left out: they all have one shape, and
would make nine tenths of the file. `web/src/api/schema.ts` is made of it (`make web-types`).
"""

import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.bootstrap.settings import load_settings
from gateway.http.openapi import openapi_document
from tests.gateway.trading_desk import CHOICES, all_tables

_UNTYPED: Final = frozenset({"description", "examples", "example", "pattern", "summary"})


def document() -> dict[str, Any]:
    """Return the document without what makes no type."""
    rows = all_tables()[0].routes
    whole: dict[str, Any] = openapi_document(rows, load_settings({}).pages, CHOICES)
    del whole["components"]["examples"]
    for methods in whole["paths"].values():
        for operation in methods.values():
            for medium in operation.get("requestBody", {}).get("content", {}).values():
                medium.pop("example", None)
            answers = operation["responses"].items()
            operation["responses"] = {
                status: {key: part for key, part in answer.items() if key != "headers"}
                for status, answer in answers
                if status < "400"
            }
            for answer in operation["responses"].values():
                for medium in answer.get("content", {}).values():
                    medium.pop("example", None)
    slim: dict[str, Any] = _without_words(whole)
    return slim


def _without_words(part: Any) -> Any:
    if isinstance(part, list):
        return [_without_words(item) for item in part]
    if not isinstance(part, dict):
        return part
    # A field may have such a name; what says of it is a text.
    return {
        key: _without_words(value)
        for key, value in part.items()
        if key not in _UNTYPED or isinstance(value, dict)
    }


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(msgspec.json.encode(document()))
