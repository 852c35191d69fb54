"""Summaries of days over REST: listed with their hashes, given letter for letter; clear noes."""

from hashlib import sha256

from persistence.clock import now_us
from persistence.exports.day_summary import COLUMNS, DayManifest, Totals, day_text
from persistence.exports.manifest import manifest_text
from persistence.repositories.candles import DAY_US
from tests.gateway.conftest import MakeWeb, Web

TODAY = now_us() // DAY_US


async def keep(web: Web, day: int) -> tuple[bytes, bytes]:
    """Keep a file that says which day it is."""
    body = f"market_id\n{day}\n".encode()
    manifest = manifest_text(
        DayManifest(
            file=f"{day_text(day)}-summary.csv",
            kind="summary",
            format="csv",
            day=day_text(day),
            begin=day * DAY_US,
            end=(day + 1) * DAY_US - 1,
            rows=1,
            bytes=len(body),
            sha256=sha256(body).hexdigest(),
            totals=Totals(volume=150, turnover=2_500_000, trades=3, open_interest=70, fees=12),
            columns=COLUMNS,
        )
    )
    insert = "INSERT INTO daily_summaries VALUES ($1, $2, $3)"
    await web.parts.pool.execute(insert, day, manifest, body)
    return manifest, body


async def test_days_are_listed_and_given(make_web: MakeWeb) -> None:
    web = await make_web()
    kept = {day: await keep(web, day) for day in range(TODAY - 5, TODAY)}
    shown, path = [], "/api/v1/summaries?limit=2"
    while True:
        answer = (await web.client.get(path)).json()
        shown += answer["data"]
        assert len(answer["data"]) <= 2
        if answer["nextCursor"] is None:
            break
        path = f"/api/v1/summaries?limit=2&cursor={answer['nextCursor']}"
    assert [one["day"] for one in shown] == [day_text(day) for day in sorted(kept, reverse=True)]
    assert shown[0] | {"day": "", "sha256": "", "file": ""} == {
        "day": "",
        "markets": 1,
        "volume": "1.50",
        "turnover": "2.500000",
        "trades": 3,
        "openInterest": "0.70",
        "fees": "0.000012",
        "file": "",
        "bytes": 16,
        "sha256": "",
    }
    for day, one in zip(sorted(kept, reverse=True), shown, strict=True):
        for query in ("", "?format=csv"):
            file = await web.client.get(f"/api/v1/summaries/{one['day']}{query}")
            assert file.status_code == 200
            assert file.headers["content-type"].startswith("text/csv")
            assert f'filename="{one["file"]}"' in file.headers["content-disposition"]
            assert sha256(file.content).hexdigest() == one["sha256"]
        beside = await web.client.get(f"/api/v1/summaries/{one['day']}?format=manifest")
        assert beside.content == kept[day][0]
        assert beside.headers["content-type"] == "application/json"


NONSENSE = (
    ("/summaries/yesterday", 400, "day"),
    ("/summaries/2026-02-30", 400, "day"),
    ("/summaries/2026-1-1", 400, "day"),
    ("/summaries/\u0662026-01-01", 400, "day"),
    ("/summaries/2026-01-01%0A", 404, None),
    ("/summaries/0000-00-00", 400, "day"),
    ("/summaries/2026-01-01?format=parquet", 400, "format"),
    ("/summaries/2026-01-01?format=csv&format=csv", 400, "format"),
    ("/summaries/2026-01-01?day=1", 400, "day"),
    ("/summaries/2026-01-01?minSeq=1", 400, "minSeq"),
    ("/summaries?cursor=x", 400, "cursor"),
    ("/summaries?cursor=-1", 400, "cursor"),
    ("/summaries?limit=0", 400, "limit"),
    ("/summaries?limit=1000000", 400, "limit"),
    ("/summaries/2026-01-01", 404, None),
    ("/summaries/0001-01-01", 404, None),
    ("/summaries/9999-12-31", 404, None),
    ("/summaries/" + "9" * 500, 404, None),
    (f"/summaries/{day_text(TODAY)}", 404, None),
)


async def test_what_makes_no_sense_is_said(web: Web) -> None:
    for path, status, field in NONSENSE:
        answer = await web.client.get(f"/api/v1{path}")
        assert answer.status_code == status, (path, answer.text)
        if field is not None:
            assert answer.json()["error"]["details"][0]["field"] == field, path
    assert (await web.client.get(f"/api/v1/summaries?cursor={2**62 - 1}")).status_code == 200
    assert "isn't over" in (await web.client.get(f"/api/v1/summaries/{day_text(TODAY)}")).text
