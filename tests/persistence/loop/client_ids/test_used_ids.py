"""The filter of used ids against the truth: nothing used is ever called new."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from exchange.model.idempotency import ORDER_ID, REQUEST_ID, Key
from persistence.loop.client_ids.used_ids import FIRST_STAGE_IDS, MOST_STAGES, UsedIds
from tests.lengths import length

KEYS = st.tuples(
    st.integers(1, 5), st.sampled_from([ORDER_ID, REQUEST_ID]), st.text("ab1", min_size=1)
)


@given(st.lists(st.lists(KEYS, unique=True, max_size=8), max_size=40), st.integers(1, 30))
def test_an_id_that_was_met_is_never_called_new(calls: list[list[Key]], first_stage: int) -> None:
    used, met = UsedIds(first_stage), set[Key]()
    for keys in calls:
        may_be_used = used.meet(keys)
        assert may_be_used == [key for key in keys if key in set(may_be_used)], "their order"
        assert met.intersection(keys) <= set(may_be_used)
        met.update(keys)


@given(st.lists(KEYS, unique=True, min_size=8))
def test_a_filter_that_is_full_calls_nothing_new_and_keeps_nothing(keys: list[Key]) -> None:
    used = UsedIds(first_stage=128, most_stages=2)
    # A mistake adds nothing: it may take a few more.
    for number in itertools.count():
        if used.is_full:
            break
        used.meet([(9, ORDER_ID, str(number))])
    assert 384 <= number <= 390
    assert used.meet(keys) == keys
    assert used.memory == 0


def shapes(count: int, name: str) -> dict[str, list[Key]]:
    """Ids as programs count them: what differs is little."""
    return {
        "one account counts": [(7, ORDER_ID, f"{name}{n}") for n in range(count)],
        "many accounts send the same": [(n, ORDER_ID, name) for n in range(count)],
        "many accounts count": [(n % 997, n % 2, f"{name}-{n // 997}") for n in range(count)],
    }


def meet(used: UsedIds, keys: list[Key]) -> int:
    """Meet them as they come, a chunk at a time; how many may have been used before?"""
    return sum(len(used.meet(keys[n : n + 500])) for n in range(0, len(keys), 500))


def test_mistakes_are_few_whatever_ids_look_like() -> None:
    count = length(1 << 14, long=1 << 20)
    for shape, met in shapes(count, "a").items():
        used = UsedIds(first_stage=count - count // 100)
        assert meet(used, met) <= count / 2_000 + 5, shape
        # The first stage is full and at its worst, the second one is nearly empty.
        assert len(used._older) == 1, shape
        assert meet(used, met) == count, shape
        assert meet(used, shapes(count, "b")[shape]) <= count / 1_000 + 5, shape


def test_it_grows_by_stages_twice_as_large_and_takes_what_the_documents_say() -> None:
    used, sizes = UsedIds(first_stage=1_024), []
    for n in range(7_200):
        used.meet([(1, ORDER_ID, str(n))])
        if used.memory not in sizes:
            sizes.append(used.memory)
    assert sizes == [2_560, 3 * 2_560, 7 * 2_560, 15 * 2_560]
    assert used.memory / 7_200 < 6
    most = sum(FIRST_STAGE_IDS * 2**stage for stage in range(MOST_STAGES))
    assert (most // 10**6, most * 20 // 8 // 10**6) == (66, 165)
    assert UsedIds().memory == FIRST_STAGE_IDS * 20 // 8
