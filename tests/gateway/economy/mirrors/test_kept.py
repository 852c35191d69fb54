"""Every process knows which markets are mirrors, however many there are."""

import pytest

from gateway.economy.mirrors.kept import KeptMirrored
from gateway.feeds.mirrored import Mirrored, MirroredFrom
from gateway.jobs import looking
from gateway.markets.outcome_names import OutcomeNames
from persistence.repositories.economy.mirrors import Listed, Mirrors
from tests.gateway.conftest import MakeWeb
from tests.gateway.economy.mirrors.mirror_stories import set_stage, source


class Counted(Mirrors):
    """Mirrors, with the lengths of what was read."""

    def __init__(self, rows: Mirrors) -> None:
        super().__init__(rows._pool)
        self.lengths: list[int] = []

    async def changed(self, after: tuple[int, int], limit: int) -> list[Listed]:
        found = await super().changed(after, limit)
        self.lengths.append(len(found))
        return found


async def test_mirrors_are_read_a_few_at_a_time(
    make_web: MakeWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "AT_ONCE", 2)
    stage = await set_stage(make_web, *map(source, range(1, 6)))
    for number in range(1, 6):
        await stage.mirror(number)
    # They may have changed at the same moment.
    await stage.web.parts.pool.execute("UPDATE mirrors SET changed_at = 7000000000")
    rows, mirrored = Counted(stage.rows), Mirrored(OutcomeNames())
    keeps = KeptMirrored(rows, mirrored)
    await keeps.look()
    for number in range(1, 6):
        ours = (await stage.row(number)).market_id or 0
        assert mirrored.of(ours) == MirroredFrom(f"fake:M{number}", ("Home", "Away"))
    assert rows.lengths == [2, 2, 1]
    # What was stamped a little earlier and commits late is found yet; what is older isn't read.
    await stage.web.parts.pool.execute(
        "UPDATE mirrors SET changed_at = 6939000000, no_label = 'Guests' WHERE id > 1"
    )
    await keeps.look()
    assert rows.lengths[3:] == [1]
    await stage.web.parts.pool.execute("UPDATE mirrors SET changed_at = 6941000000 WHERE id = 5")
    await keeps.look()
    fifth = mirrored.of((await stage.row(5)).market_id or 0)
    assert fifth is not None
    assert fifth.labels == ("Home", "Guests")
