-- The schema belongs to the extension: one that is there already would let its owner put functions
-- beside these, and a dump would bring it back before the extension. Everything below goes into it.

CREATE SCHEMA neon_auth_admin;
SET LOCAL search_path = neon_auth_admin, pg_temp;

-- The rows that functions return: columns in the order and with the names of the API's JSON.

CREATE TYPE neon_auth_admin.integration_keys AS (
    auth_provider text,
    auth_provider_project_id text,
    pub_client_key text,
    secret_server_key text,
    jwks_url text,
    schema_name text,
    table_name text,
    base_url text
);

CREATE TYPE neon_auth_admin.integration AS (
    auth_provider text,
    auth_provider_project_id text,
    branch_id text,
    db_name text,
    created_at timestamptz,
    owned_by text,
    transfer_status text,
    jwks_url text,
    base_url text,
    name text
);

CREATE TYPE neon_auth_admin.auth_user AS (
    id text,
    email text,
    name text
);

CREATE TYPE neon_auth_admin.ensured_user AS (
    id text,
    created boolean
);

-- A row of whichever table this database keeps users in.
CREATE TYPE neon_auth_admin.synced_user AS (
    id text,
    email text,
    name text,
    email_verified boolean,
    image text,
    role text,
    banned boolean,
    ban_reason text,
    ban_expires timestamptz,
    created_at timestamptz,
    updated_at timestamptz,
    deleted_at timestamptz
);

CREATE TYPE neon_auth_admin.oauth_provider AS (
    id text,
    type text,
    client_id text,
    client_secret text
);

CREATE TYPE neon_auth_admin.redirect_domain AS (
    domain text,
    auth_provider text
);

CREATE TYPE neon_auth_admin.email_server AS (
    type text,
    host text,
    port integer,
    username text,
    password text,
    sender_email text,
    sender_name text
);

CREATE TYPE neon_auth_admin.email_test AS (
    success boolean,
    error_message text
);

CREATE TYPE neon_auth_admin.email_and_password AS (
    enabled boolean,
    email_verification_method text,
    require_email_verification boolean,
    auto_sign_in_after_verification boolean,
    send_verification_email_on_sign_up boolean,
    send_verification_email_on_sign_in boolean,
    disable_sign_up boolean
);

CREATE TYPE neon_auth_admin.plugins AS (
    organization jsonb,
    magic_link jsonb,
    phone_number jsonb,
    email_provider jsonb,
    email_and_password jsonb,
    oauth_providers jsonb,
    allow_localhost boolean,
    other jsonb
);

CREATE TYPE neon_auth_admin.organization AS (
    enabled boolean,
    organization_limit integer,
    membership_limit integer,
    creator_role text,
    send_invitation_email boolean
);

CREATE TYPE neon_auth_admin.magic_link AS (
    enabled boolean,
    expires_in integer,
    disable_sign_up boolean
);

CREATE TYPE neon_auth_admin.phone_number AS (
    enabled boolean,
    otp_expires_in integer
);

CREATE TYPE neon_auth_admin.oauth_server AS (
    enabled boolean,
    login_page text,
    consent_page text,
    mcp jsonb,
    resources jsonb,
    other jsonb
);

CREATE TYPE neon_auth_admin.oauth_client AS (
    client_id text,
    name text,
    type text,
    redirect_uris text[],
    resources text[],
    skip_consent boolean,
    disabled boolean,
    created_at timestamptz,
    other jsonb
);

CREATE TYPE neon_auth_admin.new_oauth_client AS (
    client_id text,
    client_secret text,
    name text,
    type text,
    redirect_uris text[],
    resources text[],
    skip_consent boolean,
    disabled boolean,
    created_at timestamptz,
    other jsonb
);

CREATE TYPE neon_auth_admin.oauth_client_secret AS (
    client_id text,
    client_secret text,
    other jsonb
);

CREATE TYPE neon_auth_admin.webhooks AS (
    enabled boolean,
    webhook_url text,
    enabled_events text[],
    timeout_seconds integer
);

CREATE TYPE neon_auth_admin.ensured_domain AS (
    domain text,
    created boolean
);

CREATE TYPE neon_auth_admin.ensured_oauth_provider AS (
    id text,
    type text,
    client_id text,
    client_secret text,
    created boolean
);

CREATE TYPE neon_auth_admin.api_answer AS (
    status integer,
    body jsonb
);

CREATE TYPE neon_auth_admin.operation AS (
    function text,
    method text,
    branch text,
    project text
);

CREATE TYPE neon_auth_admin.project AS (
    id text,
    name text,
    region_id text,
    pg_version integer,
    org_id text,
    org_name text,
    created_at timestamptz
);

CREATE TYPE neon_auth_admin.branch AS (
    id text,
    name text,
    is_default boolean,
    protected boolean,
    parent_id text,
    current_state text,
    created_at timestamptz,
    expires_at timestamptz
);

CREATE TYPE neon_auth_admin.connection_check AS (
    step text,
    ok boolean,
    detail text
);

-- What differs between a wanted configuration and the one at Neon; rows of one step are one request.
CREATE TYPE neon_auth_admin.configuration_change AS (
    step integer,
    action text,
    object text,
    field text,
    current jsonb,
    wanted jsonb,
    note text
);
