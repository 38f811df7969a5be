-- Imports users from a CSV file with the columns email and name, through the queue. For psql:
--
--     psql -v file=users.csv -f examples/import.sql
--
-- It needs a server and a stored key, as in the README's first session. The users are created after COMMIT, at the
-- speed that Neon allows (about 700 a minute), even if this session ends. The table "imported" keeps track: when
-- this is run again, with the same file or another one, it queues what is new, and nobody twice. Do not run it with
-- psql -1: queued calls are made after COMMIT.
\set ON_ERROR_STOP on
\if :{?file}
\else
DO $$BEGIN RAISE 'no file is named' USING HINT = 'psql -v file=users.csv -f examples/import.sql'; END$$;
\endif
\set VERBOSITY default
SET client_min_messages = warning;

CREATE TABLE IF NOT EXISTS imported (
    line integer GENERATED ALWAYS AS IDENTITY,
    email text PRIMARY KEY,
    name text,
    queued_call bigint, -- its id in neon_auth_admin.queue
    problem text -- why it was not queued
);

-- \copy takes its line as it is, so the file's name gets into it this way.
CREATE TEMP TABLE IF NOT EXISTS file (email text, name text);
TRUNCATE file;
\set copy '\\copy file FROM ' :'file' ' CSV HEADER'
-- A line that cannot be read ends the script, and is named with its number.
:copy
\set VERBOSITY terse
SET client_min_messages = notice;
INSERT INTO imported (email, name)
    SELECT DISTINCT ON (lower(trim(email))) lower(trim(email)), trim(name) FROM file WHERE trim(email) <> ''
    ON CONFLICT (email) DO NOTHING;

-- Each address is checked when it is queued. An invalid one is kept with the reason and does not stop the others:
-- correct it in the table, and run this again.
DO $$
DECLARE
    person record;
    id bigint;
    why text;
BEGIN
    FOR person IN SELECT * FROM imported WHERE queued_call IS NULL ORDER BY line FOR UPDATE LOOP
        BEGIN
            SELECT neon_auth_admin.enqueue(
                'create_user', jsonb_build_object('email', person.email, 'name', person.name)) INTO id;
            UPDATE imported SET problem = NULL, queued_call = id WHERE line = person.line;
        EXCEPTION WHEN invalid_parameter_value THEN
            GET STACKED DIAGNOSTICS why = PG_EXCEPTION_DETAIL;
            UPDATE imported SET problem = why WHERE line = person.line;
        END;
    END LOOP;
END $$;
SELECT email, problem FROM imported WHERE problem IS NOT NULL ORDER BY line;

-- A background worker makes the calls. This prints its progress every few seconds, and how long the rest takes at
-- the speed that Neon allows; Ctrl-C ends this and not the import. Where the server has no free worker process, CALL
-- neon_auth_admin.run_queue() makes the calls in this session instead.
DO $$
DECLARE
    per_minute float := coalesce(current_setting('neon_auth_admin.queue_rate', true), '680');
    made bigint;
    remaining bigint;
    last bigint;
BEGIN
    LOOP
        SELECT count(*) FILTER (WHERE state NOT IN ('waiting', 'sending')),
                count(*) FILTER (WHERE state IN ('waiting', 'sending')),
                max(id) FILTER (WHERE state IN ('waiting', 'sending'))
            INTO made, remaining, last
            FROM imported JOIN neon_auth_admin.queue ON id = queued_call;
        RAISE NOTICE '% finished, % to go, about % left',
            made, remaining, make_interval(secs => ceil(remaining / per_minute * 60));
        EXIT WHEN remaining = 0;
        BEGIN
            PERFORM neon_auth_admin.wait_for_queued(last, '5 s');
        EXCEPTION WHEN no_data_found THEN -- it is not over yet
        END;
    END LOOP;
END $$;

-- The outcome.
SELECT state, count(*) FROM imported JOIN neon_auth_admin.queue ON id = queued_call GROUP BY state ORDER BY state;

-- What failed, and why. When the cause is removed: SELECT neon_auth_admin.retry_queued(id).
SELECT id, email, sqlstate, message
    FROM imported JOIN neon_auth_admin.queue ON id = queued_call WHERE state = 'failed' ORDER BY line;
