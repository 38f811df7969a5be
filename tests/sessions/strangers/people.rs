//! Whose hostile objects are, and who calls.

pub const OWNER: &str = "it_strangers";
pub const MALLORY: &str = "it_strangers_mallory";
pub const ALICE: &str = "it_strangers_alice";
/// A role of the name that the setting trusts, where Neon has made none.
pub const FAKE: &str = "neon_auth";
pub const SUPERUSER: &str = "postgres";

/// Whose schema, relation and part of it are.
pub struct Ownership {
    pub name: &'static str,
    pub schema: &'static str,
    pub relation: &'static str,
    pub part: &'static str,
    /// Roles that the attacker is made a member of, as he can do himself in versions before 16.
    pub member_of: &'static [&'static str],
}

pub const OWNERSHIPS: [Ownership; 7] = [
    Ownership {
        name: "a stranger's",
        schema: MALLORY,
        relation: MALLORY,
        part: MALLORY,
        member_of: &[],
    },
    Ownership {
        name: "a stranger's, who is a member of the caller and of the owner of the database",
        schema: MALLORY,
        relation: MALLORY,
        part: MALLORY,
        member_of: &[OWNER, ALICE],
    },
    Ownership {
        name: "a stranger's, in a schema that is trusted",
        schema: OWNER,
        relation: MALLORY,
        part: MALLORY,
        member_of: &[],
    },
    Ownership {
        name: "trusted, in a stranger's schema",
        schema: MALLORY,
        relation: OWNER,
        part: OWNER,
        member_of: &[],
    },
    Ownership {
        name: "trusted, with a part that is a stranger's",
        schema: OWNER,
        relation: OWNER,
        part: MALLORY,
        member_of: &[],
    },
    Ownership {
        name: "a fake neon_auth's",
        schema: FAKE,
        relation: FAKE,
        part: FAKE,
        member_of: &[],
    },
    Ownership {
        name: "the owner's of the database, who would like to be a superuser",
        schema: OWNER,
        relation: OWNER,
        part: OWNER,
        member_of: &[],
    },
];

/// Who calls.
pub struct Caller {
    pub name: &'static str,
    pub login: &'static str,
    pub prelude: &'static str,
    /// A function that runs the query as its owner.
    pub through: Option<&'static str>,
    pub effective: &'static str,
    /// Whether a superuser is anywhere in the session.
    pub has_superuser: bool,
}

pub const fn caller(name: &'static str, login: &'static str, effective: &'static str) -> Caller {
    Caller {
        name,
        login,
        prelude: "",
        through: None,
        effective,
        has_superuser: false,
    }
}

pub const fn super_caller(
    name: &'static str,
    prelude: &'static str,
    effective: &'static str,
) -> Caller {
    Caller {
        prelude,
        has_superuser: true,
        ..caller(name, SUPERUSER, effective)
    }
}

pub const CALLERS: [Caller; 9] = [
    caller("the owner of the database", OWNER, OWNER),
    caller("an ordinary role", ALICE, ALICE),
    Caller {
        through: Some("witness.as_owner"),
        ..caller(
            "an ordinary role by a SECURITY DEFINER function",
            ALICE,
            OWNER,
        )
    },
    super_caller("a superuser", "", SUPERUSER),
    super_caller(
        "a superuser after SET ROLE to the stranger",
        "SET ROLE it_strangers_mallory",
        MALLORY,
    ),
    super_caller(
        "a superuser after SET ROLE",
        "SET ROLE it_strangers_alice",
        ALICE,
    ),
    super_caller(
        "a superuser after SET SESSION AUTHORIZATION",
        "SET SESSION AUTHORIZATION it_strangers_alice",
        ALICE,
    ),
    super_caller(
        "a superuser after SET SESSION AUTHORIZATION and SET ROLE",
        "SET SESSION AUTHORIZATION it_strangers; SET ROLE it_strangers",
        OWNER,
    ),
    Caller {
        through: Some("witness.as_alice"),
        ..super_caller("a superuser by a SECURITY DEFINER function", "", ALICE)
    },
];
