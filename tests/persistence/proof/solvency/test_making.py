"""A proof says what the tables hold, and none is made of tables that don't agree."""

import msgspec
import pytest

from exchange.messages.commands import OpenAccount
from exchange.messages.terms import NO, YES, MarketStatus
from exchange.messages.units import parse_money
from persistence.journal.codes import MARKET_STATUS
from persistence.postgres.database import connect, create_pool
from persistence.proof.solvency.making import (
    LOCK,
    ProofImpossible,
    Statement,
    make_proof,
    place_of,
    salt_of,
)
from persistence.proof.solvency.tree import Node, leaf, part_levels, path, root_of, unpacked
from persistence.repositories.checks.proofs import Proofs
from tests.persistence.proof.online.days import a_day, executed
from tests.persistence.running import ANN, BOB, limit, listing, open_for_trade, running


async def made(url: str) -> tuple[Statement, dict[int, Node], int]:
    """Make a proof; return what it says, each account's leaf as it leads to the root, the parts."""
    number = await make_proof(url)
    assert number is not None
    pool = await create_pool(url, size=1)
    proofs = Proofs(pool)
    assert await proofs.newest() == number
    proof = await proofs.find(number)
    assert proof is not None
    said = msgspec.json.decode(proof.statement, type=Statement)
    found = {}
    for row in await pool.fetch("SELECT id FROM accounts WHERE id < 10 OR id % 700 = 0"):
        salt = salt_of(proof.secret, row["id"])
        part = await proofs.part(number, salt)
        assert part is not None
        place = place_of(part.owners, row["id"])
        assert place is not None
        leaves = list(unpacked(part.leaves))
        siblings = [*path(part_levels(leaves), place), *unpacked(part.path)]
        assert len(siblings) == said.levels
        assert leaves[place] == leaf(salt, row["id"], *leaves[place][1:])
        root = root_of(leaves[place], part.place << 10 | place, siblings)
        assert root.hash.hex() == said.root
        assert root.available == parse_money(said.available, 2**62)
        found[row["id"]] = leaves[place]
    parts = await pool.fetchval("SELECT count(*) FROM proof_parts WHERE proof_id = $1", number)
    await pool.close()
    return said, found, parts


async def test_everybody_is_in_it_with_what_they_have(database_url: str) -> None:
    await a_day(database_url)
    said, leaves, parts = await made(database_url)
    connection = await connect(database_url)
    head = await connection.fetchrow("SELECT last_seq, chain_hash, issued FROM engine_state")
    cash = {
        row["id"]: (row["available"], row["locked"])
        for row in await connection.fetch("SELECT id, available, locked FROM accounts")
    }
    collateral = await connection.fetchval("SELECT collateral FROM markets WHERE id = 1")
    await connection.close()
    assert head is not None
    assert (said.seq, said.chain_head) == (head["last_seq"], head["chain_hash"].hex())
    assert {number: node[1:3] for number, node in leaves.items()} == cash
    assert [(one.market_id, parse_money(one.collateral, 2**62)) for one in said.markets] == [
        ("1", collateral)
    ]
    assert sum(node.collateral for node in leaves.values()) == collateral
    assert parse_money(said.issued, 2**62) == head["issued"]
    assert (said.accounts, parts, said.other_markets.count) == (len(leaves), 1, 0)


async def test_an_exchange_without_an_account_has_a_proof(database_url: str) -> None:
    said, leaves, parts = await made(database_url)
    assert (said.accounts, leaves, parts, said.available) == (0, {}, 1, "0.000000")


async def test_a_market_that_is_being_paid_counts_what_is_left_to_pay(database_url: str) -> None:
    async with running(database_url) as engine:
        await open_for_trade(engine)
        await engine.send_all(limit(ANN, 60, 10, YES), limit(BOB, 40, 10, NO))
    _, leaves, _ = await made(database_url)
    assert [leaves[one].collateral for one in (ANN, BOB)] == [5_000_000, 5_000_000]
    await executed(
        database_url,
        f"UPDATE markets SET status = {MARKET_STATUS[MarketStatus.RESOLVING]}, yes_payout = 2500",
    )
    _, leaves, _ = await made(database_url)
    assert [leaves[one].collateral for one in (ANN, BOB)] == [2_500_000, 7_500_000]


async def test_more_accounts_than_a_part_holds_are_in_several(database_url: str) -> None:
    async with running(database_url) as engine:
        await engine.send_all(*(OpenAccount(number, number) for number in range(1, 2_101)))
        await engine.send(listing())
    said, leaves, parts = await made(database_url)
    assert (said.accounts, parts, said.levels) == (2_100, 3, 12)
    assert leaves[2_100].available == 2_100


@pytest.mark.parametrize(
    ("tampering", "told"),
    [
        ("UPDATE accounts SET available = available + 1 WHERE id = 1", "were issued"),
        ("UPDATE markets SET collateral = collateral - 1 WHERE id = 1", "its shares are worth"),
        ("UPDATE positions SET no_free = no_free + 2 WHERE account_id = 2", "its shares are worth"),
        ("UPDATE accounts SET available = -1 WHERE id = 3", "less than nothing"),
    ],
)
async def test_nothing_is_said_of_what_does_not_agree(
    database_url: str, tampering: str, told: str
) -> None:
    await a_day(database_url)
    await executed(database_url, tampering)
    with pytest.raises(ProofImpossible, match=told):
        await make_proof(database_url)
    pool = await create_pool(database_url, size=1)
    assert await Proofs(pool).newest() is None
    await pool.close()


async def test_old_proofs_go_and_the_newest_stays(database_url: str) -> None:
    for at in (1_000, 2_000, 3_000):
        await make_proof(database_url, lambda at=at: at)  # type: ignore[misc]
    pool = await create_pool(database_url, size=1)
    proofs = Proofs(pool)
    newest = await proofs.newest()
    assert await proofs.prune(1_500, 20) == 1
    assert await proofs.prune(9_000, 20) == 1
    assert await proofs.newest() == newest
    assert await pool.fetchval("SELECT count(*) FROM proof_parts") == 1
    await pool.close()


async def test_of_two_at_once_one_makes_none(database_url: str) -> None:
    connection = await connect(database_url)
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
    assert await make_proof(database_url) is None
    await connection.close()
