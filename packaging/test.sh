#!/usr/bin/env bash
# Makes the packages for the Postgres of PG_CONFIG and tries them: what is in them, and the tour with
# nothing but them. A Debian package is installed with apt beside Debian's own server, and removed.
# shellcheck source=tests/tour.sh
source "$(dirname "$0")/../tests/tour.sh"

bash packaging/package.sh
timed "Building the simulator of the Neon API" build_simulator
VERSION=$(version)
PACKAGES=$TARGET/packages
TARBALL=$PACKAGES/neon_auth_admin-$VERSION-pg$PG_MAJOR-linux-$(uname -m).tar.xz
PACKAGE=postgresql-$PG_MAJOR-neon-auth-admin
DEB=$PACKAGES/${PACKAGE}_$VERSION-1_$(dpkg --print-architecture 2>/dev/null || true).deb

checksums() { (cd "$PACKAGES" && sha256sum --quiet -c "$(basename "$1").sha256"); } # FILE

# No folder of this machine, nor names for a debugger; what a user may read, and nobody else writes.
library_is_clean() { # LIBRARY
  local folder
  for folder in "$PWD" "$TARGET" "${CARGO_HOME:-$HOME/.cargo}" "$(rustc --print sysroot)"; do
    ! grep -qaF "$folder" "$1" || die "$1 contains $folder: $(strings "$1" | grep -F "$folder" | head -n 3)"
  done
  ! readelf -SW "$1" | grep -qE ' \.(symtab|debug_|comment)' || die "$1 is not stripped"
}

# Optimized across crates: then all of them are in one unit.
library_is_whole() { # LIBRARY BEFORE IT IS STRIPPED
  local units
  # But for that of rustc itself, which never is.
  units=$(readelf -sW "$1" | grep ' FILE .*-cgu\.' | grep -vc ' compiler_builtins\.' || true)
  ((units == 1)) || die "$1 was linked from $units units: was lto left out?"
}

# Of each crate that is linked, and the notices that belong to them all.
notices_are_complete() { # FOLDER
  local crates
  crates=$(grep -c '^\(Files:\)\? crates/' "$1/copyright")
  ((crates > 50)) || die "the copyright file names $crates crates"
  [[ -s $1/COPYRIGHT-library.html && -s $1/Apache-2.0.txt ]] || die "a notice is missing in $1"
}

# Pages link to one another, to the examples and to the schema of documents.
documentation_is_complete() { # FOLDER
  diff -rq docs "$1/docs" || die "a page is missing in $1"
  diff -rq examples "$1/examples" || die "an example is missing in $1"
}

modes_are_plain() { # FOLDER
  local odd
  odd=$(find "$1" \( -type d ! -perm 755 \) -o \( -type f ! -name '*.so' ! -perm 644 \))
  [[ -z $odd ]] || die "odd modes: $odd"
}

# In a private server: from 18 on through its paths, before that copied as the page on installing says.
tour_from_tarball() {
  local package settings=()
  cluster_new
  tar -C "$CLUSTER" -xf "$TARBALL"
  package=$CLUSTER/$(basename "$TARBALL" .tar.xz)
  library_is_clean "$package/lib/neon_auth_admin.so"
  notices_are_complete "$package/licenses/neon_auth_admin"
  documentation_is_complete "$package/doc"
  modes_are_plain "$package"
  if ((PG_MAJOR >= 18)); then
    settings=("extension_control_path = '$package/share:\$system'" "dynamic_library_path = '$package/lib:\$libdir'")
    put_extension() { :; }
  else
    put_extension() { # LIB EXTENSION
      cp "$package/lib/neon_auth_admin.so" "$1"
      cp "$package"/share/extension/* "$2"
    }
  fi
  start_with_simulator "${settings[@]}"
  run_tour "$package/doc/examples/tour.sql" >"$PACKAGES/tour.log" 2>&1 || die "$(tail -n 20 "$PACKAGES/tour.log")"
}

installed_files() { find /etc /usr -xdev \( -name __pycache__ -prune \) -o \( -type f -o -type l \) -printf '%p %m %s\n' | sort; }

# The command of the container file.
INSTALL_PACKAGE=$(sed -n 's/.*\(apt-get install .*\) \/tmp.*/\1/p' packaging/Containerfile)

apt_get() { # COMMAND OF APT-GET...
  as_root env DEBIAN_FRONTEND=noninteractive "$@" -o DPkg::Lock::Timeout=300 </dev/null >"$PACKAGES/apt.log" 2>&1 ||
    die "$(cat "$PACKAGES/apt.log")"
}

# shellcheck disable=SC2086 # a command with its arguments
install_package() { apt_get ${INSTALL_PACKAGE:?} "$DEB"; }
remove_package() { apt_get apt-get remove -y "$PACKAGE"; }

lint_package() {
  if ! command -v lintian >/dev/null; then
    prepare_to_install lintian
    install_packages lintian lintian
  fi
  lintian --allow-root --fail-on error,warning "$DEB"
}

# Debian's server, as it is. What a database keeps when the package is gone fails until it is dropped.
tour_from_debian() {
  local answer
  SHADOW=
  cluster_new
  start_with_simulator
  run_tour "/usr/share/doc/$PACKAGE/examples/tour.sql" >"$PACKAGES/tour.log" 2>&1 || die "$(tail -n 20 "$PACKAGES/tour.log")"
  remove_package
  answer=$(psql_as_owner -X -At -v VERBOSITY=sqlstate -c "SELECT neon_auth_admin.list_domains()" 2>&1) || true
  [[ $answer == "ERROR:  58P01" ]] || die "without the package a call answers $answer"
  psql_as_owner -X -q -c "DROP EXTENSION neon_auth_admin CASCADE" 2>"$CLUSTER/drop.log" || die "$(cat "$CLUSTER/drop.log")"
}

try_debian_package() {
  local before=$PACKAGES/files.before after=$PACKAGES/files.after
  ! dpkg -s "$PACKAGE" >/dev/null 2>&1 || die "$PACKAGE is installed here: remove it first"
  installed_files >"$before"
  install_package
  trap 'dpkg -s "$PACKAGE" >/dev/null 2>&1 && remove_package' EXIT
  (tour_from_debian)
  trap - EXIT
  installed_files >"$after"
  diff -u "$before" "$after" || die "$PACKAGE leaves the system other than it was"
}

checksums "$TARBALL"
library_is_whole "$TARGET/package/release/libneon_auth_admin.so"
timed "Trying the tarball" eval '(tour_from_tarball)'
if [[ -f $DEB ]]; then
  checksums "$DEB"
  lint_package
  timed "Trying the Debian package" try_debian_package
fi
say "The packages for Postgres $PG_MAJOR work"
