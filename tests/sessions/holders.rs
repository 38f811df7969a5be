//! The documentation's table of who can read a key, row by row: which keys are in sight, sealed ones and those
//! that CREATE USER MAPPING has stored, and whether the secret that opens the sealed ones is, too.

use postgres::Client;

use crate::calls::{SEAL, add_stored};
use crate::copies::{self, Names, Slot};
use crate::oracle::{Canaries, sightings};
use crate::support::{Database, Statements, connect, one};
use crate::tables::cells_after;

const OWNER: &str = "it_holders";
const DATABASE: &str = OWNER;
const MEMBER: &str = "it_holders_member";
const MAPPED: &str = "it_holders_mapped";
const BORROWER: &str = "it_holders_borrower";
const STRANGER: &str = "it_holders_stranger";
const MONITOR: &str = "it_holders_monitor";
const READER: &str = "it_holders_reader";
const CREATOR: &str = "it_holders_creator";
const REPLICATION: &str = "it_holders_replication";
const FILES: &str = "it_holders_files";
const BINARY: &str = "it_holders_binary";
const ADMIN: &str = "postgres";
const WHO_DUMP: [&str; 9] = [
    OWNER, MEMBER, MAPPED, BORROWER, STRANGER, MONITOR, READER, FILES, ADMIN,
];

/// The names of what a role has: a key that is stored sealed, the text of that, and a plain key.
struct Mapping {
    role: &'static str,
    key: &'static str,
    sealed: &'static str,
    plain: &'static str,
}

macro_rules! mapping {
    ($role:expr, $whose:literal) => {
        Mapping {
            role: $role,
            key: concat!("the key in the seal of ", $whose),
            sealed: concat!("the sealed key of ", $whose),
            plain: concat!("the plain key of ", $whose),
        }
    };
}

const MAPPINGS: [Mapping; 4] = [
    mapping!(OWNER, "the owner"),
    mapping!(MEMBER, "a member of the owner"),
    mapping!(MAPPED, "a role with a mapping"),
    mapping!("public", "PUBLIC"),
];

const TEST: &str = "holders::who_can_read_a_key";

/// What everybody may see: that a place was looked at.
const ROW: &str = "a row of a table";

struct World {
    _database: Database,
    canaries: Canaries,
    slots: Vec<Slot>,
}

impl World {
    fn new() -> Self {
        let database = Database::new(DATABASE);
        let mut admin = connect(DATABASE, ADMIN);
        let mut names = vec![ROW];
        names.extend(MAPPINGS.iter().flat_map(|one| [one.key, one.plain]));
        let mut canaries = Canaries::new(&names);
        admin.run(&format!(
            "CREATE ROLE {MEMBER} LOGIN IN ROLE {OWNER};
             CREATE ROLE {MAPPED} LOGIN; CREATE ROLE {BORROWER} LOGIN; CREATE ROLE {STRANGER} LOGIN;
             CREATE ROLE {MONITOR} LOGIN IN ROLE pg_monitor;
             CREATE ROLE {READER} LOGIN IN ROLE pg_read_all_data;
             CREATE ROLE {CREATOR} LOGIN CREATEROLE;
             CREATE ROLE {REPLICATION} LOGIN REPLICATION;
             CREATE ROLE {FILES} LOGIN IN ROLE pg_read_server_files;
             CREATE ROLE {BINARY} LOGIN;
             GRANT EXECUTE ON FUNCTION pg_read_binary_file(text) TO {BINARY};
             CREATE TABLE public.rows (t text); GRANT SELECT ON public.rows TO PUBLIC;
             CREATE PUBLICATION everything FOR ALL TABLES"
        ));
        // Before anything is stored, so that all of it goes by them.
        let mut replication = connect(DATABASE, REPLICATION);
        let slots = copies::slots(&mut replication, DATABASE, "everything", TEST);
        let insert = "INSERT INTO public.rows VALUES ($1)";
        let row = canaries.value(ROW);
        admin.execute(insert, &[&row]).expect("a row");
        store(&mut admin, &canaries);
        let sealed = MAPPINGS.map(|one| (one.sealed, one.role));
        add_stored(&mut admin, &mut canaries, &sealed);
        Self {
            _database: database,
            canaries,
            slots,
        }
    }

    fn in_session(&self, session: &mut Client) -> Names {
        let seen = sightings(session, &self.canaries);
        seen.into_values().flatten().collect()
    }

    fn by_sql(&self, role: &str) -> Names {
        self.in_session(&mut connect(DATABASE, role))
    }

    /// A role that may create roles gives itself all that it can.
    fn by_granting(&self) -> Names {
        let mut session = connect(DATABASE, CREATOR);
        for role in ["pg_read_all_data", OWNER, MAPPED, ADMIN] {
            drop(session.batch_execute(&format!("GRANT {role} TO CURRENT_USER")));
        }
        self.in_session(&mut session)
    }

    fn by_decoding(&self) -> Names {
        let mut session = connect(DATABASE, REPLICATION);
        let mut names = Names::new();
        for slot in &self.slots {
            let changes = slot.changes(&mut session, &self.canaries);
            assert!(changes.contains(ROW), "nothing was decoded");
            names.extend(changes);
        }
        names
    }

    fn by_file(&self, role: &str) -> Names {
        let mut session = connect(DATABASE, role);
        let mut names = copies::file_of_mappings(&mut session, &self.canaries, DATABASE);
        names.extend(self.in_session(&mut session));
        names
    }

    /// The dumps of each role have what it sees in the view, and those of a superuser have the most.
    fn by_dumps(&self) -> Names {
        // For pg_dump 14, which has to lock the table of queued calls.
        connect(DATABASE, ADMIN).run("GRANT USAGE ON SCHEMA neon_auth_admin TO PUBLIC");
        let mut in_view = Names::new();
        for role in WHO_DUMP {
            let view =
                "SELECT concat((SELECT t FROM public.rows), string_agg(umoptions::text, ' '))
                        FROM pg_user_mappings WHERE srvname <> 'neon_auth_admin_seal'";
            let view: String = one(&mut connect(DATABASE, role), view).get(0);
            in_view = self.canaries.names_in(&view);
            for (n, found) in copies::dumps(&self.canaries, DATABASE, role)
                .into_iter()
                .enumerate()
            {
                // A custom dump is compressed where it has the rows of tables.
                let expected = in_view.iter().filter(|name| n != 1 || **name != ROW);
                assert!(found.iter().eq(expected), "dump {n} by {role}: {found:?}");
            }
        }
        let all = copies::dump_of_all(&self.canaries, DATABASE, ADMIN);
        assert_eq!(all, in_view, "a dump of all databases");
        all
    }

    /// Whose "own" is meant, and what was found; nothing where there is no such role on this version.
    fn find(&self, who: &str) -> Vec<(&'static str, Names)> {
        let by_sql = |roles: &[&'static str]| {
            let roles = roles.iter();
            roles.map(|role| (*role, self.by_sql(role))).collect()
        };
        let is_old = version() < 16;
        let found = match who {
            "a role without a mapping of its own, though PUBLIC has one" => {
                return by_sql(&[BORROWER, STRANGER]);
            }
            "a role with its own mapping, and USAGE on the server" => return by_sql(&[MAPPED]),
            "the owner of the server, and its members" => return by_sql(&[OWNER, MEMBER]),
            "`pg_monitor`" => return by_sql(&[MONITOR]),
            "`pg_read_all_data`" => return by_sql(&[READER]),
            "a superuser" => return by_sql(&[ADMIN]),
            "CREATEROLE, on 14 and 15" if is_old => self.by_granting(),
            "CREATEROLE, since 16" if !is_old => self.by_granting(),
            "CREATEROLE, on 14 and 15" | "CREATEROLE, since 16" => return Vec::new(),
            "REPLICATION, by a slot for logical decoding" => self.by_decoding(),
            "REPLICATION, by a base backup" => copies::base_backup(&self.canaries, REPLICATION),
            "`pg_read_server_files`" => self.by_file(FILES),
            "EXECUTE on `pg_read_binary_file`" => self.by_file(BINARY),
            "`pg_dump`, `pg_dumpall`, by any of these" => self.by_dumps(),
            "`pg_dump` of the catalogs by `pg_read_all_data` or a superuser" => {
                let dumps = [READER, ADMIN];
                let dumps =
                    dumps.map(|role| copies::dump_of_catalogs(&self.canaries, DATABASE, role));
                assert_eq!(dumps[0], dumps[1]);
                dumps.into_iter().flatten().collect()
            }
            "`pg_dump --binary-upgrade` by a superuser, as pg_upgrade runs it" => {
                copies::upgrade_dump(&self.canaries, DATABASE, ADMIN)
            }
            who => panic!("who is this? {who}"),
        };
        vec![("", found)]
    }
}

fn version() -> i32 {
    let version = "SELECT current_setting('server_version_num')::int / 10000";
    one(&mut connect("postgres", ADMIN), version).get(0)
}

/// Two mappings for each: sealed on server "neon", plain on server "plain".
fn store(admin: &mut Client, canaries: &Canaries) {
    let mut owner = connect(DATABASE, OWNER);
    for server in ["neon", "plain"] {
        owner.run(&format!(
            "CREATE SERVER {server} FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id 'p');
             GRANT USAGE ON FOREIGN SERVER {server} TO {MAPPED}, {BORROWER}"
        ));
    }
    for one in &MAPPINGS {
        let (key, plain) = (canaries.value(one.key), canaries.value(one.plain));
        let set = "SELECT neon_auth_admin.set_api_key($1, 'neon', $2)";
        admin.execute(set, &[&key, &one.role]).expect("a key");
        let options = format!("SERVER plain OPTIONS (api_key '{plain}')");
        let create = format!("CREATE USER MAPPING FOR {} {options}", one.role);
        admin.run(&create);
    }
    // The last statement of a session can be seen by others.
    admin.batch_execute("SELECT").expect("another statement");
}

fn stored_for(is_one: impl Fn(&str) -> bool) -> Names {
    let chosen = MAPPINGS.iter().filter(|one| is_one(one.role));
    chosen.flat_map(|one| [one.sealed, one.plain]).collect()
}

#[test]
fn who_can_read_a_key() {
    let world = World::new();
    let table = cells_after("**Who can read a key.**");
    assert_eq!(table.len(), 15, "{table:?}");
    for row in &table {
        let [who, in_sight, opens] = &row[..] else {
            panic!("{row:?}");
        };
        for (role, mut found) in world.find(who) {
            let expected = match in_sight.as_str() {
                "none" => Names::new(),
                "its own" => stored_for(|one| one == role),
                "its own and PUBLIC's" => stored_for(|one| one == role || one == "public"),
                // Of the dumps, this is about those of a superuser.
                "all" | "what its role sees in `pg_user_mappings`" => stored_for(|_| true),
                other => panic!("{who}: {other}"),
            };
            found.remove(ROW);
            let has_secret = found.remove(SEAL);
            assert_eq!(found, expected, "{who} ({role})");
            let can_open = if has_secret { "yes" } else { "no" };
            assert_eq!(can_open, opens, "{who} ({role})");
        }
    }
    let mut session = connect(DATABASE, REPLICATION);
    for slot in world.slots {
        slot.drop(&mut session);
    }
}
