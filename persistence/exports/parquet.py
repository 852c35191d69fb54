"""Rows as Parquet, by `pyarrow`: the one module that knows it, and it may be missing."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, BinaryIO, Final

from persistence.exports.kinds import Column

MISSING: Final = "Parquet takes pyarrow, which isn't installed: pip install 'probity[parquet]'"
ROW_GROUP: Final = 10_000
"""Rows of a row group: what is held until they are written."""
_TIMES: Final = frozenset({"at", "start"})


def is_there() -> bool:
    """Say whether Parquet can be written."""
    return find_spec("pyarrow") is not None


class ParquetWriter:
    """Writes row groups to a sink that needs no seeking."""

    def __init__(self, columns: Sequence[Column], sink: BinaryIO) -> None:
        import pyarrow as pa  # noqa: PLC0415 - half a second, and not everybody has it
        from pyarrow import parquet  # noqa: PLC0415

        # One core is enough for whoever gives way to others.
        pa.set_cpu_count(1)
        self._pyarrow = pa
        self._schema = pa.schema(
            [
                pa.field(
                    column.name, self._type(column), metadata={"unit": column.unit}, nullable=False
                )
                for column in columns
            ]
        )
        self._sink = pa.PythonFile(sink, mode="w")
        self._writer = parquet.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._rows: list[tuple[Any, ...]] = []

    def write(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write some rows, whole row groups at a time."""
        self._rows += rows
        while len(self._rows) >= ROW_GROUP:
            self._write_group(self._rows[:ROW_GROUP])
            del self._rows[:ROW_GROUP]

    def _write_group(self, rows: Sequence[tuple[Any, ...]]) -> None:
        columns = [
            self._pyarrow.array(values, type=field.type)
            for values, field in zip(zip(*rows, strict=True), self._schema, strict=True)
        ]
        self._writer.write_table(self._pyarrow.Table.from_arrays(columns, schema=self._schema))

    def close(self) -> None:
        """Write what is left, and what stands at the end of the file."""
        if self._rows:
            self._write_group(self._rows)
        self._writer.close()

    def _type(self, column: Column) -> Any:  # noqa: ANN401 - pyarrow is untyped
        if column.name in _TIMES:
            return self._pyarrow.timestamp("us", tz="UTC")
        return self._pyarrow.string() if column.type == "string" else self._pyarrow.int64()
