#!/usr/bin/env bash
# Tries an update, with a made-up version 1.1: what was made with 1.0 works with the new library, before and after
# ALTER EXTENSION UPDATE by whoever, and the database is then like one in which 1.1 was installed.
# shellcheck source=tests/cluster.sh
source "$(dirname "$0")/cluster.sh"
# shellcheck source=tests/upgrade/next.sh
source tests/upgrade/next.sh
# shellcheck source=tests/upgrade/use.sh
source tests/upgrade/use.sh
# shellcheck source=tests/scripts.sh
source tests/scripts.sh

EXTENSION= LIBRARY= # the folders of the server
NEXT=$TARGET/next # always the same folder: cargo would keep what it has built of each

# Compiles the extension alone: the target folder has the rest.
build_next() {
  local built=$TARGET/debug/libneon_auth_admin.so
  rm -rf "$NEXT"
  copy_sources "$NEXT"
  next_version "$NEXT"
  cp "$built" "$CLUSTER/old.so"
  (cd "$NEXT" && CARGO_TARGET_DIR=$TARGET build_extension)
  cp "$built" "$CLUSTER/new.so"
  cp "$CLUSTER/old.so" "$built"
}

put_library() { install -m 755 "$CLUSTER/$1.so" "$LIBRARY/neon_auth_admin.so"; } # old OR new

works_as_new() { # DATABASE
  sql "$1" "SELECT neon_auth_admin.made_up(), neon_auth_admin.add_domain('https://a.example', note => 'x')" app >/dev/null
  sql "$1" "SELECT neon_auth_admin.add_domain('https://b.example', note => 'x')" reader >/dev/null
  sql "$1" "SELECT 1 / bool_and(note = 'of 1.1')::int FROM neon_auth_admin.domains" app >/dev/null
  sql "$1" "GRANT EXECUTE ON FUNCTION neon_auth_admin.made_up TO reader" app
  ! sql "$1" "SELECT neon_auth_admin.delete_domain('https://a.example')" reader 2>/dev/null ||
    die "in $1, reader may what nobody has granted"
}

snapshot() { psql_as postgres "$1" -A -t -f tests/upgrade/snapshot.sql >"$CLUSTER/$1.facts"; } # DATABASE

like_a_new_one() { # DATABASE
  diff -u "$CLUSTER/fresh.facts" "$CLUSTER/$1.facts" || die "$1 is not like a database in which 1.1 was installed"
}

# The comparison would find it.
a_difference_is_found() { # WHAT STATEMENT
  sql fresh "$2"
  snapshot fresh
  ! diff -q "$CLUSTER/fresh.facts" "$CLUSTER/by_app.facts" >/dev/null || die "the comparison does not see $1"
}

timed "Building the extension for Postgres $PG_MAJOR" build_extension
timed "Building the simulator of the Neon API" build_simulator
cluster_new
timed "Building the made-up version 1.1" build_next
library_has_what_scripts_name "$CLUSTER/new.so" sql/neon_auth_admin--*.sql "$NEXT"/sql/neon_auth_admin--*.sql ||
  die "a C function has vanished"
export NEON_API_KEY=napi_upgrade
cluster_start "$(simulator_settings)" "neon_auth_admin.queue_linger = -1" # calls wait for run_queue()
simulator_start --api-key "$NEON_API_KEY"
LIBRARY=$CLUSTER$("$PG_CONFIG" --pkglibdir) EXTENSION=$CLUSTER$("$PG_CONFIG" --sharedir)/extension
cp "$NEXT"/sql/neon_auth_admin--1*.sql "$EXTENSION"
roles
for name in by_app by_superuser; do
  database "$name" 1.0
  works "$name" old || die "1.0 does not work with its own library"
  leave "$name" old
done
put_library new
for name in by_app by_superuser; do
  [[ $(left "$name") == 106 ]] || die "with the new library calls do not wait as they did"
  works "$name" before || die "a database that has not been updated does not work with the new library"
  was_made "$name" old || die "the new library has not made what was queued by the old one"
  leave "$name" before
done
database fresh 1.1
works fresh new || die "1.1 does not work"
snapshot fresh
sql by_app "ALTER EXTENSION neon_auth_admin UPDATE TO '1.1'" app
sql by_superuser "ALTER EXTENSION neon_auth_admin UPDATE TO '1.1'"
for name in by_app by_superuser; do
  snapshot "$name"
  like_a_new_one "$name"
  [[ $(left "$name") == 106 ]] || die "after the update calls do not wait as they did"
  works "$name" after || die "after the update by $name something does not work"
  was_made "$name" before || die "what was queued before the update was not made"
  works_as_new "$name"
done
a_difference_is_found "a grant" "GRANT EXECUTE ON FUNCTION neon_auth_admin.made_up TO reader"
sql fresh "REVOKE EXECUTE ON FUNCTION neon_auth_admin.made_up FROM reader"
a_difference_is_found "a comment" "COMMENT ON COLUMN neon_auth_admin.domains.note IS 'Another'"
a_difference_is_found "a default" "COMMENT ON COLUMN neon_auth_admin.domains.note IS 'A note'; ALTER VIEW neon_auth_admin.domains ALTER note SET DEFAULT 'x'"
say "An update from 1.0 works on Postgres $PG_MAJOR: $(wc -l <"$CLUSTER/by_app.facts") facts compared"
