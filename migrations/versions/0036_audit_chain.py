"""The audit log is only ever appended to, and each line holds the hash of the one before.

A line gets its number and its hashes from a trigger, whoever writes it, so that writers of several
processes make one chain: the row of `audit_head` is locked from a line's number to its commit. What
is hashed is the hash of the line before (of the first: 32 zeros) and the fields in the order of
`audit_hash`, each as its length in bytes, a colon and its text, or "-" for NULL. Lines that are
there already are chained as they stand. UPDATE, DELETE and TRUNCATE are refused to everybody, the
tables' owner and replication included; who takes the triggers away first is found by
`probity verify`.
"""

from typing import Final

from migrations.script import execute_script

revision: Final = "0036"
down_revision: Final = "0035"

_UP: Final = """
ALTER TABLE audit_log
    ALTER COLUMN id DROP IDENTITY,
    ADD COLUMN previous_hash bytea,
    ADD COLUMN hash bytea;
CREATE INDEX audit_log_by_time ON audit_log (at);

CREATE TABLE audit_head (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    last_id bigint  NOT NULL,
    hash    bytea   NOT NULL CHECK (length(hash) = 32)
) WITH (fillfactor = 20);
COMMENT ON TABLE audit_head IS 'the last line of audit_log: without it nobody would miss it';

CREATE FUNCTION audit_field(value text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN coalesce(octet_length(value) || ':' || value, '-');

CREATE FUNCTION audit_hash(
    previous bytea, id bigint, at bigint, actor_id bigint, action text, target text, outcome text,
    request_id text
) RETURNS bytea LANGUAGE sql STABLE
RETURN sha256(previous || convert_to(
    audit_field(id::text) || audit_field(at::text) || audit_field(actor_id::text)
    || audit_field(action) || audit_field(target) || audit_field(outcome)
    || audit_field(request_id), 'UTF8'));

DO $$
DECLARE
    line record;
    last bigint := 0;
    previous bytea := decode(repeat('00', 32), 'hex');
    own bytea;
BEGIN
    FOR line IN SELECT * FROM audit_log ORDER BY id LOOP
        own := audit_hash(previous, line.id, line.at, line.actor_id, line.action, line.target,
                          line.outcome, line.request_id);
        UPDATE audit_log SET previous_hash = previous, hash = own WHERE id = line.id;
        last := line.id;
        previous := own;
    END LOOP;
    INSERT INTO audit_head (last_id, hash) VALUES (last, previous);
END $$;

ALTER TABLE audit_log
    ALTER COLUMN previous_hash SET NOT NULL,
    ALTER COLUMN hash SET NOT NULL;

CREATE FUNCTION audit_append() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head audit_head;
BEGIN
    SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
    NEW.id := head.last_id + 1;
    NEW.previous_hash := head.hash;
    NEW.hash := audit_hash(NEW.previous_hash, NEW.id, NEW.at, NEW.actor_id, NEW.action, NEW.target,
                           NEW.outcome, NEW.request_id);
    UPDATE audit_head SET last_id = NEW.id, hash = NEW.hash;
    RETURN NEW;
END $$;

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only ever appended to'
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER audit_log_chain BEFORE INSERT ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_append();
CREATE TRIGGER audit_log_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_head_stays BEFORE INSERT OR DELETE OR TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
-- The chain's own trigger moves it, from within.
CREATE TRIGGER audit_head_moves BEFORE UPDATE ON audit_head
    FOR EACH STATEMENT WHEN (pg_trigger_depth() < 1) EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_log
    ENABLE ALWAYS TRIGGER audit_log_chain,
    ENABLE ALWAYS TRIGGER audit_log_stays;
ALTER TABLE audit_head
    ENABLE ALWAYS TRIGGER audit_head_stays,
    ENABLE ALWAYS TRIGGER audit_head_moves;
"""

_DOWN: Final = """
DROP TRIGGER audit_log_chain ON audit_log;
DROP TRIGGER audit_log_stays ON audit_log;
DROP TABLE audit_head;
DROP FUNCTION audit_append;
DROP FUNCTION audit_refuse;
DROP FUNCTION audit_hash;
DROP FUNCTION audit_field;
DROP INDEX audit_log_by_time;
ALTER TABLE audit_log
    DROP COLUMN hash,
    DROP COLUMN previous_hash,
    ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('audit_log', 'id'), greatest(max(id), 1), max(id) IS NOT NULL)
  FROM audit_log;
"""


def upgrade() -> None:
    """Chain the lines that are there, and have every further one chained."""
    execute_script(_UP)


def downgrade() -> None:
    """Forget the chain; the lines stay."""
    execute_script(_DOWN)
