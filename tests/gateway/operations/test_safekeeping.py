"""The job that shows how old backups and proofs are."""

from pathlib import Path

from prometheus_client import CollectorRegistry

from gateway.operations.safekeeping import Safekeeping
from persistence.backups.noted import MADE, VERIFIED
from persistence.postgres.database import create_pool
from persistence.repositories.audit import AuditLog


async def test_it_shows_what_the_audit_log_says(database_url: str, tmp_path: Path) -> None:
    pool = await create_pool(database_url, size=1)
    registry, audit = CollectorRegistry(), AuditLog(pool)
    job = Safekeeping(pool, registry, data_dir=tmp_path)
    assert list(registry.collect()) == [], "nothing is known yet"

    async def shown() -> tuple[float | None, ...]:
        await job.run({})
        return tuple(
            registry.get_sample_value(name)
            for name in (
                "backup_last_success_timestamp_seconds",
                "verification_last_success_timestamp_seconds",
                "verification_failed",
            )
        )

    assert await shown() == (0, 0, 0)
    for at, action, outcome in (
        (1_000_000, MADE, "ok"),
        (3_000_000, MADE, "ok"),
        (2_000_000, VERIFIED, "ok"),
        (5_000_000, "auth.login", "ok"),
    ):
        await audit.write(at, None, action, None, outcome, "cli")
    assert await shown() == (3, 2, 0)
    await audit.write(6_000_000, None, VERIFIED, None, "failed", "cli")
    assert await shown() == (3, 2, 1)
    await audit.write(7_500_000, None, VERIFIED, None, "ok", "cli")
    assert await shown() == (3, 7.5, 0)
    free = registry.get_sample_value("data_folder_free_bytes")
    size = registry.get_sample_value("data_folder_disk_bytes")
    assert free is not None
    assert size is not None
    assert 0 < free <= size
    await pool.close()
