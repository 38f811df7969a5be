# shellcheck shell=bash
# What the other scripts share: messages, timing, and everything that is asked of cargo.
# They run at the root of the repository.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "$*"; }
die() {
  printf 'neon_auth_admin: %s\n' "$*" >&2
  exit 1
}

# Says what a step is and how long it took. The step runs in this shell, so it may set variables.
timed() { # LABEL COMMAND...
  local label=$1 start=${EPOCHREALTIME//[.,]/} took
  shift
  printf '%s ... ' "$label"
  "$@"
  took=$(((${EPOCHREALTIME//[.,]/} - start) / 100000))
  printf '%d.%d s\n' $((took / 10)) $((took % 10))
}

minutes() { # SECONDS
  local tenths=$((($1 + 3) / 6))
  echo "$((tenths / 10)).$((tenths % 10)) min"
}

# The last line of every run of tests.
closing() { # PASSED FAILED SKIPPED
  local line="$1 passed, $2 failed"
  (($3 == 0)) || line+=", $3 skipped"
  say "$line"
}

# Runs tests, keeps their output, and adds what their last line counts to passed, failed and skipped.
# One that ends before it has counted is a failure.
count_run() { # OUTPUT COMMAND...
  local output=$1 status=0 counts run_passed run_failed run_skipped
  shift
  "$@" </dev/null 2>&1 | tee "$output" || status=$?
  counts=$(closing_line "$output")
  read -r run_passed _ run_failed _ run_skipped _ <<<"${counts:-0 passed, 0 failed}"
  ((status == 0 || run_failed > 0)) || run_failed=1
  passed=$((passed + run_passed)) failed=$((failed + run_failed)) skipped=$((skipped + ${run_skipped:-0}))
  ((run_failed == 0))
}

closing_line() { # OUTPUT
  grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$1" | tail -n 1 || true
}

# What tests said that they skipped, and why: sessions/support.rs has the function.
skipped_in() { # OUTPUT
  sed -n 's/.*\(skipped: .*\)/\1/p' "$1" | sort -u
}

VERSIONS=(14 15 16 17 18) # of Postgres, that are supported: each is a feature pgNN in Cargo.toml

# cargo knows where its target folder is. Root may have no cargo: then its default has to do, and
# what needs no build works.
if command -v cargo >/dev/null; then
  TARGET=$(cargo metadata --no-deps --offline --format-version 1 |
    sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
else
  TARGET=${CARGO_TARGET_DIR:-$PWD/target}
  cargo() { die "cargo is not on the PATH: install Rust first (https://rustup.rs)"; }
fi

version() { cargo pkgid | sed 's/.*[#@]//'; }

PROFILE=debug # or release: what is built, and then run

# No RUSTFLAGS anywhere but for packages, which have a target folder of their own: a developer's own cargo
# commands then share the cache of these builds.
# PG_MAJOR is set, and PGRX_PG_CONFIG_PATH exported, by setup.sh.
build_extension() {
  # A release is a shared library alone: in a build that makes one for Rust as well, cargo leaves lto out,
  # and does not say so (rust-lang/cargo#4611).
  local command=(build)
  [[ $PROFILE != release ]] || command=(rustc --crate-type cdylib)
  cargo "${command[@]}" --quiet --profile "${PROFILE/debug/dev}" --lib --no-default-features --features "pg$PG_MAJOR"
}

build_simulator() {
  cargo build --quiet --profile "${PROFILE/debug/dev}" -p neon_simulator
}

build_resolver() {
  cargo build --quiet -p neon_test_resolver
}

# Once without Postgres, which covers tests and tools, and once for what only Postgres gets to see.
clippy() {
  cargo clippy --quiet --workspace --no-default-features --all-targets -- -D warnings
  # Not among all targets, as it says "test = false".
  cargo clippy --quiet --workspace --no-default-features --test sessions -- -D warnings
  cargo clippy --quiet --lib --no-default-features --features "pg$PG_MAJOR" -- -D warnings
}

PGRX_VERSION=0.18.1

need_cargo_pgrx() {
  PATH=$TARGET/tools/bin:$PATH
  [[ $(cargo pgrx --version 2>/dev/null) == "cargo-pgrx $PGRX_VERSION" ]] && return
  say "Installing cargo-pgrx $PGRX_VERSION into $TARGET/tools, about 2 minutes"
  # Its default features want OpenSSL's headers, only to download Postgres, which we never do.
  cargo install --quiet --locked --debug --no-default-features --root "$TARGET/tools" \
    cargo-pgrx --version "$PGRX_VERSION"
}

CARGO_DENY_VERSION=0.20.2

need_cargo_deny() {
  PATH=$TARGET/tools/bin:$PATH
  [[ $(cargo deny --version 2>/dev/null) == "cargo-deny $CARGO_DENY_VERSION" ]] && return
  say "Installing cargo-deny $CARGO_DENY_VERSION into $TARGET/tools, 3 to 6 minutes"
  # Compiled for one run of a second: neither optimized nor with what a debugger wants.
  CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root "$TARGET/tools" \
    cargo-deny --version "$CARGO_DENY_VERSION"
}

# Holds the dependencies to deny.toml. Advisories only if somebody has fetched their database: that
# needs a network which not every machine has.
deny() {
  local dbs=${CARGO_HOME:-$HOME/.cargo}/advisory-dbs
  need_cargo_deny
  cargo deny --locked --workspace check licenses bans sources
  if compgen -G "$dbs/*/" >/dev/null; then
    cargo deny --locked --offline --workspace check advisories
  else
    say "Advisories are not checked: no database in $dbs (cargo deny --workspace fetch db gets it)"
  fi
}

# Extracts the install script from the compiled library; nothing else needs cargo-pgrx.
generate_schema() { # FILE
  local home=$TARGET/pgrx log=$TARGET/schema.log
  need_cargo_pgrx
  # A linker may drop pgrx's description of the SQL objects as unused. With the flag given to our
  # own crate only, the dependencies stay as every other build has them.
  cargo rustc --quiet --lib --no-default-features --features "pg$PG_MAJOR" -- \
    -C link-arg=-Wl,--no-gc-sections
  # A home of our own: the user may have none, and `cargo pgrx init` refuses to run as root.
  mkdir -p "$home"
  printf '[configs]\npg%s = "%s"\n' "$PG_MAJOR" "$PG_CONFIG" >"$home/config.toml"
  PGRX_HOME=$home cargo pgrx schema "pg$PG_MAJOR" --skip-build \
    --no-default-features --features "pg$PG_MAJOR" --out "$1.raw" >"$log" 2>&1 || {
    cat "$log" >&2
    die "cargo pgrx schema failed"
  }
  # Line numbers would change the script with every edit of a source file.
  sed -E 's/^(-- .*\.rs):[0-9]+$/\1/' "$1.raw" >"$1"
  rm "$1.raw"
}

install_script() {
  sed -n "s/^default_version *= *'\(.*\)'.*/sql\/neon_auth_admin--\1.sql/p" neon_auth_admin.control
}

schema() {
  generate_schema "$TARGET/schema.sql"
  cp "$TARGET/schema.sql" "$(install_script)"
  say "Wrote $(install_script)"
}

schema_check() {
  generate_schema "$TARGET/schema.sql"
  diff -u "$(install_script)" "$TARGET/schema.sql" ||
    die "$(install_script) is not what the code generates: run make schema and commit the result"
}

# Into the Postgres of PG_CONFIG, below DESTDIR if that is set.
install_extension() {
  local lib ext so=$TARGET/release/libneon_auth_admin.so
  lib=${DESTDIR:-}$("$PG_CONFIG" --pkglibdir)
  ext=${DESTDIR:-}$("$PG_CONFIG" --sharedir)/extension
  # Under sudo nothing is compiled: root's files in the target folder would be in the way later.
  if [[ $EUID == 0 && -n ${SUDO_USER:-} ]]; then
    [[ -f $so ]] || die "nothing is built yet: run make build PG_CONFIG=$PG_CONFIG, without sudo, first"
  else
    PROFILE=release timed "Building for Postgres $PG_MAJOR" build_extension
  fi
  { mkdir -p "$lib" "$ext" && [[ -w $lib && -w $ext ]]; } 2>/dev/null ||
    die "no permission to write to $lib and $ext; it is built, so now run:" \
      "sudo make install PG_CONFIG=$PG_CONFIG CARGO_TARGET_DIR=$TARGET${DESTDIR:+ DESTDIR=$DESTDIR}"
  install -m 755 "$so" "$lib/neon_auth_admin.so"
  install -m 644 neon_auth_admin.control sql/neon_auth_admin--*.sql "$ext"
  say "Installed $lib/neon_auth_admin.so"
  say "Installed $ext/neon_auth_admin.control and its SQL scripts"
}

# PGXN wants META.json at the top of the archive.
pgxn_archive() {
  local version
  version=$(version)
  mkdir -p "$TARGET/packages"
  git archive --format zip --prefix "neon_auth_admin-$version/" --add-file packaging/META.json \
    --output "$TARGET/packages/neon_auth_admin-$version.zip" HEAD
  say "Made $TARGET/packages/neon_auth_admin-$version.zip"
}
