"""Check exported files against their manifests: whole, unchanged, with the columns that are said.

    python check_export.py rain-trades.csv.manifest.json ...

Exit code 0 if every file is what its manifest says. It takes Python's standard library alone; the
rows of Parquet files are counted where `pyarrow` is installed.
"""

import csv
import hashlib
import json
import sys
from pathlib import Path
from typing import Any


def problems(path: Path) -> list[str]:
    """Return what is wrong with the file that a manifest stands beside; nothing if it is whole."""
    manifest: dict[str, Any] = json.loads(path.read_text("utf-8"))
    file = path.with_name(manifest["file"])
    if not file.exists():
        return [f"{file} isn't there"]
    found = []
    if file.stat().st_size != manifest["bytes"]:
        found.append(f"has {file.stat().st_size} bytes, not {manifest['bytes']}")
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while part := stream.read(1 << 20):
            digest.update(part)
    if digest.hexdigest() != manifest["sha256"]:
        found.append(f"has the SHA-256 {digest.hexdigest()}, not {manifest['sha256']}")
    if found:
        return found
    names = [column["name"] for column in manifest["columns"]]
    columns, rows = read_csv(file) if manifest["format"] == "csv" else read_parquet(file, names)
    if columns != names:
        found.append(f"has the columns {columns}, not {names}")
    if rows is not None and rows != manifest["rows"]:
        found.append(f"has {rows} rows, not {manifest['rows']}")
    return found


def read_csv(file: Path) -> tuple[list[str], int]:
    """Return the columns and the number of rows."""
    with file.open(encoding="ascii", newline="") as stream:
        rows = csv.reader(stream)
        columns = next(rows, [])
        return columns, sum(1 for _ in rows)


def read_parquet(file: Path, names: list[str]) -> tuple[list[str], int | None]:
    """Return the columns and the number of rows; what is expected where that can't be read."""
    try:
        from pyarrow import parquet  # noqa: PLC0415 - not everybody has it
    except ImportError:
        return names, None
    read = parquet.ParquetFile(file)
    return list(read.schema_arrow.names), int(read.metadata.num_rows)


def main() -> None:
    """Check every manifest that is named."""
    failed = False
    for name in sys.argv[1:]:
        wrong = problems(Path(name))
        failed = failed or bool(wrong)
        print(f"{name}: {'; '.join(wrong) or 'ok'}")
    sys.exit(1 if failed or len(sys.argv) == 1 else 0)


if __name__ == "__main__":
    main()
