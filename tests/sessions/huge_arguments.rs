//! Arguments of 10 MB: refused before they are copied.

use postgres::error::SqlState;

use crate::backend::Backend;
use crate::functions::{Function, arguments, functions};
use crate::support::{Database, Statements, arrived, connect, one, set_api_key, variable};

/// Each call with one text, or element of an array, that is `huge`, and the argument where it is. An
/// array that is stored whole is read whole: it is its elements that are huge here.
fn calls(functions: &[Function]) -> Vec<(String, &str)> {
    let mut calls = vec![];
    for (function, argument) in arguments(functions).filter(|(it, _)| !it.is_a_report()) {
        let value = match argument.kind.as_str() {
            "text" => "huge",
            "text[]" => "ARRAY[left(huge, 5000)]",
            _ => continue,
        };
        let call = function.call(&[(&argument.name, value), ("server", "'branch'")]);
        calls.push((call, argument.name.as_str()));
    }
    calls
}

/// An array of NULLs has a bit for each: 16 MB hold the most that Postgres can look at.
#[test]
fn arrays_are_refused_before_they_are_walked() {
    let most = 64 << 10;
    let database = Database::new("it_huge_arrays");
    let project = "test-huge-arrays";
    let url = variable("NEON_SIMULATOR_URL");
    let options = ", branch_id 'br-main-000001'";
    database.add_server("neon", project, &url, options);
    let nulls = "array_fill(NULL::text, ARRAY[134217727])";
    let functions = functions(&mut database.session());
    let arrays = arguments(&functions).filter(|(_, it)| it.kind == "text[]");
    let mut calls: Vec<_> = arrays
        .map(|(function, it)| format!("neon_auth_admin.{}", function.call(&[(&it.name, nulls)])))
        .collect();
    calls.push(format!("pg_catalog.neon_auth_admin_validator({nulls}, 0)"));
    for call in calls {
        let mut session = connect(&database.name, "postgres");
        set_api_key(&mut session, "neon");
        let backend = Backend::of(&mut session);
        let before = backend.peak();
        session.refused(
            &format!("SELECT {call}"),
            &SqlState::INVALID_PARAMETER_VALUE,
        );
        let growth = backend.growth_of_peak(before);
        println!("{call}: {growth} KiB more");
        assert!(growth < most, "{call}: {growth} KiB");
        session.run("DROP USER MAPPING FOR postgres SERVER neon");
    }
    assert_eq!(arrived(project), 0);
}

/// A value that is stored out of line is read when somebody asks for it, and only so much of it.
#[test]
fn ten_megabytes_are_refused_before_they_are_copied() {
    let size = 10 << 10;
    let database = Database::new("it_huge");
    let project = "test-huge";
    let url = variable("NEON_SIMULATOR_URL");
    database.add_server("neon", project, &url, "");
    database.add_server("branch", project, &url, ", branch_id 'br-main-000001'");
    let functions = functions(&mut database.session());
    let calls = calls(&functions);
    database.session().run(&format!(
        "CREATE TABLE stored (how text, huge text);
         ALTER TABLE stored ALTER huge SET STORAGE EXTERNAL;
         INSERT INTO stored VALUES ('plain', repeat('x', {size} * 1024));
         ALTER TABLE stored ALTER huge SET STORAGE EXTENDED;
         INSERT INTO stored VALUES ('compressed', repeat('x', {size} * 1024));"
    ));
    for how in ["plain", "compressed"] {
        let mut session = database.session();
        let backend = Backend::of(&mut session);
        let mut refuse = |argument: &str| {
            for (call, huge) in &calls {
                // No server and no role can have such a name.
                let expected = match *huge {
                    "server" | "role" => SqlState::from_code("NA009"),
                    _ => SqlState::INVALID_PARAMETER_VALUE,
                };
                let call = call.replace("huge", argument);
                session.refused(
                    &format!("SELECT neon_auth_admin.{call} FROM stored WHERE how = '{how}'"),
                    &expected,
                );
            }
        };
        // What a first call takes is no part of it.
        refuse("repeat(how, 50000)");
        let before = backend.peak();
        refuse("huge");
        let growth = backend.growth_of_peak(before);
        println!("peak of memory, 10 MB refused, {how}: {growth} KiB more");
        // What other sessions change may have to be looked up again meanwhile; a copy is larger, see below.
        assert!(growth < size / 2, "{how}: {growth} KiB");

        let all = format!("SELECT md5(huge) FROM stored WHERE how = '{how}'");
        one(&mut session, &all);
        // Memory that was free before is no growth, and the kernel's counters lag.
        let growth = backend.growth_of_peak(before);
        assert!(growth > size / 2, "{how}: a copy shows, {growth} KiB");
    }
    assert_eq!(arrived(project), 0);
}
