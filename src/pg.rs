//! The outer ring: the SQL surface, and the only code that names pgrx. A resource file has one
//! function per SQL function; what they share (server, settings, waiting, rows, errors) is below.

mod any_operation;
mod branches;
mod check_connection;
mod configuration;
mod domains;
mod email_server;
mod integration;
mod local_users;
mod manual;
mod oauth_clients;
mod oauth_providers;
mod oauth_server;
mod plugins;
mod projects;
mod queue;
mod sign_in;
mod users;
mod views;
mod webhooks;

mod agent;
mod allocator;
mod api_key;
mod args;
mod call_log;
mod compat;
mod dry_run;
mod guc;
mod json;
mod local;
mod query;
mod raised;
mod report;
mod reserve;
mod role;
mod row;
mod rows;
mod server;
mod server_log;
mod session;
mod shared;
mod subtransaction;
mod text;
mod threads;
mod turn;
mod wait;

use pgrx::prelude::*;

// The hand-written SQL: types before the functions that return them, comments, estimates and privileges when
// everything is there.
pgrx::extension_sql_file!("../sql/types.sql", name = "types", bootstrap);
pgrx::extension_sql_file!("../sql/queue.sql", name = "queue", requires = ["types"]);
pgrx::extension_sql_file!(
    "../sql/fdw.sql",
    name = "fdw",
    requires = [
        server::options::neon_auth_admin_validator,
        server::seal::make_sealing_secret
    ]
);
pgrx::extension_sql_file!(
    "../sql/manual.sql",
    name = "manual",
    requires = [manual::list_operations]
);
pgrx::extension_sql_file!(
    "../sql/views.sql",
    name = "views",
    requires = [
        "queue",
        domains::list_domains,
        integration::list_integrations,
        local_users::list_users,
        oauth_clients::list_oauth_clients,
        oauth_providers::list_oauth_providers,
        views::neon_auth_admin_write
    ]
);
pgrx::extension_sql_file!(
    "../sql/comments.sql",
    name = "comments",
    requires = ["fdw", "manual", "views"],
    finalize
);
pgrx::extension_sql_file!(
    "../sql/estimates.sql",
    name = "estimates",
    requires = ["comments"]
);
pgrx::extension_sql_file!(
    "../sql/privileges.sql",
    name = "privileges",
    requires = ["estimates"]
);

/// What Postgres calls when it has loaded the library. (pgrx' guard has thread-local variables.)
#[allow(unsafe_code, reason = "Postgres looks for it by this name")]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn _PG_init() {
    allocator::make_room_for_thread_locals();
    init();
}

#[pg_guard]
extern "C-unwind" fn init() {
    guc::define();
    server::catalog::watch();
    query::watch();
}
