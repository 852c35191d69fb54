"""Tables as text (RFC 4180), for every file that is one.

Law: no text of somebody's is taken for a formula by the program that opens it. A file of its own,
since rooms that may not know each other write such files.
"""

import csv
import io
from collections.abc import Iterable
from typing import Final

_RISKY: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a program of tables takes for a formula at the beginning of a field."""
MEDIA: Final = "text/csv; charset=utf-8; header=present"


def text_cell(value: str | None) -> str:
    """Return a field that holds somebody's text; empty for none."""
    if value is None:
        return ""
    return f"'{value}" if value.startswith(_RISKY) else value


def csv_rows(rows: Iterable[Iterable[str]]) -> bytes:
    """Return lines of a table."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
