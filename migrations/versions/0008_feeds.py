"""Markets of other venues: what they are, what they were worth, and how far each job has come.

A venue's market lies in several tables by what changes when. `venue_markets` has the columns that
lists are filtered and sorted by, and the record itself (msgpack, `gateway/feeds/model.py`), written
only when its hash is another one. `venue_sightings` says when it was seen, and asked for, last:
narrow, and written in every pass. `venue_texts` is what searches look through, written when the
words change, and `venue_raws` the venue's own JSON, compressed. Amounts are micro-units of the
venue's currency, with -1 for one that isn't known, so that every sort has one plain index.

A snapshot's sequence is that of `snapshot_tips`, one row a market and source, which is raised in
the statement that writes the snapshot: so it goes on over reconnects and over the turn of a month,
where the unique index, which must hold the partition's key, guards nothing.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0008"
down_revision: Final = "0007"

_MARKETS: Final = """
CREATE TABLE venue_markets (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform    text   NOT NULL CHECK (length(platform) BETWEEN 1 AND 32),
    external_id text   NOT NULL CHECK (length(external_id) BETWEEN 1 AND 200),
    slug        text   CHECK (length(slug) <= 255),
    status      text   NOT NULL,
    category    text   NOT NULL,
    category_key text  NOT NULL,
    event_id    text,
    created_at  bigint NOT NULL,
    close_time  bigint NOT NULL,
    volume_24h  bigint NOT NULL,
    volume      bigint NOT NULL,
    liquidity   bigint NOT NULL,
    changed_at  bigint NOT NULL,
    hash        bytea  NOT NULL,
    record      bytea  NOT NULL,
    UNIQUE (platform, external_id)
);
CREATE INDEX venue_markets_by_slug ON venue_markets (slug) WHERE slug IS NOT NULL;
CREATE INDEX venue_markets_by_event ON venue_markets (platform, event_id)
 WHERE event_id IS NOT NULL;
CREATE INDEX venue_markets_by_volume ON venue_markets (volume DESC, id DESC);
CREATE INDEX venue_markets_by_liquidity ON venue_markets (liquidity DESC, id DESC);
CREATE INDEX venue_markets_by_creation ON venue_markets (created_at DESC, id DESC);
CREATE INDEX venue_markets_by_close ON venue_markets (close_time DESC, id DESC);
CREATE INDEX venue_markets_by_category ON venue_markets (category_key, volume DESC, id DESC);
CREATE INDEX venue_markets_by_activity ON venue_markets (platform, status, volume_24h DESC);

CREATE TABLE venue_sightings (
    market_id bigint PRIMARY KEY REFERENCES venue_markets ON DELETE CASCADE,
    seen_at   bigint NOT NULL,
    asked_at  bigint NOT NULL,
    venue_at  bigint
) WITH (fillfactor = 50);

CREATE TABLE venue_raws (
    market_id bigint PRIMARY KEY REFERENCES venue_markets ON DELETE CASCADE,
    raw       bytea  NOT NULL
);

CREATE TABLE venue_texts (
    market_id bigint   PRIMARY KEY REFERENCES venue_markets ON DELETE CASCADE,
    search    tsvector NOT NULL
);
-- Without a list of pending entries, which every search would read from its beginning to its end.
CREATE INDEX venue_texts_by_word ON venue_texts USING gin (search) WITH (fastupdate = off);

-- Every word of the texts, and what is left of it with one letter taken out (and the word itself).
CREATE TABLE search_words (
    word text COLLATE "C" PRIMARY KEY CHECK (length(word) <= 64)
);
CREATE TABLE search_forms (
    form text COLLATE "C" NOT NULL,
    word text COLLATE "C" NOT NULL REFERENCES search_words ON DELETE CASCADE,
    PRIMARY KEY (form, word)
);
CREATE INDEX search_forms_by_word ON search_forms (word);

CREATE TABLE venue_events (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    platform    text   NOT NULL CHECK (length(platform) BETWEEN 1 AND 32),
    external_id text   NOT NULL CHECK (length(external_id) BETWEEN 1 AND 200),
    slug        text   CHECK (length(slug) <= 255),
    category_key text  NOT NULL,
    close_time  bigint NOT NULL,
    changed_at  bigint NOT NULL,
    hash        bytea  NOT NULL,
    record      bytea  NOT NULL,
    UNIQUE (platform, external_id)
);
CREATE INDEX venue_events_by_slug ON venue_events (slug) WHERE slug IS NOT NULL;

-- How each job of each venue stands; `counts` is what its last complete run did.
CREATE TABLE feed_state (
    platform        text   NOT NULL CHECK (length(platform) BETWEEN 1 AND 32),
    job             text   NOT NULL CHECK (length(job) BETWEEN 1 AND 64),
    last_success_at bigint,
    last_failure_at bigint,
    last_error      text   CHECK (length(last_error) <= 500),
    took_ms         bigint,
    counts          jsonb  NOT NULL DEFAULT '{}',
    PRIMARY KEY (platform, job)
);

-- Markets that somebody looks at, until when.
CREATE TABLE venue_watches (
    market_id bigint PRIMARY KEY REFERENCES venue_markets ON DELETE CASCADE,
    until     bigint NOT NULL
);
"""

_SNAPSHOTS: Final = """
CREATE SEQUENCE market_snapshot_ids;
CREATE TABLE market_snapshots (
    id            bigint      NOT NULL DEFAULT nextval('market_snapshot_ids'),
    market_id     bigint      NOT NULL,
    source        text        NOT NULL CHECK (source IN ('POLL', 'WEBSOCKET', 'BACKFILL')),
    sequence      bigint      NOT NULL,
    at            timestamptz NOT NULL,
    venue_at      timestamptz,
    venue_seq     text        CHECK (length(venue_seq) <= 128),
    yes_price     smallint,
    best_bid      smallint,
    best_ask      smallint,
    last_price    smallint,
    bid_quantity  bigint,
    ask_quantity  bigint,
    open_interest bigint,
    volume        numeric,
    volume_24h    numeric,
    liquidity     numeric,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
ALTER SEQUENCE market_snapshot_ids OWNED BY market_snapshots.id;
CREATE UNIQUE INDEX market_snapshots_streamed ON market_snapshots (market_id, source, sequence, at)
 WHERE source = 'WEBSOCKET';
CREATE INDEX market_snapshots_by_time ON market_snapshots (market_id, at DESC, id DESC);

CREATE TABLE snapshot_tips (
    market_id bigint      NOT NULL REFERENCES venue_markets ON DELETE CASCADE,
    source    text        NOT NULL,
    sequence  bigint      NOT NULL,
    digest    bytea       NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (market_id, source)
) WITH (fillfactor = 50);

CREATE TABLE snapshot_candles (
    market_id     bigint   NOT NULL,
    seconds       integer  NOT NULL CHECK (seconds IN (60, 3600, 86400)),
    start         bigint   NOT NULL,
    open          smallint,
    high          smallint,
    low           smallint,
    close         smallint,
    best_bid      smallint,
    best_ask      smallint,
    open_interest bigint,
    volume        numeric,
    snapshots     integer  NOT NULL,
    PRIMARY KEY (market_id, seconds, start)
);
CREATE INDEX snapshot_candles_by_age ON snapshot_candles (seconds, start);
"""

# A market's trades are numbered in the order of their times, so the last one before a time is found
# by halving: no index on the time, which the engine would have to keep with every commit.
_HISTORY: Final = """
CREATE FUNCTION last_trade_until(market bigint, moment bigint) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    low  bigint := 0;
    high bigint := coalesce((SELECT max(trade_no) FROM trades WHERE market_id = market), 0);
    middle bigint;
    found bigint;
BEGIN
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        SELECT at INTO found FROM trades WHERE market_id = market AND trade_no = middle;
        IF found <= moment THEN
            low := middle;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN low;
END
$$;
"""

_DOWN: Final = """
DROP FUNCTION last_trade_until;
DROP TABLE snapshot_candles;
DROP TABLE snapshot_tips;
DROP TABLE market_snapshots;
DROP TABLE venue_watches;
DROP TABLE feed_state;
DROP TABLE venue_events;
DROP TABLE search_forms;
DROP TABLE search_words;
DROP TABLE venue_texts;
DROP TABLE venue_raws;
DROP TABLE venue_sightings;
DROP TABLE venue_markets;
"""


def upgrade() -> None:
    execute_script(_MARKETS + _SNAPSHOTS + _HISTORY)


def downgrade() -> None:
    execute_script(_DOWN)
