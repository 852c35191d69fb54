"""Alerts: what people want to be told of markets and of their orders, what was told, and to whom.

`threshold` is a price of the alert's outcome (1/10 000), a volume (money), or the minutes before a
close; NULL for what has none. `is_met` says whether that held when it was looked at last, `looked`
how far its owner's ledger was looked through. `alert_prints` says how far each of our markets' tape
was. `saw` is JSON. A webhook's `secret` is sealed. Times are microseconds since the Unix epoch.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0043"
down_revision: Final = "0042"

_UP: Final = """
CREATE TABLE alert_webhooks (
    id              bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id         bigint  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    url             text    NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
    secret          bytea   NOT NULL,
    created_at      bigint  NOT NULL,
    disabled_at     bigint,
    failures        integer NOT NULL DEFAULT 0 CHECK (failures >= 0),
    failing_since   bigint,
    last_success_at bigint
);
CREATE INDEX alert_webhooks_by_owner ON alert_webhooks (user_id, id);

CREATE TABLE alerts (
    id           bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id      bigint  NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind         text    NOT NULL CHECK (kind IN
                     ('PRICE_ABOVE', 'PRICE_BELOW', 'VOLUME_ABOVE', 'FILL', 'CLOSE', 'RESOLUTION')),
    platform     text,
    external_id  text    COLLATE "C",
    outcome      text    CHECK (outcome IN ('YES', 'NO')),
    threshold    bigint,
    order_id     bigint,
    note         text    NOT NULL,
    pause_s      integer CHECK (pause_s > 0),
    webhook_id   bigint  REFERENCES alert_webhooks (id) ON DELETE SET NULL,
    is_active    boolean NOT NULL DEFAULT true,
    is_met       boolean NOT NULL,
    since_no     bigint  NOT NULL DEFAULT 0,
    looked       bigint  NOT NULL,
    looked_entry integer NOT NULL,
    fired_count  integer NOT NULL DEFAULT 0,
    fired_at     bigint,
    created_at   bigint  NOT NULL,
    changed_at   bigint  NOT NULL,
    CHECK ((platform IS NULL) = (external_id IS NULL)),
    CHECK (platform IS NOT NULL OR kind = 'FILL'),
    CHECK ((kind IN ('PRICE_ABOVE', 'PRICE_BELOW')) = (outcome IS NOT NULL)),
    CHECK ((kind IN ('FILL', 'RESOLUTION')) = (threshold IS NULL))
);
CREATE INDEX alerts_by_owner ON alerts (user_id, id);
CREATE INDEX alerts_of_markets ON alerts (platform, external_id, kind, threshold) WHERE is_active;
CREATE INDEX alerts_of_fills ON alerts (user_id) WHERE is_active AND kind = 'FILL';
CREATE INDEX alerts_by_webhook ON alerts (webhook_id) WHERE webhook_id IS NOT NULL;

CREATE TABLE alert_prints (
    market_id bigint PRIMARY KEY,
    trade_no  bigint NOT NULL
);

CREATE TABLE alert_firings (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id     bigint NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    alert_id    bigint REFERENCES alerts (id) ON DELETE SET NULL,
    kind        text   NOT NULL,
    platform    text,
    external_id text   COLLATE "C",
    note        text   NOT NULL,
    at          bigint NOT NULL,
    saw         text   NOT NULL
);
CREATE INDEX alert_firings_by_owner ON alert_firings (user_id, id);
CREATE INDEX alert_firings_by_alert ON alert_firings (alert_id) WHERE alert_id IS NOT NULL;
CREATE INDEX alert_firings_by_time ON alert_firings (at);

CREATE TABLE alert_deliveries (
    id          bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id     bigint   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    webhook_id  bigint   NOT NULL REFERENCES alert_webhooks (id) ON DELETE CASCADE,
    firing_id   bigint   NOT NULL REFERENCES alert_firings (id) ON DELETE CASCADE,
    status      text     NOT NULL DEFAULT 'PENDING'
                CHECK (status IN ('PENDING', 'DELIVERED', 'FAILED')),
    tries       integer  NOT NULL DEFAULT 0,
    next_at     bigint   NOT NULL,
    answered    integer,
    error       text,
    created_at  bigint   NOT NULL,
    ended_at    bigint,
    CHECK ((status = 'PENDING') = (ended_at IS NULL))
);
CREATE INDEX alert_deliveries_due ON alert_deliveries (next_at) WHERE status = 'PENDING';
CREATE INDEX alert_deliveries_waiting ON alert_deliveries (webhook_id) WHERE status = 'PENDING';
CREATE INDEX alert_deliveries_by_webhook ON alert_deliveries (webhook_id, id);
CREATE INDEX alert_deliveries_by_owner ON alert_deliveries (user_id);
CREATE INDEX alert_deliveries_by_firing ON alert_deliveries (firing_id);
"""

_DOWN: Final = """
DROP TABLE alert_deliveries, alert_firings, alert_prints, alerts, alert_webhooks;
"""


def upgrade() -> None:
    """Create the tables."""
    execute_script(_UP)


def downgrade() -> None:
    """Drop the tables."""
    execute_script(_DOWN)
