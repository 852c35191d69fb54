"""Opening accounts, issuing money, listing and resolving markets: their terms and their bounds."""

import msgspec
import pytest

from exchange.messages.bounds import CREDIT_MAX, QUANTITY_MAX, TIME_MAX
from exchange.messages.commands import (
    CreateMarket,
    Leg,
    OpenAccount,
    ResolveMarket,
    TransferCash,
)
from exchange.messages.events import AccountOpened, FundsCredited, MarketCreated, PositionSettled
from exchange.messages.reasons import Reason
from exchange.messages.terms import BUY, NO, YES, Resolution
from exchange.rules.accounts import funding
from exchange.rules.market_admin import RESERVED_SLUGS, market_problem, slug_problem
from tests.conftest import SetBound
from tests.exchange.worlds import ANN, BOB, World, field_of, market_command, reason_of


@pytest.mark.parametrize("amount", [-1, CREDIT_MAX + 1])
def test_starting_credits_out_of_range(amount: int) -> None:
    refused = World().send(OpenAccount(9, amount))
    assert (reason_of(refused), field_of(refused)) == (Reason.INVALID_AMOUNT, "startingCredits")


@pytest.mark.parametrize("account_id", [0, -1])
def test_account_ids_are_positive(account_id: int) -> None:
    assert reason_of(World().send(OpenAccount(account_id, 0))) is Reason.INVALID_AMOUNT


def test_an_account_may_open_with_nothing() -> None:
    assert World().send(OpenAccount(9, 0)) == [AccountOpened(9)]
    assert World().send(OpenAccount(9, 5)) == [
        AccountOpened(9),
        FundsCredited(9, 5, "starting credits", None),
    ]


def test_money_is_issued_up_to_the_bound(set_bound: SetBound) -> None:
    world = World()
    set_bound(funding, "ISSUANCE_MAX", world.state.issued + 10)
    assert reason_of(world.send(OpenAccount(9, 11))) is Reason.ISSUANCE_EXHAUSTED
    assert 9 not in world.state.accounts
    assert reason_of(world.credit(ANN, 11)) is Reason.ISSUANCE_EXHAUSTED
    assert isinstance(world.credit(ANN, 10)[0], FundsCredited)


@pytest.mark.parametrize(
    ("amount", "reason", "field"),
    [(0, "x", "amount"), (-5, "x", "amount"), (CREDIT_MAX + 1, "x", "amount"),
     (1, "x" * 201, "reason")],
)  # fmt: skip
def test_wrong_credits(amount: int, reason: str, field: str) -> None:
    refused = World().credit(ANN, amount, reason=reason)
    assert (reason_of(refused), field_of(refused)) == (Reason.INVALID_AMOUNT, field)


@pytest.mark.parametrize("nobody", [0, -1, 99])
def test_money_moves_between_accounts_that_are_open_alone(nobody: int) -> None:
    for sender, leg in ((ANN, Leg(ANN, nobody, 10)), (nobody, Leg(nobody, ANN, 10))):
        refused = World().send(TransferCash(sender, (leg,), "x"))
        assert (reason_of(refused), field_of(refused)) == (Reason.ACCOUNT_NOT_FOUND, "legs")


@pytest.mark.parametrize(
    "slug",
    [
        *("", "ab", "a" * 81, "Rain", "rain ", "rain\n", "ra_in", "ra.in", "räin", "ｒain"),
        *("12345", "007", *sorted(RESERVED_SLUGS)),
    ],
)
def test_slugs_that_are_refused(slug: str) -> None:
    assert slug_problem(slug) is not None
    refused = World().send(market_command(slug=slug))
    assert (reason_of(refused), field_of(refused)) == (Reason.INVALID_MARKET, "slug")


@pytest.mark.parametrize("slug", ["abc", "a" * 80, "2028-election", "1-2", "-a-"])
def test_slugs_that_are_taken(slug: str) -> None:
    assert slug_problem(slug) is None
    assert isinstance(World().send(market_command(slug=slug))[0], MarketCreated)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"question": ""}, "question"),
        ({"question": "x" * 501}, "question"),
        ({"description": "x" * 10_001}, "description"),
        ({"category": "x" * 61}, "category"),
        ({"close_time": 0}, "closeTime"),
        ({"close_time": TIME_MAX + 1}, "closeTime"),
        ({"tick_size": 0}, "tickSize"),
        ({"tick_size": 50}, "tickSize"),
        ({"min_quantity": 0}, "minQuantity"),
        ({"min_quantity": QUANTITY_MAX + 1}, "minQuantity"),
        ({"maker_fee": -1}, "makerFee"),
        ({"maker_fee": 1_001}, "makerFee"),
        ({"taker_fee": -1}, "takerFee"),
        ({"taker_fee": 1_001}, "takerFee"),
    ],
)
def test_terms_that_no_market_can_have(changes: dict[str, object], field: str) -> None:
    fine = market_command(slug="snow")
    assert market_problem(fine) is None
    wrong: CreateMarket = msgspec.structs.replace(fine, **changes)
    refused = World().send(wrong)
    assert (reason_of(refused), field_of(refused)) == (Reason.INVALID_MARKET, field)


@pytest.mark.parametrize(
    ("outcome", "payout", "field"),
    [
        (Resolution.SPLIT, None, "yesPayout"),
        (Resolution.SPLIT, 0, "yesPayout"),
        (Resolution.SPLIT, 10_000, "yesPayout"),
        (Resolution.YES, 5_000, "yesPayout"),
    ],
)
def test_payouts_that_contradict_the_outcome(
    outcome: Resolution, payout: int | None, field: str
) -> None:
    refused = World().resolve(outcome, payout)
    assert (reason_of(refused), field_of(refused)) == (Reason.INVALID_PAYOUT, field)


def test_a_source_too_long_is_refused() -> None:
    refused = World().send(ResolveMarket(1, Resolution.YES, None, "x" * 501))
    assert (reason_of(refused), field_of(refused)) == (Reason.INVALID_PAYOUT, "source")


def test_who_holds_nothing_any_more_is_not_paid() -> None:
    world = World()
    world.mint(ANN, BOB, 100)
    world.limit(ANN, BUY, NO, 5_000, 100)
    world.limit(BOB, BUY, YES, 5_000, 100)
    assert world.market.collateral == 0
    settled = [e for e in world.resolve(Resolution.YES) if isinstance(e, PositionSettled)]
    assert settled == []
    assert world.market.positions[ANN].holding(YES).quantity == 0
    assert world.market.positions[ANN].holding(NO).quantity == 0
