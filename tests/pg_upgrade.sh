#!/usr/bin/env bash
# Takes a server with the extension from one version of Postgres to another, with pg_upgrade: 14 to 18, or as told.
# usage: pg_upgrade.sh [OLD NEW]
# shellcheck source=tests/cluster.sh
source "$(dirname "$0")/cluster.sh"
# shellcheck source=tests/upgrade/use.sh
source tests/upgrade/use.sh

OLD=${1:-14} NEW=${2:-18}
PATHS= # of the libraries of both servers

use_version() { # MAJOR
  PG_CONFIG=$(bash tests/server.sh "$1" </dev/null)
  PG_MAJOR=$1
  export PGRX_PG_CONFIG_PATH=$PG_CONFIG
}

# pg_upgrade wants these beside the server.
link_programs() {
  local bin
  bin=$("$PG_CONFIG" --bindir)
  ln -s "$bin"/* "$CLUSTER$bin" 2>/dev/null || true # but for those that were copied
}

upgrade() { # DATA OLD BINARIES, DATA NEW BINARIES
  local work=$CLUSTER/pg_upgrade
  install -d -o "$(server_user)" "$work"
  (CLUSTER=$work as_server env LD_LIBRARY_PATH="$PATHS" PGUSER=postgres "$4/pg_upgrade" -b "$2" -B "$4" -d "$1" -D "$3" -s "$work" -U postgres) \
    >"$CLUSTER/pg_upgrade.log" 2>&1 ||
    die "$(cat "$CLUSTER/pg_upgrade.log"; find "$3/pg_upgrade_output.d" -name '*.txt' -exec cat {} + 2>/dev/null)"
}

timed "Building the simulator of the Neon API" build_simulator
cluster_new
export NEON_API_KEY=napi_upgrade
use_version "$OLD"
timed "Building the extension for Postgres $OLD" build_extension
SETTINGS="$(simulator_settings)"$'\n'"neon_auth_admin.queue_linger = -1" # calls wait for run_queue()
cluster_start "$SETTINGS"
simulator_start --api-key "$NEON_API_KEY"
old_bin=$CLUSTER$("$PG_CONFIG" --bindir) PATHS=$(library_path)
link_programs
roles
database upgraded 1.0
works upgraded before
leave upgraded before
server_stop "$CLUSTER/data" fast
SERVERS=()

use_version "$NEW"
timed "Building the extension for Postgres $NEW" build_extension
shadow_install
link_programs
new_bin=$CLUSTER$("$PG_CONFIG" --bindir) PATHS=$(library_path):$PATHS
install -d -m 700 -o "$(server_user)" "$CLUSTER/new"
# 18 has checksums unless it is told otherwise, and the old server has none.
options=()
((NEW < 18 || OLD >= 18)) || options=(--no-data-checksums)
cluster_init "$CLUSTER/new" "${options[@]}"
cluster_configure "$CLUSTER/new" "$SETTINGS"
timed "pg_upgrade from $OLD to $NEW" upgrade "$CLUSTER/data" "$old_bin" "$CLUSTER/new" "$new_bin"
server_start "$CLUSTER/new" "$CLUSTER/server.log" || die "the server did not start: $(tail -n 20 "$CLUSTER/server.log")"

# The server is another, as far as a queued call can tell.
sql upgraded "CALL neon_auth_admin.run_queue()" app
[[ $(left upgraded) == 106 ]] || die "the calls that were left are not waiting"
[[ $(sql upgraded "SELECT neon_auth_admin.adopt_queued()" app) == 106 ]] || die "the calls that were left are not adopted"
works upgraded after
was_made upgraded before || die "the call that was left was not made"
sql upgraded "DROP EXTENSION neon_auth_admin CASCADE" 2>"$CLUSTER/drop.log" || die "$(cat "$CLUSTER/drop.log")"
say "pg_upgrade from $OLD to $NEW works"
