"""Where the engine keeps things, and how much it takes at once."""

from pathlib import Path
from typing import Annotated, ClassVar

from exchange.messages.bounds import HALT_S
from gateway.settings import values
from gateway.settings.reader import Area, SettingsError, setting
from gateway.settings.values import folder, optional, postgres_url, seconds, switch, whole
from persistence.loop.command_queue import QUEUE_COMMANDS
from persistence.loop.stall import COMMIT_TIMEOUT_S
from persistence.postgres.database import STATEMENT_TIMEOUT_MS
from persistence.relay.commands.messages import STREAM_ENTRIES


class StoreSettings(Area, frozen=True, kw_only=True):
    """The data folder, PostgreSQL and Redis."""

    TITLE: ClassVar[str] = "Database and Redis"

    data_dir: Annotated[
        Path, setting("DATA_DIR", "data", folder, "Folder of the embedded database, keys, the tip.")
    ]
    journal_folder: Annotated[
        Path | None,
        setting(
            "JOURNAL_FOLDER",
            "",
            optional(folder),
            "Old parts of the journal, one folder for all processes; unset: DATA_DIR/journal.",
        ),
    ]
    database_url: Annotated[
        str | None,
        setting(
            "DATABASE_URL",
            "",
            optional(postgres_url),
            "PostgreSQL 15 or later; unset: an embedded one under DATA_DIR.",
        ),
    ]
    direct_url: Annotated[
        str | None,
        setting(
            "DIRECT_URL",
            "",
            optional(postgres_url),
            "The same database past any pooler, for engine and jobs; unset: DATABASE_URL.",
        ),
    ]
    redis_url: Annotated[
        str | None,
        setting(
            "REDIS_URL",
            "",
            optional(values.redis_url),
            "Redis 6.2 or later, for `probity gateway` processes; unset: there are none.",
        ),
    ]
    pool_size: Annotated[
        int,
        setting(
            "DATABASE_POOL_SIZE",
            "20",
            whole(2, 1_000),
            "Connections beside the engine's; a worker takes 3 of them for its queue.",
        ),
    ]
    timeout_seconds: Annotated[
        float,
        setting(
            "DATABASE_TIMEOUT_SECONDS",
            str(STATEMENT_TIMEOUT_MS // 1_000),
            seconds,
            "Deadline of one read, the wait for a connection included.",
        ),
    ]
    wait_seconds: Annotated[
        int,
        setting(
            "DATABASE_WAIT_SECONDS",
            "30",
            whole(0, 86_400),
            "How long a start waits for a DATABASE_URL that can't be reached; then it ends.",
        ),
    ]

    @property
    def segments_folder(self) -> Path:
        """Return where the journal's files lie."""
        return self.journal_folder or self.data_dir / "journal"

    def __post_init__(self) -> None:
        """Check that a way past the pooler goes with a way through it."""
        if self.direct_url is not None and self.database_url is None:
            raise SettingsError("DATABASE_URL: is missing, but DIRECT_URL is set")


class EngineSettings(Area, frozen=True, kw_only=True):
    """What the engine takes."""

    TITLE: ClassVar[str] = "Engine"

    queue_size: Annotated[
        int,
        setting(
            "ENGINE_QUEUE_SIZE",
            str(QUEUE_COMMANDS),
            whole(1, 10**6),
            "Waiting orders, and as many cancels; more: 503.",
        ),
    ]
    commit_timeout_seconds: Annotated[
        float,
        setting(
            "COMMIT_TIMEOUT_SECONDS",
            f"{COMMIT_TIMEOUT_S:g}",
            seconds,
            "A silent database keeps whoever waits no longer than that; then: 504.",
        ),
    ]
    min_seq_wait_seconds: Annotated[
        float,
        setting(
            "MIN_SEQ_WAIT_SECONDS",
            "2",
            seconds,
            "A read with ?minSeq= waits no longer for that command; then: 504.",
        ),
    ]
    post_only_after_restart_seconds: Annotated[
        int,
        setting(
            "POST_ONLY_AFTER_RESTART_SECONDS",
            "0",
            whole(0, HALT_S),
            "So long only post-only orders are taken after a restart; 0: no time.",
        ),
    ]
    command_stream_size: Annotated[
        int,
        setting(
            "COMMAND_STREAM_SIZE",
            str(STREAM_ENTRIES),
            whole(1, 10**6),
            "Entries of all gateways (1 to 64 commands each) under way in Redis; more: 503.",
        ),
    ]
    gateway_commands: Annotated[
        bool,
        setting(
            "GATEWAY_COMMANDS",
            "on",
            switch,
            "Whether `gateway` takes orders and commands; off: only reads and feeds.",
        ),
    ]


class StandbySettings(Area, frozen=True, kw_only=True):
    """When `probity engine --standby` takes over, and how the exchange opens then."""

    TITLE: ClassVar[str] = "Standby"

    lease_seconds: Annotated[
        int,
        setting(
            "ENGINE_LEASE_SECONDS",
            "3",
            whole(2, 600),
            "A standby takes over from an engine that was silent to the database for so long.",
        ),
    ]
    compare_seconds: Annotated[
        int,
        setting(
            "STANDBY_COMPARE_SECONDS",
            "60",
            whole(1, 86_400),
            "How often a standby compares its state with the tables; a difference is an alarm.",
        ),
    ]
    cancel_only_seconds: Annotated[
        int,
        setting(
            "CANCEL_ONLY_AFTER_TAKEOVER_SECONDS",
            "1",
            whole(0, HALT_S),
            "So long a takeover is followed by cancels alone; 0: no time.",
        ),
    ]
    post_only_seconds: Annotated[
        int,
        setting(
            "POST_ONLY_AFTER_TAKEOVER_SECONDS",
            "2",
            whole(0, HALT_S),
            "And behind that so long by post-only orders; 0: no time.",
        ),
    ]
