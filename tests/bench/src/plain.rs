//! The same calls from a plain program: ureq with keep-alive, the same headers, the same JSON.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use uuid::Uuid;

use crate::{Operation, variable};

pub struct Plain {
    agent: Agent,
    project: String,
    domains_url: String,
    user_url: String,
    authorization: String,
}

#[derive(Serialize)]
struct NewUser<'a> {
    project_id: &'a str,
    auth_provider: &'a str,
    email: &'a str,
}

#[derive(Deserialize)]
struct CreatedUser {
    id: String,
}

#[derive(Deserialize)]
struct Domains {
    domains: Vec<Domain>,
}

#[derive(Deserialize)]
struct Domain {
    domain: String,
    auth_provider: String,
}

impl Plain {
    /// With `limits`, the same limits of time as a call from SQL has.
    pub fn new(url: &str, limits: bool) -> Self {
        let pem = fs::read(variable("NEON_SIMULATOR_CA")).expect("the simulator's CA");
        let roots = parse_pem(&pem)
            .filter_map(|item| match item.expect("PEM") {
                PemItem::Certificate(certificate) => Some(certificate),
                _ => None,
            })
            .collect();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .timeout_connect(limits.then_some(Duration::from_secs(5)))
            .timeout_global(limits.then_some(Duration::from_secs(10)))
            .http_status_as_error(false)
            .user_agent("neon_bench")
            .accept("application/json")
            .accept_encoding("identity")
            .build();
        let project = format!("bench-plain-{}", std::process::id());
        let plain = Self {
            agent: config.new_agent(),
            domains_url: format!("{url}/projects/{project}/auth/domains"),
            user_url: format!("{url}/projects/auth/user"),
            project,
            authorization: format!("Bearer {}", variable("NEON_API_KEY")),
        };
        for domain in ["https://a.example.com", "https://b.example.com"] {
            let body = format!("{{\"domain\":\"{domain}\",\"auth_provider\":\"stack\"}}");
            // All of these programs reach the same project: the first adds, the others find.
            plain.post(&plain.domains_url, &body);
        }
        plain
    }

    /// Microseconds of each call.
    pub fn time(&self, operation: Operation, calls: usize) -> Vec<f64> {
        (0..calls)
            .map(|_| {
                let email = format!("{}@example.com", Uuid::new_v4());
                let started = Instant::now();
                match operation {
                    Operation::ListDomains => self.list_domains(),
                    Operation::CreateUser => self.create_user(&email),
                }
                started.elapsed().as_secs_f64() * 1e6
            })
            .collect()
    }

    fn list_domains(&self) {
        let mut answer = self
            .agent
            .get(&self.domains_url)
            .header("Authorization", &self.authorization)
            .header("X-Request-ID", Uuid::new_v4().to_string())
            .call()
            .expect("an answer");
        let body = answer.body_mut().read_to_vec().expect("a body");
        let list: Domains = serde_json::from_slice(&body).expect("domains");
        assert_eq!(list.domains.len(), 2);
        let first = &list.domains[0];
        assert!(first.domain.len() + first.auth_provider.len() > 8);
    }

    fn create_user(&self, email: &str) {
        let body = NewUser {
            project_id: &self.project,
            auth_provider: "stack",
            email,
        };
        let answer = self.post(
            &self.user_url,
            &serde_json::to_string(&body).expect("strings serialize"),
        );
        let created: CreatedUser = serde_json::from_slice(&answer).expect("a user");
        assert_eq!(created.id.len(), 36);
    }

    fn post(&self, url: &str, body: &str) -> Vec<u8> {
        self.agent
            .post(url)
            .header("Authorization", &self.authorization)
            .header("X-Request-ID", Uuid::new_v4().to_string())
            .header("Content-Type", "application/json")
            .send(body)
            .expect("an answer")
            .body_mut()
            .read_to_vec()
            .expect("a body")
    }
}
