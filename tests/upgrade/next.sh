# shellcheck shell=bash
# A version 1.1 that nobody will ever see, made of a copy of these sources: it adds a function, a column of a type
# and of a view, and an argument with a default. CONTRIBUTING.md says why it is done in this way.

# Puts one text in the place of another, which has to be there.
put() { # FILE OLD NEW
  python3 - "$@" <<'PYTHON'
import sys
file, old, new = sys.argv[1:]
text = open(file).read()
assert text.count(old) == 1, f"{file}: {text.count(old)} times: {old}"
open(file, "w").write(text.replace(old, new))
PYTHON
}

# What is committed and what is not, but for what git ignores.
copy_sources() { # FOLDER
  mkdir -p "$1"
  git ls-files -z --cached --others --exclude-standard | tar --null --ignore-failed-read -T - -c 2>/dev/null | tar -C "$1" -x
}

next_version() { # FOLDER
  local full=$1/sql/neon_auth_admin--1.1.sql
  put "$1/neon_auth_admin.control" "default_version = '1.0'" "default_version = '1.1'"

  # The library: a column that an older database has not got, and C functions beside those that are there.
  put "$1/src/neon/domains.rs" '    pub auth_provider: Option<String>,
}

/// A domain that was added' '    pub auth_provider: Option<String>,
    #[serde(default = "noted")]
    pub note: Option<String>,
}

fn noted() -> Option<String> {
    Some("of 1.1".to_owned())
}

/// A domain that was added'
  put "$1/src/pg/views/domains.rs" 'let added = RedirectDomain {' 'let added = RedirectDomain {
        note: None,'
  put "$1/src/pg/domains.rs" '"redirect_domain");' '"redirect_domain", later "note");'
  cat >>"$1/src/pg/domains.rs" <<'RUST'

#[pg_extern(volatile, parallel_unsafe, cost = 1000, name = "add_domain")]
fn add_domain_1_1(
    entry: Entry,
    domain: Option<Text>,
    server: default!(Option<Text>, "NULL"),
    _note: default!(Option<Text>, "NULL"),
) -> Result<Text, Raise> {
    add_domain(entry, domain, server)
}

#[pg_extern(volatile, parallel_unsafe, cost = 1000)]
fn made_up(_entry: Entry) -> Result<Text, Raise> {
    Ok(Text::new("made up"))
}
RUST

  # The install script of 1.1.
  cp "$1/sql/neon_auth_admin--1.0.sql" "$full"
  put "$full" 'CREATE TYPE neon_auth_admin.redirect_domain AS (
    domain text,
    auth_provider text' 'CREATE TYPE neon_auth_admin.redirect_domain AS (
    domain text,
    auth_provider text,
    note text'
  put "$full" '    SELECT domain, auth_provider
    FROM neon_auth_admin.list_domains()' '    SELECT domain, auth_provider, note
    FROM neon_auth_admin.list_domains()'
  put "$full" 'CREATE  FUNCTION "add_domain"(
	"domain" TEXT, /* Option < Text > */
	"server" TEXT DEFAULT NULL /* Option < Text > */' 'CREATE FUNCTION "made_up"() RETURNS text
VOLATILE PARALLEL UNSAFE COST 1000 LANGUAGE c AS '"'MODULE_PATHNAME', 'made_up_wrapper'"';
CREATE  FUNCTION "add_domain"(
	"domain" TEXT,
	"server" TEXT DEFAULT NULL,
	"note" TEXT DEFAULT NULL'
  put "$full" "'add_domain_wrapper'" "'add_domain_1_1_wrapper'"
  cat >>"$full" <<'SQL'
COMMENT ON COLUMN neon_auth_admin.domains.note IS 'A note';
COMMENT ON FUNCTION neon_auth_admin.made_up IS 'Made up';
SQL

  cp tests/upgrade/neon_auth_admin--1.0--1.1.sql "$1/sql"
}
