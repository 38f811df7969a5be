-- A table whose new rows become users of Neon Auth. Needs the extension, the server "neon" and a
-- key for the role that runs this script: the function calls Neon as its owner, whoever inserts.
-- Written for the branch level; at project level only app.auth_user_id() is another.
--
-- Know what you do when a transaction waits for a network:
--   * It keeps its locks and its snapshot. Here the trigger is deferred to COMMIT, so that the wait
--     comes after all other work and no later statement can fail and leave a user behind.
--   * A wait needs a limit. The server below gives up after 3 s (all attempts together); set
--     statement_timeout as well, and lock_timeout for those who wait for the row.
--   * One call for each row: a bulk INSERT of 1,000 rows makes 1,000 calls, and Neon allows 700 a
--     minute. Load in bulk with the trigger disabled.
--   * ROLLBACK, also by a crash, does not undo a call that was made. The function below is written
--     so that the next attempt finds such a user.

-- A server of its own, with a shorter limit, and the options of "neon" otherwise.
DO $$
DECLARE
    options text := (SELECT string_agg(format('%I %L', option_name, option_value), ', ')
                     FROM pg_foreign_server, pg_options_to_table(srvoptions)
                     WHERE srvname = 'neon' AND option_name NOT IN ('timeout', 'max_attempts'));
BEGIN
    EXECUTE 'CREATE SERVER neon_in_triggers FOREIGN DATA WRAPPER neon_auth_admin OPTIONS ('
        || options || ', timeout ''3s'', max_attempts ''2'')';
END $$;
\set key `printenv NEON_API_KEY`
SELECT neon_auth_admin.set_api_key(:'key', server => 'neon_in_triggers');

CREATE SCHEMA app;
CREATE TABLE app.customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text,
    auth_user_id text UNIQUE
);

-- The id of a user whom Neon has already. At project level:
--   SELECT id FROM neon_auth.users_sync WHERE lower(email) = lower(address) AND deleted_at IS NULL
CREATE FUNCTION app.auth_user_id(address text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT id::text FROM neon_auth."user" WHERE lower(email) = lower(address) $$;

-- SECURITY DEFINER lends the owner's key without showing it. Name the server: otherwise it is the
-- one that the caller's connection or role has in the setting neon_auth_admin.server.
CREATE FUNCTION app.create_auth_user() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    customer app.customers;
    auth_id text;
BEGIN
    -- At COMMIT the row may be another than NEW, or gone, or have its user already.
    SELECT * INTO customer FROM app.customers WHERE id = NEW.id AND auth_user_id IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    BEGIN
        SELECT id INTO auth_id FROM neon_auth_admin.create_user(
            customer.email, customer.name, server => 'neon_in_triggers');
    EXCEPTION WHEN unique_violation THEN
        -- Neon knows the address: from an earlier attempt that was rolled back, or whose answer was
        -- lost (08007), or because somebody signed up with it, who need not be this customer: where
        -- that matters, look at "emailVerified" (raw_json ->> 'primary_email_verified' at project
        -- level). NULL if it is not there yet.
        auth_id := app.auth_user_id(customer.email);
    END;
    -- Other errors are not caught: the customer is not stored, and the client sees why.
    UPDATE app.customers SET auth_user_id = auth_id WHERE id = customer.id;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION app.create_auth_user FROM PUBLIC;

CREATE CONSTRAINT TRIGGER create_auth_user
    AFTER INSERT ON app.customers DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.auth_user_id IS NULL)
    EXECUTE FUNCTION app.create_auth_user();

-- Try it.
INSERT INTO app.customers (email, name) VALUES ('mary@example.com', 'Mary Somerville');
SELECT id, email, auth_user_id FROM app.customers;

-- An insert that is rolled back before the trigger ran has called nobody, nor has a row that is gone.
BEGIN;
INSERT INTO app.customers (email) VALUES ('nobody@example.com');
ROLLBACK;
BEGIN;
INSERT INTO app.customers (email) VALUES ('gone@example.com');
DELETE FROM app.customers WHERE email = 'gone@example.com';
COMMIT;

-- What counts is the row at COMMIT.
BEGIN;
INSERT INTO app.customers (email) VALUES ('grce@example.com');
UPDATE app.customers SET email = 'grace@example.com' WHERE email = 'grce@example.com';
COMMIT;

-- A user that Neon already has is linked, not created again.
SELECT pg_sleep(1) \g /dev/null
DELETE FROM app.customers;
INSERT INTO app.customers (email, name) VALUES ('Mary@example.com', 'Mary Somerville');
SELECT id, email, auth_user_id FROM app.customers;

-- Customers that still wait for their id, to be run now and then.
UPDATE app.customers SET auth_user_id = app.auth_user_id(email)
    WHERE auth_user_id IS NULL AND app.auth_user_id(email) IS NOT NULL;
