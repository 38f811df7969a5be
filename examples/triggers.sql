-- Tables whose rows become users of Neon Auth. Needs the extension, the server "neon" and a key for the role
-- that runs this script: whoever writes, Neon is called with the key of who owns the table.
-- A migration like any other: nothing here is for psql alone.

-- 1. After COMMIT, and the right choice unless the id has to be there at COMMIT. The rows of a table and the
-- users of Neon Auth are kept together: a row gets its user's id when that is there, and takes the user along
-- when it is deleted. No statement waits for the network.
CREATE SCHEMA app;
CREATE TABLE app.members (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL,
    name text,
    auth_user_id text UNIQUE
);
-- To Neon, upper and lower case are the same.
CREATE UNIQUE INDEX ON app.members (lower(email));
CREATE TRIGGER auth AFTER INSERT OR UPDATE OR DELETE ON app.members
    FOR EACH ROW EXECUTE FUNCTION neon_auth_admin.sync_user('email', 'name', 'auth_user_id');
-- TRUNCATE would leave the users behind.
CREATE TRIGGER auth_truncate BEFORE TRUNCATE ON app.members
    FOR EACH STATEMENT EXECUTE FUNCTION neon_auth_admin.sync_user('email', 'name', 'auth_user_id');

-- 2. At COMMIT, in the transaction: it fails when the user cannot be made. Written for the branch level; at
-- project level only app.auth_user_id() is another.
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

-- A server of its own, with a shorter limit, and the options of "neon" otherwise. So is the key, which
-- is stored sealed for this role and host: it is copied as it is, and the script contains none.
DO $$
DECLARE
    options text := (SELECT string_agg(format('%I %L', option_name, option_value), ', ')
                     FROM pg_foreign_server, pg_options_to_table(srvoptions)
                     WHERE srvname = 'neon' AND option_name NOT IN ('timeout', 'max_attempts'));
    key text;
BEGIN
    SELECT option_value INTO STRICT key FROM pg_user_mappings, pg_options_to_table(umoptions)
        WHERE srvname = 'neon' AND usename = current_user AND option_name = 'api_key';
    EXECUTE 'CREATE SERVER neon_in_triggers FOREIGN DATA WRAPPER neon_auth_admin OPTIONS ('
        || options || ', timeout ''3s'', max_attempts ''2'')';
    EXECUTE format('CREATE USER MAPPING FOR CURRENT_USER SERVER neon_in_triggers OPTIONS (api_key %L)', key);
END $$;

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
        -- lost (NA003), or because somebody signed up with it, who need not be this customer: where
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
