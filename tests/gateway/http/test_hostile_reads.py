"""Each parameter of each read, from the route table, given what makes no sense: a 400, or 416 for
what lies beyond the end, that names the parameter, and nothing looked up for it.

The application here has no database, no journal and no venue behind it: whoever asked any of them
before it had looked at its parameters would fail with a 500.
"""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import pytest

from gateway.bootstrap.settings import load_settings
from gateway.http.openapi import openapi_document
from gateway.http.routing import Access, Route, Shape
from tests.gateway.trading_desk import CHOICES, Desk, all_tables

LONG: Final = "9" * 400
NONE_OF_ANY: Final = ("", "NaN", "-1", "1e3", "1_000", "\uff11\uff12", "0x10", " 1", "+1", "1.5")
NUMBERS: Final = (*NONE_OF_ANY, "null", "true", "[]", "1\x00", "1\n", LONG, str(2**63), "\u0661")
TIMES: Final = (
    *NONE_OF_ANY,
    "yesterday",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-02-30T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-01T00:00:00+25:00",
    "2026-01-01T00:00:00Z\n",
    "\uff12\uff10\uff12\uff16-01-01T00:00:00Z",
    "99999-01-01T00:00:00Z",
    "-2026-01-01T00:00:00Z",
    LONG,
)
CHOSEN: Final = (*NONE_OF_ANY, "2m", "1M", "\uff11m", "ALL", "x\x00", LONG)
CURSORS: Final = (*NONE_OF_ANY, "x", "0", "1-", "-", "1-x", "1-2-3-4", "1-\u0661", LONG, str(2**64))
PAYOUTS: Final = (*NONE_OF_ANY, "x", "0", "1", "-0.5", "0.00001", "\uff10.5", LONG)
SHARES: Final = (*NONE_OF_ANY[:-1], "x", "0", "-0.5", "0.001", "\uff10.5", LONG)
MONEY: Final = (*NONE_OF_ANY[:-1], "x", "0", "-0.5", "0.0000001", "\uff10.5", LONG)
SYMBOLS: Final = (*NONE_OF_ANY, "x", "orca", "\uff21BC", LONG)
BOOLEANS: Final = ("", "yes", "1", "TRUE", "NaN", LONG)
KINDS: Final = {
    NUMBERS: "limit depth offset afterSeq atSeq minSeq alertId leverage",
    TIMES: "from to at",
    CHOSEN: "interval fill manifest format outcome status role side type sort order source platform"
    " address chainId period strategy",
    CURSORS: "cursor",
    BOOLEANS: "exclusive executions",
    PAYOUTS: "yesPayout amount maxPrice",
    SHARES: "shares",
    SYMBOLS: "symbol",
}
FREE: Final = frozenset(
    {"market", "marketId", "slug", "search", "q", "category", "clientOrderId", "orderId"}
    | {"actor", "action", "target", "requestId", "userId", "outcomes"}
)
"""Names and words, which anything may be."""
FREE_AT: Final = {("/admin/audit", "outcome"), ("/admin/audit/export", "outcome")}
"""Those that only one read takes as words."""
HOSTILE_AT: Final = {("/economy/stocks/{symbol}/quote", "amount"): MONEY}
"""What makes no sense there alone: any amount is worth some part of a share."""
HOSTILE: Final = {name: values for values, names in KINDS.items() for name in names.split()}
NAMED: Final = {
    "{slug}": "rain",
    "{day}": "2026-01-01",
    "{kind}": "trades",
    "{category}": "a",
    "{symbol}": "ORCA",
}


def parameters() -> Iterator[tuple[Route, str, str]]:
    """Yield (row, parameter, the others that it needs) of every read below /api/v1."""
    rows = [row for row in all_tables()[0].routes if row.method == "GET"]
    # There a place in the list is a name, which may be any.
    rows = [row for row in rows if row.path != "/order-groups"]
    # What a provider sends a browser back with is its to say.
    rows = [row for row in rows if row.shape is not Shape.REDIRECT]
    document = openapi_document(rows, load_settings({}).pages, CHOICES)
    for row in rows:
        listed = document["paths"].get(row.path, {"get": {}})["get"].get("parameters", ())
        asked = [one for one in listed if one["in"] == "query"]
        asked = [one for one in asked if (row.path, one["name"]) not in FREE_AT]
        needed = {"q": "rain", "market": "rain"} if "export" in row.path else {"q": "rain"}
        for one in asked:
            if row.path.endswith("/settlement"):
                needed = {"outcome": "SPLIT", "yesPayout": "0.5"}
            if row.path == "/bets/quote":
                needed = {"marketId": "rain", "side": "YES", "amount": "10"}
            if row.path.endswith("/{symbol}/quote"):
                # Shares or an amount, never both.
                needed = {"side": "BUY"} | ({} if one["name"] == "amount" else {"shares": "1"})
            others = {
                name: value
                for name, value in needed.items()
                if name != one["name"] and any(p["name"] == name for p in asked)
            }
            yield row, one["name"], "".join(f"&{n}={v}" for n, v in others.items())


ALL: Final = list(parameters())


def path_of(row: Route) -> str:
    path = row.path
    for name, value in NAMED.items():
        path = path.replace(name, value)
    return path.replace("{id}", "1").replace("{clientOrderId}", "a")


def who(row: Route) -> str | None:
    return {Access.PUBLIC: None, Access.USER: "ann", Access.ADMIN: "root"}[row.access]


def test_every_parameter_has_a_kind() -> None:
    """A new one is given what makes no sense, or is known to take anything."""
    assert {name for _, name, _ in ALL} - FREE <= HOSTILE.keys()
    assert len(ALL) > 100


@pytest.mark.parametrize("name", sorted({name for _, name, _ in ALL} - FREE))
async def test_what_makes_no_sense_is_named(desk: Desk, name: str) -> None:
    for row, parameter, others in ALL:
        if parameter == name:
            for value in HOSTILE_AT.get((row.path, name), HOSTILE[name]):
                query = f"{name}={quote(value, safe='')}{others}"
                await refused(desk, row, query, name, {400, 416})


NOW: Final = "2026-06-01T00:00:00Z"
EARLIER: Final = "2026-05-01T00:00:00Z"
YEAR_AGO: Final = "2025-06-01T00:00:00Z"
FUTURE: Final = "2199-01-01T00:00:00Z"
FAR: Final = str(2**62 - 1)
RANGES: Final = (
    ("/markets/rain/candles", f"from={NOW}&to={EARLIER}", 400, "from"),
    ("/markets/rain/candles", f"from={FUTURE}", 400, "from"),
    ("/markets/rain/candles", "interval=1m&from=2025-01-01T00:00:00Z", 400, "to"),
    (
        "/markets/rain/candles",
        f"interval=1m&from=2025-01-01T00:00:00Z&to={NOW}&fill=true",
        400,
        "to",
    ),
    ("/markets/rain/candles", "interval=1d&from=0001-01-01T00:00:00Z", 400, "from"),
    ("/markets/rain/history", f"from={NOW}&to={EARLIER}", 400, "from"),
    ("/markets/rain/history", f"from={FUTURE}&to={FUTURE}", 400, "from"),
    ("/markets/rain/snapshots", f"from={NOW}&to={EARLIER}", 400, "from"),
    ("/markets/rain/snapshots", f"from={FUTURE}", 400, "from"),
    ("/markets/rain/snapshots", f"cursor=5-1&to={NOW}", 400, "to"),
    ("/markets/rain/orderbook", f"at={FUTURE}", 416, "at"),
    ("/markets/rain/orderbook", "at=2020-01-01T00:00:00Z", 404, None),
    ("/markets/rain/orderbook", f"atSeq={FAR}", 416, "atSeq"),
    ("/markets/rain/orderbook", f"at={NOW}&atSeq=1", 400, "at"),
    ("/markets/rain/orderbook", f"atSeq=1&minSeq={FAR}", 504, "minSeq"),
    ("/markets/rain/orderbook/deltas", f"afterSeq={FAR}", 416, "afterSeq"),
    ("/markets/rain/orderbook/deltas", f"cursor={FAR}", 416, "cursor"),
    ("/markets/rain/orderbook/orders", f"afterSeq={FAR}", 416, "afterSeq"),
    ("/markets/rain/orderbook/orders", f"cursor={FAR}", 416, "cursor"),
    ("/markets/rain/orderbook/deltas", "limit=1000000", 400, "limit"),
    ("/markets/rain/lifecycle", "limit=1000000", 400, "limit"),
    ("/markets/rain/lifecycle", "cursor=1-99999", 400, "cursor"),
    ("/export/trades", f"market=rain&from={NOW}&to={EARLIER}", 400, "to"),
    ("/export/trades", f"market=rain&from={FUTURE}", 416, "from"),
    ("/export/trades", "market=rain&interval=1m", 400, "interval"),
    ("/export/trades", "", 400, "market"),
    ("/export/trades", "market=kalshi:K", 400, "market"),
    ("/export/trades", "market=none", 404, None),
    ("/export/fills", "market=rain", 404, None),
    ("/user/events", f"afterSeq={FAR}", 416, "afterSeq"),
    ("/tickers", f"minSeq={FAR}", 504, "minSeq"),
    ("/tickers", "status=OPEN,NONSENSE", 400, "status"),
    ("/summaries/2026-02-30", "", 400, "day"),
    ("/summaries/2199-01-01", "", 404, None),
    ("/markets/none/candles", "", 404, None),
    ("/markets/none/orderbook/deltas", "", 404, None),
    ("/markets/" + "9" * 300 + "/orderbook", "", 404, None),
    ("/markets/%00/orderbook", "", 404, None),
)
"""(path, query, status, field): what each is alone is right, and together or here is not."""


async def test_ranges_that_lie_nowhere_are_named_and_nothing_is_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def started(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr("asyncio.create_subprocess_exec", started)
    for path, query, status, field in RANGES:
        reply = await desk.call("GET", f"{path}?{query}", "ann")
        assert reply.status == status, (path, query, reply)
        if field is not None:
            assert reply.fields[0] == field, (path, query, reply)


async def test_what_comes_twice_is_named(desk: Desk) -> None:
    for row, name, others in ALL:
        for value in ("1", "a", ""):
            await refused(desk, row, f"{name}={value}&{name}={value}{others}", name, {400})


async def test_what_nobody_knows_is_named(desk: Desk) -> None:
    for row in {row.path: row for row, _, _ in ALL}.values():
        for name in ("nonsense", "Limit", "limit%00", "\uff4cimit", "from_time", "min_seq"):
            query = f"{quote(name, safe='%')}=1"
            answer = await asked(desk, row, query)
            assert answer[0] == 400, (row.path, name, answer)


async def asked(desk: Desk, row: Route, query: str) -> tuple[int, dict[str, Any]]:
    reply = await desk.call("GET", f"{path_of(row)}?{query}", who(row))
    return reply.status, reply.body


async def refused(desk: Desk, row: Route, query: str, name: str, statuses: set[int]) -> None:
    status, body = await asked(desk, row, query)
    assert status in statuses, (row.path, query, status, body)
    fields = [detail["field"] for detail in body["error"]["details"]]
    assert fields == [name], (row.path, query, body)
