"""A day of trading with something of everything that the checker looks at."""

from pathlib import Path

from exchange.messages.bounds import MONEY_SCALE
from exchange.messages.commands import ResolveMarket
from exchange.messages.terms import NO, SELL, YES, Resolution
from persistence.postgres.database import connect
from persistence.projection.process import projections
from persistence.proof.online.look import Looked, Order, look
from persistence.repositories.audit import AuditLog
from persistence.repositories.checks.findings import Findings, StoredFinding
from tests.persistence.bet_stories import bet, project, sell
from tests.persistence.running import (
    ANN,
    BOB,
    CEM,
    Running,
    cancel,
    limit,
    listing,
    open_for_trade,
    running,
)

WHOLE_S = 1
"""A round of so many seconds is done by each look."""


async def trade(engine: Running) -> None:
    """Trades with fees, orders that stay and one that doesn't, a bet and its sale, a market that
    was paid, lines of the audit log.
    """
    await open_for_trade(engine, maker_fee=20, taker_fee=100)
    await engine.send_all(limit(ANN, 60, 10, id="a"), limit(BOB, 40, 4, NO, id="b"))
    await engine.send_all(limit(CEM, 40, 6, NO), limit(ANN, 30, 1), limit(ANN, 31, 1))
    await engine.send(cancel(ANN, 4))
    await engine.send(limit(ANN, 70, 2, YES, side=SELL))
    await engine.send(limit(BOB, 50, 100, NO))
    number = await bet(engine, CEM, YES, 20 * MONEY_SCALE)
    await sell(engine, CEM, number, YES, 300)
    await engine.send(limit(BOB, 20, 30, YES))
    await sell(engine, CEM, number, YES, 200)
    await engine.send(listing("snow"))
    await engine.send_all(limit(ANN, 55, 5, YES, market=2), limit(BOB, 45, 5, NO, market=2))
    await engine.send(ResolveMarket(2, Resolution.YES, None, "seen"))
    log = AuditLog(engine.pool)
    for line in range(5):
        await log.write(line, 7, "user.credit", f"user:{line}", "ok", "r")


async def a_day(url: str) -> None:
    """Trade, and let the projector come to the end of it."""
    async with running(url) as engine:
        await trade(engine)
    await project(url, projections())


async def one_look(
    url: str, *, round_s: int = WHOLE_S, span_s: float = 60.0, folder: Path | None = None
) -> Looked:
    """Look once."""
    files = None if folder is None else str(folder)
    looked = await look(Order(url, files, round_s, span_s))
    assert looked is not None
    return looked


async def findings(url: str) -> list[StoredFinding]:
    """Return what is open."""
    connection = await connect(url)
    try:
        return await Findings(connection).open()  # type: ignore[arg-type]  # a pool's reads
    finally:
        await connection.close()


async def executed(url: str, *statements: str) -> None:
    """Change what is stored, as somebody with all rights can."""
    connection = await connect(url)
    for statement in statements:
        done = await connection.execute(statement)
        assert not done.endswith(" 0"), f"nothing was done by {statement}"
    await connection.close()
