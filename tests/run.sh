#!/usr/bin/env bash
# Runs every test against a private Postgres and the simulator; the last line is the count.
# shellcheck source=tests/cluster.sh
source "$(dirname "$0")/cluster.sh"
# shellcheck source=tests/scripts.sh
source tests/scripts.sh

PASSED=0
FAILED=0

count() { # PASSED FAILED
  PASSED=$((PASSED + $1)) FAILED=$((FAILED + $2))
}

# Runs one stage and counts its tests; a stage that fails keeps no other from running.
stage() { # LABEL COUNTING_FUNCTION COMMAND...
  local label=$1 counting=$2 output=$CLUSTER/stage.log status=0 passed failed
  shift 2
  say "== $label"
  "$@" </dev/null 2>&1 | tee "$output" || status=$?
  cat "$output" >>"$TARGET/test-output.log"
  read -r passed failed < <("$counting" "$output")
  if ((passed + failed == 0)); then
    say "FAILED: $label ran no test"
    failed=1
  elif ((status != 0 && failed == 0)); then
    say "FAILED: $label ended with status $status"
    failed=1
  fi
  count "$passed" "$failed"
}

# cargo test: "test result: ok. 12 passed; 0 failed; ...", once for each test binary
cargo_results() { # OUTPUT
  awk '/^test result:/ { passed += $4; failed += $6 } END { print passed + 0, failed + 0 }' "$1"
}

# pg_regress: "test users ... ok 12 ms" before Postgres 16, "ok 1 - users 12 ms" since
regress_results() { # OUTPUT
  echo "$(grep -cE '^ok +[0-9]+ |^(test)? +[^ ]+ +\.\.\. ok' "$1" || true)" \
    "$(grep -cE '^not ok +[0-9]+ |^(test)? +[^ ]+ +\.\.\. FAILED' "$1" || true)"
}

rust_tests() { # CARGO TEST ARGUMENT...
  # Always the same packages: cargo then settles on one set of features, and builds nothing twice.
  cargo test --no-default-features -p neon_auth_admin -p neon_simulator --no-fail-fast "$@"
}

golden_tests() {
  local inputs=tests/pg_regress results=$TARGET/pg_regress tests=() file
  [[ -n $PG_REGRESS ]] || die "pg_regress is missing; Debian has it in postgresql-server-dev-$PG_MAJOR"
  rm -rf "$results"
  mkdir -p "$results"
  if [[ -f $inputs/schedule ]]; then
    tests=("--schedule=$inputs/schedule")
  else
    for file in "$inputs"/sql/*.sql; do tests+=("$(basename "$file" .sql)"); done
  fi
  # The key comes as a setting of the session: psql 15 binds no values, and literals are logged.
  PGOPTIONS="-c test.api_key=$NEON_API_KEY" "$PG_REGRESS" --host="$PGHOST" --port="$PGPORT" --user="$PGUSER" --bindir="$(dirname "$PSQL")" \
    --dbname=regress --use-existing --inputdir="$inputs" --outputdir="$results" "${tests[@]}" || {
    [[ ! -f $results/regression.diffs ]] || cat "$results/regression.diffs"
    return 1
  }
}

check() { # LABEL COMMAND...
  local label=$1
  shift
  if "$@"; then
    say "$label ... ok"
    count 1 0
  else
    say "$label ... FAILED"
    count 0 1
  fi
}

# A test that is ignored in one stage has to run in another; what has not is printed.
no_stage_is_missing() {
  ! awk '/^test [^ ]+ \.\.\. ignored/ { ignored[$2] = 1; next } /^test [^ ]+ \.\.\./ { ran[$2] = 1 }
    END { for (name in ignored) if (!(name in ran)) print "ignored, and never run: " name }' \
    "$TARGET/test-output.log" | grep .
}

# True only if all of the files were there to be searched: grep answers 2 if one was not.
has_no_canary() { # FILE OR FOLDER...
  local status=0
  grep -rqF -f <(printf '%s\n' "$NEON_AUTH_ADMIN_CANARY") "$@" || status=$?
  ((status == 1))
}

finds_a_canary() {
  printf 'api_key = %s\n' "$NEON_AUTH_ADMIN_CANARY" >"$CLUSTER/leak"
  ! has_no_canary "$CLUSTER/leak"
}

# Everything is logged, so that a key that the extension gives away ends up in the log. Values that
# a client binds are Postgres' own to log, which says nothing about the extension: leave those out.
log_settings() {
  printf '%s\n' "log_statement = all" "log_min_duration_statement = 0" "log_min_messages = debug5" \
    "log_min_error_statement = debug5" "log_connections = on" "log_parameter_max_length = 0" \
    "neon_auth_admin.log_calls = all"
  [[ ! -f $("$PG_CONFIG" --pkglibdir)/pg_stat_statements.so ]] ||
    printf '%s\n' "shared_preload_libraries = 'pg_stat_statements'" "pg_stat_statements.track = all"
}

# What a slot for logical decoding, a base backup and a subscription of each test need.
replication_settings() {
  printf '%s\n' "wal_level = logical" "max_wal_senders = 20" "max_replication_slots = 20"
}

# The ids of its project and branch, as a Neon compute has them in its configuration.
compute_settings() {
  printf '%s\n' "neon.project_id = 'test-current'" "neon.branch_id = 'br-current-1'"
}

# All tests make calls with one key, and share what the server lets through.
queue_settings() {
  printf '%s\n' "neon_auth_admin.queue_rate = 1000000" "neon_auth_admin.queue_burst = 1000000"
}

# The server's look-ups of *.hangs.test take as long as a test wants: see tests/resolver.
preload_resolver() {
  export NEON_AUTH_ADMIN_HANGING_NAMES=$CLUSTER/names
  mkdir "$NEON_AUTH_ADMIN_HANGING_NAMES"
  install -m 755 "$TARGET/debug/libneon_test_resolver.so" "$CLUSTER/resolver.so"
  SERVER_ENVIRONMENT=(LD_PRELOAD="$CLUSTER/resolver.so"
    NEON_AUTH_ADMIN_HANGING_NAMES="$NEON_AUTH_ADMIN_HANGING_NAMES")
}

prepare() {
  NEON_AUTH_ADMIN_CANARY=napi_$(od -An -N 24 -tx1 /dev/urandom | tr -d ' \n')
  export NEON_AUTH_ADMIN_CANARY NEON_API_KEY=$NEON_AUTH_ADMIN_CANARY NEON_PROJECT_ID=quiet-bar-123456
  cluster_new
  preload_resolver
  # More connections than the default: one test has a hundred sessions, while others run.
  cluster_start "$(simulator_settings {1..20}.hangs.test:\*)" "$(log_settings)" "$(replication_settings)" \
    "$(compute_settings)" "$(queue_settings)" "max_connections = 200" "max_prepared_transactions = 20"
  sql postgres "CREATE ROLE app_owner LOGIN"
  sql postgres "CREATE DATABASE regress OWNER app_owner"
  simulator_start --api-key "$NEON_API_KEY" --project "$NEON_PROJECT_ID" \
    --tls-name '*.hangs.test' --database-url "host=$PGHOST user=app_owner dbname=regress"
  export NEON_AUTH_ADMIN_TEST_DSN="host=$PGHOST user=postgres dbname=postgres"
  export NEON_AUTH_ADMIN_SERVER_LOG=$CLUSTER/server.log
}

# A copy of the whole cluster, which then follows it.
standby_start() {
  local data=$CLUSTER/data standby=$CLUSTER/standby log=$CLUSTER/standby.log
  export NEON_AUTH_ADMIN_STANDBY_DSN="host=$PGHOST port=5433 user=postgres dbname=postgres"
  install -d -m 700 -o "$(server_user)" "$standby" && install -o "$(server_user)" /dev/null "$log" &&
    server_stop "$data" fast && as_server cp -R "$data/." "$standby" && as_server touch "$standby/standby.signal" &&
    printf '%s\n' "port = 5433" "primary_conninfo = 'host=$PGHOST port=$PGPORT user=postgres'" >>"$standby/postgresql.conf" &&
    server_start "$data" "$CLUSTER/server.log" && server_start "$standby" "$log"
}

# After a test has killed the postmaster.
server_recovers() {
  local pid
  pid=$(head -n 1 "$CLUSTER/data/postmaster.pid")
  # Until somebody reaps it, it is a zombie, which Postgres takes for a live one.
  ! grep -qs '^State:.[^Z]' "/proc/$pid/status" &&
    rm "$CLUSTER/data/postmaster.pid" "$PGHOST/.s.PGSQL.$PGPORT.lock" &&
    server_start "$CLUSTER/data" "$CLUSTER/server.log" &&
    [[ $(sql it_postmaster "SELECT count(*) FROM neon_auth_admin.list_domains('healthy')" it_postmaster) == 0 ]]
}

# The library is loaded by the postmaster, too, which is in no database.
restart_with_backtraces() {
  local preloaded
  preloaded=$(sql postgres "SHOW shared_preload_libraries")
  printf "shared_preload_libraries = '%s'\n" "${preloaded:+$preloaded, }neon_auth_admin" >>"$CLUSTER/data/postgresql.conf"
  SERVER_ENVIRONMENT+=(RUST_BACKTRACE=1)
  server_stop "$CLUSTER/data" fast && server_start "$CLUSTER/data" "$CLUSTER/server.log"
}

(($(major "$PSQL") >= 15)) ||
  die "the tests need psql 15 or newer, for \\getenv, whatever the server is: set PSQL"
timed "Building the extension for Postgres $PG_MAJOR" build_extension
timed "Building the simulator" build_simulator
timed "Building the resolver" build_resolver
timed "Building the tests" rust_tests --quiet --no-run --lib --bins --test it --test sessions
timed "Starting a private Postgres and the simulator" prepare
: >"$TARGET/test-output.log"

stage "Unit tests" cargo_results rust_tests --lib --bins
stage "Integration tests" cargo_results rust_tests --test it
stage "Session tests" cargo_results rust_tests --test sessions -- --nocapture
stage "Without memory" cargo_results rust_tests --test sessions -- --ignored --nocapture --test-threads=1 out_of_memory::
stage "Golden tests" regress_results golden_tests
stage "Configuration tests" cargo_results rust_tests --test sessions -- --ignored --nocapture configured::
stage "Killed deliveries" cargo_results rust_tests --test sessions -- --ignored --nocapture --test-threads=1 queue::crash sync_user::crash
stage "Queue, alone" cargo_results rust_tests --test sessions -- --ignored --nocapture --test-threads=1 queue::alone::a_fast queue::alone::another queue::alone::calls queue::alone::the_server
stage "Queue, before a restart" cargo_results rust_tests --test sessions -- --ignored --nocapture queue::alone::before
say "== A standby, and a crash"
check "a copy of the server starts as its standby" standby_start
stage "Queue, after a restart" cargo_results rust_tests --test sessions -- --ignored --nocapture queue::alone::the_first
stage "Standby tests" cargo_results rust_tests --test sessions -- --ignored --nocapture --test-threads=1 standby::
stage "Promotion" cargo_results rust_tests --test sessions -- --ignored --nocapture queue::alone::a_promoted
stage "Crash tests" cargo_results rust_tests --test sessions -- --ignored --nocapture postmaster::
check "the server recovers from the crash, and calls work" server_recovers
stage "Secrets that are left" cargo_results rust_tests --test sessions -- --ignored --nocapture sweep::
check "the server starts again, with backtraces, and with the library in shared_preload_libraries" restart_with_backtraces
stage "Secrets in backtraces" cargo_results rust_tests --test sessions -- --ignored --nocapture backtraces::
stage "Preloaded" cargo_results rust_tests --test sessions -- --ignored --nocapture encodings::
say "== Scripts of releases"
check "the checks of scripts find a changed one, and a missing function" these_checks_find_something
check "the scripts that were released are as they were" released_scripts_are_unchanged "$RELEASED"
check "the library has the C functions that the scripts name" \
  library_has_what_scripts_name "$TARGET/debug/libneon_auth_admin.so" sql/neon_auth_admin--*.sql
say "== Secrets in output and log"
check "the check finds a leaked key" finds_a_canary
check "every test that waits for a stage of its own had one" no_stage_is_missing
check "no key in the output of clients or in the server's log" \
  has_no_canary "$TARGET/test-output.log" "$TARGET/pg_regress" "$CLUSTER/server.log" "$CLUSTER/standby.log"

((FAILED == 0)) || keep_logs
say "Kinds of fault: $(sed -n 's/^fault kinds: //p' "$TARGET/test-output.log" | tail -n 1)"
skipped_in "$TARGET/test-output.log"
closing "$PASSED" "$FAILED" "$(skipped_in "$TARGET/test-output.log" | wc -l)"
((FAILED == 0))
