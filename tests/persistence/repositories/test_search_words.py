"""The words that searches forgive a wrong letter in: each with all its forms, whoever adds them."""

from collections.abc import AsyncIterator
from random import Random

import pytest

from gateway.feeds.words import forms, forms_of_all
from persistence.postgres.database import DeadlinePool, create_pool
from persistence.repositories.feeds import words as module
from persistence.repositories.feeds.words import SearchWords

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[DeadlinePool]:
    pool = await create_pool(database_url, size=4)
    yield pool
    await pool.close()


def made_up(random: Random, count: int) -> list[str]:
    return sorted({"".join(random.choices(LETTERS, k=9)) for _ in range(count)})


async def test_a_word_at_the_end_of_a_step_keeps_all_its_forms(pool: DeadlinePool) -> None:
    words = made_up(Random(7), 3 * module._STEP // 10)
    await SearchWords(pool).add(forms_of_all(words))
    rows = await pool.fetch("SELECT word, count(*) FROM search_forms GROUP BY word")
    assert {row[0]: row[1] for row in rows} == {word: len(forms(word)) for word in words}
