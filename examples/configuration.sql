-- A migration that describes the configuration of Neon Auth as one document.
--
-- It may run any number of times: what is as wanted already is not written again, and what the document does
-- not name stays as it is. Any tool can run it, in a transaction or not: there is nothing here that only psql
-- understands. It needs a server "neon" (or the setting neon_auth_admin.server) and a stored key, as
-- examples/migration.sql shows; on a Neon compute each preview branch configures itself.
--
-- Secrets are not in the migration. They come from the connection's settings, which the tool makes from
-- its environment: PGOPTIONS="-c app.google_client_id=... -c app.google_client_secret=...".
-- If one is missing, current_setting() fails and nothing is sent. Neon shows some secrets to some keys only:
-- one that it does not show is sent when it is new or when the object that it belongs to changes; after a
-- rotation, run this once with resend => true.

SELECT step, action, object, field, current, wanted, note
    FROM neon_auth_admin.apply(jsonb_build_object(
        'name', 'Example',
        'domains', jsonb_build_array('https://app.example.com', 'https://admin.example.com'),
        'allow_localhost', false,
        'oauth_providers', jsonb_build_object(
            'google', jsonb_build_object(
                'client_id', current_setting('app.google_client_id'),
                'client_secret', current_setting('app.google_client_secret'))),
        'email_server', jsonb_build_object('type', 'shared', 'sender_name', 'Example'),
        'email_and_password', jsonb_build_object('require_email_verification', true),
        'magic_link', jsonb_build_object('enabled', true, 'expires_in', 15)));

-- What is no longer wanted is deleted only in the sections that prune names.
SELECT action, object
    FROM neon_auth_admin.apply(
        '{"domains": ["https://app.example.com", "https://admin.example.com"]}', prune => '{domains}');

-- A migration may end with a proof: there is nothing left to do.
DO $$
BEGIN
    IF EXISTS (SELECT FROM neon_auth_admin.plan('{"name": "Example", "allow_localhost": false}')) THEN
        RAISE 'the configuration of Neon Auth is not what it should be';
    END IF;
END $$;
