#!/usr/bin/env bash
# Compares calls from SQL with the same calls from a plain Rust program, in one run on one CPU. With BENCH=queue
# in the environment it measures the queue instead, in about ten minutes; with cost, latency, backlog, memory or
# limit a part of that; and with load a COPY into a table with sync_user() alone.
# shellcheck source=tests/cluster.sh
source "$(dirname "$0")/cluster.sh"

CPU=${BENCH_CPU:-0}
SIMULATOR_CPU=${BENCH_SIMULATOR_CPU:-$CPU} # another one, if the simulator starves its clients
PROFILE=release

prepare() {
  export NEON_API_KEY=napi_bench NEON_PROJECT_ID=quiet-bar-123456
  cluster_new
  cluster_start "$(simulator_settings)"
  simulator_start --api-key "$NEON_API_KEY" --project "$NEON_PROJECT_ID"
  taskset -a -p -c "$SIMULATOR_CPU" "$SIMULATOR_PID" >/dev/null
  export NEON_AUTH_ADMIN_TEST_DSN="host=$PGHOST user=postgres dbname=postgres"
  export NEON_AUTH_ADMIN_SERVER_LOG=$CLUSTER/server.log
}

timed "Building the extension for Postgres $PG_MAJOR" build_extension
timed "Building the simulator" build_simulator
timed "Building the benchmark" cargo build --quiet --release -p neon_bench
taskset -p -c "$CPU" $$ >/dev/null # what is started from here on inherits it
timed "Starting a private Postgres and the simulator" prepare
say "CPU $CPU for the server and its clients, CPU $SIMULATOR_CPU for the simulator"
"$TARGET/release/neon_bench"
