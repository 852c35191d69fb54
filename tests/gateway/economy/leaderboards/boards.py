"""Boards as a run leaves them, written by hand around the application of `conftest.py`."""

from typing import Any

import httpx

from persistence.postgres.database import DeadlinePool
from persistence.repositories.leaderboards.words import BOARD, SPAN, Board, Span
from tests.gateway.conftest import Person, Web

PATH = "/api/v1/leaderboard"
MADE_AT = 1_790_000_000_000_000


async def put_board(
    pool: DeadlinePool,
    board: Board,
    span: Span,
    places: list[tuple[int, int]],
    *,
    made_at: int = MADE_AT,
    seq: int = 7,
    ranked: int | None = None,
) -> None:
    """Store a board of (account, score), the first first."""
    code = BOARD[board], SPAN[span]
    await pool.execute("DELETE FROM leaderboard_tops WHERE board = $1 AND span = $2", *code)
    await pool.execute("DELETE FROM leaderboard_boards WHERE board = $1 AND span = $2", *code)
    await pool.execute(
        "INSERT INTO leaderboard_boards VALUES ($1, $2, 0, $3, $4, $5)",
        *code,
        made_at,
        seq,
        len(places) if ranked is None else ranked,
    )
    await pool.executemany(
        "INSERT INTO leaderboard_tops VALUES ($1, $2, $3, $4, $5, 6)",
        [(*code, rank, account, score) for rank, (account, score) in enumerate(places, 1)],
    )


async def shown(web: Web, what: str) -> dict[str, Any]:
    """The whole answer of a board."""
    answer = await web.client.get(f"{PATH}/{what}")
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def hide(web: Web, person: Person, *, shows: bool = False) -> httpx.Response:
    """Have somebody leave the boards."""
    body = {"profile": {"leaderboards": shows}}
    path = "/api/v1/users/me/preferences"
    return await web.client.put(path, json=body, headers=person.bearer)
