# shellcheck shell=bash
# A private Postgres with this extension in it, and the simulator of the Neon API: both live in one
# temporary folder, need neither root nor a change to the system, and end with the script.
# shellcheck source=tests/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

CLUSTER= # the temporary folder
SIMULATOR_PID=
SERVERS=() # the data folders of those that were started
SERVER_ENVIRONMENT=() # NAME=VALUE of what the server's environment has besides
SHADOW=1 # or empty: the Postgres of PG_CONFIG as it is, with what is installed in it

# libpq of every client below here looks at the private cluster and at nothing else of the user's.
for variable in $(compgen -e PG); do
  case $variable in PG_* | PGRX_*) ;; *) unset "$variable" ;; esac
done

# Makes the folder, and with it says where server and simulator will be. The server starts first: its
# settings name the CA's file, which is read only when a call is made, and the simulator connects to it.
cluster_new() {
  local base=${TMPDIR:-/tmp}
  [[ -n $PSQL ]] || die "psql is missing: set PSQL, or install postgresql-client"
  ((${#base} < 60)) || base=/tmp # a socket's path has at most 107 bytes
  umask 022
  trap cleanup EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  CLUSTER=$(mktemp -d "$base/neon_auth_admin.XXXXXX")
  chmod 755 "$CLUSTER"
  export PGHOST=$CLUSTER/socket PGPORT=5432 PGUSER=postgres
  export NEON_SIMULATOR_CA=$CLUSTER/simulator-ca.pem
}

# Postgres refuses to run as root. Its environment should not hold the key either, and with
# RUST_BACKTRACE=1 an error that Postgres raises below Rust would carry a backtrace.
as_server() { # COMMAND...
  local command=(env -u RUST_BACKTRACE -u RUST_LIB_BACKTRACE -u NEON_API_KEY -u NEON_AUTH_ADMIN_CANARY
    LD_LIBRARY_PATH="$(library_path)" "${SERVER_ENVIRONMENT[@]}" "$@")
  [[ $EUID != 0 ]] || command=(runuser -u "$(server_user)" -- "${command[@]}")
  (cd "$CLUSTER" && "${command[@]}" </dev/null)
}

server_user() {
  if [[ $EUID != 0 ]]; then
    id -un
  elif getent passwd postgres >/dev/null; then
    echo postgres
  else
    echo nobody
  fi
}

# The programs below were copied, so they find no library relative to themselves any more: name the
# folders where the originals found theirs, other than the system's own.
PROGRAMS=(postgres initdb pg_ctl)
library_path() {
  {
    "$PG_CONFIG" --libdir
    (cd "$("$PG_CONFIG" --bindir)" && ldd "${PROGRAMS[@]/#/.\/}") |
      sed -n 's|.* => \(/.*\)/[^/]* (.*|\1|p' | grep -vE '^(/usr)?/lib' || true
  } | sort -u | paste -sd:
}

# Postgres finds its folders relative to its own executable. A copy of that, below the temporary
# folder and with links to all else around it, looks for extensions there and not in the system.
shadow_install() {
  local bin lib share program
  bin=$("$PG_CONFIG" --bindir) lib=$("$PG_CONFIG" --pkglibdir) share=$("$PG_CONFIG" --sharedir)
  mkdir -p "$CLUSTER$bin" "$CLUSTER$lib" "$CLUSTER$share"
  for program in "${PROGRAMS[@]}"; do cp "$bin/$program" "$CLUSTER$bin"; done
  ln -s "$lib"/* "$CLUSTER$lib"
  ln -s "$share"/* "$CLUSTER$share"
  rm "$CLUSTER$share/extension"
  mkdir "$CLUSTER$share/extension"
  ln -s "$share"/extension/* "$CLUSTER$share/extension"

  # The system may have this extension as well: remove the links, never what they point to.
  rm -f "$CLUSTER$lib/neon_auth_admin.so" "$CLUSTER$share"/extension/neon_auth_admin*
  put_extension "$CLUSTER$lib" "$CLUSTER$share/extension"
}

# What was built here; packages are tested with what is in them instead.
put_extension() { # LIB EXTENSION
  install -m 755 "$TARGET/$PROFILE/libneon_auth_admin.so" "$1/neon_auth_admin.so"
  install -m 644 neon_auth_admin.control sql/neon_auth_admin--*.sql "$2"
}

server_program() { echo "${SHADOW:+$CLUSTER}$("$PG_CONFIG" --bindir)/$1"; } # NAME

cluster_init() { # DATA OPTION OF INITDB...
  as_server "$(server_program initdb)" -D "$1" -U postgres -A trust -E UTF8 --locale=C --no-sync "${@:2}" >"$CLUSTER/initdb.log" 2>&1 ||
    die "initdb failed: $(cat "$CLUSTER/initdb.log")"
}

cluster_configure() { # DATA SETTING...
  cat >>"$1/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$PGHOST'
port = $PGPORT
fsync = off
max_worker_processes = 16
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u@%d '
$(printf '%s\n' "${@:2}")
CONF
}

# Each argument is a line of postgresql.conf. Connect as PGUSER through PGHOST.
cluster_start() { # SETTING...
  local data=$CLUSTER/data
  [[ -z $SHADOW ]] || shadow_install
  if [[ $EUID == 0 ]]; then
    install -d -o "$(server_user)" "$data" "$PGHOST"
    install -o "$(server_user)" /dev/null "$CLUSTER/server.log"
  else
    mkdir "$data" "$PGHOST"
  fi
  as_server test -x . || die "$(server_user), who runs the server, cannot enter $CLUSTER: set TMPDIR"
  cluster_init "$data"
  cluster_configure "$data" "$@"
  server_start "$data" "$CLUSTER/server.log" ||
    die "the server did not start: $(tail -n 20 "$CLUSTER/server.log")"
  [[ -z $SHADOW || $(sql postgres "SELECT setting FROM pg_config WHERE name = 'PKGLIBDIR'") == "$CLUSTER"* ]] ||
    die "the server looks for extensions outside of $CLUSTER"
}

server_start() { # DATA LOG
  SERVERS+=("$1")
  as_server "$(server_program pg_ctl)" -D "$1" -l "$2" -w -t 60 start >/dev/null
}

server_stop() { # DATA MODE
  as_server "$(server_program pg_ctl)" -D "$1" -m "$2" stop >/dev/null 2>&1
}

cluster_stop() {
  local data
  for data in "${SERVERS[@]}"; do server_stop "$data" immediate || true; done
  SERVERS=()
}

# Stops at the first error; prints rows without decoration.
sql() { # DATABASE STATEMENT [USER]
  "$PSQL" -X -q -A -t -v ON_ERROR_STOP=1 -U "${3:-postgres}" -d "$1" -c "$2"
}

# The settings that let the extension talk to the simulator.
simulator_settings() { # MORE_HOSTS...
  local hosts
  hosts=$(printf ', %s' '127.0.0.1:*' 'localhost:*' "$@")
  echo "neon_auth_admin.allowed_hosts = 'console.neon.tech$hosts'"
  echo "neon_auth_admin.ca_file = '$NEON_SIMULATOR_CA'"
}

# Sets NEON_SIMULATOR_URL and NEON_SIMULATOR_HTTPS_URL.
simulator_start() { # FLAG...
  local urls=() file=$CLUSTER/simulator.urls log=$CLUSTER/simulator.log tries=200
  # A session of its own: Ctrl-C in the demo's psql is meant for a query.
  setsid "$TARGET/$PROFILE/neon_simulator" --tls --ca-file "$NEON_SIMULATOR_CA" \
    --url-file "$file" "$@" >"$log" 2>&1 </dev/null &
  SIMULATOR_PID=$!
  while ((${#urls[@]} < 2)); do
    { kill -0 "$SIMULATOR_PID" 2>/dev/null && ((tries-- > 0)); } ||
      die "the simulator did not start: $(cat "$log")"
    sleep 0.05
    [[ ! -f $file ]] || mapfile -t urls <"$file"
  done
  export NEON_SIMULATOR_URL=${urls[0]} NEON_SIMULATOR_HTTPS_URL=${urls[1]}
}

simulator_stop() {
  [[ -n $SIMULATOR_PID ]] || return 0
  kill "$SIMULATOR_PID" 2>/dev/null || true
  wait "$SIMULATOR_PID" 2>/dev/null || true
  SIMULATOR_PID=
}

# Copies the logs to where the temporary folder's end does not reach them.
keep_logs() {
  local log kept=()
  for log in server standby simulator; do
    [[ -s $CLUSTER/$log.log ]] || continue
    cp "$CLUSTER/$log.log" "$TARGET/$log.log" && kept+=("$TARGET/$log.log")
  done
  ((!${#kept[@]})) || say "Logs: ${kept[*]}"
  KEPT=1
}

cleanup() {
  local status=$?
  trap - EXIT
  trap '' HUP INT TERM
  set +e
  cluster_stop
  simulator_stop
  [[ $status == 0 || $status -gt 128 || -n ${KEPT:-} ]] || keep_logs >&2
  [[ -z $CLUSTER ]] || rm -rf -- "$CLUSTER"
  exit "$status"
}
