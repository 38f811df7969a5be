//! What the simulated service remembers, per project and branch. It knows nothing of HTTP requests
//! or faults.

pub mod branch;
pub mod oauth_server;
pub mod settings;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use branch::{AuthProvider, Branch, Integration};

pub const DEFAULT_PROJECTS: [&str; 2] = ["quiet-bar-123456", "staging-lake-654321"];
const DEFAULT_BRANCH: &str = "br-main-000001";

/// The two generations of the API have nothing in common but the project: what one of them wrote,
/// the other does not see.
pub struct Project {
    begins_empty: bool,
    /// What the project-level operations know; at most one of these is integrated.
    project_level: BTreeMap<String, Branch>,
    /// What the branch-level operations know.
    branch_level: BTreeMap<String, Branch>,
}

impl Project {
    fn new(id: &str) -> Self {
        let begins_empty = id.starts_with("test-empty-");
        let integration =
            (!begins_empty).then(|| Integration::new(AuthProvider::Stack, DEFAULT_BRANCH, None));
        let default = (DEFAULT_BRANCH.to_owned(), Branch::new(integration));
        Self {
            begins_empty,
            project_level: BTreeMap::from([default]),
            branch_level: BTreeMap::new(),
        }
    }

    /// The branch of the branch-level operations, made when it is named for the first time.
    pub fn branch(&mut self, id: &str) -> &mut Branch {
        let is_enabled = !self.begins_empty && !id.starts_with("br-empty");
        self.branch_level.entry(id.to_owned()).or_insert_with(|| {
            Branch::new(is_enabled.then(|| Integration::new(AuthProvider::BetterAuth, id, None)))
        })
    }

    /// The branch that project-level operations mean.
    pub fn integrated_branch(&mut self) -> Option<&mut Branch> {
        self.project_level
            .values_mut()
            .find(|branch| branch.integration.is_some())
    }

    /// Makes the integration of the project-level operations.
    pub fn integrate(&mut self, integration: Integration) {
        self.project_level
            .entry(integration.branch_id.clone())
            .or_insert_with(|| Branch::new(None))
            .enable(integration);
    }
}

/// All projects; a known project comes into being when it is first used.
pub struct Projects {
    named: Vec<String>,
    projects: Mutex<HashMap<String, Project>>,
}

impl Projects {
    pub fn new(named: Vec<String>) -> Self {
        Self {
            named,
            projects: Mutex::default(),
        }
    }

    pub fn is_known(&self, id: &str) -> bool {
        ["test-", "fault-", "bench-"]
            .iter()
            .any(|prefix| id.starts_with(prefix))
            || DEFAULT_PROJECTS.contains(&id)
            || self.named.iter().any(|named| named == id)
    }

    pub fn with<T>(&self, id: &str, work: impl FnOnce(&mut Project) -> T) -> T {
        work(
            self.lock()
                .entry(id.to_owned())
                .or_insert_with(|| Project::new(id)),
        )
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Project>> {
        self.projects.lock().expect("no holder of this lock panics")
    }
}

/// Whether a branch of this id is there; all are, but those that are named so that they are not.
pub fn is_known_branch(id: &str) -> bool {
    !id.starts_with("br-missing")
}

/// Whether it is the project's root branch; all are, but those that are named as previews are.
pub fn is_root_branch(id: &str) -> bool {
    !id.starts_with("br-preview")
}
