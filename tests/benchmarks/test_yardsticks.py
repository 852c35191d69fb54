"""The yardsticks do what they say: as much work as ours, none of it ours."""

import asyncio
import struct

import httpx
import msgspec
import pytest

from benchmarks.latency import histogram_median
from benchmarks.loads.exchange_flow import half_crossing
from benchmarks.loads.sealing import Sealing, packed_rows
from benchmarks.yardsticks.bare_copy import stream
from benchmarks.yardsticks.bare_server import post_app


def test_the_bare_post_parses_an_order_and_answers() -> None:
    answer = {"data": {"order": {"id": "1"}}}

    async def posted(body: bytes) -> httpx.Response:
        transport = httpx.ASGITransport(post_app(answer))
        async with httpx.AsyncClient(transport=transport, base_url="http://bare") as client:
            return await client.post("/api/v1/orders/any", content=body)

    answered = asyncio.run(posted(b'{"price":"0.5"}'))
    assert (answered.status_code, answered.content) == (201, msgspec.json.encode(answer))
    assert asyncio.run(posted(b"{}")).status_code == 400


def test_a_batch_is_copied_as_the_rows_that_the_journal_sends() -> None:
    sealing = Sealing()
    assert sealing.opening.last_seq == 1_020
    batch = sealing.seal(half_crossing(2, 1))
    rows = list(packed_rows(batch))
    # The journal's own row; two orders, a trade and its ledger entries; the rest are changes.
    assert rows[0] == batch.arguments[7]
    assert sum(len(row) == struct.calcsize(">qqqqqqqqqqqqqqHBBBBBBBq") for row in rows) == 2
    assert sum(len(row) == struct.calcsize(">qqqqqqqqqqqqHHBBB") for row in rows) == 1
    sent = sum(len(argument.bytes) for argument in batch.arguments if hasattr(argument, "bytes"))
    assert sum(map(len, rows)) == sent + len(rows[0])


def test_copy_gets_a_row_of_one_column_each() -> None:
    data = stream([b"ab", b""])
    assert data.startswith(b"PGCOPY\n\xff\r\n\0")
    assert data[19:] == b"\0\1\0\0\0\2ab" + b"\0\1\0\0\0\0" + b"\xff\xff"


def test_the_median_of_a_histogram_lies_within_its_bucket() -> None:
    inf = float("inf")
    assert histogram_median({0.005: 2.0, 0.01: 6.0, inf: 8.0}) == pytest.approx(0.0075)
    assert histogram_median({0.005: 4.0, 0.01: 4.0, inf: 8.0}) == pytest.approx(0.005)
    for nothing in ({0.005: 0.0, inf: 0.0}, {0.005: 1.0, inf: 4.0}):
        with pytest.raises(ValueError, match="no median"):
            histogram_median(nothing)
