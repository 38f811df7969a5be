# shellcheck shell=bash
# The tour: a database whose owner is no superuser, the simulator, and examples/tour.sql run in them.
# shellcheck source=tests/cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

psql_as_owner() { # ARGUMENT...
  "$PSQL" -P pager=off -U neondb_owner -d neondb "$@"
}

# On standard input, so that errors look as they do to someone who types.
run_tour() { # FILE
  psql_as_owner -X -a -v ON_ERROR_STOP=1 <"$1"
}

# As at Neon: the customer owns the database and is no superuser. A statement that fails is not
# logged, since before psql 16 a key can only be given as a literal.
start_server() { # SETTING...
  cluster_start "log_min_error_statement = panic" "$@"
  sql postgres "CREATE ROLE neondb_owner LOGIN CREATEROLE"
  sql postgres "CREATE DATABASE neondb OWNER neondb_owner"
}

start_with_simulator() { # SETTING...
  export NEON_API_KEY=napi_demo NEON_PROJECT_ID=quiet-bar-123456 NEON_BRANCH_ID=br-cool-lake-123456
  start_server "$(simulator_settings)" "$@"
  simulator_start --api-key "$NEON_API_KEY" --project "$NEON_PROJECT_ID" \
    --database-url "host=$PGHOST user=neondb_owner dbname=neondb"
}
