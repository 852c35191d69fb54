"""What each event means in postings: every command's entries sum to zero and say why."""

from exchange.messages.terms import BUY, NO, SELL, YES, Resolution
from exchange.proof.ledger import Entry, EntryKind, Owner, entries
from tests.exchange.worlds import ANN, BOB, World

A, C, F, I = Owner.ACCOUNT, Owner.COLLATERAL, Owner.FEES, Owner.ISSUANCE  # noqa: E741


def test_a_credit_comes_from_the_issuance() -> None:
    assert entries(World().credit(ANN, 5)) == [
        Entry(A, ANN, EntryKind.CREDIT, 5, 0),
        Entry(I, 0, EntryKind.CREDIT, -5, 0),
    ]


def test_a_purchase_reserves_and_its_cancel_releases() -> None:
    world = World()
    assert entries(world.limit(ANN, BUY, YES, 5_000, 100)) == [
        Entry(A, ANN, EntryKind.RESERVE, -500_000, 500_000, 1, 1)
    ]
    assert entries(world.cancel(ANN, 1)) == [
        Entry(A, ANN, EntryKind.RELEASE, 500_000, -500_000, 1, 1)
    ]


def test_a_sale_moves_no_cash_until_it_trades() -> None:
    world = World()
    world.mint(ANN, BOB, 100)
    assert entries(world.limit(ANN, SELL, YES, 6_000, 100)) == []
    assert entries(world.cancel(ANN, 3)) == []


def test_a_mint_fills_the_collateral_and_fees_are_postings_of_their_own() -> None:
    world = World(maker_fee=100, taker_fee=200)
    world.limit(ANN, BUY, YES, 6_000, 100)
    assert entries(world.limit(BOB, BUY, NO, 4_500, 100)) == [
        Entry(A, BOB, EntryKind.RESERVE, -459_000, 459_000, 1, 2),
        Entry(A, BOB, EntryKind.TRADE, 59_000, -459_000, 1, 2, 1),
        Entry(A, ANN, EntryKind.TRADE, 6_000, -606_000, 1, 1, 1),
        Entry(C, 1, EntryKind.TRADE, 1_000_000, 0, 1, 0, 1),
        Entry(A, BOB, EntryKind.FEE, -8_000, 0, 1, 2, 1),
        Entry(F, 0, EntryKind.FEE, 8_000, 0, 1, 2, 1),
        Entry(A, ANN, EntryKind.FEE, -6_000, 0, 1, 1, 1),
        Entry(F, 0, EntryKind.FEE, 6_000, 0, 1, 1, 1),
    ]


def test_a_transfer_pays_the_seller_and_a_netting_pays_from_the_collateral() -> None:
    world = World()
    world.mint(ANN, BOB, 100)
    world.limit(ANN, SELL, YES, 6_000, 100)
    assert entries(world.limit(BOB, BUY, YES, 6_000, 100)) == [
        Entry(A, BOB, EntryKind.RESERVE, -600_000, 600_000, 1, 4),
        Entry(A, BOB, EntryKind.TRADE, 0, -600_000, 1, 4, 2),
        Entry(A, ANN, EntryKind.TRADE, 600_000, 0, 1, 3, 2),
        Entry(A, BOB, EntryKind.NETTING, 1_000_000, 0, 1),
        Entry(C, 1, EntryKind.NETTING, -1_000_000, 0, 1),
    ]


def test_a_merge_empties_the_collateral_into_available() -> None:
    world = World()
    world.mint(ANN, BOB, 100)
    world.limit(ANN, SELL, YES, 6_000, 100)
    assert entries(world.limit(BOB, SELL, NO, 4_000, 100)) == [
        Entry(A, BOB, EntryKind.TRADE, 400_000, 0, 1, 4, 2),
        Entry(A, ANN, EntryKind.TRADE, 600_000, 0, 1, 3, 2),
        Entry(C, 1, EntryKind.TRADE, -1_000_000, 0, 1, 0, 2),
    ]


def test_a_settlement_pays_from_the_collateral_and_nothing_is_no_posting() -> None:
    world = World()
    world.mint(ANN, BOB, 100)
    assert entries(world.resolve(Resolution.YES)) == [
        Entry(A, ANN, EntryKind.SETTLEMENT, 1_000_000, 0, 1),
        Entry(C, 1, EntryKind.SETTLEMENT, -1_000_000, 0, 1),
    ]


def test_the_smaller_reservation_of_a_resting_order_is_released() -> None:
    world = World(maker_fee=0, taker_fee=1_000)
    world.limit(ANN, BUY, YES, 5_000, 100)
    posted = entries(world.limit(BOB, BUY, NO, 5_000, 200))
    assert Entry(F, 0, EntryKind.FEE, 50_000, 0, 1, 2, 1) in posted
    assert posted[-1] == Entry(A, BOB, EntryKind.RELEASE, 50_000, -50_000, 1, 2)
    assert sum(entry.available + entry.locked for entry in posted) == 0
