//! Views in the eyes of the ledger: what of a row an UPDATE sends.

use serde_json::json;

use super::World;
use crate::support::Statements;

#[test]
fn only_what_differs_is_sent() {
    let mut world = World::new("it_view_update");
    world.session.run(
        "INSERT INTO neon_auth_admin.oauth_providers (id, client_id, client_secret) VALUES
        ('google', 'one', 'first secret')",
    );
    world.sent();
    let update = "UPDATE neon_auth_admin.oauth_providers";
    // Also where no secret is shown.
    world.assert(
        &format!("{update} SET client_secret = '********' WHERE client_secret IS NULL"),
        1,
        &["GET oauth_providers"],
    );
    world
        .session
        .run("DELETE FROM neon_auth_admin.oauth_providers WHERE type = 'shared'");
    world.sent();
    world.assert(
        &format!("{update} SET id = 'google', client_id = 'two', client_secret = '********'"),
        1,
        &["GET oauth_providers", "PATCH oauth_providers"],
    );
    assert_eq!(world.body(), json!({"client_id": "two"}));
    world.assert(
        &format!(
            "{update} SET client_id = client_id, client_secret = client_secret, type = 'standard'"
        ),
        1,
        &["GET oauth_providers"],
    );
    let shown = world
        .session
        .query_one(
            &format!(
                "{update} SET client_secret = 'another', microsoft_tenant_id = 't' RETURNING *"
            ),
            &[],
        )
        .expect("a row");
    assert_eq!(shown.get::<_, &str>("client_secret"), "********");
    assert_eq!(shown.get::<_, Option<&str>>("microsoft_tenant_id"), None);
    let body = json!({"client_secret": "********", "microsoft_tenant_id": "t"});
    assert_eq!(world.body(), body);
    world.sent();
    for (change, state) in [
        ("id = 'github'", "NA008"),
        ("type = 'shared'", "NA008"),
        ("client_id = NULL", "22004"),
        ("client_secret = NULL", "22004"),
    ] {
        world.assert_refused(
            &format!("{update} SET {change}"),
            state,
            &["GET oauth_providers"],
        );
    }

    world.add_users(&["a"]);
    world
        .session
        .run("UPDATE neon_auth.\"user\" SET role = 'admin,user'");
    let update = "UPDATE neon_auth_admin.users";
    world.assert(
        &format!("{update} SET role = 'user, admin', name = name"),
        1,
        &[],
    );
    world.assert(
        &format!("{update} SET role = 'user, owner'"),
        1,
        &["PUT users"],
    );
    assert_eq!(world.body()["roles"], json!(["user", "owner"]));
    for (change, state) in [
        ("email = 'x@example.com'", "NA008"),
        ("name = NULL", "NA008"),
        ("banned = true", "NA008"),
        ("image = 'https://example.com/a.png'", "NA008"),
        ("created_at = now() + '1 day'", "NA008"),
        ("role = NULL", "22004"),
        ("role = ''", "22023"),
    ] {
        world.assert_refused(&format!("{update} SET {change}"), state, &[]);
    }
}
