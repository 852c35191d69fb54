"""Watchlists: which markets, of whatever platform, somebody keeps an eye on.

No money and no copy of a market stand here: what a market is called and worth is asked of whoever
lists it. Times are microseconds since the Unix epoch. `user_id` stands on items too, so that what
one person has is counted without a walk over the lists.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0009"
down_revision: Final = "0008"

_UP: Final = """
CREATE TABLE watchlists (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id    bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name       text   NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
CREATE INDEX watchlists_by_user ON watchlists (user_id, id);

CREATE TABLE watchlist_items (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    watchlist_id bigint NOT NULL REFERENCES watchlists (id) ON DELETE CASCADE,
    user_id      bigint NOT NULL,
    platform     text   NOT NULL,
    external_id  text   NOT NULL CHECK (length(external_id) BETWEEN 1 AND 255),
    added_at     bigint NOT NULL,
    UNIQUE (watchlist_id, platform, external_id)
);
CREATE INDEX watchlist_items_by_user ON watchlist_items (user_id);
CREATE INDEX watchlist_items_by_market ON watchlist_items (platform, external_id);
"""

_DOWN: Final = """
DROP TABLE watchlist_items;
DROP TABLE watchlists;
"""


def upgrade() -> None:
    execute_script(_UP)


def downgrade() -> None:
    execute_script(_DOWN)
