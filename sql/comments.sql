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
    'Stores the Neon API key of a role. The role is the current one if NULL, and everyone if ''public''; the key is in its user mapping on a server, sealed for the host of its api_url and, if that is given, for one project; returns the server. Local: sends nothing, and ROLLBACK undoes it';

-- Users

COMMENT ON TYPE neon_auth_admin.auth_user IS
    'A user as create_user made it; the id is the key of neon_auth."user" or neon_auth.users_sync';
COMMENT ON FUNCTION neon_auth_admin.create_user IS
    'Creates a user. Returns its id, e-mail and name. It appears in neon_auth."user" or, at project level, in neon_auth.users_sync within about a second. Not undone by ROLLBACK';
COMMENT ON TYPE neon_auth_admin.ensured_user IS
    'A user as ensure_user made it (created) or found it in this database';
COMMENT ON FUNCTION neon_auth_admin.ensure_user IS
    'Creates a user, or finds the one that is there. If there is one with that address, its id is looked for in neon_auth."user" or neon_auth.users_sync; its name stays as it is. For migrations and seeds that run again. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_user IS
    'Deletes a user. Returns its id. Its row in neon_auth."user" goes or, at project level, neon_auth.users_sync.deleted_at is set within about a second. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.set_user_roles IS
    'Replaces the roles of a user. Returns its id. Branch level. Not undone by ROLLBACK';

COMMENT ON TYPE neon_auth_admin.synced_user IS
    'A user as this database has it: a row of neon_auth."user" (email_verified, image, role, bans) or of neon_auth.users_sync (deleted_at)';
COMMENT ON FUNCTION neon_auth_admin.list_users IS
    'Lists the users in this database. One row each, of neon_auth."user" or, where that does not exist, of neon_auth.users_sync, which also has the deleted ones; with a server, of the table of its level. search is a part of the e-mail or the name, whatever its case; ids are those to list, each user once. Sends nothing; needs SELECT on the columns, and owners that are trusted: superusers, the owner of the database, the caller, neon_auth_admin.users_owners';
COMMENT ON FUNCTION neon_auth_admin.wait_for_user IS
    'Waits until a user is in this database. Returns it, raises P0002 when it is not there in time. Sends nothing; sees new commits, so it needs READ COMMITTED';

-- OAuth providers

COMMENT ON TYPE neon_auth_admin.oauth_provider IS
    'An OAuth provider that users sign in with: id such as google, github, microsoft or vercel, and whatever else Neon has; type standard (own credentials) or shared (Neon''s)';
COMMENT ON FUNCTION neon_auth_admin.list_oauth_providers IS
    'Lists the OAuth providers. One row for each that users can sign in with; client_secret is masked unless show_secrets is true';
COMMENT ON FUNCTION neon_auth_admin.add_oauth_provider IS
    'Adds an OAuth provider. With your own credentials or, without any, with Neon''s shared ones; returns it. Not undone by ROLLBACK';
COMMENT ON TYPE neon_auth_admin.ensured_oauth_provider IS
    'An OAuth provider as ensure_oauth_provider made it (created) or found it';
COMMENT ON FUNCTION neon_auth_admin.ensure_oauth_provider IS
    'Adds an OAuth provider if it is not there. Does as add_oauth_provider, or returns the one that is there as it is. For migrations and seeds that run again. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.update_oauth_provider IS
    'Changes the credentials of an OAuth provider. Returns it; NULL leaves a field as it is. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_oauth_provider IS
    'Removes an OAuth provider. Nobody can sign in with it any more; returns its id. Not undone by ROLLBACK';

-- Redirect domains

COMMENT ON TYPE neon_auth_admin.redirect_domain IS
    'A URI that a sign-in may return to';
COMMENT ON FUNCTION neon_auth_admin.list_domains IS
    'Lists the redirect domains. One row each';
COMMENT ON FUNCTION neon_auth_admin.add_domain IS
    'Adds a redirect domain. Sign-ins may return to it, a URI such as https://app.example.com; returns it. Not undone by ROLLBACK';
COMMENT ON TYPE neon_auth_admin.ensured_domain IS
    'A redirect domain, and whether ensure_domain added it';
COMMENT ON FUNCTION neon_auth_admin.ensure_domain IS
    'Adds a redirect domain if it is not there. For migrations and seeds that run again. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_domain IS
    'Removes a redirect domain. Returns it; a NOTICE says when it was not there. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_domains IS
    'Removes several redirect domains. Does so in one request, and returns them; a NOTICE says which were not there. Not undone by ROLLBACK';

-- Email server

COMMENT ON TYPE neon_auth_admin.email_server IS
    'The email server that Neon Auth sends from: type standard (own SMTP server) or shared (Neon''s)';
COMMENT ON FUNCTION neon_auth_admin.get_email_server IS
    'Returns the email server. It is what Neon Auth sends from; password is masked unless show_secrets is true';
COMMENT ON FUNCTION neon_auth_admin.update_email_server IS
    'Changes the email server. Returns it; at project level, and with Stack Auth, type standard needs all fields, at branch level NULL leaves a field as it is; type shared takes a sender at most. Not undone by ROLLBACK';

COMMENT ON TYPE neon_auth_admin.email_test IS
    'What became of a test e-mail: success, and otherwise what the email server said';
COMMENT ON FUNCTION neon_auth_admin.send_test_email IS
    'Sends a test e-mail through a server described here. Deprecated at Neon, use test_email_server; whatever is configured is not used; returns what became of it. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.test_email_server IS
    'Sends a test e-mail through the email server. It is the one that is configured; returns what became of it. Branch level. Not undone by ROLLBACK';

-- Settings of a branch

COMMENT ON TYPE neon_auth_admin.email_and_password IS
    'How people sign in with e-mail and password; email_verification_method link or otp';
COMMENT ON FUNCTION neon_auth_admin.get_email_and_password IS
    'Returns how people sign in with e-mail and password. Branch level';
COMMENT ON FUNCTION neon_auth_admin.update_email_and_password IS
    'Changes how people sign in with e-mail and password. Returns it; NULL leaves a field as it is. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.get_allow_localhost IS
    'Says whether sign-ins may return to localhost. Branch level';
COMMENT ON FUNCTION neon_auth_admin.update_allow_localhost IS
    'Allows or forbids sign-ins to return to localhost. Returns what holds now. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.update_config IS
    'Changes the name of the application that users see. Returns it. Branch level. Not undone by ROLLBACK';

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
    'Returns all that is configured. It is in one row; secrets are masked unless show_secrets is true. Branch level';
COMMENT ON FUNCTION neon_auth_admin.update_organization IS
    'Changes the organization plugin. Returns it; NULL leaves a field as it is. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.update_magic_link IS
    'Changes the magic link plugin. Returns it; expires_in is 5 to 1440 minutes, NULL leaves a field as it is. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.get_phone_number IS
    'Returns the phone number plugin. Branch level';
COMMENT ON FUNCTION neon_auth_admin.update_phone_number IS
    'Changes the phone number plugin. Returns it; otp_expires_in is 60 to 600 seconds, NULL leaves a field as it is. Branch level. Not undone by ROLLBACK';

-- OAuth server: other applications sign users in with Neon Auth. OAuth providers, above, are what Neon Auth
-- signs users in with.

COMMENT ON TYPE neon_auth_admin.oauth_server IS
    'Neon Auth as an OAuth server for other applications; mcp and resources as the API has them, other has the fields that this version does not know';
COMMENT ON FUNCTION neon_auth_admin.get_oauth_server IS
    'Returns the settings of the OAuth server. Texts below names of secrets are masked unless show_secrets is true. Branch level';
COMMENT ON FUNCTION neon_auth_admin.update_oauth_server IS
    'Changes the settings of the OAuth server. Only the root branch can enable it; returns them; mcp (an object) and resources (an array) replace what is there, NULL leaves a field as it is. Branch level. Not undone by ROLLBACK';
COMMENT ON TYPE neon_auth_admin.oauth_client IS
    'An application that signs users in with the OAuth server; type confidential or public, other has the fields that this version does not know';
COMMENT ON TYPE neon_auth_admin.new_oauth_client IS
    'A client as create_oauth_client made it, with its client_secret, which is shown this once';
COMMENT ON TYPE neon_auth_admin.oauth_client_secret IS
    'The new client_secret of a client, which is shown this once';
COMMENT ON FUNCTION neon_auth_admin.list_oauth_clients IS
    'Lists the clients of the OAuth server. One row each, without secrets: nothing shows those again. Branch level';
COMMENT ON FUNCTION neon_auth_admin.create_oauth_client IS
    'Creates a client of the OAuth server. Its type is confidential or public; returns it with its client_secret, unmasked, which is never shown again. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.update_oauth_client IS
    'Changes a client of the OAuth server. Returns it; redirect_uris and resources replace what is there, NULL leaves a field as it is. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_oauth_client IS
    'Deletes a client of the OAuth server. Returns its id; tokens already issued to it stay valid. Branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.rotate_oauth_client_secret IS
    'Gives a client a new client_secret. For a client of the OAuth server; returns the new secret, unmasked, which is never shown again; the old one stops working at once. Branch level. Not undone by ROLLBACK';

-- Webhooks

COMMENT ON TYPE neon_auth_admin.webhooks IS
    'What Neon Auth calls when something happens; timeout_seconds 1 to 10';
COMMENT ON FUNCTION neon_auth_admin.get_webhooks IS
    'Returns the webhooks. Branch level';
COMMENT ON FUNCTION neon_auth_admin.update_webhooks IS
    'Changes the webhooks. Returns them; NULL leaves a field as it is, for which they are read first. Branch level. Not undone by ROLLBACK';

-- Integration

COMMENT ON TYPE neon_auth_admin.integration IS
    'Neon Auth as it is enabled for a project; owned_by user or neon, transfer_status initiated or finished';
COMMENT ON TYPE neon_auth_admin.integration_keys IS
    'What an application needs to use Neon Auth; the keys are secrets';
COMMENT ON FUNCTION neon_auth_admin.create_integration IS
    'Enables Neon Auth. On the branch of the server or, at project level, on branch_id; returns the keys, unmasked. role_name is deprecated at Neon, and there is none at branch level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.list_integrations IS
    'Lists the integrations. One row for each of the project, or for the one of the branch';
COMMENT ON FUNCTION neon_auth_admin.get_integration IS
    'Returns the only integration. It is that of the project or branch; raises P0002 when there is none, P0003 when there are more';
COMMENT ON FUNCTION neon_auth_admin.create_sdk_keys IS
    'Creates new SDK keys. Returns them, unmasked. Project level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.transfer_ownership IS
    'Starts the transfer to your own account. Of the auth project, which Neon owns until then; returns the URL that completes it. Project level. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.delete_integration IS
    'Disables Neon Auth. It does so for the project or branch, with delete_data also drops the schema neon_auth; returns the auth_provider that it ran on. Not undone by ROLLBACK';

-- What has no function of its own

COMMENT ON TYPE neon_auth_admin.api_answer IS
    'What Neon answers to call_api: a status from 200 to 299, and a body if there is one';
COMMENT ON FUNCTION neon_auth_admin.call_api IS
    'Calls any operation below .../auth. For operations that have no function of their own; method is GET, POST, PUT, PATCH or DELETE, path is what follows .../auth/, with percent-encoded segments; secrets are masked in the answer to a GET, and shown in others. Not undone by ROLLBACK';

-- The manual

COMMENT ON TYPE neon_auth_admin.operation IS
    'An operation of Neon''s API that a function calls: method, and the path at each level that has it';
COMMENT ON FUNCTION neon_auth_admin.list_operations IS
    'Lists the operations that have a function. One row each, with the path at branch level and at project level; sends nothing';
COMMENT ON VIEW neon_auth_admin.functions IS
    'The manual: each function in short. \df+ neon_auth_admin.* has all of it, list_operations() the requests';
COMMENT ON COLUMN neon_auth_admin.functions.name IS
    'The function, in the schema neon_auth_admin';
COMMENT ON COLUMN neon_auth_admin.functions.arguments IS
    'Those that it needs, in their order; ... stands for others that may be left out, besides the server';
COMMENT ON COLUMN neon_auth_admin.functions.returns IS
    'A type, or whether it is a row or a set of rows, which FROM makes columns of';
COMMENT ON COLUMN neon_auth_admin.functions.level IS
    'Which level has its operation: branch (a server with a branch_id), project (without one), or both';
COMMENT ON COLUMN neon_auth_admin.functions.effect IS
    'Whether it only reads at Neon, writes there, which ROLLBACK does not undo, or is local and sends nothing';
COMMENT ON COLUMN neon_auth_admin.functions.description IS
    'What it does, as its comment begins';

-- Configuration

COMMENT ON TYPE neon_auth_admin.configuration_change IS
    'A field that differs between a wanted configuration and that of Neon; rows of one step are one request, and secrets are masked';
COMMENT ON FUNCTION neon_auth_admin.export_configuration IS
    'Returns all that is configured as a document for plan() and apply(), with secrets masked';
COMMENT ON FUNCTION neon_auth_admin.plan IS
    'Returns what apply() would change, in its order, and no row if there is nothing to do; unmanaged also shows what the document does not name, prune lists the sections in which that would be deleted, resend also sends what cannot be compared';
COMMENT ON FUNCTION neon_auth_admin.apply IS
    'Makes the configuration what the document says, and returns what was changed; what the document does not name stays as it is, except in the sections that prune names. Not undone by ROLLBACK';

-- Projects and branches

COMMENT ON TYPE neon_auth_admin.project IS
    'A project at Neon; all but the id is NULL where Neon did not fetch its details in time';
COMMENT ON FUNCTION neon_auth_admin.list_projects IS
    'Lists the projects that the key may see. One row each: those of an organization (org_id, which a personal key needs), with search those with this text in their name or id. The server needs no project_id';
COMMENT ON TYPE neon_auth_admin.branch IS
    'A branch of a project; expires_at is NULL where it stays';
COMMENT ON FUNCTION neon_auth_admin.list_branches IS
    'Lists the branches of the project. One row each, oldest first, with search those with this text in their name or id. The server needs no branch_id';

-- Connection

COMMENT ON TYPE neon_auth_admin.connection_check IS
    'A step of the way to Neon; ok is NULL when an earlier step keeps it from being looked at';
COMMENT ON FUNCTION neon_auth_admin.check_connection IS
    'Checks each step of the connection to Neon. One row for each, one of which says what kind of key it is; a step that fails is a row and no error';

-- Views. What a column's comment does not say can be written cannot.

COMMENT ON FUNCTION pg_catalog.neon_auth_admin_write IS
    'For the triggers of the views: calls the function that INSERT, UPDATE or DELETE of a row stands for; and for that of the calls that are queued';

COMMENT ON VIEW neon_auth_admin.users IS
    'The users in this database, as list_users() shows them. INSERT calls create_user(), UPDATE of role set_user_roles(), DELETE delete_user(), once for each row, at Neon; needs EXECUTE on these. Not undone by ROLLBACK';
COMMENT ON COLUMN neon_auth_admin.users.id IS 'Made by Neon; INSERT ... RETURNING id shows it';
COMMENT ON COLUMN neon_auth_admin.users.email IS 'INSERT takes it';
COMMENT ON COLUMN neon_auth_admin.users.name IS 'INSERT takes it';
COMMENT ON COLUMN neon_auth_admin.users.email_verified IS 'Whether the address is known to be the user''s';
COMMENT ON COLUMN neon_auth_admin.users.image IS 'Where a picture is';
COMMENT ON COLUMN neon_auth_admin.users.role IS 'Branch level: one role, or several with commas between them; UPDATE replaces all of them';
COMMENT ON COLUMN neon_auth_admin.users.banned IS 'Whether the user cannot sign in; branch level';
COMMENT ON COLUMN neon_auth_admin.users.ban_reason IS 'Why';
COMMENT ON COLUMN neon_auth_admin.users.ban_expires IS 'Until when; NULL for ever';
COMMENT ON COLUMN neon_auth_admin.users.created_at IS 'When the user was created';
COMMENT ON COLUMN neon_auth_admin.users.updated_at IS 'When Neon last changed it';

COMMENT ON VIEW neon_auth_admin.oauth_providers IS
    'The OAuth providers that users can sign in with, as list_oauth_providers() shows them. INSERT calls add_oauth_provider(), UPDATE update_oauth_provider(), DELETE delete_oauth_provider(), once for each row; needs EXECUTE on these. Not undone by ROLLBACK';
COMMENT ON COLUMN neon_auth_admin.oauth_providers.id IS 'google, github, microsoft or vercel; INSERT takes it';
COMMENT ON COLUMN neon_auth_admin.oauth_providers.type IS 'standard (own credentials) or shared (Neon''s)';
COMMENT ON COLUMN neon_auth_admin.oauth_providers.client_id IS 'INSERT and UPDATE take it';
COMMENT ON COLUMN neon_auth_admin.oauth_providers.client_secret IS
    'Masked; INSERT and UPDATE take it, COPY does not. An UPDATE to the mask leaves it as it is';
COMMENT ON COLUMN neon_auth_admin.oauth_providers.microsoft_tenant_id IS
    'INSERT and UPDATE take it; Neon never shows it, so it is always NULL';

COMMENT ON VIEW neon_auth_admin.domains IS
    'The redirect domains, as list_domains() shows them. INSERT calls add_domain(), DELETE deletes as delete_domain() does, once for each row; needs EXECUTE on these. Not undone by ROLLBACK';
COMMENT ON COLUMN neon_auth_admin.domains.domain IS 'INSERT takes it; it cannot be changed';
COMMENT ON COLUMN neon_auth_admin.domains.auth_provider IS 'That of the server';

COMMENT ON VIEW neon_auth_admin.integrations IS
    'The integrations of the project or branch, as list_integrations() shows them. Read only';
COMMENT ON COLUMN neon_auth_admin.integrations.auth_provider IS 'better_auth, stack or mock';
COMMENT ON COLUMN neon_auth_admin.integrations.auth_provider_project_id IS 'The id of the project at the provider';
COMMENT ON COLUMN neon_auth_admin.integrations.branch_id IS 'The branch whose database has the users';
COMMENT ON COLUMN neon_auth_admin.integrations.db_name IS 'The database that has the users';
COMMENT ON COLUMN neon_auth_admin.integrations.created_at IS 'When Neon Auth was enabled';
COMMENT ON COLUMN neon_auth_admin.integrations.owned_by IS 'neon, or user after a transfer';
COMMENT ON COLUMN neon_auth_admin.integrations.transfer_status IS 'How far a transfer of ownership is';
COMMENT ON COLUMN neon_auth_admin.integrations.jwks_url IS 'Where the keys are that tokens are checked with';
COMMENT ON COLUMN neon_auth_admin.integrations.base_url IS 'Where the auth service is';
COMMENT ON COLUMN neon_auth_admin.integrations.name IS 'The name of the application';

COMMENT ON VIEW neon_auth_admin.oauth_clients IS
    'The clients of the OAuth server, as list_oauth_clients() shows them. Read only: a secret is shown once, to whoever calls create_oauth_client(). Branch level';
COMMENT ON COLUMN neon_auth_admin.oauth_clients.client_id IS 'Made by Neon, or the client''s own URL';
COMMENT ON COLUMN neon_auth_admin.oauth_clients.name IS 'The name that people see';
COMMENT ON COLUMN neon_auth_admin.oauth_clients.type IS 'confidential or public';
COMMENT ON COLUMN neon_auth_admin.oauth_clients.redirect_uris IS 'Where a sign-in may return to';
COMMENT ON COLUMN neon_auth_admin.oauth_clients.resources IS 'What its tokens are for';
COMMENT ON COLUMN neon_auth_admin.oauth_clients.skip_consent IS 'Whether users are not asked for consent';
COMMENT ON COLUMN neon_auth_admin.oauth_clients.disabled IS 'Whether sign-ins with it are refused';
COMMENT ON COLUMN neon_auth_admin.oauth_clients.created_at IS 'When it was created';
COMMENT ON COLUMN neon_auth_admin.oauth_clients.other IS 'The fields that this version does not know';

-- The queue

COMMENT ON TABLE neon_auth_admin.queued_calls IS
    'The calls behind the view queue; written by its functions alone, and in no dump';
COMMENT ON VIEW neon_auth_admin.queue IS
    'The queued calls of the roles whose privileges you have: what became of each, or why it waits';
COMMENT ON COLUMN neon_auth_admin.queue.id IS 'What enqueue() returned';
COMMENT ON COLUMN neon_auth_admin.queue.operation IS 'The function that is called';
COMMENT ON COLUMN neon_auth_admin.queue.arguments IS 'Its arguments, by name';
COMMENT ON COLUMN neon_auth_admin.queue.server IS 'The foreign server that it uses';
COMMENT ON COLUMN neon_auth_admin.queue.role IS 'The role that calls it';
COMMENT ON COLUMN neon_auth_admin.queue.state IS 'waiting, sending, done, failed or cancelled';
COMMENT ON COLUMN neon_auth_admin.queue.attempts IS 'How often it was sent, or was about to be';
COMMENT ON COLUMN neon_auth_admin.queue.enqueued_at IS 'When it was queued';
COMMENT ON COLUMN neon_auth_admin.queue.next_attempt_at IS
    'It is not sent before then; NULL where something else has to happen first';
COMMENT ON COLUMN neon_auth_admin.queue.finished_at IS 'When it was done, had failed or was cancelled';
COMMENT ON COLUMN neon_auth_admin.queue.request_id IS 'The id of the last attempt, which Neon''s support can look up';
COMMENT ON COLUMN neon_auth_admin.queue.result IS 'What the function would have returned';
COMMENT ON COLUMN neon_auth_admin.queue.sqlstate IS 'The SQLSTATE of the last failure';
COMMENT ON COLUMN neon_auth_admin.queue.message IS 'The message of the last failure';
COMMENT ON COLUMN neon_auth_admin.queue.detail IS 'Its DETAIL';
COMMENT ON COLUMN neon_auth_admin.queue.hint IS 'Its HINT: what to do about it';
COMMENT ON FUNCTION neon_auth_admin.enqueue IS
    'Queues a call, which is made after COMMIT. Of create_user, delete_user, set_user_roles, add_domain or delete_domain, with its arguments by name, checked now; it is made once, in the order of its subject; returns its id. Sends nothing, and ROLLBACK undoes it';
COMMENT ON PROCEDURE neon_auth_admin.run_queue IS
    'Makes the queued calls that are due. Those of the current role, in this session, with a COMMIT after each; ends when none is due, or after max_duration. Not undone by ROLLBACK';
COMMENT ON FUNCTION neon_auth_admin.retry_queued IS
    'Retries a queued call. One that has failed or was cancelled, or one that waits, without waiting longer; returns its id. Sends nothing, and ROLLBACK undoes it';
COMMENT ON FUNCTION neon_auth_admin.cancel_queued IS
    'Cancels a queued call. One that waits or has failed; returns its id. Sends nothing, and ROLLBACK undoes it';
COMMENT ON FUNCTION neon_auth_admin.wait_for_queued IS
    'Waits until a queued call has ended. Returns its row of the view queue, raises P0002 when it does not end in time. Sends nothing; sees new commits, so it needs READ COMMITTED';
COMMENT ON FUNCTION neon_auth_admin.adopt_queued IS
    'Takes over calls that were queued elsewhere. For a copy of a database whose original is gone; returns how many. Sends nothing, and ROLLBACK undoes it';
COMMENT ON FUNCTION neon_auth_admin.sync_user IS
    'Keeps a table and its users together. For a trigger AFTER INSERT OR UPDATE OR DELETE, FOR EACH ROW, with the names of the columns of address, name and id: queues the calls of the table''s owner. Sends nothing, and ROLLBACK undoes it';
