-- What \dx+, \df+ and \dT+ show: what a thing does at Neon, what it returns, what ROLLBACK leaves.

COMMENT ON SCHEMA neon_auth_admin IS
    'Administration of Neon Auth: SQL functions that call the Neon API';

COMMENT ON FOREIGN DATA WRAPPER neon_auth_admin IS
    'Holds where Neon Auth is (server options) and with which API key (user mapping)';
COMMENT ON FUNCTION neon_auth_admin.neon_auth_admin_validator IS
    'Checks the options of servers and user mappings; called by CREATE and ALTER';
COMMENT ON FUNCTION neon_auth_admin.set_api_key IS
    'Stores the Neon API key of a role (NULL: the current one, ''public'': everyone) in its user mapping on a server. Returns nothing. Local: sends nothing, and ROLLBACK undoes it';

-- Users

COMMENT ON TYPE neon_auth_admin.auth_user IS
    'A user as create_user made it; the id is the key of neon_auth.users_sync';
COMMENT ON FUNCTION neon_auth_admin.create_user IS
    'Creates a user in Neon Auth and returns its id, e-mail and name. It appears in neon_auth.users_sync within about a second. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_user IS
    'Deletes the user with this id in Neon Auth; returns nothing. neon_auth.users_sync.deleted_at is set within about a second. Not undone by ROLLBACK';

COMMENT ON TYPE neon_auth_admin.synced_user IS
    'A user as this database has it: a row of neon_auth."user" (role) or of neon_auth.users_sync (deleted_at)';
COMMENT ON FUNCTION neon_auth_admin.list_users IS
    'Lists the users in this database, one row each: of neon_auth."user" or, where that does not exist, of neon_auth.users_sync, which also has the deleted ones. Sends nothing; needs SELECT on the columns';
COMMENT ON FUNCTION neon_auth_admin.wait_for_user IS
    'Waits until the user with this id is in this database and returns it, raises P0002 when it is not there in time. Sends nothing; sees new commits, so it needs READ COMMITTED';

-- OAuth providers

COMMENT ON TYPE neon_auth_admin.oauth_provider IS
    'An OAuth provider: id google, github, microsoft or vercel; type standard (own credentials) or shared (Neon''s)';
COMMENT ON FUNCTION neon_auth_admin.list_oauth_providers IS
    'Lists the OAuth providers that users can sign in with, one row each; client_secret is masked';
COMMENT ON FUNCTION neon_auth_admin.add_oauth_provider IS
    'Adds an OAuth provider, with own credentials or, without them, Neon''s shared ones; returns it. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.update_oauth_provider IS
    'Changes the credentials of an OAuth provider and returns it; NULL leaves a field as it is. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_oauth_provider IS
    'Removes an OAuth provider: nobody can sign in with it any more; returns nothing. Not undone by ROLLBACK';

-- Redirect domains

COMMENT ON TYPE neon_auth_admin.redirect_domain IS
    'A URI that a sign-in may return to';
COMMENT ON FUNCTION neon_auth_admin.list_domains IS
    'Lists the redirect domains, one row each';
COMMENT ON FUNCTION neon_auth_admin.add_domain IS
    'Allows sign-ins to return to this domain, a URI such as https://app.example.com; returns nothing. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_domain IS
    'Removes one redirect domain; returns nothing, also when it was not there. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_domains IS
    'Removes several redirect domains in one request; returns nothing, also when they were not there. Not undone by ROLLBACK';

-- Email server

COMMENT ON TYPE neon_auth_admin.email_server IS
    'The email server that Neon Auth sends from: type standard (own SMTP server) or shared (Neon''s)';
COMMENT ON FUNCTION neon_auth_admin.get_email_server IS
    'Returns the email server that Neon Auth sends from; password is masked';
COMMENT ON FUNCTION neon_auth_admin.update_email_server IS
    'Replaces the email server: type standard needs all fields, type shared takes a sender at most; returns it. Not undone by ROLLBACK';

-- Integration

COMMENT ON TYPE neon_auth_admin.integration IS
    'Neon Auth as it is enabled for a project; owned_by user or neon, transfer_status initiated or finished';
COMMENT ON TYPE neon_auth_admin.integration_keys IS
    'What an application needs to use Neon Auth; the keys are secrets';
COMMENT ON FUNCTION neon_auth_admin.create_integration IS
    'Enables Neon Auth for the project, on a branch and a database of it; returns the keys, unmasked. role_name is deprecated at Neon. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.list_integrations IS
    'Lists the integrations of the project, one row each';
COMMENT ON FUNCTION neon_auth_admin.get_integration IS
    'Returns the only integration of the project; raises P0002 when there is none, P0003 when there are more';
COMMENT ON FUNCTION neon_auth_admin.create_sdk_keys IS
    'Creates new SDK keys and returns them, unmasked. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.transfer_ownership IS
    'Starts the transfer of the auth project from Neon to an own account; returns the URL that completes it. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_integration IS
    'Disables Neon Auth for the project, with delete_data also drops the schema neon_auth; returns nothing. Not undone by ROLLBACK';
