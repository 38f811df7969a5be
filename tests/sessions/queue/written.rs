//! Users are in this database before Neon answers, or only later: a call is made once in effect either way, and
//! whoever waits for a user finds him.

use std::time::Duration;

use neon_simulator::{Options, Simulator};
use postgres::Client;

use super::worker::create;
use super::{run, states};
use crate::support::{Database, Statements, connect, one, variable, wait_until};

/// Longer than a test takes that does not wait for it.
const LATER: Duration = Duration::from_secs(4);

struct Written {
    database: Database,
    simulator: Simulator,
}

impl Written {
    fn new(name: &str, project: &str, sync_first: bool) -> Self {
        let database = Database::new(name);
        let mut admin = connect("postgres", "postgres");
        admin.run(&format!(
            "ALTER DATABASE {name} SET neon_auth_admin.queue_linger = -1"
        ));
        let (host, port) = (variable("PGHOST"), variable("PGPORT"));
        let simulator = Simulator::start(Options {
            api_keys: vec![variable("NEON_API_KEY")],
            database_url: Some(format!("host={host} port={port} user={name} dbname={name}")),
            sync_delay: LATER,
            sync_first,
            ..Options::default()
        })
        .expect("the simulator starts");
        let options = ", branch_id 'br-current-1', max_attempts '1'";
        database.add_server("neon", project, simulator.url(), options);
        let written = Self {
            database,
            simulator,
        };
        // With a first user the table is there.
        let mut session = written.database.session();
        let url = written.simulator.url();
        let options = ", branch_id 'br-current-1'";
        written
            .database
            .add_server("other", "test-written", url, options);
        session.run(
            "SELECT neon_auth_admin.wait_for_user(
                 (neon_auth_admin.create_user('first@example.com', server => 'other')).id, '30 s')",
        );
        written.simulator.clear();
        written
    }

    fn session(&self) -> Client {
        self.database.session()
    }

    /// The status of each answer, whether it has arrived or not.
    fn answers(&self) -> Vec<Option<u16>> {
        let requests = self.simulator.requests().into_iter();
        requests.map(|it| it.status).collect()
    }
}

const IS_THERE: &str =
    r#"SELECT count(*) = 1 FROM neon_auth."user" WHERE email = 'ada@example.com'"#;

fn is_there(session: &mut Client) -> bool {
    one(session, IS_THERE).get(0)
}

#[test]
fn wait_for_user_finds_him() {
    for (name, sync_first) in [("it_written_first", true), ("it_written_later", false)] {
        let place = Written::new(name, "test-written-wait", sync_first);
        let mut session = place.session();
        let id: String = one(
            &mut session,
            "SELECT id FROM neon_auth_admin.create_user('ada@example.com')",
        )
        .get(0);
        assert_eq!(is_there(&mut session), sync_first, "{name}");
        let wait = format!("SELECT email FROM neon_auth_admin.wait_for_user('{id}', '30 s')");
        assert_eq!(
            one(&mut session, &wait).get::<_, &str>(0),
            "ada@example.com"
        );
        assert!(is_there(&mut session));
    }
}

/// The answer to the first attempt is lost. Where the user is here by then, nothing is sent again; where he is not,
/// the conflict says that he is there.
#[test]
fn what_may_have_been_made_is_made_once() {
    for (name, sync_first) in [("it_written_cut", true), ("it_written_cut_later", false)] {
        let project = format!("fault-cut-x1--{}", name.replace('_', "-"));
        let place = Written::new(name, &project, sync_first);
        let mut session = place.session();
        create(&mut session, "ada@example.com");
        run(&mut session);
        assert_eq!(states(&mut session), "1 waiting NA003");
        assert_eq!(is_there(&mut session), sync_first, "{name}");
        let mut admin = connect(name, "postgres");
        admin.run("UPDATE neon_auth_admin.queued_calls SET next_attempt_at = now()");
        run(&mut session);
        assert_eq!(states(&mut session), "1 done", "{name}");
        let after_first = match sync_first {
            true => vec![],
            false => vec![Some(409)],
        };
        assert_eq!(place.answers()[1..], after_first, "{name}");
        let known = "SELECT result->>'id' IS NOT NULL FROM neon_auth_admin.queue";
        assert_eq!(one(&mut session, known).get::<_, bool>(0), sync_first);
        wait_until(&mut session, "the user", IS_THERE);
    }
}
