#!/usr/bin/env bash
# Finds, or on Debian and Ubuntu installs, what a build needs besides Rust: a Postgres server with its
# headers, libclang, a C compiler. Sourced, it sets PG_CONFIG, PG_MAJOR, PSQL and PG_REGRESS.
# shellcheck source=tests/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

major() { "$1" --version 2>/dev/null | sed -n 's/^[^0-9]*\([0-9]*\).*/\1/p'; } # PROGRAM
supported() { [[ " ${VERSIONS[*]} " == *" $1 "* ]]; }                          # MAJOR

# Debian's libpq-dev has a pg_config, but neither the server nor the server's headers.
usable() { # PG_CONFIG
  supported "$(major "$1")" &&
    [[ -f $("$1" --includedir-server)/postgres.h && -x $("$1" --bindir)/postgres ]]
}

# The files that match below Debian's /usr/lib/postgresql/MAJOR, newest Postgres first.
debian() { # PATH BELOW IT
  compgen -G "/usr/lib/postgresql/*/$1" | sort -rV || true
}

find_pg_config() {
  local candidate
  for candidate in $(debian bin/pg_config) "$(command -v pg_config || true)"; do
    if [[ -n $candidate ]] && usable "$candidate"; then
      echo "$candidate"
      return
    fi
  done
}

# The server's own psql if it runs, but rather one that has \getenv, which came with 15.
find_psql() {
  local candidate wanted
  for wanted in 15 14; do
    for candidate in "$("$PG_CONFIG" --bindir)/psql" $(debian bin/psql) "$(command -v psql || true)"; do
      if [[ -x $candidate && $(major "$candidate") -ge $wanted ]]; then
        echo "$candidate"
        return
      fi
    done
  done
}

# Likewise: some relocated installations have one that cannot run.
find_pg_regress() {
  local candidate
  for candidate in "$(dirname "$("$PG_CONFIG" --pgxs)")/../test/regress/pg_regress" \
    $(debian lib/pgxs/src/test/regress/pg_regress); do
    if "$candidate" --version >/dev/null 2>&1; then
      realpath "$candidate"
      return
    fi
  done
}

# The newest libclang is the one that bindgen takes; it is of use only with its own headers.
libclang_package() {
  local newest
  [[ -z ${LIBCLANG_PATH:-} ]] || return 0
  newest=$(compgen -G '/usr/lib/llvm-*/lib/libclang[.-]*so*' | sed 's|/lib/libclang.*||' | sort -V | tail -n 1 || true)
  if [[ -z $newest ]]; then
    echo libclang-dev
  elif ! compgen -G "$newest/lib/clang/*/include/stddef.h" >/dev/null; then
    echo "libclang-${newest##*/llvm-}-dev"
  fi
}

postgres_packages() {
  local server default
  for server in $(debian bin/postgres); do
    if supported "$(major "$server")"; then
      echo "postgresql-server-dev-$(major "$server")"
      return
    fi
  done
  default=$(apt-cache depends postgresql | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
  supported "$default" ||
    die "this system's packages have Postgres ${default:-unknown}, not one of ${VERSIONS[*]} (see apt.postgresql.org)"
  echo "postgresql-$default postgresql-server-dev-$default"
}

as_root() {
  if [[ $EUID == 0 ]]; then "$@"; else sudo "$@"; fi
}

# No default cluster: nobody asked for a running Postgres. The setting is gone again afterwards.
# shellcheck disable=SC2016 # it is the inner shell that expands
INSTALL='
  dir=/etc/postgresql-common/createcluster.d
  trap "rm -f $dir/neon_auth_admin.conf; rmdir -p --ignore-fail-on-non-empty $dir" EXIT
  mkdir -p $dir && echo "create_main_cluster = false" >$dir/neon_auth_admin.conf &&
  DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
    install -q -y --no-install-recommends "$@"'

# Says something only if the command fails.
quietly() { # COMMAND...
  local output
  output=$("$@" 2>&1 </dev/null) || die "$output" $'\n'"could not install the packages"
}

# What packages there are is known only afterwards.
prepare_to_install() { # WHAT IS MISSING
  command -v apt-get >/dev/null ||
    die "missing: $1. Without apt-get it cannot be installed here; for a Postgres, set PG_CONFIG."
  if [[ $EUID != 0 ]] && ! sudo -n true 2>/dev/null; then
    # sudo asks for the password on the terminal, if there is one.
    { [[ -t 0 ]] && sudo -v; } 2>/dev/null ||
      die "missing: $1. To install it run: sudo bash $PWD/tests/setup.sh"
  fi
  quietly as_root apt-get update -q
}

install_packages() { # WHAT IS MISSING, PACKAGE...
  say "Installing ${*:2}, because this is missing: $1"
  quietly as_root sh -c "$INSTALL" sh "${@:2}"
}

install_missing() { # WHAT...
  local packages what
  what=$(printf ', %s' "$@")
  prepare_to_install "${what:2}"
  packages=$(libclang_package)
  [[ -n $PG_CONFIG ]] || packages+=" $(postgres_packages)"
  command -v cc >/dev/null || packages+=" gcc libc6-dev"
  # shellcheck disable=SC2086 # a list of packages
  install_packages "${what:2}" $packages
}

setup() {
  local missing=()
  if [[ -n ${PG_CONFIG:-} ]]; then
    PG_CONFIG=$(realpath -s "$(command -v "$PG_CONFIG" || echo "$PG_CONFIG")")
    usable "$PG_CONFIG" ||
      die "PG_CONFIG=$PG_CONFIG is not of a Postgres ${VERSIONS[0]} to ${VERSIONS[-1]} with its server and server headers"
  fi
  PG_CONFIG=${PG_CONFIG:-$(find_pg_config)}
  [[ -n $PG_CONFIG ]] || missing+=("a Postgres server (${VERSIONS[0]} to ${VERSIONS[-1]}) with its headers")
  [[ -z $(libclang_package) ]] || missing+=("libclang with its headers")
  command -v cc >/dev/null || missing+=("a C compiler")
  if ((${#missing[@]})); then
    install_missing "${missing[@]}"
    PG_CONFIG=${PG_CONFIG:-$(find_pg_config)}
  fi
  PG_MAJOR=$(major "$PG_CONFIG")
  PSQL=${PSQL:-$(find_psql)}
  PG_REGRESS=${PG_REGRESS:-$(find_pg_regress)}
  export PG_CONFIG PG_MAJOR PSQL PG_REGRESS PGRX_PG_CONFIG_PATH=$PG_CONFIG
}

setup
