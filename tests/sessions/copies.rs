//! What copies of a database have of the secrets: dumps, base backups, decoded changes, the server's
//! files. It knows nothing of who may make them.

use std::collections::BTreeSet;
use std::{env, fs, process};

use postgres::Client;

use crate::oracle::Canaries;
use crate::programs::{found_in_output, output};
use crate::support::{Statements, connect, one, skipped};

pub type Names = BTreeSet<&'static str>;

/// A plain dump, a custom one as it is, and what pg_restore makes of that.
pub fn dumps(canaries: &Canaries, database: &str, role: &str) -> [Names; 3] {
    let common = ["--username", role, "--dbname", database];
    let plain = output("pg_dump", &common);
    let file = env::temp_dir().join(format!("{database}.{}.dump", process::id()));
    let file = file.to_str().expect("a path");
    let custom = [&common[..], &["--format=custom", "--file", file]].concat();
    output("pg_dump", &custom);
    let raw = fs::read(file).expect("the dump");
    let restored = output("pg_restore", &["--file=-", file]);
    fs::remove_file(file).expect("it was there");
    let texts = [plain, String::from_utf8_lossy(&raw).into_owned(), restored];
    texts.map(|text| canaries.names_in(&text))
}

/// What pg_dumpall writes of the cluster, and of this database only: others come and go meanwhile.
pub fn dump_of_all(canaries: &Canaries, database: &str, role: &str) -> Names {
    let places = database.char_indices();
    let others = places.map(|(at, c)| format!("--exclude-database={}[^{c}]*", &database[..at]));
    let others: Vec<_> = others.collect();
    let mut arguments = vec!["--username", role];
    arguments.extend(others.iter().map(String::as_str));
    canaries.names_in(&output("pg_dumpall", &arguments))
}

/// What pg_dump takes of the catalogs themselves, which it does when it is asked for a pattern that they
/// match.
pub fn dump_of_catalogs(canaries: &Canaries, database: &str, role: &str) -> Names {
    let what = "--table=pg_catalog.pg_user_m*";
    let arguments = ["--username", role, "--dbname", database, what];
    canaries.names_in(&output("pg_dump", &arguments))
}

/// What pg_upgrade takes with it.
pub fn upgrade_dump(canaries: &Canaries, database: &str, role: &str) -> Names {
    let how = ["--binary-upgrade", "--schema-only"];
    let arguments = [&["--username", role, "--dbname", database], &how[..]].concat();
    canaries.names_in(&output("pg_dump", &arguments))
}

/// All files of the server.
pub fn base_backup(canaries: &Canaries, role: &str) -> Names {
    let what = ["--pgdata=-", "--format=tar"];
    let how = ["--wal-method=none", "--checkpoint=fast"];
    let arguments = [&["--username", role], &what[..], &how].concat();
    let found = found_in_output("pg_basebackup", &arguments, &canaries.values());
    canaries.names_in(&found)
}

/// A slot, and what else to say when its changes are asked for.
pub struct Slot {
    name: String,
    options: String,
}

/// A slot with each plugin that this Postgres has, of which pgoutput is always there; `test` leaves out the other.
pub fn slots(session: &mut Client, prefix: &str, publication: &str, test: &str) -> Vec<Slot> {
    let of_pgoutput = format!(", 'proto_version', '1', 'publication_names', '{publication}'");
    let mut slots = Vec::new();
    for (plugin, options) in [("pgoutput", of_pgoutput), ("test_decoding", String::new())] {
        let name = format!("{prefix}_{plugin}");
        let create = "SELECT pg_create_logical_replication_slot($1, $2)";
        match session.execute(create, &[&name, &plugin]) {
            Ok(_) => slots.push(Slot { name, options }),
            Err(error) if plugin == "pgoutput" => panic!("{error}"),
            Err(_) => skipped(
                &format!("{plugin} in {test}"),
                "this Postgres comes without the module",
            ),
        }
    }
    slots
}

impl Slot {
    /// All changes since it was made.
    pub fn changes(&self, session: &mut Client, canaries: &Canaries) -> Names {
        let Self { name, options } = self;
        let changes = format!(
            "SELECT coalesce(string_agg(encode(data, 'escape'), ' '), '')
             FROM pg_logical_slot_peek_binary_changes('{name}', NULL, NULL{options})"
        );
        canaries.names_in(one(session, &changes).get(0))
    }

    pub fn drop(self, session: &mut Client) {
        let drop = "SELECT pg_drop_replication_slot($1)";
        session.execute(drop, &[&self.name]).expect("dropped");
    }
}

/// The file of the catalog of user mappings, as a session can read it; what it could COPY is left in a
/// table of its own.
pub fn file_of_mappings(session: &mut Client, canaries: &Canaries, database: &str) -> Names {
    let mut admin = connect(database, "postgres");
    admin.batch_execute("CHECKPOINT").expect("all is on disk");
    let path = "SELECT current_setting('data_directory') || '/'
                    || pg_relation_filepath('pg_catalog.pg_user_mapping')";
    let path: String = one(&mut admin, path).get(0);
    let create = "CREATE TEMPORARY TABLE copied (t text)";
    session.run(create);
    for format in ["text", "csv", "binary"] {
        for encoding in ["UTF8", "LATIN1", "SQL_ASCII", "EUC_JP"] {
            let how = format!("(FORMAT {format}, ENCODING '{encoding}')");
            drop(session.batch_execute(&format!("COPY copied FROM '{path}' {how}")));
        }
    }
    let read = "SELECT encode(pg_read_binary_file($1), 'escape')";
    match session.query_one(read, &[&path]) {
        Ok(row) => canaries.names_in(row.get(0)),
        Err(_) => Names::new(),
    }
}
