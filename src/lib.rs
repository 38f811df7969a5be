//! Administer Neon Auth from inside Postgres.
//!
//! Two rings. [`neon`] knows the Neon API and nothing of Postgres: an operation is a const
//! [`neon::endpoint::Endpoint`], a call of it a [`neon::request::Request`] value, and
//! [`neon::client::Client`] the only thing that executes one. `pg` is the SQL surface: its `Session` finds
//! server and key and starts the clock of a call, it waits interruptibly, and turns values into rows and
//! errors into SQLSTATEs. Both have the same resource files, so a function is found by its row
//! (users, domains, ...) and its column (what it is at Neon, what it is in SQL).
//!
//! Invariants, kept by tests and by the lints of Cargo.toml:
//! 1. Only `src/pg*` names pgrx; only `neon/http.rs` and `pg/wait.rs` name ureq.
//! 2. Below `pg/` nothing panics on input and nothing raises.
//! 3. Every `#[pg_extern]` begins with an `Entry`, which keeps memory for the report of an error, and
//!    returns `Result<_, Raise>`; no error waits for being raised.
//! 4. A secret is a [`secret::Secret`] from argument to wire, and so is a request's body, which reaches no
//!    message: of all that is in one, DETAIL names the e-mail address of a new user alone. A stored key is
//!    sealed ([`seal`]).
//! 5. Path segments are data, and an id that is not one never becomes a segment; what a caller says of a
//!    path leads nowhere but below `.../auth`.
//! 6. A write whose fate is unknown is never sent again by itself.
//! 7. While it waits, a backend can be cancelled and terminated, and takes part in barriers.
//! 8. No thread in a backend, except those of `pg/threads.rs`: with all signals blocked, and none that calls
//!    Postgres. One looks a name up; those of a delivery make calls, and end with it.
//! 9. Every function is VOLATILE, and runs in no parallel worker: those that only read Neon are PARALLEL
//!    RESTRICTED, so that the rest of a query may have workers, and all others PARALLEL UNSAFE.
//! 10. Writers refuse read-only transactions before any I/O.
//! 11. No network while an extension is created, a plan is made or a dump is taken.
//! 12. Sizes are capped before memory is taken. Where the system refuses memory, one session ends and
//!     not the server, so nothing that a commit or an abort calls back may allocate.
//! 13. No code of an owner that is not trusted runs with a caller's rights: what is not the extension's
//!     own is read through `pg/local.rs` alone.

pub mod error;
pub mod fields;
pub mod quote;
pub mod seal;
pub mod secret;

pub mod neon;

#[cfg(feature = "pg")]
mod pg;

#[cfg(feature = "pg")]
pgrx::pg_module_magic!(name, version);
