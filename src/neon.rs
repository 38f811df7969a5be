//! The inner ring: the Neon API. It knows nothing of Postgres, raises nothing and reads no settings;
//! everything comes in as values and goes out as `Result<_, Error>`.

#![forbid(unsafe_code)]

pub mod endpoint;
pub mod request;
pub mod target;

pub mod account;
pub mod any_operation;
pub mod branches;
pub mod configuration;

pub mod domains;
pub mod email_server;
pub mod integration;
pub mod oauth_clients;
pub mod oauth_providers;
pub mod oauth_server;
pub mod plugins;
pub mod projects;
pub mod sign_in;
pub mod users;
pub mod webhooks;

pub mod queue;

mod answer;
pub mod other;
pub mod pages;

pub mod api_url;
pub mod argument;
pub mod relative_path;

pub mod client;
pub mod diagnosis;
pub mod http;
pub mod progress;
pub mod retry;
