-- What \dx+, \df+ and \dT+ show: what a thing does at Neon, what it returns, what ROLLBACK leaves.

COMMENT ON SCHEMA neon_auth_admin IS
    'Administration of Neon Auth (Managed Better Auth): SQL functions that call the Neon API. For the rows of a table, call in a SELECT list: in FROM beside the table, and in WHERE, Postgres may call for rows that the query then drops';

COMMENT ON FOREIGN DATA WRAPPER neon_auth_admin IS
    'Holds where Neon Auth is (server options) and with which API key (user mapping)';
COMMENT ON SERVER neon_auth_admin_seal IS
    'Holds the secret that the API keys of this database are sealed with; no dump contains it';
COMMENT ON FUNCTION pg_catalog.neon_auth_admin_validator IS
    'Checks the options of servers and user mappings; called by CREATE and ALTER';
COMMENT ON FUNCTION neon_auth_admin.set_api_key IS
    'Stores the Neon API key of a role (NULL: the current one, ''public'': everyone) in its user mapping on a server, sealed for the host of its api_url and, if that is given, for one project; returns the server. Local: sends nothing, and ROLLBACK undoes it';

-- Users

COMMENT ON TYPE neon_auth_admin.auth_user IS
    'A user as create_user made it; the id is the key of neon_auth."user" or neon_auth.users_sync';
COMMENT ON FUNCTION neon_auth_admin.create_user IS
    'Creates a user in Neon Auth and returns its id, e-mail and name. It appears in neon_auth."user" or, at project level, in neon_auth.users_sync within about a second. Not undone by ROLLBACK';
COMMENT ON TYPE neon_auth_admin.ensured_user IS
    'A user as ensure_user made it (created) or found it in this database';
COMMENT ON FUNCTION neon_auth_admin.ensure_user IS
    'Creates a user in Neon Auth or, if there is one with that address, finds its id in neon_auth."user" or neon_auth.users_sync; its name stays as it is. For migrations and seeds that run again. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_user IS
    'Deletes the user with this id in Neon Auth and returns the id. Its row in neon_auth."user" goes or, at project level, neon_auth.users_sync.deleted_at is set within about a second. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.set_user_roles IS
    'Replaces the roles of the user with this id and returns the id. Branch level. Not undone by ROLLBACK';

COMMENT ON TYPE neon_auth_admin.synced_user IS
    'A user as this database has it: a row of neon_auth."user" (role) or of neon_auth.users_sync (deleted_at)';
COMMENT ON FUNCTION neon_auth_admin.list_users IS
    'Lists the users in this database, one row each: of neon_auth."user" or, where that does not exist, of neon_auth.users_sync, which also has the deleted ones; with a server, of the table of its level. Sends nothing; needs SELECT on the columns, and owners that are trusted: superusers, the owner of the database, the caller, neon_auth_admin.users_owners';
COMMENT ON FUNCTION neon_auth_admin.wait_for_user IS
    'Waits until the user with this id is in this database and returns it, raises P0002 when it is not there in time. Sends nothing; sees new commits, so it needs READ COMMITTED';

-- OAuth providers

COMMENT ON TYPE neon_auth_admin.oauth_provider IS
    'An OAuth provider that users sign in with: id such as google, github, microsoft or vercel, and whatever else Neon has; type standard (own credentials) or shared (Neon''s)';
COMMENT ON FUNCTION neon_auth_admin.list_oauth_providers IS
    'Lists the OAuth providers that users can sign in with, one row each; client_secret is masked unless show_secrets is true';
COMMENT ON FUNCTION neon_auth_admin.add_oauth_provider IS
    'Adds an OAuth provider, with own credentials or, without them, Neon''s shared ones; returns it. Not undone by ROLLBACK';
COMMENT ON TYPE neon_auth_admin.ensured_oauth_provider IS
    'An OAuth provider as ensure_oauth_provider made it (created) or found it';
COMMENT ON FUNCTION neon_auth_admin.ensure_oauth_provider IS
    'Adds an OAuth provider, as add_oauth_provider does, or returns the one that is there as it is. For migrations and seeds that run again. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.update_oauth_provider IS
    'Changes the credentials of an OAuth provider and returns it; NULL leaves a field as it is. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_oauth_provider IS
    'Removes an OAuth provider: nobody can sign in with it any more; returns its id. Not undone by ROLLBACK';

-- Redirect domains

COMMENT ON TYPE neon_auth_admin.redirect_domain IS
    'A URI that a sign-in may return to';
COMMENT ON FUNCTION neon_auth_admin.list_domains IS
    'Lists the redirect domains, one row each';
COMMENT ON FUNCTION neon_auth_admin.add_domain IS
    'Allows sign-ins to return to this domain, a URI such as https://app.example.com, and returns it. Not undone by ROLLBACK';
COMMENT ON TYPE neon_auth_admin.ensured_domain IS
    'A redirect domain, and whether ensure_domain added it';
COMMENT ON FUNCTION neon_auth_admin.ensure_domain IS
    'Adds a redirect domain if it is not there. For migrations and seeds that run again. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_domain IS
    'Removes one redirect domain and returns it; a NOTICE says when it was not there. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_domains IS
    'Removes several redirect domains in one request and returns them; a NOTICE says which were not there. Not undone by ROLLBACK';

-- Email server

COMMENT ON TYPE neon_auth_admin.email_server IS
    'The email server that Neon Auth sends from: type standard (own SMTP server) or shared (Neon''s)';
COMMENT ON FUNCTION neon_auth_admin.get_email_server IS
    'Returns the email server that Neon Auth sends from; password is masked unless show_secrets is true';
COMMENT ON FUNCTION neon_auth_admin.update_email_server IS
    'Changes the email server and returns it: at project level, and with Stack Auth, type standard needs all fields, at branch level NULL leaves a field as it is; type shared takes a sender at most. Not undone by ROLLBACK';

COMMENT ON TYPE neon_auth_admin.email_test IS
    'What became of a test e-mail: success, and otherwise what the email server said';
COMMENT ON FUNCTION neon_auth_admin.send_test_email IS
    'Deprecated at Neon, use test_email_server: sends a test e-mail through the email server that is described here, whatever is configured; returns what became of it. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.test_email_server IS
    'Sends a test e-mail through the email server that is configured; returns what became of it. Branch level. Not undone by ROLLBACK';

-- Settings of a branch

COMMENT ON TYPE neon_auth_admin.email_and_password IS
    'How people sign in with e-mail and password; email_verification_method link or otp';
COMMENT ON FUNCTION neon_auth_admin.get_email_and_password IS
    'Returns how people sign in with e-mail and password. Branch level';
COMMENT ON FUNCTION neon_auth_admin.update_email_and_password IS
    'Changes how people sign in with e-mail and password and returns it; NULL leaves a field as it is. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.get_allow_localhost IS
    'Says whether sign-ins may return to localhost. Branch level';
COMMENT ON FUNCTION neon_auth_admin.update_allow_localhost IS
    'Allows or forbids that sign-ins return to localhost; returns what holds now. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.update_config IS
    'Changes the name that people see, and returns it. Branch level. Not undone by ROLLBACK';

-- Plugins

COMMENT ON TYPE neon_auth_admin.plugins IS
    'What is configured for a branch, part by part as the API has it; other has the parts that this version does not know';
COMMENT ON TYPE neon_auth_admin.organization IS
    'The organization plugin; creator_role admin or owner';
COMMENT ON TYPE neon_auth_admin.magic_link IS
    'The magic link plugin; expires_in is in minutes';
COMMENT ON TYPE neon_auth_admin.phone_number IS
    'The phone number plugin; otp_expires_in is in seconds';
COMMENT ON FUNCTION neon_auth_admin.get_plugins IS
    'Returns everything that is configured, in one row; secrets are masked unless show_secrets is true. Branch level';
COMMENT ON FUNCTION neon_auth_admin.update_organization IS
    'Changes the organization plugin and returns it; NULL leaves a field as it is. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.update_magic_link IS
    'Changes the magic link plugin and returns it; expires_in is 5 to 1440 minutes, NULL leaves a field as it is. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.get_phone_number IS
    'Returns the phone number plugin. Branch level';
COMMENT ON FUNCTION neon_auth_admin.update_phone_number IS
    'Changes the phone number plugin and returns it; otp_expires_in is 60 to 600 seconds, NULL leaves a field as it is. Branch level. Not undone by ROLLBACK';

-- OAuth server: other applications sign users in with Neon Auth. OAuth providers, above, are what Neon Auth
-- signs users in with.

COMMENT ON TYPE neon_auth_admin.oauth_server IS
    'Neon Auth as an OAuth server for other applications; mcp and resources as the API has them, other has the fields that this version does not know';
COMMENT ON FUNCTION neon_auth_admin.get_oauth_server IS
    'Returns the settings of the OAuth server; texts below names of secrets are masked unless show_secrets is true. Branch level';
COMMENT ON FUNCTION neon_auth_admin.update_oauth_server IS
    'Changes the settings of the OAuth server, which only the root branch can enable, and returns them; mcp (an object) and resources (an array) replace what is there, NULL leaves a field as it is. Branch level. Not undone by ROLLBACK';
COMMENT ON TYPE neon_auth_admin.oauth_client IS
    'An application that signs users in with the OAuth server; type confidential or public, other has the fields that this version does not know';
COMMENT ON TYPE neon_auth_admin.new_oauth_client IS
    'A client as create_oauth_client made it, with its client_secret, which is shown this once';
COMMENT ON TYPE neon_auth_admin.oauth_client_secret IS
    'The new client_secret of a client, which is shown this once';
COMMENT ON FUNCTION neon_auth_admin.list_oauth_clients IS
    'Lists the clients of the OAuth server, one row each, without secrets: nothing shows those again. Branch level';
COMMENT ON FUNCTION neon_auth_admin.create_oauth_client IS
    'Creates a client of the OAuth server (type confidential or public) and returns it with its client_secret, unmasked, which is never shown again. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.update_oauth_client IS
    'Changes a client of the OAuth server and returns it; redirect_uris and resources replace what is there, NULL leaves a field as it is. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_oauth_client IS
    'Deletes a client of the OAuth server and returns its id; tokens that it has got already stay valid. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.rotate_oauth_client_secret IS
    'Gives a client of the OAuth server a new client_secret and returns it, unmasked, which is never shown again; the old one is void at once. Branch level. Not undone by ROLLBACK';

-- Webhooks

COMMENT ON TYPE neon_auth_admin.webhooks IS
    'What Neon Auth calls when something happens; timeout_seconds 1 to 10';
COMMENT ON FUNCTION neon_auth_admin.get_webhooks IS
    'Returns the webhooks. Branch level';
COMMENT ON FUNCTION neon_auth_admin.update_webhooks IS
    'Changes the webhooks and returns them; NULL leaves a field as it is, for which they are read first. Branch level. Not undone by ROLLBACK';

-- Integration

COMMENT ON TYPE neon_auth_admin.integration IS
    'Neon Auth as it is enabled for a project; owned_by user or neon, transfer_status initiated or finished';
COMMENT ON TYPE neon_auth_admin.integration_keys IS
    'What an application needs to use Neon Auth; the keys are secrets';
COMMENT ON FUNCTION neon_auth_admin.create_integration IS
    'Enables Neon Auth for the branch of the server or, at project level, for this one; returns the keys, unmasked. role_name is deprecated at Neon, and is not there at branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.list_integrations IS
    'Lists the integrations of the project, or the one of the branch, one row each';
COMMENT ON FUNCTION neon_auth_admin.get_integration IS
    'Returns the only integration of the project or branch; raises P0002 when there is none, P0003 when there are more';
COMMENT ON FUNCTION neon_auth_admin.create_sdk_keys IS
    'Creates new SDK keys and returns them, unmasked. Project level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.transfer_ownership IS
    'Starts the transfer of the auth project from Neon to an own account; returns the URL that completes it. Project level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_integration IS
    'Disables Neon Auth for the project or branch, with delete_data also drops the schema neon_auth; returns the auth_provider that it ran on. Not undone by ROLLBACK';

-- What has no function of its own

COMMENT ON TYPE neon_auth_admin.api_answer IS
    'What Neon answers to call_api: a status from 200 to 299, and a body if there is one';
COMMENT ON FUNCTION neon_auth_admin.call_api IS
    'Calls any operation below .../auth: for what has no function of its own. method is GET, POST, PUT, PATCH or DELETE, path what follows .../auth/ with percent-encoded segments; secrets are masked in the answer to a GET, and shown in others. Not undone by ROLLBACK';

-- Connection

COMMENT ON TYPE neon_auth_admin.connection_check IS
    'A step of the way to Neon; ok is NULL when an earlier step keeps it from being looked at';
COMMENT ON FUNCTION neon_auth_admin.check_connection IS
    'Looks at each step between this session and Neon, one row each; a step that fails is a row and no error';
