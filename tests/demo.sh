#!/usr/bin/env bash
# Shows the extension at work in a private Postgres, against the simulator or, if asked, the real API:
# runs examples/tour.sql, then on a terminal opens psql in that database. Nothing is left behind.
# shellcheck source=tests/tour.sh
source "$(dirname "$0")/tour.sh"

interactive() { [[ -t 0 && -t 1 ]]; }

real_scope() {
  echo "${NEON_BRANCH_ID:+branch $NEON_BRANCH_ID of }project $NEON_PROJECT_ID"
}

wants_real_api() {
  local answer
  [[ -n ${NEON_API_KEY:-} && -n ${NEON_PROJECT_ID:-} ]] || return 1
  if [[ -n ${NEON_DEMO_REAL:-} ]]; then
    [[ $NEON_DEMO_REAL == 1 ]]
  else
    interactive &&
      read -r -p "Use the real API for $(real_scope), reading only? [y/N] " answer &&
      [[ $answer == [yY]* ]]
  fi
}

# The tour that follows only reads, and so does the session: the key is set here, before that. Without
# a branch, "neon" is at project level, as "stack" is.
start_with_real_api() {
  start_server
  psql_as_owner -X -q -v ON_ERROR_STOP=1 >/dev/null <<'SQL'
\set key `printenv NEON_API_KEY`
\set project `printenv NEON_PROJECT_ID`
\set branch `printenv NEON_BRANCH_ID`
CREATE EXTENSION neon_auth_admin;
CREATE SERVER neon FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id :'project');
CREATE SERVER stack FOREIGN DATA WRAPPER neon_auth_admin OPTIONS (project_id :'project');
SELECT :'branch' <> '' AS has_branch \gset
\if :has_branch
ALTER SERVER neon OPTIONS (ADD branch_id :'branch');
\endif
SELECT neon_auth_admin.set_api_key(:'key'), neon_auth_admin.set_api_key(:'key', server => 'stack');
SQL
  export PGOPTIONS='-c default_transaction_read_only=on'
}

real=
if wants_real_api; then real=1; fi
timed "Building the extension for Postgres $PG_MAJOR (about 2 minutes the first time)" build_extension
[[ -n $real ]] || timed "Building the simulator of the Neon API" build_simulator
cluster_new
if [[ -n $real ]]; then
  timed "Starting a private Postgres" start_with_real_api
  run_tour examples/tour_real.sql
else
  timed "Starting a private Postgres and the simulator" start_with_simulator
  run_tour examples/tour.sql
fi

say
say "To use it with Neon: docs/installing.md, and then \"A first session\" in README.md."
if interactive; then
  say "This is psql as neondb_owner; try TABLE neon_auth_admin.functions;   \\q ends it and removes everything."
  set -m # a process group of its own: Ctrl-C is for the query in psql, not for make
  psql_as_owner -q
fi
