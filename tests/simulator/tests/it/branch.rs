//! The branch-level operations.

mod bodies;
mod email;
mod faults;
mod integration;
mod oauth;
mod refusals;
mod settings;

use neon_simulator::Simulator;
use serde_json::Value;

use crate::client::{Answer, call, simulator};
use crate::operations::table::{Operation, operations};

/// A branch of a project in a simulator of its own.
struct Place {
    simulator: Simulator,
    project: &'static str,
    branch: &'static str,
}

impl Place {
    fn new() -> Self {
        Self::at("test-a", "br-a")
    }

    fn at(project: &'static str, branch: &'static str) -> Self {
        Self {
            simulator: simulator(),
            project,
            branch,
        }
    }

    /// `tail` is what follows `.../auth`.
    fn call(&self, method: &str, tail: &str, body: Value) -> Answer {
        self.call_at(self.project, self.branch, method, tail, body)
    }

    fn call_at(
        &self,
        project: &str,
        branch: &str,
        method: &str,
        tail: &str,
        body: Value,
    ) -> Answer {
        let path = format!("/projects/{project}/branches/{branch}/auth{tail}");
        call(&self.simulator, method, &path, body)
    }

    /// Every operation of the branch, with this user.
    fn operations(&self, user: &str) -> Vec<Operation> {
        let mut operations = operations(self.project, Some(self.branch), user);
        let below = format!("/branches/{}/", self.branch);
        operations.retain(|it| it.path.contains(&below));
        operations
    }

    fn send(&self, it: &Operation, body: Value) -> Answer {
        call(&self.simulator, &it.method, &it.path, body)
    }

    fn get(&self, tail: &str) -> Value {
        let answer = self.call("GET", tail, Value::Null);
        assert_eq!(answer.status, 200, "{tail}: {}", answer.text);
        answer.json()
    }

    /// Status and message of a refusal.
    fn refusal(&self, method: &str, tail: &str, body: Value) -> (u16, String) {
        self.call(method, tail, body).refusal()
    }
}
