#!/usr/bin/env bash
# Runs every test on every version of Postgres that is supported, or on those that are named, one after
# the other; the last line counts them all. What was skipped, and where, stands before it.
# usage: run_all.sh [MAJOR...]
# shellcheck source=tests/lib.sh
source "$(dirname "$0")/lib.sh"

unset PG_CONFIG PSQL PG_REGRESS # each version has its own
RESULTS=$TARGET/test-all
((!$#)) || VERSIONS=("$@")
passed=0 failed=0 skipped=0
summary=()

# In one target folder: cargo keeps the dependencies of each version beside each other, and has only
# the extension itself to build when the version changes.
run_on() { # MAJOR
  local pg_config
  if ! pg_config=$(bash tests/server.sh "$1" </dev/null); then
    say "FAILED: no server"
    return 1
  fi
  PG_CONFIG=$pg_config bash tests/run.sh
}

count_version() { # MAJOR
  local log=$RESULTS/$1.log start=$SECONDS counts
  say "== Postgres $1"
  count_run "$log" run_on "$1" || say "FAILED: Postgres $1"
  counts=$(closing_line "$log")
  summary+=("Postgres $1: ${counts:-0 passed, 1 failed}, $(minutes $((SECONDS - start)))")
}

# By the lines of cargo test, of pg_regress and of tests/run.sh.
list_failed() {
  local major
  for major in "${VERSIONS[@]}"; do
    grep -hE '\.\.\. FAILED|^not ok |^FAILED: ' "$RESULTS/$major.log" |
      sort -u | sed "s/^/Postgres $major: /" || true
  done
}

# Once for all versions on which the same was skipped for the same reason.
list_skipped() {
  local major
  for major in "${VERSIONS[@]}"; do
    skipped_in "$RESULTS/$major.log" | sed "s/$/\t$major/"
  done | awk -F '\t' '{ on[$1] = on[$1] " " $2 } END { for (what in on) print "Postgres" on[what] ": " what }' | sort
}

rm -rf "$RESULTS"
mkdir -p "$RESULTS"
# From here come psql and pg_regress for the servers that lack them, and what every build needs.
bash tests/setup.sh </dev/null
for major in "${VERSIONS[@]}"; do count_version "$major"; done
say "== All versions"
list_skipped
list_failed
printf '%s\n' "${summary[@]}"
closing "$passed" "$failed" "$skipped"
((failed == 0))
