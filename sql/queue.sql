-- Calls that are made after COMMIT. The functions write here as the owner of the table, each for the role that
-- calls it; nobody else sees it, and the view shows each role its own. It is no part of a dump: restored elsewhere,
-- a call would be made there as well.

CREATE TABLE neon_auth_admin.queued_calls (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation text COLLATE "C" NOT NULL,
    arguments jsonb NOT NULL,
    server text COLLATE "C" NOT NULL,
    role oid NOT NULL,
    subject text COLLATE "C" NOT NULL, -- calls of one are made one after the other
    origin text COLLATE "C" NOT NULL, -- where it was queued: it is sent from there alone
    timeline integer NOT NULL, -- of the WAL, for a standby that was promoted
    -- or sending, done, failed, cancelled: a CHECK would be read and planned again for each call
    state text COLLATE "C" NOT NULL DEFAULT 'waiting',
    held boolean NOT NULL DEFAULT false, -- behind an earlier call of its subject
    in_doubt boolean NOT NULL DEFAULT false, -- whether an attempt may have been carried out
    attempts integer NOT NULL DEFAULT 0, -- never goes back: results are stored by it
    crashes integer NOT NULL DEFAULT 0,
    enqueued_at timestamptz NOT NULL,
    next_attempt_at timestamptz, -- of what is waiting, unless something else has to happen first
    failing_since timestamptz,
    finished_at timestamptz,
    request_id text,
    result jsonb,
    sqlstate text,
    message text,
    detail text,
    hint text,
    -- The row that it is about, of a table with sync_user. Numbers outlive a change of names.
    of_table oid,
    of_key text COLLATE "C", -- as JSON: the values of the primary key, by the numbers of their columns
    of_email smallint, -- the numbers of the columns of the address, and of the id that the row is to have
    of_id smallint,
    is_linked boolean NOT NULL DEFAULT false, -- whether the user was there before
    of_former text COLLATE "C", -- the id that was taken from the row: if the user is there, it is that one
    -- Of the many rows of a statement, which would spend most of its time on indexes: those that no index knows of
    -- but that of ids, until somebody needs them there; and the first of those that were written together says up
    -- to which id they may be.
    is_new boolean NOT NULL DEFAULT false,
    new_until bigint
) WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0,
    vacuum_truncate = off, -- which would lock everybody out
    vacuum_index_cleanup = on -- the left end of each index is dead soon
);

-- Two indexes have an entry for each new call, of numbers: texts would cost more than the row itself. What they find
-- is compared again, text by text. No two entries are alike, so that nobody has to look for those that are.
-- What is due, at each server and of each operation.
CREATE INDEX queued_calls_due ON neon_auth_admin.queued_calls (role, pg_catalog.hashtext(origin),
        pg_catalog.hashtextextended(operation, pg_catalog.hashtextextended(server, 0)), next_attempt_at, id)
    WITH (deduplicate_items = off) WHERE next_attempt_at IS NOT NULL;
-- The order of each subject.
CREATE INDEX queued_calls_subject ON neon_auth_admin.queued_calls (role, pg_catalog.hashtextextended(subject, 0), id)
    WITH (deduplicate_items = off) WHERE state IN ('waiting', 'sending') AND NOT is_new;
-- Behind which calls there are new ones.
CREATE INDEX queued_calls_new ON neon_auth_admin.queued_calls (role, id) WHERE new_until IS NOT NULL;
-- What somebody has to look after.
CREATE INDEX queued_calls_special ON neon_auth_admin.queued_calls (role, state, id)
    WHERE state IN ('sending', 'failed');
-- Who is behind an earlier call of each subject.
CREATE INDEX queued_calls_held ON neon_auth_admin.queued_calls (role, origin, server, subject, id)
    WHERE held;
-- What may have been made for a row that is deleted now. It is kept.
CREATE INDEX queued_calls_unknown ON neon_auth_admin.queued_calls (role, server, subject)
    WHERE of_table IS NOT NULL AND (in_doubt OR result IS NOT NULL OR of_former IS NOT NULL)
        AND state IN ('failed', 'cancelled');
-- Users that were there before the rows that have their ids. What says so is kept.
CREATE INDEX queued_calls_linked ON neon_auth_admin.queued_calls (subject)
    WHERE state = 'done' AND is_linked;
-- Users that are there no more, however long this database's table of users still has them, or will be.
CREATE INDEX queued_calls_deletions ON neon_auth_admin.queued_calls
        (pg_catalog.hashtextextended(arguments OPERATOR(pg_catalog.->>) 'id', 0))
    WHERE operation = 'delete_user';

-- Whoever makes a dump with pg_dump 14 has to lock each table, for which the right to read it is needed: nobody
-- but its owner sees a row by that.
GRANT SELECT ON neon_auth_admin.queued_calls TO PUBLIC;
ALTER TABLE neon_auth_admin.queued_calls ENABLE ROW LEVEL SECURITY;

-- The second item in FROM, which costs nothing, keeps its owner from changing rows through it: what waits for them
-- would not hear of that.
CREATE VIEW neon_auth_admin.queue WITH (security_barrier) AS
    SELECT id, operation, arguments, server, pg_catalog.pg_get_userbyid(role) AS role, state, attempts,
        enqueued_at, next_attempt_at, finished_at, request_id, result, sqlstate, message, detail, hint
    FROM neon_auth_admin.queued_calls, (SELECT) AS nothing
    WHERE pg_catalog.pg_has_role(role, 'USAGE');
GRANT SELECT ON neon_auth_admin.queue TO PUBLIC;
