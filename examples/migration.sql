-- A migration that brings the configuration of Neon Auth into the state that you want, at branch level or
-- at project level.
--
-- It can run any number of times, and has to: its calls are not undone when its transaction is rolled
-- back, so a failed run leaves some of them done. It reads first and writes only what differs;
-- unique_violation is caught as well, because somebody else may add the same thing in between.
--
-- On a Neon compute, current is the project and the branch that it runs on, so that each preview
-- branch configures itself. Elsewhere name the ids; a project on Stack Auth has no branch_id here.
-- The API key is no part of a migration: store it once for each environment with
-- neon_auth_admin.set_api_key(), and run the migration as that role. There is nothing here that only
-- psql understands, so any tool can run it, in a transaction or not.

CREATE EXTENSION IF NOT EXISTS neon_auth_admin;
CREATE SERVER IF NOT EXISTS neon FOREIGN DATA WRAPPER neon_auth_admin
    OPTIONS (project_id 'current', branch_id 'current');

-- Redirect domains: add what is missing, remove what is no longer wanted.
DO $$
DECLARE
    wanted constant text[] := ARRAY['https://app.example.com', 'https://admin.example.com'];
    retired constant text[] := ARRAY['https://old.example.com'];
    present constant text[] := ARRAY(SELECT domain FROM neon_auth_admin.list_domains());
    missing text;
BEGIN
    FOR missing IN SELECT unnest(wanted) EXCEPT SELECT unnest(present) LOOP
        BEGIN
            PERFORM neon_auth_admin.add_domain(missing);
            RAISE NOTICE 'added domain %', missing;
        EXCEPTION WHEN unique_violation THEN
            NULL; -- it is there, which is what we want
        END;
    END LOOP;
    IF present && retired THEN
        PERFORM neon_auth_admin.delete_domains(retired);
        RAISE NOTICE 'removed domains %', retired;
    END IF;
END $$;

-- OAuth providers: Google with Neon's shared credentials, no Vercel. Own credentials are secrets:
-- give them by hand, as a bound value or from a setting of the session that the tool makes
-- (current_setting('app.google_secret')), with neon_auth_admin.update_oauth_provider().
DO $$
DECLARE
    present constant text[] := ARRAY(SELECT id FROM neon_auth_admin.list_oauth_providers());
BEGIN
    IF 'google' <> ALL (present) THEN
        BEGIN
            PERFORM neon_auth_admin.add_oauth_provider('google');
            RAISE NOTICE 'added provider google';
        EXCEPTION WHEN unique_violation THEN
            NULL; -- somebody else was faster
        END;
    END IF;
    IF 'vercel' = ANY (present) THEN
        BEGIN
            PERFORM neon_auth_admin.delete_oauth_provider('vercel');
            RAISE NOTICE 'removed provider vercel';
        EXCEPTION WHEN no_data_found THEN
            NULL; -- somebody else was faster
        END;
    END IF;
END $$;

-- Email server: Neon's shared one, with our name as the sender.
DO $$
DECLARE
    present constant neon_auth_admin.email_server := neon_auth_admin.get_email_server();
BEGIN
    IF (present.type, present.sender_name) IS DISTINCT FROM ('shared', 'Example') THEN
        PERFORM neon_auth_admin.update_email_server('shared', sender_name => 'Example');
        RAISE NOTICE 'updated the email server';
    END IF;
END $$;

-- A user that has to exist. list_users() reads the table of either level; run this in the database
-- that Neon Auth writes its users into.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM neon_auth_admin.list_users()
                   WHERE lower(email) = 'support@example.com') THEN
        PERFORM neon_auth_admin.create_user('support@example.com', 'Support');
        RAISE NOTICE 'created user support@example.com';
    END IF;
EXCEPTION WHEN unique_violation THEN
    NULL; -- created, and not yet in the table
END $$;
