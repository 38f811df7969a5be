//! How code gets into what is read as the table of users.

/// Says as whom it runs, in a way that outlives a rollback, and tries to become a superuser.
pub const PLANT: &str = r#"
    CREATE SCHEMA witness;
    CREATE SEQUENCE witness.it_strangers;
    CREATE SEQUENCE witness.it_strangers_mallory;
    CREATE SEQUENCE witness.it_strangers_alice;
    CREATE SEQUENCE witness.neon_auth;
    CREATE SEQUENCE witness.postgres;
    CREATE SEQUENCE witness.became_superuser;
    CREATE SEQUENCE witness.anybody;
    GRANT USAGE ON SCHEMA witness TO PUBLIC;
    GRANT ALL ON ALL SEQUENCES IN SCHEMA witness TO PUBLIC;
    CREATE SCHEMA evil AUTHORIZATION it_strangers_mallory;
    SET SESSION AUTHORIZATION it_strangers_mallory;
    GRANT USAGE ON SCHEMA evil TO PUBLIC;
    CREATE FUNCTION evil.planted(text) RETURNS text LANGUAGE plpgsql AS $$
    DECLARE attempt text;
    BEGIN
        PERFORM nextval('witness.anybody'), nextval(('witness.' || current_user)::regclass);
        FOREACH attempt IN ARRAY ARRAY[
            'RESET ROLE', 'RESET SESSION AUTHORIZATION', 'SET ROLE postgres', 'SET SESSION AUTHORIZATION postgres',
            'SELECT set_config(''role'', ''none'', false)',
            'SELECT set_config(''session_authorization'', ''postgres'', false)',
            'ALTER ROLE it_strangers_mallory SUPERUSER', 'COPY (SELECT 1) TO PROGRAM ''true''',
            'SET search_path = evil', 'SET statement_timeout = 1', 'CREATE TEMP TABLE t ()'
        ] LOOP
            BEGIN
                EXECUTE attempt;
            EXCEPTION WHEN OTHERS THEN
                CONTINUE;
            END;
            IF attempt ~ 'ALTER|COPY' THEN
                PERFORM nextval('witness.became_superuser');
            END IF;
        END LOOP;
        IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
            PERFORM nextval('witness.became_superuser');
        END IF;
        RETURN $1;
    END $$;
    CREATE FUNCTION evil.folded(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
        RETURN evil.planted($1);
    END $$;
    CREATE FUNCTION evil.compared(text, text) RETURNS boolean LANGUAGE plpgsql AS $$
    BEGIN
        RETURN evil.planted($1) IS NOT NULL;
    END $$;
    CREATE OPERATOR evil.## (FUNCTION = evil.compared, LEFTARG = text, RIGHTARG = text);
    CREATE TYPE evil.wrapped AS (value text);
    CREATE FUNCTION evil.unwrapped(evil.wrapped) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
        RETURN evil.planted($1.value);
    END $$;
    CREATE CAST (evil.wrapped AS text) WITH FUNCTION evil.unwrapped;
    CREATE DOMAIN evil.checked AS text CHECK (evil.planted(VALUE) IS NOT NULL);
    RESET SESSION AUTHORIZATION"#;

/// How the code gets in.
pub struct Way {
    pub name: &'static str,
    /// The statements that make the relation, in the schema neon_auth.
    pub relation: &'static str,
    /// A part of it that may have another owner: a relation in that schema.
    pub part: Option<&'static str>,
    /// Whether reading it as anybody else runs the code: the test's own control.
    pub runs: bool,
}

pub const COLUMNS: &str = r#"''::text AS name, now() AS "createdAt", now() AS "updatedAt""#;
pub const ID: &str = "5d3f0f5c-6f0e-4b7e-9d5b-0a9f5a3d1c77";

pub const fn way(name: &'static str, relation: &'static str) -> Way {
    Way {
        name,
        relation,
        part: None,
        runs: true,
    }
}

pub const WAYS: [Way; 13] = [
    way(
        "a function in a view",
        "CREATE VIEW neon_auth.\"user\" AS SELECT '{id}'::uuid AS id, evil.planted('x') AS email, {columns}",
    ),
    way(
        "a condition of a view",
        "CREATE VIEW neon_auth.\"user\" AS SELECT '{id}'::uuid AS id, 'x' AS email, {columns}
            WHERE evil.planted('x') = 'x'",
    ),
    way(
        "an immutable function, which a plan evaluates",
        "CREATE VIEW neon_auth.\"user\" AS SELECT '{id}'::uuid AS id, 'x' AS email, {columns}
            WHERE evil.folded('x') = 'x'",
    ),
    way(
        "an operator",
        "CREATE VIEW neon_auth.\"user\" AS SELECT '{id}'::uuid AS id, 'x' AS email, {columns}
            WHERE 'x'::text OPERATOR(evil.##) 'y'::text",
    ),
    way(
        "a domain",
        "CREATE VIEW neon_auth.\"user\" AS SELECT '{id}'::uuid AS id, md5(now()::text)::evil.checked AS email, {columns}",
    ),
    way(
        "a cast to text",
        "CREATE TABLE neon_auth.\"user\" AS SELECT '{id}'::uuid AS id, ROW('x')::evil.wrapped AS email, {columns}",
    ),
    way(
        "a row policy",
        "CREATE TABLE neon_auth.\"user\" AS SELECT '{id}'::uuid AS id, 'x'::text AS email, {columns};
         ALTER TABLE neon_auth.\"user\" ENABLE ROW LEVEL SECURITY;
         CREATE POLICY planted ON neon_auth.\"user\" USING (evil.planted('x') = 'x')",
    ),
    way(
        "the condition of an index, which a plan evaluates",
        "CREATE TABLE neon_auth.\"user\" AS SELECT '{id}'::uuid AS id, 'x'::text AS email, {columns};
         CREATE INDEX ON neon_auth.\"user\" (id) WHERE evil.folded('x') = 'x'",
    ),
    Way {
        part: Some("child"),
        ..way(
            "a constraint of a child, which a plan evaluates",
            "CREATE TABLE neon_auth.users_sync (id text, name text, email text, created_at timestamptz,
                updated_at timestamptz, deleted_at timestamptz);
             CREATE TABLE neon_auth.child (CHECK (evil.folded('x') = 'x')) INHERITS (neon_auth.users_sync);
             INSERT INTO neon_auth.child (id) VALUES ('{id}')",
        )
    },
    Way {
        part: Some("part"),
        ..way(
            "a constraint of a partition, which a plan evaluates",
            "CREATE TABLE neon_auth.users_sync (id text, name text, email text, created_at timestamptz,
                updated_at timestamptz, deleted_at timestamptz) PARTITION BY LIST (id);
             CREATE TABLE neon_auth.part PARTITION OF neon_auth.users_sync (CHECK (evil.folded('x') = 'x')) DEFAULT;
             INSERT INTO neon_auth.users_sync (id) VALUES ('{id}')",
        )
    },
    Way {
        part: Some("below"),
        ..way(
            "a view below a view",
            "CREATE VIEW neon_auth.below AS SELECT '{id}'::uuid AS id, evil.planted('x') AS email, {columns};
             CREATE VIEW neon_auth.\"user\" AS SELECT * FROM neon_auth.below",
        )
    },
    Way {
        part: Some("below"),
        ..way(
            "a row policy below a view",
            "CREATE TABLE neon_auth.below AS SELECT '{id}'::uuid AS id, 'x'::text AS email, {columns};
             ALTER TABLE neon_auth.below ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
             CREATE POLICY planted ON neon_auth.below USING (evil.planted('x') = 'x');
             CREATE VIEW neon_auth.\"user\" AS SELECT * FROM neon_auth.below",
        )
    },
    Way {
        runs: false, // its wrapper has no handler; it is refused before that matters
        ..way(
            "a foreign table",
            "CREATE FOREIGN TABLE neon_auth.\"user\" (id uuid, email text, name text,
                \"createdAt\" timestamptz, \"updatedAt\" timestamptz) SERVER bare",
        )
    },
];
