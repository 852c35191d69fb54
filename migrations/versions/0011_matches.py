"""Matches: which markets of two platforms ask the same question, as a job found or people decided.

The lesser name (platform, then the market's own there) comes first, so a pair has one row. `score`
is in 1/10 000, times are microseconds since the Unix epoch. What nobody decided goes when the job
no longer finds it; a decision stays.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0011"
down_revision: Final = "0010"

_UP: Final = """
CREATE TABLE market_matches (
    id              bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    first_platform  text    NOT NULL,
    first_id        text    NOT NULL CHECK (length(first_id) BETWEEN 1 AND 255),
    second_platform text    NOT NULL,
    second_id       text    NOT NULL CHECK (length(second_id) BETWEEN 1 AND 255),
    score           integer NOT NULL CHECK (score BETWEEN 1 AND 10000),
    status          text    NOT NULL DEFAULT 'CANDIDATE'
                    CHECK (status IN ('CANDIDATE', 'CONFIRMED', 'DENIED')),
    found_at        bigint  NOT NULL,
    seen_at         bigint  NOT NULL,
    decided_at      bigint,
    UNIQUE (first_platform, first_id, second_platform, second_id),
    CHECK (first_platform <> second_platform)
);
CREATE INDEX market_matches_by_second ON market_matches (second_platform, second_id);
CREATE INDEX market_matches_by_score ON market_matches (status, score DESC, id DESC);
CREATE INDEX market_matches_by_sight ON market_matches (seen_at) WHERE status = 'CANDIDATE';
"""

_DOWN: Final = """
DROP TABLE market_matches;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
